// The governor: its state, the lag that it looks at, and what it decided.

import { $, fill, h, icon, setText } from "../dom.js";
import { Poll } from "./page.js";
import { Chart } from "../chart.js";
import { Rows, watchChoices } from "./table.js";
import { Stream } from "../stream.js";
import { clock, count, date, millis, plural, seconds } from "../format.js";
import { get } from "./api.js";
import { shown } from "../text.js";
import { word } from "./tiles.js";

const EVERY_MS = 2000;
const ROWS = 50;
const MOST = 1000;
const LIGHTS = { ACTIVE: ["play", "new tasks are made"], THROTTLED: ["pause", "the producer waits"], UNKNOWN: ["question", "the governor has not spoken yet"] };

const known = new Map();
const state = { which: "changed", most: ROWS };
const chart = new Chart($("chart"));

function light(governor) {
  const name = LIGHTS[governor.state] ? governor.state : "UNKNOWN";
  const [mark, note] = LIGHTS[name];
  if ($("light").dataset.shown !== name) fill($("lamp"), icon(mark));
  $("light").dataset.shown = name;
  $("light").dataset.state = name;
  setText($("light-word"), name);
  const since = millis(governor.since);
  setText($("light-since"), Number.isFinite(since) ? `${note} · for ${seconds(Math.max(0, Date.now() - since) / 1000)}` : note);
  setText($("light-reason"), shown(governor.reason ?? "", 300));
}

function row({ decision, until }) {
  const { data } = decision;
  const isOn = data.state === "ACTIVE";
  const at = millis(data.ts ?? decision.at);
  return h(
    "tr",
    {},
    h("td", { class: "is-short" }, h("time", { datetime: decision.at, title: date(at), text: clock(at) })),
    h("td", {}, word(shown(data.state, 30), isOn ? "good" : "warn", isOn ? "play" : "pause")),
    h("td", { class: "is-number", text: data.lag === null ? "unknown" : count(data.lag) }),
    h("td", { class: "is-number", text: count(data.threshold) }),
    h("td", { class: "is-wide", text: shown(data.reason, 300) }),
    h("td", { class: "is-number", text: until === null ? "goes on" : seconds(Math.max(0, until - at) / 1000) }),
    h("td", { class: "mono is-short", text: `${shown(decision.topic, 60)}/${decision.partition}/${decision.offset}` }),
  );
}

const rows = new Rows($("decisions"), row);

function show() {
  const all = [...known.values()].sort((a, b) => b.offset - a.offset);
  const changes = all.filter((decision) => decision.data.changed);
  const wanted = state.which === "all" ? all : changes;
  const shownOnes = wanted.slice(0, state.most);
  rows.show(shownOnes.map((decision, index) => {
    const next = wanted[index - 1];
    const until = next ? millis(next.data.ts ?? next.at) : null;
    return { key: `${decision.partition}/${decision.offset}`, signature: String(until), decision, until };
  }));
  const oldest = all.at(-1);
  setText($("decisions-note"), oldest ? `${plural(changes.length, "change")} in the last ${plural(all.length, "decision")}, since ${clock(oldest.at)}` : "");
  $("nothing").hidden = wanted.length > 0;
  setText($("nothing"), all.length ? "It has not changed its mind since then." : "No decision yet.");
  $("more").hidden = wanted.length <= state.most;
}

let due = 0;
function soon() {
  due ||= requestAnimationFrame(() => {
    due = 0;
    show();
  });
}

const stream = new Stream(
  (event) => {
    if (event.kind !== "decision" || !event.data) return;
    known.set(`${event.partition}/${event.offset}`, event);
    if (known.size > MOST) known.delete(known.keys().next().value);
    light({ ...event.data });
    soon();
  },
  () => {},
  { kinds: "decision", recent: MOST },
);

const poll = new Poll(() => get("/api/v1/mesh/state"), (answer) => {
  const governor = answer.governor ?? {};
  light(governor);
  const hop = (answer.hops ?? []).find((one) => one?.role === "consumer");
  const history = (hop?.history ?? []).filter(Array.isArray).map(([at, lag]) => [at < 1e11 ? at * 1000 : at, lag]);
  chart.draw(history, Number(governor.threshold) || null);
}, EVERY_MS);

watchChoices("which", (which) => {
  Object.assign(state, { which, most: ROWS });
  soon();
});
$("more").addEventListener("click", () => {
  state.most += ROWS * 4;
  soon();
});
poll.now();
stream.open();
