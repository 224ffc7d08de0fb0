// What the queue's answer means on a board: drinks become lines, lines become tickets. No element in sight.

const WAITING = "waiting";
export const IN_HAND = "in_hand";
export const CANCELED = "canceled";
export const DONE = "done";

/** Names a drink among all. */
export const keyOf = (drink) => `${drink.order_id}/${drink.number}`;

/** What is called out for its order: the ticket or table or, where it has none, the end of its id. */
export const labelOf = (drink) => drink.ticket ?? `No. ${drink.order_id.slice(-4).toUpperCase()}`;

/** `3 × Margarita`, of drinks of one recipe. */
export const named = (drinks) => `${drinks.length > 1 ? `${drinks.length} × ` : ""}${drinks[0].recipe.name}`;

/** Whether somebody makes the drink; a claim whose time is over is nobody's. */
function isInHand(drink, now) {
  return drink.status === "in_progress" && Date.parse(drink.claim_expires_at) > now;
}

export const isCanceled = (drink) => drink.status === "canceled";

/**
 * The drinks that this bartender has claimed, as batches of one recipe, in deadline order; with those that were canceled
 * in their hands, until they have seen it.
 */
export function batchesOf(queue, userId) {
  const held = [...queue.items.filter((drink) => drink.status === "in_progress"), ...queue.canceled];
  const mine = held.filter((drink) => drink.claimed_by === userId);
  return [...grouped(mine, (drink) => drink.recipe.name).entries()].map(([name, drinks]) => ({ name, drinks }));
}

/**
 * The tickets in deadline order, each with its lines. `done` are drinks that were finished here a moment ago: they keep
 * their place for as long, so that a tap can be taken back where it was made, and nothing moves under the next one.
 */
export function ticketsOf(queue, done, now) {
  const canceledKeys = new Set(queue.canceled.map(keyOf)); // a drink that is just being canceled is in both lists
  const open = queue.items
    .filter((drink) => !canceledKeys.has(keyOf(drink)))
    .map((drink) => ({ ...drink, state: isInHand(drink, now) ? IN_HAND : WAITING }));
  const listedKeys = new Set([...open.map(keyOf), ...canceledKeys]);
  const drinks = [
    ...open,
    ...queue.canceled.map((drink) => ({ ...drink, state: CANCELED })),
    ...done.filter((drink) => !listedKeys.has(keyOf(drink))).map((drink) => ({ ...drink, state: DONE })),
  ];
  const tickets = [...grouped(drinks, (drink) => drink.order_id).values()].map(ticketOf);
  return tickets.sort((a, b) => a.dueAt - b.dueAt || a.placedAt - b.placedAt || (a.id < b.id ? -1 : 1));
}

/** What would be claimed next: the recipe of the first drink that waits, and how many of it there are. */
export function nextUp(queue, now) {
  const waiting = queue.items.filter((drink) => !isInHand(drink, now));
  if (!waiting.length) return null;
  const [first] = waiting;
  const same = (drink) => drink.recipe.name === first.recipe.name && drink.station === first.station;
  return { recipe: first.recipe.name, count: waiting.filter(same).length };
}

function ticketOf(unordered) {
  const drinks = unordered.sort((a, b) => a.number - b.number); // so that a line keeps its place, whatever becomes of it
  const [first] = drinks;
  return {
    id: first.order_id,
    label: labelOf(first),
    note: first.order_note,
    rush: first.rush,
    left: drinks.find((drink) => drink.state !== DONE)?.order_drinks_left, // what was finished here is a moment old
    total: first.order_drinks,
    placedAt: Date.parse(first.placed_at),
    dueAt: Math.min(...drinks.map((drink) => Date.parse(drink.due_at))),
    isOpen: drinks.some((drink) => drink.state === WAITING || drink.state === IN_HAND),
    lines: [...grouped(drinks, lineKey).entries()].map(([key, same]) => lineOf(key, same)),
  };
}

function lineOf(key, drinks) {
  const [first] = drinks;
  return {
    key,
    drinks,
    state: first.state,
    recipe: first.recipe,
    modifiers: first.modifiers,
    note: first.note,
    maker: first.state === IN_HAND ? first.claimed_by_username : null,
    reason: first.error ?? null,
    deed: first.deed ?? null,
  };
}

/** Drinks that are made alike and stand alike are one line. */
function lineKey(drink) {
  const maker = drink.state === IN_HAND ? drink.claimed_by : null;
  const deed = drink.deed?.id ?? null; // what was done at once is taken back at once
  return JSON.stringify([drink.state, drink.recipe.name, drink.modifiers, drink.note, maker, drink.error ?? null, deed]);
}

/** The drinks by what `keyFor` says of each, in the order in which the groups begin. */
export function grouped(drinks, keyFor) {
  const groups = new Map();
  for (const drink of drinks) {
    const key = keyFor(drink);
    if (groups.has(key)) groups.get(key).push(drink);
    else groups.set(key, [drink]);
  }
  return groups;
}
