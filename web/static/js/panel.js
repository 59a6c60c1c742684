// What stands above the columns: the light, the meter, the hops, the numbers, the banners.

import { $, fill, h, icon, setText, svg } from "./dom.js";
import { Chart } from "./chart.js";
import { clock, count, median, millis, percent, plural, seconds } from "./format.js";
import { shown } from "./text.js";

const LIGHTS = {
  ACTIVE: { icon: "play", note: "new tasks are made" },
  THROTTLED: { icon: "pause", note: "the producer waits" },
  UNKNOWN: { icon: "question", note: "the governor has not spoken yet" },
};
const VERDICTS = { OK: "check", WARN: "warning", BUSY: "dots", STALL: "stop", STOPPED: "cross", UNKNOWN: "question" };
const TRENDS = { up: ["arrow-up", "rising"], down: ["arrow-down", "falling"], flat: ["arrow-flat", "steady"] };
const ROLE_WORDS = { consumer: "code", sandbox: "sandbox", reviewer: "review", persistence: "archive", memory: "memory" };
const STAGES = { tasks: "producer", code: "consumer", sandbox: "sandbox", reviews: "reviewer" };

const textOf = (value) => (value === null || value === undefined ? "" : shown(String(value), 400));

export class Panel {
  constructor(mesh, store) {
    this.mesh = mesh;
    this.store = store;
    this.chart = new Chart($("lag-chart"));
    this.hops = new Map();
    this.light = "";
  }

  render() {
    this._light();
    this._meter();
    this._hops();
    this._numbers();
    this._services();
    this._stages();
  }

  // -- the light

  _light() {
    const { governor } = this.mesh;
    const state = LIGHTS[governor.state] ? governor.state : "UNKNOWN";
    const light = $("light");
    light.dataset.state = state;
    if (this.light !== state) this._turn(state, governor);
    const since = millis(governor.since);
    const lasts = Number.isFinite(since) ? ` · for ${seconds(Math.max(0, Date.now() - since) / 1000)}` : "";
    setText($("light-reason"), textOf(governor.reason) || LIGHTS[state].note);
    setText($("light-since"), `${LIGHTS[state].note}${lasts}`);
  }

  _turn(state, governor) {
    const first = !this.light;
    this.light = state;
    fill($("light-lamp"), icon(LIGHTS[state].icon));
    setText($("light-word"), state);
    document.body.dataset.light = state;
    document.title = state === "THROTTLED" ? "‖ THROTTLED · AI-Mesh" : state === "ACTIVE" ? "▸ ACTIVE · AI-Mesh" : "AI-Mesh";
    if (!first) setText($("announcer"), `${state}: ${textOf(governor.reason)}`);
  }

  // -- the meter

  _meter() {
    const { governor } = this.mesh;
    const hop = this.mesh.hops.get("consumer");
    const lag = governor.lag ?? hop?.lag;
    const { threshold } = governor;
    const known = typeof lag === "number";
    const limit = typeof threshold === "number" ? threshold : 0;
    setText($("lag-value"), known ? count(lag) : "–");
    setText($("lag-topic"), textOf(hop?.topic) || "ai_topic");
    setText($("lag-threshold"), limit ? `threshold ${limit}` : "");
    $("meter").dataset.level = !known || !limit ? "unknown" : lag >= limit ? "over" : lag >= limit * 0.67 ? "near" : "under";
    const top = Math.max(limit * 2, lag || 0, 1);
    $("lag-gauge").style.setProperty("--fill", String(Math.min(1, (lag || 0) / top)));
    $("lag-gauge").style.setProperty("--limit", String(limit / top));
    const trend = TRENDS[hop?.trend] ?? TRENDS.flat;
    fill($("lag-trend"), icon(trend[0]), h("span", { text: trend[1] }));
    this.chart.draw(hop?.history ?? [], limit || null);
  }

  // -- the hops

  _hops() {
    const hops = this.mesh.inOrder();
    for (const hop of hops) {
      if (!this.hops.has(hop.role)) this.hops.set(hop.role, hopCell(hop.role));
      const cell = this.hops.get(hop.role);
      if (cell.node.parentElement !== $("hops")) $("hops").append(cell.node);
      cell.update(hop);
    }
    $("hops-empty").hidden = hops.length > 0;
  }

  // -- numbers and services

  _numbers() {
    const { state } = this.mesh;
    const counts = state.counts ?? {};
    const ended = (counts.passed ?? 0) + (counts.failed ?? 0);
    setText($("n-flight"), count(state.in_flight));
    setText($("n-reviewed"), count(counts.reviewed ?? 0));
    setText($("n-passed"), percent(counts.passed ?? 0, ended));
    setText($("n-first"), percent(counts.passed_first ?? 0, ended));
    setText($("n-failed"), count(counts.failed ?? 0));
    setText($("n-dead"), count(counts.dead_lettered ?? 0));
    setText($("n-errors"), count(counts.errors ?? 0));
    setText($("n-tokens"), count(state.tokens_per_minute ?? 0));
    $("n-dead").parentElement.classList.toggle("is-bad", counts.dead_lettered > 0);
    $("n-errors").parentElement.classList.toggle("is-bad", counts.errors > 0);
  }

  _services() {
    const { model, memory, sandbox } = this.mesh.state;
    const name = textOf(model?.model ?? model?.name);
    service($("s-model"), model?.ok, name ? `${name}${model?.rehearsal ? " (rehearsal)" : ""}` : "unknown", model?.reason);
    const isOn = memory?.on ?? memory?.ok;
    const held = typeof memory?.count === "number" ? `on, ${count(memory.count)} held` : "on";
    service($("s-memory"), isOn, isOn === false ? "off" : isOn ? held : "unknown", memory?.reason);
    const layers = Array.isArray(sandbox?.layers) ? sandbox.layers : [];
    service($("s-sandbox"), sandbox ? !sandbox.unsafe : null, sandbox ? (sandbox.unsafe ? "UNSAFE" : plural(layers.length, "layer")) : "unknown", layers.join(", "));
  }

