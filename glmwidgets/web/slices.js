// The browser's half of SliceViewer (slices.py): paints the volumes and follows the person's hand, with no round trip to
// the kernel. Any number of views of a model paint what its store holds.

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
  mapping,
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
} from "./slices_paint.js";
import { barImage, drawBar } from "./slices_bar.js";
import { layout, snapped } from "./slices_layout.js";
import { atNextFrame, fixed, number, palette, remembered } from "./shared.js";

// The line of words below the picture is laid out no more often than this.
const READ_MS = 100;
const FLASH_MS = 1400;
const FLASH_BEATS = 3;
const WHEEL_STEP = 50; // pixels of scrolling for one slice; a notch of a mouse wheel is about 100
const WHEEL_LINE = 34; // pixels in the line that some browsers scroll by
const EMPTY_HEIGHT = 96;
const LEAST_ROOM = 80; // pixels that a picture can be drawn in
const ROOM_FOR_ENDS = [180, 110]; // width and height of a plane that has room for the letters at its top and bottom
const HELP = "Brain slices. Arrow keys move the crosshair, Page Up and Down the slice; x, y and z choose the plane.";

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
  root.append(canvas, readout);
  el.append(root);
  return { root, canvas, readout, ctx: canvas.getContext("2d") };
}

function createView(store, el) {
  const view = {
    store,
    ...build(el),
    slots: [],
    pictures: [],
    look: null,
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
  // To be told of the width costs nothing; to ask for it in a paint would lay the whole page out for it.
  const resize = new ResizeObserver(([{ contentRect }]) => {
    const width = Math.round(contentRect.width);
    if (width === view.width) return;
    view.width = width;
    view.colours = mapColours(palette(view.canvas)); // now that it is in the page
    view.font = `${FONT_PX}px ${getComputedStyle(view.canvas).fontFamily}`;
    view.repaint();
  });
  resize.observe(view.canvas);
  // Where the page bounds the height, in an explorer as tall as its window, the picture takes what there is.
  const bound = new ResizeObserver(() => {
    const { root, readout, canvas } = view, style = getComputedStyle(root);
    const room = style.getPropertyValue("--glmw-bounded").trim() === "1"
      ? Math.floor(
        root.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom) -
          (readout.hidden ? 0 : readout.offsetHeight + parseFloat(getComputedStyle(readout).marginTop)),
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
    view.root.remove();
  };
}

const isMirrored = (look, axis) => look.radiological && PLANE[axis][0] === 0;
const onSlot = ({ store, look }, s) => mapping(store.grid.shape, s, isMirrored(look, s.axis));

// What a slot's picture is made in: arrays in voxels, and the pixels of the screen.
function pictureFor(view, number, w, h, width, height) {
  const kept = view.pictures[number];
  if (kept?.w === w && kept.h === h && kept.width === width && kept.height === height) return kept;
  const image = new ImageData(width, height), size = w * h;
  const arrays = { values: new Float32Array(size), tints: new Float32Array(size), colors: new Uint32Array(size) };
  for (const name of ["greys", "keep", "set"]) arrays[name] = new Uint8Array(size);
  const xs = steps(w, width), ys = steps(h, height);
  return (view.pictures[number] = {
    w,
    h,
    width,
    height,
    image,
    pixels: new Uint32Array(image.data.buffer),
    key: [],
    ...arrays,
    xs,
    ys,
    columns: columnsOf(xs),
    of: {},
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
  const { store, look } = view, { w, h } = onSlot(view, s);
  const made = pictureFor(view, number, w, h, Math.round(s.pw * dpr), Math.round(s.ph * dpr));
  const plane = look.glass ? store.projection(s.axis, look) : store.plane(s.axis, s.index);
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
    store.inside,
    s.axis,
    s.index,
  ];
  if (key.some((part, i) => part !== made.key[i])) {
    compose(view, s, made, plane, glow, Math.max(1, Math.round(dpr)));
    made.key = key;
  }
  return made.image;
}

function compose(view, s, made, plane, glow, thick) {
  const { store, look, colours } = view, { inside, background, flash, grid: { shape } } = store;
  const { greys, values, keep, set, colors, pixels } = made;
  let tints = values;
  const mirrored = isMirrored(look, s.axis);
  const screen = (out, source) => toScreen(out, source, made.w, made.h, mirrored);
  // What was copied of the same plane before is there yet: a threshold that moves changes none of it.
  const copied = (name, source) => {
    const of = [source.data, source.base, source.su, source.sv, mirrored], before = made.of[name];
    made.of[name] = of;
    return before?.every((part, i) => part === of[i]) ? made[name] : screen(made[name], source);
  };
  const slice = (data) => planeOf(data, shape, s.axis, s.index);
  const line = (members, ink, width = thick) => outline(pixels, members, made, ink, width);
  const rim = look.glass && inside && store.silhouette(s.axis);
  const lighter = (part) => [...colours.flash.slice(0, 3), part];

  if (background && !look.glass) copied("greys", slice(background));
  else {
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
    const clusters = !look.glass && store.clusters(look);
    if (clusters) {
      screen(set, slice(clusters)).forEach((state, q) => {
        if (state !== 1) keep[q] = 0;
      });
    }
  }
  const alpha = plane?.old ? Math.min(look.alpha, look.opacity * STALE) : look.alpha;
  blend(colors, greys, plane ? values : null, tints, keep, look, alpha);
  if (glow) {
    screen(set, look.glass ? silhouette(flash.lit, shape, s.axis) : slice(flash.lit));
    const light = mixer(lighter(0.6 * glow));
    set.forEach((lit, q) => {
      if (lit) colors[q] = light(colors[q]);
    });
  }

  enlarge(pixels, colors, made);
  if (glow) line(set, lighter(glow), 2 * thick);
  if (rim) line(screen(set, rim), colours.silhouette);
  else if (look.border && inside) line(screen(set, slice(inside.dense)), colours.mask);
  if (plane && look.outline) {
    const faint = ([r, g, b, part]) => [r, g, b, part * (alpha < look.opacity ? STALE : 1)];
    line(keep, faint(colours.shadow), 2 * thick);
    line(keep, faint(colours.outline));
  }
}

function drawSlot({ ctx, colours }, s, image, dpr) {
  ctx.fillStyle = colours.empty;
  ctx.fillRect(s.x, s.y, s.w, s.h);
  ctx.putImageData(image, Math.round(s.px * dpr), Math.round(s.py * dpr));
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
  const [low, high] = isMirrored(look, s.axis) ? [...ends].reverse() : ends;
  const color = u === 0 ? colours.text : colours.quiet;
  plate(ctx, low, s, [-1, 0], colours, color);
  plate(ctx, high, s, [1, 0], colours, color);
  if (look.mosaic || s.w < ROOM_FOR_ENDS[0] || s.h < ROOM_FOR_ENDS[1]) return;
  plate(ctx, ENDS[v][1], s, [0, -1], colours, colours.quiet);
  plate(ctx, ENDS[v][0], s, [0, 1], colours, colours.quiet);
}

function wordsOf({ model }) {
  const said = (name) => model.get(name);
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
  }
  ctx.setTransform(dpr, 0, 0, dpr, 0, 0);
  ctx.clearRect(0, 0, width, height);
  ctx.font = font;
}

function paintScene(view, width) {
  const { store, ctx } = view, { model } = store, dpr = devicePixelRatio, cursor = store.cursor();
  view.look = store.look();
  const scene = layout({
    mode: model.get("view"),
    grid: store.grid,
    cursor,
    cuts: model.get("_cuts"),
    maxHeight: view.room ?? model.get("max_height"),
    bounded: view.room !== undefined,
    axes: [...model.get("cut_axes")].map((letter) => AXIS.indexOf(letter)),
  }, width);
  fitCanvas(view, width, scene.height);
  view.slots = scene.slots.map((s) => snapped(s, dpr));
  view.slots.forEach((s, number) => {
    drawSlot(view, s, picture(view, number, s, dpr), dpr);
    annotate(view, s, cursor, dpr);
  });
  if (store.map.data) {
    const at = { place: scene.bar, words: wordsOf(store), width, dpr, colours: view.colours };
    drawBar(ctx, at, view.look, view.barImage);
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
  const { store, readout, root, width } = view, started = performance.now();
  if (!width) return; // hidden: the observer calls when it is shown
  const silent = !store.grid || !store.model.get("show_readout");
  if (readout.hidden !== silent) readout.hidden = silent;
  (store.grid ? paintScene : paintEmpty)(view, width);
  if (store.flash && started - store.flash.start < FLASH_MS) view.repaint();
  const shown = Math.max(store.map.serial, store.planes.serial), fresh = shown !== view.shown;
  view.shown = shown;
  const detail = { ms: performance.now() - started, fresh };
  root.dispatchEvent(new CustomEvent("glmw:paint", { bubbles: true, detail }));
}

function readSoon(view) {
  const read = () => {
    clearTimeout(view.reading);
    view.reading = 0;
    view.readAt = performance.now();
    readOut(view, view.store.cursor());
  };
  const cursor = view.store.voxel(), moves = cursor !== view.readOf;
  view.readOf = cursor;
  if (!moves || performance.now() - view.readAt >= READ_MS) read();
  else view.reading ||= setTimeout(read, READ_MS);
}

// The line below the picture: voxel, place and value under the crosshair. Texts are changed where they stand.
function readOut({ readout, store }, cursor) {
  const plane = store.plane(2, cursor[2]), { model } = store;
  const value = (data) => (plane ? data[plane.base + cursor[0] * plane.su + cursor[1] * plane.sv] : NaN);
  const z = value(plane?.data), shown = model.get("shown_label"), place = toMm(store.grid, cursor);
  const digits = Math.max(1, digitsOf(store.grid));
  const said = [
    [`voxel ${store.voxel().join(", ")}`],
    [`${place.map((c) => fixed(c, digits)).join(", ")} mm`],
    [model.get("label"), fixed(z ?? NaN, 2)],
    ...(shown ? [[shown, number(value(plane?.tint)), model.get("shown_unit")]] : []),
  ];
  while (readout.children.length > said.length) readout.lastChild.remove();
  said.forEach(([text, written, unit], k) => {
    const span = readout.children[k] ?? readout.appendChild(document.createElement("span"));
    if (!span.firstChild) span.append("", document.createElement("b"), "");
    const [before, strong, after] = span.childNodes, name = written === undefined ? text : `${text} `;
    if (before.data !== name) before.data = name;
    if (strong.textContent !== (written ?? "")) strong.textContent = written ?? "";
    const behind = unit ? ` ${unit}` : "";
    if (after.data !== behind) after.data = behind;
    span.classList.toggle("glmw-old", written !== undefined && Boolean(plane?.old || model.get("stale")));
  });
}

// --------------------------------------------------------------------------------------------------- the person's hand

function pointIn(canvas, event) {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

function slotAt({ slots }, [x, y]) {
  return slots.find((s) => x >= s.x && x < s.x + s.w && y >= s.y && y < s.y + s.h);
}

// Move the cursor to the voxel that is shown at a point of a slot.
function pick(view, s, [x, y]) {
  const { store, look } = view, [u, v] = PLANE[s.axis], xyz = store.cursor();
  [xyz[u], xyz[v]] = onSlot(view, s).voxel(x, y);
  if (look.mosaic) xyz[s.axis] = s.index;
  const seen = look.glass && store.projection(s.axis, look);
  if (seen) {
    const k = xyz[u] * seen.su + xyz[v];
    if (!Number.isNaN(seen.data[k])) xyz[s.axis] = seen.depth[k];
  }
  store.moveTo(xyz);
}

function step({ store }, axis, by, how = "hand") {
  const xyz = store.cursor();
  xyz[axis] += by;
  store.moveTo(xyz, how);
}

function follow(view) {
  const { canvas } = view, listen = (type, handler, options) => canvas.addEventListener(type, handler, options);
  let held = null, hovering = false, scrolled = 0;

  function showKeyboard(on) { // ring and frame are for those who steer by keys
    if (view.byKeyboard === on) return;
    view.byKeyboard = on;
    canvas.classList.toggle("glmw-keyboard", on);
    view.repaint();
  }

  listen("pointerdown", (event) => {
    const s = event.button === 0 && slotAt(view, pointIn(canvas, event));
    if (!s) return;
    held = s;
    view.activeAxis = s.axis;
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    showKeyboard(false);
    pick(view, s, pointIn(canvas, event));
    event.preventDefault();
  });
  listen("pointermove", (event) => {
    if (event.movementX || event.movementY) hovering = true;
    if (held) pick(view, held, pointIn(canvas, event));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    listen(end, () => {
      held = null;
    });
  }
  listen("pointerleave", () => {
    hovering = false;
  });

  // The wheel steps through slices once the pointer has been moved here; a page that scrolls by keeps its wheel.
  listen("wheel", (event) => {
    const s = slotAt(view, pointIn(canvas, event));
    if (!s || event.ctrlKey || !(hovering || document.activeElement === canvas)) return;
    event.preventDefault();
    scrolled += event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? WHEEL_LINE : 1);
    if (Math.abs(scrolled) < WHEEL_STEP) return;
    view.activeAxis = s.axis;
    step(view, s.axis, scrolled < 0 ? 1 : -1, "wheel");
    scrolled = 0;
  }, { passive: false });

  listen("keydown", (event) => {
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
    showKeyboard(true);
    if (move) step(view, ...move);
    else if (AXIS.includes(event.key)) {
      view.activeAxis = AXIS.indexOf(event.key);
      view.repaint();
    }
    event.preventDefault();
    event.stopPropagation(); // single letters are commands on the cell that holds us: d d deletes it
  });
  listen("focus", () => showKeyboard(true)); // a press of the mouse takes this back at once
  listen("blur", () => showKeyboard(false));
}

export default () => {
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
};
