// How the whole mesh is doing: asked for every two seconds, kept fresh in between by the stream.

import { millis } from "./format.js";

const PATH = "/api/v1/mesh/state";
const EVERY_MS = 2000;
const GIVE_UP_MS = 8000;
const REPORT_MS = 7000;
const HISTORY_MS = 15 * 60 * 1000;

// the way of a task through the mesh
const ORDER = ["consumer", "sandbox", "reviewer", "persistence", "memory"];

export class Mesh {
  /** `onChange` is called after every answer and every pulse of the stream. */
  constructor(onChange) {
    this.onChange = onChange;
    this.state = {};
    this.hops = new Map();
    this.stages = new Map();
    this.governor = {};
    this.answeredAt = 0;
    this.problem = "";
    document.addEventListener("visibilitychange", () => !document.hidden && this._soon(0));
  }

  start() {
    this._soon(0);
  }

  /** Take in a lag sample, a decision or a stage's report from the stream. */
  pulse(event) {
    const data = event.data;
    if (!data || typeof data !== "object") return;
    if (event.kind === "lag") this._lag(data);
    else if (event.kind === "decision") this._decision(data);
    else if (event.kind === "stage") this._stage(data);
    this.onChange();
  }

  _lag(data) {
    const hop = this.hops.get(data.role) ?? { history: [] };
    const at = millis(data.ts);
    if (millis(hop.ts) > at) return;
    const history = hop.history.concat(Number.isFinite(at) && typeof data.lag === "number" ? [[at, data.lag]] : []);
    this.hops.set(data.role, { ...hop, ...data, history: recent(history) });
  }

  _decision(data) {
    if (!(millis(data.ts) < millis(this.governor.at))) this.governor = { ...data, at: data.ts };
  }

  _stage(data) {
    const key = `${data.role}@${data.worker}`;
    if (!(millis(data.ts) < millis(this.stages.get(key)?.ts))) this.stages.set(key, data);
  }

  /** Return the hops in the order of a task's way; the crew's queues are not on it. */
  inOrder() {
    const rank = (hop) => (ORDER.indexOf(hop.role) + 1 || ORDER.length + 1);
    const hops = [...this.hops.values()].filter((hop) => !String(hop.role).startsWith("crew-"));
    return hops.sort((a, b) => rank(a) - rank(b));
  }

  /** Return the reports of a role's stages that still report: each does every two seconds. */
  reports(role) {
    const oldest = this._newestReport() - REPORT_MS;
    return [...this.stages.values()].filter((stage) => stage.role === role && !(millis(stage.ts) < oldest));
  }

  _newestReport() {
    return Math.max(...[...this.stages.values()].map((stage) => millis(stage.ts)).filter(Number.isFinite), 0);
  }

  _soon(delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this._ask(), delay);
  }

  async _ask() {
    if (document.hidden) return;
    try {
      const response = await fetch(PATH, { cache: "no-store", signal: AbortSignal.timeout(GIVE_UP_MS) });
      if (response.status === 401) {
        location.assign("/unlock");
        return;
      }
      if (!response.ok) throw new Error(await detailOf(response));
      this._take(await response.json());
      this.problem = "";
    } catch (error) {
      this.problem = error.name === "TimeoutError" ? "the mesh does not answer" : String(error.message);
    }
    this.onChange();
    this._soon(EVERY_MS);
  }

  _take(state) {
    this.answeredAt = Date.now();
    this.state = state ?? {};
    for (const hop of state?.hops ?? []) if (hop?.role) this._hop(hop);
    for (const stage of state?.stages ?? []) if (stage?.role) this._stage(stage);
    const governor = state?.governor ?? {};
    if (governor.state && !(millis(governor.at) < millis(this.governor.at))) this.governor = governor;
  }

  _hop(hop) {
    const known = this.hops.get(hop.role);
    const points = (Array.isArray(hop.history) ? hop.history : []).filter(Array.isArray).map(([at, lag]) => [at < 1e11 ? at * 1000 : at, lag]);
    const newest = points.at(-1)?.[0] ?? 0;
    const history = recent(points.concat((known?.history ?? []).filter(([at]) => at > newest)));
    const newer = known && millis(known.ts) > millis(hop.ts) ? known : hop;
    this.hops.set(hop.role, { ...hop, ...newer, history });
  }
}

/** What the mesh says is wrong. */
async function detailOf(response) {
  const problem = await response.json().catch(() => null);
  return String(problem?.detail ?? `the mesh answers ${response.status}`);
}

function recent(history) {
  const oldest = Date.now() - HISTORY_MS;
  const first = history.findIndex(([at]) => at >= oldest);
  return first < 0 ? [] : history.slice(first);
}
