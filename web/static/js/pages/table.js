// Lists: keyed rows that change in place, and pages of them, so that none grows without end.

import { $, setText } from "../dom.js";

/** Keeps the children of an element: built once for each key, anew when its signature changes. */
export class Rows {
  constructor(element, build) {
    this.element = element;
    this.build = build;
    this.known = new Map();
  }

  /** Show items, each with `key` and `signature`. */
  show(items) {
    const kept = new Set(items.map((item) => item.key));
    for (const [key, { node }] of this.known) {
      if (kept.has(key)) continue;
      node.remove();
      this.known.delete(key);
    }
    let next = this.element.firstElementChild;
    for (const item of items) {
      const before = this.known.get(item.key)?.node;
      const node = this._node(item);
      // it may have been replaced where it stood
      if (before && before === next) next = node;
      if (node === next) next = next.nextElementSibling;
      else this.element.insertBefore(node, next);
    }
  }

  _node(item) {
    const found = this.known.get(item.key);
    if (found?.signature === item.signature) return found.node;
    const node = this.build(item);
    if (found) {
      // what was unfolded stays so
      const isOpen = found.node.querySelector(":scope details")?.open;
      const details = node.querySelector("details");
      if (isOpen && details) details.open = true;
      const focused = found.node.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
      found.node.replaceWith(node);
      if (focused) node.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    }
    this.known.set(item.key, { node, signature: item.signature });
    return node;
  }
}

/** Walks through a list that the mesh answers in pages, with the buttons of the template's pager. */
export class Pager {
  /** `onMove` is called when another page is wanted. */
  constructor(name, onMove) {
    this.cursor = "";
    this.next = null;
    this.page = 1;
    this.parts = { box: $(`${name}-pager`), newest: $(`${name}-newest`), older: $(`${name}-older`), note: $(`${name}-note`) };
    this.parts.newest.addEventListener("click", () => this.toNewest(onMove));
    this.parts.older.addEventListener("click", () => {
      this.cursor = this.next;
      this.page += 1;
      onMove();
    });
  }

  /** Begin anew, as after another filter was chosen. */
  toNewest(onMove = () => {}) {
    this.cursor = "";
    this.page = 1;
    onMove();
  }

  /** Take note of the page that is shown. */
  took(next) {
    this.next = next;
    this.parts.box.hidden = !next && this.page === 1;
    this.parts.newest.hidden = this.page === 1;
    this.parts.older.disabled = !next;
    setText(this.parts.note, this.page === 1 ? "the newest" : `page ${this.page}`);
  }
}

/** Call a function with the chosen value whenever one of a fieldset's choices is chosen. */
export function watchChoices(name, onChoice) {
  for (const choice of document.querySelectorAll(`input[name="${name}"]`)) choice.addEventListener("change", () => onChoice(choice.value));
}
