// What a slice viewer holds, one store for each model: decodes what the kernel sent, tells the kernel of the cursor, and
// answers views that ask for planes, projections and clusters.

import {
  AXIS,
  largeClusters,
  PLANE,
  planeOf,
  projection,
  silhouette,
  STALE,
  STRENGTH,
  toVoxel,
  volume,
} from "./slices_paint.js";
import { createStroke, drawn, numbersOf } from "./slices_brush.js";
import { copied, floats, listen, octets, remembered, underHand } from "./shared.js";

// The kernel hears of the cursor no more often than this: what it answers takes the page some 20 ms. Of a wheel that
// runs through the slices it hears at its rest, or now and then.
const TELL_MS = { hand: 150, wheel: 1000, rest: 120 };
const LENS_MS = 250; // rest of the hand after which the kernel hears how much is enlarged
// Pause after the last new planes before the rest of their map is asked for: while a hand drags something else on the page,
// such as a point of the response, the next planes are worth more than what is out of sight.
const WANT_MS = { rest: 80, held: 1000 };
const SLID = ["threshold", "opacity"]; // what may follow a slider
const OLD_MS = 60; // what is said to be out of date for less is not dimmed: while a hand drags, the map would flicker
const SLID_MS = 500; // what the kernel says of a trait so soon after it was dragged may be of an earlier place

// ---------------------------------------------------------------------------------------------- what the kernel sends

function decodeMask(bits, shape) {
  const packed = octets(bits), dense = new Uint8Array(volume(shape)), list = [];
  for (let k = 0; k < dense.length; k++) {
    if (packed[k >> 3] & (128 >> (k & 7))) {
      dense[k] = 1;
      list.push(k);
    }
  }
  return { dense, list: Uint32Array.from(list) };
}

// What is thresholded (data) and what gives the colours (tint): the same, or another statistic of that name.
function decodeMap({ serial, values, shown, name }, inside, shape) {
  const whole = (bytes) => {
    const masked = floats(bytes), data = new Float32Array(volume(shape)).fill(NaN);
    inside.list.forEach((at, k) => {
      data[at] = masked[k];
    });
    return data;
  };
  if (!inside || !values.byteLength || values.byteLength !== 4 * inside.list.length) return { serial, data: null };
  const data = whole(values);
  return { serial, data, tint: shown?.byteLength ? whole(shown) : data, name: name ?? "" };
}

// A map with a mask of its own, and those traits of how it looks that are not those of the large map.
function decodeBeside({ mask, name, look, ...values }, shape) {
  if (!mask?.byteLength) return null;
  const { list } = decodeMask(mask, shape);
  return { list, look, ...decodeMap({ serial: 0, ...values }, { list }, shape), name };
}

function decodePlane({ axis, index, values, shown }) {
  const data = floats(values);
  return { axis, index, data, tint: shown?.byteLength ? floats(shown) : data };
}

// ----------------------------------------------------------------------------------------------------------- the store

