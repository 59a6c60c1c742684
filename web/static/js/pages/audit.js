// The audit's balance: in = reviewed + dead letters + in flight.

import { $, fill, h, icon, setText } from "../dom.js";
import { Poll, notices } from "./page.js";
import { Rows } from "./table.js";
import { clock, count, plural, seconds } from "../format.js";
import { get, part } from "./api.js";
import { shown } from "../text.js";

const EVERY_MS = 5000;

function number(value, what) {
  return h("div", {}, h("b", { text: count(value) }), h("span", { class: "quiet", text: what }));
}

function sign(text, words) {
  return h("span", { class: "sign" }, h("span", { "aria-hidden": "true", text }), h("span", { class: "hidden", text: words }));
}

function showBalance(report) {
  const right = report.reviewed + report.dead_lettered + report.in_flight;
  const isEven = report.tasks_in === right;
  fill(
    $("equation"),
    number(report.tasks_in, "tasks in"),
    sign(isEven ? "=" : "≠", isEven ? "is" : "is not"),
    number(report.reviewed, "reviewed"),
    sign("+", "plus"),
    number(report.dead_lettered, "dead letters"),
    sign("+", "plus"),
    number(report.in_flight, "in flight"),
  );
  const word = report.balanced ? "BALANCED: nothing is lost, nothing is there twice" : `NOT BALANCED: ${plural(report.problems_total, "problem")}`;
  fill($("verdict"), icon(report.balanced ? "check" : "cross"), h("span", { text: word }));
  $("balance").dataset.state = report.balanced ? "yes" : "no";
  document.title = `${report.balanced ? "✓ balanced" : "✗ NOT BALANCED"} · Audit · AI-Mesh`;
}

function fields(element, pairs, otherwise) {
  fill(element, pairs.length ? pairs.map(([name, value]) => [h("dt", { text: name }), h("dd", {}, value)]) : h("dd", { class: "quiet", text: otherwise }));
}

const problems = new Rows($("problems"), ({ problem }) =>
  h("tr", {}, h("td", { class: "mono" }, h("a", { href: `/tasks/${part(problem.task_id)}`, text: shown(problem.task_id, 100) })), h("td", { class: "is-short", text: shown(problem.kind, 60).replaceAll("_", " ") }), h("td", { class: "is-wide", text: shown(problem.why, 400) })),
);

let seen = "";

function show(answer) {
  const { report } = answer;
  notices(answer.problem ? [["audit", "warning", "warning", `The newest audit did not work: ${shown(answer.problem, 300)}`]] : []);
  const rows = report && report.rows !== null ? `; ${plural(report.rows, "row")} in the archive` : "; the archive is elsewhere and was not looked at";
  setText($("balance-note"), report ? `as of ${clock(answer.as_of)}, read in ${seconds(answer.took_s)}${rows}; ${plural(report.duplicates_absorbed, "duplicate")} absorbed${answer.running ? "; being read again now" : ""}` : "The first audit is on its way.");
  if (!report || seen === answer.as_of) return;
  seen = answer.as_of;
  showBalance(report);
  problems.show(report.problems.map((problem, index) => ({ key: `${index}/${problem.task_id}/${problem.kind}`, signature: problem.why, problem })));
  setText($("problems-count"), count(report.problems_total));
  $("problems").closest(".scroll").hidden = !report.problems.length;
  $("nothing").hidden = report.problems.length > 0;
  setText($("nothing"), report.problems.length ? "" : "Nothing: every task is where it must be, once.");
  fields($("flight"), Object.entries(report.in_flight_at ?? {}).map(([role, tasks]) => [shown(role, 60), count(tasks)]), "Nothing is in flight.");
  fields($("read"), Object.entries(report.read_up_to ?? {}).map(([topic, ends]) => [shown(topic, 100), h("span", { class: "mono", text: `up to ${Object.values(ends).join(", ")}` })]), "Nothing was read.");
}

new Poll(() => get("/api/v1/mesh/audit"), show, EVERY_MS).now();
