// What is made and not handed over yet, by order: one tap when it has gone.

import { find, fromTemplate, keep, minutes, rest, say, tapped } from "../elements.js";
import { grouped, keyOf, labelOf, named } from "./tickets.js";

const list = find("#ready");
const shown = new WeakMap();

/** `onServed` gets the drinks of one order. */
export function listenToReady(onServed) {
  list.addEventListener("click", (event) => {
    const button = tapped(event);
    if (button) onServed(shown.get(button.closest("li")));
  });
}

/** `drinks` are those of the queue's `ready`; each order's stand together, the longest waiting order first. */
export function showReady(drinks, { busy, now }) {
  const orders = grouped(drinks, (drink) => drink.order_id);
  keep(list, [...orders.values()], {
    key: ([first]) => first.order_id,
    make: () => fromTemplate("ready-template"),
    update: (row, together) => showOrder(row, together, busy, now),
  });
  find("#ready-section").hidden = !drinks.length;
}

function showOrder(row, drinks, busy, now) {
  const [first] = drinks;
  shown.set(row, drinks);
  say(row, "label", labelOf(first));
  const recipes = grouped(drinks, (drink) => drink.recipe.name);
  say(row, "drinks", [...recipes.values()].map(named).join(", "));
  say(row, "since", `${minutes((now - Date.parse(first.completed_at)) / 1000)} ago`);
  say(row, "left", first.order_drinks_left ? `${first.order_drinks_left} still to make` : "");
  const button = find("button", row);
  rest(button, drinks.some((drink) => busy.has(keyOf(drink))));
  button.setAttribute("aria-label", `Gone: ${labelOf(first)}`);
}

