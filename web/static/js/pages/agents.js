// Who works, and what waits for each.

import { $, h } from "../dom.js";
import { clock, count, date, millis, seconds } from "../format.js";
import { get, part } from "./api.js";
import { showTiles, word } from "./tiles.js";
import { Poll } from "./page.js";
import { Rows } from "./table.js";
import { shown } from "../text.js";

const EVERY_MS = 3000;
// a worker reports every two seconds
const SILENT_MS = 10000;
// the answer has the first few pending tasks of each queue; more are asked for, for so many queues
const MOST_ASKED = 8;
const ORDER = ["producer", "consumer", "sandbox", "memory", "reviewer", "persistence", "governor"];
const VERDICTS = { OK: "good", BUSY: "busy", WARN: "warn", STALL: "bad", STOPPED: "bad", UNKNOWN: "quiet" };

// -- the mesh's own

function stagesOf(state) {
  const now = millis(state.as_of);
  const roles = new Map();
  const role = (name) => {
    if (!roles.has(name)) roles.set(name, { name, workers: 0, running: 0, slots: 0, oldest: 0, done: 0, dead: 0, waiting: "" });
    return roles.get(name);
  };
  for (const report of state.stages ?? []) {
    if (now - millis(report.ts) > SILENT_MS) continue;
    const found = role(String(report.role));
    found.workers += 1;
    found.running += Number(report.running) || 0;
    found.slots += Number(report.slots) || 0;
    found.done += Number(report.counts?.done) || 0;
    found.dead += Number(report.counts?.dead) || 0;
    if (report.open) found.oldest = Math.max(found.oldest, Number(report.oldest_s) || 0);
    found.waiting ||= shown(report.waiting, 100);
  }
  for (const hop of state.hops ?? []) if (hop?.role) role(String(hop.role)).hop = hop;
  const rank = ({ name }) => ORDER.indexOf(name) + 1 || ORDER.length + 1;
  return [...roles.values()].sort((a, b) => rank(a) - rank(b));
}

function stageRow({ stage }) {
  const { hop } = stage;
  const verdict = VERDICTS[hop?.verdict] ? hop.verdict : stage.workers ? "" : "STOPPED";
  const state = stage.waiting ? word(`waits for ${stage.waiting}`, "warn", "clock") : verdict ? word(verdict, VERDICTS[verdict]) : word(stage.running ? "at work" : "idle", stage.running ? "busy" : "quiet");
  return h(
    "tr",
    {},
    h("th", { scope: "row", text: shown(stage.name, 60) }),
    h("td", {}, state),
    h("td", { class: "is-number", text: hop ? count(hop.lag) : "–" }),
    h("td", { class: "is-number", text: hop?.lag > 0 ? seconds(hop.lag_seconds) : "–" }),
    h("td", { class: "is-number", text: stage.slots ? `${stage.running} of ${stage.slots}` : "–" }),
    h("td", { class: "is-number", text: stage.oldest ? seconds(stage.oldest) : "–" }),
    h("td", { class: "is-number", text: count(stage.done) }),
    h("td", { class: "is-number", text: count(stage.dead) }),
    h("td", { class: "is-number", text: count(hop?.members ?? stage.workers) }),
    h("td", { class: "mono", text: shown(hop?.topic ?? "–", 100) }),
    h("td", { class: "is-wide quiet", text: shown(hop?.reason ?? "", 200) }),
  );
}

// -- those with queues

