import { deepStrictEqual as same, strictEqual as is } from "node:assert";
import { test } from "node:test";

import {
  blend,
  columnsOf,
  digitsOf,
  largeClusters,
  mapping,
  mixer,
  planeOf,
  projection,
  silhouette,
  steps,
  STRENGTH,
  toMm,
  toScreen,
  toVoxel,
  wholesOf,
} from "../../glmwidgets/web/slices_paint.js";

const shape = [4, 3, 2];
const data = Float32Array.from({ length: 24 }, (_, k) => k);
const at = (x, y, z) => x * 6 + y * 2 + z;

test("a plane is copied with its top row first, mirrored where left is right", () => {
  const plane = planeOf(data, shape, 2, 1), out = new Float32Array(12);
  same([...toScreen(out, plane, 4, 3, false)].slice(0, 4), [0, 1, 2, 3].map((x) => at(x, 2, 1)));
  same([...toScreen(out, plane, 4, 3, true)].slice(0, 4), [3, 2, 1, 0].map((x) => at(x, 2, 1)));
});

test("a click finds the voxel whose centre was drawn there", () => {
  const slot = { axis: 2, px: 10, py: 20, pw: 40, ph: 30 };
  for (const mirrored of [false, true]) {
    const on = mapping(shape, slot, mirrored);
    for (const voxel of [[0, 0], [3, 2], [1, 1]]) same(on.voxel(...on.centre(...voxel)), voxel);
    same(on.voxel(-100, 1000), [mirrored ? 3 : 0, 0]);
  }
});

test("clusters touch by faces, have one sign, and are large enough", () => {
  const values = new Float32Array(24).fill(NaN);
  for (const [x, y, z] of [[0, 0, 0], [1, 0, 0], [2, 1, 0]]) values[at(x, y, z)] = 4;
  values[at(1, 1, 0)] = -5;
  const inside = Uint32Array.from({ length: 24 }, (_, k) => k);
  const state = largeClusters(values, inside, shape, STRENGTH["two-sided"], 3, 2);
  same([[0, 0, 0], [1, 0, 0], [2, 1, 0], [1, 1, 0]].map((xyz) => state[at(...xyz)] === 1), [true, true, false, false]);
});

test("a glass brain shows the largest value along a line, and where it lies", () => {
  const seen = projection(data, shape, 1, STRENGTH.positive, 0, null);
  is(seen.data[1 * 2 + 1], at(1, 2, 1));
  is(seen.depth[1 * 2 + 1], 2);
  const dense = new Uint8Array(24);
  dense[at(2, 1, 0)] = 1;
  same(silhouette(dense, shape, 1).data.reduce((sum, v) => sum + v), 1);
});

test("an ink of half opacity is half way", () => {
  const half = mixer([255, 255, 255, 0.5])(0xff000000);
  same([half & 255, (half >> 8) & 255, (half >> 16) & 255].map((c) => Math.abs(c - 127) <= 1), [true, true, true]);
  is(mixer([10, 20, 30, 0])(0xff123456) >>> 0, 0xff123456);
});

test("what survives has the colour of its level, and the rest stays grey", () => {
  const table = new Uint8Array(2 * 256 * 3).fill(200);
  const look = {
    table,
    strength: STRENGTH["two-sided"],
    vmax: 8,
    end: 8,
    sides: "two-sided",
    whole: false,
    threshold: 3,
  };
  const colours = new Uint32Array(3);
  blend(colours, new Uint8Array(3), Float32Array.of(5, 1, NaN), Float32Array.of(5, 1, NaN), [1, 0, 0], look, 1);
  is(colours[0] & 255, 200);
  is(colours[1] >>> 0, 0xff000000);
  is(colours[2] >>> 0, 0xff000000);
});

test("pixels are shared out among voxels without gaps", () => {
  same([...steps(3, 10)], [0, 3, 7, 10]);
  same([...columnsOf(steps(3, 4), 4)], [0, 1, 1, 2]);
  same([...columnsOf(steps(3, 30, 5), 10)], [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]); // from the middle of the first voxel
});

test("places are in mm with the digits that voxels need", () => {
  const grid = (size) => ({ affine: [-size, 0, 0, 90, 0, size, 0, -126, 0, 0, size, -72] });
  same(toMm(grid(2), [1, 2, 3]), [88, -122, -66]);
  const tilted = { affine: [2.9, -0.4, 0, -80, 0.4, 2.9, 0.1, 30, 0, -0.1, 4, 5] };
  const voxel = toVoxel(tilted, toMm(tilted, [10, 20, 30]));
  is([10, 20, 30].every((c, a) => Math.abs(c - voxel[a]) < 1e-9), true);
  same([3, 1, 0.7, 0.05].map((size) => digitsOf(grid(size))), [0, 0, 1, 2]);
});

test("parts of a background that is finer take the colours of the voxel that they lie in", () => {
  same([...wholesOf(2, 1, 2, 2)], [0, 0, 1, 1, 0, 0, 1, 1]);
  is(wholesOf(2, 1, 1, 1), null);
  const look = {
    table: new Uint8Array(1536).fill(200),
    strength: STRENGTH["two-sided"],
    vmax: 8,
    end: 8,
    threshold: 3,
  };
  const colours = new Uint32Array(8), values = Float32Array.of(5, NaN), greys = new Uint8Array(8).map((_, q) => 10 * q);
  blend(colours, greys, values, values, [1, 0], { ...look, sides: "two-sided" }, 1, wholesOf(2, 1, 2, 2));
  same([...colours].map((c) => c & 255), [200, 200, 17, 26, 200, 200, 52, 61]);
});
