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
