// Foreign text: made visible where it could act on a screen, and cut to what a card can show.

const MOST_CHARS = 20000;
const MOST_LINE = 800;

// control characters but newline and tab, marks that change the reading direction,
// line separators, the byte order mark, and lone surrogates
const HARMFUL =
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

function escaped(character) {
  const code = character.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
}

/** Make a text harmless to show: what could act on a screen becomes its \x.. escape. */
export function printable(text) {
  return text.replace(/\r\n/g, "\n").replace(HARMFUL, escaped);
}

const grouped = new Intl.NumberFormat("en");

/** Return a text as it is shown: printable, long lines and long texts cut, with what is left out said. */
export function shown(text, most = MOST_CHARS) {
  if (typeof text !== "string" || !text) return "";
  const lines = [];
  let room = most;
  let from = 0;
  while (from <= text.length && room > 0) {
    const found = text.indexOf("\n", from);
    const to = found < 0 ? text.length : found;
    // the slice is bounded before anything looks at each of its characters
    const line = printable(text.slice(from, Math.min(to, from + MOST_LINE)));
    const left = to - from - MOST_LINE;
    lines.push(left > 0 ? `${line} … ${grouped.format(left)} more characters` : line);
    room -= line.length + 1;
    from = to + 1;
  }
  const rest = text.length - from;
  if (rest > 0) lines.push(`… ${grouped.format(rest)} more characters`);
  return lines.join("\n");
}

const LONG_HEAD = 90;

/** Return a text's beginning, fit for a heading (its first line, or sentence, or words), and the rest. */
export function headAndRest(text) {
  const trimmed = text.trim();
  const found = trimmed.indexOf("\n");
  const line = found < 0 ? trimmed.length : found;
  const end = line <= LONG_HEAD ? line : headEnd(trimmed.slice(0, line));
  return [trimmed.slice(0, end).trim(), trimmed.slice(end).trim()];
}

function headEnd(line) {
  const sentence = /[.!?:](?=\s)/.exec(line);
  if (sentence && sentence.index < LONG_HEAD * 1.4) return sentence.index + 1;
  const word = line.lastIndexOf(" ", LONG_HEAD);
  return word > 20 ? word : Math.min(line.length, LONG_HEAD);
}

/** Return the few last characters of an id by which people can tell tasks apart. */
export function shortId(id) {
  return `#${shown(String(id)).slice(-5)}`;
}

/** Return a hue (degrees) for an id: always the same one. */
export function hueOf(id) {
  let hash = 2166136261;
  for (let index = 0; index < id.length; index++) hash = Math.imul(hash ^ id.charCodeAt(index), 16777619);
  return ((hash >>> 0) % 24) * 15;
}
