// Keeping a page's picture current: the server says that something happened, and the page reads what there is now.
// A picture that is read as a whole cannot miss anything, whatever was away meanwhile, and however long.

const AT_MOST_EVERY_SECONDS = 0.2;
const POLL_SECONDS = 5; // with a stream: for what no event tells, and to notice that the stream is dead
const POLL_WITHOUT_STREAM_SECONDS = 1;
const STALE_SECONDS = 8;
const EVENTS = [
  "ready", "reset", "placed", "started", "completed", "failed", "canceled", "recalled", "released", "acknowledged",
  "menu_changed", "bar_changed",
];

/** Calls `refresh` whenever there may be something new, and `show({stale, heardAt})` with how current the picture is. */
export class Live {
  #refresh;
  #show;
  #source = null;
  #streaming = false;
  #reading = null;
  #again = false;
  #failed = false;
  #heardAt = Date.now();
  #timer = 0;

  constructor(refresh, show) {
    this.#refresh = refresh;
    this.#show = show;
    setInterval(() => this.#tell(), 1000);
    addEventListener("online", () => this.#poll());
    addEventListener("offline", () => { this.#failed = true; this.#tell(); });
    document.addEventListener("visibilitychange", () => this.#poll());
  }

  /** Begin to follow as whoever is signed in now, or begin anew. */
  start() {
    this.#connect();
    return this.news();
  }

  stop() {
    this.#source?.close();
    this.#source = null;
    clearTimeout(this.#timer);
  }

  /** Read now, or once the present reading is over: resolves when all that has happened until now is in the picture. */
  news() {
    if (this.#reading) {
      this.#again = true;
      return this.#reading;
    }
    this.#reading = this.#read().finally(() => { this.#reading = null; this.#schedule(); });
    return this.#reading;
  }

  async #read() {
    do {
      this.#again = false;
      const began = Date.now();
      try {
        await this.#refresh();
        this.#heardAt = began;
        this.#failed = false;
      } catch {
        this.#failed = true;
      }
      this.#tell();
      if (this.#again) await new Promise((resolve) => setTimeout(resolve, AT_MOST_EVERY_SECONDS * 1000));
    } while (this.#again);
  }

  #schedule() {
    clearTimeout(this.#timer);
    if (!this.#source) return;
    const pause = this.#streaming && !this.#failed ? POLL_SECONDS : POLL_WITHOUT_STREAM_SECONDS;
    this.#timer = setTimeout(() => this.#poll(), pause * 1000);
  }

  #poll() {
    if (!this.#source) return;
    // A browser gives a stream up for good when it is refused; by itself it only comes back to a lost connection.
    if (this.#source.readyState === EventSource.CLOSED) this.#connect();
    this.news();
  }

  #connect() {
    this.#source?.close();
    this.#streaming = false;
    const source = new EventSource("/events");
    this.#source = source;
    for (const name of EVENTS) {
      source.addEventListener(name, () => { this.#streaming = true; this.news(); });
    }
    source.addEventListener("error", () => { this.#streaming = false; this.news(); });
  }

  #tell() {
    if (!this.#source) return;
    const stale = this.#failed || Date.now() - this.#heardAt > STALE_SECONDS * 1000;
    this.#show({ stale, heardAt: this.#heardAt });
  }
}
