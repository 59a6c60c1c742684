// The live stream: goes on exactly where it was after any interruption, and rests in hidden tabs.

const PATH = "/api/v1/mesh/stream";
const KINDS = ["task", "solution", "verdict", "review", "line", "lag", "decision", "stage", "dead_letter", "gap"];
const RECENT = 200;
// a hidden tab gives its connection back: a browser has only six to a host
const HIDDEN_MS = 20000;
// after a longer absence the recent past is all that the page can show
const RESUME_MS = 120000;
const RETRY_LEAST_MS = 1000;
const RETRY_MOST_MS = 15000;

export class Stream {
  /** `onEvent` gets every event; `onState` gets "connecting", "open", "lost" or "resting"; `query` says which. */
  constructor(onEvent, onState, query = {}) {
    this.query = query;
    this.onEvent = onEvent;
    this.onState = onState;
    this.lastId = "";
    this.lastAt = 0;
    this.retryMs = RETRY_LEAST_MS;
    document.addEventListener("visibilitychange", () => this._visibility());
    addEventListener("pagehide", () => this._close());
    addEventListener("pageshow", (event) => event.persisted && this.open());
  }

  open() {
    this._close();
    if (this.lastAt && Date.now() - this.lastAt > RESUME_MS) this.lastId = "";
    const query = new URLSearchParams({ recent: RECENT, ...this.query });
    if (this.lastId) query.set("Last-Event-ID", this.lastId);
    this.source = new EventSource(`${PATH}?${query}`);
    this.source.onopen = () => {
      this.retryMs = RETRY_LEAST_MS;
      this.lastAt = Date.now();
      this.onState("open");
    };
    this.source.onerror = () => this._lost();
    for (const kind of KINDS) this.source.addEventListener(kind, (message) => this._take(kind, message));
    this.onState("connecting");
  }

  _take(kind, message) {
    this.lastAt = Date.now();
    if (message.lastEventId) this.lastId = message.lastEventId;
    let event;
    try {
      event = JSON.parse(message.data);
    } catch {
      return; // the server checks what it sends; a broken line must not stop the others
    }
    if (event && typeof event === "object") this.onEvent({ ...event, kind });
  }

  _lost() {
    this.onState("lost");
    // a browser tries again by itself, unless the answer was an error
    if (this.source?.readyState !== EventSource.CLOSED) return;
    this._close();
    this.timer = setTimeout(() => this.open(), this.retryMs);
    this.retryMs = Math.min(RETRY_MOST_MS, this.retryMs * 2);
  }

  _close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  _visibility() {
    clearTimeout(this.rest);
    if (!document.hidden) {
      if (!this.source) this.open();
      return;
    }
    this.rest = setTimeout(() => {
      this._close();
      this.onState("resting");
    }, HIDDEN_MS);
  }
}
