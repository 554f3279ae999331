// The overview of the chosen range: incoming events, alerts, and the services concerned.

import * as api from "./api.js";
import { draw_bars, draw_over_time, series_color, severity_color, show_chart } from "./charts.js";
import { compact, count, set_text, severities, show_empty } from "./format.js";

// The width of a point (step) and of a bar (alert_step), by range.
const kRanges = {
  "1h": { ms: 3_600_000, step: "1m", step_ms: 60_000, alert_step: "5m", alert_step_ms: 300_000 },
  "6h": { ms: 21_600_000, step: "5m", step_ms: 300_000, alert_step: "15m", alert_step_ms: 900_000 },
  "1d": { ms: 86_400_000, step: "15m", step_ms: 900_000, alert_step: "1h", alert_step_ms: 3_600_000 },
  "7d": { ms: 604_800_000, step: "2h", step_ms: 7_200_000, alert_step: "6h", alert_step_ms: 21_600_000 },
  "30d": { ms: 2_592_000_000, step: "8h", step_ms: 28_800_000, alert_step: "1d", alert_step_ms: 86_400_000 },
};
const kSeriesMax = 9; // more measurements become "others"

// Fills a series: buckets without rows are zero, and incomplete buckets at the ends are left out.
function fill(sums, from, to, step) {
  const points = [];
  for (let x = Math.ceil(from / step) * step; x + step <= to; x += step) points.push({ x, y: sums.get(x) ?? 0 });
  return points;
}

function grouped(rows, key) {
  const groups = new Map();
  for (const row of rows) {
    const label = String(row[key] ?? "(none)");
    if (!groups.has(label)) groups.set(label, { label, total: 0, sums: new Map() });
    const group = groups.get(label);
    const x = Date.parse(row.time);
    group.total += Number(row.n);
    group.sums.set(x, (group.sums.get(x) ?? 0) + Number(row.n));
  }
  return [...groups.values()].sort((a, b) => b.total - a.total);
}

function with_others(groups) {
  if (groups.length <= kSeriesMax) return groups;
  const others = { label: `${groups.length - kSeriesMax} others`, total: 0, sums: new Map() };
  for (const group of groups.slice(kSeriesMax)) {
    others.total += group.total;
    for (const [x, n] of group.sums) others.sums.set(x, (others.sums.get(x) ?? 0) + n);
  }
  return [...groups.slice(0, kSeriesMax), others];
}

async function refresh_events(range, now) {
  const { ms, step, step_ms } = kRanges[range];
  const rows = await api.rows(`from * last ${range} | stats n = count() by measurement, time(${step})`);
  const groups = grouped(rows, "measurement");
  const total = groups.reduce((sum, group) => sum + group.total, 0);
  set_text("tile-events", compact(total));
  set_text("tile-events-note", total ? `${count(total / (ms / 60_000))} per minute` : "");
  show_chart("events-chart", total > 0);
  show_empty("events-empty", total > 0 ? "" :
    "No events in this range. Send one:\ncurl --data-binary 'hello,service=web greeting=\"hi\"' " + location.origin + "/write");
  if (!total) return;
  const series = with_others(groups).map((group, i) => ({
    label: group.label,
    color: series_color(i),
    points: fill(group.sums, now - ms, now, step_ms).map(({ x, y }) => ({ x, y: y / (step_ms / 60_000) })),
  }));
  draw_over_time("events-chart", series, {
    kind: "line", from: now - ms, to: now, width: step_ms,
    description: `Events per minute: ${groups.map((group) => `${group.label} ${count(group.total)}`).join(", ")}`,
  });
}

async function refresh_alerts(range, now) {
  const { ms, alert_step, alert_step_ms } = kRanges[range];
  const rows = await api.rows(`from alerts last ${range} | where state == "firing" and not exists(inhibited_by) and not exists(silenced_by) | stats n = count() by severity, time(${alert_step})`);
  const groups = grouped(rows, "severity");
  const total = groups.reduce((sum, group) => sum + group.total, 0);
  const parts = severities.flatMap((severity) => groups.filter((group) => group.label === severity));
  set_text("tile-alerts", compact(total));
  set_text("tile-alerts-note", parts.map((group) => `${count(group.total)} ${group.label.toLowerCase()}`).join(", "));
  show_chart("alerts-chart", total > 0);
  show_empty("alerts-empty", total > 0 ? "" : "No alerts in this range.");
  if (!total) return;
  const from = Math.floor((now - ms) / alert_step_ms) * alert_step_ms;
  const to = Math.ceil(now / alert_step_ms) * alert_step_ms;
  // Each bar is centred on its bucket.
  const series = parts.reverse().map((group) => ({
    label: group.label,
    color: severity_color(group.label),
    points: fill(group.sums, from, to, alert_step_ms).map(({ x, y }) => ({ x: x + alert_step_ms / 2, y })),
  }));
  draw_over_time("alerts-chart", series, {
    kind: "stacked", from, to, width: alert_step_ms,
    description: `Alerts: ${parts.map((group) => `${count(group.total)} ${group.label}`).join(", ")}`,
  });
}

async function refresh_services(range) {
  const rows = await api.rows(`from alerts last ${range} | where state == "firing" and exists(service) and not exists(inhibited_by) and not exists(silenced_by) | stats n = count() by service | sort -n | limit 8`);
  show_chart("services-chart", rows.length > 0);
  show_empty("services-empty", rows.length ? "" : "No service had an alert in this range.");
  if (!rows.length) return;
  draw_bars("services-chart", rows.map((row) => ({ label: String(row.service), value: Number(row.n) })),
    `Alerts by service: ${rows.map((row) => `${row.service} ${row.n}`).join(", ")}`);
}

export async function refresh(range) {
  const now = Date.now();
  await refresh_events(range, now);
  await refresh_alerts(range, now);
  await refresh_services(range);
}
