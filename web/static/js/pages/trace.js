// A trace's page: its spans below each other, its agents, its errors, everything in the order of time.

import { $, fill, h, setText } from "../dom.js";
import { after, drawWaterfall } from "../waterfall.js";
import { chip } from "../parts.js";
import { clock, count, date, millis, plural } from "../format.js";
import { get, part } from "./api.js";
import { Poll, linked } from "./page.js";
import { Rows } from "./table.js";
import { errorItem } from "./error.js";
import { graphPicture } from "../graph.js";
import { showTiles, statusWord } from "./tiles.js";
import { shown } from "../text.js";

const RUNNING_MS = 2500;
const ENDED_MS = 60000;
const ROWS = 100;
const ICONS = { agent: "mask", model: "keys", tool: "shield", memory: "memory", task: "ring" };

const id = $("trace").dataset.trace;
let most = ROWS;
let newest = null;

// -- the waterfall

/** Return spans so that each comes after the one that it is a part of, with how deep it stands. */
function inOrder(spans) {
  const known = new Set(spans.map((span) => span.span_id));
  const below = new Map();
  for (const span of spans) {
    const parent = known.has(span.parent_span_id) && span.parent_span_id !== span.span_id ? span.parent_span_id : "";
    if (!below.has(parent)) below.set(parent, []);
    below.get(parent).push(span);
  }
  const found = [];
  const walk = (parent, depth) => {
    const own = (below.get(parent) ?? []).sort((a, b) => millis(a.start_time) - millis(b.start_time));
    below.delete(parent);
    for (const span of own) {
      found.push({ span, depth });
      if (span.span_id) walk(span.span_id, depth + 1);
    }
  };
  walk("", 0);
  return found;
}

const FACTS = [["attempt", "try"], ["gen_ai.usage.input_tokens", "tokens in"], ["gen_ai.usage.output_tokens", "tokens out"], ["verdict", ""], ["tries", "tries"], ["error", ""]];

function rowOf({ span, depth }, now) {
  const from = millis(span.start_time);
  const isOpen = !span.end_time;
  const to = isOpen ? Math.max(now, from) : millis(span.end_time);
  const isFailed = span.status === "failed";
  const facts = FACTS.filter(([name]) => span.attributes?.[name] !== undefined && span.attributes[name] !== null && !(name === "attempt" && span.attributes[name] === 1));
  const kind = ICONS[span.kind] ? span.kind : "agent";
  return {
    label: shown(span.name, 80).replace(/^invoke_agent /, "").replace(/^execute_tool /, "run ").replaceAll("_", " "),
    icon: ICONS[kind],
    depth: Math.min(depth, 4),
    state: isOpen ? "open" : isFailed ? "failed" : "done",
    took: to - from,
    note: [isOpen ? "at work now" : isFailed ? "failed" : "", ...facts.map(([name, label]) => `${label} ${shown(String(span.attributes[name]), 160)}`.trim())].filter(Boolean).join(", "),
    segments: [[`${kind}${isFailed && kind !== "task" ? " is-failed" : ""}${isOpen ? " is-open" : ""}`, from, to]],
  };
}

function showWaterfall(spans, now) {
  const times = spans.flatMap((span) => [millis(span.start_time), span.end_time ? millis(span.end_time) : now]).filter(Number.isFinite);
  if (!times.length) return;
  drawWaterfall($("waterfall"), { from: Math.min(...times), to: Math.max(...times), rows: inOrder(spans).map((one) => rowOf(one, now)) });
}

// -- who handed over to whom

function edgeItem({ handoff }) {
  return h(
    "li",
    { class: "item" },
    h("div", { class: "item-head" }, h("span", { class: "item-title", text: `${shown(handoff.source_agent, 60)} → ${shown(handoff.target_agent, 60)}` }), h("span", { text: shown(handoff.reason ?? "no reason given", 200) }), handoff.status ? chip(shown(handoff.status, 30), "is-quiet") : null, h("time", { datetime: handoff.timestamp, title: date(handoff.timestamp), text: clock(handoff.timestamp) })),
  );
}

// -- everything in the order of time

const TYPES = { span_start: "begins", span_end: "ends", handoff: "handed over" };

