// Where the tiles of a wall stand, how large they are, and what a cell of a small map looks like.

// Pixels of a tile's name, and between tiles.
export const NAME = 14;
export const GAP = 4;
// Widths of a map in pixels: those that can be asked for, the least of which are those of a wall that is only just seen as a
// whole, and that of one which is scrolled through.
export const SIZES = { least: 48, read: 88, most: 176 };

// Width of maps of which so many are seen at once in a room: as wide as that allows, or such as can be read and scrolled
// through. `tall` is a map's height for a width of 1.
export function fittingWidth(n, room, tall, { least, read, most } = SIZES) {
  for (let width = most; width >= least; width--) {
    const across = Math.floor(room.width / (width + GAP));
    if (across * Math.floor(room.height / (Math.round(width * tall) + NAME + GAP)) >= n) return width;
  }
  return read;
}

// The next width that a hand asks for: larger or smaller by a quarter.
export const resized = (width, by, { least, most } = SIZES) =>
  Math.max(least, Math.min(most, Math.round(width * 1.25 ** by)));

// Size of a tile and of the map in it, and how many stand side by side. Where there are more than the room shows, rows
// share it, somewhat lower or wider apart, so that no name is cut at its edge.
export function tiling(n, room, width, tall) {
  const across = Math.max(1, Math.floor(room.width / (width + GAP)));
  const high = Math.round(width * tall), least = high + NAME + GAP;
  const wide = Math.min(width + GAP + 24, room.width / Math.max(1, Math.min(n, across)));
  if (n <= across * Math.floor(room.height / least)) return { across, width: wide, high, height: least };
  const height = room.height / Math.max(1, Math.round(room.height / least));
  return { across, width: wide, high: Math.min(high, height - NAME - GAP), height };
}

// The part of a slice that any cell lies in: margins of the grid are not drawn.
export function boundsOf(cells, [, h, depth]) {
  const found = { left: Infinity, right: -1, low: Infinity, top: -1 };
  for (const cell of cells) {
    const place = Math.floor(cell / depth), x = Math.floor(place / h), y = place % h;
    found.left = Math.min(found.left, x);
    found.right = Math.max(found.right, x);
    found.low = Math.min(found.low, y);
    found.top = Math.max(found.top, y);
  }
  return found.right < 0 ? { left: 0, right: 0, low: 0, top: 0 } : found;
}

// Places of the tiles that a stretch of so many pixels from `top` on shows.
export function tilesInView(n, columns, height, top, view) {
  const first = Math.max(0, Math.floor(top / height)) * columns;
  const last = Math.min(n, Math.ceil((top + view) / height) * columns);
  return Array.from({ length: Math.max(0, last - first) }, (_, k) => first + k);
}

// Place of the tile at a point; -1 for none.
export function tileAt({ x, y }, columns, width, height, n) {
  const column = Math.floor(x / width), place = Math.floor(y / height) * columns + column;
  return column >= 0 && column < columns && y >= 0 && place < n ? place : -1;
}

// Colour of a level: from the threshold on as the map has it, whose colours end at the level `full`; below it fading into
// the grey of the brain.
export function levelColour(level, threshold, full, lut, grey) {
  const size = Math.abs(level), share = threshold > 0 ? Math.min(1, size / threshold) : 1;
  const step = Math.min(255, Math.round(255 * size / full)), at = 3 * ((level < 0 ? 0 : 256) + step);
  const weight = share < 1 ? 0.5 * share ** 3 : 1;
  return [0, 1, 2].map((c) => Math.round(weight * lut[at + c] + (1 - weight) * grey));
}
