import { deepStrictEqual as same, strictEqual as is } from "node:assert";
import { test } from "node:test";

import { between, createStroke, disc, drawn, numbersOf } from "../../glmwidgets/web/slices_brush.js";

const shape = [5, 6, 7], spacing = [3, 2, 4];
const at = (x, y, z) => (x * 6 + y) * 7 + z;

test("a disc holds what is near in mm, in the plane's own axes", () => {
  same(disc(shape, spacing, 2, [2, 3], 0.5), [[2, 3]]);
  // 3 mm to the right and 2 or 4 mm upwards
  const near = disc(shape, spacing, 2, [2, 3], 4).map(String).sort();
  same(near, ["1,2", "1,3", "1,4", "2,1", "2,2", "2,3", "2,4", "2,5", "3,2", "3,3", "3,4"].sort());
  // the plane normal to x shows y and z
  same(disc(shape, spacing, 0, [3, 3], 2).map(String).sort(), ["2,3", "3,3", "4,3"]);
});

test("a disc at the rim stays inside", () => {
  const found = disc(shape, spacing, 2, [0, 0], 3);
  same(found.map(String).sort(), ["0,0", "0,1", "1,0"]);
});

test("a fast hand leaves no gap", () => {
  same(between([0, 0], [3, 1]), [[1, 0], [2, 1], [3, 1]]);
  same(between([2, 2], [2, 2]), []);
  same(between([2, 2], [0, 2]), [[1, 2], [0, 2]]);
});

test("a stroke touches voxels of its plane, by their numbers in the volume", () => {
  const stroke = createStroke({ shape, spacing }, 1, 4, 1, false); // normal to y: x and z
  stroke.to([1, 2]);
  stroke.to([3, 2]);
  same([...numbersOf(stroke)], [at(1, 4, 2), at(2, 4, 2), at(3, 4, 2)]);
  is(stroke.length, 2);
});

test("what was drawn is joined, and what is erased is taken away; the region before stays as it was", () => {
  const one = createStroke({ shape, spacing }, 2, 3, 0.1, false),
    two = createStroke({ shape, spacing }, 2, 3, 0.1, true);
  one.to([1, 1]);
  one.to([2, 1]);
  two.to([1, 1]);
  const region = drawn(null, one);
  same([...numbersOf({ touched: region })], [at(1, 1, 3), at(2, 1, 3)]);
  same([...numbersOf({ touched: drawn(region, two) })], [at(2, 1, 3)]);
  same([...numbersOf({ touched: region })], [at(1, 1, 3), at(2, 1, 3)]);
  is(drawn(region, null), region);
});
