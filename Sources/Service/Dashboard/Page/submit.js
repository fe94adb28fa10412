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
