// What all pages but the mesh's share: theme, the state of the link, asking again and again.

import { $, setText } from "../dom.js";
import { clock, seconds } from "../format.js";
import { showBanners } from "../banners.js";
import { showPlace } from "../nav.js";
import { shown } from "../text.js";
import { watchTheme } from "../themes.js";

const STALE_MS = 10000;

const link = { state: "connecting", lastAt: Date.now(), problem: "", every: 0 };
let extra = [];

/** Take note of how the link to the mesh is doing: "open" with an answer, or "lost" and why. */
export function linked(state, problem = "") {
  if (state === "open") {
    link.lastAt = Date.now();
    setText($("as-of"), `as of ${clock(link.lastAt)}`);
  }
  link.state = state;
  link.problem = problem;
  document.body.dataset.link = state;
  tell();
}

/** Show further banners of the page itself: each [key, kind, icon, text]. */
export function notices(found) {
  extra = found;
  tell();
}

function tell() {
  const age = Date.now() - link.lastAt;
  const found = [];
  if (link.state === "lost") found.push(["lost", "bad", "plug", `${shown(sentence(link.problem), 300)} Reconnecting…`]);
  else if (link.state !== "resting" && age > Math.max(STALE_MS, link.every * 3)) {
    found.push(["stale", "warning", "clock", `No update for ${seconds(age / 1000)}. What you see may be out of date.`]);
  }
  showBanners([...found, ...extra]);
}

const sentence = (text) => (text ? `${text[0].toUpperCase()}${text.slice(1)}.` : "Connection lost.");

/** Asks for something again and again while the page is looked at. */
export class Poll {
  /** `load` returns a promise of what `show` takes; `every` is in milliseconds. */
  constructor(load, show, every) {
    Object.assign(this, { load, show, run: 0 });
    this.setEvery(every);
    document.addEventListener("visibilitychange", () => (document.hidden ? this._rest() : this.now()));
  }

  /** Ask in other intervals from the next time on. */
  setEvery(every) {
    this.every = every;
    link.every = every;
  }

  /** Ask at once, whatever is on its way. */
  async now() {
    clearTimeout(this.timer);
    const run = (this.run += 1);
    try {
      const answer = await this.load();
      if (run !== this.run) return;
      linked("open");
      this.show(answer);
    } catch (error) {
      if (run !== this.run) return;
      if (error.status === undefined) throw error;
      if (error.status !== 404 || !this.failed) linked("lost", error.message);
      this.failed?.(error);
    } finally {
      if (run === this.run && !document.hidden) this.timer = setTimeout(() => this.now(), this.every);
    }
  }

  _rest() {
    clearTimeout(this.timer);
    document.body.dataset.link = "resting";
    link.state = "resting";
  }
}

/** Copy a text; says in words whether that worked, in an element beside the button. */
export async function copy(text, note, what) {
  const done = await navigator.clipboard.writeText(text).then(() => true, () => false);
  const said = done ? `${what} copied.` : "The browser does not let the page copy.";
  setText(note, said);
  note.dataset.kind = done ? "good" : "bad";
  clearTimeout(note.timer);
  note.timer = setTimeout(() => setText(note, ""), 6000);
}

watchTheme();
showPlace();
setInterval(tell, 1000);
