// Two to four jobs side by side: results, paired tests, curves over each other, and where their specs differ.
import { h, put, badge, table, percent, proportion, number, jobTitle, figure } from "./dom.js";
import { get, everything, jobPath } from "./api.js";
import { Chart, curvePoints } from "./chart.js";
import { outcomes, paired } from "./evidence.js";
import { headline } from "./jobs.js";

const most = 4;
const metrics = { validation_robust_accuracy: "robust accuracy, validation", validation_clean_accuracy: "clean accuracy, validation", loss: "loss", train_adversarial_accuracy: "adversarial accuracy, training", learning_rate: "learning rate" };

export async function show(body, { query, signal }) {
  const ids = [...new Set((query.get("jobs") ?? "").split(",").filter(Boolean))].slice(0, most);
  const jobs = await Promise.all(ids.map((id) => get(jobPath(id), signal)));
  body.append(h("h1", "Compare"), chooser(jobs, signal));
  if (jobs.length < 2) return "Compare";
  const reports = await Promise.all(jobs.map((job) => (job.state === "succeeded" && job.links.report ? get(jobPath(job.id, "/report"), signal) : null)));
  body.append(results(jobs, reports), tests(jobs, signal), curves(jobs, reports, signal), differences(jobs));
  return `Compare ${jobs.map(jobTitle).join(", ")}`;
}

/** What a job is called where several stand together. */
const letter = (index) => "ABCD"[index];

function chooser(jobs, signal) {
  const address = (ids) => `#/compare?jobs=${ids.map(encodeURIComponent).join(",")}`;
  const ids = jobs.map((job) => job.id);
  const select = h("select", { "aria-label": "Add a job", onchange: (event) => { if (event.target.value) location.hash = address([...ids, event.target.value]); } }, h("option", { value: "" }, "choose …"));
  everything("/v1/jobs", { signal, most: 200 }).then((all) => select.append(...all.filter((job) => !ids.includes(job.id)).map((job) => h("option", { value: job.id }, `${jobTitle(job)} (${job.state}, ${job.created_at.slice(0, 16).replace("T", " ")})`))), () => {});
  return h("section.card", { "aria-label": "Jobs" },
    h("ul.plain", jobs.map((job, index) => h("li", h("b", `${letter(index)} `), h("a", { href: `#/jobs/${job.id}` }, jobTitle(job)), " ", badge(job.state), " ", h("span.id", job.id), " ",
      h("a", { href: address(ids.filter((id) => id !== job.id)), "aria-label": `Take ${jobTitle(job)} away` }, "take away")))),
    jobs.length < most ? h("label.bar", h("span", jobs.length < 2 ? "Choose two to four jobs:" : "Add a job:"), select) : []);
}

function results(jobs, reports) {
  const row = (title, cell) => [title, ...jobs.map((job, index) => cell(reports[index], job) ?? "–")];
  const rows = [
    row("verdict", (report) => report && badge(report.verdict)),
    row("clean accuracy", (report, job) => (report ? proportion(report.after.clean_accuracy) : headline(job, "clean_accuracy")?.text)),
    row("under all attacks", (report, job) => (report ? proportion(report.after.worst_case) : headline(job, "robust_accuracy")?.text)),
    row("worst class", (report) => report?.after.worst_class && `${percent(report.after.worst_class.robust_accuracy.value)} (${report.after.worst_class.name})`),
    row("attacks", (report) => report?.after.attacks.map((attack) => attack.label).join(", ")),
    row("images", (report) => report && String(report.dataset.evaluated_count)),
    row("seconds", (report) => report && figure(Object.values(report.seconds).reduce((sum, seconds) => sum + number(seconds), 0))),
  ];
  return h("section.card", table("Results", ["", ...jobs.map((job, index) => `${letter(index)} ${jobTitle(job)}`)], rows));
}

