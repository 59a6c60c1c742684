// One attempt at a task: what was asked of the model, what it answered, and how that ran.

import { chip, clamped, codeFacts, codeOf, folded, lineCount, memoriesOf, sandboxBody } from "../parts.js";
import { diffLines, folded as foldedLines } from "../diff.js";
import { h, icon } from "../dom.js";
import { plural } from "../format.js";
import { shown } from "../text.js";

const CODE_LINES = 40;

/** What an attempt's panel shows: it is built anew only when this changes. */
export function attemptSignature(task, attempt, prompts) {
  const before = task.attempts.get(attempt.number - 1);
  return [attempt.task?.at, attempt.solution?.at, attempt.verdict?.at, before?.solution?.at, prompts.length, task.attempts.size].join();
}

export function attemptPanel({ task, attempt, events, prompts }) {
  const { number, solution, verdict } = attempt;
  const word = verdict ? (verdict.success ? "PASS" : "FAIL") : solution ? "runs, or waits for the sandbox" : "waits for code";
  const state = verdict ? (verdict.success ? "passed" : "failed") : "running";
  return h(
    "section",
    { class: `panel attempt-panel is-${state}`, id: `attempt-${number}`, "aria-labelledby": `attempt-${number}-title` },
    h(
      "div",
      { class: "panel-head" },
      h("h2", { id: `attempt-${number}-title`, text: `Try ${number}` }),
      h("span", { class: `state is-${state}` }, icon(verdict ? (verdict.success ? "check" : "cross") : "dots"), word),
      number > 1 ? h("span", { class: "quiet", text: "with the error of the one before" }) : null,
    ),
    h("div", { class: "attempt-parts" }, h("div", { class: "attempt-code" }, codePart(task, attempt)), h("div", { class: "attempt-run" }, runPart(task, attempt))),
    h("div", { class: "attempt-more" }, promptPart(task, number, prompts), answerPart(task, number, events), memoriesOfAll(task, attempt)),
  );
}

function codePart(task, attempt) {
  const { solution } = attempt;
  if (!solution) return h("p", { class: "quiet", text: "The model has not answered yet." });
  const before = task.attempts.get(attempt.number - 1)?.solution;
  const head = h("h3", { text: "Code" });
  if (!before?.code || !solution.code) return [head, codeFacts(solution), ...codeOf(task, attempt, CODE_LINES)];
  const lines = diffLines(before.code, solution.code);
  return [head, codeFacts(solution), ...switched(task, attempt, lines)];
}

/** The code and what changed in it, one at a time. */
function switched(task, attempt, lines) {
  const added = lines.filter(([sign]) => sign === "+").length;
  const removed = lines.filter(([sign]) => sign === "-").length;
  const diff = h("div", { class: "diff-box" }, added + removed ? diffBlock(lines) : h("p", { class: "quiet", text: "The model gave the same code again." }));
  const code = h("div", { hidden: true }, codeOf(task, attempt, CODE_LINES));
  const buttons = [[`What changed: ${plural(added, "line")} more, ${removed} less`, diff], ["Whole code", code]].map(([text, part]) =>
    h("button", { type: "button", "aria-pressed": String(part === diff), text, data: { key: `${attempt.number}/${text.slice(0, 5)}` }, on: { click: (event) => choose(event.currentTarget, part) } }),
  );
  const choose = (button, part) => {
    for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
    diff.hidden = part !== diff;
    code.hidden = part !== code;
  };
  return [h("div", { class: "switch" }, buttons), diff, code];
}

const SIGNS = { "+": ["is-more", "added: "], "-": ["is-less", "removed: "], " ": ["", ""] };

function diffBlock(lines) {
  const shownLines = foldedLines(lines).map(([sign, text]) => {
    if (sign === "…") return h("span", { class: "diff-line is-gap", text: `… ${plural(text, "line")} the same\n` });
    const [kind, word] = SIGNS[sign];
    return h("span", { class: `diff-line ${kind}` }, h("span", { class: "diff-sign", "aria-hidden": "true", text: sign }), word ? h("span", { class: "hidden", text: word }) : null, `${text}\n`);
  });
  return h("pre", { class: "source diff" }, h("code", { translate: "no" }, shownLines));
}

function runPart(task, attempt) {
  const head = h("h3", { text: "Sandbox" });
  if (!attempt.verdict) return [head, h("p", { class: "quiet", text: "It has not run yet." })];
  return [head, ...sandboxBody(task, attempt).filter((part) => !part?.matches?.(".fold")), layers(attempt.verdict)];
}

function layers(verdict) {
  if (!verdict.layers.length) return null;
  return h("div", { class: "facts" }, h("span", { class: "quiet" }, icon("shield"), " held by"), verdict.layers.map((layer) => chip(layer, "is-quiet")));
}

/** A long text under a line that unfolds it. */
function longText(key, name, about, text) {
  const lines = Math.max(lineCount(text), Math.ceil(text.length / 110));
  return folded(key, [name, h("span", { class: "quiet", text: about })], () => clamped(`${key}/all`, h("pre", { class: "output", text }), lines, 60, "line"));
}

export function promptsFor(agent, number, prompts) {
  return prompts.filter((prompt) => prompt.agent === agent && (agent === "reviewer" || prompt.attempt === number));
}

/** The prompt with what it leaves out said. */
export function promptFold(key, prompt) {
  const system = shown(prompt.system, 4000);
  const about = `worked out again from the record${prompt.left_out ? `; ${shown(prompt.left_out, 200)}` : ""}`;
  return longText(key, "Prompt", about, `${system}\n\n${shown(prompt.text, 40000)}`);
}

function promptPart(task, number, prompts) {
  return promptsFor("consumer", number, prompts).map((prompt) => promptFold(`${task.id}/${number}/prompt`, prompt));
}

function answerPart(task, number, events) {
  const found = events.find((event) => event.kind === "solution" && (Number(event.data.attempt) || 1) === number);
  if (!found?.data.answer) return null;
  const text = shown(found.data.answer, 40000);
  return longText(`${task.id}/${number}/whole-answer`, "Answer", "the model's whole text", text);
}

function memoriesOfAll(task, attempt) {
  if (!attempt.solution) return null;
  return memoriesOf(task, attempt) ?? h("p", { class: "quiet no-memories" }, icon("memory"), " no memories were used");
}