function saidOf({ type, data }) {
  if (type === "handoff") return `${data.source_agent} → ${data.target_agent}: ${data.reason ?? ""}`;
  if (type.startsWith("span_")) return `${data.name}${data.agent_name ? ` by ${data.agent_name}` : ""}${type === "span_end" ? `, ${data.status} after ${after(Math.round(data.duration_ms ?? 0))}` : ""}`;
  return [data.kind, data.agent ?? data.agent_name ?? data.source_agent, data.message_type, data.error_type, data.error_message ?? data.reason ?? ""].filter(Boolean).join(" ");
}

function timeRow({ entry }) {
  const { data } = entry;
  const details = h("details", { class: "record" }, h("summary", { text: "JSON" }));
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) details.append(h("pre", { class: "output", text: shown(JSON.stringify(data, null, 2), 20000) }));
  });
  return h(
    "tr",
    {},
    h("td", { class: "is-short" }, h("time", { datetime: entry.timestamp, title: date(entry.timestamp), text: clock(entry.timestamp) })),
    h("td", { class: "is-short", text: TYPES[entry.type] ?? shown(entry.type, 40).replaceAll("_", " ") }),
    h("td", { class: "is-wide", text: shown(saidOf(entry), 300) }),
    h("td", { class: "mono", text: shown(data.ref ?? data.data?.ref ?? "", 100) }),
    h("td", {}, details),
  );
}

const edges = new Rows($("edges"), edgeItem);
const errors = new Rows($("errors"), errorItem);
const times = new Rows($("timeline"), timeRow);

async function load() {
  const path = `/api/v1/traces/${part(id)}`;
  const [whole, graph, timeline, failed] = await Promise.all([get(path), get(`${path}/graph`), get(`${path}/timeline`), get(`${path}/errors`).catch(() => ({ errors: [] }))]);
  return { whole, graph, timeline, failed };
}

function show(answer) {
  newest = answer;
  const { whole, graph, timeline, failed } = answer;
  const { trace } = whole;
  const now = millis(whole.as_of);
  setText($("title"), shown(trace.name, 200));
  document.title = `${shown(trace.status, 20)} · ${shown(trace.name, 80)} · AI-Mesh`;
  if ($("standing").dataset.status !== trace.status) fill($("standing"), statusWord(trace.status));
  $("standing").dataset.status = trace.status;
  $("task-link").hidden = !trace.task_id;
  if (trace.task_id) $("task-link").href = `/tasks/${part(trace.task_id)}`;
  showTiles($("facts"), [
    ["took", trace.duration_ms === null || trace.duration_ms === undefined ? "so far" : after(Math.round(trace.duration_ms))],
    ["began", date(trace.start_time)],
    ["agents", (trace.agents ?? []).length],
    ["spans", count(whole.spans.length)],
    ["pending", count(trace.pending_tasks)],
    ["errors", count(trace.error_count), trace.error_count ? "bad" : ""],
    ["tokens", count(trace.total_tokens)],
  ]);
  showWaterfall(whole.spans, now);
  setText($("cut"), whole.messages_left_out ? `${plural(whole.messages_left_out, "message")} left out: there are too many.` : "");
  const picture = graphPicture(graph);
  fill($("graph"), picture ?? h("p", { class: "nothing", text: "Nobody is known." }));
  edges.show((whole.handoffs ?? []).slice(0, ROWS).map((handoff, index) => ({ key: index, signature: JSON.stringify(handoff), handoff })));
  errors.show((failed.errors ?? []).slice(0, ROWS).map((error) => ({ key: String(error.error_id), signature: "", error })));
  $("no-errors").hidden = (failed.errors ?? []).length > 0;
  setText($("errors-count"), count(failed.error_count ?? 0));
  showTimes(timeline.timeline ?? []);
  poll.setEvery(trace.status === "running" ? RUNNING_MS : ENDED_MS);
}

function showTimes(entries) {
  setText($("timeline-count"), count(entries.length));
  times.show(entries.slice(0, most).map((entry, index) => ({ key: `${index}/${entry.type}/${entry.timestamp}`, signature: "", entry })));
  $("more").hidden = entries.length <= most;
}

$("more").addEventListener("click", () => {
  most += ROWS * 3;
  showTimes(newest?.timeline.timeline ?? []);
});

const poll = new Poll(load, show, RUNNING_MS);
poll.failed = (error) => {
  if (error.status !== 404 || newest) return;
  linked("open");
  setText($("standing"), "The mesh knows no such trace: it has not begun yet, or so long ago that it was dropped. This page looks again by itself.");
};
poll.now();
