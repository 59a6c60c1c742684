// Agents and what they use as boxes, from left to right as work is handed over.

import { after } from "./waterfall.js";
import { plural } from "./format.js";
import { shown } from "./text.js";
import { svg } from "./dom.js";

const WIDTH = 172;
const HEIGHT = 46;
const GAP_X = 74;
const GAP_Y = 22;
// room for the ways of work that comes back
const TOP = 32;
const MOST_NODES = 60;
const WORDS = { agent: "agent", model: "model", tool: "tool", memory: "memory" };

/** Return how far each node stands from where work comes from, by the longest way there. */
function layersOf(nodes, edges) {
  const depth = new Map(nodes.map((node) => [node.id, 0]));
  const onward = [];
  for (const edge of edges) {
    // work that comes back, as a fix that is asked for, must not push its giver ever farther
    if (depth.has(edge.source) && depth.has(edge.target) && !leads(onward, edge.target, edge.source)) onward.push(edge);
  }
  for (let round = 0; round < nodes.length; round++) {
    const late = onward.filter(({ source, target }) => depth.get(target) <= depth.get(source));
    if (!late.length) break;
    for (const { source, target } of late) depth.set(target, Math.max(depth.get(target), depth.get(source) + 1));
  }
  return depth;
}

function leads(edges, from, to) {
  const seen = new Set();
  const open = [from];
  while (open.length) {
    const at = open.pop();
    if (at === to) return true;
    if (seen.has(at)) continue;
    seen.add(at);
    for (const edge of edges) if (edge.source === at) open.push(edge.target);
  }
  return false;
}

function placed(nodes, edges) {
  const depth = layersOf(nodes, edges);
  const columns = [];
  for (const node of nodes) (columns[depth.get(node.id)] ??= []).push(node);
  const filled = columns.filter(Boolean);
  const places = new Map();
  filled.forEach((column, x) => column.forEach((node, y) => places.set(node.id, { x: x * (WIDTH + GAP_X) + 4, y: y * (HEIGHT + GAP_Y) + TOP })));
  const rows = Math.max(1, ...filled.map((column) => column.length));
  return { places, width: filled.length * (WIDTH + GAP_X) - GAP_X + 8, height: rows * (HEIGHT + GAP_Y) - GAP_Y + TOP + 6 };
}

function cut(text) {
  const whole = shown(String(text), 60);
  return whole.length > 21 ? `${whole.slice(0, 20)}…` : whole;
}

function box(node, { x, y }) {
  const took = Number(node.total_duration_ms) || 0;
  return svg(
    "g",
    { class: `is-${WORDS[node.type] ?? "tool"}` },
    svg("rect", { x, y, width: WIDTH, height: HEIGHT, rx: 7 }),
    svg("text", { x: x + 11, y: y + 19 }, cut(node.name)),
    svg("text", { x: x + 11, y: y + 36, class: "graph-note" }, [WORDS[node.type] ?? cut(node.type), ...(node.span_count ? [`${node.span_count}×`, after(Math.round(took))] : [])].join(" · ")),
  );
}

function line(edge, from, to) {
  const isBack = to.x <= from.x;
  const [x1, y1] = [isBack ? from.x + WIDTH / 2 : from.x + WIDTH, isBack ? from.y : from.y + HEIGHT / 2];
  const [x2, y2] = [isBack ? to.x + WIDTH / 2 : to.x - 7, isBack ? to.y - 2 : to.y + HEIGHT / 2];
  const bend = (x2 - x1) / 2;
  const d = isBack ? `M${x1},${y1}C${x1},${y1 - 26} ${x2},${y2 - 26} ${x2},${y2}` : `M${x1},${y1}C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`;
  const isHandoff = edge.type === "handoff";
  return svg("path", { d, class: isHandoff ? "is-handoff" : "is-uses", ...(isHandoff ? { "marker-end": "url(#arrow)" } : {}) });
}

/** Return a picture of a graph, as `/api/v1/traces/{id}/graph` answers it; null where there is nothing. */
export function graphPicture({ nodes = [], edges = [] }) {
  const all = nodes.slice(0, MOST_NODES);
  if (!all.length) return null;
  const { places, width, height } = placed(all, edges);
  const known = edges.filter((edge) => places.has(edge.source) && places.has(edge.target) && edge.source !== edge.target);
  const arrow = svg("defs", {}, svg("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 1, refY: 4, markerWidth: 6, markerHeight: 6, orient: "auto" }, svg("path", { d: "M0,0L8,4L0,8z" })));
  const drawn = svg("svg", { class: "graph", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${plural(all.length, "box", "boxes")}: ${all.map((node) => shown(String(node.name), 60)).join(", ")}` }, arrow, ...known.map((edge) => line(edge, places.get(edge.source), places.get(edge.target))), ...all.map((node) => box(node, places.get(node.id))));
  drawn.style.setProperty("min-width", `${Math.min(width, 900)}px`);
  drawn.style.setProperty("max-width", `${Math.round(width * 1.15)}px`);
  return drawn;
}
