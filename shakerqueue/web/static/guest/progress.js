// What an order's answer means to the guest who waits for it. No element in sight.

const OPEN = new Set(["queued", "pending", "in_progress"]);
const READY_FOR_HOURS = 1; // a bar that hands over without marking it should not call for ever
const REASONS = {
  sold_out: "just sold out, sorry",
  recipe_gone: "no longer on the menu, sorry",
  idempotency_conflict: "was ordered another way at the same moment",
  discarded: "got lost, sorry: please ask at the bar",
};

/** Whether something of it is still to come, or to be fetched. */
export function isCurrent(order, now) {
  return OPEN.has(order.status) || order.items.some((item) => isReady(item, now)) || isNewlyRefused(order, now);
}

export function isReady(item, now) {
  return item.status === "complete" && !item.served_at && now - Date.parse(item.completed_at) < READY_FOR_HOURS * 3_600_000;
}

/** A drink that cannot be had is not to vanish among the orders of before. */
function isNewlyRefused(order, now) {
  return order.items.some((item) => item.status === "failed") && now - Date.parse(order.updated_at) < 10 * 60_000;
}

/** Drinks of one order that are alike, as one line. */
export function linesOf(order, now) {
  const lines = new Map();
  for (const item of order.items) {
    const state = stateOf(item, now);
    const key = JSON.stringify([item.recipe, item.note, item.modifiers, state]);
    const line = lines.get(key) ?? { key, items: [], recipe: item.recipe, state, note: wishes(item) };
    line.items.push(item);
    lines.set(key, line);
  }
  return [...lines.values()];
}

/** What the bar said no to since the guest's orders were as `before`: a sentence for each drink. */
export function lostSince(before, orders) {
  const wasLost = new Map(before.flatMap((order) => order.items.map((item) => [keyOf(order, item), Boolean(lossOf(item))])));
  return orders.flatMap((order) => order.items
    .filter((item) => wasLost.get(keyOf(order, item)) === false)
    .map(lossOf).filter(Boolean));
}

export const keyOf = (order, item) => `${order.id}/${item.number}`;

export function canCancel(item) {
  return item.status === "pending";
}

/** "3rd in line, ready in about 6 min", as far as it is known. */
export function estimateOf(order, now) {
  if (!OPEN.has(order.status)) return "";
  if (order.status === "queued") return "On its way to the bar";
  const place = order.place_in_line ? `${ordinal(order.place_in_line)} in line` : "Being made";
  return [place, order.estimated_ready_at && about((Date.parse(order.estimated_ready_at) - now) / 60_000)]
    .filter(Boolean).join(" · ");
}

function stateOf(item, now) {
  if (isReady(item, now)) return "Ready: fetch it at the bar";
  switch (item.status) {
    case "in_progress": return "Being made";
    case "complete": return "Served";
    case "failed": return `Not made: ${reasonOf(item)}`;
    case "canceled": return item.error ? `Canceled: ${item.error}` : "Canceled";
    default: return "In line";
  }
}

/** Null for a drink that was not lost; who cancels one's own drink gives no reason, and need not be told. */
function lossOf(item) {
  if (item.status === "failed") return `${item.recipe} was not made: ${reasonOf(item)}`;
  return item.status === "canceled" && item.error ? `${item.recipe} was canceled: ${item.error}` : null;
}

const reasonOf = (item) => (Object.hasOwn(REASONS, item.error) ? REASONS[item.error] : item.error);
const wishes = (item) => [...(item.modifiers ?? []), item.note].filter(Boolean).join(" · ");

/** As precise as anybody can honestly say it: whole minutes, from ten on five of them. */
function about(minutes) {
  if (minutes < 1) return "ready any moment";
  const step = minutes > 10 ? 5 : 1;
  return `ready in about ${Math.ceil(minutes / step) * step} min`;
}

function ordinal(place) {
  const suffixes = { one: "st", two: "nd", few: "rd", other: "th" };
  return `${place}${suffixes[new Intl.PluralRules("en", { type: "ordinal" }).select(place)]}`;
}
