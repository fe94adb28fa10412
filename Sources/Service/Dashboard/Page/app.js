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
