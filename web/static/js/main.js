// Puts the page together.

import { $, fill, h, setText } from "./dom.js";
import { Columns, NAMES } from "./columns.js";
import { Mesh } from "./mesh.js";
import { Panel, warnings } from "./panel.js";
import { Path } from "./path.js";
import { Store } from "./store.js";
import { Stream } from "./stream.js";
import { showBanners } from "./banners.js";
import { watchKeys } from "./keys.js";
import { watchSubmit } from "./submit.js";
import { watchTheme } from "./themes.js";

const FRAME_MS = 50;
const PANEL_MS = 300;

const store = new Store();
const link = { state: "connecting", since: Date.now(), lastAt: Date.now() };
let arrived = 0;

// -- showing, at most so many times a second

let due = 0;
let panelDue = 0;
let isDue = false;
function soon() {
  if (isDue) return;
  isDue = true;
  setTimeout(() => requestAnimationFrame(show), Math.max(0, due - performance.now()));
}

function show() {
  isDue = false;
  due = performance.now() + FRAME_MS;
  columns.render();
  if (performance.now() >= panelDue) {
    panelDue = performance.now() + PANEL_MS;
    panel.render();
    showBanners(warnings(mesh, link));
  }
  showPaused();
  showAgents();
  if (waitsFor && store.tasks.has(waitsFor)) {
    columns.select(waitsFor);
    waitsFor = "";
  }
}

const mesh = new Mesh(soon);
const columns = new Columns(store, showSelected);
const panel = new Panel(mesh, store);
new Path(columns);

const stream = new Stream(
  (event) => {
    link.lastAt = Date.now();
    if (event.kind === "lag" || event.kind === "decision" || event.kind === "stage") mesh.pulse(event);
    if (store.apply(event)) arrived += 1;
    soon();
  },
  (state) => {
    // a browser says "connecting" between two tries, too
    if (state === "connecting" && link.state === "lost") return;
    if (state !== link.state) link.since = Date.now();
    link.state = state;
    if (state === "open") link.lastAt = Date.now();
    document.body.dataset.link = state;
    soon();
  },
);

// -- pause and follow

function showPaused() {
  const button = $("pause");
  if (!columns.isPaused) arrived = 0;
  button.setAttribute("aria-pressed", String(columns.isPaused));
  setText($("pause-word"), columns.isPaused ? (arrived ? `Follow (${arrived} new)` : "Follow") : "Pause");
}

function togglePause() {
  columns.isPaused = !columns.isPaused;
  columns.render(!columns.isPaused);
  showPaused();
  if (!columns.isPaused) for (const column of columns.columns) column.toTop();
}

// -- filters

const agents = $("agent");
function showAgents() {
  const known = [...store.agents].sort();
  if (agents.options.length === known.length + 1) return;
  const chosen = agents.value;
  fill(agents, h("option", { value: "", text: "all agents" }), ...known.map((name) => h("option", { value: name, text: name })));
  agents.value = chosen;
}

let typing;
$("filter").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => columns.setFilter({ text: $("filter").value.trim() }), 120);
});
for (const choice of document.querySelectorAll("input[name=outcome]")) {
  choice.addEventListener("change", () => columns.setFilter({ outcome: choice.value }));
}
agents.addEventListener("change", () => columns.setFilter({ agent: agents.value }));
$("steps").addEventListener("click", () => {
  columns.setFilter({ steps: !columns.filter.steps });
  $("steps").setAttribute("aria-pressed", String(columns.filter.steps));
});
$("pause").addEventListener("click", togglePause);

// -- the selected task

let waitsFor = new URLSearchParams(location.hash.slice(1)).get("task") ?? "";

function showSelected(task) {
  $("selected").hidden = !task;
  history.replaceState(null, "", task ? `#task=${encodeURIComponent(task.id)}` : location.pathname);
  if (task) {
    setText($("selected-text"), columns.summary(task));
    $("selected-open").href = `/tasks/${encodeURIComponent(task.id)}`;
  }
  $("selected-only").setAttribute("aria-pressed", String(columns.filter.only));
}

$("selected-only").addEventListener("click", () => {
  columns.setFilter({ only: !columns.filter.only });
  $("selected-only").setAttribute("aria-pressed", String(columns.filter.only));
});
$("selected-copy").addEventListener("click", async () => {
  const done = await navigator.clipboard.writeText(columns.selected).then(() => true, () => false);
  setText($("announcer"), done ? "The task's id is copied." : "The browser does not let the page copy.");
});
$("selected-clear").addEventListener("click", () => columns.select(null));

// -- columns as tabs, where only one has room

function showTab(name) {
  document.body.dataset.tab = name;
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const isOn = tab.dataset.tab === name;
    tab.setAttribute("aria-selected", String(isOn));
    tab.tabIndex = isOn ? 0 : -1;
  }
}
for (const tab of document.querySelectorAll("[role=tab]")) {
  tab.addEventListener("click", () => showTab(tab.dataset.tab));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const name = NAMES[(NAMES.indexOf(tab.dataset.tab) + step + NAMES.length) % NAMES.length];
    showTab(name);
    $(`tab-${name}`).focus();
    event.stopPropagation();
  });
}
showTab("tasks");

// -- keys, theme, the rest

watchSubmit((id) => {
  waitsFor = id;
  soon();
});
watchKeys({ columns, togglePause, clear: () => columns.select(null) });

watchTheme();

setInterval(soon, 1000);
mesh.start();
stream.open();
