// Pictures of volumes: which values a plane holds, what survives, colours, outlines. Pure functions.
//
// Display axes are 0 = x (right), 1 = y (front), 2 = z (up). The plane normal to an axis shows the other two.

import { channels } from "./shared.js";

export const PLANE = [[1, 2], [0, 2], [0, 1]]; // axes to the right and upwards in the plane normal to x, y and z
export const AXIS = ["x", "y", "z"];
export const ENDS = [["L", "R"], ["P", "A"], ["I", "S"]]; // letters at the low and high end of each axis

const WHITE = 0.88; // of the background's brightest voxels, so that the map is what shines
const NEAR_ZERO = 0.4; // where both signs are seen without a threshold, full opacity begins at this part of the bar
const FADE_TOP = 0.6; // opacity just below the threshold, as a part of that above
export const STALE = 0.4; // and of a map that is out of date
export const GLASS = 26; // grey of the inside of the glass brain
export const FONT_PX = 11;

// Colours around the map: words and lines as style sheets have them, what is mixed into pixels as channels.
export function mapColours(palette) {
  const words = ["empty", "text", "quiet", "plate", "cross"],
    inks = ["flash", "outline", "shadow", "mask", "silhouette", "bar", "contour", "region"];
  const listed = (names, read) => names.map((name) => [name, read(palette(`map-${name}`))]);
  return Object.fromEntries([...listed(words, (colour) => colour), ...listed(inks, channels)]);
}

export const volume = ([nx, ny, nz]) => nx * ny * nz;
const strides = ([, ny, nz]) => [ny * nz, nz, 1];

// --------------------------------------------------------------------------------------------------- planes of volumes

// Where the values of one plane lie: data[base + u * su + v * sv], u to the right and v upwards.
export function planeOf(data, shape, axis, index) {
  const step = strides(shape), [u, v] = PLANE[axis];
  return { data, base: index * step[axis], su: step[u], sv: step[v] };
}

// Copy a plane into screen order: rows from the top, columns from the left.
export function toScreen(out, plane, w, h, mirrored) {
  const { data, base, su, sv } = plane;
  for (let row = 0, q = 0; row < h; row++) {
    let k = base + (h - 1 - row) * sv + (mirrored ? (w - 1) * su : 0);
    const step = mirrored ? -su : su;
    for (let col = 0; col < w; col++, q++, k += step) out[q] = data[k];
  }
  return out;
}

// Between voxels of a plane and points of the slot that shows it.
export function mapping(shape, s, mirrored) {
  const [w, h] = PLANE[s.axis].map((a) => shape[a]), sx = s.pw / w, sy = s.ph / h;
  const clamp = (c, n) => Math.max(0, Math.min(n - 1, Math.floor(c)));
  const column = (u) => (mirrored ? w - 1 - u : u);
  return {
    w,
    h,
    sx,
    sy,
    centre: (u, v) => [s.px + (column(u) + 0.5) * sx, s.py + (h - v - 0.5) * sy],
    voxel: (x, y) => [column(clamp((x - s.px) / sx, w)), h - 1 - clamp((y - s.py) / sy, h)],
  };
}

// The value of largest size along each line of sight (NaN where none survives), and where it lies, for clicks.
export function projection(data, shape, axis, strength, threshold, clusters, tint = data) {
  const step = strides(shape), [u, v] = PLANE[axis], w = shape[u], h = shape[v];
  const best = new Float32Array(w * h).fill(NaN), depth = new Int32Array(w * h);
  const tints = tint === data ? best : new Float32Array(w * h).fill(NaN);
  for (let a = 0; a < w; a++) {
    for (let b = 0; b < h; b++) {
      let top = -Infinity;
      for (let d = 0, k = a * step[u] + b * step[v]; d < shape[axis]; d++, k += step[axis]) {
        const s = strength(data[k]);
        if (s >= threshold && s > top && (!clusters || clusters[k] === 1)) {
          top = s;
          best[a * h + b] = data[k];
          tints[a * h + b] = tint[k];
          depth[a * h + b] = d;
        }
      }
    }
  }
  return { data: best, tint: tints, base: 0, su: h, sv: 1, depth, old: false };
}

