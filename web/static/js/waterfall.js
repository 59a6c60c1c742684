// Spans of time below each other: who did what when, and what was waited for.

import { fill, h, icon } from "./dom.js";
import { seconds } from "./format.js";

const STEPS = [1, 2, 5];

/** Return round moments for an axis, in milliseconds after its beginning: at most about six. */
export function ticksOf(span) {
  if (!(span > 0)) return [0];
  let step = 10 ** Math.floor(Math.log10(span / 6));
  const wanted = span / 6;
  step *= STEPS.find((one) => one * step >= wanted) ?? 10;
  const ticks = [];
  for (let at = 0; at <= span * 1.0001; at += step) ticks.push(at);
  return ticks;
}

export function after(ms) {
  if (ms === 0) return "0";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const text = ms < 10000 ? (ms / 1000).toFixed(1) : String(Math.round(ms / 1000));
  return ms < 90000 ? `${text} s` : seconds(ms / 1000);
}

/**
 * Draw rows into an element. Each row has `label`, `icon`, `note` (in words what its parts say), `depth`, `href` or
 * none, `state`, and `segments`: [kind, from, to]. Times are in milliseconds.
 */
export function drawWaterfall(element, { from, to, rows }) {
  const span = Math.max(1, to - from);
  const place = (at) => `${Math.min(100, Math.max(0, ((at - from) / span) * 100)).toFixed(3)}%`;
  const width = (a, b) => `${Math.max(0, ((Math.min(b, to) - Math.max(a, from)) / span) * 100).toFixed(3)}%`;
  const ticks = ticksOf(span);
  const axis = h(
    "div",
    { class: "wf-axis", "aria-hidden": "true" },
    ticks.map((at) => h("span", { vars: { at: place(from + at) }, class: at / span > 0.93 ? "is-last" : "", text: after(at) })),
  );
  const drawn = rows.map((row) =>
    h(
      "li",
      { class: `wf-row is-${row.state ?? "done"}`, vars: { depth: row.depth ?? 0 }, title: row.note },
      h("div", { class: "wf-label" }, icon(row.icon), row.href ? h("a", { href: row.href, text: row.label }) : h("span", { text: row.label }), h("span", { class: "wf-took", text: after(row.took) })),
      h(
        "div",
        { class: "wf-track", "aria-hidden": "true" },
        ticks.map((at) => h("i", { class: "wf-grid", vars: { at: place(from + at) } })),
        row.segments.map(([kind, a, b]) => h("b", { class: `wf-bar is-${kind}`, vars: { at: place(a), size: width(a, b) } })),
      ),
      h("p", { class: "wf-note", vars: { at: row.segments.length ? place(row.segments[0][1]) : "0%" }, text: row.note }),
    ),
  );
  fill(element, axis, h("ol", { class: "wf-rows", role: "list" }, drawn));
}
