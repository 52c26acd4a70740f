// A person's hand on the slices: crosshair, wheel, enlarging and moving what is enlarged, keys.

import { clusterAt, peakOf, sliceOf } from "./slices_peaks.js";
import { AXIS, mapping, PLANE, toMm } from "./slices_paint.js";
import { enlarged, isInSight, recentred } from "./slices_layout.js";

const WHEEL_STEP = 50; // pixels of scrolling for one slice; a notch of a mouse wheel is about 100
const WHEEL_LINE = 34; // pixels in the line that some browsers scroll by
const MOST_LARGE = 16, LARGER = 1.25, PER_PIXEL = 0.0025; // times as large: at most, with each key, with each pixel of wheel
const PEAKS = { s: "slice", k: "cluster", m: "map" };

export const isMirrored = (look, axis) => look.radiological && PLANE[axis][0] === 0;
export const onSlot = ({ store, look }, s) => mapping(store.grid.shape, s, isMirrored(look, s.axis));

const pointIn = (
  canvas,
  event,
  box = canvas.getBoundingClientRect(),
) => [event.clientX - box.left, event.clientY - box.top];

function slotAt({ slots }, [x, y]) {
  return slots.find((s) => x >= s.x && x < s.x + s.w && y >= s.y && y < s.y + s.h);
}

// Move the cursor to the voxel that is shown at a point of a slot.
function pick(view, s, [x, y]) {
  const { store, look } = view, [u, v] = PLANE[s.axis], xyz = store.cursor();
  [xyz[u], xyz[v]] = onSlot(view, s).voxel(x, y);
  if (look.mosaic) xyz[s.axis] = s.index;
  const side = view.sides[s.side], seen = look.glass && side.layer.projection(s.axis, side.look);
  if (seen) {
    const k = xyz[u] * seen.su + xyz[v];
    if (!Number.isNaN(seen.data[k])) xyz[s.axis] = seen.depth[k];
  }
  store.moveTo(xyz);
}

// Whether the hand draws; lines of sight through a glass brain are no voxels.
export const holdsBrush = ({ store, look }) => store.model.get("brush") > 0 && !look.glass;

function draw(view, s, [x, y]) {
  view.store.draw(s.axis, s.index, onSlot(view, s).voxel(x, y));
}

function step({ store }, axis, by, how = "hand") {
  const xyz = store.cursor();
  xyz[axis] += by;
  store.moveTo(xyz, how);
}

// Enlarge so many times more about a point of a slot, or move what is enlarged by some pixels.
function moveLens(view, s, change) {
  const { store, look } = view, { factor, at } = store.lens(), { more = 1 } = change;
  const wanted = Math.max(1, Math.min(MOST_LARGE, factor * more));
  const about = { ...change, more: wanted / factor };
  const place = recentred(s, store.grid.shape, at, isMirrored(look, s.axis), about);
  store.enlarge(
    wanted < 1.02 ? 1 : Math.round(1000 * wanted) / 1000,
    toMm(store.grid, place).map((c) => Math.round(10 * c) / 10),
  );
}

// How much is enlarged, and about which voxel. A crosshair that jumps out of sight takes the sight along.
export function lensOf(view, slots) {
  const { store, look } = view, voxel = store.voxel(), lens = store.lens(), { shape } = store.grid;
  if (voxel === view.seenAt) return lens;
  view.seenAt = voxel;
  if (lens.factor <= 1 || look.mosaic) return lens;
  const cursor = store.cursor(), mirrored = slots.map(({ axis }) => isMirrored(look, axis));
  const seen = slots.every((s, k) =>
    isInSight(enlarged(s, shape, lens.factor, lens.at, mirrored[k]), shape, cursor, mirrored[k])
  );
  if (!seen) store.aim(toMm(store.grid, cursor));
  return store.lens();
}

// By keys the crosshair stays where it is seen.
export function enlargeMore(view, more) {
  const s = view.slots.find(({ axis }) => axis === view.activeAxis) ?? view.slots[0], { store } = view;
  if (!s) return;
  const [u, v] = PLANE[s.axis], cursor = store.cursor();
  moveLens(view, s, { more, about: onSlot(view, s).centre(cursor[u], cursor[v]) });
}

// The crosshair goes to the largest value of the slice that keys move in, of the cluster that it is in, or of the map.
export function goToPeak(view, of) {
  const { store, look } = view, { map, inside, grid: { shape } } = store;
  if (!map.data || !look) return false;
  const cursor = store.cursor(), axis = view.activeAxis;
  const among = {
    slice: () => sliceOf(shape, axis, cursor[axis]),
    cluster: () => clusterAt(map.data, shape, cursor, look.strength, look.threshold),
    map: () => inside.list,
  }[of]();
  const peak = peakOf(map.data, shape, among, look.strength);
  if (peak) store.moveTo(peak);
  return Boolean(peak);
}

