// A wall of small maps of one slice, one a run: only those in view are drawn, on one canvas. Slice, threshold and scroll
// ask nobody. Names are text, never markup.

import { hearing } from "./late_widget.js";
import { boundsOf, fittingWidth, GAP, levelColour, NAME, resized, tileAt, tilesInView, tiling } from "./wall_layout.js";
import {
  atNextFrame,
  changes,
  copied,
  element,
  fitted,
  fitting,
  integers,
  listen,
  octets,
  surroundings,
} from "./shared.js";

const OUTSIDE = -128;

function render({ model, el }) {
  el.classList.add("glmw-wall");
  const room = element("div", "glmw-wall-room", el), space = element("div", "", room);
  const canvas = element("canvas", "", space), foot = element("div", "glmw-wall-foot", el);
  const said = element("div", "glmw-note glmw-wall-said", foot);
  const button = (text, title, act) => {
    const made = element("button", "", foot);
    Object.assign(made, { type: "button", textContent: text, title, ariaLabel: title });
    made.addEventListener("click", act);
    return made;
  };
  const smaller = button("\u2212", "smaller maps", () => resize(-1));
  const fits = button("fit", "maps as large as the space allows", () => setWidth(0));
  const larger = button("+", "larger maps (also Ctrl and wheel)", () => resize(1));
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  said.setAttribute("aria-live", "polite");

  let cells, levels, bounds, pictures = new Map(); // of each run's slice, drawn once
  let hover = -1, from = -1;
  const frame = atNextFrame(draw), around = surroundings(el, () => frame.soon());
  const tiles = () => model.get("tiles"), n = () => tiles().length;
  let inside = { width: 0, height: 0 }; // of the room, without its scroll bar
  const view = new ResizeObserver(([{ contentRect: { width, height } }]) => {
    inside = { width: Math.floor(width), height: Math.floor(height) };
    if (cells) show();
    frame.soon();
  });
  view.observe(room);
  const roomOf = () => inside.width ? inside : { width: 300, height: 200 };
  const tall = () => (bounds.top - bounds.low + 1) / (bounds.right - bounds.left + 1);
  const mapWidth = () => model.get("width") || fittingWidth(model.get("order").length, roomOf(), tall());
  const size = () => tiling(model.get("order").length, roomOf(), mapWidth(), tall());
  const across = () => size().across;

  function setWidth(width) {
    model.set("width", width);
    model.save_changes();
    frame.soon();
  }
  const resize = (by) => setWidth(resized(mapWidth(), by));

  function read() {
    cells = integers(model.get("cells"));
    levels = new Int8Array(copied(model.get("levels")));
    bounds = boundsOf(cells, model.get("grid").shape);
    redraw();
  }

  function redraw() {
    pictures = new Map();
    frame.soon();
  }

  // The runs that were refitted a moment ago, while others still are.
  function arrive({ kind, rows }, [bytes]) {
    if (kind !== "arrived" || levels.length !== n() * cells.length) return;
    const fresh = new Int8Array(copied(bytes));
    rows.forEach((row, k) => {
      levels.set(fresh.subarray(k * cells.length, (k + 1) * cells.length), row * cells.length);
      pictures.delete(row);
    });
    frame.soon();
  }

  function pictureOf(row) {
    if (pictures.has(row)) return pictures.get(row);
    const { shape: [, h, depth] } = model.get("grid"), k = model.get("slice"), made = document.createElement("canvas");
    const { left, right, low, top } = bounds;
    made.width = right - left + 1;
    made.height = top - low + 1;
    const context = made.getContext("2d"), image = context.createImageData(made.width, made.height);
    const lut = octets(model.get("lut")), scale = model.get("scale"), mirrored = model.get("mirrored");
    const brain = model.get("brain");
    const threshold = model.get("threshold") * scale, full = model.get("full") * scale;
    for (let c = 0, at = row * cells.length; c < cells.length; c++, at++) {
      if (levels[at] === OUTSIDE || cells[c] % depth !== k) continue;
      const place = Math.floor(cells[c] / depth), x = Math.floor(place / h), y = top - place % h;
      const pixel = 4 * (y * made.width + (mirrored ? right - x : x - left));
      const [r, g, b] = levelColour(levels[at], threshold, full, lut, brain);
      image.data.set([r, g, b, 255], pixel);
    }
    context.putImageData(image, 0, 0);
    pictures.set(row, made);
    return made;
  }

  function draw() {
    if (!cells) return;
    const { across: columns, width, high, height } = size(), page = around.get(), order = model.get("order");
    const { width: wide, height: view } = roomOf(), top = room.scrollTop;
    space.style.height = `${Math.ceil(order.length / columns) * height}px`;
    canvas.style.top = `${top}px`;
    canvas.style.width = `${wide}px`;
    const context = fitted(canvas, wide, view);
    context.imageSmoothingEnabled = false;
    context.font = `11px ${page.family}`;
    context.textAlign = "center";
    const brushed = new Set(model.get("brushed")), here = model.get("here");
    for (const place of tilesInView(order.length, columns, height, top, view)) {
      const row = order[place], { name, words, out } = tiles()[row];
      const x = (place % columns) * width, y = Math.floor(place / columns) * height - top;
      context.globalAlpha = out ? 0.35 : 1; // the map; its name can be read
      const picture = pictureOf(row), map = high * picture.width / picture.height;
      context.drawImage(picture, x + (width - map) / 2, y + 2, map, high);
      context.globalAlpha = 1;
      context.fillStyle = page.colour(words ? "warn" : "muted");
      const shown = fitting(name, width - GAP, (text) => context.measureText(text).width), line = y + high + NAME - 2;
      context.fillText(shown, x + width / 2, line);
      if (out) {
        const long = context.measureText(shown).width;
        context.fillRect(x + (width - long) / 2, Math.round(line) - 4, long, 1);
      }
      if (row === here || brushed.has(row) || row === hover) {
        context.strokeStyle = page.colour(row === here ? "accent" : brushed.has(row) ? "picked" : "line");
        context.lineWidth = row === here ? 2 : 1.5;
        context.strokeRect(x + 1, y + 1, width - 2, high + NAME + GAP - 2);
      }
    }
    fits.setAttribute("aria-pressed", String(!model.get("width")));
    smaller.disabled = resized(mapWidth(), -1) === mapWidth();
    larger.disabled = resized(mapWidth(), 1) === mapWidth();
    tell();
  }

  function tell() {
    const row = hover >= 0 ? hover : model.get("here"), tile = tiles()[row];
    const text = tile ? [tile.name, tile.out, tile.words].filter(Boolean).join(": ") : "";
    if (said.textContent === text) return;
    said.textContent = said.title = text;
    canvas.setAttribute("aria-label", text || `${n()} runs, one map each; arrows go from run to run`);
  }

  const placeOf = (event) => {
    const box = canvas.getBoundingClientRect(), { across: columns, width, height } = size();
    const at = { x: event.clientX - box.left, y: event.clientY - box.top + room.scrollTop };
    return tileAt(at, columns, width, height, model.get("order").length);
  };

  function pick(place, { extend = false, toggle = false } = {}) {
    const order = model.get("order"), row = order[place];
    if (extend && from >= 0) {
      model.set("brushed", order.slice(Math.min(from, place), Math.max(from, place) + 1));
    } else if (toggle) {
      const before = model.get("brushed");
      model.set("brushed", before.includes(row) ? before.filter((other) => other !== row) : [...before, row]);
    } else {
      model.set("here", row); // at once, and before it is said: the next key goes on from there
      model.save_changes();
      model.send({ kind: "pick", row });
    }
    from = place;
    model.save_changes();
  }

  canvas.addEventListener("click", (event) => {
    const place = placeOf(event);
    if (place >= 0) pick(place, { extend: event.shiftKey, toggle: event.ctrlKey || event.metaKey });
  });
  canvas.addEventListener("pointermove", (event) => {
    const place = placeOf(event), row = place < 0 ? -1 : model.get("order")[place];
    if (row === hover) return;
    hover = row;
    frame.soon();
  });
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    resize(event.deltaY < 0 ? 1 : -1);
  }, { passive: false });
  canvas.addEventListener("pointerleave", () => {
    hover = -1;
    frame.soon();
  });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across(), ArrowUp: -across() }[event.key];
    if (event.key === "Escape" && model.get("brushed").length) {
      model.set("brushed", []);
      model.save_changes();
      event.stopPropagation();
    }
    if (!step) return;
    const order = model.get("order"), now = order.indexOf(model.get("here"));
    const next = now < 0 ? 0 : now + step;
    if (next >= 0 && next < order.length) {
      hover = -1; // what is told is of the run that the keys have come to, wherever the pointer rests
      pick(next);
      reach(next);
    }
    event.preventDefault();
    event.stopPropagation();
  });

  function reach(place) {
    const { across: columns, height } = size(), top = Math.floor(place / columns) * height;
    if (top < room.scrollTop) room.scrollTop = top;
    else if (top + height > room.scrollTop + roomOf().height) room.scrollTop = top + height - roomOf().height;
  }

  // Brings the run that is looked at into view, when it is another or the room is.
  function show() {
    const place = model.get("order").indexOf(model.get("here"));
    if (place >= 0) reach(place);
  }

  room.addEventListener("scroll", () => frame.soon(), { passive: true });
  const unlisten = listen(model, {
    ...changes(["levels", "cells"], read),
    ...changes(["slice", "threshold", "full", "lut", "mirrored"], redraw),
    ...changes(["order", "tiles", "brushed", "width"], () => frame.soon()),
    "change:here": () => {
      show();
      frame.soon();
    },
    "msg:custom": arrive,
  });
  read();
  return () => {
    unlisten();
    frame.stop();
    around.stop();
    view.disconnect();
  };
}

export default hearing({ render });
