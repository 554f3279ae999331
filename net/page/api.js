// Asks the server. Every answer is data: nothing of it is ever used as HTML.

const kTimeout = 30_000; // ms; a page that waits longer has nothing to show anyway

export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function ask(path, options) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), options.timeout ?? kTimeout);
  try {
    const response = await fetch(path, { ...options, signal: abort.signal, cache: "no-store" });
    const text = await response.text();
    let body = null;
    try {
      body = JSON.parse(text);
    } catch {
      // An answer that is no JSON is shown as it is.
    }
    const error = body?.error;
    if (response.ok && body !== null && !error) return body;
    const message = typeof error === "string" ? error : error?.message;
    throw new ApiError(message || text || `the server answered ${response.status}`, response.status);
  } catch (error) {
    if (error.name === "AbortError") throw new ApiError("no answer in time", 0);
    if (error instanceof TypeError) throw new ApiError("the server cannot be reached", 0);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Runs a query: {columns, rows, stats}. */
export function query(text, timeout) {
  return ask("/api/query", { method: "POST", headers: { "Content-Type": "text/plain" }, body: text, timeout });
}

/** Runs a query and gives its rows as objects. What does not exist yet (no alert was ever written) has no rows. */
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
  const answer = await ask("/api/v1/alerts", {});
  return (answer.data?.alerts ?? []).filter((alert) => alert.state === "firing");
}

export async function rules() {
  const answer = await ask("/api/v1/rules", {});
  return (answer.data?.groups ?? []).flatMap((group) =>
    (group.rules ?? []).map((rule) => ({ ...rule, group: group.name, interval: group.interval })));
}

export function health() {
  return ask("/health", {});
}
