// Where a map is largest: in a slice, in a cluster, anywhere. Pure functions.

import { PLANE, planeOf } from "./slices_paint.js";

// Positions in a volume of a slice's voxels.
export function sliceOf(shape, axis, index) {
  const { base, su, sv } = planeOf(null, shape, axis, index), [w, h] = PLANE[axis].map((a) => shape[a]);
  return Uint32Array.from({ length: w * h }, (_, q) => base + ((q / h) | 0) * su + (q % h) * sv);
}

// Positions of the face-connected voxels of one sign that survive around a voxel; none where it does not survive itself.
export function clusterAt(data, shape, [x, y, z], strength, threshold) {
  const [nx, ny, nz] = shape, sx = ny * nz, sy = nz, seed = x * sx + y * sy + z;
  const sign = Math.sign(data[seed]), joins = (k) => strength(data[k]) >= threshold && Math.sign(data[k]) === sign;
  if (!joins(seed)) return [];
  const found = [seed], seen = new Set(found);
  for (const k of found) {
    const a = (k / sx) | 0, b = ((k - a * sx) / sy) | 0, c = k - a * sx - b * sy;
    const beside = [
      a > 0 && k - sx,
      a < nx - 1 && k + sx,
      b > 0 && k - sy,
      b < ny - 1 && k + sy,
      c > 0 && k - 1,
      c < nz - 1 && k + 1,
    ];
    for (const next of beside) {
      if (next === false || seen.has(next) || !joins(next)) continue;
      seen.add(next);
      found.push(next);
    }
  }
  return found;
}

// Voxel [x, y, z] of the largest value among some positions; null where there is none to be seen.
export function peakOf(data, [, ny, nz], positions, strength) {
  let best = -1, top = -Infinity;
  for (const k of positions) {
    const size = strength(data[k]);
    if (size > top) {
      top = size;
      best = k;
    }
  }
  if (best < 0) return null;
  const x = (best / (ny * nz)) | 0, y = ((best - x * ny * nz) / nz) | 0;
  return [x, y, best - (x * ny + y) * nz];
}
