// When a task's stages were at work, and where its time went.

import { after, drawWaterfall } from "../waterfall.js";
import { fill, h } from "../dom.js";
import { percent } from "../format.js";
import { shown } from "../text.js";

const ICONS = { producer: "send", consumer: "fix", sandbox: "shield", memory: "memory", reviewer: "search", persistence: "check" };
const TRIED = new Set(["consumer", "sandbox", "memory"]);
const PARTS = [["model", "model"], ["sandbox", "sandbox"], ["wait", "waiting in Kafka"], ["rest", "everything else"]];

function rowOf(stage, tries) {
  const wait = stage.asked === null ? 0 : stage.start - stage.asked;
  const isFailed = stage.isDead || stage.success === false;
  const segments = [];
  if (wait > 0) segments.push(["wait", stage.asked, stage.start]);
  segments.push([stage.isOpen ? "work is-open" : "work", stage.start, stage.end]);
  for (const { kind, from, to } of stage.inner) segments.push([kind === "sandbox" && isFailed ? "sandbox is-failed" : kind, from, to]);
  const said = [
    wait > 0 ? `waited ${after(wait)}` : "",
    ...stage.inner.map(({ kind, from, to }) => `${kind} ${after(to - from)}`),
    stage.verdict ? shown(stage.verdict, 40).replaceAll("_", " ") : "",
    stage.tries > 1 ? `${stage.tries}. go` : "",
    stage.isOpen ? "at work now" : "",
    stage.isDead ? `gave up: ${shown(stage.error, 120)}` : "",
  ];
  const attempt = tries > 1 && TRIED.has(stage.agent) ? ` · try ${stage.attempt}` : "";
  return {
    label: `${shown(stage.agent, 40)}${attempt}`,
    icon: ICONS[stage.agent] ?? "ring",
    href: ["consumer", "sandbox"].includes(stage.agent) ? `#attempt-${stage.attempt}` : stage.agent === "reviewer" && !stage.isOpen ? "#review" : null,
    state: stage.isOpen ? "open" : isFailed ? "failed" : "done",
    took: stage.end - stage.start,
    note: said.filter(Boolean).join(", "),
    segments,
  };
}

export function drawStages(element, stages, budget) {
  const from = Math.min(budget.from, ...stages.map((stage) => stage.asked ?? stage.start));
  const to = Math.max(budget.to, ...stages.map((stage) => stage.end));
  const tries = Math.max(1, ...stages.map((stage) => stage.attempt));
  // a look at the same data again must not take the focus away
  const signature = JSON.stringify([from, budget.isOpen ? to : 0, stages]);
  if (element.dataset.signature === signature || element.contains(document.activeElement)) return;
  element.dataset.signature = signature;
  drawWaterfall(element, { from, to, rows: stages.map((stage) => rowOf(stage, tries)) });
}

export function drawBudget(element, budget) {
  const shares = PARTS.filter(([name]) => budget[name] > 0);
  fill(
    element,
    h("div", { class: "budget-bar", "aria-hidden": "true" }, shares.map(([name]) => h("b", { class: `wf-bar is-${name}`, vars: { share: String(budget[name] / Math.max(1, budget.total)) } }))),
    h("p", { class: "budget-words" }, shares.map(([name, word]) => h("span", {}, h("b", { text: percent(budget[name], budget.total) }), ` ${word} `, h("span", { class: "quiet", text: after(budget[name]) })))),
  );
}
