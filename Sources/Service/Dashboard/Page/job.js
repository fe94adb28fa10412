// One job: what it does now, its curves, its report, its checkpoints, its spec.
import { h, put, badge, table, copyButton, toast, announce, percent, proportion, figure, number, bytes, time, jobTitle, normSymbol } from "./dom.js";
import { get, post, create, remove, everything, jobPath, Watched } from "./api.js";
import { listen, whileVisible, eventMode } from "./events.js";
import { Chart, curvePoints } from "./chart.js";
import { headline, progressText } from "./jobs.js";

/** Points of a history that a chart of this width can show. */
const mostPoints = 800;
const phases = ["base", "attack", "combine", "retrain", "evaluate"];

export async function show(body, { parts, signal }) {
  const job = await get(jobPath(parts[1]), signal);
  const page = new JobPage(job, signal);
  body.append(page.element);
  await page.begin();
  return jobTitle(job);
}

class JobPage {
  #signal; #job; #head; #now; #warnings; #curves; #report; #checkpoints; #history = []; #charts; #thinned; #readAgain; #hasReport = false;

  constructor(job, signal) {
    this.#signal = signal;
    this.#job = job;
    [this.#head, this.#now, this.#warnings, this.#curves, this.#report, this.#checkpoints] = Array.from({ length: 6 }, () => h("div"));
    this.element = h("div", this.#head, this.#now, this.#warnings, this.#report, this.#curves, this.#checkpoints, this.#details());
    this.#show();
  }

  async begin() {
    const id = this.#job.id;
    listen((message) => {
      if (message.job === id) this.#take(message);
      else if (message.mode === "all") this.#read();
    }, { jobs: this.#job.terminal ? [] : [id], signal: this.#signal });
    // The stream of all jobs does not tell how far they are, and without a stream nothing tells of anything.
    const watched = new Watched(jobPath(id));
    whileVisible(1.5, async () => {
      if (this.#job.terminal || eventMode() === "jobs") return;
      try {
        const job = await watched.fresh(this.#signal);
        if (job) await this.#become(job);
      } catch (error) { this.#missing(error); }
    }, this.#signal);
    await Promise.all([this.#readHistory(), this.#readCheckpoints(), this.#readReport()]);
  }

  // MARK: Changes

  #take({ event, data }) {
    const job = this.#job;
    if (event === "progress") {
      const { at, job: ignored, ...progress } = data;
      job.progress = { ...job.progress, ...progress };
      return this.#showNow();
    }
    if (event === "metric") return this.#addPoint(data);
    // However many events come at once, what counts is how the job then stands.
    this.#readAgain ??= setTimeout(() => {
      this.#readAgain = undefined;
      this.#read();
    }, event === "checkpoint" ? 1000 : 150);
  }

  async #read() {
    try {
      await this.#become(await get(jobPath(this.#job.id), this.#signal));
      await this.#readCheckpoints();
    } catch (error) { this.#missing(error); }
  }

  async #become(job) {
    const before = this.#job;
    this.#job = job;
    if (before.state !== job.state) announce(`The job is ${job.state}.`);
    if (before.state !== job.state || before.warnings.length !== job.warnings.length) this.#show();
    else this.#showNow();
    if (!before.terminal && job.terminal) await this.#readReport();
  }

  /** A job that somebody deleted. What else goes wrong is tried again soon. */
  #missing(error) { if (error.status === 404) location.hash = "#/jobs"; }

  // MARK: What it is

  #show() {
    const job = this.#job;
    const labels = Object.entries(job.labels).map(([key, value]) => h("a", { href: `#/jobs?label=${encodeURIComponent(`${key}=${value}`)}` }, `${key}=${value} `));
    const action = (word, run, className = "") => h(`button${className}`, { type: "button", onclick: async (event) => {
      event.target.disabled = true;
      try { await run(); } catch (error) { toast(error.message); }
      event.target.disabled = false;
    } }, word);
    const change = (verb) => async () => {
      this.#job = await post(jobPath(job.id, `/${verb}`));
      this.#show();
    };
    const from = job.resumed_from ?? job.extended_from;
    put(this.#head,
      h("h1", { tabindex: "-1" }, jobTitle(job)),
      h("p", badge(job.state), " ", h("span.id", job.id), " ", copyButton(job.id, "Copy the id"), " ", labels,
        from && h("span.small", "goes on with ", h("a", { href: `#/jobs/${from}` }, from))),
      job.reason && h("p.fault", job.reason),
      h("div.bar",
        ["queued", "running", "pausing"].includes(job.state) && action("Pause", change("pause")),
        job.state === "paused" && action("Resume", change("resume")),
        job.state === "failed" && action("Go on from its last saved state", async () => { location.hash = `#/jobs/${(await create(jobPath(job.id, "/resume"))).id}`; }),
        !job.terminal && action("Cancel", change("cancel"), ".danger"),
        h("a.button", { href: `#/submit?from=${encodeURIComponent(job.id)}` }, "Edit and submit again"),
        h("a.button", { href: `#/compare?jobs=${encodeURIComponent(job.id)}` }, "Compare"),
        job.terminal && action("Delete", async () => {
          if (!confirm(`Delete ${jobTitle(job)} with its checkpoints and its report?`)) return;
          await remove(jobPath(job.id));
          location.hash = "#/jobs";
        }, ".danger")));
    // A report has those of its job, too.
    put(this.#warnings, job.warnings.length && !this.#hasReport ? h("section.card", { "aria-label": "Warnings" }, h("h2", "Warnings"),
      job.warnings.map((warning) => h("div.warning", warning.detail, " ", h("span.id", warning.code)))) : []);
    this.#showNow();
  }

  #nowParts;
  #showNow() {
    const job = this.#job, { progress } = job;
    const figures = [["clean_accuracy", "clean accuracy"], ["robust_accuracy", "robust accuracy"]].map(([name, title]) => {
      const known = headline(job, name);
      return h("li", h("b", known?.text ?? "–"), h("span", title, known ? (known.isInterim ? ", validation" : ", report") : ""));
    });
    const facts = [["attempt", job.attempt], ["created", time(job.created_at)], ["began", time(job.started_at)], ["ended", time(job.finished_at)]]
      .filter(([, value]) => value !== "–").map(([title, value]) => h("li", h("span", `${title} `), value));
    const now = job.terminal ? [] : [
      h("ul.phases", { "aria-label": "Phases" }, phases.map((phase) => h("li", { "aria-current": phase === progress.phase && job.state === "running" ? "step" : null }, phase))),
      h("progress", { max: 1, value: number(progress.fraction) || 0, "aria-label": "Progress" }),
      h("p.small", progressText(job) || (job.state === "queued" ? "waiting for its turn" : job.state), progress.step !== null && `, step ${progress.step} of ${progress.steps}`,
        progress.examples_per_second && `, ${figure(Math.round(progress.examples_per_second))} images/s`, progress.saved_step !== null && `, saved at update ${progress.saved_step}`),
    ];
    put(this.#now, h("section.card", { "aria-label": "Now" }, now, h("ul.figures", figures), h("ul.figures.small", facts)));
  }

  // MARK: Curves

  async #readHistory() {
    const { data, thinned } = await get(jobPath(this.#job.id, `/metrics?max_points=${mostPoints}`), this.#signal);
    // What came by the stream meanwhile is newer.
    const last = data.at(-1)?.epoch ?? -1;
    this.#history = [...data, ...this.#history.filter((point) => point.epoch > last)];
    this.#thinned = thinned;
    this.#showCurves();
  }

  #addPoint(point) {
    const last = this.#history.at(-1);
    if (last && point.epoch < last.epoch) return;
    if (last?.epoch === point.epoch) this.#history.pop();
    this.#history.push(point);
    // A chart has no more columns than that; every second point is enough.
    if (this.#history.length > 2 * mostPoints) this.#history = this.#history.filter((_, index, all) => index % 2 === 0 || index === all.length - 1);
    this.#job.metrics = { ...this.#job.metrics, ...point.values };
    this.#showCurves();
  }

  #showCurves() {
    if (!this.#history.length) return;
    if (!this.#charts) {
      this.#charts = {
        accuracy: new Chart({ title: "Accuracy", xTitle: "epoch", share: true, height: 270 }),
        loss: new Chart({ title: "Loss", xTitle: "epoch", height: 150 }), rate: new Chart({ title: "Learning rate", xTitle: "epoch", height: 130 }),
      };
      put(this.#curves, h("section.card", { "aria-label": "Curves" }, h("h2", "Curves"), h("div.columns", h("div", this.#charts.accuracy.element), h("div", this.#charts.loss.element, this.#charts.rate.element)),
        h("p.small", h("a", { href: jobPath(this.#job.id, "/metrics"), download: `${this.#job.id}-metrics.json` }, "All figures by epoch"), this.#thinned ? `, of which ${this.#thinned} epochs are no longer kept` : "")));
    }
    const line = (title, name, look) => ({ title, look, points: this.#history.filter((point) => point.values[name] !== undefined).map((point) => [point.epoch, number(point.values[name])]) });
    this.#charts.accuracy.set([line("robust, validation", "validation_robust_accuracy", 0), line("clean, validation", "validation_clean_accuracy", 1), line("adversarial, training", "train_adversarial_accuracy", 2), line("clean, training", "train_clean_accuracy", 3)]);
    this.#charts.loss.set([line("loss", "loss", 0)]);
    this.#charts.rate.set([line("learning rate", "learning_rate", 0)]);
  }

  // MARK: The report

  async #readReport() {
    const job = this.#job;
    if (job.generated_dataset) {
      return put(this.#report, h("section.card", h("h2", "Result"), h("p", "The images are the data set ", h("a", { href: `#/datasets/${job.generated_dataset}` }, job.generated_dataset), ".")));
    }
    if (job.state !== "succeeded" || !job.links.report) return;
    const report = await get(jobPath(job.id, "/report"), this.#signal);
    this.#hasReport = true;
    put(this.#warnings);
    const { before, after } = report;
    const head = ["", ...(before ? ["before", "after"] : ["model"])];
    const sides = [before, after].filter(Boolean);
    const rows = [["clean", ...sides.map((side) => proportion(side.clean_accuracy))]];
    for (const attack of after.attacks) rows.push([attack.label, ...sides.map((side) => proportion(side.attacks.find((other) => other.label === attack.label)?.robust_accuracy))]);
    if (after.attacks.length > 1) rows.push(["all attacks", ...sides.map((side) => proportion(side.worst_case))]);
    if (after.union_of_threats) rows.push(["all threats", ...sides.map((side) => proportion(side.union_of_threats))]);
    for (const [index, at] of (after.certificate?.radii ?? []).entries()) rows.push([`certified within ${figure(at.radius)}`, ...sides.map((side) => proportion(side.certificate?.radii[index]?.certified_accuracy))]);
    rows.push(["worst class", ...sides.map((side) => (side.worst_class ? `${percent(side.worst_class.robust_accuracy.value)} (${side.worst_class.name})` : "–"))]);
    const gates = report.gates.map((gate) => [
      [gate.metric, gate.attack && `under ${gate.attack}`, gate.class && `of ${gate.class}`, gate.min !== undefined && gate.min !== null ? `≥ ${gate.min}` : `≤ ${gate.max}`].filter(Boolean).join(" "),
      gate.value === null || gate.value === undefined ? "–" : gate.metric === "median_distance" ? figure(gate.value) : percent(gate.value),
      gate.interval ? `${percent(gate.interval.low)} to ${percent(gate.interval.high)}` : "", badge(gate.verdict), gate.detail ?? ""]);
    const chart = new Chart({ title: `Accuracy by ε (${normSymbol(report.spec.threat.norm)}${after.curve_attack ? `, ${after.curve_attack}` : ""})`, xTitle: "ε", share: true, height: 270, marks: true });
    chart.set([{ title: "after", look: 0, points: curvePoints(after) }, { title: "before", look: 1, points: curvePoints(before) }]);
    const robust = after.worst_case;
    const link = (suffix, title) => h("a.button", { href: jobPath(job.id, `/report${suffix}`), target: "_blank", rel: "noopener" }, title);
    put(this.#report, h("section.card", { "aria-label": "Report" },
      h("h2", "Report"), h("p.verdict", badge(report.verdict)),
      h("p.headline", `Of 100 test images the model gets ${share(after.clean_accuracy)} right as they are`,
        after.attacks.length ? `, and ${share(robust)} when each may be changed by ${normSymbol(report.spec.threat.norm)} ≤ ${figure(report.spec.threat.epsilon)} (${share(robust.interval.low)} to ${share(robust.interval.high)}).` : ".",
        before && after.attacks.length && report.model.base_sha256 !== report.model.sha256 ? ` Before adversarial training it was ${share(before.clean_accuracy)} and ${share(before.worst_case)}.` : ""),
      gates.length ? table("Gates", ["gate", "measured", "interval", "verdict", "why"], gates, { className: ".cards" }) : h("p.dim", "The spec has no gates, so nothing was asked of the model."),
      h("div.columns", h("div", table("Accuracy, with 95 % intervals", head, rows)), h("div", after.curve.length ? chart.element : [])),
      report.warnings.length ? [h("h3", "What to know about these numbers"), report.warnings.map((warning) => h("div.warning", warning.detail, " ", h("span.id", warning.code)))] : [],
      h("h3", "Pictures"),
      job.links.evidence && this.#picture("examples.png", "Adversarial examples: clean, attacked, and their difference"),
      after.confusion ? this.#picture("confusion.svg", "Predictions by class, clean and under attack") : [],
      h("details", h("summary", "Accuracy of each class"), table("Classes", ["class", "clean", "robust"], after.per_class.map((item) => [item.name, percent(item.clean_accuracy.value), percent(item.robust_accuracy.value)]), { numbers: [1, 2] })),
      h("div.bar", link(".html", "As a page to mail or print"), link(".md", "Markdown"), link(".csv", "CSV"), link(".junit.xml", "JUnit"), link(".sarif", "SARIF"), link("", "JSON"),
        link("/curve.svg", "Curve"), link("/history.svg", "History"), job.links.evidence && h("a.button", { href: job.links.evidence, download: "" }, "Evidence"))));
  }

  /** A picture of the report, where it has it. */
  #picture(name, title) {
    const box = h("figure", { hidden: true }, h("figcaption", title), h("img.picture", { src: jobPath(this.#job.id, `/report/${name}`), alt: title, onload: () => { box.hidden = false; } }));
    return box;
  }

  // MARK: Checkpoints

  async #readCheckpoints() {
    const list = await everything(jobPath(this.#job.id, "/checkpoints"), { signal: this.#signal });
    if (!list.length) return;
    const origin = location.origin;
    put(this.#checkpoints, h("section.card", { "aria-label": "Checkpoints" }, h("h2", "Checkpoints"),
      table("Weights that the job has kept", ["role", "epoch", "validation", "size", "SHA-256", "download"], list.map((item) => {
        const path = jobPath(this.#job.id, `/checkpoints/${item.role ?? item.id}`);
        const curl = `curl -fsSOJ ${origin}${path}`;
        return [h("b", item.role ?? "–"), figure(item.epoch), `${percent(item.metrics.validation_clean_accuracy)} clean, ${percent(item.metrics.validation_robust_accuracy)} robust`, bytes(item.bytes),
          h("span", h("code", { title: item.sha256 }, item.sha256.slice(0, 12)), "… ", copyButton(item.sha256)), h("span", h("a", { href: path, download: "" }, "file"), " ", copyButton(curl, "Copy curl"))];
      }), { className: ".cards" })));
  }

  // MARK: Spec and events, when they are asked for

  #details() {
    const job = this.#job;
    const events = h("div", "…");
    const spec = JSON.stringify(job.spec, null, 2);
    return h("section.card", { "aria-label": "Details" },
      h("details", h("summary", "Completed spec"), h("p", copyButton(spec, "Copy")), h("pre", { tabindex: "0" }, spec)),
      h("details", { ontoggle: (event) => { if (event.target.open) this.#showEvents(events); } }, h("summary", "States and events"), events));
  }

  async #showEvents(box) {
    try {
      const shown = (await everything(jobPath(this.#job.id, "/events"), { signal: this.#signal, most: 400 }))
        .map((event) => [String(event.id), time(event.at ?? event.data?.at), event.event ?? event.kind, h("code", short(JSON.stringify(event.data)))]);
      put(box, table("States", ["state", "at", "reason"], this.#job.transitions.map((change) => [badge(change.state), time(change.at), change.reason ?? ""])),
        table(`The first ${shown.length} events`, ["id", "at", "event", "data"], shown));
    } catch (error) { put(box, error.message); }
  }
}

function share(measured) {
  const value = typeof measured === "object" ? number(measured.value) : measured;
  return Number.isFinite(value) ? Math.round(value * 100) : "an unknown number";
}

const short = (text = "") => (text.length > 160 ? `${text.slice(0, 159)}…` : text);
