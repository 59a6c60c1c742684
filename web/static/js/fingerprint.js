// What makes two errors the same: their kind and wording, without numbers, names and places.

const CHANGING = [
  [/\b0x[0-9a-f]+\b/gi, "0x…"],
  [/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/gi, "‹id›"],
  [/\b[0-9a-f]{12,}\b/gi, "‹id›"],
  [/(["'`])(?:(?!\1).){1,200}\1/g, "‹text›"],
  [/(?:\/[\w.-]+){2,}/g, "‹path›"],
  [/-?\d+(?:[.,]\d+)*/g, "#"],
];
const MOST_TEXT = 300;

/** Return a message with what changes from one to the next taken out. */
export function pattern(text) {
  const line = String(text ?? "").trim().split("\n").findLast((one) => one.trim()) ?? "";
  return CHANGING.reduce((found, [wanted, mark]) => found.replace(wanted, mark), line.trim().slice(0, 1000)).slice(0, MOST_TEXT);
}

/** Group things by their fingerprint; the most frequent first, then the newest. */
export function grouped(things, keysOf, timeOf) {
  const groups = new Map();
  for (const thing of things) {
    const keys = keysOf(thing);
    const fingerprint = keys.join("\u0000");
    const at = timeOf(thing);
    const group = groups.get(fingerprint) ?? { fingerprint, keys, count: 0, first: at, last: at, newest: thing, things: [] };
    group.count += 1;
    group.first = Math.min(group.first, at);
    if (at >= group.last) Object.assign(group, { last: at, newest: thing });
    if (group.things.length < 5) group.things.push(thing);
    groups.set(fingerprint, group);
  }
  return [...groups.values()].sort((a, b) => b.count - a.count || b.last - a.last);
}
