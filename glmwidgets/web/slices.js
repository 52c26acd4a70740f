// The browser's half of SliceViewer (slices.py): paints the volumes and follows the person's hand, with no round trip to
// the kernel. Any number of views of a model paint what its store holds.

import { hearing } from "./late_widget.js";
import { createStore } from "./slices_store.js";
import {
  AXIS,
  blend,
  columnsOf,
  crosshair,
  digitsOf,
  ENDS,
  enlarge,
  FONT_PX,
  GLASS,
  mapColours,
  mixer,
  outline,
  PLANE,
  planeOf,
  plate,
  silhouette,
  STALE,
  steps,
  toMm,
  toScreen,
  wholesOf,
} from "./slices_paint.js";
import { barImage, drawBar } from "./slices_bar.js";
import { follow, holdsBrush, isMirrored, lensOf, onSlot } from "./slices_hand.js";
import { enlarged, inSight, layout, snapped } from "./slices_layout.js";
import { equip, readSoon } from "./slices_tools.js";
import { atNextFrame, fixed, palette, remembered } from "./shared.js";

const FLASH_MS = 1400;
const FLASH_BEATS = 3;
const FLICKER_MS = 650; // A and B in turn
const EMPTY_HEIGHT = 96;
const LEAST_ROOM = 80; // pixels that a picture can be drawn in
const ROOM_FOR_ENDS = [180, 110]; // width and height of a plane that has room for the letters at its top and bottom
const HELP = "Brain slices. Arrow keys move the crosshair, Page Up and Down the slice; x, y and z choose the plane; " +
  "i, o and 0 enlarge; s, k and m go to the peak of slice, cluster and map; a held shows A; Escape leaves.";

// ------------------------------------------------------------------------------------------------------------- a view

function build(el) {
  const root = document.createElement("div"), canvas = document.createElement("canvas");
  const readout = document.createElement("div");
  el.classList.add("glmw-slices-view");
  root.className = "glmw-slices";
  readout.className = "glmw-slices-readout";
  readout.id = `glmw-readout-${Math.random().toString(36).slice(2)}`;
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", HELP);
  canvas.setAttribute("aria-describedby", readout.id);
  readout.setAttribute("role", "status");
  readout.ariaLive = "off";
  readout.ariaAtomic = "true"; // place and value are one sentence
  const foot = document.createElement("div"), tools = document.createElement("div");
  foot.className = "glmw-slices-foot";
  tools.className = "glmw-slices-tools";
  foot.append(readout, tools);
  root.append(canvas, foot);
  el.append(root);
  return { root, canvas, foot, readout, tools, ctx: canvas.getContext("2d") };
}

function createView(store, el) {
  const view = {
    store,
    ...build(el),
    slots: [],
    pictures: [],
    look: null,
    sides: [],
    holdsA: false,
    barImage: remembered(barImage),
    activeAxis: 2,
    byKeyboard: false,
    width: 0,
    font: "",
    reading: 0,
    readAt: 0,
    readOf: null,
    colours: null,
    calm: matchMedia("(prefers-reduced-motion: reduce)").matches,
  };
  const { soon, stop } = atNextFrame(() => paint(view));
  view.repaint = soon;
  follow(view);
  equip(view);
  // To be told of the width costs nothing; to ask for it in a paint would lay the whole page out for it.
  const resize = new ResizeObserver(([{ contentRect }]) => {
    const width = Math.round(contentRect.width);
    if (width === view.width) return;
    view.width = width;
    view.colours = mapColours(palette(view.canvas)); // now that it is in the page
    view.font = view.ctx.font = `${FONT_PX}px ${getComputedStyle(view.canvas).fontFamily}`;
    view.repaint();
  });
  resize.observe(view.canvas);
  // Where the page bounds the height, in an explorer as tall as its window, the picture takes what there is.
  const bound = new ResizeObserver(() => {
    const { root, foot, canvas } = view, style = getComputedStyle(root);
    const room = style.getPropertyValue("--glmw-bounded").trim() === "1"
      ? Math.floor(
        root.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom) -
          (foot.hidden ? 0 : foot.offsetHeight + parseFloat(getComputedStyle(foot).marginTop)),
      )
      : undefined;
    if (room === view.room || room < LEAST_ROOM) return;
    view.room = room;
    if (canvas.isConnected) view.repaint();
  });
  bound.observe(view.root);
  store.views.add(view);
  return () => {
    store.views.delete(view);
    resize.disconnect();
    bound.disconnect();
    stop();
    clearTimeout(view.reading);
    clearTimeout(view.flicker);
    view.root.remove();
  };
}

