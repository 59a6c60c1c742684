// Everything the page knows of tasks and lines: bounded, each event taken in once, in any order.

import { millis, seconds } from "./format.js";
import { hueOf, shown } from "./text.js";

export const MOST_TASKS = 300;
export const MOST_LINES = 300;
export const MOST_STEPS = 300;
const MOST_SEEN = 8000;

// what stages tell of every job
const STEP_NAMES = new Set(["started", "done", "absorbed"]);
const TASK_KINDS = new Set(["task", "solution", "verdict", "review"]);

/** Holds what the columns show; `changed` names the parts that changed since `settle`. */
export class Store {
  constructor() {
    this.tasks = new Map();
    this.lines = [];
    this.agents = new Set();
    this.changed = new Set();
    this._seen = new Set();
  }

  /** Take in an event of the feed; false where it is known already or is none of the columns'. */
  apply(event) {
    const data = event.data;
    if (!data || typeof data !== "object" || this._known(event)) return false;
    if (TASK_KINDS.has(event.kind)) return this._applyTask(event, data);
    if (event.kind === "line") return this._applyLine(event, data);
    if (event.kind === "decision") return this._applyDecision(event, data);
    if (event.kind === "dead_letter") return this._applyDead(event, data);
    if (event.kind === "gap") return this._applyGap(event, data);
    return false;
  }

  /** Forget what has changed: it has been shown. */
  settle() {
    this.changed.clear();
  }

  // the observer may copy a message twice; its origin tells
  _known(event) {
    if (event.topic === undefined) return false;
    const origin = `${event.topic}/${event.partition}/${event.offset}`;
    if (this._seen.has(origin)) return true;
    this._seen.add(origin);
    if (this._seen.size > MOST_SEEN) this._seen.delete(this._seen.values().next().value);
    return false;
  }

  _task(id, at) {
    let task = this.tasks.get(id);
    if (!task) {
      task = { id, hue: hueOf(id), text: "", source: "", attempts: new Map(), review: null, dead: null, activity: null };
      Object.assign(task, { firstAt: at, lastAt: at, columnAt: {}, version: 0 });
      this.tasks.set(id, task);
      this._bound();
    }
    task.firstAt = Math.min(task.firstAt, at);
    task.lastAt = Math.max(task.lastAt, at);
    task.version += 1;
    return task;
  }

  _bound() {
    if (this.tasks.size <= MOST_TASKS) return;
    const newest = [...this.tasks.values()].sort((a, b) => b.lastAt - a.lastAt);
    this.tasks = new Map(newest.slice(0, MOST_TASKS).map((task) => [task.id, task]));
  }

  _applyTask(event, data) {
    const id = String(data.task_id || event.key || "");
    if (!id) return false;
    const at = timeOf(event);
    const task = this._task(id, at);
    if (!task.text && data.task) task.text = shown(data.task, 6000);
    const part = { solution: "code", verdict: "sandbox", review: "reviews", task: "tasks" }[event.kind];
    if (event.kind === "review") task.review = reviewOf(data, at);
    else this._attempt(task, data)[event.kind] = { task: askedOf, solution: solutionOf, verdict: verdictOf }[event.kind](data, at);
    if (event.kind === "task" && Number(data.attempt ?? 1) === 1) task.source = shown(data.source || "external", 40);
    // a fix request does not move its task's card
    if (event.kind !== "task" || !task.columnAt.tasks) task.columnAt[part] = Math.max(task.columnAt[part] ?? 0, at);
    this.changed.add("tasks");
    return true;
  }

  _attempt(task, data) {
    const number = Math.max(1, Math.trunc(Number(data.attempt)) || 1);
    if (!task.attempts.has(number)) {
      task.attempts.set(number, { number });
      task.attempts = new Map([...task.attempts].sort((a, b) => a[0] - b[0]));
    }
    return task.attempts.get(number);
  }

  _applyLine(event, data) {
    // the governor's decision tells it already
    if (data.type === "event" && data.agent === "governor" && data.name === "governor") return false;
    const at = timeOf(event, data.ts);
    const agent = shown(data.agent || "?", 40);
    const line = { at, agent, level: levelOf(data.level), taskId: String(data.task_id || ""), ...wordingOf(data) };
    if (data.type === "event" && line.taskId && this.tasks.has(line.taskId)) this._noteActivity(agent, data, line);
    this._addLine(line);
    return true;
  }

  // what a stage is doing to a task right now
  _noteActivity(agent, data, line) {
    const task = this._task(line.taskId, line.at);
    const starts = data.name === "started" || data.name === "restarted";
    if (starts && line.at >= (task.activity?.at ?? 0)) task.activity = { agent, at: line.at };
    else if (task.activity?.agent === agent && line.at >= task.activity.at) task.activity = null;
    this.changed.add("tasks");
  }

  _applyDecision(event, data) {
    if (!data.changed) return false;
    const throttled = data.state === "THROTTLED";
    this._addLine({
      at: timeOf(event, data.ts), agent: "governor", level: throttled ? "warning" : "info", taskId: "", type: "decision",
      state: shown(data.state, 40), message: shown(data.reason, 400),
    });
    return true;
  }

  _applyDead(event, data) {
    const at = timeOf(event);
    const id = String(data.task_id || "");
    const error = shown(data.error, 2000);
    if (id) {
      const task = this._task(id, at);
      task.dead = { at, error, type: shown(data.error_type, 80) };
      if (!task.columnAt.tasks) task.columnAt.tasks = at;
      if (!task.text) task.text = shown(data.text, 6000);
      this.changed.add("tasks");
    }
    const origin = `${shown(data.topic ?? "?", 100)} partition ${data.partition ?? "?"} offset ${data.offset ?? "?"}`;
    this._addLine({ at, agent: "dead letter", level: "error", taskId: id, type: "dead", message: error, detail: origin });
    return true;
  }

