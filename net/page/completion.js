// Suggestions for the query box, from /api/complete: they appear while typing, or with Ctrl+Space.

import * as api from "./api.js";
import { element } from "./format.js";

const kPause = 150; // ms without a key until suggestions are fetched
const kShown = 12;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Adds suggestions to a textarea; `list` is an empty element below it with the role `listbox`. */
export function set_up(text, list) {
  let newest = 0; // answers to older requests are dropped
  let timer = 0;
  let chosen = -1;
  let completion = null;

  function close() {
    newest += 1;
    clearTimeout(timer);
    completion = null;
    list.hidden = true;
    text.setAttribute("aria-expanded", "false");
    text.removeAttribute("aria-activedescendant");
  }

  function choose(index) {
    chosen = index;
    for (const [i, item] of [...list.children].entries()) item.setAttribute("aria-selected", String(i === index));
    if (index < 0) return text.removeAttribute("aria-activedescendant");
    text.setAttribute("aria-activedescendant", list.children[index].id);
    list.children[index].scrollIntoView({ block: "nearest" });
  }

  // Positions in the answer are bytes of UTF-8.
  function accept(index) {
    const bytes = encoder.encode(text.value);
    const before = decoder.decode(bytes.subarray(0, completion.start)) + completion.suggestions[index].text;
    text.value = before + decoder.decode(bytes.subarray(completion.end));
    text.setSelectionRange(before.length, before.length);
    close();
  }

  function show(answer) {
    completion = { ...answer, suggestions: answer.suggestions.slice(0, kShown) };
    const typed = decoder.decode(encoder.encode(text.value).subarray(answer.start, answer.end));
    if (!completion.suggestions.length || completion.suggestions.every((each) => each.text === typed)) return close();
    list.replaceChildren(...completion.suggestions.map((each, i) => {
      const item = element("li", { id: `suggestion-${i}`, role: "option" },
        element("code", { textContent: each.text }), element("span", { className: "note", textContent: each.detail }));
      item.addEventListener("mousedown", (event) => {
        event.preventDefault(); // the textarea keeps the focus
        accept(i);
      });
      return item;
    }));
    list.hidden = false;
    text.setAttribute("aria-expanded", "true");
    choose(-1);
  }

  async function fetch_suggestions() {
    const mine = newest += 1;
    const cursor = encoder.encode(text.value.slice(0, text.selectionEnd)).length;
    const answer = await api.complete(text.value, cursor).catch(() => null);
    if (mine === newest && answer && document.activeElement === text) show(answer);
  }

  text.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(fetch_suggestions, kPause);
  });
  text.addEventListener("blur", close);
  text.addEventListener("keydown", (event) => {
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      fetch_suggestions();
      return;
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) return close();
    if (list.hidden) return;
    const size = completion.suggestions.length;
    if (event.key === "ArrowDown") choose((chosen + 1) % size);
    else if (event.key === "ArrowUp") choose(chosen <= 0 ? size - 1 : chosen - 1);
    else if (event.key === "Tab" || (event.key === "Enter" && chosen >= 0)) accept(Math.max(chosen, 0));
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  });
}
