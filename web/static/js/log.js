// The lines of the log.

import { clock, date } from "./format.js";
import { h, icon } from "./dom.js";
import { shortId } from "./text.js";

const LEVEL_ICONS = { error: "cross", warning: "warning" };

/** A line of the log. */
export function logLine(line) {
  const mark = LEVEL_ICONS[line.level];
  const name = line.type === "decision" ? line.state : line.type === "event" ? line.name : "";
  return h(
    "li",
    { class: `log-line is-${line.level} is-${line.type}`, data: { line: String(line.id), ...(line.taskId ? { task: line.taskId } : {}) } },
    h("time", { datetime: new Date(line.at).toISOString(), title: date(line.at), text: clock(line.at) }),
    h("span", { class: "log-agent", text: line.agent }),
    h(
      "span",
      { class: "log-text" },
      mark ? icon(mark) : null,
      mark ? h("span", { class: "hidden", text: `${line.level}: ` }) : null,
      name ? h("b", { text: `${name} ` }) : null,
      line.taskId ? h("span", { class: "card-id", title: line.taskId, text: `${shortId(line.taskId)} ` }) : null,
      line.message,
      line.detail ? h("span", { class: "quiet", text: ` (${line.detail})` }) : null,
    ),
  );
}
