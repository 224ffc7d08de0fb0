// The recipes on the books, as the pages of the staff change them.

import { ask } from "./session.js";

/** Whether it can be ordered now. */
export const isOn = (recipe) => recipe.available && recipe.remaining !== 0;

/** Every recipe by name, also those that cannot be ordered now. */
export async function allRecipes() {
  const recipes = [];
  let cursor = "";
  while (cursor !== null) {
    const page = await ask("GET", `/recipes?limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    recipes.push(...page.recipes);
    cursor = page.next_cursor;
  }
  return recipes;
}
