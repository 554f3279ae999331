// Charts: Chart.js with the page's colours, times on a linear axis, and a text description each.

import { compact, number } from "./format.js";

const charts = new Map(); // by canvas id

function style(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function series_color(index) {
  const colors = style("--series").split(",").map((color) => color.trim());
  return colors[index % colors.length];
}

export function severity_color(severity) {
  return style(`--${String(severity).toLowerCase()}`) || style("--muted");
}

const two = (n) => String(n).padStart(2, "0");

function tick(ms, range) {
  const time = new Date(ms);
  const day = `${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}`;
  if (range > 2 * 86_400_000) return day;
  if (range < 120_000) return `${clock}:${two(time.getSeconds())}`;
  return range > 86_400_000 ? `${day} ${clock}` : clock;
}

function base_options(kind) {
  const axis = { grid: { color: style("--grid"), borderColor: style("--line") }, ticks: { color: style("--muted"), maxRotation: 0, autoSkipPadding: 16 } };
  return {
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    interaction: { mode: kind === "bar" ? "nearest" : "index", intersect: false },
    plugins: {
      legend: { position: "bottom", labels: { color: style("--text"), boxWidth: 10, boxHeight: 10 } },
      tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${number(item.parsed[kind === "bar" ? "x" : "y"])}` } },
    },
    scales: { x: { ...axis }, y: { ...axis, beginAtZero: true, ticks: { ...axis.ticks, callback: (value) => compact(value) } } },
  };
}

function draw(id, config, description) {
  const canvas = document.getElementById(id);
  canvas.setAttribute("aria-label", description);
  const old = charts.get(id);
  if (old && old.config.type === config.type) {
    const hidden = new Set(old.data.datasets.filter((_, i) => !old.isDatasetVisible(i)).map((set) => set.label));
    for (const set of config.data.datasets) set.hidden = hidden.has(set.label);
    old.data = config.data;
    old.options = config.options;
    old.update("none");
    return;
  }
  old?.destroy();
  charts.set(id, new Chart(canvas, config));
}

/** Series over time: `series` is [{label, color, points: [{x: ms, y}]}]; `kind` is "line" or "stacked". */
export function draw_over_time(id, series, { kind, from, to, width, description }) {
  const options = base_options("line");
  const range = to - from;
  options.parsing = false;
  options.scales.x = {
    ...options.scales.x,
    type: "linear",
    min: from,
    max: to,
    offset: false,
    ticks: { ...options.scales.x.ticks, stepSize: nice_step(range), callback: (ms) => tick(ms, range) },
    afterBuildTicks: (axis) => { axis.ticks = ticks_between(from, to); },
  };
  options.plugins.tooltip.callbacks.title = (items) => items.length ? new Date(items[0].parsed.x).toLocaleString() : "";
  if (kind === "stacked") {
    options.scales.x.stacked = true;
    options.scales.y.stacked = true;
  }
  const datasets = series.map((one) => ({
    label: one.label,
    data: one.points,
    borderColor: one.color,
    backgroundColor: one.color,
    borderWidth: kind === "stacked" ? 0 : 2,
    pointRadius: one.points.length < 2 ? 3 : 0,
    pointHitRadius: 8,
    tension: 0,
    barThickness: kind === "stacked" ? bar_width(id, range, width) : undefined,
  }));
  draw(id, { type: kind === "stacked" ? "bar" : "line", data: { datasets }, options }, description);
}

function bar_width(id, range, width) {
  const pixels = document.getElementById(id).parentElement.clientWidth - 50;
  return Math.max(2, Math.floor((pixels * width) / range) - 2);
}

const kSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800].map((s) => s * 1000);

function nice_step(range) {
  return kSteps.find((step) => range / step <= 8) ?? kSteps.at(-1) * Math.ceil(range / kSteps.at(-1) / 8);
}

// Ticks on round local times.
function ticks_between(from, to) {
  const step = nice_step(to - from);
  const shift = new Date(from).getTimezoneOffset() * 60_000;
  const ticks = [];
  for (let ms = Math.ceil((from - shift) / step) * step + shift; ms <= to; ms += step) ticks.push({ value: ms });
  return ticks;
}

/** Horizontal bars: `bars` is [{label, value}]. */
export function draw_bars(id, bars, description) {
  const options = base_options("bar");
  options.indexAxis = "y";
  options.plugins.legend.display = false;
  options.scales.x = { ...options.scales.y };
  options.scales.y = { ...base_options("bar").scales.x, grid: { display: false } };
  options.scales.y.ticks = { color: style("--text"), callback(index) { return shorten(this.getLabelForValue(index)); } };
  const data = {
    labels: bars.map((bar) => bar.label),
    datasets: [{ label: "alerts", data: bars.map((bar) => bar.value), backgroundColor: series_color(0), maxBarThickness: 22 }],
  };
  draw(id, { type: "bar", data, options }, description);
}

function shorten(text) {
  return text.length > 22 ? `${text.slice(0, 21)}…` : text;
}

/** Shows or hides the box of a chart. */
export function show_chart(id, visible) {
  document.getElementById(id).parentElement.hidden = !visible;
}
