import { deepStrictEqual as same } from "node:assert";
import { test } from "node:test";

import {
  asLines,
  headingOf,
  longestOf,
  moveOf,
  orderOf,
  pasted,
  pickedBy,
  placesOf,
  windowOf,
} from "../../glmwidgets/web/cells.js";

test("rows are put in order, equal ones stay as they were", () => {
  same(orderOf([3, 1, 2, 1], false), [1, 3, 2, 0]);
  same(orderOf([3, 1, 2, 1], true), [0, 2, 1, 3]);
  same(orderOf(["face 10", "face 9"], false), [1, 0]);
});

test("the heading says which way the rows run", () => {
  same([headingOf("z", false, false), headingOf("z", true, false), headingOf("z", true, true)], ["z", "z ▴", "z ▾"]);
});

test("keys move by cells, pages and to the ends", () => {
  same(["ArrowUp", "ArrowRight", "PageDown", "End", "a"].map((key) => moveOf(key, 40, 7)), [
    [-1, 0],
    [0, 1],
    [7, 0],
    [40, 0],
    undefined,
  ]);
});

test("what has no value comes last, whichever way the rows run", () => {
  same(orderOf([null, 2, NaN, 1], false), [3, 1, 0, 2]);
  same(orderOf([null, 2, NaN, 1], true), [1, 3, 0, 2]);
});

test("what belongs to a row stays below it", () => {
  const rows = [{ cells: [2] }, { cells: [null], sub: true }, { cells: [5] }, { cells: [3] }];
  same(placesOf(rows, -1, false), [0, 1, 2, 3]);
  same(placesOf(rows, 0, true), [2, 3, 0, 1]);
});

test("of many rows those in view exist, of few all", () => {
  same(windowOf(0, 300, 20, 50), [0, 50]);
  same(windowOf(0, 300, 20, 10_000), [0, 31]);
  same(windowOf(100_000, 300, 20, 10_000), [4992, 5023]);
  same(windowOf(199_700, 300, 20, 10_000), [9977, 10_000]);
  same(windowOf(1e9, 300, 20, 10_000), [10_000, 10_000]); // a table that has become shorter
});

test("a column is as wide as its longest text, of all rows", () => {
  same(longestOf([1, -1000, 20], String), 5);
  same(longestOf(["a", "abcdef", null], String), 6);
  same(longestOf(["a".repeat(90)], String), 24);
  same(longestOf([], String), 1);
});

test("rows are picked alone, one more or less, and in ranges of the order", () => {
  const order = [3, 1, 0, 2];
  same(pickedBy(order, [3], { place: 2, from: 0 }), [0]);
  same(pickedBy(order, [3], { place: 2, from: 0, toggle: true }), [3, 0]);
  same(pickedBy(order, [3, 0], { place: 2, from: 0, toggle: true }), [3]);
  same(pickedBy(order, [3], { place: 3, from: 1, extend: true }), [1, 0, 2]);
});

test("a block of a spreadsheet goes to the cells in view from one on, or nowhere", () => {
  const columns = [{ label: "#" }, { label: "onset", editable: true }, { label: "type", editable: true }];
  const order = [1, 0];
  same(pasted("1.5\tface\r\n2.5\thouse\r\n", { place: 0, column: 1 }, order, columns), {
    cells: [
      { row: 1, column: 1, text: "1.5" },
      { row: 1, column: 2, text: "face" },
      { row: 0, column: 1, text: "2.5" },
      { row: 0, column: 2, text: "house" },
    ],
  });
  const said = (text, place, column) => pasted(text, { place, column }, order, columns).said;
  same(said("1\n2", 1, 1), "2 rows were pasted where 1 follow; nothing was changed.");
  same(said("1\t2", 0, 2), "2 columns were pasted where 1 follow; nothing was changed.");
  same(said("1", 0, 0), "The column # cannot be edited; nothing was changed.");
  same(asLines([{ cells: [1, null, "a"] }, { cells: [2, 0.5, "b"] }]), "1\t\ta\n2\t0.5\tb");
});
