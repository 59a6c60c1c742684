// The cards of one task, one for each column.

import { chip, clamped, codeFacts, codeOf, folded, lineCount, memoriesOf, outcomeMark, sandboxBody, tokensOf } from "./parts.js";
import { clock, date, plural, seconds } from "./format.js";
import { h, icon } from "./dom.js";
import { headAndRest, shortId } from "./text.js";
import { standing } from "./store.js";

const STEPS = ["code", "sandbox", "review"];
const REVIEW_LINES = 12;

function time(at) {
  return h("time", { datetime: new Date(at).toISOString(), title: date(at), text: clock(at) });
}

function top(task, at, ...middle) {
  return h("header", { class: "card-top" }, h("a", { class: "card-id", href: `/tasks/${encodeURIComponent(task.id)}`, title: `${task.id}: everything about it`, text: shortId(task.id) }), ...middle, time(at));
}

function about(task) {
  return h("span", { class: "card-about", text: headAndRest(task.text)[0] });
}

// -- tasks

const SOURCES = { producer: "by the producer", submit: "submitted", stress: "stress", external: "from outside", sandbox: "sandbox" };

function stepper(task, now) {
  const steps = STEPS.map((name, index) => {
    let state = "todo";
    if (index < now.step) state = "done";
    else if (index === now.step && now.state === "running") state = "now";
    const failed = index === 1 && state === "done" && lastVerdict(task)?.success === false;
    return h("li", { class: `step is-${failed ? "failed" : state}` }, icon(failed ? "cross" : state === "done" ? "check" : state === "now" ? "dots" : "ring"), name);
  });
  return h("ol", { class: "steps", "aria-label": "Stages" }, steps);
}

function lastVerdict(task) {
  return [...task.attempts.values()].findLast((attempt) => attempt.verdict)?.verdict;
}

const STATE_ICONS = { passed: "check", failed: "cross", dead: "skull", running: "dots" };

function taskCard(task) {
  const now = standing(task);
  const [title, rest] = headAndRest(task.text || "(the task is not in the recent past)");
  const body = rest ? h("p", { class: "card-text", text: rest }) : null;
  const tries = task.attempts.size > 1 ? chip(`try ${Math.max(...task.attempts.keys())}`, "is-quiet") : null;
  return [
    top(task, task.columnAt.tasks ?? task.firstAt, chip(SOURCES[task.source] ?? task.source, "is-quiet")),
    h("h3", { class: "card-title", text: title }),
    ...(body ? clamped(`${task.id}/text`, body, Math.max(lineCount(rest), Math.ceil(rest.length / 42)), 3, "line") : []),
    h("div", { class: "card-state" }, h("span", { class: `state is-${now.state}` }, icon(STATE_ICONS[now.state]), now.word), tries, elapsed(task, now)),
    now.state === "running" ? stepper(task, now) : null,
    task.dead ? h("p", { class: "card-error", text: task.dead.error }) : null,
  ];
}

function elapsed(task, now) {
  if (now.state === "running") return h("span", { class: "elapsed", data: { since: String(task.firstAt) } });
  if (!task.review) return null;
  return h("span", { class: "elapsed", title: "from task to review", text: seconds(Math.max(0, task.review.at - task.firstAt) / 1000) });
}

// -- code

function tryMark(attempt) {
  return h("span", { class: "try", text: `try ${attempt.number}` });
}

/** The attempts of a task that have some part: the newest in full, those before folded to a line. */
function attemptsWith(task, part, column, line, full) {
  const attempts = [...task.attempts.values()].filter((attempt) => attempt[part]);
  return attempts.map((attempt, index) => {
    if (index === attempts.length - 1) return h("div", { class: "attempt" }, full(attempt));
    return folded(`${task.id}/${attempt.number}/${column}`, line(attempt), () => full(attempt).slice(0));
  });
}

function codeCard(task) {
  return [
    top(task, task.columnAt.code, about(task)),
    ...attemptsWith(
      task,
      "solution",
      "code",
      (attempt) => [tryMark(attempt), outcomeMark(attempt.verdict), h("span", { class: "quiet", text: plural(attempt.solution.lines, "line") })],
      (attempt) => [
        attempt.number > 1 ? h("p", { class: "fix" }, icon("fix"), `try ${attempt.number}, with the error of the one before`) : null,
        codeFacts(attempt.solution),
        ...codeOf(task, attempt),
        memoriesOf(task, attempt),
      ],
    ),
  ];
}

// -- sandbox

function sandboxCard(task) {
  return [
    top(task, task.columnAt.sandbox, about(task)),
    ...attemptsWith(task, "verdict", "sandbox", (attempt) => [tryMark(attempt), outcomeMark(attempt.verdict)], (attempt) => sandboxBody(task, attempt)),
  ];
}

// -- reviews

function reviewCard(task) {
  const { review } = task;
  const text = h("p", { class: "review-text", text: review.text.trim() || "(the review is empty)" });
  const lines = Math.max(lineCount(review.text), Math.ceil(review.text.length / 48));
  const word = review.success ? "passed" : "failed";
  return [
    top(task, task.columnAt.reviews, about(task)),
    h("div", { class: "card-state" }, h("span", { class: `state is-${word}` }, icon(review.success ? "check" : "cross"), word), h("span", { class: "quiet", text: review.attempts > 1 ? `after ${review.attempts} tries` : "at the first try" })),
    ...clamped(`${task.id}/review`, text, lines, REVIEW_LINES, "line"),
    h("div", { class: "facts" }, review.duration === null ? null : chip(seconds(review.duration), "", "the model's time"), tokensOf(review), chip(review.model, "is-quiet")),
  ];
}

export const CARDS = { tasks: taskCard, code: codeCard, sandbox: sandboxCard, reviews: reviewCard };

/** Write how long tasks that are not done have taken into their cards. */
export function tick(root) {
  const now = Date.now();
  for (const element of root.querySelectorAll(".elapsed[data-since]")) {
    const text = seconds(Math.max(0, now - Number(element.dataset.since)) / 1000);
    if (element.textContent !== text) element.textContent = text;
  }
}
