// The list of tasks.

import { $, h, icon } from "../dom.js";
import { Pager, Rows, watchChoices } from "./table.js";
import { Poll } from "./page.js";
import { clock, count, date, millis, seconds } from "../format.js";
import { get, part } from "./api.js";
import { headAndRest, shown } from "../text.js";

const EVERY_MS = 2000;
const state = { outcome: "" };

const MARKS = { passed: ["check", "passed"], failed: ["cross", "failed"], dead: ["skull", "dead letter"], running: ["dots", "in flight"] };

function outcomeOf(task) {
  if (task.outcome === "reviewed") return task.review?.success ? "passed" : "failed";
  return task.outcome === "dead_lettered" ? "dead" : "running";
}

function tokensOf(task) {
  const parts = [...Object.values(task.attempts ?? {}).map((attempt) => attempt.solution), task.review];
  return parts.reduce((sum, one) => sum + (Number(one?.input_tokens) || 0) + (Number(one?.output_tokens) || 0), 0);
}

function row({ task }) {
  const at = millis(task.first_at);
  const kind = outcomeOf(task);
  const [mark, word] = MARKS[kind];
  const end = millis(task.review?.at ?? task.dead?.at);
  const id = String(task.task_id);
  const [title, rest] = headAndRest(shown(task.task, 600) || "(its text is not known)");
  return h(
    "tr",
    {},
    h("td", { class: "is-short" }, h("time", { datetime: task.first_at, title: date(at), text: clock(at) })),
    h("td", { class: "is-wide" }, h("span", { class: "clip" }, h("a", { href: `/tasks/${part(id)}`, data: { key: id }, text: title }), h("span", { class: "rest", text: ` ${rest}` }))),
    h("td", {}, h("span", { class: `state is-${kind} is-short` }, icon(mark), word)),
    h("td", { class: "is-number", text: count(Object.keys(task.attempts ?? {}).length) }),
    h("td", { class: "is-number", text: Number.isFinite(end) ? seconds(Math.max(0, end - at) / 1000) : "–" }),
    h("td", { class: "is-number", text: count(tokensOf(task)) }),
    h("td", { text: shown(task.source || "outside", 40) }),
    h("td", { class: "mono is-short", text: shown(id, 60) }),
  );
}

const rows = new Rows($("tasks"), row);
const poll = new Poll(() => get("/api/v1/mesh/tasks", { limit: 50, outcome: state.outcome, cursor: pager.cursor }), show, EVERY_MS);
const pager = new Pager("tasks", () => poll.now());

function show({ tasks = [], next_cursor: next }) {
  rows.show(tasks.map((task) => ({ key: String(task.task_id), signature: `${task.updated_at}/${task.outcome}`, task })));
  $("nothing").hidden = tasks.length > 0;
  pager.took(next);
}

watchChoices("outcome", (value) => {
  state.outcome = value;
  pager.toNewest();
  poll.now();
});
$("go").addEventListener("submit", (event) => {
  event.preventDefault();
  const id = $("go-id").value.trim();
  if (id) location.assign(`/tasks/${part(id)}`);
});
poll.now();
