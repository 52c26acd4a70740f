import { strictEqual as is } from "node:assert";
import { test } from "node:test";

import { layout } from "../../glmwidgets/web/slices_layout.js";

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
