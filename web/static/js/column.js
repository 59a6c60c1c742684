// A column: a windowed list of cards or lines, the newest on top.

import { $, reducedMotion, setText } from "./dom.js";
import { count } from "./format.js";

// cards of a column that are in the page at first, and at most, once it is scrolled to its end
const SHOWN = 50;
const SHOWN_MOST = 200;

export class Column {
  constructor(name, onGrow) {
    this.name = name;
    this.onGrow = onGrow;
    this.list = $(`${name}-list`);
    this.total = $(`${name}-count`);
    this.empty = $(`${name}-empty`);
    this.newer = $(`${name}-newer`);
    this.nodes = new Map();
    this.unseen = 0;
    this.limit = SHOWN;
    this.atEnd = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && this._grow());
    this.newer.addEventListener("click", () => this.toTop());
    // noted here: to ask while the list is being changed lays out the whole page each time
    this.isScrolled = false;
    this.list.addEventListener("scroll", () => this._scrolled(), { passive: true });
  }

  toTop() {
    this.list.scrollTo({ top: 0, behavior: reducedMotion() ? "auto" : "smooth" });
    this._seen();
  }

  _scrolled() {
    this.isScrolled = this.list.scrollTop > 24;
    if (!this.isScrolled) this._seen();
  }

  _seen() {
    this.unseen = 0;
    this.newer.hidden = true;
    this.limit = SHOWN;
  }

  _grow() {
    if (this.nodes.size < this.limit || this.limit >= SHOWN_MOST) return;
    this.limit += SHOWN;
    this.onGrow();
  }

  /** Show these, as far as the window goes: an array of [key, signature, build], the first on top. */
  show(all, total) {
    const wanted = all.slice(0, this.limit);
    const kept = new Set(wanted.map(([key]) => key));
    for (const [key, entry] of this.nodes) {
      if (kept.has(key)) continue;
      entry.node.remove();
      this.nodes.delete(key);
    }
    let added = 0;
    let next = this.list.firstElementChild;
    for (const [key, signature, build] of wanted) {
      const entry = this._entry(key, signature, build);
      if (entry.isNew) added += next === this.list.firstElementChild ? 1 : 0;
      entry.isNew = false;
      if (entry.node === next) next = next.nextElementSibling;
      else this.list.insertBefore(entry.node, next);
    }
    if (this.isScrolled && added && this.nodes.size > added) this._more(added);
    this.atEnd.disconnect();
    if (wanted.length === this.limit) this.atEnd.observe(this.list.lastElementChild);
    setText(this.total, count(total));
    this.empty.hidden = wanted.length > 0;
  }

  _more(added) {
    this.unseen += added;
    setText(this.newer, `↑ ${count(this.unseen)} new`);
    this.newer.hidden = false;
  }

  _entry(key, signature, build) {
    const entry = this.nodes.get(key);
    if (!entry) {
      const made = { node: build(null), signature, isNew: true };
      this.nodes.set(key, made);
      return made;
    }
    if (entry.signature !== signature) {
      entry.signature = signature;
      keepingFocus(entry.node, () => build(entry.node));
    }
    return entry;
  }
}

function keepingFocus(node, change) {
  const focused = node.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  change();
  if (focused) node.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}
