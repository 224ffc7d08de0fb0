// 86: what cannot be had is off the menu in two taps, and what that does to the drinks that wait is said beside it.

import { closable, find, fromTemplate, keep, open, rest, say, tapped } from "../elements.js";
import { DOUBLE_TAP_SECONDS, seconds } from "../http.js";
import { complain, tell } from "../messages.js";
import { allRecipes, isOn } from "../recipes.js";
import { ask } from "../session.js";

const READ_AGAIN_SECONDS = 1;
const dialog = closable(find("#sold-out"));
const list = find("#recipes");
const search = find("#sold-out-search");
const recipeOf = new WeakMap();
const busy = new Set(); // ids of recipes

let recipes = [];
let allDay = new Map();
let readAt = 0;

/** `undo` remembers what is done here. */
export function prepareSoldOut(undo) {
  find("#open-sold-out").addEventListener("click", () => { open(dialog); search.value = ""; read().catch(complain); });
  search.addEventListener("input", show);
  list.addEventListener("click", (event) => {
    const button = tapped(event);
    if (!button) return;
    const recipe = recipeOf.get(button.closest("li"));
    const deed = button.dataset.do === "fail" ? failWaiting : switchOver;
    during(recipe, () => deed(recipe, undo).then(read)).catch(complain);
  });
}

/** Let nothing be tapped at a recipe until the deed is done and a double tap is over. */
async function during(recipe, deed) {
  busy.add(recipe.id);
  show();
  try {
    await deed();
  } finally {
    await seconds(DOUBLE_TAP_SECONDS);
    busy.delete(recipe.id);
    show();
  }
}

/** Bring what is shown up to what the queue says. */
export function showSoldOut(queue) {
  allDay = new Map(queue.all_day.map((count) => [count.recipe, count]));
  if (!dialog.open) return;
  show();
  if (Date.now() - readAt > READ_AGAIN_SECONDS * 1000) read().catch(() => {});
}

async function read() {
  readAt = Date.now();
  recipes = await allRecipes();
  show();
}

async function switchOver(recipe, undo) {
  const was = { available: recipe.available, remaining: recipe.remaining };
  const path = `/recipes/${recipe.id}`;
  await ask("PATCH", path, isOn(recipe) ? { available: false } : { available: true, ...(recipe.remaining === 0 && { remaining: null }) });
  const label = isOn(recipe) ? `86 ${recipe.name}` : `${recipe.name} back on`;
  const deed = undo.remember(label, async () => {
    await ask("PATCH", path, isOn(recipe) ? { available: true } : was);
    return { failed: [] };
  });
  tell(isOn(recipe) ? `${recipe.name} is 86'd.` : `${recipe.name} is back on.`, {
    action: "Undo",
    onAction: () => undo.undo(deed).then(read).catch(complain),
  });
}

async function failWaiting(recipe) {
  const { failed, left } = await ask("POST", "/queue/fail", { recipe_id: recipe.id, reason: "Sold out" });
  tell(`${failed} × ${recipe.name} failed as sold out${left ? `; ${left} still wait` : ""}.`);
}

function show() {
  const wanted = search.value.trim().toLowerCase();
  const shown = recipes.filter((recipe) => recipe.name.toLowerCase().includes(wanted));
  keep(list, shown.sort(byNeed), {
    key: (recipe) => recipe.id,
    make: () => fromTemplate("recipe-template"),
    update: showRecipe,
  });
}

function showRecipe(row, recipe) {
  const on = isOn(recipe);
  const { pending = 0, orders = 0 } = allDay.get(recipe.name) ?? {};
  recipeOf.set(row, recipe);
  row.dataset.on = String(on);
  say(row, "name", recipe.name);
  say(row, "stock", on ? recipe.remaining !== null && `${recipe.remaining} left` : "86'd");
  say(row, "affected", pending ? `${pending} waiting on ${orders} ${orders === 1 ? "ticket" : "tickets"}` : "");
  rest(say(row, "fail", !on && pending ? `Fail the ${pending} waiting` : ""), busy.has(recipe.id));
  const button = say(row, "switch", on ? "86" : "Back on");
  rest(button, busy.has(recipe.id));
  button.setAttribute("aria-label", `${button.textContent}: ${recipe.name}`);
}

/** First what drinks wait for, then what is off, then by name. */
function byNeed(a, b) {
  const rank = (recipe) => (allDay.has(recipe.name) ? 0 : isOn(recipe) ? 2 : 1);
  return rank(a) - rank(b) || a.name.localeCompare(b.name);
}
