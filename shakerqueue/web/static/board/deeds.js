// What a bartender does to drinks, and how it is taken back.

import { insist } from "../http.js";
import { ask, session } from "../session.js";

const REMEMBERED = 10;

/** Do a verb to each of the drinks. One that is refused does not keep the others from it. */
export async function act(drinks, verb, body) {
  const actor = session?.user.id;
  const attempt = (drink) => insist(() => {
    if (session?.user.id !== actor) throw new Error("Not saved: somebody else has taken over the board."); // nor by them
    return ask("POST", pathOf(drink, verb), body);
  });
  const outcomes = await Promise.allSettled(drinks.map(attempt));
  const failed = outcomes.filter((outcome) => outcome.status === "rejected").map((outcome) => outcome.reason);
  return { done: drinks.filter((_, index) => outcomes[index].status === "fulfilled"), failed };
}

/** The deeds of the person who is signed in, the last one first to be taken back. */
export class Undo {
  #deeds = [];
  #count = 0;

  get last() {
    return this.#deeds.at(-1) ?? null;
  }

  /** `takeBack` undoes what `label` says. */
  remember(label, takeBack) {
    const deed = { id: ++this.#count, label, takeBack };
    this.#deeds = [...this.#deeds, deed].slice(-REMEMBERED);
    return deed;
  }

  /** Take a deed back, by default the last; resolves to it, or to null where there is none (or it was taken back). */
  async undo(deed = this.last) {
    if (!this.#deeds.includes(deed)) return null;
    this.#deeds = this.#deeds.filter((other) => other !== deed);
    const { failed } = await deed.takeBack();
    if (failed.length) throw failed[0];
    return deed;
  }

  forget() {
    this.#deeds = [];
  }
}

/** Bring drinks that were completed back to where they were: in this bartender's hands, or waiting. */
export async function takeBack(drinks, userId) {
  const { done, failed } = await act(drinks, "recall"); // which puts them into the hands of whoever does it
  const notMine = done.filter((drink) => drink.status !== "in_progress" || drink.claimed_by !== userId);
  const released = await act(notMine, "release");
  return { done, failed: [...failed, ...released.failed] };
}

function pathOf(drink, verb) {
  return `/orders/${drink.order_id}/items/${drink.number}/${verb}`;
}
