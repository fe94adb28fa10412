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
