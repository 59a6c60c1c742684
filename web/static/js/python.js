// Python in colours: a small scanner, and lines that keep their indentation when they wrap.

import { h } from "./dom.js";

const KEYWORDS = new Set(
  ("False None True and as assert async await break class continue def del elif else except finally for from global " +
    "if import in is lambda match case nonlocal not or pass raise return try while with yield").split(" "),
);
const BUILTINS = new Set(
  ("abs all any bin bool bytes callable chr dict divmod enumerate filter float format frozenset getattr hasattr hash hex " +
    "id input int isinstance issubclass iter len list map max min next object open ord pow print property range repr " +
    "reversed round set setattr slice sorted staticmethod classmethod str sum super tuple type zip self cls " +
    "ValueError TypeError KeyError IndexError Exception RuntimeError StopIteration NotImplementedError").split(" "),
);

// in this order; each piece is matched where the last one ended
const PIECES = [
  ["comment", /#[^\n]*/y],
  ["string", /[rbuftRBUFT]{0,2}(?:"""(?:[^\\"]|\\[^]|"(?!""))*(?:"""|$)|'''(?:[^\\']|\\[^]|'(?!''))*(?:'''|$))/y],
  ["string", /[rbuftRBUFT]{0,2}(?:"(?:[^\\"\n]|\\[^])*"?|'(?:[^\\'\n]|\\[^])*'?)/y],
  ["decorator", /@[\p{L}_][\p{L}\p{N}_.]*/uy],
  ["number", /(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|\d[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?\d+)?j?|\.\d+)/y],
  ["name", /[\p{L}_][\p{L}\p{N}_]*/uy],
  ["space", /[ \t\n]+/y],
  ["operator", /[^]/uy],
];

/** Return pieces of Python as [kind, text]; joined, the texts are the source. */
export function pieces(source) {
  const found = [];
  let at = 0;
  let previous = "";
  while (at < source.length) {
    for (const [kind, pattern] of PIECES) {
      pattern.lastIndex = at;
      const match = pattern.exec(source);
      if (!match) continue;
      found.push([kind === "name" ? nameKind(match[0], previous) : kind, match[0]]);
      if (kind !== "space") previous = match[0];
      at = pattern.lastIndex;
      break;
    }
  }
  return found;
}

function nameKind(name, previous) {
  if (KEYWORDS.has(name)) return "keyword";
  if (previous === "def" || previous === "class") return "defined";
  return BUILTINS.has(name) && previous !== "." ? "builtin" : "name";
}

const COLOURED = new Set(["comment", "string", "decorator", "number", "keyword", "defined", "builtin"]);

/** Return source as an element of numbered, coloured lines. */
export function codeBlock(source) {
  const lines = [[]];
  for (const [kind, text] of pieces(source)) {
    text.split("\n").forEach((part, index) => {
      if (index) lines.push([]);
      if (part) lines.at(-1).push(COLOURED.has(kind) ? h("span", { class: `py-${kind}`, text: part }) : part);
    });
  }
  const indents = source.split("\n").map((line) => line.length - line.trimStart().length);
  return h(
    "code",
    { class: "code", translate: "no" },
    lines.map((parts, index) => h("span", { class: "line", vars: { indent: Math.min(indents[index] ?? 0, 24) } }, ...parts, "\n")),
  );
}
