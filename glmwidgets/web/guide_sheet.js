// A sheet over the explorer: opened when it is asked for, closed by Escape, with the focus kept inside and given back.

import { element } from "./shared.js";

const FOCUSABLE = "button, input, [tabindex='0']";

export function makeSheet(root) {
  let shown = null, before = null;

  function close() {
    if (!shown) return;
    shown.remove();
    shown = null;
    before?.focus?.({ preventScroll: true });
  }

  function open(title, css) {
    if (!shown) before = root.contains(document.activeElement) ? document.activeElement : root;
    shown?.remove();
    shown = element("div", "glmw-over", root);
    const card = element("div", `glmw-sheet ${css}`, shown);
    card.setAttribute("role", "dialog");
    card.setAttribute("aria-modal", "true");
    card.setAttribute("aria-label", title);
    shown.addEventListener("pointerdown", (event) => {
      if (event.target === shown) close();
    });
    // Keys that are pressed in a sheet are the sheet's.
    shown.addEventListener("keydown", (event) => {
      if (event.key === "Escape") close();
      else if (event.key === "Tab") {
        const all = [...card.querySelectorAll(FOCUSABLE)], first = all[0], last = all[all.length - 1];
        const [from, to] = event.shiftKey ? [first, last] : [last, first];
        if (document.activeElement !== from) return event.stopPropagation();
        to?.focus();
      } else return event.stopPropagation();
      event.preventDefault();
      event.stopPropagation();
    });
    return card;
  }

  return { open, close, isOpen: () => shown !== null };
}

// A button that puts a text on the clipboard, and says so.
export function copyButton(parent, label, text) {
  const button = element("button", "glmw-copy", parent);
  button.type = "button";
  button.textContent = label;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "copied";
    } catch {
      const range = document.createRange();
      range.selectNodeContents(button.parentElement.querySelector("code") ?? button.parentElement);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      button.textContent = "press Ctrl+C";
    }
    setTimeout(() => button.textContent = label, 1500);
  });
  return button;
}

// What was asked for, from above: words under a heading, lines of code, or a table of pairs. All of it is text.
export function fillSheet(card, title, parts, close, nameOf) {
  const head = element("div", "glmw-sheet-head", card);
  element("h3", "", head).textContent = title;
  const shut = element("button", "glmw-close", head);
  shut.type = "button";
  shut.textContent = "close";
  shut.addEventListener("click", close);
  for (const { heading, text, code, rows } of parts) {
    if (heading) element("h4", "", card).textContent = heading;
    if (text) element("p", "", card).textContent = text;
    if (code) {
      const list = element("ol", "glmw-code", card);
      for (const line of code) {
        const item = element("li", "", list);
        element("code", "", item).textContent = line;
        copyButton(item, "copy", line);
      }
      if (code.length > 1) copyButton(element("div", "glmw-copy-all", card), "copy all", code.join("\n"));
    }
    if (rows) {
      const table = element("table", "", card);
      for (const [name, value] of rows) {
        const row = table.insertRow();
        element("kbd", "", row.insertCell()).textContent = nameOf(name);
        row.insertCell().textContent = value;
      }
    }
  }
  shut.focus({ preventScroll: true });
}
