// What the sandbox stopped: limits that were hit, calls that a layer refused.

import { $, fill, h, setText } from "../dom.js";
import { chip } from "../parts.js";
import { Poll } from "./page.js";
import { Rows, watchChoices } from "./table.js";
import { clock, count, date, millis, plural, seconds } from "../format.js";
import { get, part } from "./api.js";
import { headAndRest, shown } from "../text.js";
import { showTiles, word } from "./tiles.js";

const EVERY_MS = 4000;
const TASKS = 200;
const ROWS = 50;
const LIMITS = new Set(["timeout", "out_of_memory", "output_limit", "disk_limit"]);
// how Python tells that the kernel refused what code asked for
const REFUSED = /PermissionError|Operation not permitted|Permission denied|BlockingIOError|can't start new thread|Read-only file system|Network is unreachable|Function not implemented/;
const KINDS = { limit: ["limit hit", "warn", "stop"], refused: ["refused by a layer", "bad", "shield"], killed: ["killed", "bad", "skull"], sandbox_error: ["sandbox error", "bad", "warning"] };
const state = { kind: "", most: ROWS, runs: [], tasks: 0 };

function kindOf(verdict) {
  if (verdict.verdict === "sandbox_error") return "sandbox_error";
  if (verdict.verdict === "killed") return "killed";
  if (verdict.limit || LIMITS.has(verdict.verdict)) return "limit";
  return !verdict.success && REFUSED.test(String(verdict.error ?? "")) ? "refused" : "";
}

function runsOf(tasks) {
  const found = [];
  for (const task of tasks) {
    for (const [number, { verdict }] of Object.entries(task.attempts ?? {})) {
      const kind = verdict && kindOf(verdict);
      if (kind) found.push({ task, number, verdict, kind });
    }
  }
  return found.sort((a, b) => millis(b.verdict.at) - millis(a.verdict.at));
}

function row({ run: { task, number, verdict, kind } }) {
  const [text, colour, mark] = KINDS[kind];
  const layers = Array.isArray(verdict.isolation) ? verdict.isolation : [];
  return h(
    "tr",
    {},
    h("td", { class: "is-short" }, h("time", { datetime: verdict.at, title: date(verdict.at), text: clock(verdict.at) })),
    h("td", {}, word(text, colour, mark), h("br"), h("span", { class: "quiet is-short", text: shown(verdict.verdict, 40).replaceAll("_", " ") })),
    h("td", { class: "is-short", title: layers.map((layer) => shown(String(layer), 60)).join(", ") }, verdict.limit ? shown(verdict.limit, 80) : kind === "sandbox_error" ? "nothing was run" : plural(layers.length, "layer")),
    h("td", { class: "is-wide" }, h("a", { class: "clip", href: `/tasks/${part(task.task_id)}#attempt-${number}`, data: { key: `${task.task_id}/${number}` }, text: headAndRest(shown(task.task, 300))[0] || shown(task.task_id, 60) })),
    h("td", { class: "is-number", text: number }),
    h("td", { class: "is-number", text: seconds(verdict.wall_s) }),
    h("td", { class: "is-wide" }, h("span", { class: "mono clip", text: shown(String(verdict.error ?? "").trim().split("\n").at(-1), 300) || "–" })),
  );
}

const rows = new Rows($("stopped"), row);

function showRuns() {
  const wanted = state.runs.filter((run) => !state.kind || run.kind === state.kind);
  rows.show(wanted.slice(0, state.most).map((run) => ({ key: `${run.task.task_id}/${run.number}`, signature: run.verdict.at, run })));
  setText($("stopped-note"), `${count(wanted.length)} in the newest ${plural(state.tasks, "task")}`);
  $("nothing").hidden = wanted.length > 0;
  $("more").hidden = wanted.length <= state.most;
}

function showLayers(sandbox) {
  const layers = Array.isArray(sandbox?.layers) ? sandbox.layers : [];
  const signature = JSON.stringify([layers, sandbox?.unsafe]);
  if ($("layers").dataset.signature === signature) return;
  $("layers").dataset.signature = signature;
  fill($("layers"), layers.map((layer) => h("li", {}, chip(shown(String(layer), 60)))));
  const said = !sandbox ? word("not known yet", "quiet") : sandbox.unsafe ? word("UNSAFE: code is not isolated on this machine", "bad", "warning") : word(`${plural(layers.length, "layer")} hold whatever runs`, "good", "shield");
  fill($("layers-note"), said);
}

const poll = new Poll(
  async () => {
    const [mesh, list] = await Promise.all([get("/api/v1/mesh/state"), get("/api/v1/mesh/tasks", { limit: TASKS })]);
    return { mesh, list };
  },
  ({ mesh, list }) => {
    const counts = mesh.counts ?? {};
    const of = (name) => counts[`verdict.${name}`] ?? 0;
    showTiles($("facts"), [
      ["runs", count(counts.verdicts ?? 0)],
      ["passed", count(of("passed"))],
      ["out of time", count(of("timeout"))],
      ["out of memory", count(of("out_of_memory"))],
      ["too much output", count(of("output_limit"))],
      ["too much on disk", count(of("disk_limit"))],
      ["killed", count(of("killed"))],
      ["sandbox errors", count(of("sandbox_error")), of("sandbox_error") ? "bad" : ""],
    ]);
    showLayers(mesh.sandbox);
    Object.assign(state, { runs: runsOf(list.tasks ?? []), tasks: (list.tasks ?? []).length });
    showRuns();
  },
  EVERY_MS,
);

watchChoices("kind", (kind) => {
  Object.assign(state, { kind, most: ROWS });
  showRuns();
});
$("more").addEventListener("click", () => {
  state.most += ROWS * 4;
  showRuns();
});
poll.now();