  // -- what each column's stage is doing

  _stages() {
    const times = stageTimes(this.store);
    for (const [column, role] of Object.entries(STAGES)) {
      const reports = this.mesh.reports(role);
      const sum = (field) => reports.reduce((total, report) => total + (Number(report[field]) || 0), 0);
      const waiting = textOf(reports.find((report) => report.waiting)?.waiting);
      const brake = column === "tasks" && this.light === "THROTTLED";
      const took = Number.isFinite(times[column]) ? `~${seconds(times[column])}` : "";
      const slots = sum("slots") ? `${sum("running")} of ${sum("slots")} busy` : "";
      const note = $(`${column}-note`);
      setText(note, brake ? "‖ brake on" : waiting ? `waits for ${waiting}` : [slots, took].filter(Boolean).join(" · "));
      note.title = brake ? "The lag is too high, so the producer makes no task." : took ? `It takes ${seconds(times[column])} (median).` : "";
      $(`${column}-head`).classList.toggle("is-held", brake || Boolean(waiting));
    }
  }
}

function hopCell(role) {
  const verdict = h("span", { class: "hop-verdict" });
  const lag = h("span", { class: "hop-lag" });
  const trend = h("span", { class: "hop-trend" });
  const line = svg("svg", { class: "hop-line", "aria-hidden": "true", preserveAspectRatio: "none" });
  const name = h("span", { class: "hop-name", text: ROLE_WORDS[role] ?? textOf(role) });
  const topic = h("span", { class: "hop-topic" });
  const node = h("li", { class: "hop" }, h("div", { class: "hop-top" }, name, verdict), h("div", { class: "hop-mid" }, lag, trend, line), topic);
  const chart = new Chart(line, { small: true });
  const update = (hop) => {
    const word = VERDICTS[hop.verdict] ? hop.verdict : "UNKNOWN";
    node.dataset.verdict = word;
    const behind = hop.lag_seconds > 0 ? `, ${seconds(hop.lag_seconds)} behind` : "";
    node.title = `${textOf(hop.topic)} read by ${textOf(hop.group)}: ${textOf(hop.reason)}${behind}${typeof hop.members === "number" ? `; ${plural(hop.members, "worker")}` : ""}`;
    if (verdict.dataset.word !== word) fill(verdict, icon(VERDICTS[word]), word);
    verdict.dataset.word = word;
    setText(lag, typeof hop.lag === "number" ? count(hop.lag) : "–");
    const [name_, words] = TRENDS[hop.trend] ?? TRENDS.flat;
    if (trend.dataset.word !== words) fill(trend, icon(name_), h("span", { class: "hidden", text: words }));
    trend.dataset.word = words;
    setText(topic, word === "OK" ? textOf(hop.topic) : textOf(hop.reason) || textOf(hop.topic));
    chart.draw(hop.history ?? [], null);
  };
  return { node, update };
}

function service(element, ok, text, title) {
  element.dataset.ok = ok === false ? "no" : ok ? "yes" : "unknown";
  element.title = textOf(title);
  setText(element.querySelector("dd span"), text);
}

/** The median of the newest fifty times of each stage, in seconds. */
function stageTimes(store) {
  const newest = [...store.tasks.values()].sort((a, b) => b.lastAt - a.lastAt).slice(0, 50);
  const attempts = newest.flatMap((task) => [...task.attempts.values()]);
  return {
    code: median(attempts.map((attempt) => attempt.solution?.duration)),
    sandbox: median(attempts.map((attempt) => attempt.verdict?.wall)),
    reviews: median(newest.map((task) => task.review?.duration)),
  };
}

// -- banners

const GRACE_MS = 1500;
const STALE_MS = 10000;

/** What must not be overlooked, as [key, kind, icon, text]. */
export function warnings(mesh, stream) {
  const { model, memory, sandbox } = mesh.state;
  const now = Date.now();
  const found = [];
  if (stream.state === "lost" && now - stream.since > GRACE_MS) {
    found.push(["lost", "bad", "plug", "Connection lost. Reconnecting…"]);
  } else if (stream.state === "open" && !mesh.problem && now - stream.lastAt > STALE_MS) {
    found.push(["stale", "warning", "clock", `No update for ${seconds((now - stream.lastAt) / 1000)}. What you see may be out of date.`]);
  }
  if (mesh.problem && stream.state !== "lost") found.push(["state", "warning", "clock", `Not ready: ${shown(mesh.problem, 200)}.`]);
  if (sandbox?.unsafe) found.push(["sandbox", "bad", "shield", "The sandbox is unsafe: code is not isolated on this machine."]);
  if (model?.ok === false) found.push(["model", "bad", "plug", `The model does not answer since ${clock(model.since)}: ${textOf(model.reason)}. Work waits and goes on when it is back.`]);
  if (memory && (memory.on ?? memory.ok) === false) {
    found.push(["memory", "warning", "memory", `Memory is off since ${clock(memory.since)}${memory.reason ? `: ${textOf(memory.reason)}` : ""}. Work goes on; what was to be remembered is remembered later.`]);
  }
  if (model?.rehearsal) found.push(["rehearsal", "note", "mask", "Rehearsal: scripted answers, no real model."]);
  return found;
}
