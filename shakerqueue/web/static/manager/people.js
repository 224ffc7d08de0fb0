// Who may do what.

import { find, fromTemplate, keep, say } from "../elements.js";
import { complain, tell } from "../messages.js";
import { ask } from "../session.js";

const body = find("#users tbody");
const filter = find("#role-filter");
const more = find("#more-users");
const userOf = new WeakMap();

let users = [];
let cursor = null;

export function preparePeople() {
  filter.addEventListener("change", () => readPeople().catch(complain));
  more.addEventListener("click", () => readPage().catch(complain));
  body.addEventListener("change", ({ target }) => {
    const user = userOf.get(target.closest("tr"));
    const change = target.dataset.do === "role" ? { role: target.value } : { disabled: !target.checked };
    ask("PATCH", `/users/${user.id}`, change)
      .then((changed) => { Object.assign(user, changed); tell(`Saved: ${user.username}.`); })
      .catch(complain)
      .finally(show);
  });
}

export function readPeople() {
  users = [];
  cursor = null;
  return readPage();
}

async function readPage() {
  const role = filter.value ? `&role=${filter.value}` : "";
  const page = await ask("GET", `/users?limit=50${role}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
  users = [...users, ...page.users];
  cursor = page.next_cursor;
  more.hidden = !cursor;
  show();
}

function show() {
  keep(body, users, { key: (user) => user.id, make: () => fromTemplate("user-template"), update: showUser });
}

function showUser(row, user) {
  userOf.set(row, user);
  say(row, "name", user.username);
  say(row, "email", user.email ?? "–");
  const role = find("[data-do=role]", row);
  const isPerson = [...role.options].some((option) => option.value === user.role) && user.email !== null;
  role.disabled = !isPerson;
  if (!isPerson && role.value !== user.role && user.role === "integration") role.add(new Option(user.role, user.role));
  role.value = user.role;
  role.setAttribute("aria-label", `Role of ${user.username}`);
  const enabled = find("[data-do=enabled]", row);
  enabled.checked = !user.disabled;
  enabled.setAttribute("aria-label", `${user.username} may in`);
}
