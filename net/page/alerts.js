// Alerts and rules: the list of firing alerts, the newest alerts, and the health of the rules.

import * as alert_view from "./alert.js";
import * as api from "./api.js";
import { badge, clock, count, element, number, parsed, set_text, severities, show_empty, since, span } from "./format.js";

const kNewest = 50;
const open_details = new Set(); // keys of rows that the user expanded; a refresh keeps them expanded

function severity_rank(severity) {
  const rank = severities.indexOf(severity);
  return rank < 0 ? severities.length : rank;
}

export async function refresh_firing() {
  const alerts = await api.firing();
  alerts.sort((a, b) => severity_rank(a.labels?.severity) - severity_rank(b.labels?.severity) ||
    String(b.activeAt).localeCompare(String(a.activeAt)));
  const sent = alerts.filter((alert) => !alert.status?.inhibitedBy?.length);
  const worst = severities.map((severity) => [severity, sent.filter((alert) => alert.labels?.severity === severity).length])
    .filter(([, n]) => n > 0);
  set_text("tile-firing", count(sent.length));
  set_text("tile-firing-note", worst.map(([severity, n]) => `${n} ${severity.toLowerCase()}`).join(", "));
  document.title = sent.length ? `(${sent.length}) Tocsin` : "Tocsin";
  show_empty("firing-empty", alerts.length ? "" : "No alert is firing.");
  document.getElementById("firing").replaceChildren(...alerts.map(firing_item));
}

function firing_item(alert) {
  const labels = alert.labels ?? {};
  return element("li", {},
    element("div", { className: "head" },
      badge(labels.severity),
      element("strong", { textContent: labels.service ?? "" }),
      open_button(labels.alertname ?? alert.name ?? "", alert.fingerprint),
      alert.status?.inhibitedBy?.length ? element("span", { className: "note", textContent: `not sent, inhibited by ${alert.status.inhibitedBy.join(", ")}` }) : null,
      element("span", { className: "note" }, since(alert.activeAt))),
    element("p", { textContent: alert.annotations?.summary ?? "" }),
    alert.annotations?.explanation ? element("p", { className: "note", textContent: alert.annotations.explanation.split("\n")[0] }) : null);
}

function open_button(text, fingerprint) {
  const button = element("button", { type: "button", className: "link", textContent: text });
  button.addEventListener("click", () => alert_view.show(fingerprint ?? ""));
  return button;
}

export async function refresh_newest(range) {
  const rows = await api.rows(`from alerts last ${range} | sort -time | limit ${kNewest}`);
  show_empty("newest-empty", rows.length ? "" : "No alerts in this range.");
  const table = document.getElementById("newest");
  table.hidden = rows.length === 0;
  const focused = document.activeElement?.dataset?.key;
  table.tBodies[0].replaceChildren(...rows.flatMap(newest_rows));
  if (focused) [...table.querySelectorAll("button.row")].find((button) => button.dataset.key === focused)?.focus();
}

function newest_rows(row) {
  const key = `${row.time} ${row.fingerprint} ${row.state}`;
  const details = element("tr", { className: "details", hidden: !open_details.has(key) }, element("td", { colspan: 6 }, details_of(row)));
  const button = element("button", { type: "button", className: "row", textContent: row.rule ?? "", "aria-expanded": String(!details.hidden) });
  button.dataset.key = key;
  button.addEventListener("click", () => {
    details.hidden = !details.hidden;
    button.setAttribute("aria-expanded", String(!details.hidden));
    if (details.hidden) open_details.delete(key);
    else open_details.add(key);
  });
  const state = String(row.state ?? "");
  const known = ["firing", "resolved"].includes(state);
  return [
    element("tr", {},
      element("td", {}, badge(row.severity)),
      element("td", { className: known ? `state-${state}` : "", textContent: [state, row.late && "late", row.inhibited_by && "inhibited", row.silenced_by && "silenced", row.acknowledged_by && "acknowledged"].filter(Boolean).join(", ") }),
      element("td", { textContent: row.service ?? "" }),
      element("td", {}, button),
      element("td", { className: "text", textContent: row.summary ?? "" }),
      element("td", {}, since(row.started_at))),
    details,
  ];
}

function details_of(row) {
  const list = element("dl");
  const add = (name, ...content) => list.append(element("dt", { textContent: name }), element("dd", {}, ...content));
  add("Window", `${clock(row.window_from)} to ${clock(row.window_to)}`);
  if (row.value !== null && row.value !== undefined) add("Value", number(row.value));
  if (row.baseline !== null && row.baseline !== undefined) add("Baseline", number(row.baseline));
  add("Type", String(row.type ?? ""));
  if (row.inhibited_by) add("Not sent, inhibited by", String(row.inhibited_by));
  if (row.silenced_by) add("Not sent, silenced by", String(row.silenced_by));
  if (row.acknowledged_by) add("Not sent, acknowledged by", String(row.acknowledged_by));
  const { explanation, ...annotations } = parsed(row.annotations, {});
  if (explanation) add("Why", ...String(explanation).split("\n").map((line) => element("div", { textContent: line })));
  for (const [title, entries] of [["Labels", parsed(row.labels, {})], ["Annotations", annotations]]) {
    const pairs = Object.entries(entries);
    if (pairs.length) add(title, pairs.map(([name, value]) => `${name} = ${value}`).join(", "));
  }
  add("Fingerprint", element("code", { textContent: row.fingerprint ?? "" }), " ", open_button("open this alert", row.fingerprint));
  const samples = parsed(row.samples, []);
  if (Array.isArray(samples) && samples.length) {
    add("Samples", ...samples.map((sample) => element("pre", { textContent: typeof sample === "string" ? sample : JSON.stringify(sample) })));
  }
  return list;
}

export async function refresh_rules() {
  const rules = await api.rules();
  const unhealthy = rules.filter((rule) => health_of(rule) !== "ok");
  set_text("tile-rules", count(rules.length));
  set_text("tile-rules-note", !rules.length ? "" : unhealthy.length ? counted(unhealthy) : "all healthy");
  show_empty("rules-empty", rules.length ? "" : "No rules are loaded.");
  const table = document.getElementById("rules");
  table.hidden = rules.length === 0;
  table.tBodies[0].replaceChildren(...rules.map(rule_row));
}

function health_of(rule) {
  const health = String(rule.health ?? "").toLowerCase();
  return health === "err" ? "failing" : health || "ok";
}

function counted(rules) {
  const counts = new Map();
  for (const rule of rules) counts.set(health_of(rule), (counts.get(health_of(rule)) ?? 0) + 1);
  return [...counts].map(([health, n]) => `${n} ${health}`).join(", ");
}

function rule_row(rule) {
  const active = (rule.alerts ?? []).length;
  const evaluated = Date.parse(rule.lastEvaluation) > 0 ? since(rule.lastEvaluation) : element("span", { className: "null", textContent: "not yet" });
  return element("tr", {},
    element("td", {}, badge(health_of(rule))),
    element("td", { className: "text" },
      element("strong", { textContent: rule.name ?? "" }),
      rule.lastError ? element("pre", { className: "error", textContent: rule.lastError }) : null),
    element("td", { textContent: rule.group ?? "" }),
    element("td", { textContent: rule.interval ? span(rule.interval * 1000) : "" }),
    element("td", {}, evaluated),
    element("td", { textContent: active ? count(active) : "" }));
}