// Whether any voxel along each line of sight is in the mask.
export function silhouette(dense, shape, axis) {
  const step = strides(shape), [u, v] = PLANE[axis], w = shape[u], h = shape[v], any = new Uint8Array(w * h);
  for (let a = 0; a < w; a++) {
    for (let b = 0; b < h; b++) {
      for (let d = 0, k = a * step[u] + b * step[v]; d < shape[axis]; d++, k += step[axis]) any[a * h + b] |= dense[k];
    }
  }
  return { data: any, base: 0, su: h, sv: 1 };
}

// ------------------------------------------------------------------------------------------------------- what survives

// Size of a value among those that are shown; NaN and the sign that is hidden never reach a threshold.
export const STRENGTH = {
  "two-sided": (v) => Math.abs(v),
  positive: (v) => v,
  negative: (v) => -v,
};

// 1 for each voxel in a face-connected cluster of one sign with at least `least` voxels. Has to be made afresh whenever
// a threshold moves, so that it keeps the memory that it works in.
let clusterStack = new Uint32Array(0);
export function largeClusters(data, inside, shape, strength, threshold, least) {
  const [nx, ny, nz] = shape, [sx, sy] = strides(shape);
  const state = new Uint8Array(data.length); // 1 kept, 2 seen and too small, 3 and 4 not seen yet: positive, negative
  if (clusterStack.length < inside.length) clusterStack = new Uint32Array(inside.length);
  const stack = clusterStack;
  for (const k of inside) if (strength(data[k]) >= threshold) state[k] = data[k] > 0 ? 3 : 4;
  for (const seed of inside) {
    const mark = state[seed];
    if (mark < 3) continue;
    let size = 1;
    state[seed] = 1;
    stack[0] = seed;
    for (let done = 0; done < size; done++) {
      const k = stack[done], x = (k / sx) | 0, y = ((k - x * sx) / sy) | 0, z = k - x * sx - y * sy;
      if (x > 0 && state[k - sx] === mark) {
        state[k - sx] = 1;
        stack[size++] = k - sx;
      }
      if (x < nx - 1 && state[k + sx] === mark) {
        state[k + sx] = 1;
        stack[size++] = k + sx;
      }
      if (y > 0 && state[k - sy] === mark) {
        state[k - sy] = 1;
        stack[size++] = k - sy;
      }
      if (y < ny - 1 && state[k + sy] === mark) {
        state[k + sy] = 1;
        stack[size++] = k + sy;
      }
      if (z > 0 && state[k - 1] === mark) {
        state[k - 1] = 1;
        stack[size++] = k - 1;
      }
      if (z < nz - 1 && state[k + 1] === mark) {
        state[k + 1] = 1;
        stack[size++] = k + 1;
      }
    }
    if (size < least) { for (let i = 0; i < size; i++) state[stack[i]] = 2; }
  }
  return state;
}

// ------------------------------------------------------------------------------------------------------------ painting

// Opacity below the threshold: falls with the square of the value's size. Where nothing within the colour bar can
// survive, the end of the bar takes the place of the threshold.
export function fading(size, { fade, threshold, end }) {
  if (!fade || !(size > 0)) return 0;
  const part = threshold > 0 ? Math.min(1, size / Math.min(threshold, end)) : 1;
  return FADE_TOP * part * part;
}

// Opacity of what is seen whole: none at a zero that lies in the middle, so that noise around it does not jump from one
// sign's colour to the other's. A size is a part of the colour bar here.
export const emerging = (size, { fade, sides }) => (fade && sides === "two-sided" ? Math.min(1, size / NEAR_ZERO) : 1);

// Values have one of 256 levels of each sign; the lookup table holds the negative ramp, then the positive one.
export const LEVELS = 256;

export function levelOf(value, perUnit) {
  const level = Math.min(LEVELS - 1, Math.abs(value) * perUnit) | 0;
  return value < 0 ? level : LEVELS + level;
}

export const rgb = (r, g, b) => 0xff000000 | (b << 16) | (g << 8) | r; // a pixel, as a little-endian machine keeps it