// What a slot's picture is made in: arrays in voxels, and the pixels of the part of it that is in sight.
function pictureFor(view, number, w, h, at, [fu, fv]) {
  const kept = view.pictures[number], fine = { w: w * fu, h: h * fv };
  const same = kept?.w === w && kept.h === h && kept.fine.w === fine.w && kept.fine.h === fine.h;
  if (same && Object.keys(at).every((name) => kept.at[name] === at[name])) return kept;
  // Voxels are as they were where only what is in sight of them changed.
  const { width, height } = at, image = new ImageData(width, height), size = w * h, parts = fine.w * fine.h;
  const arrays = { values: new Float32Array(size), tints: new Float32Array(size), colors: new Uint32Array(parts) };
  for (const name of ["keep", "set"]) arrays[name] = new Uint8Array(size);
  arrays.greys = new Uint8Array(parts);
  const xs = steps(w, at.wide, at.left), ys = steps(h, at.tall, at.top);
  const columns = columnsOf(fu === 1 ? xs : steps(fine.w, at.wide, at.left), width);
  Object.assign(fine, { width, height, columns, ys: fv === 1 ? ys : steps(fine.h, at.tall, at.top) });
  fine.whole = wholesOf(w, h, fu, fv);
  return (view.pictures[number] = {
    w,
    h,
    at,
    width,
    height,
    image,
    pixels: new Uint32Array(image.data.buffer),
    of: {},
    ...arrays,
    ...(same ? kept.voxels : {}),
    voxels: same ? kept.voxels : arrays,
    key: [],
    xs,
    ys,
    fine,
  });
}

// Pulse of a flash, 0 to 1; steady for those who asked for less motion.
function glowOf(flash, calm) {
  const part = flash ? (performance.now() - flash.start) / FLASH_MS : 1;
  if (part >= 1) return 0;
  return calm ? 0.7 : Math.sin(Math.PI * FLASH_BEATS * part) ** 2;
}

// The picture of a slot, made anew only if something that it shows has changed.
function picture(view, number, s, dpr) {
  const { store } = view, { layer, look } = view.sides[s.side], { w, h } = onSlot(view, s);
  const [fu, fv] = PLANE[s.axis].map((a) => (look.glass ? 1 : store.parts[a]));
  const made = pictureFor(view, number, w, h, inSight(s, dpr), [fu, fv]);
  const plane = look.glass ? layer.projection(s.axis, look) : layer.plane(s.axis, s.index);
  const glow = glowOf(store.flash, view.calm);
  const key = [
    look,
    glow,
    dpr,
    plane?.data,
    plane?.tint,
    plane?.base,
    plane?.old,
    store.background,
    store.contour,
    store.region,
    store.inside,
    s.axis,
    s.index,
  ];
  if (key.some((part, i) => part !== made.key[i])) {
    compose(view, s, made, plane, glow, Math.max(1, Math.round(dpr)));
    made.key = key;
  }
  return made;
}

