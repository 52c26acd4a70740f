// Cells of tables: how rows are put in order, and how a cell is typed into.

import { inOrder } from "./shared.js";

// Places of rows by the values of one column; equal ones stay as they were.
export function orderOf(values, falling) {
  const sign = falling ? -1 : 1;
  return values.map((_, k) => k).sort((a, b) => sign * inOrder(values[a], values[b]) || a - b);
}

export const headingOf = (label, sorted, falling) => label + (sorted ? (falling ? " \u25be" : " \u25b4") : "");

// Rows and columns that a key moves by in a table of so many rows, of which a page is in view.
export const moveOf = (key, rows, page = 10) => ({
  ArrowDown: [1, 0],
  ArrowUp: [-1, 0],
  ArrowRight: [0, 1],
  ArrowLeft: [0, -1],
  PageDown: [page, 0],
  PageUp: [-page, 0],
  Home: [-rows, 0],
  End: [rows, 0],
}[key]);

// Puts a field into a cell. `finish(text, move)` is called once: text is null if it was left by Escape; move is the
// [rows, columns] that Enter or Tab go on by, [0, 0] for Escape, and null where the focus went elsewhere.
export function typeInto(cell, { text, whole, label, list = "" }, finish) {
  const input = document.createElement("input");
  input.type = "text";
  input.value = text;
  input.setAttribute("aria-label", label);
  if (list) input.setAttribute("list", list);
  cell.replaceChildren(input);
  let open = true;
  const close = (kept, move) => {
    if (!open) return;
    open = false;
    finish(kept, move);
  };
  input.focus();
  if (whole) input.select();
  input.addEventListener("blur", () => close(input.value, null));
  input.addEventListener("keydown", (event) => {
    event.stopPropagation(); // letters are commands of the notebook, too
    const back = event.shiftKey ? -1 : 1, move = { Enter: [back, 0], Tab: [0, back] }[event.key];
    if (event.key === "Escape") close(null, [0, 0]);
    else if (move) close(input.value, move);
    else return;
    event.preventDefault();
  });
  return { input, close: () => close(input.value, null) };
}
