// The query box: shows the result as a table, and as a chart if it has a time column.

import * as api from "./api.js";
import { draw_over_time, series_color, show_chart } from "./charts.js";
import * as completion from "./completion.js";
import { clock, count, element, number } from "./format.js";

const kRowsShown = 1_000;
const kRowsFetched = 10_000; // what a chart may need
const kSeriesMax = 12;
const kTimeout = 300_000; // ms; the default query_timeout of the server

const kExamples = [
  ["The last 100 audit events", "from audit\n| sort -time\n| limit 100"],
  ["The latest 50 alerts", "from alerts\n| sort -time\n| limit 50"],
  ["Alerts of the last 24 hours, by severity and type", "from alerts last 24h\n| where state == \"firing\" and not exists(inhibited_by) and not exists(silenced_by)\n| stats n = count() by severity, type"],
  ["Services with the most alerts in 7 days", "from alerts last 7d\n| where state == \"firing\" and not exists(inhibited_by) and not exists(silenced_by)\n| stats n = count() by service\n| sort -n\n| limit 10"],
  ["Events per minute, by measurement", "from * last 1h\n| stats n = count() by measurement, time(1m)"],
  ["Rejected lines, by reason", "from rejected last 24h\n| stats n = count() by source, reason\n| sort -n"],
  ["Failed deliveries", "from deliveries last 7d\n| where status == \"failed\"\n| sort -time\n| limit 50"],
];

const kHistory = "tocsin.queries"; // the key of localStorage
const kHistoryMax = 30;

const by_id = (id) => document.getElementById(id);
let running = null; // the AbortController of the newest run; answers of older runs are dropped

export function set_up() {
  const text = by_id("query-text");
  const examples = by_id("query-example");
  for (const [name, example] of kExamples) examples.append(element("option", { value: example, textContent: name }));
  examples.addEventListener("change", () => {
    if (!examples.value) return;
    text.value = examples.value;
    examples.value = "";
    run();
  });
  by_id("query-history").addEventListener("change", (event) => {
    if (event.target.value) show(event.target.value);
    event.target.value = "";
  });
  show_history();
  completion.set_up(text, by_id("query-suggestions"));
  by_id("query-csv").addEventListener("click", download);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select")) return;
    event.preventDefault();
    text.focus();
    text.scrollIntoView({ block: "center" });
  });
  by_id("query-form").addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });
  by_id("query-stop").addEventListener("click", () => running?.abort());
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    run();
  });
  const shared = new URLSearchParams(location.hash.slice(1)).get("q");
  text.value = shared ?? kExamples[4][1];
  if (shared) show(shared);
}

/** Puts a query into the box, runs it and scrolls there. */
export function show(query) {
  by_id("query-text").value = query;
  by_id("query-form").scrollIntoView({ block: "start" });
  run();
}

// The browser may forbid the storage; then there is no history.
function read_history() {
  try {
    return JSON.parse(localStorage.getItem(kHistory)) ?? [];
  } catch {
    return [];
  }
}

function show_history() {
  const queries = read_history();
  by_id("query-history").disabled = !queries.length;
  by_id("query-history").replaceChildren(element("option", { value: "", textContent: "earlier queries" }),
    ...queries.map((query) => element("option", { value: query, textContent: query.replace(/\s+/g, " ").slice(0, 100) })));
}

function remember(query) {
  const queries = [query, ...read_history().filter((other) => other !== query)].slice(0, kHistoryMax);
  try {
    localStorage.setItem(kHistory, JSON.stringify(queries));
  } catch {
    return;
  }
  show_history();
}

