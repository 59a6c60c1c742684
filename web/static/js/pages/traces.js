// The list of traces.

import { $, h } from "../dom.js";
import { Pager, Rows, watchChoices } from "./table.js";
import { after } from "../waterfall.js";
import { clock, count, date, millis, percent } from "../format.js";
import { get, part } from "./api.js";
import { showTiles, statusWord } from "./tiles.js";
import { Poll } from "./page.js";
import { shown } from "../text.js";

const EVERY_MS = 3000;
const state = { status: "" };

function row({ trace, longest, now }) {
  const at = millis(trace.start_time);
  const took = trace.duration_ms ?? Math.max(0, now - at);
  const id = String(trace.trace_id);
  return h(
    "tr",
    {},
    h("td", { class: "is-short" }, h("time", { datetime: trace.start_time, title: date(at), text: clock(at) })),
    h("td", { class: "is-wide" }, h("a", { href: `/traces/${part(id)}`, class: "clip", data: { key: id }, text: shown(trace.name, 120) }), h("span", { class: "mono quiet", text: shown(id, 60) })),
    h("td", {}, statusWord(trace.status)),
    h("td", { class: "is-number", text: `${after(Math.round(took))}${trace.duration_ms === null ? " so far" : ""}` }),
    h("td", { class: "is-bars", "aria-hidden": "true" }, h("b", { class: `wf-bar is-${trace.status === "failed" ? "failed" : "model"}`, vars: { at: "0%", size: `${Math.min(100, (took / longest) * 100)}%` } })),
    h("td", { class: "is-number", text: count(trace.message_count) }),
    h("td", { class: "is-number", text: count(trace.pending_tasks) }),
    h("td", { class: "is-number", text: count(trace.error_count) }),
    h("td", { class: "is-number", text: count(trace.total_tokens) }),
  );
}

const rows = new Rows($("traces"), row);

async function load() {
  const [traces, metrics] = await Promise.all([get("/api/v1/traces", { limit: 50, status: state.status, cursor: pager.cursor }), get("/api/v1/metrics")]);
  return { traces, metrics };
}

function show({ traces: { traces = [], next_cursor: next, as_of: asOf }, metrics }) {
  const ended = metrics.completed_traces + metrics.failed_traces;
  showTiles($("facts"), [
    ["traces", count(metrics.total_traces)],
    ["running", count(metrics.running_traces)],
    ["succeeded", ended ? percent(metrics.completed_traces, ended) : "–"],
    ["failed", count(metrics.failed_traces)],
    ["average time", metrics.avg_duration_ms === null ? "–" : after(metrics.avg_duration_ms)],
    ["calls of models", count(metrics.total_llm_calls)],
    ["tokens", count(metrics.total_tokens)],
  ]);
  const now = millis(asOf);
  const longest = Math.max(1, ...traces.map((trace) => trace.duration_ms ?? 0));
  rows.show(traces.map((trace) => ({ key: String(trace.trace_id), signature: `${trace.updated_at}/${trace.status}/${longest}/${trace.duration_ms === null ? now : ""}`, trace, longest, now })));
  $("nothing").hidden = traces.length > 0;
  pager.took(next);
}

const poll = new Poll(load, show, EVERY_MS);
const pager = new Pager("traces", () => poll.now());

watchChoices("status", (value) => {
  state.status = value;
  pager.toNewest();
  poll.now();
});
$("go").addEventListener("submit", (event) => {
  event.preventDefault();
  const id = $("go-id").value.trim();
  if (id) location.assign(`/traces/${part(id)}`);
});
poll.now();
