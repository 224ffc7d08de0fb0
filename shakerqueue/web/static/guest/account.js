// Who orders: the guest of a table, somebody with an account, or nobody yet.

import { closable, find, open, say } from "../elements.js";
import { call } from "../http.js";
import { complain, tell } from "../messages.js";
import { onSession, session, signIn, signOut } from "../session.js";

const account = closable(find("#account"));
const welcome = closable(find("#welcome"));
const form = find("#enter");
let registers = false;

export function prepareAccount() {
  onSession(show);
  find("#open-account").addEventListener("click", () => open(session ? account : welcome));
  find("#sign-out").addEventListener("click", () => signOut().then(() => account.close()).catch(complain));
  find("#toggle-register").addEventListener("click", () => { registers = !registers; showForm(); });
  form.addEventListener("submit", enter);
  showForm();
}

/** Whether somebody is there to order for; asks who it is where nobody is. */
export function mayOrder() {
  if (!session) open(welcome);
  return Boolean(session);
}

async function enter(event) {
  event.preventDefault();
  const { email, password, username } = form.elements;
  try {
    if (registers) await call("POST", "/register", { email: email.value, password: password.value, username: username.value });
    await signIn(email.value, password.value);
    form.reset();
    say(welcome, "wrong", "");
    welcome.close();
    tell(`Welcome, ${session.user.username}.`);
  } catch (error) {
    say(welcome, "wrong", error.message);
  }
}

function showForm() {
  find("[data-is=name]", form).hidden = !registers;
  form.elements.username.required = registers;
  form.elements.password.autocomplete = registers ? "new-password" : "current-password";
  say(form, "submit", registers ? "Create my account" : "Sign in");
  find("#toggle-register").textContent = registers ? "I have an account" : "I have no account yet";
}

function show(now) {
  const table = now?.table;
  find("#open-account").textContent = now ? (table ? "Leave" : now.user.username) : "Sign in";
  find("#table").hidden = !table;
  find("#table").textContent = table ?? "";
  say(account, "title", table ?? now?.user.username);
  say(account, "what", table ? "You order as a guest of this table. Who leaves sees these orders no more." : "You order with your own account.");
}
