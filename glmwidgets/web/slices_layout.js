// Where the planes stand: three of them, or rows of cuts, with the colour bar at their right. Pure functions.

import { AXIS, PLANE } from "./slices_paint.js";

const NARROW = 460; // CSS pixels of room; below it the axial plane stands above the other two
const GAP = 10, SIDES = 16; // between planes, and between maps beside each other
const BAR = { width: 11, gap: 14, ticks: 40 };
const MIN_SLOT = 46; // a plane of one voxel still leaves room for its label
const WRAP_GAIN = 1.15; // a mosaic row is broken in two where that makes its pictures so much larger
const AXIAL = { least: 0.9, most: 2.2, thin: 1.5 }; // scale of the axial plane against that of the others

// A slot is the room of a plane, { axis, index, x, y, w, h }, in CSS pixels; its picture is centred in it.
const pictureSize = (grid, axis, scale) => PLANE[axis].map((a) => grid.shape[a] * grid.spacing[a] * scale);

export function slot(grid, axis, index, scale, x, y, w) {
  const [pw, ph] = pictureSize(grid, axis, scale), h = Math.max(ph, MIN_SLOT);
  return { axis, index, x, y, w, h, px: x + (w - pw) / 2, py: y + (h - ph) / 2, pw, ph };
}

// Axial large at the left, coronal above sagittal at its right, both columns as high as each other where that fits.
function wideLayout(grid, [x, y, z], width, maxHeight) {
  const [ex, ey, ez] = grid.shape.map((n, a) => n * grid.spacing[a]), column = Math.max(ex, ey);
  const room = width - GAP;
  let side = (room - (GAP * ex) / ey) / ((2 * ez * ex) / ey + column), axial = (2 * ez * side + GAP) / ey;
  const ratio = axial / side < AXIAL.least ? AXIAL.thin : Math.min(AXIAL.most, axial / side); // few slices: axial large
  if (ratio !== axial / side) {
    side = room / (ratio * ex + column);
    axial = ratio * side;
  }
  const heightOf = (s) => Math.max(axial * s * ey, 2 * Math.max(MIN_SLOT, side * s * ez) + GAP);
  const shrink = Math.min(1, maxHeight / heightOf(1));
  axial *= shrink;
  side *= shrink;
  const left = axial * ex, right = side * column;
  const main = slot(grid, 2, z, axial, 0, 0, left);
  const top = slot(grid, 1, y, side, left + GAP, 0, right);
  const low = slot(grid, 0, x, side, left + GAP, top.h + GAP, right);
  const spare = main.h - (low.y + low.h);
  for (const s of spare > 0 ? [top, low] : [main]) {
    s.y += Math.abs(spare) / 2;
    s.py += Math.abs(spare) / 2;
  }
  return { slots: [main, top, low], width: left + GAP + right };
}

// Axial above coronal and sagittal; the two below are never larger than it.
function narrowLayout(grid, [x, y, z], width, maxHeight) {
  const [ex, ey, ez] = grid.shape.map((n, a) => n * grid.spacing[a]), room = maxHeight - GAP;
  const lower = Math.min((width - GAP) / (ex + ey), room / (ey + ez)), low = Math.max(MIN_SLOT, lower * ez);
  const upper = Math.min(width / ex, (room - low) / ey), left = (width - GAP - (ex + ey) * lower) / 2;
  const main = slot(grid, 2, z, upper, 0, 0, width);
  const front = slot(grid, 1, y, lower, left, main.h + GAP, ex * lower);
  const flank = slot(grid, 0, x, lower, left + front.w + GAP, main.h + GAP, ey * lower);
  return { slots: [main, front, flank], width };
}

const areaOf = ({ slots }) => slots.reduce((sum, s) => sum + s.pw * s.ph, 0);

// Where the height is given, whatever shows more of the brain; else the page's width decides.
function orthoLayout(grid, cursor, width, maxHeight, bounded) {
  if (!bounded) return (width < NARROW ? narrowLayout : wideLayout)(grid, cursor, width, maxHeight);
  const [wide, narrow] = [wideLayout, narrowLayout].map((make) => make(grid, cursor, width, maxHeight));
  return areaOf(narrow) > areaOf(wide) ? narrow : wide;
}

// Rows of cuts at one scale, each axis broken into so many rows that the pictures become large.
function mosaicLayout(grid, cuts, axes, width, maxHeight) {
  const gap = GAP / 2, size = axes.map((axis) => pictureSize(grid, axis, 1)), most = Math.max(...axes.map(countOf));
  function countOf(axis) {
    return cuts[AXIS[axis]].length;
  }
  function scaleOf(parts) {
    const across = axes.map((axis, i) => [Math.ceil(countOf(axis) / parts), size[i][0]]);
    const fits = across.map(([n, w]) => (width - gap * (n - 1)) / (n * w));
    const tall = parts * size.reduce((sum, [, h]) => sum + h, 0);
    return Math.min(...fits, (maxHeight - gap * (parts * axes.length - 1)) / tall);
  }
  let parts = 1;
  for (let more = 2; more <= most; more++) if (scaleOf(more) > WRAP_GAIN * scaleOf(parts)) parts = more;
  const scale = Math.max(scaleOf(parts), 1 / Math.max(...size.flat())), slots = [];
  let y = 0;
  axes.forEach((axis, i) => {
    const all = cuts[AXIS[axis]], count = Math.ceil(all.length / parts), w = size[i][0] * scale;
    for (let from = 0; from < all.length; from += count) {
      const row = all.slice(from, from + count);
      row.forEach((index, c) => slots.push(slot(grid, axis, index, scale, c * (w + gap), y, w)));
      y = slots.at(-1).y + slots.at(-1).h + gap;
    }
  });
  return { slots, width: Math.max(...slots.map((s) => s.x + s.w)) };
}