export function createStore(model) {
  const store = {
    model,
    views: new Set(),
    grid: null,
    background: null,
    parts: [1, 1, 1], // of each voxel in the background
    contour: null,
    region: null, // of interest, with the stroke that the kernel has not taken yet
    stroke: null,
    inside: null,
    luts: {},
    flash: null,
    slid: {},
    map: { serial: 0, data: null },
    planes: { serial: 0, list: [] },
    beside: null,
  };
  const seen = {}, place = underHand(model, "cursor"), zoom = underHand(model, "zoom");
  let dueAt = 0, wantTimer = 0, slidAt = 0, isOld = model.get("stale"), oldTimer = 0;
  let painted = [], isHeldElsewhere = false;
  const slidTimers = {};

  const repaint = () => store.views.forEach((view) => view.repaint());
  const changed = (name) => {
    const value = model.get(name), isNew = value !== seen[name];
    seen[name] = value;
    return isNew;
  };

  function refresh() {
    if (changed("_geometry")) store.grid = seen._geometry.shape ? seen._geometry : null;
    const shape = store.grid?.shape;
    if (changed("_background")) store.background = seen._background.byteLength ? octets(seen._background) : null;
    store.parts = model.get("_parts");
    if (changed("_contour")) {
      store.contour = shape && seen._contour.byteLength ? decodeMask(seen._contour, shape).dense : null;
    }
    if (changed("_region")) {
      store.stroke = null;
      store.drawn = shape && seen._region.byteLength ? decodeMask(seen._region, shape).dense : null;
      store.region = store.drawn;
    }
    if (changed("_mask")) store.inside = shape && seen._mask.byteLength ? decodeMask(seen._mask, shape) : null;
    if (changed("_map")) store.map = decodeMap(seen._map, store.inside, shape);
    if (changed("_planes")) {
      const { serial, planes, ahead = false } = seen._planes;
      store.planes = { serial, ahead, list: planes.map(decodePlane) };
    }
    if (changed("_beside")) store.beside = shape ? decodeBeside(seen._beside, shape) : null;
    if (changed("_luts")) {
      const tables = ([name, sides]) => [name, { one: octets(sides.one), two: octets(sides.two) }];
      store.luts = Object.fromEntries(Object.entries(seen._luts).map(tables));
    }
    wantSoon();
    // That the map is out of date shows later, if at all: a paint for it would be in the way of the answer's.
    const now = PAINTED.map((name) => model.get(name));
    if (now.some((value, k) => value !== painted[k])) repaint();
    painted = now;
  }

  // Planes that came ahead of their map have no rest yet.
  const lacksRest = () => store.planes.serial > store.map.serial && !store.planes.ahead;

  function wantSoon() {
    clearTimeout(wantTimer);
    if (!lacksRest()) return;
    wantTimer = setTimeout(() => {
      if (lacksRest()) model.send({ kind: "want", serial: store.planes.serial });
    }, isHeldElsewhere ? WANT_MS.held : WANT_MS.rest);
  }

  const onDown = ({ target }) => {
    isHeldElsewhere = !target.closest?.(".glmw-slices");
  };
  const onUp = () => {
    isHeldElsewhere = false;
    // Of a notebook that was closed nothing is seen any more, and nobody would answer.
    if ([...store.views].some(({ canvas }) => canvas.isConnected)) wantSoon();
  };

  function onMessage(content, buffers) {
    if (content.kind !== "flash" || !store.grid) return;
    const lit = new Uint8Array(volume(store.grid.shape));
    for (const k of new Uint32Array(copied(buffers[0]))) lit[k] = 1;
    store.flash = { lit, start: performance.now() };
    repaint();
  }

  // Threshold or opacity under a hand that drags it: answers of the kernel are of where the hand was.
  function onSlide({ detail }) {
    const sliders = model.get("_sliders"), trait = Object.keys(sliders).find((name) => sliders[name] === detail.key);
    if (!trait) return;
    store.slid[trait] = detail.value;
    slidAt = performance.now();
    clearTimeout(slidTimers[trait]);
    repaint();
  }

  const onAnswer = Object.fromEntries(SLID.map((trait) => [trait, () => {
    if (!(trait in store.slid)) return;
    const letGo = () => {
      delete store.slid[trait];
      repaint();
    };
    clearTimeout(slidTimers[trait]);
    if (model.get(trait) === store.slid[trait]) letGo();
    else slidTimers[trait] = setTimeout(letGo, Math.max(0, slidAt + SLID_MS - performance.now()));
  }]));

  // Views repaint at once; the kernel is told as soon as its pause is over, so the last place is always told.
  store.moveTo = (xyz, by = "hand") => {
    const { axes, flips, shape } = store.grid;
    const inside = xyz.map((c, a) => Math.max(0, Math.min(shape[a] - 1, c)));
    const ijk = axes.map((a, d) => (flips[d] ? shape[a] - 1 - inside[a] : inside[a]));
    if (ijk.every((c, d) => c === place.get()[d])) return;
    const now = performance.now(), pause = place.toldAt() + TELL_MS[by] - now;
    if (by === "wheel") dueAt = now + Math.min(pause, TELL_MS.rest);
    else if (!place.waits()) dueAt = now + pause;
    place.move(ijk, dueAt - now);
    repaint();
  };

  // How much is enlarged and about which voxel; `aimed` is where a crosshair that jumped took it.
  let aimed = null;
  store.lens = () => {
    const [factor = 1, ...middle] = zoom.get(), mm = aimed?.of === zoom.get() ? aimed.mm : middle;
    return { factor, at: factor > 1 ? toVoxel(store.grid, mm) : store.cursor() };
  };
  store.aim = (mm) => {
    aimed = { of: zoom.get(), mm };
  };
  store.enlarge = (factor, mm) => {
    zoom.move(factor > 1 ? [factor, ...mm] : [], LENS_MS);
    repaint();
  };

  // A stroke of the brush is seen at once; its voxels go to the kernel when it ends.
  store.draw = (axis, index, place) => {
    store.stroke ??= createStroke(store.grid, axis, index, model.get("brush"), model.get("erases"));
    store.stroke.to(place);
    store.region = drawn(store.drawn ?? null, store.stroke);
    repaint();
  };
  store.endStroke = () => {
    if (!store.stroke) return;
    const numbers = numbersOf(store.stroke), { erases } = store.stroke;
    store.drawn = store.region; // until the kernel says what became of it
    store.stroke = null;
    model.send({ kind: "stroke", erases }, undefined, [numbers.buffer]);
  };
  store.putDown = () => {
    model.set("brush", 0);
    model.save_changes();
  };

  const turned = (ijk) => {
    const { axes, flips, shape } = store.grid, xyz = [0, 0, 0];
    axes.forEach((a, d) => {
      xyz[a] = flips[d] ? shape[a] - 1 - ijk[d] : ijk[d];
    });
    return xyz;
  };
  store.at = ([x, y, z]) => (x * store.grid.shape[1] + y) * store.grid.shape[2] + z;
  store.moveToVoxel = (ijk) => store.moveTo(turned(ijk));
  store.voxel = place.get;
  store.rest = place.rest;
  store.cursor = () => turned(place.get());

  // The plane of the newest map; of the one before (old) where only the planes in sight of the newest have arrived.
  store.plane = (axis, index) => {
    const { map, planes, grid } = store, ahead = planes.serial > map.serial;
    const early = ahead && planes.list.find((p) => p.axis === axis && p.index === index);
    if (early) return { ...early, base: 0, su: grid.shape[PLANE[axis][1]], sv: 1, old: false };
    // The colours that are set are not those of another statistic.
    if (!map.data || map.name !== model.get("shown_label")) return null;
    return { ...planeOf(map.data, grid.shape, axis, index), tint: map.tint, old: ahead };
  };

  const silhouettes = AXIS.map(() => remembered(silhouette));
  store.silhouette = (axis) => silhouettes[axis](store.inside.dense, store.grid.shape, axis);
  store.isOld = () => isOld;
  function onStale() {
    clearTimeout(oldTimer);
    const follow = () => {
      isOld = model.get("stale");
      repaint();
    };
    if (model.get("stale")) oldTimer = setTimeout(follow, OLD_MS);
    else follow();
  }

  const looked = (name) => name === "stale" ? isOld : store.slid[name] ?? model.get(name);
  const isWhole = () => store.map.data && store.planes.serial <= store.map.serial;
  Object.assign(store, layer(store, () => ({ ...store.map, list: store.inside?.list, whole: isWhole() }), looked));

  // Another map in the same place: the one that this is compared with, or their difference.
  const whole = (axis, index) => {
    const { data, tint } = store.beside;
    return { ...planeOf(data, store.grid.shape, axis, index), tint, old: false };
  };
  store.other = {
    plane: whole,
    ...layer(store, () => ({ ...store.beside, whole: true }), (name) => store.beside.look[name] ?? looked(name)),
  };

  const answers = Object.fromEntries(SLID.map((trait) => [`change:${trait}`, onAnswer[trait]]));
  const unlisten = listen(model, { change: refresh, "msg:custom": onMessage, "change:stale": onStale, ...answers });
  const heard = {
    "glmw:slide": onSlide,
    pointerdown: onDown,
    pointermove: ({ buttons }) => isHeldElsewhere && !buttons && onUp(), // a menu of the browser's keeps what ends there
    pointerup: onUp,
    pointercancel: onUp,
  };
  for (const [event, handler] of Object.entries(heard)) document.addEventListener(event, handler, true);
  store.dispose = () => {
    unlisten();
    for (const [event, handler] of Object.entries(heard)) document.removeEventListener(event, handler, true);
    for (const timer of Object.values(slidTimers)) clearTimeout(timer);
    clearTimeout(wantTimer);
    clearTimeout(oldTimer);
    place.stop();
    zoom.stop();
  };
  refresh();
  return store;
}

