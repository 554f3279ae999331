// Small helpers: elements that contain text, and readable numbers, times and durations.

export const severities = ["CRITICAL", "HIGH", "MEDIUM", "LOW"];

/** Creates an element with properties and children. Text is never parsed as HTML. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("aria-") || key === "role" || key === "colspan" || key === "scope") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function badge(text) {
  const known = ["low", "medium", "high", "critical", "ok", "blind", "learning", "failing"];
  const name = String(text ?? "").toLowerCase();
  return element("span", { className: known.includes(name) ? `badge ${name}` : "badge", textContent: text ?? "" });
}

export function count(n) {
  const value = Number(n);
  return Number.isFinite(value) ? value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 }) : "–";
}

export function compact(n) {
  return Number(n).toLocaleString("en", { notation: "compact", maximumFractionDigits: 1 });
}

export function number(n) {
  return Number(n).toLocaleString("en", { maximumSignificantDigits: 6 });
}

const two = (n) => String(n).padStart(2, "0");

/** `2026-11-24 10:04:05`, in the browser's time zone. */
export function clock(text) {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return String(text ?? "");
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ` +
    `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

/** A time element that shows how long ago it was; the tooltip shows the time itself, also in UTC. */
export function since(text) {
  const time = new Date(text);
  if (!text || Number.isNaN(time.getTime())) return element("span", { textContent: "–" });
  return element("time", { dateTime: time.toISOString(), title: `${clock(text)} (${time.toISOString()})`, textContent: `${span(Date.now() - time.getTime())} ago` });
}

export function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d`;
}

/** Parses JSON text; returns `otherwise` if that fails. */
export function parsed(text, otherwise) {
  if (typeof text !== "string") return text ?? otherwise;
  try {
    return JSON.parse(text) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** Shows a message in place of missing data; hides it if `text` is empty. */
export function show_empty(id, text) {
  const place = document.getElementById(id);
  place.hidden = !text;
  place.textContent = text ?? "";
}

export function set_text(id, text) {
  const place = document.getElementById(id);
  if (place.textContent !== text) place.textContent = text;
}
