// The lag of the last minutes, drawn as steps: what was measured stays until the next sample.

import { clock, plural } from "./format.js";
import { fill, svg } from "./dom.js";

const MINUTES = 15;
const SPAN_MS = MINUTES * 60000;

/** Return points reduced to the highest of each slot, so that no peak gets lost. */
export function peaks(history, from, to, slots) {
  const found = [];
  let before = null;
  for (const [at, lag] of history) {
    if (typeof lag !== "number") continue;
    if (at < from) {
      before = lag;
      continue;
    }
    const slot = Math.min(slots - 1, Math.floor(((at - from) / (to - from)) * slots));
    if (found.at(-1)?.slot === slot) {
      found.at(-1).high = Math.max(found.at(-1).high, lag);
      found.at(-1).last = lag;
    } else found.push({ slot, high: lag, last: lag });
  }
  if (before !== null && found[0]?.slot !== 0) found.unshift({ slot: 0, high: before, last: before });
  return found;
}

function stepsOf(points, x, y, end) {
  let path = "";
  points.forEach((point, index) => {
    const left = x(point.slot);
    path += index ? `V${y(point.high)}` : `M${left},${y(point.high)}`;
    if (point.last !== point.high) path += `H${x(point.slot + 1)}V${y(point.last)}`;
    path += `H${index + 1 < points.length ? x(points[index + 1].slot) : end}`;
  });
  return path;
}

/** Draws into an SVG element; `small` leaves out axes and threshold. */
export class Chart {
  constructor(element, { small = false } = {}) {
    this.element = element;
    this.small = small;
    this.readout = null;
    this.drawn = null;
    // noted here: to measure it at each drawing lays out the whole page each time
    this.size = { width: 0, height: 0 };
    new ResizeObserver(([entry]) => this._resized(entry)).observe(element);
    if (!small) {
      element.addEventListener("pointermove", (event) => this._point(event));
      element.addEventListener("pointerleave", () => this._unpoint());
    }
  }

  _resized({ borderBoxSize: [box] }) {
    this.size = { width: box.inlineSize, height: box.blockSize };
    if (this.drawn) this.draw(...this.drawn);
  }

  /** Draw a history of [milliseconds, lag] against a threshold (null: none). */
  draw(history, threshold) {
    this.drawn = [history, threshold];
    const { width, height } = this.size;
    if (width < 2 || height < 2) return;
    const now = Date.now();
    const slots = Math.max(10, Math.floor(width / (this.small ? 2 : 3)));
    const points = peaks(history, now - SPAN_MS, now, slots);
    const top = Math.max(threshold ? threshold * 1.6 : 1, ...points.map((point) => point.high * 1.1), 1);
    const pad = this.small ? 1 : 4;
    const foot = this.small ? 1 : 14;
    const x = (slot) => Math.round((slot / slots) * width * 10) / 10;
    const y = (lag) => Math.round((height - foot - (lag / top) * (height - foot - pad)) * 10) / 10;
    this.element.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.shown = { history, width, from: now - SPAN_MS, y, height: height - foot };
    const peak = points.reduce((best, point) => (point.high > (best?.high ?? 0) ? point : best), null);
    fill(this.element, ...(this.small ? [] : this._frame(width, height - foot, y, threshold)), ...this._curve(points, x, y, width), ...(this.small ? [] : this._peak(peak, x, y)));
    this._label(points, threshold);
  }

  _curve(points, x, y, width) {
    if (!points.length) return [];
    const steps = stepsOf(points, x, y, width);
    const area = `${steps}V${y(0)}H${x(points[0].slot)}Z`;
    return [svg("path", { class: "chart-area", d: area }), svg("path", { class: "chart-line", d: steps })];
  }

  _frame(width, floor, y, threshold) {
    const frame = [svg("line", { class: "chart-floor", x1: 0, x2: width, y1: floor, y2: floor })];
    for (const minutes of [15, 10, 5, 0]) {
      const at = width * (1 - minutes / MINUTES);
      const anchor = minutes === 15 ? "start" : minutes === 0 ? "end" : "middle";
      frame.push(svg("text", { class: "chart-tick", x: at, y: floor + 11, "text-anchor": anchor }, minutes ? `${minutes} min ago` : "now"));
    }
    if (threshold) {
      const at = y(threshold);
      frame.push(svg("rect", { class: "chart-over", x: 0, y: 0, width, height: Math.max(0, at) }));
      frame.push(svg("line", { class: "chart-threshold", x1: 0, x2: width, y1: at, y2: at }));
      frame.push(svg("text", { class: "chart-limit", x: 3, y: at - 4 }, `threshold ${threshold}`));
    }
    return frame;
  }

  _peak(peak, x, y) {
    if (!peak || peak.high < 2) return [];
    const at = x(peak.slot);
    const isLeft = at < 40;
    return [svg("text", { class: "chart-peak", x: at + (isLeft ? 8 : -5), y: Math.max(9, y(peak.high) + 8), "text-anchor": isLeft ? "start" : "end" }, String(peak.high))];
  }

  _label(points, threshold) {
    const highest = Math.max(0, ...points.map((point) => point.high));
    const limit = threshold ? `, threshold ${threshold}` : "";
    this.element.setAttribute("aria-label", `Lag of the last ${MINUTES} minutes: now ${points.at(-1)?.last ?? "unknown"}, highest ${highest}${limit}`);
  }

  _point(event) {
    const { history, width, from, y, height } = this.shown ?? {};
    if (!history?.length) return;
    const x = event.clientX - this.element.getBoundingClientRect().left;
    const at = from + (x / width) * SPAN_MS;
    const point = history.findLast(([time]) => time <= at);
    if (!point) return;
    this._unpoint();
    const anchor = x > width / 2 ? "end" : "start";
    this.readout = svg(
      "g",
      {},
      svg("line", { class: "chart-hair", x1: x, x2: x, y1: 0, y2: height }),
      svg("circle", { class: "chart-dot", cx: x, cy: y(point[1]), r: 3 }),
      svg("text", { class: "chart-readout", x: x + (anchor === "end" ? -6 : 6), y: 11, "text-anchor": anchor }, `${plural(point[1], "task")} at ${clock(point[0])}`),
    );
    this.element.append(this.readout);
  }

  _unpoint() {
    this.readout?.remove();
    this.readout = null;
  }
}
