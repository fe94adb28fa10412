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
