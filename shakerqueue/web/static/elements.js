// Building and keeping elements. Markup stands in the page's templates; text only ever becomes text.

export const find = (selector, within = document) => within.querySelector(selector);

/** A fresh copy of what the template of this id holds. */
export function fromTemplate(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

/** Set the text of the part that is named `data-is="name"`, and hide the part where there is none. */
export function say(element, name, text) {
  const part = find(`[data-is="${name}"]`, element);
  if (part.textContent !== (text ?? "")) part.textContent = text ?? "";
  part.hidden = !text;
  return part;
}

/**
 * Make the children of `parent` those of `items`, in their order, keeping the elements that are there: what has the
 * focus, or a finger on it, stays the same element. `key` names an item, `make` gives an element, `update` fills it.
 */
export function keep(parent, items, { key, make, update }) {
  const focus = focusWithin(parent);
  const wanted = new Set(items.map(key));
  const before = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  for (const [name, element] of before) {
    if (!wanted.has(name)) element.remove(); // first, so that what stays need not be moved, which would cost the focus
  }
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = key(item);
    const element = before.get(name) ?? make(item);
    element.dataset.key = name;
    update(element, item);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
  if (focus && !parent.contains(document.activeElement)) handOn(focus, parent);
}

/** Which child of `parent` has the focus, and on what it can do. */
function focusWithin(parent) {
  const place = [...parent.children].findIndex((child) => child.contains(document.activeElement));
  return place < 0 ? null : { place, deed: document.activeElement.dataset.do };
}

/** Whoever works by keyboard goes on with what now stands where the focus was. */
function handOn({ place, deed }, parent) {
  const heir = parent.children[Math.min(place, parent.children.length - 1)];
  const control = heir && (find(`[data-do="${deed}"]:enabled`, heir) ?? find("button:enabled", heir));
  (control ?? parent.closest("[tabindex]"))?.focus();
}

/** Let a button rest without taking the focus from it, as `disabled` would. `tapped` heeds it. */
export function rest(button, isResting) {
  button.setAttribute("aria-disabled", String(isResting));
}

/** The button that a click was meant for; null where there is none, or it rests. */
export function tapped(event) {
  const button = event.target.closest("button");
  return button?.getAttribute("aria-disabled") === "true" ? null : button;
}

/** Fill a row of a table with texts; the first one heads it. */
export function cells(row, texts) {
  row.replaceChildren(...texts.map((text, index) => {
    const cell = document.createElement(index ? "td" : "th");
    if (!index) cell.scope = "row";
    cell.textContent = text;
    return cell;
  }));
}

/** `4:07`, or `1 h 05` from an hour on. */
export function minutes(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (number) => String(number).padStart(2, "0");
  return whole < 3600
    ? `${Math.floor(whole / 60)}:${pad(whole % 60)}`
    : `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))}`;
}

export const clock = (time) => new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

/** Show a dialog; a click beside it or on `[data-close]` closes it. */
export function open(dialog) {
  if (!dialog.open) dialog.showModal();
}

export function closable(dialog) {
  dialog.addEventListener("click", (event) => {
    if (isBeside(dialog, event) || event.target.closest("[data-close]")) dialog.close();
  });
  return dialog;
}

/** The dialog itself is also the target of a click between its parts, which was meant for one of them. */
function isBeside(dialog, { target, clientX, clientY }) {
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  return target === dialog && (clientX < left || clientX > right || clientY < top || clientY > bottom);
}