function compose(view, s, made, plane, glow, thick) {
  const { store, colours } = view, { layer, look } = view.sides[s.side];
  const { inside, background, flash, grid: { shape } } = store;
  const { greys, values, keep, set, colors, pixels, fine } = made;
  let tints = values;
  const mirrored = isMirrored(look, s.axis);
  const screen = (out, source, { w, h } = made) => toScreen(out, source, w, h, mirrored);
  // What was copied of the same plane before is there yet: a threshold that moves changes none of it.
  const copied = (name, source, size = made) => {
    const of = [source.data, source.base, source.su, source.sv, mirrored], before = made.of[name];
    made.of[name] = of;
    return before?.every((part, i) => part === of[i]) ? made[name] : screen(made[name], source, size);
  };
  const slice = (data) => planeOf(data, shape, s.axis, s.index);
  const line = (members, ink, width = thick) => outline(pixels, members, made, ink, width);
  const rim = look.glass && inside && store.silhouette(s.axis);
  const lighter = (part) => [...colours.flash.slice(0, 3), part];

  if (background && !look.glass) {
    const parts = store.parts, middle = parts[s.axis] * s.index + (parts[s.axis] >> 1);
    copied("greys", planeOf(background, shape.map((n, a) => n * parts[a]), s.axis, middle), fine);
  } else {
    made.of.greys = null;
    if (rim) {
      screen(greys, rim).forEach((any, q) => {
        greys[q] = any * GLASS;
      });
    } else greys.fill(0);
  }
  if (plane) {
    copied("values", plane);
    if (plane.tint !== plane.data) tints = copied("tints", { ...plane, data: plane.tint });
    for (let q = 0; q < keep.length; q++) keep[q] = look.strength(values[q]) >= look.threshold ? 1 : 0;
    const clusters = !look.glass && layer.clusters(look);
    if (clusters) {
      screen(set, slice(clusters)).forEach((state, q) => {
        if (state !== 1) keep[q] = 0;
      });
    }
  }
  const alpha = plane?.old ? Math.min(look.alpha, look.opacity * STALE) : look.alpha;
  blend(colors, greys, plane ? values : null, tints, keep, look, alpha, fine.whole);
  if (glow) {
    screen(set, look.glass ? silhouette(flash.lit, shape, s.axis) : slice(flash.lit));
    const light = mixer(lighter(0.6 * glow));
    for (let q = 0; q < colors.length; q++) if (set[fine.whole ? fine.whole[q] : q]) colors[q] = light(colors[q]);
  }

  enlarge(pixels, colors, fine);
  if (glow) line(set, lighter(glow), 2 * thick);
  if (rim) line(screen(set, rim), colours.silhouette);
  else if (look.border && inside) line(screen(set, slice(inside.dense)), colours.mask);
  if (store.contour && !look.glass) line(screen(set, slice(store.contour)), colours.contour);
  if (store.region && !look.glass) line(screen(set, slice(store.region)), colours.region, 2 * thick);
  if (plane && look.outline) {
    const faint = ([r, g, b, part]) => [r, g, b, part * (alpha < look.opacity ? STALE : 1)];
    line(keep, faint(colours.shadow), 2 * thick);
    line(keep, faint(colours.outline));
  }
}

function drawSlot({ ctx, colours }, s, { image, at }) {
  ctx.fillStyle = colours.empty;
  ctx.fillRect(s.x, s.y, s.w, s.h);
  ctx.putImageData(image, at.x, at.y);
}

function annotate(view, s, cursor, dpr) {
  const { ctx, look, colours, slots, store: { grid } } = view, [u, v] = PLANE[s.axis];
  if (look.cross && (!look.mosaic || s.index === cursor[s.axis])) {
    const on = onSlot(view, s);
    crosshair(ctx, s, ...on.centre(cursor[u], cursor[v]), Math.max(on.sx, on.sy) / 2 + 3, dpr, colours.cross);
  }
  const point = look.mosaic ? grid.shape.map((n) => (n - 1) / 2) : [...cursor];
  point[s.axis] = s.index;
  const where = fixed(toMm(grid, point)[s.axis], digitsOf(grid));
  if (!look.glass) plate(ctx, look.mosaic ? where : `${AXIS[s.axis]} = ${where} mm`, s, [-1, 1], colours);
  if (look.mosaic && slots.some((other) => other.y === s.y && other.x < s.x)) return; // letters once in a row
  // Where the header does not say which side is left, the letters do not either.
  const ends = u === 0 && !view.store.model.get("sides_known") ? ENDS[u].map((letter) => `${letter}?`) : ENDS[u];
  const { name } = view.sides[s.side];
  if (name && slots.find(({ side }) => side === s.side) === s) plate(ctx, name, s, [-1, -1], colours);
  const [low, high] = isMirrored(look, s.axis) ? [...ends].reverse() : ends;
  const color = u === 0 ? colours.text : colours.quiet;
  plate(ctx, low, s, [-1, 0], colours, color);
  plate(ctx, high, s, [1, 0], colours, color);
  if (look.mosaic || s.w < ROOM_FOR_ENDS[0] || s.h < ROOM_FOR_ENDS[1]) return;
  plate(ctx, ENDS[v][1], s, [0, -1], colours, colours.quiet);
  plate(ctx, ENDS[v][0], s, [0, 1], colours, colours.quiet);
}

function wordsOf({ model, beside, other }, layer) {
  const said = (name) => (layer === other ? beside.look[name] : undefined) ?? model.get(name);
  return {
    label: said("shown_label") || said("label"),
    unit: said("shown_unit"),
    warm: said("warm"),
    cold: said("cold"),
  };
}

