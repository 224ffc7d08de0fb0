// Keeping a page's picture current: the server says that something happened, and the page reads what there is now.
// A picture that is read as a whole cannot miss anything, whatever was away meanwhile, and however long.

const EVENTS = [
  "ready", "reset", "placed", "started", "completed", "failed", "canceled", "recalled", "released", "acknowledged",
  "served", "unserved",
  "menu_changed", "bar_changed",
];

/** In seconds: how often a picture is read though no event asks for it, with a stream and without; and with many. */
const PACE = {
  bar: { streaming: 5, polling: 1, stale: 8, atMostEvery: 0.2 },
  manager: { streaming: 10, polling: 5, stale: 20, atMostEvery: 5 },
  guest: { streaming: 15, polling: 5, stale: 20, atMostEvery: 0.2 },
};

/** Calls `refresh` whenever there may be something new, and `show({stale, heardAt})` with how current the picture is. */
export class Live {
  #pace;
  #refresh;
  #show;
  #running = false;
  #source = null;
  #streaming = false;
  #reading = null;
  #again = false;
  #failed = false;
  #heardAt = Date.now();
  #timer = 0;

  constructor(pace, refresh, show) {
    this.#pace = PACE[pace];
    this.#refresh = refresh;
    this.#show = show;
    setInterval(() => this.#tell(), 1000);
    addEventListener("online", () => this.#poll());
    addEventListener("offline", () => { this.#failed = true; this.#tell(); });
    document.addEventListener("visibilitychange", () => this.#poll());
  }

  /** Begin to follow as whoever is signed in now, or begin anew. For nobody there is no stream. */
  start({ stream = true } = {}) {
    this.stop();
    this.#running = true;
    if (stream) this.#connect();
    return this.news();
  }

  stop() {
    this.#running = false;
    this.#source?.close();
    this.#source = null;
    this.#streaming = false;
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
        if (this.#failed && this.#source) this.#connect(); // the old one may be cut without a sign of it on this side
        this.#failed = false;
      } catch {
        this.#failed = true;
      }
      this.#tell();
      if (this.#again) await new Promise((resolve) => setTimeout(resolve, this.#pace.atMostEvery * 1000));
    } while (this.#again);
  }

  #schedule() {
    clearTimeout(this.#timer);
    if (!this.#running) return;
    const pause = this.#streaming && !this.#failed ? this.#pace.streaming : this.#pace.polling;
    this.#timer = setTimeout(() => this.#poll(), pause * 1000);
  }

  #poll() {
    if (!this.#running) return;
    // A browser gives a stream up for good when it is refused; by itself it only comes back to a lost connection.
    if (this.#source?.readyState === EventSource.CLOSED) this.#connect();
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
    if (!this.#running) return;
    const stale = this.#failed || Date.now() - this.#heardAt > this.#pace.stale * 1000;
    this.#show({ stale, heardAt: this.#heardAt });
  }
}
