// The round that is being put together. It outlives a reload, and is ordered once, however often it is tapped.

import { Away, insist } from "../http.js";
import { keepFor, kept } from "../kept.js";
import { ask } from "../session.js";

const KEPT_AS = "round";
const MAX_COUNT = 12;

/** Lines of `{recipe, quantity, note}`; the key stands for exactly these, until one of them changes. */
export class Round {
  #kept;
  #listener;
  #sending = null;

  constructor(listener) {
    this.#listener = listener;
    this.#kept = kept(KEPT_AS, isRound, empty());
    addEventListener("storage", ({ key }) => { if (key === KEPT_AS) this.#readAnew(); }); // another tab has changed it
  }

  get lines() {
    return this.#kept.lines;
  }

  get note() {
    return this.#kept.note;
  }

  get count() {
    return this.lines.reduce((sum, line) => sum + line.quantity, 0);
  }

  add(recipe) {
    const same = this.lines.find((line) => line.recipe === recipe && !line.note);
    if (same) this.change(same, { quantity: same.quantity + 1 });
    else this.#keep({ lines: [...this.lines, { id: crypto.getRandomValues(new Uint32Array(1))[0], recipe, quantity: 1, note: "" }] });
  }

  /** A line whose quantity becomes 0 is gone. */
  change(line, change) {
    const quantity = Math.min(change.quantity ?? line.quantity, MAX_COUNT);
    const changed = { ...line, ...change, quantity };
    this.#keep({ lines: this.lines.map((one) => (one.id === line.id ? changed : one)).filter((one) => one.quantity > 0) });
  }

  remark(note) {
    this.#keep({ note });
  }

  /**
   * Order it, and begin a new one. While an answer is missing the same round is the same order: it is sent again under
   * the same key, now or after a reload. A second tap meanwhile gets the first one's answer.
   */
  order() {
    this.#sending ??= this.#send().finally(() => { this.#sending = null; });
    return this.#sending;
  }

  async #send() {
    const { lines, note, key } = this.#kept;
    const items = lines.map((line) => ({ recipe: line.recipe, quantity: line.quantity, ...(line.note && { note: line.note }) }));
    const body = { items, ...(note && { note }) };
    const placed = await insist(() => ask("POST", "/orders", body, { "Idempotency-Key": key }));
    this.#save({ ...empty(), lines: without(lines, this.lines) });
    return placed;
  }

  #readAnew() {
    this.#kept = kept(KEPT_AS, isRound, empty());
    this.#listener();
  }

  #keep(change) {
    this.#save({ ...this.#kept, ...change, key: newKey() });
  }

  #save(round) {
    this.#kept = round;
    keepFor(KEPT_AS, round);
    this.#listener();
  }
}

/** Which of the lines a refusal is about, by their place, and what it says of them. */
export function troubles(error) {
  if (error instanceof Away) return new Map();
  const errors = (error.problem?.errors ?? []).map((one) => [one.field.match(/^items\.(\d+)/)?.[1], one.detail]);
  return new Map(errors.filter(([place]) => place !== undefined).map(([place, detail]) => [Number(place), detail]));
}

/** What was added while the others were being ordered. */
function without(ordered, lines) {
  const quantities = new Map(ordered.map((line) => [line.id, line.quantity]));
  return lines.map((line) => ({ ...line, quantity: line.quantity - (quantities.get(line.id) ?? 0) }))
    .filter((line) => line.quantity > 0);
}

const isRound = (value) => Array.isArray(value?.lines) && value.lines.every(isLine)
  && typeof value.note === "string" && typeof value.key === "string";

const isLine = (value) => typeof value?.recipe === "string" && typeof value.note === "string" && value.quantity > 0;

const empty = () => ({ lines: [], note: "", key: newKey() });

// randomUUID is there over HTTPS only, and a bar's own network may be plain HTTP.
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
