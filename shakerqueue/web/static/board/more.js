// What is done to a drink less often than finishing it.

import { closable, find, open, say } from "../elements.js";
import { session } from "../session.js";
import { IN_HAND, named } from "./tickets.js";

const dialog = closable(find("#more"));
let chosen = null;

/** `onVerb` gets the line, the verb and the reason, where there is one. */
export function prepareMore(onVerb) {
  dialog.addEventListener("click", (event) => {
    const button = event.target.closest("[data-verb]");
    if (!button) return;
    dialog.close();
    onVerb(chosen, button.dataset.verb, button.dataset.reason);
  });
}

export function openMore(line, ticket) {
  chosen = line;
  const mine = line.state === IN_HAND && line.drinks[0].claimed_by === session.user.id;
  say(dialog, "title", named(line.drinks));
  say(dialog, "where", ticket.label);
  find("[data-verb=start]", dialog).hidden = line.state === IN_HAND;
  find("[data-verb=release]", dialog).hidden = !mine && !(line.state === IN_HAND && session.role === "admin");
  open(dialog);
}
