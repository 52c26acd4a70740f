// Cells of tables: in which order rows stand, which of them exist, what a key, a copy or a paste says, how one types.

import { inOrder } from "./shared.js";

const isMissing = (value) => value === null || value === undefined || Number.isNaN(value);

// Places of rows by the values of one column; equal ones stay as they were, and what has no value comes last.
export function orderOf(values, falling) {
  const sign = falling ? -1 : 1;
  const compare = (a, b) => {
    const lacks = [a, b].map((k) => isMissing(values[k]));
    return lacks[0] || lacks[1] ? lacks[0] - lacks[1] : sign * inOrder(values[a], values[b]);
  };
  return values.map((_, k) => k).sort((a, b) => compare(a, b) || a - b);
}

// The same of rows some of which belong to the one above: these stay below it, whatever the order.
export function placesOf(rows, column, falling) {
  const together = [];
  rows.forEach((row, k) => row.sub && together.length ? together.at(-1).push(k) : together.push([k]));
  const order = column < 0 ? together.keys() : orderOf(together.map(([first]) => rows[first].cells[column]), falling);
  return [...order].flatMap((k) => together[k]);
}

// First and last but one of the rows that exist: those in view and some around them, all of a table that is short.
export function windowOf(top, height, rowHeight, n, { all = 60, around = 8 } = {}) {
  if (n <= all) return [0, n];
  const first = Math.min(n, Math.max(0, Math.floor(top / rowHeight) - around));
  return [first, Math.min(n, first + Math.ceil(height / rowHeight) + 2 * around)];
}

// Characters of the longest text of a column, so that it is as wide for the rows in view as for all.
export function longestOf(values, text, most = 24) {
  const numbers = values.filter((value) => typeof value === "number");
  const ends = [numbers.reduce((a, b) => Math.min(a, b), 0), numbers.reduce((a, b) => Math.max(a, b), 0)];
  const words = values.filter((value) => typeof value === "string");
  return Math.min(most, [...ends.map(text), ...words].reduce((n, { length }) => Math.max(n, length), 0));
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

// What is picked once a row was: this alone, one more or less, or all between two places of the order.
export function pickedBy(order, picked, { place, from, extend = false, toggle = false }) {
  const row = order[place];
  if (extend) return order.slice(Math.min(from, place), Math.max(from, place) + 1);
  if (!toggle) return [row];
  return picked.includes(row) ? picked.filter((other) => other !== row) : [...picked, row];
}

export const typed = (value) => String(value ?? "");

// Rows as a spreadsheet takes them.
export const asLines = (rows) => rows.map(({ cells }) => cells.map(typed).join("\t")).join("\n");

// What a block of a spreadsheet says to the cells from one on: { cells }, or why it does not fit: { said }.
export function pasted(text, at, order, columns) {
  const lines = text.replace(/\r?\n$/, "").split(/\r?\n/).map((line) => line.split("\t"));
  const wide = Math.max(...lines.map((line) => line.length));
  const free = order.length - at.place, room = columns.length - at.column;
  if (lines.length > free) {
    return { said: `${lines.length} rows were pasted where ${free} follow; nothing was changed.` };
  }
  if (wide > room) return { said: `${wide} columns were pasted where ${room} follow; nothing was changed.` };
  const shut = columns.slice(at.column, at.column + wide).find((column) => !column.editable);
  if (shut) return { said: `The column ${shut.label} cannot be edited; nothing was changed.` };
  return {
    cells: lines.flatMap((line, r) =>
      line.map((words, c) => ({ row: order[at.place + r], column: at.column + c, text: words }))
    ),
  };
}

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
