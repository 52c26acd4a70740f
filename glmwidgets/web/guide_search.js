// The search: words are typed, the kernel answers with what they probably mean, arrows and Enter choose.

import { element } from "./shared.js";

let lists = 0; // so that each list has a name of its own

export function openSearch(card, tell, close) {
  const box = element("input", "", card), list = element("ul", "", card), foot = element("p", "glmw-note", card);
  const name = `glmw-found-${++lists}`;
  let entries = [], at = 0, number = 0, asked = null;
  box.type = "text";
  box.placeholder = "What do you want to do? smooth more, bonferroni, face - house, why is this orange …";
  box.setAttribute("role", "combobox");
  box.setAttribute("aria-label", "Search everything that can be set, shown or kept");
  box.setAttribute("aria-expanded", "true");
  box.setAttribute("aria-controls", name);
  box.setAttribute("aria-autocomplete", "list");
  list.id = name;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "search results");
  foot.textContent = "↑ ↓ choose · Enter does it · Escape closes";

  function mark() {
    [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === at)));
    const here = list.children[at];
    box.setAttribute("aria-activedescendant", here?.id ?? "");
    here?.scrollIntoView({ block: "nearest" });
  }

  function draw() {
    list.replaceChildren(...entries.map(({ title, kind, hint }, i) => {
      const item = document.createElement("li");
      item.id = `${name}-${i}`;
      item.setAttribute("role", "option");
      element("span", "glmw-found-title", item).textContent = title;
      element("span", "glmw-found-hint", item).textContent = hint;
      element("span", "glmw-found-kind", item).textContent = kind;
      item.addEventListener("pointerdown", (event) => {
        event.preventDefault(); // the box keeps the focus
        at = i;
        choose();
      });
      return item;
    }));
    at = 0;
    mark();
  }

  function search() {
    tell({ kind: "search", text: box.value, number: ++number });
  }

  function choose() {
    if (asked) {
      tell({ kind: "say", key: asked, text: box.value });
      close();
    } else if (entries[at]) {
      const { key, asks } = entries[at];
      tell({ kind: "pick", key });
      if (!asks) close();
    }
  }

  box.addEventListener("input", () => {
    if (!asked) search();
  });
  box.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by && entries.length) {
      at = (at + by + entries.length) % entries.length;
      mark();
    } else if (event.key === "Enter") choose();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  box.focus({ preventScroll: true });
  search();

  return {
    // An answer to older words is not shown.
    found(answered, what) {
      if (answered !== number || asked) return;
      entries = what;
      draw();
    },
    ask(key, label, value) {
      asked = key;
      entries = [];
      draw();
      box.value = value === "none" ? "" : value;
      box.setAttribute("aria-label", label);
      foot.textContent = `${label}: type a value, Enter sets it`;
      box.select();
    },
  };
}
