// Where the tiles of a wall stand, and what a cell of a small map looks like.

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

// Colour of a level from -127 to 127: from the threshold on as the map has it, below it fading into grey.
export function levelColour(level, threshold, lut, grey) {
  const size = Math.abs(level), share = threshold > 0 ? Math.min(1, size / threshold) : 1;
  const at = 3 * ((level < 0 ? 0 : 256) + Math.min(255, 2 * size)), weight = share < 1 ? 0.5 * share ** 3 : 1;
  return [0, 1, 2].map((c) => Math.round(weight * lut[at + c] + (1 - weight) * grey));
}
