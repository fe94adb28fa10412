// Written by generate.py from the files of Page/. A test holds it to them.
// swift-format-ignore-file

let apiJs = ##"""
// Requests to the service that this page comes from. Faults are problem documents (RFC 9457).

export class Problem extends Error {
  constructor(document, status) {
    super(document.detail || document.title || `The service answered ${status}.`);
    this.document = document;
    this.status = status;
  }
}

async function request(path, { method = "GET", body, headers = {}, signal } = {}) {
  const fields = { Accept: "application/json", ...headers };
  let content = body;
  if (body !== undefined && !(body instanceof Blob) && !(body instanceof FormData)) {
    fields["Content-Type"] = "application/json";
    content = typeof body === "string" ? body : JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, { method, body: content, headers: fields, signal, credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ detail: "The service does not answer." }, 0);
  }
  if (response.status === 401) dispatchEvent(new Event("temper-locked"));
  if (!response.ok && response.status !== 304) {
    const text = await response.text();
    let document = {};
    try { document = JSON.parse(text); } catch { document = { detail: `The service answered ${response.status}.` }; }
    throw new Problem(document, response.status);
  }
  return response;
}

/** The document at a path. */
export async function get(path, signal) { return (await request(path, { signal })).json(); }

export async function post(path, body, headers) {
  const response = await request(path, { method: "POST", body, headers });
  return response.status === 204 ? null : response.json();
}

/** A POST that creates; a key makes a repeated click harmless. */
export function create(path, body) { return post(path, body, { "Idempotency-Key": crypto.randomUUID() }); }

export async function remove(path) { await request(path, { method: "DELETE" }); }

/** The first bytes of a file, and whether that is all of it. */
export async function beginning(path, count, signal) {
  const response = await request(path, { headers: { Accept: "*/*", Range: `bytes=0-${count - 1}` }, signal });
  return new Uint8Array(await response.arrayBuffer());
}

/** Asks again and again only for what has changed. */
export class Watched {
  #path; #tag; #last;
  constructor(path) { this.#path = path; }
  /** The document; `null` when it is as it was. */
  async fresh(signal) {
    const response = await request(this.#path, { headers: this.#tag ? { "If-None-Match": this.#tag } : {}, signal });
    if (response.status === 304) return null;
    this.#tag = response.headers.get("ETag");
    return (this.#last = await response.json());
  }
  get last() { return this.#last; }
}

/** Every entry of a list, page by page, as far as `most`. */
export async function everything(path, { signal, most = 1000, page } = {}) {
  const found = [];
  let after = "";
  for (;;) {
    const list = await get(`${path}${path.includes("?") ? "&" : "?"}limit=200${after && `&after=${after}`}`, signal);
    found.push(...list.data);
    page?.(list.data);
    if (!list.has_more || found.length >= most) return found;
    after = encodeURIComponent(list.last_id);
  }
}

export const jobPath = (id, part = "") => `/v1/jobs/${encodeURIComponent(id)}${part}`;
"""##

let appJs = ##"""
// Which page is shown. The address behind # names it, so that it can be linked to, and the service serves one document.
import { h, put, announce } from "./dom.js";
import { Problem } from "./api.js";
import { listen, eventMode } from "./events.js";
import * as jobs from "./jobs.js";

const main = document.getElementById("main");
/** Each page's module, loaded when it is first shown. */
const pages = {
  jobs: (parts) => (parts[1] ? import("./job.js") : jobs),
  submit: () => import("./submit.js"),
  compare: () => import("./compare.js"),
  leaderboard: () => import("./leaderboard.js"),
  datasets: () => import("./resources.js"),
  models: () => import("./resources.js"),
};
let current = new AbortController();
let isFirst = true;

async function show() {
  current.abort();
  const page = (current = new AbortController());
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const parts = (path || "jobs").split("/").map(decodeURIComponent);
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#/${parts[0]}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const body = h("div");
  try {
    const load = pages[parts[0]];
    if (!load) throw new Error(`There is no page “${parts[0]}”.`);
    const module = await load(parts);
    if (page.signal.aborted) return;
    put(main, body);
    const title = await module.show(body, { parts, query: new URLSearchParams(query), signal: page.signal });
    if (page.signal.aborted) return;
    document.title = `${title} – Temper`;
  } catch (error) {
    if (page.signal.aborted || error.name === "AbortError") return;
    put(main, h("h1", error.status === 404 ? "Not found" : "This page cannot be shown"), h("p.fault", error.message),
      error instanceof Problem && error.status === 0 ? h("p", h("button", { onclick: show }, "Try again")) : h("p", h("a", { href: "#/jobs" }, "To the jobs")));
    if (!(error instanceof Problem)) console.error(error);
  }
  if (!isFirst) {
    main.focus();
    scrollTo(0, 0);
    announce(document.title);
  }
  isFirst = false;
}

// MARK: The connection, and the session

const connection = document.getElementById("connection");
function showConnection() {
  const words = { all: "live", jobs: "live", down: "no connection; trying again", locked: "locked" };
  put(connection, words[eventMode()] ?? "");
}

const dialog = document.getElementById("token");
function lock() { if (!dialog.open) dialog.showModal(); }
addEventListener("temper-locked", lock);

dialog.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = document.getElementById("token-field"), fault = document.getElementById("token-fault");
  put(fault, "");
  // The cookie of the answer is this browser's from now on; scripts cannot read it.
  let response;
  try {
    response = await fetch("/v1/session", { method: "POST", headers: { Authorization: `Bearer ${field.value}` }, credentials: "same-origin" });
  } catch {
    return put(fault, "The service does not answer.");
  }
  if (!response.ok) return put(fault, response.status === 401 ? "The service does not know this token, or it has expired." : `The service answered ${response.status}.`);
  field.value = "";
  dialog.close();
  location.reload();
});

addEventListener("hashchange", show);
show();
listen((message) => {
  if (!message.mode) return;
  showConnection();
  if (message.mode === "locked") lock();
}, { signal: new AbortController().signal });
"""##

let chartJs = ##"""
// Line charts as SVG: bands for intervals, a readout under the pointer or the arrow keys, lines that differ by dashes as well as colour.
import { h, s, put, percent, figure } from "./dom.js";

const LEFT = 52, RIGHT = 12, TOP = 10;

/** Round values within a range: 1, 2 or 5 times a power of ten apart (Heckbert 1990). */
export function ticks(low, high, count) {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [low];
  const rough = span / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) * power;
  const found = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index++) found.push(Number((index * step).toPrecision(12)));
  return found;
}

/**
 * A chart that can be given new lines: lines are {title, look, points: [[x, y, low, high]]}, by rising x.
 * @param {{title: string, xTitle: string, share?: boolean, height?: number, marks?: boolean}} options share: y is a part of 1, in percent
 */
export class Chart {
  #options; #svg; #legend; #readout; #lines = []; #frame = 0; #scale; #cursor = null; #width = 640;

