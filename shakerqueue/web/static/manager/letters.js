// Orders that could not be stored: why, and another try.

import { clock, find, fromTemplate, keep, say } from "../elements.js";
import { complain, tell } from "../messages.js";
import { ask } from "../session.js";

const list = find("#letter-list");
const letterOf = new WeakMap();

export function prepareLetters() {
  find("#retry-all").addEventListener("click", () => workOff("retry", { all: true }));
  list.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) workOff(button.dataset.do, { ids: [letterOf.get(button.closest("#letter-list > li")).id] });
  });
}

export async function readLetters() {
  const { dead_letters: letters } = await ask("GET", "/admin/dead-letters");
  keep(list, letters, {
    key: (letter) => letter.id,
    make: () => fromTemplate("letter-template"),
    update: showLetter,
  });
  find("#no-letters").hidden = letters.length > 0;
  find("#retry-all").hidden = !letters.length;
}

function showLetter(row, letter) {
  letterOf.set(row, letter);
  say(row, "reason", letter.reason);
  const orders = letter.order_ids.length ? ` · orders ${letter.order_ids.join(", ")}` : "";
  say(row, "when", `${letter.attempts} attempts, the last at ${clock(letter.failed_at)}${orders}`);
}

async function workOff(deed, which) {
  try {
    const { dead_letters: letters } = await ask("POST", `/admin/dead-letters/${deed}`, which);
    tell(`${letters.length} ${deed === "retry" ? "sent again" : "given up"}.`);
    await readLetters();
  } catch (error) {
    complain(error);
  }
}
