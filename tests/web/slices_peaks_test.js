import { deepStrictEqual as same, strictEqual as is } from "node:assert";
import { test } from "node:test";

import { STRENGTH } from "../../glmwidgets/web/slices_paint.js";
import { clusterAt, peakOf, sliceOf } from "../../glmwidgets/web/slices_peaks.js";
import { numbersIn } from "../../glmwidgets/web/slices_tools.js";

const shape = [4, 3, 2], at = (x, y, z) => x * 6 + y * 2 + z, both = STRENGTH["two-sided"];
const values = new Float32Array(24).fill(0.5);
const put = (place, value) => {
  values[at(...place)] = value;
};
put([0, 0, 0], 4);
put([1, 0, 0], 5);
put([1, 1, 0], -6); // beside it, of the other sign
put([3, 2, 1], -9);
values[at(0, 2, 1)] = NaN;
const everywhere = Uint32Array.from({ length: 24 }, (_, k) => k);

test("the peak of the map is the largest value of the sign that is shown", () => {
  same(peakOf(values, shape, everywhere, both), [3, 2, 1]);
  same(peakOf(values, shape, everywhere, STRENGTH.positive), [1, 0, 0]);
  is(peakOf(new Float32Array(24).fill(NaN), shape, everywhere, both), null);
});

test("the peak of a slice lies in it", () => {
  for (const [axis, index, peak] of [[2, 0, [1, 1, 0]], [0, 0, [0, 0, 0]], [1, 2, [3, 2, 1]]]) {
    same(peakOf(values, shape, sliceOf(shape, axis, index), both), peak);
  }
});

test("a cluster is of one sign and joined by faces; a voxel that does not survive has none", () => {
  same(clusterAt(values, shape, [0, 0, 0], both, 3).map(Number).sort((a, b) => a - b), [at(0, 0, 0), at(1, 0, 0)]);
  same(peakOf(values, shape, clusterAt(values, shape, [0, 0, 0], both, 3), both), [1, 0, 0]);
  same(clusterAt(values, shape, [2, 2, 0], both, 3), []);
});

test("three numbers are read however they are written", () => {
  same(numbersIn("\u221223.4, 16 8"), [-23.4, 16, 8]);
  is(numbersIn("12, 3"), null);
  is(numbersIn("1 2 3 4"), null);
});
