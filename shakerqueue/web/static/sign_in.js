// The sign-in that every page has: shown while nobody may use the page.

import { find, open, say } from "./elements.js";
import { signIn } from "./session.js";

const dialog = find("#sign-in");
const form = find("form", dialog);
let needed = false;

/** Ask for address and password; `why` tells what they are needed for. */
export function askToSignIn(why) {
  needed = true;
  say(dialog, "why", why);
  document.querySelectorAll("dialog[open]").forEach((other) => { if (other !== dialog) other.close(); });
  open(dialog);
}

export function closeSignIn() {
  needed = false;
  dialog.close();
  form.reset();
  say(dialog, "wrong", "");
}

// There is nothing behind it to go back to; and where the user insists, a browser heeds no `preventDefault`.
dialog.addEventListener("cancel", (event) => event.preventDefault());
dialog.addEventListener("close", () => { if (needed) open(dialog); });

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
