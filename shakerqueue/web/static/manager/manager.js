// The manager's page: reads what there is, as often as it changes, and leaves each part to its own module.

import { prepareEvening, readEvening } from "./evening.js";
import { prepareLetters, readLetters } from "./letters.js";
import { preparePeople, readPeople } from "./people.js";
import { prepareRecipes, readRecipes } from "./recipes.js";
import { prepareTables, readTables } from "./tables.js";
import { find } from "../elements.js";
import { persist } from "../http.js";
import { Live } from "../live.js";
import { liveness } from "../liveness.js";
import { complain } from "../messages.js";
import { onSession, resume, session, signOut } from "../session.js";
import { askToSignIn, closeSignIn } from "../sign_in.js";

const live = new Live("manager", read, liveness("No connection: these figures are not of now. It catches up by itself."));

/** What moves by itself; what only changes here is read when it was changed. */
async function read() {
  await Promise.all([readEvening(), readRecipes(), isAdmin() && readLetters().catch(quietly)]);
}

/** While the broker is away nobody can look at its dead letters; the figures say so. */
function quietly() {}

const isAdmin = () => session?.role === "admin";

function followAs(who) {
  if (who && who.role !== "customer") {
    closeSignIn();
    find("#sign-out").textContent = `Sign out ${who.user.username}`;
    for (const part of document.querySelectorAll("[data-for=admin]")) part.hidden = !isAdmin();
    live.start();
    readTables().catch(complain);
    if (isAdmin()) readPeople().catch(complain);
    return;
  }
  live.stop();
  askToSignIn(who ? "This account is a guest's: these pages are for the staff." : "This page is for the staff.");
}

async function begin() {
  prepareEvening(() => live.news());
  prepareLetters();
  preparePeople();
  prepareRecipes();
  prepareTables();
  find("#sign-out").addEventListener("click", () => signOut().then(() => location.reload()).catch(complain));
  onSession(followAs);
  if (!(await persist(resume))) followAs(null);
}

begin();
