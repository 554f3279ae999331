// Refreshes the parts of the page and shows the status of the server.

import * as alert_view from "./alert.js";
import * as alerts from "./alerts.js";
import * as api from "./api.js";
import * as overview from "./overview.js";
import * as query from "./query.js";

const kInterval = 5_000; // ms between refreshes
const kSlow = 10; // the pause lasts this many times as long as the refresh, so slow ones are rarer

const by_id = (id) => document.getElementById(id);
let timer = 0;
let paused = false;
let refreshing = false;
let again = false;

function show_status(good, text) {
  by_id("status").className = good ? "status good" : "status bad";
  const place = by_id("status-text");
  if (place.textContent !== text) place.textContent = text;
}

async function refresh_all() {
  const range = by_id("range").value;
  const health = await api.health();
  const parts = [() => alerts.refresh_firing(), () => alerts.refresh_newest(range), () => alerts.refresh_rules(), () => overview.refresh(range)];
  const failures = [];
  for (const part of parts) await part().catch((error) => failures.push(error.message));
  if (failures.length) show_status(false, failures[0].split("\n")[0]);
  else show_status(true, health.version ? `version ${health.version}` : "connected");
}

async function refresh() {
  clearTimeout(timer);
  if (refreshing) {
    again = true;
    return;
  }
  refreshing = true;
  again = false;
  const began = performance.now();
  await refresh_all().catch((error) => show_status(false, error.message.split("\n")[0]));
  refreshing = false;
  if (again) return refresh();
  if (!paused && !document.hidden) timer = setTimeout(refresh, Math.max(kInterval, kSlow * (performance.now() - began)));
}

function set_up() {
  by_id("range").addEventListener("change", refresh);
  by_id("pause").addEventListener("click", () => {
    paused = !paused;
    by_id("pause").setAttribute("aria-pressed", String(paused));
    by_id("pause").textContent = paused ? "Paused" : "Pause";
    if (!paused) refresh();
  });
  document.addEventListener("tocsin-token", refresh); // see api.js
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && !paused) refresh();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", refresh);
  query.set_up();
  alert_view.set_up();
  refresh();
}

set_up();
