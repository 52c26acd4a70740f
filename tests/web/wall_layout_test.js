import { deepStrictEqual as same } from "node:assert";
import { test } from "node:test";

import {
  boundsOf,
  fittingWidth,
  levelColour,
  resized,
  SIZES,
  tileAt,
  tilesInView,
  tiling,
} from "../../glmwidgets/web/wall_layout.js";

test("only the rows of tiles that are in view are drawn", () => {
  same(tilesInView(432, 10, 100, 250, 300), Array.from({ length: 40 }, (_, k) => 20 + k));
  same(tilesInView(5, 10, 100, 0, 300), [0, 1, 2, 3, 4]);
  same(tilesInView(0, 10, 100, 0, 300), []);
});

test("a point is of the tile that it lies on, or of none", () => {
  same(tileAt({ x: 15, y: 105 }, 3, 10, 100, 9), 4);
  same(tileAt({ x: 35, y: 5 }, 3, 10, 100, 9), -1);
  same(tileAt({ x: 25, y: 205 }, 3, 10, 100, 8), -1);
});

test("a level over the threshold has the map's colour, zero that of the brain", () => {
  const lut = new Uint8Array(6 * 256).fill(7);
  same(levelColour(60, 30, 50, lut, 200), [7, 7, 7]);
  same(levelColour(0, 30, 50, lut, 200), [200, 200, 200]);
  same(levelColour(-15, 30, 50, lut, 200), [188, 188, 188]);
  // The map's colours end where its bar does.
  for (let k = 0; k < 256; k++) lut.fill(k, 3 * (256 + k), 3 * (257 + k));
  same([25, 50, 127].map((level) => levelColour(level, 20, 50, lut, 200)[0]), [128, 255, 255]);
});

test("maps are as large as all are seen at once, or as can be read", () => {
  const room = { width: 700, height: 300 };
  for (const n of [1, 5, 12, 28]) {
    const width = fittingWidth(n, room, 1.2), { across, height } = tiling(n, room, width, 1.2);
    same([width >= SIZES.least && width <= SIZES.most, across * Math.floor(room.height / height) >= n], [true, true]);
  }
  same(fittingWidth(1, room, 1.2), SIZES.most);
  // A participant or two more than a row holds make two rows, not one that is scrolled through.
  same(fittingWidth(12, { width: 596, height: 174 }, 25 / 18), 50);
  same(fittingWidth(432, room, 1.2), SIZES.read);
  same([resized(88, 1), resized(88, -9), resized(88, 9)], [110, SIZES.least, SIZES.most]);
});

test("rows that are scrolled through share the room, and no name is cut", () => {
  const room = { width: 700, height: 300 }, { across, width, high, height } = tiling(432, room, 88, 1.2);
  same([across, across * width <= room.width, room.height % height, high <= height - 18], [7, true, 0, true]);
});

test("a slice is drawn without the margins of its grid", () => {
  const shape = [6, 5, 2], at = (x, y, z) => (x * 5 + y) * 2 + z;
  same(boundsOf([at(1, 2, 0), at(4, 3, 1)], shape), { left: 1, right: 4, low: 2, top: 3 });
  same(boundsOf([], shape), { left: 0, right: 0, low: 0, top: 0 });
});
