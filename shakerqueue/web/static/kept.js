// What a page keeps in this browser. Where it may keep nothing, as in some private windows, it forgets with the page.

/** What was kept under this name; `otherwise` where there is nothing, or nothing that `isRight`. */
export function kept(name, isRight, otherwise) {
  try {
    const found = JSON.parse(localStorage.getItem(name));
    return isRight(found) ? found : otherwise;
  } catch {
    return otherwise;
  }
}

export function keepFor(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // The page goes on with what it holds.
  }
}

export const isText = (value) => typeof value === "string";

/** Whether it is an array of texts. */
export const areTexts = (value) => Array.isArray(value) && value.every(isText);
