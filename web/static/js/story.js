// What happened to one task, worked out from its events in whatever order they come.

import { millis } from "./format.js";

// who waits for what: a stage begins with a record of some kind, and ends with one of another
const ASKS = { consumer: "task", sandbox: "solution", memory: "verdict", reviewer: "verdict", persistence: "review" };
const GIVES = { consumer: "solution", sandbox: "verdict", reviewer: "review" };
const ORDER = ["producer", "consumer", "sandbox", "memory", "reviewer", "persistence"];
// beside the task's own way: nobody waits for it
const BESIDE = new Set(["memory"]);

/** When something happened, in milliseconds: an agent's own clock tells it best. */
export function timeOf(event) {
  const own = millis(event.kind === "line" ? event.data.ts : event.at);
  return Number.isFinite(own) ? own : millis(event.at);
}

const attemptOf = (event) => Number((event.kind === "line" ? event.data.data?.attempt : (event.data.attempt ?? event.data.attempts)) ?? 1) || 1;

/** Return the stages of a task as spans of time; `now` is where those end that have not ended. */
export function stagesOf(events, now) {
  const stages = new Map();
  for (const event of events) if (event.kind === "line") noteLine(stages, event);
  for (const [agent, kind] of Object.entries(GIVES)) {
    for (const event of events.filter((one) => one.kind === kind)) noteResult(stages, agent, event);
  }
  const found = [...stages.values()];
  for (const stage of found) {
    stage.asked = askedAt(events, stage);
    stage.isOpen = stage.end === null;
    stage.end ??= Math.max(now, stage.start);
  }
  return found.sort((a, b) => (a.asked ?? a.start) - (b.asked ?? b.start) || ORDER.indexOf(a.agent) - ORDER.indexOf(b.agent));
}

function stageOf(stages, agent, attempt) {
  const key = `${agent}/${attempt}`;
  if (!stages.has(key)) stages.set(key, { key, agent, attempt, start: null, end: null, inner: [], tries: 1, error: "" });
  return stages.get(key);
}

function noteLine(stages, event) {
  const { agent, name, type, data } = event.data;
  if (type !== "event" || !["started", "restarted", "done", "dead"].includes(name)) return;
  const stage = stageOf(stages, String(agent), attemptOf(event));
  const at = timeOf(event);
  if (name === "started" || name === "restarted") {
    stage.start = Math.min(stage.start ?? at, at);
    if (name === "restarted") stage.tries += 1;
    return;
  }
  stage.end = Math.max(stage.end ?? at, at);
  stage.start ??= at - 1000 * (Number(data?.duration_s) || 0);
  if (data?.tries > 1) stage.tries = data.tries;
  if (name === "dead") Object.assign(stage, { isDead: true, error: String(data?.error ?? "") });
}

/** A record says when its stage ended, and how long the model or the code took. */
function noteResult(stages, agent, event) {
  const { data } = event;
  const stage = stageOf(stages, agent, attemptOf(event));
  const made = millis(data.created_at);
  const end = Number.isFinite(made) ? made : timeOf(event);
  const took = 1000 * (Number(agent === "sandbox" ? data.wall_s : data.duration_s) || 0);
  stage.inner.push({ kind: agent === "sandbox" ? "sandbox" : "model", from: end - took, to: end });
  stage.start ??= end - took;
  stage.start = Math.min(stage.start, end - took);
  stage.end = Math.max(stage.end ?? end, end);
  if (agent === "sandbox") Object.assign(stage, { success: data.success === true, verdict: String(data.verdict ?? "") });
}

function askedAt(events, stage) {
  const kind = ASKS[stage.agent];
  const found = events.filter((event) => event.kind === kind && (attemptOf(event) === stage.attempt || kind === "review"));
  if (!found.length) return null;
  return Math.min(stage.start, ...found.map(timeOf));
}

/** Return where a task's time went, in milliseconds, and from when to when it lasted. */
export function budgetOf(stages, events, now) {
  const asked = events.filter((event) => event.kind === "task").map(timeOf);
  const ends = events.filter((event) => event.kind === "review" || event.kind === "dead_letter").map(timeOf);
  const starts = asked.length ? asked : events.map(timeOf);
  const from = starts.length ? Math.min(...starts) : now;
  const to = ends.length ? Math.max(from, Math.min(...ends)) : now;
  const budget = { from, to, total: to - from, wait: 0, model: 0, sandbox: 0, isOpen: !ends.length };
  for (const stage of stages) {
    if (BESIDE.has(stage.agent) || stage.agent === "producer") continue;
    budget.wait += within(stage.asked ?? stage.start, stage.start, from, to);
    for (const { kind, from: a, to: b } of stage.inner) budget[kind] += within(a, b, from, to);
  }
  budget.rest = Math.max(0, budget.total - budget.wait - budget.model - budget.sandbox);
  return budget;
}

const within = (a, b, from, to) => Math.max(0, Math.min(b, to) - Math.max(a, from));

/** Tokens and seconds that models took for a task. */
export function costOf(events) {
  const cost = { input: 0, output: 0, calls: 0, seconds: 0, models: new Set() };
  for (const { kind, data } of events) {
    if (kind !== "solution" && kind !== "review") continue;
    cost.calls += 1;
    cost.input += Number(data.input_tokens) || 0;
    cost.output += Number(data.output_tokens) || 0;
    cost.seconds += Number(data.duration_s) || 0;
    if (data.model) cost.models.add(String(data.model));
  }
  return cost;
}
