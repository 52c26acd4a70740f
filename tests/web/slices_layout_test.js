import { strictEqual as is } from "node:assert";
import { test } from "node:test";

import { enlarged, inSight, isInSight, layout, recentred } from "../../glmwidgets/web/slices_layout.js";

const grid = { shape: [80, 80, 35], spacing: [3, 3, 3] };
const scene = (width, maxHeight, bounded) =>
  layout({ mode: "ortho", grid, cursor: [0, 0, 0], cuts: [], axes: [2], maxHeight, bounded }, width);

test("slots fit into the width, and stand below each other where it is narrow", () => {
  for (
    const [width, height, bounded] of [[320, 560], [900, 560], [900, 300, true], [500, 900, true], [320, 90, true]]
  ) {
    const { slots, height: tall } = scene(width, height, bounded);
    is(slots.length, 3);
    for (const { x, y, w, h } of slots) is(x >= 0 && x + w <= width && y >= -1 && y + h <= tall + 1, true);
  }
});

test("a tall window is used: what shows more of the brain is taken", () => {
  const stacked = ({ slots: [axial, front] }) => front.y > axial.y + axial.h;
  is(stacked(scene(700, 300, true)), false);
  is(stacked(scene(700, 800, true)), true);
  const { slots, height } = scene(700, 800, true), used = Math.max(...slots.map((s) => s.y + s.h)) - slots[0].y;
  is(height, 800);
  is(used > 0.95 * 800, true);
});

test("a picture that is enlarged fills its room, and a place is in its middle or the picture ends at the room's edge", () => {
  const s = { axis: 2, x: 10, y: 20, w: 100, h: 80, px: 10, py: 20, pw: 100, ph: 80 }, shape = [50, 40, 7];
  for (const mirrored of [false, true]) {
    const middle = enlarged(s, shape, 4, [24.5, 19.5, 3], mirrored);
    is(middle.px + middle.pw / 2, 60);
    is(middle.py + middle.ph / 2, 60);
    const corner = enlarged(s, shape, 4, [0, 0, 0], mirrored);
    is(mirrored ? corner.px + corner.pw : corner.px, mirrored ? 110 : 10);
    is(corner.py + corner.ph, 100);
    is(isInSight(corner, shape, [0, 0, 0], mirrored), true);
    is(isInSight(corner, shape, [49, 39, 0], mirrored), false);
  }
  is(enlarged(s, shape, 1, [0, 0, 0], false), s);
});

test("what is under the pointer stays there while the picture grows, and follows the hand that moves it", () => {
  const s = { axis: 2, x: 0, y: 0, w: 100, h: 80, px: 0, py: 0, pw: 100, ph: 80 }, shape = [50, 40, 7];
  for (const mirrored of [false, true]) {
    const voxelAt = (slot, x) => ((x - slot.px) / slot.pw) * shape[0];
    const at = recentred(s, shape, [1, 2, 3], mirrored, { more: 3, about: [70, 30] });
    const large = enlarged(s, shape, 3, at, mirrored);
    is(Math.abs(voxelAt(large, 70) - voxelAt(s, 70)) < 1e-9, true);
    is(at[2], 3);
    const moved = enlarged(s, shape, 3, recentred(large, shape, at, mirrored, { dx: 5, dy: -4 }), mirrored);
    is(Math.abs(moved.px - large.px - 5) < 1e-9 && Math.abs(moved.py - large.py + 4) < 1e-9, true);
  }
});

test("pixels in sight begin where the slot does", () => {
  const s = { axis: 2, x: 10, y: 20, w: 100, h: 80, px: -90, py: 20, pw: 400, ph: 80 };
  const { x, y, width, height, wide, left, top } = inSight(s, 2);
  is([x, y, width, height, wide, left, top].join(" "), "20 40 200 160 800 200 0");
});
