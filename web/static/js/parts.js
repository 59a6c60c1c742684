// What cards and a task's page are made of.

import { bytes, count, plural, seconds } from "./format.js";
import { codeBlock } from "./python.js";
import { h, icon } from "./dom.js";
import { headAndRest } from "./text.js";

const CODE_LINES = 16;
const OUTPUT_LINES = 10;

/** What is folded or unfolded by hand; survives a card's being built anew. */
const unfolded = new Map();

function isOpen(key, otherwise) {
  return unfolded.get(key) ?? otherwise;
}

export function chip(text, kind = "", title = "") {
  return text ? h("span", { class: `chip ${kind}`, title: title || null, text }) : null;
}

/** A part that is cut to some lines until a button unfolds it. */
export function clamped(key, element, lines, most, what) {
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
export function folded(key, summary, build, otherwise = false) {
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

export const lineCount = (text) => text.split("\n").length;

export function tokensOf(part) {
  if (part.input === null && part.output === null) return null;
  return chip(`${count(part.input)} → ${count(part.output)} tokens`, "is-quiet", "tokens read and written by the model");
}

export function codeFacts(solution) {
  return h(
    "div",
    { class: "facts" },
    solution.duration === null ? null : chip(seconds(solution.duration), "", "the model's time"),
    tokensOf(solution),
    chip(solution.model, "is-quiet"),
  );
}

export function memoriesOf(task, attempt) {
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

/** The code of an attempt, cut to some lines; or the answer, where there is none in it. */
export function codeOf(task, attempt, most = CODE_LINES) {
  const { solution } = attempt;
  if (!solution.code) {
    const answer = h("pre", { class: "output", text: solution.answer || "(empty)" });
    return [h("p", { class: "card-error", text: "No code in the model's answer:" }), ...clamped(`${task.id}/${attempt.number}/answer`, answer, lineCount(solution.answer), OUTPUT_LINES, "line")];
  }
  const block = h("pre", { class: "source" }, codeBlock(solution.code));
  return clamped(`${task.id}/${attempt.number}/code`, block, solution.lines, most, "line");
}

export function outcomeMark(verdict) {
  if (!verdict) return h("span", { class: "state is-running" }, icon("dots"), "not run yet");
  return h("span", { class: `state is-${verdict.success ? "passed" : "failed"}` }, icon(verdict.success ? "check" : "cross"), verdict.word);
}

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

export function sandboxBody(task, attempt) {
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

