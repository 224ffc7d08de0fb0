// What this browser remembers of its board. Where it may remember nothing, the board works all the same.

export function remembered(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // then it is chosen anew next time
  }
}
