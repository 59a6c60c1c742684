// Dead letters: the list, one of them as text or in hexadecimal digits, and the way back.

import { $, fill, h, icon, setText } from "../dom.js";
import { Poll } from "./page.js";
import { Rows } from "./table.js";
import { bytes, clock, count, date, millis, plural } from "../format.js";
import { chip } from "../parts.js";
import { get, part } from "./api.js";
import { redriveBox } from "./redrive.js";
import { shown } from "../text.js";
import { word } from "./tiles.js";

const PATH = "/api/v1/mesh/dead-letters";
const EVERY_MS = 8000;
const MOST = 200;
const ROWS = 50;
const state = { letters: [], filter: "", most: ROWS, open: "" };

function item({ letter, isOpen }) {
  const at = millis(letter.at);
  const button = h(
    "button",
    { type: "button", class: "letter-item", "aria-current": String(isOpen), data: { key: letter.id } },
    h("span", { class: "item-head" }, h("span", { class: "mono", text: letter.id }), h("span", { class: "item-title", text: shown(letter.error_type, 80) }), letter.redriven ? chip("sent back", "is-quiet") : null, h("time", { datetime: letter.at, title: date(at), text: clock(at) })),
    h("span", { class: "card-error clip", text: shown(letter.error, 300) }),
    h("span", { class: "quiet mono", text: `${shown(letter.origin || "origin unknown", 120)} · ${shown(letter.task_id || "no task", 60)}` }),
  );
  button.addEventListener("click", () => open(letter.id, true));
  return h("li", {}, button);
}

const rows = new Rows($("letters"), item);

function show() {
  const wanted = state.filter.toLowerCase();
  const found = state.letters.filter((letter) => !wanted || [letter.id, letter.task_id, letter.error, letter.error_type, letter.origin].join("\n").toLowerCase().includes(wanted));
  rows.show(found.slice(0, state.most).map((letter) => ({ key: letter.id, signature: `${letter.id === state.open}/${Boolean(letter.redriven)}`, letter, isOpen: letter.id === state.open })));
  setText($("count"), state.letters.length >= MOST ? `${count(MOST)} or more` : count(found.length));
  $("nothing").hidden = found.length > 0;
  setText($("nothing"), state.letters.length ? "None of them fits." : "There are none: everything could be worked on.");
  $("more").hidden = found.length <= state.most;
}

// -- one of them

async function open(id, isChosen) {
  state.open = id;
  history.replaceState(null, "", `#${part(id)}`);
  show();
  const box = $("letter");
  try {
    const { dead_letter: letter } = await get(`${PATH}/${part(id)}`);
    if (state.open !== id) return;
    fill(box, contents(letter));
  } catch (error) {
    if (error.status === undefined) throw error;
    fill(box, h("h2", { id: "letter-title", text: `Dead letter ${shown(id, 60)}` }), h("p", { class: "card-error", text: shown(error.message, 300) }));
  }
  box.hidden = false;
  if (isChosen) {
    box.focus({ preventScroll: true });
    box.scrollIntoView({ block: "nearest" });
  }
}

function contents(letter) {
  const text = h("pre", { class: "output", text: shown(letter.text, 64000) || "(empty)" });
  const hex = h("pre", { class: "output hexdump", hidden: true, tabindex: "0", "aria-label": "The value in hexadecimal digits", text: shown(letter.hex, 64000) || "(empty)" });
  const buttons = [["Text", text], ["Hex", hex]].map(([name, view]) => h("button", { type: "button", "aria-pressed": String(view === text), text: name, on: { click: (event) => choose(event.currentTarget, view) } }));
  const choose = (button, view) => {
    for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
    text.hidden = view !== text;
    hex.hidden = view !== hex;
  };
  const headers = Object.entries(letter.headers ?? {});
  return [
    h("div", { class: "panel-head" }, h("h2", { id: "letter-title" }, icon("skull"), ` Dead letter ${letter.id}`), letter.redriven ? word(`sent back as ${shown(letter.redriven.to, 80)}`, "good") : word("not sent back", "quiet")),
    h("p", { class: "card-error", text: shown(letter.error, 4000) }),
    facts([
      ["task", letter.task_id ? h("a", { href: `/tasks/${part(letter.task_id)}`, class: "mono", text: shown(letter.task_id, 100) }) : "none"],
      ["kind", shown(letter.error_type, 200)],
      ["stood at", h("span", { class: "mono", text: shown(letter.origin || "unknown", 200) })],
      ["died at", date(letter.at)],
      ["whose job", shown(letter.role || "refused before it was one", 60)],
      ["sent back before", count(letter.replay_count)],
      ["size", plural(letter.size, "byte")],
      ["key", h("span", { class: "mono", text: shown(letter.key ?? "none", 200) })],
    ]),
    redriveBox(letter.id, () => poll.now()),
    h("div", { class: "switch" }, h("h3", { text: letter.shown < letter.size ? `Value, its first ${bytes(letter.shown)}` : "Value" }), buttons),
    text,
    hex,
    h("details", { class: "fold" }, h("summary", { text: plural(headers.length, "header") }), h("div", { class: "fold-body" }, facts(headers.map(([name, value]) => [shown(name, 100), h("span", { class: "mono", text: shown(value, 400) })])))),
  ];
}

function facts(pairs) {
  return h("dl", { class: "fields" }, pairs.map(([name, value]) => [h("dt", { text: name }), h("dd", {}, value)]));
}

// -- asking

const poll = new Poll(() => get(PATH, { limit: MOST }), ({ dead_letters: letters = [] }) => {
  state.letters = letters;
  show();
  const wanted = decodeURIComponent(location.hash.slice(1));
  if (!state.open && (wanted || letters.length)) open(wanted || letters[0].id, false);
}, EVERY_MS);

$("filter").addEventListener("input", () => {
  state.filter = $("filter").value.trim();
  state.most = ROWS;
  show();
});
$("more").addEventListener("click", () => {
  state.most += ROWS;
  show();
});
addEventListener("hashchange", () => {
  const id = decodeURIComponent(location.hash.slice(1));
  if (id && id !== state.open) open(id, true);
});
poll.now();
