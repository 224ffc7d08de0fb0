// Who this browser acts for. The tokens are in cookies that no script can read; here is only what they stand for.

import { call, insist, passesSoon, Refused } from "./http.js";

const LEAST_SECONDS = 2; // between two renewals, however short a session is about to be
const CROWD_PAUSES_SECONDS = [1, 2, 4]; // where a whole shift signs in at once, few passwords are looked at in a second
const others = new BroadcastChannel("session"); // the other tabs of this browser
const listeners = [];
let renewal = null;
let turn = Promise.resolve();
let timer = 0;

/** `{user: {id, username, role}, role, expires_in}`, or null while nobody is signed in. */
export let session = null;

/** Be told when somebody else is signed in, or nobody. */
export function onSession(listener) {
  listeners.push(listener);
}

/** Look who is signed in. Null when nobody is. */
export async function resume() {
  let isOver = false;
  const found = await inTurn(async () => {
    const said = await call("GET", "/session");
    isOver = !said.user && said.refreshable;
    return isOver ? session : said.user && said;
  });
  return isOver ? renewed() : found;
}

export async function signIn(email, password) {
  const attempt = () => inTurn(() => call("POST", "/session", { email, password }));
  return tellOthers(await insist(attempt, CROWD_PAUSES_SECONDS));
}

export async function signOut() {
  await inTurn(() => null); // before the server ends it: what is read from then on is refused
  try {
    await ask("DELETE", "/session");
  } catch (error) {
    await resume();
    throw error;
  }
  return tellOthers(await inTurn(() => null));
}

/** Go on as a colleague, by their PIN. */
export async function switchTo(userId, pin) {
  return tellOthers(await inTurn(() => call("POST", "/session/switch", { user_id: userId, pin })));
}

/** Become a guest of the table whose code was scanned. */
export async function sitDown(link) {
  return tellOthers(await inTurn(() => call("POST", "/session/table", { link })));
}

/** As `call`, with one renewal of the session where its time is over. */
export async function ask(method, path, body, headers) {
  try {
    return await call(method, path, body, headers);
  } catch (error) {
    if (error.status !== 401) throw error;
    if ((await renewed()) === null) throw error;
    return call(method, path, body, headers);
  }
}

/** One renewal at a time, however many ask for it. */
function renewed() {
  renewal ??= renew().finally(() => { renewal = null; });
  return renewal;
}

async function renew() {
  try {
    return await inTurn(() => call("POST", "/session/refresh"));
  } catch (error) {
    if (error instanceof Refused && !passesSoon(error)) return took(null);
    throw error;
  }
}

/** One after the other: what is answered last is what the cookies say, and an old answer must not put them back. */
function inTurn(request) {
  turn = turn.catch(() => {}).then(async () => took(await request()));
  return turn;
}

function took(now) {
  const before = session;
  session = now;
  clearTimeout(timer);
  if (now) timer = setTimeout(() => renewed().catch(() => {}), Math.max(now.expires_in / 2, LEAST_SECONDS) * 1000);
  if (before?.user.id !== now?.user.id || before?.role !== now?.role) listeners.forEach((listener) => listener(now));
  return now;
}

function tellOthers(now) {
  others.postMessage("changed");
  return now;
}

others.addEventListener("message", () => insist(resume).catch(() => {})); // the cookies are the other one's already
