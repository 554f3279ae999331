// One alert: why it fires, its events over time, its lines, history and deliveries. The address holds its fingerprint,
// so that the view can be shared: `#alert=FINGERPRINT`.

import * as api from "./api.js";
import { draw_over_time, series_color, show_chart } from "./charts.js";
import { badge, clock, count, element, number, parsed, since } from "./format.js";
import * as query from "./query.js";

const kHistory = "90d";
const kBefore = 24; // windows shown before the alert
const kAfter = 6;
const kLines = 20;

const by_id = (id) => document.getElementById(id);
let shown = null; // the fingerprint; answers about another one are dropped

export function set_up() {
  by_id("alert-close").addEventListener("click", close);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !by_id("alert").hidden && !(event.target instanceof HTMLTextAreaElement)) close();
  });
  addEventListener("hashchange", open_address);
  open_address();
}

function open_address() {
  const fingerprint = new URLSearchParams(location.hash.slice(1)).get("alert");
  if (fingerprint) show(fingerprint);
}

function close() {
  shown = null;
  by_id("alert").hidden = true;
  history.replaceState(null, "", location.pathname);
}

/** Shows the alert and moves the focus to it. */
export async function show(fingerprint) {
  if (!/^[0-9a-f]{1,32}$/.test(fingerprint)) return;
  shown = fingerprint;
  history.replaceState(null, "", `#alert=${fingerprint}`);
  const place = by_id("alert");
  place.hidden = false;
  show_chart("alert-chart", false);
  by_id("alert-body").replaceChildren(element("p", { className: "empty", textContent: "loading" }));
  place.scrollIntoView({ block: "start" });
  by_id("alert-title").focus();
  const where = `where fingerprint == "${fingerprint}" | sort -time`;
  try {
    const [events, deliveries, rules] = await Promise.all([
      api.rows(`from alerts last ${kHistory} | ${where} | limit 50`),
      api.rows(`from deliveries last ${kHistory} | ${where} | limit 20`),
      api.rules()]);
    if (shown !== fingerprint) return;
    if (!events.length) throw new Error(`There is no alert ${fingerprint} in the last ${kHistory}.`);
    show_alert(events, deliveries, rules.find((rule) => rule.name === events[0].rule));
    await show_events(fingerprint, newest_firing(events));
  } catch (error) {
    if (shown === fingerprint) by_id("alert-body").replaceChildren(element("pre", { className: "error", textContent: error.message }));
  }
}

// The event whose query shows what the newest firing is about.
function newest_firing(events) {
  return events.find((event) => event.state === "firing" && event.query) ?? events[0];
}

function show_alert(events, deliveries, rule) {
  const newest = events[0];
  const firing = newest_firing(events);
  const explanation = parsed(firing.annotations, {}).explanation;
  const list = element("dl", { className: "facts" });
  const add = (name, ...content) => list.append(element("dt", { textContent: name }), element("dd", {}, ...content));
  add("State", badge(newest.severity), " ", String(newest.state), ", since ", since(newest.started_at));
  add("Summary", String(newest.summary ?? ""));
  if (explanation) add("Why", ...explanation.split("\n").map((line) => element("div", { textContent: line })));
  if (firing.value !== null) add("Value", firing.baseline === null ? number(firing.value) : `${number(firing.value)}, usually ${number(firing.baseline)}`);
  const labels = Object.entries(parsed(newest.labels, {}));
  if (labels.length) add("Labels", labels.map(([name, value]) => `${name} = ${value}`).join(", "));
  if (newest.inhibited_by) add("Not sent, inhibited by", String(newest.inhibited_by));

  const body = [list];
  if (firing.query) {
    const button = element("button", { type: "button", textContent: "Open in the query box" });
    button.addEventListener("click", () => query.show(firing.query));
    body.push(element("h3", { textContent: "Its events" }), element("pre", { textContent: firing.query }), button,
      element("div", { id: "alert-lines" }));
  }
  body.push(element("h3", { textContent: "History" }), table_of(["time", "state", "severity", "value", "baseline", "summary"], events));
  body.push(element("h3", { textContent: "Deliveries" }));
  body.push(deliveries.length ? table_of(["time", "forwarder", "state", "status", "http_status", "attempts", "error"], deliveries)
    : element("p", { className: "note", textContent: "Nothing was sent: there is no forwarder, or none wants it." }));
  if (rule) body.push(element("h3", { textContent: `Rule ${rule.name}` }), element("pre", { textContent: rule.query }));
  by_id("alert-title").textContent = [newest.rule, newest.service].filter(Boolean).join(": ");
  by_id("alert-body").replaceChildren(...body);
}

function table_of(names, rows) {
  const used = names.filter((name) => rows.some((row) => row[name] !== null && row[name] !== undefined));
  const head = element("tr", {}, ...used.map((name) => element("th", { scope: "col", textContent: name.replaceAll("_", " ") })));
  const cell = (name, value) => {
    if (value === null || value === undefined) return element("td");
    if (name === "time") return element("td", { textContent: clock(value), title: value });
    if (typeof value === "number") return element("td", { className: "number", textContent: number(value) });
    return element("td", { className: "text", textContent: typeof value === "string" ? value : JSON.stringify(value) });
  };
  const table = element("table", {}, element("thead", {}, head),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...used.map((name) => cell(name, row[name]))))));
  return element("div", { className: "scroll tall" }, table);
}

// The number of its events per window before, in and after it, and the newest lines of it.
async function show_events(fingerprint, event) {
  if (!event.query) return;
  const from = Date.parse(event.window_from);
  const width = Date.parse(event.window_to) - from;
  const start = from - kBefore * width;
  const end = Math.min(from + (1 + kAfter) * width, Math.floor((Date.now() - from) / width) * width + from);
  const iso = (ms) => new Date(ms).toISOString();
  const around = event.query.replace(/ between \S+ and \S+/, ` between ${iso(start)} and ${iso(Math.max(end, from + width))}`);
  const [buckets, rows] = await Promise.all([
    api.rows(`${around} | stats events = count() by time(${width / 1000}s)`),
    api.rows(`${event.query} | sort -time | limit ${kLines}`)]);
  if (shown !== fingerprint) return;
  // Buckets begin at multiples of their width, windows perhaps not.
  const first = Math.floor(start / width) * width;
  const counts = new Map(buckets.map((row) => [Date.parse(row.time), row.events]));
  const points = [];
  for (let x = first; x < Math.max(end, from + width); x += width) points.push({ x, y: counts.get(x) ?? 0 });
  show_chart("alert-chart", true);
  draw_over_time("alert-chart", [{ label: "events of this alert", color: series_color(0), points }],
    { kind: "stacked", from: first, to: first + points.length * width, width, description: `Events of the alert around ${clock(from)}` });
  const names = Object.keys(rows[0] ?? {}).filter((name) => name !== "measurement" || new Set(rows.map((row) => row[name])).size > 1);
  by_id("alert-lines")?.replaceChildren(element("p", { className: "note", textContent: `the newest ${count(rows.length)}` }), table_of(names, rows));
}
