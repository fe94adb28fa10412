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
