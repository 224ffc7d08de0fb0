// The recipes on the books: 86, counts, and the drinks themselves.

import { closable, find, fromTemplate, keep, open, say } from "../elements.js";
import { complain, tell } from "../messages.js";
import { allRecipes, isOn } from "../recipes.js";
import { ask } from "../session.js";

const INGREDIENT = /^\s*(\d+(?:[.,]\d+)?)\s+(\S+)\s+(.+?)\s*$/;
const body = find("#recipes tbody");
const search = find("#recipe-search");
const dialog = closable(find("#recipe"));
const form = find("form", dialog);
const recipeOf = new WeakMap();

let recipes = [];
let edited = null;

export function prepareRecipes() {
  search.addEventListener("input", show);
  find("#new-recipe").addEventListener("click", () => edit(null));
  form.addEventListener("submit", save);
  find("#archive").addEventListener("click", archive);
  body.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const recipe = recipeOf.get(button.closest("tr"));
    if (button.dataset.do === "edit") edit(recipe);
    else ask("PATCH", `/recipes/${recipe.id}`, { available: !recipe.available }).then(readRecipes).catch(complain);
  });
}

export async function readRecipes() {
  recipes = await allRecipes();
  show();
}

function show() {
  const wanted = search.value.trim().toLowerCase();
  keep(body, recipes.filter((recipe) => recipe.name.toLowerCase().includes(wanted)), {
    key: (recipe) => recipe.id,
    make: () => fromTemplate("recipe-template"),
    update: showRecipe,
  });
}

function showRecipe(row, recipe) {
  recipeOf.set(row, recipe);
  row.dataset.on = String(isOn(recipe));
  say(row, "name", recipe.name);
  say(row, "build", recipe.build);
  say(row, "station", recipe.station);
  say(row, "left", recipe.remaining === null ? "–" : String(recipe.remaining));
  const button = say(row, "switch", recipe.available ? "86" : "Back on");
  button.setAttribute("aria-label", `${button.textContent}: ${recipe.name}`);
  find("[data-do=edit]", row).setAttribute("aria-label", `Change: ${recipe.name}`);
}

function edit(recipe) {
  edited = recipe;
  form.reset();
  say(dialog, "wrong", "");
  say(dialog, "title", recipe ? recipe.name : "A new drink");
  find("#archive").hidden = !recipe;
  if (recipe) {
    const fields = form.elements;
    for (const name of ["name", "build", "station"]) fields[name].value = recipe[name];
    for (const name of ["prep_seconds", "priority", "remaining"]) fields[name].value = recipe[name] ?? "";
    fields.allergens.value = recipe.allergens.join(", ");
    fields.ingredients.value = recipe.ingredients.map(({ amount, unit, name }) => `${amount} ${unit} ${name}`).join("\n");
  }
  open(dialog);
}

async function save(event) {
  event.preventDefault();
  try {
    const recipe = written();
    await (edited ? ask("PATCH", `/recipes/${edited.id}`, changes(recipe)) : ask("POST", "/recipes", recipe));
    dialog.close();
    tell(`Saved: ${recipe.name}.`);
    await readRecipes();
  } catch (error) {
    say(dialog, "wrong", error.message);
  }
}

/** What is not changed is not sent: what the bar sold meanwhile is not to be counted again. */
function changes(recipe) {
  return Object.fromEntries(Object.entries(recipe)
    .filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(edited[name])));
}

function written() {
  const { name, build, station, allergens, ingredients } = form.elements;
  const numbers = ["prep_seconds", "priority", "remaining"].map((key) => [key, form.elements[key].value === "" ? null : Number(form.elements[key].value)]);
  return {
    name: name.value.trim(),
    build: build.value,
    station: station.value.trim(),
    allergens: allergens.value.split(",").map((one) => one.trim()).filter(Boolean),
    ingredients: ingredients.value.split("\n").filter((line) => line.trim()).map(ingredient),
    ...Object.fromEntries(numbers),
  };
}

function ingredient(line) {
  const parts = line.match(INGREDIENT);
  if (!parts) throw new Error(`“${line.trim()}” is no ingredient: write it as “50 ml gin”.`);
  return { amount: Number(parts[1].replace(",", ".")), unit: parts[2], name: parts[3] };
}

async function archive() {
  try {
    await ask("DELETE", `/recipes/${edited.id}`);
    dialog.close();
    tell(`${edited.name} is off the books. Its orders stay.`);
    await readRecipes();
  } catch (error) {
    complain(error);
  }
}
