// The five columns: filtered, with the cards of one task linked.

import { $, h, reducedMotion } from "./dom.js";
import { CARDS, tick } from "./cards.js";
import { Column } from "./column.js";
import { headAndRest, shortId } from "./text.js";
import { logLine } from "./log.js";
import { plural } from "./format.js";
import { standing } from "./store.js";

export const NAMES = ["tasks", "code", "sandbox", "reviews", "log"];

/** What of a task a column shows: its card is built anew only when this changes. */
const SIGNATURES = {
  tasks: (task) => `${task.version}`,
  code: (task) => [...task.attempts.values()].map((attempt) => `${attempt.solution?.at ?? ""}${attempt.verdict?.word ?? ""}`).join(),
  sandbox: (task) => [...task.attempts.values()].map((attempt) => attempt.verdict?.at ?? "").join(),
  reviews: (task) => `${task.review?.at}`,
};

const OUTCOMES = {
  all: () => true,
  running: (state) => state === "running",
  passed: (state) => state === "passed",
  failed: (state) => state === "failed" || state === "dead",
};

export class Columns {
  /** `onSelect` is called with the task that is selected, or null. */
  constructor(store, onSelect) {
    this.store = store;
    this.onSelect = onSelect;
    this.columns = NAMES.map((name) => new Column(name, () => this.render(true)));
    this.filter = { text: "", outcome: "all", agent: "", steps: true, only: false };
    this.selected = null;
    this.hovered = null;
    this.isPaused = false;
    this.root = $("columns");
    this._listen();
    setInterval(() => tick(this.root), 1000);
  }

  get linked() {
    return this.hovered ?? this.selected;
  }

  setFilter(changes) {
    Object.assign(this.filter, changes);
    this.render(true);
  }

  /** Show what has changed since the last time; `all` shows everything anew. */
  render(all = false) {
    if (this.isPaused && !all) return;
    const { changed } = this.store;
    if (all || changed.has("tasks")) this._renderTasks();
    if (all || changed.has("lines") || changed.has("tasks")) this._renderLines();
    this.store.settle();
    this._link();
    tick(this.root);
  }

  _renderTasks() {
    // newest first, also of those with the same time
    const matching = [...this.store.tasks.values()].filter((task) => this._matches(task)).reverse();
    for (const column of this.columns.slice(0, 4)) {
      const at = (task) => task.columnAt[column.name];
      const found = matching.filter(at).sort((a, b) => at(b) - at(a));
      const wanted = found.map((task) => [task.id, SIGNATURES[column.name](task), (node) => this._card(column.name, task, node)]);
      column.show(wanted, found.length);
    }
  }

  _card(name, task, node) {
    const { state } = standing(task);
    const card = node ?? h("li", { class: "card", data: { task: task.id }, tabindex: "-1", vars: { hue: task.hue } });
    const isStacked = name !== "tasks" && name !== "reviews" && task.attempts.size > 1;
    card.className = `card is-${state}${isStacked ? " is-stacked" : ""}`;
    card.setAttribute("aria-label", `${shortId(task.id)} ${headAndRest(task.text)[0].slice(0, 80)}`);
    card.replaceChildren(...CARDS[name](task).flat().filter(Boolean));
    return card;
  }

  _renderLines() {
    const column = this.columns[4];
    const found = this.store.lines.filter((line) => this._matchesLine(line)).reverse();
    column.show(found.map((line) => [line.id, "", () => logLine(line)]), found.length);
  }

  _matches(task) {
    const { text, outcome, only } = this.filter;
    if (only && this.selected && task.id !== this.selected) return false;
    if (!OUTCOMES[outcome](standing(task).state)) return false;
    return !text || textOf(task).includes(text.toLowerCase());
  }

  _matchesLine(line) {
    const { text, outcome, agent, steps, only } = this.filter;
    if ((agent && line.agent !== agent) || (line.isStep && !steps)) return false;
    if (only && this.selected) return line.taskId === this.selected;
    const task = this.store.tasks.get(line.taskId);
    if (outcome !== "all" && task && !OUTCOMES[outcome](standing(task).state)) return false;
    return !text || `${line.agent} ${line.name ?? ""} ${line.state ?? ""} ${line.message} ${line.taskId}`.toLowerCase().includes(text.toLowerCase());
  }

  // -- linking

