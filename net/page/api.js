// Requests to the server. Answers are data only and are never used as HTML.

const kTimeout = 30_000; // ms

export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

// The token lives as long as the tab. A server that needs none is never sent one.
const kTokenKey = "tocsin-token";
let asking = null; // one dialog for all requests
let declined = false;

function ask_for_token(reason) {
  asking ??= new Promise((resolve) => {
    const dialog = document.getElementById("token-dialog");
    const input = document.getElementById("token");
    document.getElementById("token-reason").textContent = reason;
    dialog.addEventListener("close", () => {
      asking = null;
      declined = dialog.returnValue !== "use" || !input.value.trim();
      if (!declined) sessionStorage.setItem(kTokenKey, input.value.trim());
      input.value = "";
      offer_dialog(declined ? reason : null);
      resolve(!declined);
    }, { once: true });
    dialog.returnValue = "";
    dialog.showModal();
  });
  return asking;
}

// A button that asks again, after the user has cancelled.
function offer_dialog(reason) {
  const button = document.getElementById("token-ask");
  button.hidden = reason === null;
  button.onclick = async () => {
    if (await ask_for_token(reason)) document.dispatchEvent(new Event("tocsin-token"));
  };
}

async function request(path, options) {
  for (;;) {
    const token = sessionStorage.getItem(kTokenKey);
    const headers = token ? { ...options.headers, Authorization: `Bearer ${token}` } : options.headers;
    try {
      return await request_once(path, headers ? { ...options, headers } : options);
    } catch (error) {
      // 403 is also for foreign pages, which send no token.
      if (error.status !== 401 && !(error.status === 403 && token)) throw error;
      error.message = error.message.replace(/: send `Authorization[^]*/, ""); // advice for programs
      if (declined) throw error;
      // Another request may have brought a token in the meantime.
      if (token === sessionStorage.getItem(kTokenKey) && !(await ask_for_token(error.message))) throw error;
    }
  }
}

async function request_once(path, options) {
  const abort = new AbortController();
  options.signal?.addEventListener("abort", () => abort.abort());
  const timer = setTimeout(() => abort.abort(), options.timeout ?? kTimeout);
  try {
    const response = await fetch(path, { ...options, signal: abort.signal, cache: "no-store" });
    const text = await response.text();
    if (response.ok && options.as_text) return text;
    let body = null;
    try {
      body = JSON.parse(text);
    } catch {
      // An answer that is not JSON is shown unchanged.
    }
    const error = body?.error;
    if (response.ok && body !== null && !error) return body;
    const message = typeof error === "string" ? error : error?.message;
    throw new ApiError(message || text || `the server answered ${response.status}`, response.status);
  } catch (error) {
    if (options.signal?.aborted) throw new ApiError("stopped", 0);
    if (error.name === "AbortError") throw new ApiError("the server did not answer in time", 0);
    if (error instanceof TypeError) throw new ApiError("the server cannot be reached", 0);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Runs a query. Returns {columns, rows, stats}, and has_more_rows if there are more than `rows_max`.
 * Aborting `signal` cancels it on the server, too.
 */
export function query(text, { rows_max, timeout, signal } = {}) {
  const path = rows_max ? `/api/query?rows_max=${rows_max}` : "/api/query";
  return request(path, { method: "POST", headers: { "Content-Type": "text/plain" }, body: text, timeout, signal });
}

/** Runs a query and returns its whole result as CSV, in a form that is safe in spreadsheets. */
export function csv(text, { timeout } = {}) {
  return request("/api/query?format=csv&safe=on",
    { method: "POST", headers: { "Content-Type": "text/plain" }, body: text, timeout, as_text: true });
}

/** Suggestions at a byte offset of an unfinished query: {start, end, suggestions: [{kind, text, detail}]}. */
export function complete(text, cursor) {
  return request(`/api/complete?cursor=${cursor}`, { method: "POST", headers: { "Content-Type": "text/plain" }, body: text });
}

/**
 * Runs a query and returns its rows as objects. A measurement or column that does not exist yet, as
 * before the first alert, has no rows.
 */
export async function rows(text) {
  try {
    const table = await query(text);
    const names = table.columns.map((column) => column.name);
    return table.rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i]])));
  } catch (error) {
    if (/\bno (measurement|column) `/.test(error.message)) return [];
    throw error;
  }
}

export async function firing() {
  const answer = await request("/api/v1/alerts", {});
  return (answer.data?.alerts ?? []).filter((alert) => alert.state === "firing");
}

export async function rules() {
  const answer = await request("/api/v1/rules", {});
  return (answer.data?.groups ?? []).flatMap((group) =>
    (group.rules ?? []).map((rule) => ({ ...rule, group: group.name, interval: group.interval })));
}

export function health() {
  return request("/health", {});
}