function queueRow({ queue, agent, now }) {
  const waits = queue.pending_tasks;
  const name = String(queue.agent_name);
  const first = queue.pending?.[0];
  const times = (queue.pending ?? []).map((task) => millis(task.timestamp)).filter(Number.isFinite);
  const seen = agent?.last_seen ?? agent?.heartbeat_at;
  const errors = Object.values(agent?.errors ?? {}).reduce((sum, number) => sum + number, 0);
  const oldest = times.length ? `${queue.isCut ? "≥ " : ""}${seconds(Math.max(0, now - Math.min(...times)) / 1000)}` : "–";
  return h(
    "tr",
    {},
    h("th", { scope: "row", text: shown(name, 80) }),
    h("td", {}, waits ? word("tasks wait", "busy") : word("nothing waits", "good")),
    h("td", { class: "is-number", text: count(waits) }),
    h("td", { class: "is-number", text: oldest }),
    h("td", { class: "is-number", text: count(queue.total_messages) }),
    h("td", { class: "is-number" }, errors ? h("a", { href: `/errors?agent=${part(name)}`, text: count(errors) }) : "0"),
    h("td", { class: "is-short" }, seen ? h("time", { datetime: seen, title: date(seen), text: clock(seen) }) : "–"),
    h("td", { class: "mono", text: shown(queue.queue_topic, 100) }),
    h("td", { class: "is-wide" }, first ? firstOf(first) : "–"),
  );
}

function firstOf(task) {
  const text = `${shown(task.priority, 20)}: ${shown(task.reason || JSON.stringify(task.payload ?? {}), 160)} (from ${shown(task.source_agent, 60)})`;
  return task.trace_id ? h("a", { class: "clip", href: `/traces/${part(task.trace_id)}`, data: { key: task.message_id }, text }) : h("span", { class: "clip", text });
}

async function askPending(queue) {
  // the queue may have been forgotten meanwhile; what is known of it stands
  const answer = await get(`/api/v1/queues/${part(queue.agent_name)}/pending`, { limit: 500 }).catch(() => null);
  if (answer) queue.pending = answer.tasks;
}

async function load() {
  const [state, queues, agents] = await Promise.all([get("/api/v1/mesh/state"), get("/api/v1/queues"), get("/api/v1/agents")]);
  const found = queues.queues ?? [];
  const cut = found.filter((queue) => queue.pending_tasks > queue.pending.length).sort((a, b) => b.pending_tasks - a.pending_tasks);
  await Promise.all(cut.slice(0, MOST_ASKED).map(askPending));
  for (const queue of found) queue.isCut = queue.pending_tasks > queue.pending.length;
  return { state, queues: { ...queues, queues: found }, agents };
}

const stageRows = new Rows($("stages"), stageRow);
const queueRows = new Rows($("queues"), queueRow);

function show({ state, queues, agents }) {
  const stages = stagesOf(state);
  const now = millis(queues.as_of);
  const known = new Map((agents.agents ?? []).map((agent) => [String(agent.agent_name).toLowerCase(), agent]));
  showTiles($("facts"), [
    ["agents seen", count(agents.total)],
    ["queues", count(queues.total_queues)],
    ["tasks that wait in queues", count(queues.pending_tasks), queues.pending_tasks ? "warn" : "good"],
    ["messages in queues", count(queues.total_messages)],
    ["tasks in flight in the mesh", count(state.in_flight)],
    ["not readable", count(queues.undecodable_messages), queues.undecodable_messages ? "bad" : ""],
  ]);
  stageRows.show(stages.map((stage) => ({ key: stage.name, signature: JSON.stringify({ ...stage, hop: stage.hop && { ...stage.hop, history: 0, ts: 0 } }), stage })));
  const waiting = [...queues.queues].sort((a, b) => b.pending_tasks - a.pending_tasks);
  queueRows.show(waiting.map((queue) => {
    const agent = known.get(String(queue.agent_name).toLowerCase());
    // what waits gets older with every second
    const signature = queue.pending_tasks ? `${now}` : JSON.stringify([queue, agent?.last_seen, agent?.errors]);
    return { key: String(queue.queue_topic), signature, queue, agent, now };
  }));
  $("no-stages").hidden = stages.length > 0;
  $("no-queues").hidden = waiting.length > 0;
}

new Poll(load, show, EVERY_MS).now();
