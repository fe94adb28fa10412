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
