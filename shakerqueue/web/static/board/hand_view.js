// What this bartender has claimed: one recipe, what goes into the shaker, and whose glasses it fills.

import { cells, find, fromTemplate, keep, rest, say, tapped } from "../elements.js";
import { keyOf, labelOf, named } from "./tickets.js";

const list = find("#hand");
const held = new WeakMap(); // what an element of the list stands for: drinks

/** Both get drinks: `onDone` one or all of a batch, `onRelease` one. */
export function listenToHand({ onDone, onRelease }) {
  list.addEventListener("click", (event) => {
    const button = tapped(event);
    if (!button) return;
    const drinks = held.get(button.dataset.do === "all" ? button.closest("#hand > li") : button.closest(".lines > li"));
    (button.dataset.do === "release" ? onRelease : onDone)(drinks);
  });
}

export function showHand(batches, busy) {
  keep(list, batches, {
    key: (batch) => batch.name,
    make: () => fromTemplate("batch-template"),
    update: (element, batch) => showBatch(element, batch, busy),
  });
  find("#hand-empty").hidden = batches.length > 0;
}

function showBatch(element, { drinks }, busy) {
  const [{ recipe }] = drinks;
  held.set(element, drinks);
  say(element, "name", named(drinks));
  say(element, "build", recipe.build);
  say(element, "allergens", recipe.allergens.length ? `contains ${recipe.allergens.join(", ")}` : "");
  showIngredients(find("[data-is=ingredients]", element), recipe.ingredients, drinks.length);
  keep(find("[data-is=drinks]", element), drinks, {
    key: keyOf,
    make: () => fromTemplate("glass-template"),
    update: (row, drink) => showGlass(row, drink, busy.has(keyOf(drink))),
  });
  const all = say(element, "all", drinks.length > 1 ? `All ${drinks.length} done` : "");
  rest(all, drinks.some((drink) => busy.has(keyOf(drink))));
}

function showIngredients(body, ingredients, count) {
  keep(body, ingredients, {
    key: (ingredient) => ingredient.name,
    make: () => fromTemplate("row-template"),
    update: (row, { name, amount, unit }) => {
      const inAll = count > 1 ? `${round(amount * count)} ${unit}` : "";
      cells(row, [name, `${round(amount)} ${unit}`, inAll]);
    },
  });
}

function showGlass(row, drink, isBusy) {
  held.set(row, [drink]);
  const label = labelOf(drink);
  say(row, "label", label);
  say(row, "modifiers", drink.modifiers.join(" · "));
  say(row, "note", [drink.note, drink.order_note].filter(Boolean).join(" · "));
  for (const [kind, name] of [["release", "Give back"], ["tap", "Done"]]) {
    const button = find(`[data-do=${kind}]`, row);
    button.setAttribute("aria-label", `${name}: ${drink.recipe.name}, ${label}`);
    rest(button, isBusy);
  }
}

const round = (amount) => Math.round(amount * 100) / 100;