  /** Select a task and bring its cards into view; null selects none. */
  select(id, { reveal = true } = {}) {
    this.selected = id === this.selected && !reveal ? null : id;
    if (!this.selected && this.filter.only) this.filter.only = false;
    this.render(true);
    if (this.selected && reveal) this._reveal(this.selected);
    this.onSelect(this.selected && this.store.tasks.get(this.selected));
  }

  _reveal(id) {
    for (const column of this.columns.slice(0, 4)) {
      const node = column.nodes.get(id)?.node;
      if (!node) continue;
      const to = node.offsetTop - column.list.offsetTop - 8;
      column.list.scrollTo({ top: to, behavior: reducedMotion() ? "auto" : "smooth" });
    }
  }

  _link() {
    const id = this.linked;
    this.root.classList.toggle("has-selected", Boolean(this.selected) && id === this.selected);
    mark(this.root, "is-linked", id ? `[data-task="${CSS.escape(id)}"]` : "");
    mark(this.root, "is-selected", this.selected ? `.card[data-task="${CSS.escape(this.selected)}"]` : "");
    this._tabStops();
    this.root.dispatchEvent(new CustomEvent("linked"));
  }

  /** Return the nodes of the linked task's cards, in the order of its way. */
  path() {
    const id = this.linked;
    return id ? this.columns.slice(0, 4).map((column) => [column, column.nodes.get(id)?.node]).filter(([, node]) => node) : [];
  }

  // one tab stop to a column; what is inside a card can be reached once the card is the current one
  _tabStops() {
    for (const { list } of this.columns.slice(0, 4)) {
      const current = list.contains(document.activeElement) ? document.activeElement.closest(".card") : (list.querySelector(".card.is-selected") ?? list.querySelector(".card"));
      for (const card of list.querySelectorAll(".card")) {
        const stop = card === current ? 0 : -1;
        for (const element of [card, ...card.querySelectorAll("a, button, summary")]) {
          if (element.tabIndex !== stop || !element.hasAttribute("tabindex")) element.tabIndex = stop;
        }
      }
    }
  }

  _listen() {
    const taskOf = (event) => event.target.closest?.("[data-task]")?.dataset.task ?? null;
    const hover = (id) => {
      if (id === this.hovered) return;
      this.hovered = id;
      this._link();
    };
    this.root.addEventListener("pointerover", (event) => event.pointerType === "mouse" && hover(taskOf(event)));
    this.root.addEventListener("pointerleave", () => hover(null));
    this.root.addEventListener("focusin", () => this._tabStops());
    this.root.addEventListener("click", (event) => {
      if (event.target.closest("button, summary, a") || String(getSelection())) return;
      const id = taskOf(event);
      if (id && this.store.tasks.has(id)) this.select(id, { reveal: id !== this.selected });
    });
  }

  /** Move the focus to a neighbouring card: dx columns, dy cards. */
  move(dx, dy) {
    const card = document.activeElement?.closest?.(".card");
    const lists = this.columns.slice(0, 4).map(({ list }) => list);
    const from = Math.max(0, lists.findIndex((list) => list.contains(card)));
    if (!card) return this._focus(lists[0].querySelector(".card"));
    if (dy) return this._focus(dy > 0 ? card.nextElementSibling : card.previousElementSibling);
    const list = lists[from + dx];
    return this._focus(list?.querySelector(`[data-task="${CSS.escape(card.dataset.task)}"]`) ?? list?.querySelector(".card"));
  }

  _focus(card) {
    card?.focus();
    card?.scrollIntoView({ block: "nearest" });
  }

  summary(task) {
    const { word } = standing(task);
    return `${shortId(task.id)} ${headAndRest(task.text)[0]} · ${word}${task.attempts.size > 1 ? ` · ${plural(task.attempts.size, "try", "tries")}` : ""}`;
  }
}

/** Give a class to just the elements that match a selector. */
function mark(root, name, selector) {
  for (const element of root.querySelectorAll(`.${name}`)) if (!selector || !element.matches(selector)) element.classList.remove(name);
  if (selector) for (const element of root.querySelectorAll(selector)) element.classList.add(name);
}

function textOf(task) {
  const parts = [task.id, task.text, task.source, task.review?.text, task.dead?.error];
  for (const { solution, verdict } of task.attempts.values()) parts.push(solution?.code, verdict?.output, verdict?.error, verdict?.word);
  return parts.filter(Boolean).join("\n").toLowerCase();
}
