// The tour at the first opening: a card beside each part that it points at. Once dismissed it never comes by itself
// again: this browser remembers it.

import { element } from "./shared.js";

const SEEN = "glmwidgets.tour";
const GAP = 10;

export function wasSeen() {
  if (navigator.webdriver) return true; // a program drives the page: a test, a benchmark, a picture for the documentation
  try {
    return localStorage.getItem(SEEN) !== null;
  } catch {
    return true; // what cannot be remembered would come each time
  }
}

function remember() {
  try {
    localStorage.setItem(SEEN, "seen");
  } catch { /* it was asked for, and is not to come again by itself */ }
}

export function startTour(root, steps, onEnd) {
  const there = steps.filter(({ at }) => root.querySelector(at));
  const card = element("div", "glmw-tour", root);
  card.setAttribute("role", "region");
  card.setAttribute("aria-live", "polite");
  let at = 0, pointed = null;

  function end() {
    remember();
    pointed?.classList.remove("glmw-pointed");
    card.remove();
    onEnd();
  }

  function button(parent, label, act) {
    const made = element("button", "", parent);
    made.type = "button";
    made.textContent = label;
    made.addEventListener("click", act);
    return made;
  }

  // Below what is pointed at where there is room, else over its lower part; always within the explorer.
  function place() {
    const box = root.getBoundingClientRect(), target = pointed.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = card;
    const below = target.bottom - box.top + GAP;
    const top = below + height <= box.height ? below : Math.max(GAP, target.bottom - box.top - height - GAP);
    const left = Math.min(Math.max(GAP, target.left - box.left + GAP), Math.max(GAP, box.width - width - GAP));
    card.style.top = `${Math.round(top)}px`;
    card.style.left = `${Math.round(left)}px`;
  }

  function show() {
    pointed?.classList.remove("glmw-pointed");
    const { at: selector, title, words } = there[at], last = at === there.length - 1;
    pointed = root.querySelector(selector);
    pointed.classList.add("glmw-pointed");
    card.setAttribute("aria-label", `Tour, step ${at + 1} of ${there.length}`);
    card.replaceChildren();
    element("h4", "", card).textContent = title;
    element("p", "", card).textContent = words;
    const foot = element("div", "glmw-bar", card);
    element("span", "glmw-note", foot).textContent = `${at + 1} of ${there.length}`;
    if (!last) button(foot, "not again", end);
    button(
      foot,
      last ? "done" : "next",
      last ? end : () => {
        at += 1;
        show();
        card.querySelector("button:last-of-type")?.focus({ preventScroll: true });
      },
    );
    place();
  }

  card.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    end();
    event.stopPropagation();
  });
  if (there.length) show();
  else end();
  return end;
}