// How one of the maps looks, which of its clusters are large enough, and what is seen of it through a glass brain.
function layer(store, held, looked) {
  const look = remembered(makeLook), label = remembered(largeClusters), along = AXIS.map(() => remembered(projection));
  const clusters = ({ least, sign, threshold }) => {
    const { data, list, whole } = held();
    if (least < 2 || !whole) return null;
    return label(data, list, store.grid.shape, STRENGTH[sign], threshold, least);
  };
  return {
    look: () => look(store.luts, ...LOOK.map(looked)),
    clusters,
    projection: (axis, { strength, threshold, ...rest }) => {
      const { data, tint } = held();
      const large = data && clusters({ threshold, ...rest });
      return data && along[axis](data, store.grid.shape, axis, strength, threshold, large, tint);
    },
  };
}

// Everything that decides how a value looks; the same object for as long as nothing of it changes.
const LOOK = [
  "sign",
  "view",
  "threshold",
  "opacity",
  "vmax",
  "cluster_threshold",
  "fade_below",
  "stale",
  "colormap",
  "show_outline",
  "show_mask",
  "show_crosshair",
  "convention",
  "shown_label",
  "signed",
  "whole",
  "sequential",
  "reach",
];

// Traits that a paint shows at once.
const PAINTED = [
  ...LOOK.filter((name) => name !== "stale"),
  ...[
    "_geometry",
    "_background",
    "_parts",
    "_contour",
    "_region",
    "_mask",
    "_map",
    "_planes",
    "_beside",
    "_luts",
    "_cuts",
  ],
  ...["cursor", "zoom", "compare", "cut_axes", "max_height", "show_readout", "sides_known", "brush"],
  ...["label", "shown_unit", "warm", "cold"],
];

function makeLook(
  luts,
  sign,
  mode,
  threshold,
  opacity,
  vmax,
  least,
  fade,
  stale,
  colormap,
  outline,
  border,
  cross,
  convention,
  shown,
  signed,
  whole,
  sequential,
  reach,
) {
  const glass = mode === "glass", other = shown !== "";
  const sides = other ? (signed ? "two-sided" : "positive") : sign;
  const table = luts[other && !signed ? sequential : colormap][sides === "two-sided" ? "two" : "one"];
  return {
    sign,
    glass,
    opacity,
    vmax,
    least,
    table,
    border,
    cross,
    strength: STRENGTH[sign],
    mosaic: mode === "mosaic",
    other,
    sides,
    whole: other && whole && !glass,
    open: !glass && ((other && whole) || !(threshold > 0)),
    end: other ? reach : vmax,
    threshold: Math.fround(threshold),
    alpha: opacity * (stale ? STALE : 1),
    fade: fade && !glass,
    outline: outline && threshold > 0,
    radiological: convention === "radiological",
  };
}
