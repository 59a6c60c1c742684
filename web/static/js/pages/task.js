// A task's page: everything that Kafka has of it, live while it runs.

import { $, fill, h, icon, setText } from "../dom.js";
import { Poll, copy, linked } from "./page.js";
import { Store, standing } from "../store.js";
import { attemptPanel, attemptSignature } from "./attempt.js";
import { budgetOf, costOf, stagesOf, timeOf } from "../story.js";
import { clamped, lineCount } from "../parts.js";
import { count, date, plural, seconds } from "../format.js";
import { curlOf, diagnosisOf } from "../diagnosis.js";
import { headAndRest, shown } from "../text.js";
import { Rows } from "./table.js";
import { Stream } from "../stream.js";
import { drawBudget, drawStages } from "./when.js";
import { eventRow } from "./events.js";
import { get, part } from "./api.js";
import { showDead } from "./dead.js";
import { showReview } from "./review.js";

// until the task is known; then the stream tells what is new, and asking only proves that nothing is missing
const UNKNOWN_MS = 3000;
const RUNNING_MS = 10000;
const ENDED_MS = 60000;
const SETTLE_MS = 400;
const ROWS = 100;
const DIAGNOSIS_MS = 2000;
// any program may tell lines of a task without end
const MOST_EVENTS = 5000;

const root = $("task");
const id = root.dataset.task;
const store = new Store();
const known = new Map();
const state = { prompts: [], whole: true, rows: ROWS, isPlaced: !location.hash };

// -- what is known

function take(event) {
  if (!event?.data || typeof event.data !== "object" || event.topic === undefined) return false;
  const key = `${event.topic}/${event.partition}/${event.offset}`;
  if (known.has(key) || (known.size >= MOST_EVENTS && event.kind === "line")) return false;
  known.set(key, { ...event, key });
  store.apply(event);
  return true;
}

function ordered() {
  return [...known.values()].sort((a, b) => timeOf(a) - timeOf(b));
}

function taskText(events) {
  return String(events.find((event) => event.data.task)?.data.task ?? "");
}

// -- showing

let due = 0;
function soon() {
  if (due) return;
  due = requestAnimationFrame(() => {
    due = 0;
    show();
  });
}

function show() {
  const task = store.tasks.get(id);
  if (!task) return;
  root.setAttribute("aria-busy", "false");
  const events = ordered();
  const now = Date.now();
  const stages = stagesOf(events, now);
  const budget = budgetOf(stages, events, now);
  showHead(task, events, budget);
  drawBudget($("budget"), budget);
  drawStages($("waterfall"), stages, budget);
  showAsked(task);
  attempts.show([...task.attempts.values()].map((attempt) => ({ key: attempt.number, signature: attemptSignature(task, attempt, state.prompts), task, attempt, events, prompts: state.prompts })));
  showReview($("review"), task, state.prompts);
  showDead($("dead"), events, { again: () => poll.now() });
  showEvents(events, budget.from);
  poll.setEvery(budget.isOpen ? RUNNING_MS : ENDED_MS);
  goToPart();
}

/** Go to the part that the address names, once it is there: a browser looks for it too early. */
function goToPart() {
  const wanted = state.isPlaced ? null : $(decodeURIComponent(location.hash.slice(1)));
  if (!wanted) return;
  state.isPlaced = true;
  wanted.scrollIntoView();
}

const WORDS = { passed: "check", failed: "cross", dead: "skull", running: "dots" };

function showHead(task, events, budget) {
  const now = standing(task);
  const [title] = headAndRest(shown(taskText(events), 2000) || "(its text is not known)");
  setText($("title"), title);
  document.title = `${now.word} · ${title.slice(0, 60)} · AI-Mesh`;
  const line = $("standing");
  const word = `${now.state}/${now.word}`;
  if (line.dataset.word !== word) {
    fill(line, h("span", { class: `state is-${now.state}` }, icon(WORDS[now.state]), now.word));
    line.dataset.word = word;
  }
  const cost = costOf(events);
  const facts = [
    ["took", `${seconds(budget.total / 1000)}${budget.isOpen ? " so far" : ""}`],
    ["attempts", count(task.attempts.size || 0)],
    ["tokens in", count(cost.input)],
    ["tokens out", count(cost.output)],
    ["model's time", `${seconds(cost.seconds)} in ${plural(cost.calls, "call")}`],
    ["model", [...cost.models].map((name) => shown(name, 80)).join(", ") || "–"],
    ["asked by", task.source || "–"],
    ["asked at", date(budget.from)],
  ];
  const tiles = $("facts");
  if (tiles.childElementCount !== facts.length) fill(tiles, facts.map(([name]) => h("div", {}, h("dt", { text: name }), h("dd"))));
  facts.forEach(([, value], index) => setText(tiles.children[index].lastElementChild, value));
  $("copy-curl").disabled = !taskText(events);
  $("copy-diagnosis").disabled = !events.length;
}

