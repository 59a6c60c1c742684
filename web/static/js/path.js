// The way of one task, drawn from card to card.

import { $, fill, svg } from "./dom.js";

/** Draws the linked task's way over the columns. */
export class Path {
  constructor(columns) {
    this.columns = columns;
    this.element = $("path");
    const soon = () => {
      cancelAnimationFrame(this.frame);
      this.frame = requestAnimationFrame(() => this.draw());
    };
    columns.root.addEventListener("linked", soon);
    columns.root.addEventListener("scroll", soon, { capture: true, passive: true });
    new ResizeObserver(soon).observe(columns.root);
  }

  draw() {
    const linked = this.columns.path();
    if (!linked.length) return this.element.replaceChildren();
    const base = this.element.getBoundingClientRect();
    const stops = base.width ? linked.map(([column, node]) => stopOf(column.list, node, base)) : [];
    const parts = [];
    for (let index = 1; index < stops.length; index++) {
      const [from, to] = [stops[index - 1], stops[index]];
      const bend = (to.left - from.right) / 2 + 8;
      parts.push(svg("path", { d: `M${from.right},${from.y}C${from.right + bend},${from.y} ${to.left - bend},${to.y} ${to.left},${to.y}` }));
      parts.push(dot(from.right, from), dot(to.left, to));
    }
    fill(this.element, ...parts);
  }
}

/** Where lines begin and end at a card; a card out of view stands at the edge of its column. */
function stopOf(list, node, base) {
  const view = list.getBoundingClientRect();
  const card = node.getBoundingClientRect();
  const wanted = card.top + 16;
  const y = Math.min(Math.max(wanted, view.top + 5), view.bottom - 5);
  return { left: card.left - base.left, right: card.right - base.left, y: y - base.top, isAway: y !== wanted };
}

function dot(x, stop) {
  return svg("circle", { class: stop.isAway ? "is-away" : "", cx: x, cy: stop.y, r: 3.5 });
}
