// Errors: alike together, and one by one.

import { $, fill, h } from "../dom.js";
import { Pager, Rows, watchChoices } from "./table.js";
import { Poll, copy } from "./page.js";
import { clock, count, millis, plural } from "../format.js";
import { errorItem, severityWord, time } from "./error.js";
import { get, part } from "./api.js";
import { grouped, pattern } from "../fingerprint.js";
import { showTiles } from "./tiles.js";
import { headAndRest, shortId, shown } from "../text.js";

const EVERY_MS = 5000;
const GROUPED = 500;
const GROUPED_TASKS = 200;
const MOST_GROUPS = 40;
const TITLE = 44;
const state = { severity: "", agent: new URLSearchParams(location.search).get("agent") ?? "" };

const first = (group) => (group.first === group.last ? clock(group.last) : `${clock(group.first)} to ${clock(group.last)}`);

function groupItem({ group }) {
  const error = group.newest;
  return h(
    "li",
    { class: "item" },
    h("div", { class: "item-head" }, h("span", { class: "tally", title: plural(group.count, "error"), text: count(group.count) }), h("span", { class: "item-title", text: shown(error.error_type, 100) }), h("span", { text: shown(error.agent_name, 80) }), severityWord(error.severity)),
    h("p", { class: "card-error clip", text: shown(error.error_message, 400) }),
    h("p", { class: "quiet" }, `${first(group)}; `, h("span", { class: "mono", text: shown(group.keys.at(-1), 200) })),
    error.trace_id ? h("p", {}, h("a", { href: `/traces/${part(error.trace_id)}`, data: { key: group.fingerprint }, text: "See the newest one's trace" })) : null,
  );
}

function failuresOf(tasks) {
  const found = [];
  for (const task of tasks) {
    for (const [number, { verdict }] of Object.entries(task.attempts ?? {})) {
      if (verdict && !verdict.success) found.push({ task, number, verdict });
    }
  }
  return found;
}

function titleOf(task) {
  const [title] = headAndRest(shown(task.task, 200));
  return `${shortId(task.task_id)} ${title.length > TITLE ? `${title.slice(0, TITLE).trimEnd()}…` : title}`;
}

function failureItem({ group }) {
  const { verdict } = group.newest;
  return h(
    "li",
    { class: "item" },
    h("div", { class: "item-head" }, h("span", { class: "tally", title: plural(group.count, "attempt"), text: count(group.count) }), h("span", { class: "item-title", text: shown(verdict.verdict, 60).replaceAll("_", " ") }), verdict.limit ? h("span", { class: "chip is-warning", text: `limit hit: ${shown(verdict.limit, 60)}` }) : null, time(verdict.at)),
    verdict.error ? h("p", { class: "card-error clip", text: shown(verdict.error.trim().split("\n").at(-1), 300) }) : null,
    h("p", { class: "quiet" }, "Tasks: ", group.things.map(({ task, number }, index) => [index ? ", " : "", h("a", { href: `/tasks/${part(task.task_id)}#attempt-${number}`, data: { key: `${task.task_id}/${number}` }, text: titleOf(task) })])),
  );
}

const groups = new Rows($("groups"), groupItem);
const failures = new Rows($("failures"), failureItem);
const list = new Rows($("errors"), errorItem);

async function load() {
  const filters = { severity: state.severity, agent_name: state.agent };
  const [newest, page, tasks] = await Promise.all([
    get("/api/v1/errors", { ...filters, limit: GROUPED }),
    get("/api/v1/errors", { ...filters, limit: 20, cursor: pager.cursor }),
    get("/api/v1/mesh/tasks", { limit: GROUPED_TASKS }),
  ]);
  return { newest, page, tasks };
}

function show({ newest, page, tasks }) {
  const { summary = {} } = newest;
  const by = summary.by_severity ?? {};
  showTiles($("facts"), [["errors", count(summary.total_errors)], ...["critical", "error", "warning", "info"].map((name) => [name, count(by[name] ?? 0), by[name] && name === "critical" ? "bad" : ""]), ["dropped as too old", count(summary.dropped_errors)]]);
  showAgents(Object.keys(summary.by_agent ?? {}));
  const alike = grouped(newest.errors ?? [], (error) => [error.agent_name, error.error_type, pattern(error.error_message)], (error) => millis(error.timestamp));
  groups.show(alike.slice(0, MOST_GROUPS).map((group) => ({ key: group.fingerprint, signature: `${group.count}/${group.last}`, group })));
  $("groups-note").textContent = newest.total > GROUPED ? `of the newest ${count(GROUPED)} of ${count(newest.total)}` : plural(alike.length, "kind");
  $("no-groups").hidden = alike.length > 0;
  showFailures(tasks.tasks ?? []);
  list.show((page.errors ?? []).map((error) => ({ key: String(error.error_id), signature: "", error })));
  $("no-errors").hidden = (page.errors ?? []).length > 0;
  pager.took(page.next_cursor);
}

function showFailures(tasks) {
  const found = failuresOf(tasks);
  const alike = grouped(found, ({ verdict }) => [verdict.verdict, verdict.limit ?? "", pattern(verdict.error)], ({ verdict }) => millis(verdict.at));
  failures.show(alike.slice(0, MOST_GROUPS).map((group) => ({ key: group.fingerprint, signature: `${group.count}/${group.last}`, group })));
  $("failures-note").textContent = `of the newest ${plural(tasks.length, "task")}`;
  $("no-failures").hidden = alike.length > 0;
}

function showAgents(names) {
  const wanted = [...new Set([...names, state.agent].filter(Boolean))].sort();
  const select = $("agent");
  if ([...select.options].slice(1).map((option) => option.value).join("\n") === wanted.join("\n")) return;
  fill(select, h("option", { value: "", text: "all agents" }), wanted.map((name) => h("option", { value: name, text: shown(name, 80) })));
  select.value = state.agent;
}

const poll = new Poll(load, show, EVERY_MS);
const pager = new Pager("errors", () => poll.now());

function choose(changes) {
  Object.assign(state, changes);
  pager.toNewest();
  poll.now();
}
watchChoices("severity", (severity) => choose({ severity }));
$("agent").addEventListener("change", (event) => choose({ agent: event.target.value }));

$("copy-diagnosis").addEventListener("click", async (event) => {
  const button = event.currentTarget;
  button.disabled = true;
  const found = await get("/api/v1/claude/diagnose", { format: "prompt" }).catch((error) => ({ problem: error.message }));
  button.disabled = false;
  if (found.content) await copy(String(found.content), $("copy-note"), "Diagnosis");
  else $("copy-note").textContent = `There is no diagnosis: ${shown(found.problem ?? "the answer is empty", 200)}. Each task's page has one of its own.`;
});
poll.now();
