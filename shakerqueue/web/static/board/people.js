// Who is at the board: colleagues take over by PIN, so that every change carries the right name.

import { closable, find, keep, open, say } from "../elements.js";
import { call } from "../http.js";
import { complain, tell } from "../messages.js";
import { ask, onSession, session, signOut, switchTo } from "../session.js";

const dialog = closable(find("#people"));
const pin = find("#pin");
const digits = pin.elements.pin;
const ownPin = find("#own-pin");
let chosen = null;

export function preparePeople() {
  find("#open-people").addEventListener("click", () => show().catch(complain));
  find("#colleagues").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) choose({ id: button.dataset.key, username: button.textContent });
  });
  pin.addEventListener("click", (event) => {
    const { digit, erase } = event.target.dataset;
    if (digit) digits.value = (digits.value + digit).slice(0, digits.maxLength);
    if (erase !== undefined) digits.value = digits.value.slice(0, -1);
  });
  pin.addEventListener("submit", takeOver);
  ownPin.addEventListener("submit", setOwnPin);
  find("#sign-out").addEventListener("click", () => signOut().then(() => dialog.close()).catch(complain));
  onSession((now) => { find("#who").textContent = now?.user.username ?? "nobody"; });
}

async function show() {
  choose(null);
  const { colleagues } = await ask("GET", "/session/colleagues");
  const others = colleagues.filter((colleague) => colleague.id !== session.user.id);
  keep(find("#colleagues"), others, {
    key: (colleague) => colleague.id,
    make: () => Object.assign(document.createElement("button"), { type: "button" }),
    update: (button, colleague) => { button.textContent = colleague.username; },
  });
  find("#no-colleagues").hidden = others.length > 0;
  open(dialog);
}

function choose(colleague) {
  chosen = colleague;
  pin.hidden = !colleague;
  pin.reset();
  say(pin, "wrong", "");
  say(pin, "title", colleague && `PIN of ${colleague.username}`);
  if (colleague) digits.focus();
}

async function takeOver(event) {
  event.preventDefault();
  const ok = find("[type=submit]", pin);
  ok.disabled = true; // each try counts
  try {
    await switchTo(chosen.id, digits.value);
    dialog.close();
    tell(`${chosen.username} is at the board.`);
  } catch (error) {
    say(pin, "wrong", error.message);
    pin.reset();
    digits.focus();
  } finally {
    ok.disabled = false;
  }
}

async function setOwnPin(event) {
  event.preventDefault();
  try {
    await call("PUT", "/me/pin", { pin: ownPin.elements.pin.value, password: ownPin.elements.password.value });
    ownPin.reset();
    say(ownPin, "wrong", "");
    tell("Your PIN is set.");
  } catch (error) {
    say(ownPin, "wrong", error.message);
  }
}