// Turns pixels towards an ink, [red, green, blue, opacity], in whole numbers because there are many of them. Red and
// blue leave each other room for their products, so they are mixed in one.
export function mixer([r, g, b, part]) {
  const RED_BLUE = 0xff00ff, GREEN = 0xff00, own = Math.round(256 * part), rest = 256 - own;
  const weighed = (pixel, mask, weight) => (((pixel & mask) * weight) >>> 8) & mask;
  const ink = rgb(r, g, b), redBlue = weighed(ink, RED_BLUE, own), green = weighed(ink, GREEN, own);
  return (pixel) => 0xff000000 | (weighed(pixel, RED_BLUE, rest) + redBlue) | (weighed(pixel, GREEN, rest) + green);
}

// Background and map into one colour for each voxel; opacities count to 256. Values decide how opaque, tints (the same
// array, or another statistic's) which colour. A background of finer parts says of each in which voxel it lies (whole).
export function blend(colors, greys, values, tints, keep, look, alpha, whole = null) {
  const { table, strength, vmax, end, sides } = look;
  const perUnit = (LEVELS - 1) / vmax, perSize = (LEVELS - 1) / end, floor = sides === "positive" ? 0 : -Infinity;
  const faded = new Uint16Array(2 * LEVELS), full = new Uint16Array(2 * LEVELS);
  for (let k = 0; k < faded.length; k++) {
    const level = k < LEVELS ? -k : k - LEVELS;
    faded[k] = 256 * alpha * fading(strength(level / perSize), look);
    full[k] = Math.round(256 * alpha * (look.open ? emerging(Math.abs(level) / (LEVELS - 1), look) : 1));
  }
  for (let q = 0; q < greys.length; q++) {
    const grey = (WHITE * greys[q]) | 0, voxel = whole ? whole[q] : q;
    if (!values || Number.isNaN(tints[voxel])) {
      colors[q] = rgb(grey, grey, grey);
      continue;
    }
    const k = levelOf(look.other ? Math.max(floor, tints[voxel]) : tints[voxel], perUnit);
    const own = look.whole || keep[voxel] ? full[k] : faded[levelOf(values[voxel], perSize)],
      under = grey * (256 - own);
    const channel = (c) => (under + own * table[3 * k + c]) >> 8;
    colors[q] = rgb(channel(0), channel(1), channel(2));
  }
}

// Voxels to pixels of the screen. Pixels are made here one by one, and not by scaling an image and stroking paths,
// because a path as long as the outline of a noisy map takes tens of milliseconds where there is no graphics card.
// Voxel k is between pixels steps[k] and steps[k + 1], counted from the first that is in sight.
export const steps = (n, size, from = 0) =>
  Int32Array.from({ length: n + 1 }, (_, i) => Math.round((i * size) / n) - from);

// The voxel that each pixel of a row shows, from the pixels at which voxels begin.
export function columnsOf(xs, width) {
  const columns = new Int32Array(width), within = (x) => Math.max(0, Math.min(width, x));
  for (let col = 0; col + 1 < xs.length; col++) columns.fill(col, within(xs[col]), within(xs[col + 1]));
  return columns;
}

export function enlarge(pixels, colors, { columns, ys, w, h, width, height }) {
  for (let row = 0; row < h; row++) {
    const top = Math.max(0, ys[row]), end = Math.min(height, ys[row + 1]);
    if (top >= end) continue; // more voxels than pixels, or out of sight
    const start = top * width, from = row * w;
    for (let x = 0; x < width; x++) pixels[start + x] = colors[from + columns[x]];
    for (let y = top + 1; y < end; y++) pixels.copyWithin(y * width, start, start + width);
  }
}

// The voxel of each part, where each of w × h voxels is cut into fu × fv parts; null where they are the same.
export function wholesOf(w, h, fu, fv) {
  if (fu === 1 && fv === 1) return null;
  const whole = new Int32Array(w * fu * h * fv);
  for (let row = 0, q = 0; row < h * fv; row++) {
    for (let col = 0; col < w * fu; col++, q++) whole[q] = ((row / fv) | 0) * w + ((col / fu) | 0);
  }
  return whole;
}