export function follow(view) {
  const { canvas } = view, listen = (type, handler, options) => canvas.addEventListener(type, handler, options);
  let held = null, moved = null, scrolled = 0;

  function showKeyboard(on) { // ring and frame are for those who steer by keys
    if (view.byKeyboard === on) return;
    view.byKeyboard = on;
    canvas.classList.toggle("glmw-keyboard", on);
    view.readout.ariaLive = on ? "polite" : "off"; // a hand that drags would have it talk without an end
    view.repaint();
  }

  listen("pointerdown", (event) => {
    const s = event.button < 2 && slotAt(view, pointIn(canvas, event));
    if (!s) return;
    view.activeAxis = s.axis;
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    showKeyboard(false);
    if (event.shiftKey || event.button === 1) moved = s.axis;
    else {
      const act = holdsBrush(view) ? draw : pick;
      held = { s, act, box: canvas.getBoundingClientRect() }; // to ask again at each move would lay the page out at each
      act(view, s, pointIn(canvas, event, held.box));
    }
    event.preventDefault();
  });
  listen("pointermove", (event) => {
    if (held) held.act(view, held.s, pointIn(canvas, event, held.box));
    const s = moved !== null && view.slots.find(({ axis }) => axis === moved);
    if (s) moveLens(view, s, { dx: event.movementX, dy: event.movementY });
  });
  for (const end of ["pointerup", "pointercancel"]) {
    listen(end, () => {
      held = moved = null;
      view.store.endStroke();
      view.store.rest();
    });
  }

  // The wheel is the page's until the map is clicked or reached by keys, and again after Escape. It steps through the
  // slices; with Ctrl, or by two fingers on a touchpad, it enlarges.
  listen("wheel", (event) => {
    const s = slotAt(view, pointIn(canvas, event));
    if (!s || document.activeElement !== canvas) return;
    event.preventDefault();
    view.activeAxis = s.axis;
    const by = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? WHEEL_LINE : 1);
    if (event.ctrlKey || event.metaKey) {
      moveLens(view, s, { more: Math.exp(-PER_PIXEL * by), about: pointIn(canvas, event) });
      return;
    }
    scrolled += by;
    if (Math.abs(scrolled) < WHEEL_STEP) return;
    step(view, s.axis, scrolled < 0 ? 1 : -1, "wheel");
    scrolled = 0;
  }, { passive: false });

  listen("keydown", (event) => {
    if (event.key === "Escape" && view.store.model.get("brush") > 0) {
      view.store.putDown();
      event.stopPropagation();
      return;
    }
    if (event.key === "Escape") { // goes on to the page: it has other things to leave
      const explorer = canvas.closest(".glmw-explorer"); // keeps the keys that come next
      explorer ? explorer.focus({ preventScroll: true }) : canvas.blur();
    }
    if ((event.ctrlKey || event.metaKey) && event.key === "c") {
      view.copy();
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (!view.slots.length || event.ctrlKey || event.metaKey || event.altKey) return;
    const axis = view.activeAxis, [u, v] = PLANE[axis], right = isMirrored(view.look, axis) ? -1 : 1;
    const move = {
      ArrowLeft: [u, -right],
      ArrowRight: [u, right],
      ArrowDown: [v, -1],
      ArrowUp: [v, 1],
      PageUp: [axis, 1],
      PageDown: [axis, -1],
    }[event.key];
    if (!move && event.key.length > 1) return; // Tab, Escape and their like are not ours
    const act = {
      a: () => holdA(true),
      i: () => enlargeMore(view, LARGER),
      o: () => enlargeMore(view, 1 / LARGER),
      0: () => view.store.enlarge(1),
      ...Object.fromEntries(Object.entries(PEAKS).map(([key, of]) => [key, () => goToPeak(view, of)])),
    }[event.key];
    // Single letters are commands on the cell that holds us (d d deletes it); in an explorer others are its own.
    if (!canvas.closest(".glmw-explorer")) event.stopPropagation();
    if (!move && !act && !AXIS.includes(event.key)) return;
    showKeyboard(true);
    if (move) step(view, ...move);
    else if (act) act();
    else {
      view.activeAxis = AXIS.indexOf(event.key);
      view.repaint();
    }
    event.preventDefault();
    event.stopPropagation();
  });
  // While the key is held A stands in the place of B.
  function holdA(on) {
    if (view.holdsA === on) return;
    view.holdsA = on;
    view.repaint();
  }
  listen("keyup", (event) => {
    if (event.key === "a") holdA(false);
  });
  listen("focus", () => showKeyboard(true)); // a press of the mouse takes this back at once
  listen("blur", () => {
    holdA(false);
    showKeyboard(false);
  });
}