async function download() {
  try {
    const text = await api.csv(by_id("query-text").value, { timeout: kTimeout });
    const link = element("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: "tocsin.csv" });
    link.click();
    URL.revokeObjectURL(link.href);
    show_error("");
  } catch (error) {
    show_error(error.message);
  }
}

async function run() {
  const text = by_id("query-text").value;
  running?.abort();
  const mine = running = new AbortController();
  history.replaceState(null, "", `#q=${encodeURIComponent(text)}`);
  show_error("");
  by_id("query-note").textContent = "running";
  show_running(true);
  const began = performance.now();
  try {
    const table = await api.query(text, { rows_max: kRowsFetched, timeout: kTimeout, signal: mine.signal });
    if (mine !== running) return;
    show_table(table);
    show_as_chart(table);
    remember(text);
    by_id("query-note").textContent = note_of(table, performance.now() - began);
  } catch (error) {
    if (mine !== running) return;
    const stopped = mine.signal.aborted; // the user knows, so it is not an error
    show_error(stopped ? "" : error.message);
    show_table({ columns: [], rows: [] });
    show_chart("query-chart", false);
    by_id("query-note").textContent = stopped ? `stopped after ${count(performance.now() - began)} ms` : "";
  } finally {
    if (mine === running) show_running(false);
  }
}

// While a query runs, the result of the previous one stays, but pale.
function show_running(busy) {
  by_id("query-stop").disabled = !busy;
  for (const id of ["query-chart-box", "query-result"]) by_id(id).setAttribute("aria-busy", busy);
}

function show_error(message) {
  const place = by_id("query-error");
  place.hidden = !message;
  place.textContent = message;
}

function note_of(table, ms) {
  const more = table.has_more_rows ? "more than " : "";
  const shown = table.rows.length > kRowsShown ? `the first ${count(kRowsShown)} of ${more}` : "";
  const warnings = (table.warnings ?? []).map((warning) => `; ${warning}`).join("");
  return `${shown}${count(table.rows.length)} ${table.rows.length === 1 ? "row" : "rows"} in ${count(ms)} ms${warnings}`;
}

const is_number = (type) => ["i64", "u64", "f64"].includes(type);

function show_table(table) {
  const place = by_id("query-result");
  place.hidden = table.columns.length === 0;
  const head = element("tr");
  for (const column of table.columns) {
    head.append(element("th", { scope: "col", className: is_number(column.type) ? "number" : "", textContent: column.name, title: column.type }));
  }
  place.tHead.replaceChildren(head);
  place.tBodies[0].replaceChildren(...table.rows.slice(0, kRowsShown).map((row) =>
    element("tr", {}, ...row.map((value, i) => cell(value, table.columns[i].type)))));
}

function cell(value, type) {
  if (value === null) return element("td", { className: "null", textContent: "null" });
  if (type === "time") return element("td", { textContent: clock(value), title: value });
  if (is_number(type)) return element("td", { className: "number", textContent: type === "f64" ? number(value) : String(value) });
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return element("td", { className: text.length > 60 ? "text" : "", textContent: text });
}

// One series per numeric column and combination of values of the text columns.
function series_of(table) {
  const time = table.columns.findIndex((column) => column.type === "time");
  const values = table.columns.flatMap((column, i) => (is_number(column.type) ? [i] : []));
  const keys = table.columns.flatMap((column, i) => (["string", "bool"].includes(column.type) ? [i] : []));
  if (time < 0 || values.length === 0) return [];
  const series = new Map();
  for (const row of table.rows) {
    if (row[time] === null) continue;
    for (const i of values) {
      if (row[i] === null) continue;
      const names = keys.map((key) => String(row[key] ?? "null"));
      if (values.length > 1 || !names.length) names.push(table.columns[i].name);
      const label = names.join(" ");
      if (!series.has(label)) series.set(label, { label, points: [] });
      series.get(label).points.push({ x: Date.parse(row[time]), y: Number(row[i]) });
    }
  }
  return [...series.values()];
}

function show_as_chart(table) {
  const series = series_of(table);
  // Raw events give too many series or a single time: those are shown as a table only.
  const times = new Set(series.flatMap((one) => one.points.map((point) => point.x)));
  const worth = !table.has_more_rows && series.length > 0 && series.length <= kSeriesMax && times.size > 1;
  show_chart("query-chart", worth);
  if (!worth) return;
  for (const [i, one] of series.entries()) {
    one.points.sort((a, b) => a.x - b.x);
    one.color = series_color(i);
  }
  draw_over_time("query-chart", series, {
    kind: "line", from: Math.min(...times), to: Math.max(...times),
    description: `Result over time: ${series.map((one) => one.label).join(", ")}`,
  });
}
