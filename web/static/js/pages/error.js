// One error of an agent, with what explains it.

import { chip } from "../parts.js";
import { clock, date, millis } from "../format.js";
import { h } from "../dom.js";
import { part } from "./api.js";
import { shown } from "../text.js";
import { word } from "./tiles.js";

const KINDS = { critical: "bad", error: "bad", warning: "warn", info: "quiet" };
const FIELDS = [
  ["operation", "operation"], ["tool_name", "tool"], ["model_name", "model"], ["error_code", "code"], ["is_retryable", "may be tried again"],
  ["retry_count", "tried again"], ["duration_before_error_ms", "milliseconds before it"], ["token_count", "tokens"], ["service_name", "service"],
  ["environment", "environment"], ["host", "host"], ["agent_id", "agent's id"], ["error_id", "error's id"], ["ref", "where"],
];
const TEXTS = [["stack_trace", "Stack"], ["prompt_preview", "Prompt"], ["partial_output", "Output until then"], ["input_data", "Input"], ["tool_parameters", "Tool's parameters"]];

const textOf = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));
const isEmpty = (value) => value === null || value === undefined || value === "" || (typeof value === "object" && !Object.keys(value).length);

export function time(at) {
  return h("time", { datetime: new Date(millis(at) || 0).toISOString(), title: date(at), text: clock(at) });
}

export function severityWord(severity) {
  return word(shown(severity, 20), KINDS[severity] ?? "quiet");
}

export function errorItem({ error }) {
  return h(
    "li",
    { class: "item" },
    h("div", { class: "item-head" }, severityWord(error.severity), h("span", { class: "item-title", text: shown(error.error_type, 100) }), h("span", { text: shown(error.agent_name, 80) }), chip(shown(error.category, 40).replaceAll("_", " "), "is-quiet"), time(error.timestamp)),
    h("p", { class: "card-error", text: shown(error.error_message, 2000) }),
    details(error),
  );
}

function details(error) {
  const more = h("details", { class: "fold" }, h("summary", { data: { key: String(error.error_id) }, text: "What explains it" }));
  more.addEventListener("toggle", () => {
    if (more.open && more.childElementCount === 1) more.append(h("div", { class: "fold-body" }, explained(error)));
  });
  return more;
}

function explained(error) {
  const facts = FIELDS.filter(([name]) => !isEmpty(error[name])).map(([name, label]) => [h("dt", { text: label }), h("dd", { text: shown(textOf(error[name]), 300) })]);
  const fixes = (Array.isArray(error.suggested_fixes) ? error.suggested_fixes : []).slice(0, 10);
  const texts = TEXTS.filter(([name]) => !isEmpty(error[name])).flatMap(([name, label]) => [h("h3", { text: label }), h("pre", { class: "output", text: shown(textOf(error[name]), 20000) })]);
  return h(
    "div",
    { class: "explained" },
    error.trace_id ? h("p", {}, h("a", { href: `/traces/${part(error.trace_id)}`, text: "See its trace" })) : null,
    fixes.length ? [h("h3", { text: "What may help" }), h("ul", { class: "bullets" }, fixes.map((fix) => h("li", { text: shown(textOf(fix), 300) })))] : null,
    h("dl", { class: "fields" }, facts),
    texts,
  );
}
