import { deepStrictEqual as same } from "node:assert";
import { test } from "node:test";

import { levelColour, tileAt, tilesInView } from "../../glmwidgets/web/wall_layout.js";

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
  same(levelColour(60, 30, lut, 200), [7, 7, 7]);
  same(levelColour(0, 30, lut, 200), [200, 200, 200]);
  same(levelColour(-15, 30, lut, 200), [188, 188, 188]);
});
