// The sign-in that every page has: shown while nobody may use the page.

import { find, open, say } from "./elements.js";
import { signIn } from "./session.js";

const dialog = find("#sign-in");
const form = find("form", dialog);

/** Ask for address and password; `why` tells what they are needed for. */
export function askToSignIn(why) {
  say(dialog, "why", why);
  open(dialog);
}

export function closeSignIn() {
  dialog.close();
  form.reset();
  say(dialog, "wrong", "");
}

dialog.addEventListener("cancel", (event) => event.preventDefault()); // there is nothing behind it to go back to

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = find("button", form);
  button.disabled = true;
  try {
    await signIn(form.elements.email.value, form.elements.password.value);
    say(dialog, "wrong", "");
  } catch (error) {
    say(dialog, "wrong", error.message);
    form.elements.password.select();
  } finally {
    button.disabled = false;
  }
});
