// Which columns of a wide table are covered: none is seen in part, and none is covered that has room.

import { deepStrictEqual as same } from "node:assert";
import { test } from "node:test";

import { coversOf } from "../../glmwidgets/web/sideways.js";

// Columns of 50 pixels, the first of which begins `at` pixels from the left edge.
const columns = (n, at = 0) => Array.from({ length: n }, (_, k) => [at + 50 * k, at + 50 * (k + 1)]);

test("what has room is not covered", () => {
  same(coversOf(columns(4), 200), [0, 0]);
  same(coversOf(columns(4), 199.5), [0, 0]);
  same(coversOf([], 200), [0, 0]);
});

test("a column that is cut is covered whole", () => same(coversOf(columns(5), 220), [0, 20]));

test("the arrow has room where a column ends at the edge", () => same(coversOf(columns(5), 205), [0, 55]));

test("at the end of the way the left column is covered instead", () => {
  same(coversOf(columns(5, -30), 220), [20, 0]);
  same(coversOf(columns(5, -45), 205), [55, 0]);
});

test("in the middle both edges are", () => same(coversOf(columns(6, -30), 225), [20, 55]));

test("a column wider than the room is cut beside the arrow", () => same(coversOf([[0, 400]], 200), [0, 14]));
