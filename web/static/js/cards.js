// The cards of one task, one for each column.

import { bytes, clock, count, date, plural, seconds } from "./format.js";
import { codeBlock } from "./python.js";
import { h, icon } from "./dom.js";
import { headAndRest, shortId } from "./text.js";
import { standing } from "./store.js";

const STEPS = ["code", "sandbox", "review"];
const CODE_LINES = 16;
const OUTPUT_LINES = 10;
const REVIEW_LINES = 12;

/** What is folded or unfolded by hand; survives a card's being built anew. */
const unfolded = new Map();

function isOpen(key, otherwise) {
  return unfolded.get(key) ?? otherwise;
}

function time(at) {
  return h("time", { datetime: new Date(at).toISOString(), title: date(at), text: clock(at) });
}

function top(task, at, ...middle) {
  return h("header", { class: "card-top" }, h("span", { class: "card-id", title: task.id, text: shortId(task.id) }), ...middle, time(at));
}

function about(task) {
  return h("span", { class: "card-about", text: headAndRest(task.text)[0] });
}

function chip(text, kind = "", title = "") {
  return text ? h("span", { class: `chip ${kind}`, title: title || null, text }) : null;
}

/** A part that is cut to some lines until a button unfolds it. */
function clamped(key, element, lines, most, what) {
  if (lines <= most + 2) return [element];
  const open = isOpen(key, false);
  element.classList.add("clamp");
  element.classList.toggle("is-open", open);
  element.style.setProperty("--lines", most);
  const label = () => (element.classList.contains("is-open") ? "Show less" : `Show all ${plural(lines, what)}`);
  const button = h("button", { type: "button", class: "more", "aria-expanded": String(open), data: { key }, text: label() });
  button.addEventListener("click", () => {
    const now = element.classList.toggle("is-open");
    unfolded.set(key, now);
    button.setAttribute("aria-expanded", String(now));
    button.textContent = label();
  });
  return [element, button];
}

/** A part that is folded to a line. */
function folded(key, summary, build, otherwise = false) {
  const details = h("details", { class: "fold" }, h("summary", { data: { key } }, ...summary));
  const fill = () => details.childElementCount === 1 && details.append(h("div", { class: "fold-body" }, ...build()));
  details.open = isOpen(key, otherwise);
  if (details.open) fill();
  details.addEventListener("toggle", () => {
    unfolded.set(key, details.open);
    if (details.open) fill();
  });
  return details;
}

const lineCount = (text) => text.split("\n").length;

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

function tokensOf(part) {
  if (part.input === null && part.output === null) return null;
  return chip(`${count(part.input)} → ${count(part.output)} tokens`, "is-quiet", "tokens read and written by the model");
}

function codeFacts(solution) {
  return h(
    "div",
    { class: "facts" },
    solution.duration === null ? null : chip(seconds(solution.duration), "", "the model's time"),
    tokensOf(solution),
    chip(solution.model, "is-quiet"),
  );
}

function memoriesOf(task, attempt) {
  const { memories } = attempt.solution;
  if (!memories.length) return null;
  return folded(`${task.id}/${attempt.number}/memories`, [icon("memory"), plural(memories.length, "memory", "memories"), " used"], () =>
    memories.map((memory) =>
      h(
        "p",
        { class: "memory" },
        chip(memory.kind === "failure" ? "to avoid" : memory.kind === "pattern" ? "has worked" : memory.kind),
        memory.score === null ? null : chip(`${Math.round(memory.score * 100)} % near`, "is-quiet"),
        h("span", { text: headAndRest(memory.task)[0] }),
        memory.error ? h("span", { class: "memory-error", text: headAndRest(memory.error)[0] }) : null,
      ),
    ),
  );
}

function codeOf(task, attempt) {
  const { solution } = attempt;
  if (!solution.code) {
    const answer = h("pre", { class: "output", text: solution.answer || "(empty)" });
    return [h("p", { class: "card-error", text: "No code in the model's answer:" }), ...clamped(`${task.id}/${attempt.number}/answer`, answer, lineCount(solution.answer), OUTPUT_LINES, "line")];
  }
  const block = h("pre", { class: "source" }, codeBlock(solution.code));
  return clamped(`${task.id}/${attempt.number}/code`, block, solution.lines, CODE_LINES, "line");
}

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

function outcomeMark(verdict) {
  if (!verdict) return h("span", { class: "state is-running" }, icon("dots"), "not run yet");
  return h("span", { class: `state is-${verdict.success ? "passed" : "failed"}` }, icon(verdict.success ? "check" : "cross"), verdict.word);
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

function verdictHead(verdict) {
  return h(
    "div",
    { class: `verdict is-${verdict.success ? "passed" : "failed"}` },
    h("strong", { class: "verdict-word" }, icon(verdict.success ? "check" : "cross"), verdict.success ? "PASS" : "FAIL"),
    verdict.success || verdict.word === "failed" ? null : h("span", { class: "verdict-kind", text: verdict.word }),
    verdict.casesTotal ? h("span", { class: "verdict-cases", text: `${verdict.casesPassed} of ${plural(verdict.casesTotal, "case")}` }) : null,
  );
}

function verdictFacts(verdict) {
  const ending = verdict.signal ? `signal ${verdict.signal}` : verdict.exitCode === null ? "" : `exit ${verdict.exitCode}`;
  return h(
    "div",
    { class: "facts" },
    verdict.limit ? chip(`limit hit: ${verdict.limit}`, "is-warning") : null,
    chip(seconds(verdict.wall), "", `by the clock; ${seconds(verdict.cpu)} of processor time`),
    chip(bytes(verdict.rss), "is-quiet", "most memory in use"),
    chip(ending, "is-quiet"),
    verdict.truncated ? chip("output cut", "is-warning") : null,
  );
}

function sandboxBody(task, attempt) {
  const { verdict } = attempt;
  const key = `${task.id}/${attempt.number}`;
  const said = verdict.output.trim() ? h("pre", { class: "output", text: verdict.output.trimEnd() }) : h("p", { class: "quiet", text: "It printed nothing." });
  const hasError = !verdict.success && verdict.error.trim() && !verdict.output.includes(verdict.error.trim());
  const error = hasError ? h("pre", { class: "output is-error", text: verdict.error.trim() }) : null;
  return [
    verdictHead(verdict),
    verdictFacts(verdict),
    ...(error ? clamped(`${key}/error`, error, lineCount(verdict.error), OUTPUT_LINES, "line") : []),
    ...clamped(`${key}/output`, said, Math.max(lineCount(verdict.output), Math.ceil(verdict.output.length / 60)), OUTPUT_LINES, "line"),
    verdict.reason && !verdict.success ? h("p", { class: "quiet", text: verdict.reason }) : null,
    verdict.layers.length
      ? folded(`${key}/layers`, [icon("shield"), plural(verdict.layers.length, "isolation layer")], () => verdict.layers.map((layer) => chip(layer, "is-quiet")))
      : h("p", { class: "card-error", text: "No isolation was in force." }),
  ];
}

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