function tests(jobs, signal) {
  const box = h("div", "reading the evidence …");
  (async () => {
    const found = await Promise.all(jobs.map((job) => outcomes(job, signal).catch(() => null)));
    const rows = [];
    for (const [index, one] of jobs.entries()) for (const [place, other] of jobs.entries()) {
      if (place <= index) continue;
      for (const robust of [false, true]) {
        const test = paired(found[index], found[place], robust);
        const head = [`${letter(index)} and ${letter(place)}`, robust ? "under all attacks" : "clean"];
        if (test.reason) { rows.push([...head, "–", "–", "–", "–", `No paired test: ${test.reason}.`]); continue; }
        const difference = (test.second - test.first) / test.total;
        rows.push([...head, String(test.first), String(test.second), `${difference >= 0 ? "+" : "−"}${(Math.abs(difference) * 100).toFixed(1)} points`, test.p < 0.0001 ? "< 0.0001" : test.p.toFixed(4),
          test.p < 0.05 ? `${letter(difference > 0 ? place : index)} is better: such a difference would come by chance in fewer than 1 of 20 cases.` : "The difference may be chance."]);
      }
    }
    put(box, table("The same images, one by one (McNemar's exact test)", ["jobs", "images", "only the first right", "only the second right", "difference", "p", "what it means"], rows, { numbers: [2, 3, 4, 5] }),
      h("p.small.dim", "Both were attacked alike, on the same images. With several pairs a small p comes by chance more easily."));
  })().catch((error) => { if (error.name !== "AbortError") put(box, error.message); });
  return h("section.card", h("h2", "Are they different?"), box);
}

function curves(jobs, reports, signal) {
  const byEpsilon = new Chart({ title: "Accuracy by ε", xTitle: "ε", share: true, height: 260, marks: true });
  byEpsilon.set(jobs.map((job, index) => ({ title: `${letter(index)} ${jobTitle(job)}`, look: index, points: reports[index] ? curvePoints(reports[index].after) : [] })));
  const holder = h("div");
  const histories = Promise.all(jobs.map((job) => get(jobPath(job.id, "/metrics?max_points=800"), signal)));
  const draw = async (name) => {
    const chart = new Chart({ title: metrics[name], xTitle: "epoch", share: name.endsWith("accuracy"), height: 260 });
    put(holder, chart.element);
    chart.set((await histories).map(({ data }, index) => ({ title: `${letter(index)} ${jobTitle(jobs[index])}`, look: index, points: data.filter((point) => point.values[name] !== undefined).map((point) => [point.epoch, number(point.values[name])]) })));
  };
  const failed = (error) => { if (error.name !== "AbortError") put(holder, error.message); };
  draw("validation_robust_accuracy").catch(failed);
  return h("section.card", h("h2", "Curves"), h("div.columns", h("div", byEpsilon.element), h("div", holder,
    h("label.bar", h("span", "By epoch: "), h("select", { onchange: (event) => draw(event.target.value).catch(failed) }, Object.entries(metrics).map(([name, title]) => h("option", { value: name }, title)))))));
}

/** The fields of a spec by their JSON pointers. */
export function flat(value, pointer = "") {
  if (value === null || typeof value !== "object" || Object.keys(value).length === 0) return { [pointer]: JSON.stringify(value) };
  return Object.assign({}, ...Object.entries(value).map(([key, inner]) => flat(inner, `${pointer}/${key}`)));
}

function differences(jobs) {
  const specs = jobs.map((job) => flat(job.spec));
  const pointers = [...new Set(specs.flatMap(Object.keys))].filter((pointer) => new Set(specs.map((spec) => spec[pointer])).size > 1).sort();
  return h("section.card", pointers.length
    ? table("Where their specs differ", ["field", ...jobs.map((job, index) => `${letter(index)} ${jobTitle(job)}`)], pointers.map((pointer) => [h("code", pointer), ...specs.map((spec) => (spec[pointer] === undefined ? h("span.dim", "not there") : h("code", spec[pointer])))]))
    : [h("h2", "Where their specs differ"), h("p", "Nowhere.")]);
}
