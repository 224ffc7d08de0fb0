// What this bartender has claimed: one recipe, what goes into the shaker, and whose glasses it fills.

import { cells, find, fromTemplate, keep, rest, say, tapped } from "../elements.js";
import { isCanceled, keyOf, labelOf, named } from "./tickets.js";

const list = find("#hand");
const held = new WeakMap(); // what an element of the list stands for: drinks

/** All get drinks: `onDone` one or all of a batch, `onSeen` a canceled one, `onRelease` one. */
export function listenToHand({ onDone, onSeen, onRelease }) {
  list.addEventListener("click", (event) => {
    const button = tapped(event);
    if (!button) return;
    const drinks = held.get(button.dataset.do === "all" ? button.closest("#hand > li") : button.closest(".lines > li"));
    if (button.dataset.do === "release") onRelease(drinks);
    else (isCanceled(drinks[0]) ? onSeen : onDone)(drinks);
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
  const open = drinks.filter((drink) => !isCanceled(drink));
  held.set(element, open);
  say(element, "name", open.length ? named(open) : recipe.name);
  say(element, "build", recipe.build);
  say(element, "allergens", recipe.allergens.length ? `contains ${recipe.allergens.join(", ")}` : "");
  showIngredients(find("[data-is=ingredients]", element), recipe.ingredients, open.length);
  keep(find("[data-is=drinks]", element), drinks, {
    key: keyOf,
    make: () => fromTemplate("glass-template"),
    update: (row, drink) => showGlass(row, drink, busy.has(keyOf(drink))),
  });
  const all = say(element, "all", open.length > 1 ? `All ${open.length} done` : "");
  rest(all, open.some((drink) => busy.has(keyOf(drink))));
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
  const canceled = isCanceled(drink);
  row.dataset.state = canceled ? "canceled" : "";
  say(row, "state", canceled ? ["Canceled", drink.error].filter(Boolean).join(": ") : "");
  say(row, "tap", canceled ? "Seen" : "Done");
  find("[data-do=release]", row).hidden = canceled;
  say(row, "label", label);
  say(row, "modifiers", drink.modifiers.join(" · "));
  say(row, "note", [drink.note, drink.order_note].filter(Boolean).join(" · "));
  for (const [kind, name] of [["release", "Give back"], ["tap", canceled ? "Seen" : "Done"]]) {
    const button = find(`[data-do=${kind}]`, row);
    button.setAttribute("aria-label", `${name}: ${drink.recipe.name}, ${label}`);
    rest(button, isBusy);
  }
}

const round = (amount) => Math.round(amount * 100) / 100;
