// A wall of small maps of one slice, one a run: only those in view are drawn, on one canvas. Slice, threshold and scroll
// ask nobody. Names are text, never markup.

import { hearing } from "./hears.js";
import { levelColour, tileAt, tilesInView } from "./wall_layout.js";
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

const NAME = 14, GAP = 4, OUTSIDE = -128;

function render({ model, el }) {
  el.classList.add("glmw-wall");
  const room = element("div", "glmw-wall-room", el), space = element("div", "", room);
  const canvas = element("canvas", "", space), said = element("div", "glmw-note glmw-wall-said", el);
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  said.setAttribute("aria-live", "polite");

  let cells, levels, pictures = new Map(); // of each run's slice, drawn once
  let hover = -1, from = -1;
  const frame = atNextFrame(draw), around = surroundings(el, () => frame.soon());
  const tiles = () => model.get("tiles"), n = () => tiles().length;
  const size = () => {
    const { shape: [w, h] } = model.get("grid");
    const width = model.get("width"), tall = Math.round(width * h / (w || 1)), least = tall + NAME + GAP;
    // Rows share the room, somewhat smaller or wider apart, so that no name is cut at the edge.
    const view = room.clientHeight || 200, fit = Math.max(1, Math.round(view / least));
    if (model.get("order").length <= Math.floor(view / least) * acrossOf(width + GAP)) {
      return { width: width + GAP, tall, height: least };
    }
    return { width: width + GAP, tall: Math.min(tall, view / fit - NAME - GAP), height: view / fit };
  };
  const acrossOf = (width) => Math.max(1, Math.floor(around.get().width / width));
  const across = () => acrossOf(size().width);

  function read() {
    cells = integers(model.get("cells"));
    levels = new Int8Array(copied(model.get("levels")));
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
    const { shape: [w, h] } = model.get("grid"), k = model.get("slice"), made = document.createElement("canvas");
    made.width = w;
    made.height = h;
    const context = made.getContext("2d"), image = context.createImageData(w, h), lut = octets(model.get("lut"));
    const threshold = model.get("threshold") * model.get("scale"), grey = model.get("dark") ? 92 : 196;
    const mirrored = model.get("mirrored"), depth = model.get("grid").shape[2];
    for (let c = 0, at = row * cells.length; c < cells.length; c++, at++) {
      if (levels[at] === OUTSIDE || cells[c] % depth !== k) continue;
      const place = Math.floor(cells[c] / depth), x = Math.floor(place / h), y = h - 1 - place % h;
      const pixel = 4 * (y * w + (mirrored ? w - 1 - x : x));
      const [r, g, b] = levelColour(levels[at], threshold, lut, grey);
      image.data.set([r, g, b, 255], pixel);
    }
    context.putImageData(image, 0, 0);
    pictures.set(row, made);
    return made;
  }

  function draw() {
    if (!cells) return;
    const { width, tall, height } = size(), page = around.get(), columns = across(), order = model.get("order");
    const view = room.clientHeight || 200, top = room.scrollTop;
    space.style.height = `${Math.ceil(order.length / columns) * height}px`;
    canvas.style.top = `${top}px`;
    canvas.style.width = `${page.width}px`;
    const context = fitted(canvas, page.width, view);
    context.imageSmoothingEnabled = false;
    context.font = `11px ${page.family}`;
    context.textAlign = "center";
    const brushed = new Set(model.get("brushed")), here = model.get("here");
    for (const place of tilesInView(order.length, columns, height, top, view)) {
      const row = order[place], { name, words, out } = tiles()[row];
      const x = (place % columns) * width, y = Math.floor(place / columns) * height - top;
      context.globalAlpha = out ? 0.35 : 1;
      const picture = pictureOf(row), wide = Math.min(width - GAP, tall * picture.width / picture.height);
      context.drawImage(picture, x + (width - wide) / 2, y, wide, tall);
      context.fillStyle = page.colour(words ? "warn" : "muted");
      const shown = fitting(name, width - GAP, (text) => context.measureText(text).width);
      context.fillText(shown, x + width / 2, y + tall + NAME - 3);
      context.globalAlpha = 1;
      if (row === here || brushed.has(row) || row === hover) {
        context.strokeStyle = page.colour(row === here ? "accent" : brushed.has(row) ? "picked" : "line");
        context.lineWidth = row === here ? 2 : 1.5;
        context.strokeRect(x + 1, y + 1, width - 2, tall + NAME + GAP - 3);
      }
    }
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
    const box = canvas.getBoundingClientRect(), { width, height } = size();
    const at = { x: event.clientX - box.left, y: event.clientY - box.top + room.scrollTop };
    return tileAt(at, across(), width, height, model.get("order").length);
  };

  function pick(place, { extend = false, toggle = false } = {}) {
    const order = model.get("order"), row = order[place];
    if (extend && from >= 0) {
      model.set("brushed", order.slice(Math.min(from, place), Math.max(from, place) + 1));
    } else if (toggle) {
      const before = model.get("brushed");
      model.set("brushed", before.includes(row) ? before.filter((other) => other !== row) : [...before, row]);
    } else {
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
  canvas.addEventListener("pointerleave", () => {
    hover = -1;
    frame.soon();
  });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across(), ArrowUp: -across() }[event.key];
    if (!step) return;
    const order = model.get("order"), now = order.indexOf(model.get("here"));
    const next = now < 0 ? 0 : now + step;
    if (next >= 0 && next < order.length) {
      pick(next);
      reach(next);
    }
    event.preventDefault();
    event.stopPropagation();
  });

  function reach(place) {
    const { height } = size(), top = Math.floor(place / across()) * height;
    if (top < room.scrollTop) room.scrollTop = top;
    else if (top + height > room.scrollTop + room.clientHeight) room.scrollTop = top + height - room.clientHeight;
  }

  room.addEventListener("scroll", () => frame.soon(), { passive: true });
  const unlisten = listen(model, {
    ...changes(["levels", "cells"], read),
    ...changes(["slice", "threshold", "lut", "dark", "mirrored"], redraw),
    ...changes(["order", "tiles", "brushed", "width"], () => frame.soon()),
    "change:here": () => {
      const place = model.get("order").indexOf(model.get("here"));
      if (place >= 0) reach(place);
      frame.soon();
    },
    "msg:custom": arrive,
  });
  read();
  return () => {
    unlisten();
    frame.stop();
    around.stop();
  };
}

export default hearing({ render });
