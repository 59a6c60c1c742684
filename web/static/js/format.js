// Numbers and times in the words that people use.

const clocks = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dates = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const plain = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** Milliseconds since 1970 of an RFC 3339 time, NaN where it is none. */
export function millis(at) {
  return typeof at === "string" ? Date.parse(at) : NaN;
}

export function clock(at) {
  const time = typeof at === "number" ? at : millis(at);
  return Number.isFinite(time) ? clocks.format(time) : "--:--:--";
}

export function date(at) {
  const time = typeof at === "number" ? at : millis(at);
  return Number.isFinite(time) ? dates.format(time) : "";
}

export function count(number) {
  if (typeof number !== "number" || !Number.isFinite(number)) return "–";
  return Math.abs(number) < 10000 ? plain.format(number) : compact.format(number);
}

/** Seconds as 0.08 s, 3.4 s, 42 s, 3 min, 2 h. */
export function seconds(value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  if (value < 0.995) return `${value.toFixed(2)} s`;
  if (value < 9.95) return `${value.toFixed(1)} s`;
  if (value < 99.5) return `${Math.round(value)} s`;
  if (value < 5400) return `${Math.round(value / 60)} min`;
  if (value < 48 * 3600) return `${Math.round(value / 3600)} h`;
  return `${Math.round(value / 86400)} days`;
}

export function bytes(value) {
  if (typeof value !== "number" || !(value > 0)) return "";
  return value < 1 << 20 ? `${Math.ceil(value / 1024)} KB` : `${Math.round(value / (1 << 20))} MB`;
}

export function percent(part, whole) {
  return whole > 0 ? `${Math.round((100 * part) / whole)} %` : "–";
}

export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

export function median(values) {
  const sorted = values.filter((value) => typeof value === "number" && value > 0).sort((a, b) => a - b);
  return sorted.length ? sorted[sorted.length >> 1] : NaN;
}