  constructor(options) {
    this.#options = { height: 220, ...options };
    this.#svg = s("svg.chart", {
      role: "img", tabindex: "0",
      onpointermove: (event) => this.#point(event), onpointerleave: () => this.#show(null),
      onkeydown: (event) => this.#key(event), onblur: () => this.#show(null),
    });
    this.#legend = h("ul.legend");
    this.#readout = h("p.unseen", { role: "status" });
    this.element = h("figure", h("figcaption", this.#options.title), this.#legend, this.#svg, this.#readout);
    // Drawn for its own width, so that letters keep their size on a phone.
    new ResizeObserver(([{ contentRect }]) => {
      const width = Math.round(Math.min(Math.max(contentRect.width, 260), 1200));
      if (width === this.#width || !contentRect.width) return;
      this.#width = width;
      this.#later();
    }).observe(this.element);
  }

  /** Draws at the next frame, however often it is called before. */
  set(lines) {
    this.#lines = lines.filter((line) => line.points.length);
    this.#later();
  }

  #later() {
    if (!this.#frame) this.#frame = requestAnimationFrame(() => { this.#frame = 0; this.#draw(); });
  }

  #draw() {
    const { height, share, xTitle, marks, title } = this.#options;
    this.#svg.setAttribute("viewBox", `0 0 ${this.#width} ${height}`);
    const points = this.#lines.flatMap((line) => line.points).filter((point) => Number.isFinite(point[1]));
    const xs = points.map((point) => point[0]);
    let [low, high] = xs.length ? [xs.reduce((a, b) => Math.min(a, b)), xs.reduce((a, b) => Math.max(a, b))] : [0, 1];
    if (low === high) [low, high] = [low - 0.5, high + 0.5];
    const highest = share ? 1 : points.reduce((most, point) => Math.max(most, point[1]), 0) * 1.05 || 1;
    const bottom = height - 34;
    const x = (value) => LEFT + ((value - low) / (high - low)) * (this.#width - LEFT - RIGHT);
    const y = (value) => bottom - (Math.min(Math.max(value, 0), highest) / highest) * (bottom - TOP);
    this.#scale = { x, y, low, high, bottom };
    const shown = (value) => (share ? `${Math.round(value * 100)} %` : figure(value));
    const grid = [
      ...ticks(0, highest, height > 150 ? 5 : 2).flatMap((tick) => [
        s("path.grid", { d: `M${LEFT} ${y(tick)}H${this.#width - RIGHT}` }), s("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, shown(tick)),
      ]),
      ...ticks(low, high, this.#width < 420 ? 4 : 8).flatMap((tick) => [
        s("path.grid", { d: `M${x(tick)} ${TOP}V${bottom}` }), s("text", { x: x(tick), y: bottom + 16, "text-anchor": "middle" }, figure(tick)),
      ]),
      s("text", { x: (LEFT + this.#width - RIGHT) / 2, y: height - 4, "text-anchor": "middle" }, xTitle),
    ];
    const place = (px, py) => `${px.toFixed(1)} ${py.toFixed(1)}`;
    const drawn = this.#lines.flatMap((line) => {
      const banded = line.points.filter((point) => point.length > 2);
      const edge = (index) => banded.map((point) => place(x(point[0]), y(point[index])));
      const band = banded.length > 1 && s(`path.band.look${line.look}`, { d: `M${[...edge(3), ...edge(2).reverse()].join("L")}Z` });
      let path = "", isBroken = true;
      for (const [px, py] of line.points) {
        if (!Number.isFinite(py)) { isBroken = true; continue; }
        path += `${isBroken ? "M" : "L"}${place(x(px), y(py))}`;
        isBroken = false;
      }
      const signs = (marks || line.points.length === 1) && line.points.filter((point) => Number.isFinite(point[1])).map((point) => s(`circle.look${line.look}`, { cx: x(point[0]), cy: y(point[1]), r: 3.5 }));
      return [band, path && s(`path.line.look${line.look}`, { d: path }), signs || []].flat().filter(Boolean);
    });
    this.#svg.replaceChildren(...grid, ...drawn);
    const ends = this.#lines.map((line) => `${line.title} ${this.#value(line.points.at(-1)[1])}`);
    this.#svg.setAttribute("aria-label", `${title}, ${xTitle} ${figure(low)} to ${figure(high)}. Last values: ${ends.join(", ") || "none"}. Arrow keys read single values.`);
    this.#show(this.#cursor);
  }

  #value(value) { return this.#options.share ? percent(value) : figure(value); }

  #names(at) {
    put(this.#legend, this.#lines.map((line) => {
      const point = at === null ? line.points.at(-1) : nearest(line.points, at);
      return h("li", s("svg", { viewBox: "0 0 26 8", "aria-hidden": "true" }, s(`line.look${line.look}`, { x1: 0, y1: 4, x2: 26, y2: 4 })), line.title, h("b", this.#value(point[1])));
    }), at === null ? [] : h("li.dim", `at ${this.#options.xTitle} ${figure(at)}`));
  }

  #show(at) {
    this.#cursor = at;
    this.#svg.querySelector(".cursor")?.remove();
    this.#names(at);
    if (at === null || !this.#scale) return;
    const { x, bottom } = this.#scale;
    this.#svg.append(s("path.cursor", { d: `M${x(at)} ${TOP}V${bottom}` }));
  }

  #point(event) {
    if (!this.#scale || !this.#lines.length) return;
    const box = this.#svg.getBoundingClientRect();
    const { low, high } = this.#scale;
    const value = low + (((event.clientX - box.left) / box.width) * this.#width - LEFT) / (this.#width - LEFT - RIGHT) * (high - low);
    this.#show(nearest(this.#longest, value)[0]);
  }

  #key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (!step || !this.#lines.length) return;
    event.preventDefault();
    const points = this.#longest;
    const index = this.#cursor === null ? points.length - 1 : points.indexOf(nearest(points, this.#cursor));
    const point = points[Math.min(Math.max(this.#cursor === null ? index : index + step, 0), points.length - 1)];
    this.#show(point[0]);
    this.#readout.textContent = `${this.#options.xTitle} ${figure(point[0])}: ${this.#lines.map((line) => `${line.title} ${this.#value(nearest(line.points, point[0])[1])}`).join(", ")}`;
  }

  get #longest() { return this.#lines.reduce((longest, line) => (line.points.length > longest.length ? line.points : longest), []); }
}

/** The point whose x is nearest, of points by rising x. */
function nearest(points, x) {
  let [first, last] = [0, points.length - 1];
  while (last - first > 1) {
    const middle = (first + last) >> 1;
    if (points[middle][0] <= x) first = middle;
    else last = middle;
  }
  return Math.abs(points[first][0] - x) <= Math.abs(points[last][0] - x) ? points[first] : points[last];
}

/** The points of a curve by epsilon, with their intervals. */
export function curvePoints(evaluation) {
  return (evaluation?.curve ?? []).map(({ epsilon, accuracy }) => [epsilon, Number(accuracy.value), accuracy.interval.low, accuracy.interval.high]);
}
"""##

let compareJs = ##"""
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
"""##

let domJs = ##"""
// Elements, and values as readers see them. What comes from the service is always set as text, never read as HTML.

/** An element: h("p.dim", {id: "x", onclick: f}, "text", child, [more]). */
export function h(name, ...content) {
  const [tag, ...classes] = name.split(".");
  return fill(document.createElement(tag || "div"), classes, content);
}

/** The same for SVG. */
export function s(name, ...content) {
  const [tag, ...classes] = name.split(".");
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), classes, content);
}

function fill(element, classes, content) {
  if (classes.length) element.setAttribute("class", classes.join(" "));
  const [first, ...rest] = content;
  const hasAttributes = first !== null && typeof first === "object" && !Array.isArray(first) && !(first instanceof Node);
  for (const [key, value] of Object.entries(hasAttributes ? first : {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked") element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...(hasAttributes ? rest : content).flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Replaces what an element holds, unless it is the same text. Whoever is at its third button is at the third afterwards, too. */
export function put(element, ...content) {
  if (content.length === 1 && typeof content[0] === "string") {
    if (element.textContent !== content[0] || element.childElementCount) element.textContent = content[0];
    return element;
  }
  const usable = "a[href], button, input, select, textarea, summary, [tabindex]";
  const place = element.contains(document.activeElement) ? [...element.querySelectorAll(usable)].indexOf(document.activeElement) : -1;
  element.replaceChildren(...content.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  if (place >= 0) element.querySelectorAll(usable)[place]?.focus({ preventScroll: true });
  return element;
}

export function badge(word, text = word) { return h(`span.badge.${word}`, text); }

/** A table of texts or elements; `numbers` says which columns are numbers. */
export function table(caption, head, rows, { numbers = [], className = "" } = {}) {
  const kind = (column) => (numbers.includes(column) ? ".number" : "");
  return h("div.scroll", { tabindex: "0", role: "region", "aria-label": caption }, h(`table${className}`,
    h("caption", caption),
    h("thead", h("tr", head.map((text, column) => h(`th${kind(column)}`, { scope: "col" }, text)))),
    h("tbody", rows.map((row) => h("tr", row.map((cell, column) => h(`td${kind(column)}`, { "data-label": head[column] }, cell)))))));
}

export function copyButton(text, title = "Copy") {
  return h("button", {
    type: "button",
    onclick: async () => {
      try {
        await navigator.clipboard.writeText(text);
        toast("Copied.");
      } catch { toast("The browser does not allow copying here; select the text instead."); }
    },
  }, title);
}

let toastTimer;
export function toast(text) {
  let box = document.getElementById("toast");
  if (!box) document.body.append(box = h("div", { id: "toast", role: "status" }));
  box.textContent = text;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => box.remove(), 5000);
}

/** Says something to a screen reader. */
export function announce(text) { document.getElementById("announce").textContent = text; }

// MARK: Values

/** Numbers come as numbers, or as "NaN", "Infinity", "-Infinity". */
export const number = (value) => (typeof value === "string" ? Number(value) : value ?? NaN);
export const percent = (value, digits = 1) => (Number.isFinite(number(value)) ? `${(number(value) * 100).toFixed(digits)} %` : "–");

export function figure(value) {
  const known = number(value);
  if (value === null || value === undefined) return "–";
  if (!Number.isFinite(known)) return String(value);
  return Number.isInteger(known) ? known.toLocaleString("en") : String(Number(known.toPrecision(4)));
}

/** An accuracy of a report with its interval. */
export function proportion(measured) {
  if (!measured) return "–";
  const interval = measured.interval ?? measured;
  return `${percent(measured.value)} [${percent(interval.low)}, ${percent(interval.high)}]`;
}

export function duration(seconds) {
  const known = number(seconds);
  if (!Number.isFinite(known)) return "–";
  if (known < 1) return "less than a second";
  if (known < 90) return `${Math.round(known)} s`;
  if (known < 5400) return `${Math.round(known / 60)} min`;
  if (known < 172800) return `${(known / 3600).toFixed(1)} h`;
  return `${(known / 86400).toFixed(1)} days`;
}

export function bytes(count) {
  for (const [unit, size] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) if (count >= size) return `${(count / size).toFixed(1)} ${unit}`;
  return `${count} bytes`;
}

const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
export function time(text) { return text ? h("time", { datetime: text, title: text }, clock.format(new Date(text))) : "–"; }

/** A norm as the report and the command line write it. */
export const normSymbol = (norm) => ({ linf: "L∞", l2: "L2", l1: "L1" })[norm] ?? norm;

export const jobTitle = (job) => job.name || job.id;
"""##

let eventsWorkerJs = ##"""
// Holds the one event stream of a browser for all its tabs: as a SharedWorker, or within a page where there are none. While no tab is
// visible nothing is held. `/v1/events` has the events of all jobs; a service without it is followed by the streams of single jobs.

export class EventHub {
  /** Each tab, by what sends to it: {isAwake, follows}. */
  #tabs = new Map();
  /** The open streams, by their path. */
  #sources = new Map();
  /** "all", "jobs", "locked" or "down"; undefined until it is known. */
  #mode;
  #isProbing = false;
  #retry;

  static kinds = ["state", "progress", "metric", "warning", "checkpoint", "thinned", "end"];
  static retrySeconds = 3;

  /** What a tab says: whether it is visible, and which jobs it follows; `null` when it goes. */
  set(send, tab) {
    if (tab) this.#tabs.set(send, tab);
    else this.#tabs.delete(send);
    if (tab?.isAwake && this.#mode) send({ mode: this.#mode });
    this.#arrange();
  }

  get #awake() { return [...this.#tabs.values()].filter((tab) => tab.isAwake); }

  #arrange() {
    if (!this.#awake.length) {
      // Whoever comes back asks anew.
      clearTimeout(this.#retry);
      this.#mode = undefined;
      return this.#keep([]);
    }
    if (this.#mode === "all") return this.#keep(["/v1/events"]);
    if (this.#mode === "jobs") return this.#keep([...new Set(this.#awake.flatMap((tab) => tab.follows))].map((id) => `/v1/jobs/${encodeURIComponent(id)}/events`));
    this.#keep([]);
    this.#probe();
  }

  /** An EventSource does not tell why it was refused; a HEAD does. The list of routes says whether there is one to ask. */
  async #probe() {
    if (this.#isProbing) return;
    this.#isProbing = true;
    let mode = "down";
    try {
      const { routes } = await (await fetch("/", { headers: { Accept: "application/json" } })).json();
      if (routes.some((route) => route.path === "/v1/events")) {
        const response = await fetch("/v1/events", { method: "HEAD", headers: { Accept: "text/event-stream" }, credentials: "same-origin" });
        if (response.ok) mode = "all";
        else if (response.status === 401) mode = "locked";
      } else mode = "jobs";
    } catch { /* The service does not answer. */ }
    this.#isProbing = false;
    this.#mode = mode;
    this.#tell({ mode });
    if (mode === "all" || mode === "jobs") return this.#arrange();
    this.#retryLater();
  }

  #retryLater() {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      if (this.#mode === "all" || this.#mode === "jobs" || !this.#awake.length) return;
      this.#probe();
    }, EventHub.retrySeconds * 1000);
  }

  /** Opens and closes streams until these are open. */
  #keep(paths) {
    for (const [path, source] of this.#sources) {
      if (paths.includes(path)) continue;
      source.close();
      this.#sources.delete(path);
    }
    for (const path of paths) if (!this.#sources.has(path)) this.#open(path);
  }

  #open(path) {
    const source = new EventSource(path);
    this.#sources.set(path, source);
    // The stream of a job begins with what was before, which its page has by other means.
    const ofJob = path === "/v1/events" ? undefined : decodeURIComponent(path.split("/")[3]);
    for (const kind of EventHub.kinds) {
      source.addEventListener(kind, (event) => {
        let data;
        try { data = JSON.parse(event.data); } catch { return; }
        if (kind === "end" && ofJob) source.close();
        this.#tell({ event: kind, job: ofJob ?? data.job, data }, ofJob);
      });
    }
    source.onopen = () => this.#tell({ open: true });
    source.onerror = () => {
      // While it is connecting it comes back by itself, with the id of its last event.
      if (source.readyState !== EventSource.CLOSED || this.#sources.get(path) !== source) return;
      // The stream of a job that has ended answers 204, which is no fault.
      if (ofJob) return;
      this.#sources.delete(path);
      this.#mode = "down";
      this.#tell({ mode: "down" });
      this.#retryLater();
    };
  }

  #tell(message, ofJob) {
    for (const [send, tab] of this.#tabs) if (tab.isAwake && (!ofJob || tab.follows.includes(ofJob))) send(message);
  }
}

if (typeof SharedWorkerGlobalScope !== "undefined" && self instanceof SharedWorkerGlobalScope) {
  const hub = new EventHub();
  self.onconnect = ({ ports: [port] }) => {
    const send = (message) => port.postMessage(message);
    port.onmessage = ({ data }) => hub.set(send, data);
  };
}
"""##

let eventsJs = ##"""
// The events of jobs as they happen, from the one stream that the browser's tabs share.
import { EventHub } from "./events-worker.js";

/** Each with the jobs that it follows. */
const listeners = new Map();
let mode;
const say = connect();

function connect() {
  const receive = (message) => {
    if (message.mode) mode = message.mode;
    for (const listener of [...listeners.keys()]) listener(message);
  };
  if (typeof SharedWorker === "undefined") {
    const hub = new EventHub();
    return (tab) => hub.set(receive, tab);
  }
  const worker = new SharedWorker("/dashboard/events-worker.js", { type: "module", name: "temper-events" });
  worker.port.onmessage = ({ data }) => receive(data);
  return (tab) => worker.port.postMessage(tab);
}

function tell() { say({ isAwake: document.visibilityState === "visible", follows: [...listeners.values()].flat() }); }

document.addEventListener("visibilitychange", tell);
addEventListener("pagehide", () => say(null));
addEventListener("pageshow", tell);

/** Whether events of every job come ("all"), of the followed ones only ("jobs"), or none. */
export const eventMode = () => mode;

/**
 * Calls `listener` with {event, job, data}, and with {mode} when that changes, until `signal` is aborted.
 * `jobs` are those to follow where the service has no stream of all.
 */
export function listen(listener, { jobs = [], signal }) {
  listeners.set(listener, jobs);
  signal.addEventListener("abort", () => {
    listeners.delete(listener);
    if (jobs.length) tell();
  });
  tell();
}

/** Every `seconds` while the page is visible, and at once when it becomes so. */
export function whileVisible(seconds, action, signal) {
  let timer;
  const run = async () => {
    clearTimeout(timer);
    if (signal.aborted || document.visibilityState !== "visible") return;
    await action();
    if (!signal.aborted) timer = setTimeout(run, seconds * 1000);
  };
  document.addEventListener("visibilitychange", run, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
  run();
}
"""##

let evidenceJs = ##"""
// What an evidence says of each example, read from the beginning of the file alone, and the paired test that two of them allow.
import { beginning, jobPath } from "./api.js";

/** The outcomes come before the images, so that a short piece of the file has them. */
const pieces = [1 << 18, 1 << 22, 1 << 25];

/** {description, ids, clean, withstood: [attack][example]}; `null` for a job without evidence. */
export async function outcomes(job, signal) {
  if (!job.links.evidence) return null;
  for (const count of pieces) {
    const bytes = await beginning(jobPath(job.id, "/evidence"), count, signal);
    const found = read(bytes);
    if (found) return found;
    if (bytes.length < count) break;
  }
  return null;
}

/** Of a tar archive (POSIX ustar) with evidence.json and an NPZ of stored arrays; `null` when they are not all in these bytes. */
export function read(bytes) {
  const text = new TextDecoder();
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let description, offset = 0;
  while (offset + 512 <= bytes.length) {
    const name = text.decode(bytes.subarray(offset, offset + 100)).split("\0")[0];
    const size = parseInt(text.decode(bytes.subarray(offset + 124, offset + 136)), 8) || 0;
    const type = String.fromCharCode(bytes[offset + 156]);
    offset += 512;
    if (name === "evidence.json") {
      if (offset + size > bytes.length) return null;
      description = JSON.parse(text.decode(bytes.subarray(offset, offset + size)));
    } else if (name === "examples.npz" && !"xgLK".includes(type)) {
      const arrays = stored(bytes, view, offset);
      if (!description || !arrays) return null;
      const evaluated = arrays.evaluated_ids.length;
      const all = arrays.evaluated_withstood;
      return {
        description, ids: arrays.evaluated_ids, clean: arrays.evaluated_clean,
        withstood: description.attacks.map((_, index) => all.subarray(index * evaluated, (index + 1) * evaluated)),
      };
    }
    offset += Math.ceil(size / 512) * 512;
  }
  return null;
}

const wanted = { evaluated_ids: 8, evaluated_clean: 1, evaluated_withstood: 1 };

/** The arrays of a zip archive that are stored as they are, entry by entry (PKWARE APPNOTE 4.3.7). */
function stored(bytes, view, start) {
  const text = new TextDecoder(), found = {};
  let offset = start;
  while (offset + 30 <= bytes.length && view.getUint32(offset, true) === 0x04034b50) {
    const [nameLength, extraLength] = [view.getUint16(offset + 26, true), view.getUint16(offset + 28, true)];
    const name = text.decode(bytes.subarray(offset + 30, offset + 30 + nameLength)).replace(/\.npy$/, "");
    const content = offset + 30 + nameLength + extraLength;
    if (content + 12 > bytes.length) return null;
    // NumPy's header (NEP 1): magic, version, its length, a dictionary.
    const isLong = bytes[content + 6] > 1;
    const headerLength = isLong ? view.getUint32(content + 8, true) : view.getUint16(content + 8, true);
    const data = content + (isLong ? 12 : 10) + headerLength;
    if (data > bytes.length) return null;
    const header = text.decode(bytes.subarray(content, data));
    const count = (header.match(/'shape': \(([^)]*)\)/)?.[1] ?? "").split(",").filter((part) => part.trim()).reduce((product, part) => product * Number(part), 1);
    const type = header.match(/'descr': '.(.)(\d+)'/);
    if (!type) return null;
    const end = data + count * Number(type[2]);
    if (wanted[name]) {
      if (end > bytes.length) return null;
      found[name] = wanted[name] === 1 ? bytes.subarray(data, end) : Array.from({ length: count }, (_, index) => Number(view.getBigInt64(data + 8 * index, true)));
      if (Object.keys(wanted).every((key) => found[key])) return found;
    }
    offset = end;
    // A writer that streams puts the sizes behind the content (4.3.9).
    if (offset + 16 <= bytes.length && view.getUint32(offset, true) === 0x08074b50) offset += view.getUint32(offset + 16, true) === 0x04034b50 ? 16 : 24;
  }
  return null;
}

/** What two jobs gave for the same examples: whether they can be compared, and how often only one of them was right. */
export function paired(one, other, robust) {
  if (!one || !other) return { reason: "one of them has no evidence" };
  const [a, b] = [one.description, other.description];
  if (a.dataset.sha256 !== b.dataset.sha256 || one.ids.length !== other.ids.length || one.ids.some((id, index) => id !== other.ids[index])) return { reason: "they were not evaluated on the same images" };
  if (robust && (a.threat.norm !== b.threat.norm || a.threat.epsilon !== b.threat.epsilon)) return { reason: "their threats differ" };
  if (robust && JSON.stringify(a.attacks) !== JSON.stringify(b.attacks)) return { reason: "they were not attacked alike" };
  const right = (side, index) => side.clean[index] && (!robust || side.withstood.every((attack) => attack[index]));
  let [both, first, second, none] = [0, 0, 0, 0];
  for (let index = 0; index < one.ids.length; index++) {
    const [isFirst, isSecond] = [right(one, index), right(other, index)];
    if (isFirst && isSecond) both++;
    else if (isFirst) first++;
    else if (isSecond) second++;
    else none++;
  }
  return { both, first, second, none, total: one.ids.length, p: mcnemar(first, second) };
}

/** McNemar's exact test: two-sided, binomial with one half, of the examples on which the two differ. */
export function mcnemar(first, second) {
  const count = first + second, least = Math.min(first, second);
  let term = -count * Math.LN2, sum = 0;
  for (let index = 0; index <= least; index++) {
    sum += Math.exp(term);
    term += Math.log((count - index) / (index + 1));
  }
  return Math.min(1, 2 * sum);
}
"""##

let iconSvg = ##"""
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0a5c8f"/><path d="M6 9c6 0 7 14 12 14s5-6 8-6" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round"/><path d="M6 9c7 0 9 5 20 5" fill="none" stroke="#f0b040" stroke-width="3" stroke-linecap="round"/></svg>
"""##

let indexHtml = ##"""
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Temper</title>
<link rel="icon" href="/dashboard/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/dashboard/style.css">
<link rel="modulepreload" href="/dashboard/dom.js">
<link rel="modulepreload" href="/dashboard/api.js">
<link rel="modulepreload" href="/dashboard/events.js">
<link rel="modulepreload" href="/dashboard/events-worker.js">
<link rel="modulepreload" href="/dashboard/jobs.js">
<script type="module" src="/dashboard/app.js"></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>
  <a class="brand" href="#/jobs">Temper</a>
  <nav aria-label="Pages">
    <a href="#/jobs">Jobs</a>
    <a href="#/submit">Submit</a>
    <a href="#/compare">Compare</a>
    <a href="#/leaderboard">Leaderboard</a>
    <a href="#/datasets">Data sets</a>
    <a href="#/models">Models</a>
  </nav>
  <span id="connection" role="status"></span>
</header>
<main id="main" tabindex="-1"><noscript><p>This page needs JavaScript. Everything that it shows is at <code>/v1/jobs</code> too: see <code>/openapi.json</code>.</p></noscript></main>
<div id="announce" class="unseen" role="status" aria-live="polite"></div>
<dialog id="token" aria-labelledby="token-title">
  <form method="dialog">
    <h2 id="token-title">This service asks for a token</h2>
    <p>The token is exchanged for a session cookie of this browser and is not kept by the page.</p>
    <label>Token <input id="token-field" type="password" autocomplete="off" spellcheck="false" required></label>
    <p id="token-fault" class="fault" role="alert"></p>
    <button type="submit" class="primary">Open a session</button>
  </form>
</dialog>
</body>
</html>
"""##

let jobJs = ##"""
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
"""##

let jobsJs = ##"""
// The list of jobs.
import { h, put, badge, percent, figure, number, duration, time, jobTitle, normSymbol } from "./dom.js";
import { get, jobPath, Watched } from "./api.js";
import { listen, eventMode, whileVisible } from "./events.js";

const states = ["queued", "running", "pausing", "paused", "cancelling", "succeeded", "failed", "cancelled"];
/** The most jobs that the page holds. */
const most = 2000;
/** Rows that are made at a time, so that keys and pointer are answered between. */
const atOnce = 100;

export async function show(body, { query, signal }) {
  const list = new JobList(query, signal);
  body.append(h("h1", "Jobs"), list.form, h("div.bar.between", list.count, list.compareBar), list.table);
  await list.load();
  return "Jobs";
}

/** What an accuracy of the list is: of the report once there is one, else of the validation part while it trains. */
export function headline(job, name) {
  const measured = job.result?.figures?.[name];
  if (measured) return { text: percent(measured.value), title: `${percent(measured.low)} to ${percent(measured.high)} at 95 %, from the report` };
  const known = job.metrics?.[`validation_${name}`];
  return known === undefined ? null : { text: percent(known), title: "on the validation part, while training", isInterim: true };
}

export function progressText(job) {
  const { phase, epoch, epochs, eta_seconds: eta } = job.progress;
  if (job.terminal) return "";
  if (job.state === "queued") return "";
  const words = [phase === "evaluate" && epoch === epochs ? "evaluating" : epoch !== null && epoch !== undefined ? `epoch ${epoch} of ${epochs}` : phase];
  if (job.state === "running" && eta) words.push(`${duration(eta)} left`);
  return words.filter(Boolean).join(", ");
}

class JobList {
  #signal; #jobs = new Map(); #rows = new Map(); #chosen = new Set(); #text = ""; #state = ""; #label = ""; #body; #generation = 0; #stale = new Set(); #timer;

  constructor(query, signal) {
    this.#signal = signal;
    [this.#text, this.#state, this.#label] = ["text", "state", "label"].map((name) => query.get(name) ?? "");
    this.form = h("form.bar", { role: "search", onsubmit: (event) => event.preventDefault() },
      h("label.grow", "Name, id or label", h("input", { type: "search", value: this.#text, oninput: (event) => { this.#text = event.target.value; this.#filter(); } })),
      h("label", "State", h("select", { onchange: (event) => { this.#state = event.target.value; this.load(); } },
        h("option", { value: "" }, "all"), states.map((state) => h("option", { value: state, selected: state === this.#state }, state)))),
      h("label", "Label", h("input", { value: this.#label, placeholder: "branch=main", size: 14, onchange: (event) => { this.#label = event.target.value.trim(); this.load(); } })));
    this.count = h("p.dim.small", { role: "status" });
    this.#body = h("tbody");
    this.table = h("div.scroll", h("table.cards", { "aria-label": "Jobs" }, h("thead", h("tr",
      h("th", { scope: "col" }, h("span.unseen", "Compare")),
      ["Job", "State", "Progress", "Verdict"].map((title) => h("th", { scope: "col" }, title)),
      ["Clean", "Robust"].map((title) => h("th.number", { scope: "col" }, title)),
      ["Data, method, threat", "Created"].map((title) => h("th", { scope: "col" }, title)))), this.#body));
    this.compareBar = h("p");
    this.#showChosen();
  }

  async load() {
    const generation = ++this.#generation;
    this.#jobs.clear();
    this.#rows.clear();
    this.#body.replaceChildren();
    put(this.count, "");
    const parameters = new URLSearchParams();
    if (this.#state) parameters.set("state", this.#state);
    const [key, ...value] = this.#label.split("=");
    if (key) parameters.set(`label.${key}`, value.join("="));
    const query = parameters.size ? `?${parameters}` : "";
    this.#listen(query);
    // The first ones are shown before the others come.
    const first = await get(`/v1/jobs${query ? `${query}&` : "?"}limit=50`, this.#signal);
    if (generation !== this.#generation) return;
    this.#add(first.data);
    if (!first.has_more) return;
    const rest = `/v1/jobs${query ? `${query}&` : "?"}`;
    let after = first.last_id;
    (async () => {
      while (this.#jobs.size < most) {
        const page = await get(`${rest}limit=${atOnce}&after=${encodeURIComponent(after)}`, this.#signal);
        if (generation !== this.#generation) return;
        await new Promise(requestAnimationFrame);
        this.#add(page.data);
        if (!page.has_more) return;
        after = page.last_id;
      }
      put(this.count, `${this.#jobs.size} newest jobs; older ones are found by state and label.`);
    })().catch((error) => { if (error.name !== "AbortError") put(this.count, error.message); });
  }

  #isListening = false;
  #watched;
  #listen(query) {
    this.#watched = new Watched(`/v1/jobs${query ? `${query}&` : "?"}limit=50`);
    if (this.#isListening) return;
    this.#isListening = true;
    listen((message) => {
      if (message.event) this.#take(message);
      // After a break anything may have happened.
      else if (message.mode === "all" && this.#isListening) this.#poll();
    }, { signal: this.#signal });
    whileVisible(2, async () => {
      // The stream of all jobs tells of everything but how far the running ones are.
      if (eventMode() === "jobs") await this.#poll();
      else if ([...this.#jobs.values()].some((job) => job.state === "running")) await this.#readRunning();
    }, this.#signal);
  }

  async #readRunning() {
    try {
      const { data } = await get("/v1/jobs?state=running&limit=200", this.#signal);
      this.#add(data.filter((job) => this.#jobs.has(job.id)));
    } catch (error) { if (error.name === "AbortError") return; }
  }

  async #poll() {
    try {
      const page = await this.#watched.fresh(this.#signal);
      if (page) this.#add(page.data);
      const onPage = new Set((this.#watched.last?.data ?? []).map((job) => job.id));
      // What still runs further down.
      for (const job of this.#jobs.values()) if (!job.terminal && !onPage.has(job.id)) this.#add([await get(jobPath(job.id), this.#signal)]);
    } catch (error) { if (error.name === "AbortError") return; }
  }

  /** An event: progress is shown at once, anything else makes the job be read anew. */
  #take({ event, job: id, data }) {
    const job = this.#jobs.get(id);
    if (event === "progress" && job) {
      const { at, job: ignored, ...progress } = data;
      job.progress = { ...job.progress, ...progress };
      return this.#draw(job);
    }
    this.#stale.add(id);
    this.#timer ??= setTimeout(async () => {
      this.#timer = undefined;
      const ids = [...this.#stale];
      this.#stale.clear();
      // Of many at once the list has all.
      if (ids.length > 5) return this.#poll();
      for (const stale of ids) {
        try { this.#add([await get(jobPath(stale), this.#signal)]); } catch (error) { if (error.status === 404) this.#drop(stale); }
      }
    }, 250);
  }

  #fits(job) {
    if (this.#state && job.state !== this.#state) return false;
    const [key, ...value] = this.#label.split("=");
    return !key || job.labels[key] === value.join("=");
  }

  #add(jobs) {
    for (const job of jobs) {
      if (!this.#fits(job)) { this.#drop(job.id); continue; }
      const { spec } = job;
      // The spec of each would be most of what the page holds.
      const kept = { ...job, spec: undefined, about: [spec.dataset.id, spec.kind === "train" ? spec.training?.method : spec.kind, `${normSymbol(spec.threat.norm)} ${figure(spec.threat.epsilon)}`].join(", ") };
      const isKnown = this.#jobs.has(job.id);
      this.#jobs.set(job.id, kept);
      this.#draw(kept, isKnown);
    }
    this.#tell();
  }

  #drop(id) {
    this.#jobs.delete(id);
    this.#rows.get(id)?.row.remove();
    this.#rows.delete(id);
    this.#tell();
  }

  #draw(job) {
    let parts = this.#rows.get(job.id);
    if (!parts) {
      parts = this.#row(job);
      this.#rows.set(job.id, parts);
      // Ids sort by time, and the newest stand first.
      const isOldest = !this.#body.lastElementChild || this.#body.lastElementChild.dataset.id > job.id;
      this.#body.insertBefore(parts.row, isOldest ? null : [...this.#body.children].find((row) => row.dataset.id < job.id) ?? null);
    }
    if (parts.state.dataset.state !== job.state) {
      put(parts.state, badge(job.state));
      parts.state.dataset.state = job.state;
    }
    const text = progressText(job);
    if (job.terminal || job.state === "queued") put(parts.progress, job.state === "failed" ? job.reason ?? "" : "");
    else {
      if (!parts.bar.isConnected) put(parts.progress, parts.bar, parts.words);
      parts.bar.value = number(job.progress.fraction) || 0;
      put(parts.words, text);
    }
    const verdict = job.result?.verdict ?? "";
    if (parts.verdict.dataset.verdict !== verdict) {
      put(parts.verdict, verdict ? badge(verdict) : "");
      parts.verdict.dataset.verdict = verdict;
    }
    for (const [cell, name] of [[parts.clean, "clean_accuracy"], [parts.robust, "robust_accuracy"]]) {
      const known = headline(job, name);
      put(cell, known?.text ?? "");
      cell.title = known?.title ?? "";
      cell.classList.toggle("dim", Boolean(known?.isInterim));
    }
    parts.row.hidden = !this.#matches(job);
  }

  #row(job) {
    const id = `choose-${job.id}`;
    const cell = (name, label) => h(`td${name ? `.${name}` : ""}`, { "data-label": label });
    const parts = {
      state: cell("", "State"), progress: h("td.wide"), verdict: cell("", "Verdict"), clean: cell("number", "Clean"), robust: cell("number", "Robust"),
      bar: h("progress", { max: 1, "aria-label": `Progress of ${jobTitle(job)}` }), words: h("span.small.dim"),
    };
    const box = h("input", { type: "checkbox", id, checked: this.#chosen.has(job.id), "aria-label": `Compare ${jobTitle(job)}`, onchange: (event) => {
      if (event.target.checked) this.#chosen.add(job.id);
      else this.#chosen.delete(job.id);
      this.#showChosen();
    } });
    const labels = Object.entries(job.labels).map(([key, value]) => `${key}=${value}`).join(" ");
    parts.row = h("tr", { "data-id": job.id }, h("td.choose", box),
      h("td.name", h("a", { href: `#/jobs/${encodeURIComponent(job.id)}` }, jobTitle(job)), h("div.id", job.name ? job.id : "", labels && ` ${labels}`)),
      parts.state, parts.progress, parts.verdict, parts.clean, parts.robust, h("td.small", { "data-label": "About" }, job.about), h("td.small", { "data-label": "Created" }, time(job.created_at)));
    return parts;
  }

  #matches(job) {
    const wanted = this.#text.trim().toLowerCase();
    if (!wanted) return true;
    const labels = Object.entries(job.labels).map(([key, value]) => `${key}=${value}`).join(" ");
    return `${job.name ?? ""} ${job.id} ${labels} ${job.about}`.toLowerCase().includes(wanted);
  }

  #filter() {
    for (const job of this.#jobs.values()) this.#rows.get(job.id).row.hidden = !this.#matches(job);
    this.#tell();
  }

  #tell() {
    const shown = [...this.#jobs.values()].filter((job) => this.#matches(job));
    const running = shown.filter((job) => job.state === "running").length;
    if (this.#jobs.size) put(this.count, `${shown.length} ${shown.length === 1 ? "job" : "jobs"}${running ? `, ${running} running` : ""}`);
    else put(this.count, this.#state || this.#label ? "No job is so." : h("span", "There is no job yet. ", h("a", { href: "#/submit" }, "Submit the first one.")));
  }

  #showChosen() {
    const ids = [...this.#chosen];
    put(this.compareBar, ids.length < 2 ? h("span.dim.small", "Choose two to four jobs to compare them.")
      : ids.length > 4 ? h("span.fault.small", "At most four jobs can be compared.")
        : h("a.button.primary", { href: `#/compare?jobs=${ids.map(encodeURIComponent).join(",")}` }, `Compare ${ids.length} jobs`));
  }
}
"""##

let leaderboardJs = ##"""
// Which jobs stand best against an adversary, for each data set and threat.
import { h, badge, percent, figure, number, jobTitle, time, normSymbol } from "./dom.js";
import { get } from "./api.js";

export async function show(body, { query, signal }) {
  const chosen = Object.fromEntries(["dataset", "norm", "epsilon"].map((name) => [name, query.get(name)]).filter(([, value]) => value));
  const search = new URLSearchParams({ limit: "200", ...chosen });
  const { data } = await get(`/v1/leaderboard?${search}`, signal);
  const boards = Map.groupBy ? Map.groupBy(data, boardOf) : grouped(data);
  body.append(h("h1", "Leaderboard"),
    h("p", "Jobs by the accuracy that all attacks together leave. A place has only who can be compared: an evaluation to its full budget that no diagnostic discredits."),
    ...(Object.keys(chosen).length ? [h("p", h("a", { href: "#/leaderboard" }, "All data sets and threats"))] : []),
    ...(boards.size ? [...boards].map(([name, rows]) => board(name, rows)) : [h("p", "No job has a report yet. ", h("a", { href: "#/submit" }, "Submit one."))]),
    h("p.small.dim", "As a table of a spreadsheet: ", h("code", `curl -H 'Accept: text/csv' '${location.origin}/v1/leaderboard${Object.keys(chosen).length ? `?${new URLSearchParams(chosen)}` : ""}'`)));
  return "Leaderboard";
}

const boardOf = (row) => `${row.dataset}, ${normSymbol(row.norm)}, ε ${row.epsilon}`;

function grouped(rows) {
  const boards = new Map();
  for (const row of rows) boards.set(boardOf(row), [...(boards.get(boardOf(row)) ?? []), row]);
  return boards;
}

const share = (figure) => (figure ? `${percent(number(figure.value))} [${percent(number(figure.low))}, ${percent(number(figure.high))}]` : "–");

function board(name, rows) {
  const { dataset, norm, epsilon } = rows[0];
  const certified = rows.some((row) => row.figures.certified_accuracy);
  const head = ["place", "job", "network", "method", "under attack", "clean", ...(certified ? ["certified"] : []), "verdict", "finished"];
  const cells = rows.map((row) => [
    row.place === null ? h("span.dim", { title: why(row) }, "–", h("span.unseen", ` ${why(row)}`)) : String(row.place),
    h("a", { href: `#/jobs/${row.job}` }, jobTitle({ id: row.job, name: row.name })), row.architecture ?? "its own", row.method ?? "–",
    share(row.figures.robust_accuracy), share(row.figures.clean_accuracy), ...(certified ? [share(row.figures.certified_accuracy)] : []), badge(row.verdict), time(row.finished_at),
  ]);
  const table = h("table.cards", { "aria-label": `Jobs on ${name}` }, h("caption.unseen", `Jobs on ${name}`), h("thead", h("tr", head.map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", cells.map((row) => h("tr", row.map((cell, column) => (column === 1 ? h("td.name", cell) : h("td", { "data-label": head[column] }, cell)))))));
  const unplaced = rows.filter((row) => row.place === null).length;
  return h("section.card", { "aria-label": name },
    h("h2", h("a", { href: `#/leaderboard?${new URLSearchParams({ dataset, norm, epsilon })}` }, name)),
    h("div.scroll", { tabindex: "0", role: "region", "aria-label": `Jobs on ${name}` }, table),
    unplaced > 0 && h("p.small.dim", `${unplaced} without a place: ${unplaced === 1 ? "its evaluation is" : "their evaluations are"} weak or discredited.`));
}

function why(row) {
  if (row.discredited_by.length) return `discredited by ${row.discredited_by.join(", ")}`;
  return row.strong ? "no robust accuracy" : "a weak evaluation";
}
"""##

let placesJs = ##"""
// Where in a text of JSON the value of a pointer stands, and of which pointer the value at a place is. Reads half-written JSON as far as it goes.

/** Every value with its pointer and its range; a member's range begins with its key. */
export function scan(text) {
  const found = [];
  const stack = [];
  let index = 0, key = null, keyStart = 0, wantsKey = false;
  const escape = (name) => name.replaceAll("~", "~0").replaceAll("/", "~1");
  const pointer = () => {
    const top = stack.at(-1);
    return top ? `${top.pointer}/${top.isArray ? top.count : escape(key ?? "")}` : "";
  };
  const begin = () => ({ pointer: pointer(), start: stack.at(-1) && !stack.at(-1).isArray && key !== null ? keyStart : index, valueStart: index });
  const end = (entry) => {
    entry.end = index;
    found.push(entry);
    key = null;
  };
  while (index < text.length) {
    const character = text[index];
    if (character === "{" || character === "[") {
      const entry = begin();
      stack.push({ ...entry, isArray: character === "[", count: 0 });
      wantsKey = character === "{";
      key = null;
      index++;
    } else if (character === "}" || character === "]") {
      index++;
      const top = stack.pop();
      if (top) end({ pointer: top.pointer, start: top.start, valueStart: top.valueStart, isContainer: true });
      wantsKey = false;
    } else if (character === ",") {
      index++;
      const top = stack.at(-1);
      if (top?.isArray) top.count++;
      wantsKey = Boolean(top && !top.isArray);
      key = null;
    } else if (character === ":") {
      index++;
      wantsKey = false;
    } else if (character === "\"") {
      const start = index;
      const entry = wantsKey ? null : begin();
      index++;
      while (index < text.length && text[index] !== "\"" && text[index] !== "\n") index += text[index] === "\\" ? 2 : 1;
      index = Math.min(index + 1, text.length);
      if (wantsKey) {
        try { key = JSON.parse(text.slice(start, index)); } catch { key = text.slice(start + 1, index); }
        keyStart = start;
        found.push({ pointer: pointer(), start, valueStart: index, end: index, isKey: true });
      } else end(entry);
    } else if (/[\w.+-]/.test(character)) {
      const entry = begin();
      while (index < text.length && /[\w.+-]/.test(text[index])) index++;
      end(entry);
    } else index++;
  }
  // What is not closed yet ends with the text.
  for (const open of stack.reverse()) found.push({ pointer: open.pointer, start: open.start, valueStart: open.valueStart, end: text.length, isContainer: true });
  return found;
}

/** {start, end, line} of the value, or of the nearest value around it that is there. */
export function placeOf(text, pointer) {
  const found = scan(text).filter((entry) => !entry.isKey);
  for (let name = pointer; ; name = name.slice(0, name.lastIndexOf("/"))) {
    const entry = found.find((candidate) => candidate.pointer === name);
    if (entry) return { start: entry.start, end: entry.end, line: text.slice(0, entry.start).split("\n").length };
    if (!name) return null;
  }
}

/** The pointer of the innermost value around a place. */
export function pointerAt(text, place) {
  let best = { pointer: "", start: -1, end: Infinity };
  for (const entry of scan(text)) {
    const isWithin = entry.start <= place && place <= entry.end;
    if (isWithin && (entry.end - entry.start < best.end - best.start || best.end === Infinity)) best = entry;
  }
  return best.pointer;
}
"""##

let resourcesJs = ##"""
// Data sets with their pictures and counts, weights, and the networks that there are.
import { h, put, table, copyButton, toast, bytes, figure, time } from "./dom.js";
import { get, create, remove, everything } from "./api.js";

export async function show(body, { parts, signal }) {
  return parts[0] === "datasets" ? showDatasets(body, parts[1], signal) : showModels(body, signal);
}

// MARK: Data sets

async function showDatasets(body, id, signal) {
  const sets = id ? [await get(`/v1/datasets/${encodeURIComponent(id)}`, signal)] : await everything("/v1/datasets", { signal });
  body.append(h("h1", id ? sets[0].name : "Data sets"), id ? h("p", h("a", { href: "#/datasets" }, "All data sets")) : uploadDataset(), h("div.columns", sets.map((set) => dataset(set, () => body.isConnected && reload(body, () => showDatasets(body, id, signal))))));
  return id ? sets[0].name : "Data sets";
}

async function reload(body, again) {
  body.replaceChildren();
  try { await again(); } catch (error) { put(body, h("p.fault", error.message)); }
}

function dataset(set, changed) {
  // Rows of features, and images of other numbers of channels, have no picture.
  const isPicture = set.shape.length === 3 && [1, 3].includes(set.shape[2]);
  const samples = isPicture && h("figure", { hidden: true }, h("figcaption", "First training images of each class"), h("img.picture", { alt: `The first training images of each class of ${set.name}`, src: `/v1/datasets/${encodeURIComponent(set.id)}/samples.png`, onload: () => { samples.hidden = false; } }));
  const largest = Math.max(1, ...set.train.per_class);
  const shown = 20;
  return h("section.card", { "aria-label": set.name },
    h("h2", h("a", { href: `#/datasets/${encodeURIComponent(set.id)}` }, set.name)), h("p", h("span.id", set.id), " ", copyButton(set.id, "Copy the id"), set.built_in && " built in"),
    set.damaged && h("p.fault", "Its file is damaged."),
    (set.warnings ?? []).map((warning) => h("div.warning", warning.detail, " ", h("span.id", warning.code))),
    h("p", `${figure(set.train.count)} images for training, ${figure(set.test.count)} for tests, ${set.shape.join(" × ")}, ${set.classes} classes, ${bytes(set.bytes)}`),
    samples,
    h("h3", "Images of each class, training and test"),
    h("div.counts", set.class_names.slice(0, shown).flatMap((name, label) => [h("span", name), h("meter", { max: largest, value: set.train.per_class[label], "aria-label": `Training images of ${name}` }), h("span", `${figure(set.train.per_class[label])}, ${figure(set.test.per_class[label])}`)])),
    set.classes > shown && h("p.dim.small", `and ${set.classes - shown} further classes`),
    h("p.small.dim", "SHA-256 ", h("code", set.sha256)),
    h("div.bar", h("a.button", { href: `#/submit?dataset=${encodeURIComponent(set.id)}` }, "Train on it"), !set.built_in && deleteButton(set.name, `/v1/datasets/${set.id}`, changed)));
}

function deleteButton(name, path, changed) {
  return h("button.danger", { type: "button", onclick: async () => {
    if (!confirm(`Delete ${name}?`)) return;
    try { await remove(path); changed(); } catch (error) { toast(error.message); }
  } }, "Delete");
}

/** The forms of an upload: the fields that the service wants; `several` where a field takes several files. A field `file` is the whole body. */
const formats = {
  npz: [["file", "x_train, y_train, x_test, y_test (.npz)"]],
  images: [["file", "train/CLASS/… and test/CLASS/… (.zip, .tar, .tar.gz)"]],
  idx: [["train_images", "training images"], ["train_labels", "training labels"], ["test_images", "test images"], ["test_labels", "test labels"]],
  npy: [["x_train", "training images"], ["y_train", "training labels"], ["x_test", "test images"], ["y_test", "test labels"]],
  csv: [["train", "training rows, with a column label"], ["test", "test rows"]],
  cifar: [["train", "training batches", "several"], ["test", "test batch"]],
};

function uploadDataset() {
  const files = h("div.bar"), fault = h("p.fault", { role: "alert" });
  const format = h("select", { onchange: () => showFields() }, Object.keys(formats).map((name) => h("option", { value: name }, name)));
  const name = h("input", { maxlength: 200, size: 20 });
  const size = h("label", "Resize to", h("input", { name: "resize", placeholder: "height,width", pattern: "\\d+,\\d+", size: 12 }));
  function showFields() { put(files, formats[format.value].map(([field, title, several]) => h("label", title, h("input", { type: "file", name: field, required: true, multiple: Boolean(several) }))), format.value === "images" ? size : []); }
  showFields();
  const button = h("button.primary", { type: "submit" }, "Upload");
  return upload("Upload a data set", [h("div.bar", h("label", "Name", name), h("label", "Format", format)), files, button, fault], button, fault, async (form) => {
    const inputs = [...form.querySelectorAll("input[type=file]")];
    let body;
    if (inputs[0].name === "file") body = new Blob([inputs[0].files[0]], { type: "application/octet-stream" });
    else {
      body = new FormData();
      for (const input of inputs) for (const file of input.files) body.append(input.name, file);
    }
    const resize = format.value === "images" && size.querySelector("input").value;
    const set = await create(`/v1/datasets?format=${format.value}&name=${encodeURIComponent(name.value || inputs[0].files[0].name)}${resize ? `&resize=${encodeURIComponent(resize)}` : ""}`, body);
    location.hash = `#/datasets/${set.id}`;
  });
}

function upload(title, content, button, fault, send) {
  return h("details.card", h("summary", title), h("form", { onsubmit: async (event) => {
    event.preventDefault();
    put(fault, "");
    button.disabled = true;
    button.textContent = "Uploading …";
    try { await send(event.target); } catch (error) { put(fault, error.message); }
    button.disabled = false;
    button.textContent = "Upload";
  } }, content));
}

// MARK: Weights and networks

async function showModels(body, signal) {
  const [models, networks] = await Promise.all([everything("/v1/models", { signal }), everything("/v1/architectures", { signal })]);
  const again = () => body.isConnected && reload(body, () => showModels(body, signal));
  const fault = h("p.fault", { role: "alert" }), name = h("input", { maxlength: 200 }), file = h("input", { type: "file", accept: ".safetensors,.onnx", required: true });
  const button = h("button.primary", { type: "submit" }, "Upload");
  body.append(h("h1", "Models"),
    upload("Upload weights (safetensors) or a network (ONNX)", [h("div.bar", h("label", "Name", name), h("label", "File", file)), button, fault], button, fault, async () => {
      const format = file.files[0].name.endsWith(".onnx") ? "onnx" : "safetensors";
      await create(`/v1/models?format=${format}&name=${encodeURIComponent(name.value || file.files[0].name)}`, new Blob([file.files[0]], { type: "application/octet-stream" }));
      again();
    }),
    h("section.card", models.length ? table("Uploaded weights", ["name", "id", "parameters", "size", "SHA-256", "uploaded", "tensors", ""], models.map((model) => [
      model.name, h("span", h("span.id", model.id), " ", copyButton(model.id)), figure(model.parameters), bytes(model.bytes), h("span", h("code", { title: model.sha256 }, model.sha256.slice(0, 12)), "…"), time(model.created_at),
      h("details", h("summary", String(model.tensors.length)), h("ul.plain.small", model.tensors.map((tensor) => h("li", h("code", `${tensor.name} [${tensor.shape.join(", ")}]`))))),
      deleteButton(model.name, `/v1/models/${model.id}`, again)]), { className: ".cards", numbers: [2, 3] })
      : [h("h2", "Uploaded weights"), h("p", "There are none. A job's checkpoints can be used without uploading them: ", h("code", "\"model\": {\"init\": \"job_…/best_robust\"}"), ".")]),
    h("section.card", table("Networks that a spec can name", ["architecture", "what it is", "parameters"], networks.map((network) => [
      h("b", network.id), h("span", network.description, h("div.small.dim", network.source)),
      h("span", network.parameters.map((parameter) => h("div.small", h("code", parameter.name), ` ${parameter.must_be}, by default ${JSON.stringify(parameter.default)}`)))]), { className: ".cards" })));
  return "Models";
}
"""##

let schemaJs = ##"""
// What the JSON Schema of a spec says of a field.
import { h } from "./dom.js";

/** A schema with its reference followed; what stands beside the reference stays. */
function resolve(root, schema) {
  if (!schema) return schema;
  if (schema.$ref) {
    const target = schema.$ref.replace(/^#\//, "").split("/").reduce((value, key) => value?.[key], root);
    const { $ref, ...beside } = schema;
    return resolve(root, { ...target, ...beside, description: beside.description ?? target?.description });
  }
  // `null` stands for the default, which needs no help.
  if (schema.anyOf && schema.anyOf.some((option) => option.type === "null")) {
    const { anyOf, ...beside } = schema;
    const options = anyOf.filter((option) => option.type !== "null");
    return resolve(root, options.length === 1 ? { ...options[0], ...beside } : { oneOf: options, ...beside });
  }
  return schema;
}

/** Whether a condition of the schema, which is of the values of some members, holds. */
function holds(condition, value) {
  return Object.entries(condition?.properties ?? {}).every(([name, part]) => {
    const known = value?.[name];
    if (known === undefined) return !(condition.required ?? []).includes(name);
    return part.enum ? part.enum.includes(known) : part.const === undefined || part.const === known;
  });
}

/** The members of an object, with those that its other members bring along. */
function members(root, schema, value) {
  const found = { ...schema.properties };
  for (const rule of schema.allOf ?? []) {
    const branch = rule.if ? (holds(rule.if, value) ? rule.then : rule.else) : rule;
    if (branch) Object.assign(found, members(root, resolve(root, branch), value));
  }
  const options = (schema.oneOf ?? schema.anyOf ?? []).map((option) => resolve(root, option));
  const fitting = options.filter((option) => Object.entries(option.properties ?? {}).some(([name, part]) => (part.enum ?? [part.const]).filter((known) => known !== null && known !== undefined).includes(value?.[name])));
  for (const option of fitting.length ? fitting.slice(0, 1) : options) for (const [name, part] of Object.entries(members(root, option, value))) found[name] ??= part;
  return found;
}

/** The field at a pointer: {pointer, schema, members, …}; `null` when there is none. `spec` chooses among the forms that a field can have. */
export function fieldAt(root, pointer, spec) {
  let schema = resolve(root, root), value = spec, isRequired = false;
  for (const key of pointer.split("/").slice(1)) {
    const isItem = schema.items && /^\d+$/.test(key);
    const all = isItem ? null : members(root, schema, value);
    if (!isItem) isRequired = (schema.required ?? []).includes(key);
    const next = isItem ? schema.items : all[key] ?? (typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined);
    if (!next) return null;
    schema = resolve(root, next);
    value = value?.[isItem ? Number(key) : key];
  }
  const found = Object.entries(members(root, schema, value));
  return {
    pointer, schema, isRequired,
    members: found.length ? found.map(([name, part]) => {
      const inner = resolve(root, part);
      return { name, description: inner.description ?? "", default: inner.default, type: [inner.type].flat().find((kind) => kind && kind !== "null") ?? (inner.properties ? "object" : undefined) };
    }) : null,
  };
}

/** The help of a field, as elements. */
export function describe({ schema, isRequired }) {
  const kinds = [schema.type].flat().filter((kind) => kind && kind !== "null");
  const range = [
    schema.minimum !== undefined && `at least ${schema.minimum}`, schema.exclusiveMinimum !== undefined && `more than ${schema.exclusiveMinimum}`,
    schema.maximum !== undefined && `at most ${schema.maximum}`, schema.exclusiveMaximum !== undefined && `less than ${schema.exclusiveMaximum}`,
  ].filter(Boolean).join(", ");
  const choices = (schema.enum ?? (schema.oneOf ?? []).map((option) => option.title).filter(Boolean)).filter((choice) => choice !== null);
  const facts = [
    choices.length && ["one of", choices.map((choice) => [h("code", String(choice)), " "])], kinds.length && ["kind", kinds.join(" or ")], range && ["range", range],
    isRequired ? ["required", "yes"] : schema.default !== undefined && ["by default", h("code", JSON.stringify(schema.default))],
  ].filter(Boolean);
  // Between backticks stand names.
  const words = (schema.description ?? "").split("`").map((part, index) => (index % 2 ? h("code", part) : part));
  return [h("p", words), h("dl", facts.flatMap(([title, value]) => [h("dt", title), h("dd", value)]))];
}
"""##

let styleCss = ##"""
/* One palette for light and one for dark; each pair of text and ground has a contrast of at least 4.5 (WCAG 2.2, 1.4.3). */
:root {
  color-scheme: light dark;
  --ink: #1a1c1f; --dim: #565b63; --paper: #fff; --ground: #f3f4f6; --rule: #d3d7dd; --link: #0a5c8f; --accent: #0a5c8f; --on-accent: #fff;
  --pass: #16692a; --fail: #b3211b; --unsure: #7d5200; --busy: #0a5c8f; --wash: #e6eff6;
  --c0: #0072b2; --c1: #c44e00; --c2: #00795a; --c3: #a8517f;
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #eceef1; --dim: #a7adb7; --paper: #1b1e23; --ground: #121418; --rule: #3a3f48; --link: #7cc4f2; --accent: #7cc4f2; --on-accent: #0b1a26;
    --pass: #6fd583; --fail: #ff918a; --unsure: #f0b850; --busy: #7cc4f2; --wash: #22303c;
    --c0: #56b4e9; --c1: #f0a030; --c2: #2fc79a; --c3: #e391bd;
  }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink) }
a { color: var(--link) }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 3px }
main:focus, h1:focus { outline: none }
.skip { position: absolute; left: -9999px }
.skip:focus { left: 8px; top: 8px; background: var(--paper); padding: 8px 12px; z-index: 3 }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }

header { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 20px; padding: 8px 20px; background: var(--paper); border-bottom: 1px solid var(--rule); position: sticky; top: 0; z-index: 2 }
.brand { font-weight: 700; font-size: 18px; text-decoration: none; color: var(--ink) }
nav { display: flex; flex-wrap: wrap; gap: 2px }
nav a { padding: 6px 10px; border-radius: 6px; text-decoration: none; color: var(--ink) }
nav a:hover { background: var(--wash) }
nav a[aria-current] { background: var(--wash); color: var(--link); font-weight: 600 }
#connection { margin-left: auto; color: var(--dim); font-size: 13px }
main { max-width: 1240px; margin: 0 auto; padding: 16px 20px 60px }
h1 { font-size: 24px; margin: 8px 0 12px; overflow-wrap: anywhere }
h2 { font-size: 18px; margin: 28px 0 8px }
h3 { font-size: 15px; margin: 14px 0 6px }
.card { background: var(--paper); border: 1px solid var(--rule); border-radius: 10px; padding: 14px 16px; margin: 12px 0 }
.card h2:first-child, .card h3:first-child { margin-top: 0 }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 12px }
.columns > .card { margin: 0; min-width: 0 }
.scroll + .columns { margin-top: 14px }
.dim { color: var(--dim) }
.small { font-size: 13px }
.fault { color: var(--fail) }
.fault:empty { display: none }
code { overflow-wrap: anywhere }
code, pre, .code { font: 13px/1.5 ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace }
pre { overflow: auto; margin: 0; padding: 10px; background: var(--ground); border: 1px solid var(--rule); border-radius: 6px; max-height: 480px }
.id { font: 12px ui-monospace, Menlo, Consolas, monospace; color: var(--dim); overflow-wrap: anywhere }

button, .button, select, input, textarea { font: inherit; color: inherit; background: var(--paper); border: 1px solid #868d98; border-radius: 6px; padding: 5px 11px; min-height: 34px; max-width: 100% }
button, .button { cursor: pointer; text-decoration: none; display: inline-block }
button:hover, .button:hover { background: var(--wash) }
button:disabled { opacity: 0.55; cursor: default }
.primary { background: var(--accent); color: var(--on-accent); border-color: var(--accent); font-weight: 600 }
.primary:hover { background: var(--accent); filter: brightness(1.12) }
.danger { color: var(--fail); border-color: var(--fail) }
.bar { display: flex; flex-wrap: wrap; gap: 8px; align-items: end; margin: 10px 0 }
.bar label { display: grid; font-size: 13px; color: var(--dim); gap: 2px }
.between { justify-content: space-between; align-items: center }
.between p { margin: 0 }
.bar .grow { flex: 1 1 160px }
.bar .grow input { width: 100% }
input[type=checkbox] { min-height: 0; width: 18px; height: 18px; accent-color: var(--accent) }

table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
caption { text-align: left; font-weight: 600; padding: 4px 0 }
th, td { text-align: left; padding: 6px 10px; border-bottom: 1px solid var(--rule); vertical-align: middle }
th { font-size: 13px; color: var(--dim); font-weight: 600; white-space: nowrap }
td.number, th.number { text-align: right }
tbody tr:hover { background: var(--wash) }
.scroll { overflow-x: auto }
.plain { padding-left: 20px; margin: 6px 0 }

.badge { display: inline-flex; align-items: center; gap: 6px; white-space: nowrap; font-weight: 600; font-size: 13px }
.badge::before { content: ""; width: 9px; height: 9px; border-radius: 50%; background: currentColor; flex: none }
.badge.queued::before, .badge.paused::before { background: none; border: 2px solid currentColor }
.badge.failed::before, .badge.fail::before { border-radius: 2px }
.badge.inconclusive::before { border-radius: 0; transform: rotate(45deg) }
.queued, .paused, .cancelled, .none { color: var(--dim) }
.running, .pausing, .cancelling { color: var(--busy) }
.succeeded, .pass { color: var(--pass) }
.failed, .fail { color: var(--fail) }
.inconclusive { color: var(--unsure) }
progress { width: 100%; height: 8px; accent-color: var(--accent); display: block }
.verdict { margin: 4px 0 }
.verdict .badge { font-size: 22px }
.verdict .badge::before { width: 14px; height: 14px }
.headline { font-size: 18px; max-width: 60ch; margin: 6px 0 }
.figures { display: flex; flex-wrap: wrap; gap: 8px 28px; margin: 8px 0; padding: 0; list-style: none }
.figures b { display: block; font-size: 22px; font-variant-numeric: tabular-nums }
.figures span { font-size: 13px; color: var(--dim) }
.phases { display: flex; flex-wrap: wrap; gap: 4px; padding: 0; margin: 8px 0; list-style: none; font-size: 13px }
.phases li { padding: 3px 10px; border: 1px solid var(--rule); border-radius: 20px; color: var(--dim) }
.phases li[aria-current] { background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 600 }
.warning { border-left: 4px solid var(--unsure); padding: 4px 0 4px 12px; margin: 8px 0 }
details > summary { cursor: pointer; padding: 4px 0; font-weight: 600 }
img.picture { max-width: 100%; height: auto; display: block; border: 1px solid var(--rule); border-radius: 6px; background: #fff }
@media (prefers-color-scheme: dark) { img.picture[src$=".svg"] { background: #16181c } }
figure { margin: 0 }
figcaption { font-weight: 600; padding: 2px 0 6px }

/* Charts. Lines differ by dashes too. */
.chart { display: block; width: 100%; height: auto; touch-action: pan-y; font: 12px system-ui, sans-serif }
.chart text { fill: var(--dim) }
.chart .grid { stroke: var(--rule); fill: none }
.chart .line { fill: none; stroke-width: 2; stroke-linejoin: round; vector-effect: non-scaling-stroke }
.chart .band { opacity: 0.16; stroke: none }
.chart .cursor { stroke: var(--ink); stroke-width: 1 }
.look0 { stroke: var(--c0); fill: var(--c0) } .look1 { stroke: var(--c1); fill: var(--c1) } .look2 { stroke: var(--c2); fill: var(--c2) } .look3 { stroke: var(--c3); fill: var(--c3) }
.chart .line.look1 { stroke-dasharray: 7 4 } .chart .line.look2 { stroke-dasharray: 2 3 } .chart .line.look3 { stroke-dasharray: 9 3 2 3 }
.legend { display: flex; flex-wrap: wrap; gap: 2px 18px; list-style: none; padding: 0; margin: 0 0 4px; font-size: 13px }
.legend svg { width: 26px; height: 8px; margin-right: 6px }
.legend svg line { stroke-width: 3 }
.legend .look1 { stroke-dasharray: 7 4 } .legend .look2 { stroke-dasharray: 2 3 } .legend .look3 { stroke-dasharray: 9 3 2 3 }
.legend b { font-variant-numeric: tabular-nums; margin-left: 6px }
.counts { display: grid; grid-template-columns: max-content 1fr max-content; gap: 2px 8px; font-size: 13px; align-items: center }
.counts meter { width: 100%; height: 12px }

/* The editor of a spec. */
.editor { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 12px }
textarea { width: 100%; min-height: 430px; resize: vertical; white-space: pre; tab-size: 2; font: 13px/1.5 ui-monospace, Menlo, Consolas, monospace }
textarea[aria-invalid=true] { border-color: var(--fail) }
.faults { list-style: none; padding: 0; margin: 8px 0 }
.faults button { text-align: left; width: 100%; margin: 2px 0; border-color: var(--fail) }
.help dt { font-weight: 600; margin-top: 6px }
.help dd { margin: 0 0 4px }
.fields { display: flex; flex-wrap: wrap; gap: 4px }
.fields button { padding: 1px 8px; min-height: 26px; font: 12px ui-monospace, Menlo, Consolas, monospace }
.same { color: var(--dim) }
mark { background: none; color: inherit; font-weight: 700 }

dialog { border: 1px solid var(--rule); border-radius: 10px; background: var(--paper); color: var(--ink); max-width: 440px }
dialog::backdrop { background: #0008 }
dialog label { display: grid; gap: 4px }
#toast { position: fixed; bottom: 16px; left: 50%; transform: translateX(-50%); background: var(--ink); color: var(--paper); padding: 8px 16px; border-radius: 8px; z-index: 4; max-width: 90vw }

@media (max-width: 760px) {
  header { padding: 6px 12px; gap: 2px 8px }
  main { padding: 10px 12px 40px }
  nav { order: 3; flex: 1 0 100% }
  nav a { padding: 6px 9px; white-space: nowrap }
  .editor { grid-template-columns: 1fr }
  textarea { min-height: 300px }
  /* A row of a long table is a card. */
  table.cards thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
  table.cards, table.cards caption, table.cards tbody, table.cards tr, table.cards td { display: block }
  table.cards tr { background: var(--paper); border: 1px solid var(--rule); border-radius: 10px; margin: 8px 0; padding: 8px 10px; position: relative }
  table.cards td { border: 0; padding: 2px 0; display: flex; gap: 10px; justify-content: space-between; text-align: right }
  table.cards td:empty { display: none }
  table.cards td.name { display: block; text-align: left; padding-right: 34px; font-size: 16px }
  table.cards td.choose { position: absolute; right: 10px; top: 8px }
  table.cards td.wide { display: block }
  table.cards td[data-label]::before { content: attr(data-label); color: var(--dim); font-size: 13px; font-weight: 400 }
}
@media (prefers-reduced-motion: no-preference) { progress { transition: none } }
@media print { header, .bar, #toast { display: none } main { max-width: none } }
"""##

let submitJs = ##"""
// Writing a spec, with the schema's help at the caret and the service's own check as one types.
import { h, put, figure, bytes, announce } from "./dom.js";
import { get, post, create, jobPath } from "./api.js";
import { placeOf, pointerAt } from "./places.js";
import { fieldAt, describe } from "./schema.js";

const first = { name: "digits-pgd", dataset: { id: "digits" }, model: { architecture: "lenet" }, threat: { norm: "linf", epsilon: 0.15 }, training: { method: "pgd" }, gates: [{ metric: "robust_accuracy", min: 0.25 }] };
const examples = {
  "Adversarial training (PGD)": first,
  "TRADES": { ...first, name: "digits-trades", training: { method: "trades" } },
  "Single step, fast": { ...first, name: "digits-nfgsm", training: { method: "nfgsm" } },
  "Evaluate weights": { name: "evaluate", kind: "evaluate", dataset: { id: "digits" }, model: { architecture: "lenet", init: "job_…/best_robust" }, threat: { norm: "linf", epsilon: 0.15 } },
};
/** How long nobody has typed before the service is asked. */
const pause = 350;
const draftKey = "temper-draft";

export async function show(body, { query, signal }) {
  const editor = new Editor(await get("/schema/job.json", signal), signal);
  let spec = first;
  if (query.get("from")) spec = (await get(jobPath(query.get("from")), signal)).spec;
  else if (query.get("dataset")) spec = { ...first, name: undefined, dataset: { id: query.get("dataset") } };
  const draft = query.size ? null : sessionStorage.getItem(draftKey);
  body.append(h("h1", "Submit a job"), editor.element);
  editor.text = draft ?? JSON.stringify(spec, null, 2);
  return "Submit";
}

class Editor {
  #schema; #signal; #area; #faults; #help; #outcome; #button; #timer; #check;

  constructor(schema, signal) {
    this.#schema = schema;
    this.#signal = signal;
    this.#area = h("textarea", { id: "spec", spellcheck: "false", autocapitalize: "off", autocomplete: "off", "aria-describedby": "faults",
      oninput: () => this.#changed(), onkeyup: () => this.#showHelp(), onclick: () => this.#showHelp(), onkeydown: (event) => this.#key(event) });
    this.#faults = h("div", { id: "faults", role: "status" });
    this.#help = h("div.help");
    this.#outcome = h("div");
    this.#button = h("button.primary", { type: "button", disabled: true, onclick: () => this.#submit() }, "Submit");
    const choose = h("select", { onchange: (event) => { if (event.target.value) this.text = JSON.stringify(examples[event.target.value], null, 2); event.target.value = ""; } }, h("option", { value: "" }, "choose …"), Object.keys(examples).map((name) => h("option", { value: name }, name)));
    this.element = h("div",
      h("div.bar", h("label", "Begin with an example", choose)),
      h("div.editor",
        h("div", h("label", { for: "spec" }, "Spec, as JSON (Ctrl and Enter submits; Escape, then Tab leaves the field)"), this.#area, this.#faults, h("p.bar", this.#button)),
        h("div", h("section.card", { "aria-label": "Help" }, this.#help), h("section.card", { "aria-label": "What it comes to" }, this.#outcome))));
    signal.addEventListener("abort", () => { clearTimeout(this.#timer); this.#check?.abort(); });
  }

  get text() { return this.#area.value; }
  set text(text) {
    this.#area.value = text;
    this.#changed();
  }

  #leavesWithTab = false;
  #key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); if (!this.#button.disabled) this.#submit(); }
    else if (event.key === "Escape") this.#leavesWithTab = true;
    else if (event.key === "Tab" && !event.shiftKey && !this.#leavesWithTab) {
      event.preventDefault();
      this.#insert("  ");
    } else this.#leavesWithTab = false;
  }

  /** Through the browser's editing, so that it can be undone. */
  #insert(text) {
    this.#area.focus();
    if (!document.execCommand("insertText", false, text)) this.#area.setRangeText(text, this.#area.selectionStart, this.#area.selectionEnd, "end");
    this.#changed();
  }

  // MARK: The check

  #changed() {
    sessionStorage.setItem(draftKey, this.text);
    this.#button.disabled = true;
    clearTimeout(this.#timer);
    this.#check?.abort();
    this.#showHelp();
    this.#timer = setTimeout(() => this.#validate(), pause);
  }

  async #validate() {
    const check = (this.#check = new AbortController());
    try {
      const answer = await post("/v1/jobs?validate_only=true", this.text);
      if (check.signal.aborted || this.#signal.aborted) return;
      this.#area.setAttribute("aria-invalid", "false");
      put(this.#faults, h("p.pass.badge", "The spec can run."));
      this.#button.disabled = false;
      this.#showOutcome(answer);
    } catch (error) {
      if (check.signal.aborted || this.#signal.aborted) return;
      this.#area.setAttribute("aria-invalid", "true");
      this.#showFaults(error);
    }
  }

  #showFaults(error) {
    const { errors, position } = error.document ?? {};
    const found = errors?.map((fault) => ({ ...fault, place: placeOf(this.text, fault.pointer) })) ?? [{ detail: error.message, place: position ? { start: byteToIndex(this.text, position.offset), line: position.line } : null }];
    put(this.#faults, h("p.fault", found.length === 1 ? "There is one fault:" : `There are ${found.length} faults:`), h("ul.faults", found.map((fault) => h("li", h("button", { type: "button", onclick: () => {
      if (!fault.place) return;
      this.#area.focus();
      this.#area.setSelectionRange(fault.place.start, fault.place.end ?? fault.place.start + 1);
      this.#showHelp();
    } }, fault.pointer ? h("code", `${fault.pointer} `) : "", fault.detail, fault.place ? h("span.dim", ` (line ${fault.place.line})`) : "")))));
    put(this.#outcome, h("p.dim", "What the job comes to is shown when the spec can run."));
  }

  #showOutcome({ spec, estimate, warnings = [] }) {
    const rows = [["weight updates", figure(estimate.steps)], ["gradient evaluations", figure(estimate.gradient_evaluations)], ["parameters", figure(estimate.parameters)], ["memory at its peak", bytes(estimate.peak_bytes)], ["operations", `${Number(estimate.floating_point_operations).toExponential(1)}`]];
    put(this.#outcome, h("h2", "What it comes to"), warnings.map((warning) => h("div.warning", warning.detail, " ", h("span.id", warning.code))), h("ul.figures", rows.map(([title, value]) => h("li", h("span", `${title} `), h("b", value)))),
      Object.values(estimate).filter((part) => part?.reason).map((part) => h("p.small", part.reason)),
      h("details", h("summary", "The spec with every default"), h("pre", { tabindex: "0" }, JSON.stringify(spec, null, 2))));
  }

  async #submit() {
    this.#button.disabled = true;
    try {
      const job = await create("/v1/jobs", this.text);
      sessionStorage.removeItem(draftKey);
      announce("The job is submitted.");
      location.hash = `#/jobs/${job.id}`;
    } catch (error) { this.#showFaults(error); }
  }

  // MARK: Help

  #showHelp() {
    const pointer = pointerAt(this.text, this.#area.selectionStart);
    let spec;
    try { spec = JSON.parse(this.text); } catch { /* Half a spec still has a place to help at. */ }
    const field = fieldAt(this.#schema, pointer, spec);
    const holder = field?.members ? field : fieldAt(this.#schema, pointer.slice(0, pointer.lastIndexOf("/")), spec);
    const present = Object.keys(pointerValue(spec, holder?.pointer) ?? {});
    const more = (holder?.members ?? []).filter((member) => !present.includes(member.name));
    put(this.#help, h("h2", pointer ? h("code", pointer) : "The spec"), field ? describe(field) : h("p", "There is no such field."),
      more.length ? [h("h3", `Further fields of ${holder.pointer || "the spec"}`), h("div.fields", more.map((member) => h("button", { type: "button", title: member.description, onclick: () => this.#add(holder.pointer, member, spec) }, member.name)))] : []);
  }

  /** Adds a field with its default. */
  #add(pointer, member, spec) {
    const target = pointerValue(spec, pointer);
    if (!target) return announce("Put the JSON right first.");
    target[member.name] = member.default ?? (member.type === "object" ? {} : member.type === "array" ? [] : null);
    this.#area.focus();
    this.#area.select();
    this.#insert(JSON.stringify(spec, null, 2));
    const place = placeOf(this.text, `${pointer}/${member.name}`);
    if (place) this.#area.setSelectionRange(place.start, place.end);
    this.#showHelp();
  }
}

/** The value at a pointer of keys as the editor makes them. */
function pointerValue(spec, pointer) {
  if (spec === undefined || pointer === undefined) return undefined;
  return pointer.split("/").slice(1).reduce((value, key) => value?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], spec);
}

/** Offsets of the service are of bytes in UTF-8. */
function byteToIndex(text, offset) {
  return new TextDecoder().decode(new TextEncoder().encode(text).subarray(0, offset)).length;
}
"""##
