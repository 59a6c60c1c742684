// A row for each event of a task, with where it stands in Kafka.

import { clock, date } from "../format.js";
import { h, icon } from "../dom.js";
import { after } from "../waterfall.js";
import { shown } from "../text.js";
import { timeOf } from "../story.js";

const WORDS = { task: "task", solution: "solution", verdict: "verdict", review: "review", dead_letter: "dead letter", line: "told" };

function saidOf({ kind, data }) {
  const attempt = Number(data.attempt ?? data.data?.attempt ?? data.attempts) || 1;
  const tried = attempt > 1 ? `, try ${attempt}` : "";
  if (kind === "task") return [attempt > 1 ? "a fix is asked for" : `asked by ${shown(data.source || "outside", 40)}`, tried];
  if (kind === "solution") return [`code of ${shown(data.model || "?", 60)}`, tried];
  if (kind === "verdict") return [`${data.success ? "PASS" : "FAIL"} ${shown(data.verdict, 40).replaceAll("_", " ")}`, tried];
  if (kind === "review") return [data.success ? "passed" : "failed", ""];
  if (kind === "dead_letter") return [shown(data.error, 200), ""];
  return [`${shown(data.agent, 40)}: ${shown(data.name || data.message || "", 200)}`, tried];
}

const LEVELS = { error: "cross", warning: "warning" };

export function eventRow({ event, from }) {
  const at = timeOf(event);
  const [said, tried] = saidOf(event);
  const mark = LEVELS[event.data.level];
  const isBad = event.kind === "dead_letter" || (event.kind === "verdict" && !event.data.success) || event.data.level === "error";
  return h(
    "tr",
    { class: `event is-${event.kind}${isBad ? " is-bad" : ""}` },
    h("td", {}, h("time", { datetime: new Date(at).toISOString(), title: date(at), text: clock(at) })),
    h("td", { class: "is-number", text: at < from ? `−${after(from - at)}` : after(at - from) }),
    h("td", { class: "event-what" }, h("b", { text: WORDS[event.kind] ?? shown(event.kind, 40) }), " ", mark ? icon(mark) : null, mark ? h("span", { class: "hidden", text: `${event.data.level}: ` }) : null, said, tried),
    h("td", { class: "mono", text: shown(event.topic, 100) }),
    h("td", { class: "is-number", text: String(event.partition) }),
    h("td", { class: "is-number", text: String(event.offset) }),
    h("td", {}, record(event)),
  );
}

function record(event) {
  const details = h("details", { class: "record" }, h("summary", { data: { key: event.key }, text: "JSON" }, h("span", { class: "hidden", text: ` of ${shown(event.key, 200)}` })));
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) details.append(h("pre", { class: "output", text: shown(JSON.stringify(event.data, null, 2), 40000) }));
  });
  return details;
}
