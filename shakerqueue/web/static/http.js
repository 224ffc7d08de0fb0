// Requests to the API, and the two ways in which they fail.

import { hearServerTime } from "./server_time.js";

const TIMEOUT_SECONDS = 5;
const AGAIN_SECONDS = 1;
const SOON_SECONDS = 60; // the longest window in which the API counts requests; who guessed wrong is held up for longer

/** The API said no. `code` is for programs, `message` for people; nothing was changed. */
export class Refused extends Error {
  constructor(status, problem, afterSeconds = 0) {
    const [field] = problem.errors ?? [];
    super(field?.detail ?? problem.detail ?? `The server answered ${status}.`);
    this.status = status;
    this.code = problem.code;
    this.problem = problem;
    this.afterSeconds = afterSeconds;
  }
}

/** No answer, or not now: nobody knows whether anything was changed, and trying again is right. */
export class Away extends Error {}

/** The answer's JSON, or null where it has none. Cookies say who asks. */
export async function call(method, path, body, headers = {}) {
  const response = await answered(path, {
    method,
    headers: body === undefined ? headers : { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
    cache: "no-cache", // the menu, which alone may be kept, is asked for by its tag
    signal: AbortSignal.timeout(TIMEOUT_SECONDS * 1000),
  });
  if (response.status === 204) return null;
  const said = await response.json().catch(() => { throw new Away("The answer was cut off."); });
  if (response.ok) return said;
  if (response.status >= 500) throw new Away(said.detail);
  throw new Refused(response.status, said, Number(response.headers.get("Retry-After")));
}

/** Call something that is harmless to repeat again while there is no answer, a few times. */
export async function insist(attempt, pausesSeconds = [0.4, 1, 2]) {
  for (const pause of pausesSeconds) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Away)) throw error;
      await seconds(pause);
    }
  }
  return attempt();
}

/** Whether the same will be answered in a while: it failed for the moment, or too many asked from here. */
export function passesSoon(error) {
  return error instanceof Away || (error.status === 429 && error.afterSeconds <= SOON_SECONDS);
}

/** Call it until there is an answer, for as long as that takes. */
export async function persist(attempt) {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!passesSoon(error)) throw error;
      await seconds(error.afterSeconds || AGAIN_SECONDS);
    }
  }
}

/** What a finger does in this time after a tap still belongs to that tap. */
export const DOUBLE_TAP_SECONDS = 0.5;

export function seconds(count) {
  return new Promise((resolve) => setTimeout(resolve, count * 1000));
}

async function answered(path, options) {
  try {
    const response = await fetch(path, options);
    hearServerTime(response.headers.get("Date"));
    return response;
  } catch {
    throw new Away("No connection.");
  }
}
