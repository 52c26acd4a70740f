// What leads through an explorer: two buttons, Keep and Search, in its head; keys; a small "?" beside verdicts; sheets.

import { isTyping, keyName, keyOf, rowOf } from "./guide_keys.js";
import { openSearch } from "./guide_search.js";
import { fillSheet, makeSheet } from "./guide_sheet.js";
import { startTour, wasSeen } from "./guide_tour.js";
import { hearing } from "./late_widget.js";
import { atNextFrame, element, whenGrown } from "./shared.js";

const IS_MAC = /Mac|iPhone|iPad/.test(navigator.platform ?? "");
const SETTLED = 1200; // ms after which a page that has just been opened holds still
const VERDICTS = ".glmw-panel[class*='glmw-why-']";

const nameOf = (keys) => keyName(keys, IS_MAC);

// A menu below its button, closed by Escape, by choosing and by a press elsewhere.
function keepMenu(el, model) {
  const place = element("div", "glmw-menu-place", el);
  const button = element("button", "jupyter-button widget-button", place);
  button.type = "button";
  button.textContent = "Keep ▾";
  button.title = "reports, maps, tables, pictures, scripts";
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  let menu = null;

  function close() {
    const gone = menu;
    menu = null; // before it goes: taking it away takes the focus out of it, and closes it
    gone?.remove();
    button.setAttribute("aria-expanded", "false");
  }

  function open() {
    menu = element("ul", "glmw-menu", place);
    menu.setAttribute("role", "menu");
    menu.setAttribute("aria-label", "Keep");
    for (const { name, label, hint } of model.get("kept")) {
      const item = element("li", "", menu);
      item.setAttribute("role", "menuitem");
      item.tabIndex = -1;
      element("span", "", item).textContent = label;
      element("span", "glmw-found-kind", item).textContent = hint;
      item.addEventListener("click", () => {
        model.send({ kind: "keep", name });
        close();
        button.focus();
      });
    }
    button.setAttribute("aria-expanded", "true");
    menu.firstChild.focus();
  }

  button.addEventListener("click", () => menu ? close() : open());
  place.addEventListener("keydown", (event) => {
    if (!menu) return;
    const items = [...menu.children], now = items.indexOf(document.activeElement), n = items.length;
    const next = { ArrowDown: now + 1, ArrowUp: now - 1 + n, Home: 0, End: n - 1 }[event.key];
    if (next !== undefined) items[next % n].focus();
    else if (event.key === "Enter" || event.key === " ") items[now]?.click();
    else if (event.key === "Escape") {
      close();
      button.focus();
    } else if (event.key === "Tab") return close();
    event.preventDefault();
    event.stopPropagation();
  });
  place.addEventListener("focusout", (event) => {
    if (menu && !place.contains(event.relatedTarget)) close();
  });
}

// A button for the verdict of each panel that has one; it is no part of the heading, which is a button itself.
function keepWhys(root, reasons) {
  const look = atNextFrame(() => {
    for (const panel of root.querySelectorAll(VERDICTS)) {
      if (panel.querySelector(":scope > .glmw-why")) continue;
      const name = [...panel.classList].find((css) => css.startsWith("glmw-why-")).slice("glmw-why-".length);
      const button = element("button", "glmw-why", panel);
      button.type = "button";
      button.textContent = "?";
      button.dataset.why = name;
      button.title = reasons[name] ?? "why?";
      button.setAttribute("aria-label", button.title);
    }
  });
  const endWatch = whenGrown(root, look.soon);
  look.soon();
  return () => {
    endWatch();
    look.stop();
  };
}

function reveal(root, name, tries = 15) {
  // What was only now put into the page is there a little later.
  setTimeout(() => {
    const panel = root.querySelector(`.${name}`);
    if (!panel?.querySelector(":scope > .lm-Widget:not(.glmw-head)") && tries) return reveal(root, name, tries - 1);
    if (!panel) return;
    const head = panel.querySelector(".glmw-head");
    if (panel.classList.contains("glmw-folded")) head?.click();
    panel.scrollIntoView({ block: "nearest" });
    const into = panel.querySelector("input, select, button, canvas[tabindex], [tabindex='0']");
    (into ?? head)?.focus({ preventScroll: true });
    panel.classList.add("glmw-pointed");
    setTimeout(() => panel.classList.remove("glmw-pointed"), 1500);
  }, 150);
}

function begin(root, el, model) {
  const tell = (message) => model.send(message);
  const sheet = makeSheet(root);
  let search = null, endTour = null;

  function find() {
    const close = () => {
      search = null;
      sheet.close();
    };
    search = openSearch(sheet.open("Search", "glmw-search"), tell, close);
  }

  function tour() {
    endTour ??= startTour(root, model.get("tour"), () => endTour = null);
  }

  const button = element("button", "jupyter-button widget-button", el);
  button.type = "button";
  button.textContent = IS_MAC ? "⌘ Search" : "Search";
  button.title = `find whatever can be set, shown or kept (${nameOf("Mod+Shift+P")})`;
  button.addEventListener("click", find);

  function onKey(event) {
    const key = keyOf(event), typing = isTyping(event.target);
    if (sheet.isOpen() || event.repeat && !/^[-+np]$/.test(key)) return;
    const row = rowOf(model.get("shortcuts"), key);
    if (!row || (typing && !key.startsWith("Mod+"))) return;
    if (row.keys.includes("Mod+Shift+P")) find();
    else if (row.does) tell({ kind: "do", name: row.does });
    else return; // what the page does by itself: the map's keys
    event.preventDefault();
    event.stopPropagation();
  }

  function onClick(event) {
    const asked = event.target.closest?.("[data-why]");
    if (!asked) return;
    event.preventDefault();
    event.stopPropagation();
    tell({ kind: "why", name: asked.dataset.why });
  }

  function hear(message) {
    const { kind } = message;
    if (kind === "found") search?.found(message.number, message.entries);
    else if (kind === "ask") search?.ask(message.key, message.label, message.value);
    else if (kind === "show") {
      fillSheet(sheet.open(message.title, ""), message.title, message.parts, sheet.close, nameOf);
    } else if (kind === "reveal") reveal(root, message.name);
    else if (kind === "tour") tour();
  }

  root.addEventListener("keydown", onKey, true);
  root.addEventListener("click", onClick, true);
  model.on("msg:custom", hear);
  const endWhys = keepWhys(root, model.get("reasons"));
  // One explorer of a page leads through, at its first opening.
  const timer = model.get("tour").length && !wasSeen()
    ? setTimeout(() => document.querySelector(".glmw-tour") ?? tour(), SETTLED)
    : 0;
  return () => {
    clearTimeout(timer);
    endTour?.();
    endWhys();
    sheet.close();
    root.removeEventListener("keydown", onKey, true);
    root.removeEventListener("click", onClick, true);
    model.off("msg:custom", hear);
  };
}

function render({ model, el }) {
  el.classList.add("glmw-guide");
  keepMenu(el, model);
  let end = () => {}, frame = 0;
  const wait = () => {
    const root = el.closest(".glmw-explorer");
    if (root) end = begin(root, el, model);
    else frame = requestAnimationFrame(wait); // not in the page yet
  };
  wait();
  return () => {
    cancelAnimationFrame(frame);
    end();
  };
}

export default hearing({ render });