// Slots centred in a canvas of this width, with the place of the colour bar at their right; of the height that is given
// where that is `bounded`. Several maps `beside` each other have the same slots, by their number `side`.
export function layout({ mode, grid, cursor, cuts, axes, maxHeight, bounded = false, beside = 1 }, width) {
  const room = (width - BAR.gap - BAR.width - BAR.ticks - (beside - 1) * SIDES) / beside;
  const { slots: one, width: used } = mode === "mosaic"
    ? mosaicLayout(grid, cuts, axes, room, maxHeight)
    : orthoLayout(grid, cursor, room, maxHeight, bounded || beside > 1);
  const tall = Math.max(...one.map((s) => s.y + s.h)), height = bounded ? Math.max(tall, maxHeight) : tall;
  const left = Math.max(0, (room - used) / 2), top = (height - tall) / 2, slots = [];
  for (let side = 0; side < beside; side++) {
    const x = left + side * (room + SIDES);
    for (const s of one) slots.push({ ...s, side, x: s.x + x, px: s.px + x, y: s.y + top, py: s.py + top });
  }
  const right = left + used + (beside - 1) * (room + SIDES);
  return { slots, height, bar: { x: right + BAR.gap, y: 0, w: BAR.width, h: height } };
}

// The same slot with its edges on whole pixels of the screen.
export function snapped(s, dpr) {
  const at = (c) => Math.round(c * dpr) / dpr;
  const size = (start, length) => Math.max(1 / dpr, at(start + length) - at(start));
  return {
    ...s,
    x: at(s.x),
    y: at(s.y),
    w: size(s.x, s.w),
    h: size(s.y, s.h),
    px: at(s.px),
    py: at(s.py),
    pw: size(s.px, s.pw),
    ph: size(s.py, s.ph),
  };
}

// ---------------------------------------------------------------------------------------------------- enlarged pictures

const shareOf = ({ axis }, shape, at, mirrored) => {
  const [u, v] = PLANE[axis], right = (at[u] + 0.5) / shape[u];
  return [mirrored ? 1 - right : right, 1 - (at[v] + 0.5) / shape[v]];
};

// Start of a picture that is `large` in a room, with its share `part` in the middle as far as no gap opens at its ends.
function placed(start, room, large, part) {
  if (large <= room) return start + (room - large) / 2;
  return Math.min(start, Math.max(start + room - large, start + room / 2 - part * large));
}

// The slot with its picture so many times as large, and a place, in voxels, in the middle of what is in sight.
export function enlarged(s, shape, factor, at, mirrored) {
  if (!(factor > 1)) return s;
  const [right, down] = shareOf(s, shape, at, mirrored), pw = s.pw * factor, ph = s.ph * factor;
  return { ...s, px: placed(s.x, s.w, pw, right), py: placed(s.y, s.h, ph, down), pw, ph };
}

// The place that is in the middle of a slot's sight once the picture has moved by (dx, dy) and grown by `more` about a
// point; in the plane's two axes, the third as it was.
export function recentred(
  s,
  shape,
  at,
  mirrored,
  { dx = 0, dy = 0, more = 1, about = [s.x + s.w / 2, s.y + s.h / 2] },
) {
  const [u, v] = PLANE[s.axis], out = [...at];
  const along = (start, room, first, size, shift, fixed) => {
    const moved = fixed - (fixed - first) * more + shift; // where the picture then begins
    return (start + room / 2 - moved) / (size * more);
  };
  const right = Math.min(1, Math.max(0, along(s.x, s.w, s.px, s.pw, dx, about[0])));
  const down = Math.min(1, Math.max(0, along(s.y, s.h, s.py, s.ph, dy, about[1])));
  out[u] = (mirrored ? 1 - right : right) * shape[u] - 0.5;
  out[v] = (1 - down) * shape[v] - 0.5;
  return out;
}

// Which pixels of a slot's picture are in sight, and where they go on the canvas: whole pixels of the screen.
export function inSight(s, dpr) {
  const px = (c) => Math.round(c * dpr), x = px(Math.max(s.x, s.px)), y = px(Math.max(s.y, s.py));
  const right = px(Math.min(s.x + s.w, s.px + s.pw)), low = px(Math.min(s.y + s.h, s.py + s.ph));
  return {
    x,
    y,
    width: Math.max(1, right - x),
    height: Math.max(1, low - y),
    wide: Math.max(1, px(s.pw)),
    tall: Math.max(1, px(s.ph)),
    left: x - px(s.px),
    top: y - px(s.py),
  };
}

// Whether a voxel of a slot's picture, as it is enlarged, is in sight.
export function isInSight(s, shape, at, mirrored) {
  const [right, down] = shareOf(s, shape, at, mirrored), x = s.px + right * s.pw, y = s.py + down * s.ph;
  return x >= s.x && x <= s.x + s.w && y >= s.y && y <= s.y + s.h;
}