function showAsked(task) {
  const box = $("asked-text");
  if (box.dataset.text === task.text) return;
  box.dataset.text = task.text;
  const text = h("p", { class: "asked-text", text: task.text || "(not known)" });
  fill(box, clamped(`${id}/asked`, text, Math.max(lineCount(task.text), Math.ceil(task.text.length / 110)), 10, "line"));
}

const attempts = new Rows($("attempts"), attemptPanel);
const rows = new Rows($("events"), eventRow);

function showEvents(events, from) {
  setText($("events-count"), count(events.length));
  setText($("events-note"), state.whole ? "" : "While it ran so much was told that not all of its lines were looked for.");
  rows.show(events.slice(0, state.rows).map((event) => ({ key: event.key, signature: String(from), event, from })));
  const more = events.length - state.rows;
  $("events-all").hidden = more <= 0;
  setText($("events-all"), `Show ${plural(Math.min(more, ROWS * 5), "more event")}`);
}

$("events-all").addEventListener("click", () => {
  state.rows += ROWS * 5;
  soon();
});

// -- asking and listening

function loaded(answer) {
  state.prompts = Array.isArray(answer.prompts) ? answer.prompts : [];
  state.whole = answer.lines_complete !== false;
  for (const event of answer.events ?? []) take(event);
  soon();
}

const poll = new Poll(() => get(`/api/v1/mesh/tasks/${part(id)}/events`), loaded, UNKNOWN_MS);
poll.failed = (error) => {
  if (error.status !== 404 || store.tasks.has(id)) return;
  linked("open");
  setText($("standing"), "The mesh knows no such task: it was not asked for yet, or so long ago that it is forgotten. This page looks again by itself.");
};

let settle = 0;
const stream = new Stream(
  (event) => {
    linked("open");
    if (!take(event)) return;
    soon();
    // prompts are worked out by the mesh, from what has just come
    clearTimeout(settle);
    if (event.kind !== "line") settle = setTimeout(() => poll.now(), SETTLE_MS);
  },
  (link) => {
    if (link === "lost") linked("lost", "the live stream was lost");
    else if (link === "open") linked("open");
  },
  { task_id: id, recent: 1000 },
);

// -- copying

$("copy-curl").addEventListener("click", () => {
  copy(curlOf(taskText(ordered()), location.origin, "needsToken" in root.dataset), $("copy-note"), "Command");
});
/** What the mesh says of itself, where it says so soon: a browser lets a page copy only shortly after a click. */
function meshDiagnosis() {
  const late = new Promise((resolve) => setTimeout(() => resolve(""), DIAGNOSIS_MS));
  const asked = get("/api/v1/claude/diagnose", { format: "prompt" }).then((answer) => String(answer.content ?? ""), () => "");
  return Promise.race([asked, late]);
}

$("copy-diagnosis").addEventListener("click", async () => {
  const mesh = await meshDiagnosis();
  const events = ordered();
  const now = Date.now();
  const budget = budgetOf(stagesOf(events, now), events, now);
  const { word } = standing(store.tasks.get(id));
  copy(diagnosisOf({ id, text: taskText(events), word, budget, events, mesh, origin: location.origin }), $("copy-note"), "Diagnosis");
});

$("on-mesh").href = `/#task=${part(id)}`;
$("its-trace").href = `/traces/${part(id)}`;
setInterval(() => {
  const task = store.tasks.get(id);
  if (task && standing(task).state === "running" && !document.hidden) soon();
}, 500);
poll.now();
stream.open();
