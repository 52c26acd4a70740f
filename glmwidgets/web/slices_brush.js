// A brush on the slices: discs within the plane that is drawn on, joined along the way of the hand. Pure functions, and the
// stroke that a view shows until the kernel has taken it.

import { PLANE, volume } from "./slices_paint.js";

// Places (u, v) of a plane at most a radius, in mm, from a place: at least that place itself.
export function disc(shape, spacing, axis, [u, v], radius) {
  const [a, b] = PLANE[axis], reach = [a, b].map((one) => Math.floor(radius / spacing[one])), found = [];
  const within = (c, n) => c >= 0 && c < n;
  for (let du = -reach[0]; du <= reach[0]; du++) {
    for (let dv = -reach[1]; dv <= reach[1]; dv++) {
      const near = (du * spacing[a]) ** 2 + (dv * spacing[b]) ** 2 <= radius ** 2 * (1 + 1e-9);
      if (near && within(u + du, shape[a]) && within(v + dv, shape[b])) found.push([u + du, v + dv]);
    }
  }
  return found;
}

// Places from one to another, so close that a hand that is fast leaves no gap; without the first.
export function between([u, v], [p, q]) {
  const n = Math.max(Math.abs(p - u), Math.abs(q - v));
  return Array.from({ length: n }, (_, k) => {
    const part = (k + 1) / n;
    return [Math.round(u + part * (p - u)), Math.round(v + part * (q - v))];
  });
}

// A stroke within a plane: which voxels of the volume it has touched, by their numbers in display order.
export function createStroke({ shape, spacing }, axis, index, radius, erases) {
  const touched = new Uint8Array(volume(shape)), [a, b] = PLANE[axis], step = [shape[1] * shape[2], shape[2], 1];
  let last = null;
  const stroke = { touched, erases, length: 0, to };
  function to(place) {
    for (const centre of last ? between(last, place) : [place]) {
      for (const [u, v] of disc(shape, spacing, axis, centre, radius)) {
        touched[index * step[axis] + u * step[a] + v * step[b]] = 1;
      }
    }
    last = place;
    stroke.length += 1;
  }
  return stroke;
}

export function numbersOf({ touched }) {
  const numbers = [];
  for (let k = 0; k < touched.length; k++) if (touched[k]) numbers.push(k);
  return Uint32Array.from(numbers);
}

// The region as it will be once the kernel has taken the stroke.
export function drawn(region, stroke) {
  if (!stroke) return region;
  const out = region ? region.slice() : new Uint8Array(stroke.touched.length);
  for (let k = 0; k < out.length; k++) if (stroke.touched[k]) out[k] = stroke.erases ? 0 : 1;
  return out;
}
