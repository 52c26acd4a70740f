// Small pictures of maps, each a button with its name below. Names and words are text, never markup.

import { hearing } from "./late_widget.js";
import { changes, element, listen, octets, shortened } from "./shared.js";

function render({ model, el }) {
  el.classList.add("glmw-tiles");
  const grid = element("div", "glmw-tiles-grid", el), said = element("div", "glmw-note glmw-tiles-said", el);
  said.setAttribute("aria-live", "polite");

  function paint(canvas, at) {
    const { width, height, pixels } = model.get("pictures");
    if (!width || !pixels || pixels.byteLength < (at + 1) * width * height) return;
    const bytes = octets(pixels).subarray(at * width * height), lut = octets(model.get("_lut"));
    const mirrored = model.get("mirrored");
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const level = bytes[y * width + (mirrored ? width - 1 - x : x)];
        if (!level) continue;
        const value = level - 128;
        const size = Math.min(255, 2 * Math.abs(value));
        const colour = 3 * ((value < 0 ? 0 : 256) + size);
        // Small values let the grey of the head through, whatever the theme.
        const share = Math.min(1, size / 110);
        const k = 4 * (y * width + x);
        for (let c = 0; c < 3; c++) image.data[k + c] = Math.round(share * lut[colour + c] + (1 - share) * 128);
        image.data[k + 3] = Math.round(255 * (0.22 + 0.78 * share));
      }
    }
    context.putImageData(image, 0, 0);
  }

  function make(at) {
    const tile = document.createElement("button");
    tile.type = "button";
    tile.className = "glmw-tile";
    tile.dataset.index = at;
    const name = document.createElement("span");
    name.className = "glmw-tile-name";
    tile.append(document.createElement("canvas"), name);
    return tile;
  }

  function draw() {
    const tiles = model.get("tiles");
    while (grid.children.length > tiles.length) grid.lastChild.remove();
    while (grid.children.length < tiles.length) grid.append(make(grid.children.length));
    const short = shortened(tiles.map(({ name }) => name));
    tiles.forEach(({ name, words, kept }, at) => {
      const tile = grid.children[at];
      tile.classList.toggle("glmw-flagged", Boolean(words));
      tile.classList.toggle("glmw-out", !kept);
      tile.title = [name, kept ? "" : "left out", words].filter(Boolean).join(": ");
      tile.setAttribute("aria-label", tile.title);
      tile.lastChild.textContent = short[at];
    });
    mark();
  }

  function paintAll() {
    [...grid.children].forEach((tile, at) => paint(tile.firstChild, at));
  }

  function mark() {
    const here = model.get("here");
    [...grid.children].forEach((tile, at) => {
      tile.classList.toggle("glmw-here", at === here);
      tile.setAttribute("aria-pressed", at === here);
    });
    tell(here);
  }

  function tell(at) {
    said.textContent = grid.children[at]?.title ?? "";
  }

  const tileOf = (event) => event.target.closest(".glmw-tile");
  grid.addEventListener("click", (event) => {
    const tile = tileOf(event);
    if (tile) model.send({ kind: "pick", row: Number(tile.dataset.index) });
  });
  grid.addEventListener("pointerover", (event) => {
    const tile = tileOf(event);
    if (tile) tell(Number(tile.dataset.index));
  });
  grid.addEventListener("pointerleave", () => tell(model.get("here")));
  grid.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = step && grid.children[Number(tileOf(event)?.dataset.index) + step];
    if (!next) return;
    next.focus();
    event.preventDefault();
    event.stopPropagation();
  });

  const redraw = () => {
    draw();
    paintAll();
  };
  // What was sent while this view was being made is asked for again, so that none is left empty.
  const onMessage = (content) => {
    if (content.kind === "draw") redraw();
  };
  const unlisten = listen(model, {
    "change:tiles": redraw,
    ...changes(["pictures", "mirrored"], paintAll),
    "change:here": mark,
    "msg:custom": onMessage,
  });
  redraw();
  model.send({ kind: "ready" });
  return unlisten;
}

export default hearing({ render });
