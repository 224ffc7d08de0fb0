// The menu as it is now, narrowed down by what a guest looks for and what they must not have.

import { find, fromTemplate, keep, say } from "../elements.js";
import { areTexts, keepFor, kept } from "../kept.js";

const FEW = 5;
const list = find("#menu");
const search = find("#search");
const allergens = find("#allergens");
const drinkOf = new WeakMap();
const avoided = new Set(kept("avoided", areTexts, []));

let drinks = [];
let takesOrders = true;

/** `onAdd` gets the name of the drink. */
export function prepareMenu(onAdd) {
  search.addEventListener("input", show);
  allergens.addEventListener("change", ({ target }) => {
    if (target.checked) avoided.add(target.value);
    else avoided.delete(target.value);
    keepFor("avoided", [...avoided]);
    show();
  });
  list.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) onAdd(drinkOf.get(button.closest("li")).name);
  });
}

/** The drinks that can be had now, and whether the bar takes orders. */
export function showMenu(now, accepting) {
  drinks = now;
  takesOrders = accepting;
  keep(allergens, [...new Set([...drinks.flatMap((drink) => drink.allergens), ...avoided])].sort(), {
    key: (name) => name,
    make: allergenBox,
    update: (label, name) => { find("input", label).checked = avoided.has(name); },
  });
  show();
}

function allergenBox(name) {
  const label = document.createElement("label");
  label.className = "box";
  label.append(Object.assign(document.createElement("input"), { type: "checkbox", value: name }), ` ${name}`);
  return label;
}

function show() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = drinks.filter((drink) => fits(drink, words));
  keep(list, shown, { key: (drink) => drink.name, make: () => fromTemplate("drink-template"), update: showDrink });
  find("#avoided").textContent = avoided.size ? `· without ${[...avoided].sort().join(", ")}` : "";
  find("#found").textContent = words.length || avoided.size ? `${shown.length} of ${drinks.length} drinks` : "";
}

function fits(drink, words) {
  const text = [drink.name, ...drink.ingredients.map((ingredient) => ingredient.name)].join(" ").toLowerCase();
  return words.every((word) => text.includes(word)) && !drink.allergens.some((name) => avoided.has(name));
}

function showDrink(element, drink) {
  drinkOf.set(element, drink);
  say(element, "name", drink.name);
  say(element, "ingredients", drink.ingredients.map((ingredient) => ingredient.name).join(", "));
  say(element, "allergens", drink.allergens.length ? `contains ${drink.allergens.join(", ")}` : "");
  say(element, "few", drink.remaining !== undefined && drink.remaining <= FEW ? `only ${drink.remaining} left` : "");
  const add = say(element, "add", "Add");
  add.setAttribute("aria-label", `Add: ${drink.name}`);
  add.disabled = !takesOrders;
}
