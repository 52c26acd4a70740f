import { deepStrictEqual as same } from "node:assert";
import { test } from "node:test";

import { headingOf, moveOf, orderOf } from "../../glmwidgets/web/cells.js";

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