// A line around a set of voxels, outside it so that no value is covered; at the rim of the picture inside. Its outer
// corners stay open by themselves, which rounds them.
export function outline(pixels, set, { xs, ys, w, h, width, height }, ink, thick) {
  const inked = mixer(ink);
  const band = (left, top, right, bottom) => {
    const x0 = Math.max(0, left), x1 = Math.min(width, right), y1 = Math.min(height, bottom);
    for (let y = Math.max(0, top); y < y1; y++) {
      for (let k = y * width + x0; k < y * width + x1; k++) pixels[k] = inked(pixels[k]);
    }
  };
  for (let row = 0, q = 0; row < h; row++) {
    for (let col = 0; col < w; col++, q++) {
      if (set[q] !== 1) continue;
      const x0 = xs[col], x1 = xs[col + 1], y0 = ys[row], y1 = ys[row + 1];
      if (col === 0) band(x0, y0, x0 + thick, y1);
      else if (set[q - 1] !== 1) band(x0 - thick, y0, x0, y1);
      if (col === w - 1) band(x1 - thick, y0, x1, y1);
      else if (set[q + 1] !== 1) band(x1, y0, x1 + thick, y1);
      if (row === 0) band(x0, y0, x1, y0 + thick);
      else if (set[q - w] !== 1) band(x0, y0 - thick, x1, y0);
      if (row === h - 1) band(x0, y1 - thick, x1, y1);
      else if (set[q + w] !== 1) band(x0, y1, x1, y1 + thick);
    }
  }
}

// ---------------------------------------------------------------------------------------------------- words and lines

// Digits after the point that tell neighbouring voxels apart, as `digits_of` in Python: none from 1 mm up.
export function digitsOf(grid) {
  const [a, b, c, , d, e, f, , g, h, i] = grid.affine;
  const volume = Math.abs(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g));
  return Math.max(0, Math.ceil(-Math.log10(volume * (1 + 1e-5)) / 3));
}

export function toMm(grid, xyz) {
  const m = grid.affine;
  return [0, 4, 8].map((r) => m[r] * xyz[0] + m[r + 1] * xyz[1] + m[r + 2] * xyz[2] + m[r + 3]);
}

// The voxel, in fractions of one, that a place in mm lies in.
export function toVoxel(grid, mm) {
  const [a, b, c, p, d, e, f, q, g, h, i, r] = grid.affine, [x, y, z] = [mm[0] - p, mm[1] - q, mm[2] - r];
  const det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  return [
    ((e * i - f * h) * x + (c * h - b * i) * y + (b * f - c * e) * z) / det,
    ((f * g - d * i) * x + (a * i - c * g) * y + (c * d - a * f) * z) / det,
    ((d * h - e * g) * x + (b * g - a * h) * y + (a * e - b * d) * z) / det,
  ];
}

// Text on a dark plate inside a box, at one of its sides: -1 left or top, 0 middle, 1 right or bottom.
export function plate(ctx, text, box, [sideX, sideY], colours, color = colours.text) {
  const w = ctx.measureText(text).width + 8, h = FONT_PX + 5;
  const x = box.x + ((sideX + 1) / 2) * (box.w - w), y = box.y + ((sideY + 1) / 2) * (box.h - h);
  ctx.fillStyle = colours.plate;
  ctx.fillRect(x, y, w, h);
  ctx.fillStyle = color;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.fillText(text, x + 4, y + h / 2 + 0.5);
}

// Lines through a voxel that leave the voxel itself free; crisp at any pixel ratio.
export function crosshair(ctx, s, cx, cy, free, dpr, color) {
  const line = Math.max(1, Math.round(dpr)) / dpr, at = (c) => Math.round(c * dpr - (line * dpr) / 2) / dpr;
  ctx.save();
  ctx.beginPath();
  ctx.rect(s.x, s.y, s.w, s.h);
  ctx.clip();
  ctx.fillStyle = color;
  ctx.fillRect(at(cx), s.y, line, cy - free - s.y);
  ctx.fillRect(at(cx), cy + free, line, s.y + s.h - cy - free);
  ctx.fillRect(s.x, at(cy), cx - free - s.x, line);
  ctx.fillRect(cx + free, at(cy), s.x + s.w - cx - free, line);
  ctx.restore();
}
