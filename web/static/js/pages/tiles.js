// Facts as tiles, and words with a mark.

import { h, icon, setText } from "../dom.js";
import { shown } from "../text.js";

/** Show facts, each [name, value] or [name, value, kind]; kinds are "good", "bad", "warn". */
export function showTiles(element, facts) {
  if (element.childElementCount !== facts.length) element.replaceChildren(...facts.map(([name]) => h("div", {}, h("dt", { text: name }), h("dd"))));
  facts.forEach(([, value, kind], index) => {
    const tile = element.children[index];
    setText(tile.lastElementChild, String(value));
    tile.className = kind ? `is-${kind}` : "";
  });
}

const MARKS = { good: "check", bad: "cross", warn: "warning", busy: "dots", quiet: "ring" };

/** Return a word with a mark, so that its colour is never all that says it. */
export function word(text, kind, mark = MARKS[kind]) {
  return h("span", { class: `word is-${kind}` }, icon(mark), text);
}

const STATUSES = { running: ["busy", "dots"], completed: ["good", "check"], failed: ["bad", "cross"], cancelled: ["quiet", "stop"] };

/** Return the status of a trace as a word with a mark. */
export function statusWord(status) {
  const [kind, mark] = STATUSES[status] ?? ["quiet", "question"];
  return word(shown(status, 20), kind, mark);
}