function fitCanvas({ canvas, ctx, font }, width, height) {
  const dpr = devicePixelRatio, w = Math.round(width * dpr), h = Math.round(height * dpr);
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.height = `${height}px`;
    ctx.font = font; // a new size forgets it; to set it has the page work out its styles
  }
  ctx.setTransform(dpr, 0, 0, dpr, 0, 0);
  ctx.clearRect(0, 0, width, height);
}

// The maps that stand beside each other, from the left: the live one, the one that it is compared with, or both.
function sidesOf(view) {
  const { store, holdsA, calm } = view, { beside, model } = store, mode = beside ? model.get("compare") : "off";
  const live = { layer: store, look: view.look, name: mode === "side" || mode === "flicker" ? "B" : "" };
  if (!beside) return [live];
  const other = { layer: store.other, look: store.other.look(), name: beside.name };
  clearTimeout(view.flicker);
  if (mode === "side") return [other, live];
  if (mode === "difference" || (holdsA && beside.name === "A")) return [other];
  if (mode !== "flicker" || calm) return [live];
  const turn = Math.floor(performance.now() / FLICKER_MS);
  view.flicker = setTimeout(view.repaint, (turn + 1) * FLICKER_MS - performance.now());
  return [turn % 2 ? other : live];
}

function paintScene(view, width) {
  const { store, ctx } = view, { model } = store, dpr = devicePixelRatio, cursor = store.cursor();
  view.look = store.look();
  view.canvas.classList.toggle("glmw-draws", holdsBrush(view));
  view.sides = sidesOf(view);
  const scene = layout({
    beside: view.sides.length,
    mode: model.get("view"),
    grid: store.grid,
    cursor,
    cuts: model.get("_cuts"),
    maxHeight: view.room ?? model.get("max_height"),
    bounded: view.room !== undefined,
    axes: [...model.get("cut_axes")].map((letter) => AXIS.indexOf(letter)),
  }, width);
  fitCanvas(view, width, scene.height);
  const { factor, at } = lensOf(view, scene.slots);
  const { shape } = store.grid, mirrored = (axis) => isMirrored(view.look, axis);
  view.slots = scene.slots.map((s) => snapped(enlarged(s, shape, factor, at, mirrored(s.axis)), dpr));
  view.slots.forEach((s, number) => {
    drawSlot(view, s, picture(view, number, s, dpr));
    annotate(view, s, cursor, dpr);
  });
  if (store.map.data) {
    const { layer, look } = view.sides.at(-1);
    const at = { place: scene.bar, words: wordsOf(store, layer), width, dpr, colours: view.colours };
    drawBar(ctx, at, look, view.barImage);
  }
  const marked = view.byKeyboard && view.slots.find(({ axis }) => axis === view.activeAxis);
  if (marked) {
    ctx.strokeStyle = view.colours.quiet;
    ctx.lineWidth = 1;
    ctx.strokeRect(marked.x + 0.5, marked.y + 0.5, marked.w - 1, marked.h - 1);
  }
  readSoon(view);
}

function paintEmpty(view, width) {
  fitCanvas(view, width, EMPTY_HEIGHT);
  view.slots = [];
  view.ctx.fillStyle = view.colours.quiet;
  view.ctx.textAlign = "center";
  view.ctx.textBaseline = "middle";
  view.ctx.fillText("no image yet", width / 2, EMPTY_HEIGHT / 2);
}

function paint(view) {
  const { store, foot, root, width } = view, started = performance.now();
  if (!width) return; // hidden: the observer calls when it is shown
  const silent = !store.grid || !store.model.get("show_readout");
  if (foot.hidden !== silent) foot.hidden = silent;
  (store.grid ? paintScene : paintEmpty)(view, width);
  if (store.flash && started - store.flash.start < FLASH_MS) view.repaint();
  const shown = Math.max(store.map.serial, store.planes.serial), fresh = shown !== view.shown;
  view.shown = shown;
  const detail = { ms: performance.now() - started, fresh };
  root.dispatchEvent(new CustomEvent("glmw:paint", { bubbles: true, detail }));
}

export default hearing(() => {
  let store;
  return {
    initialize({ model }) {
      store = createStore(model);
      return store.dispose;
    },
    render({ el }) {
      return createView(store, el);
    },
  };
});