  _applyGap(event, data) {
    const missed = typeof data.missed === "number" ? `${data.missed} messages` : "Some messages";
    this._addLine({ at: timeOf(event), agent: "page", level: "warning", taskId: "", type: "gap", message: `${missed} are not shown here: ${data.reason}` });
    return true;
  }

  _addLine(line) {
    this.agents.add(line.agent);
    line.id = this._lineCount = (this._lineCount ?? 0) + 1;
    let index = this.lines.length;
    while (index > 0 && this.lines[index - 1].at > line.at) index -= 1;
    this.lines.splice(index, 0, line);
    // the many steps must not push out the few lines that were written for people
    const most = line.isStep ? MOST_STEPS : MOST_LINES;
    const alike = this.lines.filter((other) => Boolean(other.isStep) === Boolean(line.isStep));
    if (alike.length > most) this.lines.splice(this.lines.indexOf(alike[0]), 1);
    this.changed.add("lines");
  }
}

function timeOf(event, preferred) {
  for (const at of [preferred, event.at]) {
    const time = millis(at);
    if (Number.isFinite(time)) return time;
  }
  return Date.now();
}

const numberOf = (value) => (typeof value === "number" && Number.isFinite(value) ? value : null);
const listOf = (value) => (Array.isArray(value) ? value.slice(0, 50) : []);

function askedOf(data, at) {
  return { at, feedback: data.feedback ? shown(String(data.feedback.error ?? ""), 2000) : "" };
}

function solutionOf(data, at) {
  const code = shown(data.solution).trimEnd();
  return {
    at, code, lines: code ? code.split("\n").length : 0, answer: code ? "" : shown(data.answer, 6000),
    model: shown(data.model, 80), input: numberOf(data.input_tokens), output: numberOf(data.output_tokens),
    duration: numberOf(data.duration_s), memories: listOf(data.memories).map(memoryOf),
  };
}

function memoryOf(memory) {
  const of = memory && typeof memory === "object" ? memory : {};
  return { kind: shown(of.kind ?? "", 20), task: shown(of.task ?? of.text ?? "", 400), error: shown(of.error ?? "", 400), score: numberOf(of.score) };
}

function verdictOf(data, at) {
  return {
    at, success: data.success === true, word: shown(data.verdict || "unknown", 40).replaceAll("_", " "), final: data.final !== false,
    output: shown(data.exec_output), error: shown(data.error, 6000), limit: shown(data.limit, 200), reason: shown(data.reason, 300),
    exitCode: numberOf(data.exit_code), signal: numberOf(data.signal), wall: numberOf(data.wall_s), cpu: numberOf(data.cpu_s),
    rss: numberOf(data.max_rss_bytes), truncated: data.truncated === true, layers: listOf(data.isolation).map((layer) => shown(String(layer), 60)),
    casesPassed: numberOf(data.cases_passed) ?? 0, casesTotal: numberOf(data.cases_total) ?? 0,
  };
}

function reviewOf(data, at) {
  return {
    at, success: data.success === true, text: shown(data.review), attempts: numberOf(data.attempts) ?? 1, model: shown(data.model, 80),
    verdict: shown(data.verdict, 40), input: numberOf(data.input_tokens), output: numberOf(data.output_tokens), duration: numberOf(data.duration_s),
  };
}

function levelOf(level) {
  return ["error", "warning", "debug"].includes(level) ? level : level === "critical" ? "error" : "info";
}

function wordingOf(data) {
  if (data.type === "metric") return { type: "metric", message: `${shown(data.name, 100)} = ${numberOf(data.value) ?? "?"}` };
  if (data.type !== "event") return { type: "log", message: shown(data.message, 4000) };
  const { attempt, tries, duration_s: duration, ...more } = data.data && typeof data.data === "object" ? data.data : {};
  const notes = Object.entries(more).slice(0, 8).filter(([, value]) => value !== "" && value !== null);
  const said = [
    attempt > 1 ? `try ${attempt}` : "",
    typeof duration === "number" ? `in ${seconds(duration)}` : "",
    tries > 1 ? `at the ${tries}. go` : "",
    ...notes.map(([name, value]) => `${shown(name, 40)} ${shown(typeof value === "string" ? value : JSON.stringify(value), 300)}`),
  ];
  const name = shown(data.name || "event", 60);
  return { type: "event", name, isStep: STEP_NAMES.has(name) && levelOf(data.level) === "info", message: said.filter(Boolean).join(", ") };
}

/** Where a task is: a word for people, and the step (0 to 3) that it has reached. */
export function standing(task) {
  const last = [...task.attempts.values()].at(-1);
  const busy = task.activity?.agent;
  if (task.review) return task.review.success ? { state: "passed", word: "passed", step: 3 } : { state: "failed", word: "failed", step: 3 };
  if (task.dead) return { state: "dead", word: "dead letter", step: 0 };
  if (last?.verdict?.final) return { state: "running", word: busy === "reviewer" ? "being reviewed" : "waits for review", step: 2, success: last.verdict.success };
  if (last?.verdict) return { state: "running", word: "a fix is asked for", step: 0 };
  if (last?.solution) return { state: "running", word: busy === "sandbox" ? "runs in the sandbox" : "waits for the sandbox", step: 1 };
  return { state: "running", word: busy === "consumer" ? "code is being written" : "waits for code", step: 0 };
}
