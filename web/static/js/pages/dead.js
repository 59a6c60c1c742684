// What of a task became a dead letter, and the way back for it.

import { date } from "../format.js";
import { fill, h, icon } from "../dom.js";
import { part } from "./api.js";
import { redriveBox } from "./redrive.js";
import { shown } from "../text.js";

export function showDead(element, events, { again }) {
  const letters = events.filter((event) => event.kind === "dead_letter");
  element.hidden = !letters.length;
  const signature = letters.map((event) => event.key).join();
  if (element.dataset.signature === signature) return;
  element.dataset.signature = signature;
  if (!letters.length) return;
  fill(element, h("div", { class: "panel-head" }, h("h2", { id: "dead-title" }, icon("skull"), letters.length > 1 ? " Dead letters" : " Dead letter")), letters.map((event) => letterOf(event, again)));
}

function letterOf(event, again) {
  const { data } = event;
  const id = `${event.partition}-${event.offset}`;
  return h(
    "div",
    { class: "letter" },
    h("p", { class: "card-error" }, h("strong", { text: shown(data.error_type, 100) }), " ", shown(data.error, 2000)),
    h("p", { class: "quiet" }, `${date(event.at)}; it stood at `, h("span", { class: "mono", text: `${shown(String(data.topic || "?"), 100)}/${data.partition ?? "?"}/${data.offset ?? "?"}` }), "; letter ", h("a", { href: `/dead-letters#${part(id)}`, text: id })),
    redriveBox(id, again),
  );
}
