// A slider. What follows it in the page is told at once, by an event; the kernel at the hand's rest, or now and then:
// what it answers takes the page longer than a map. It is drawn on a canvas, with its value beside the handle while it
// is held: where an element moves, a browser composes the whole page again, and that, too, costs more than a map.

import { hearing } from "./late_widget.js";
import { atNextFrame, changes, fixed, listen, underHand } from "./shared.js";

const REST_MS = 120, MOST_MS = 1000;
const HEIGHT = 20, RADIUS = 8, TRACK = 4; // CSS pixels
const DIGITS = 2;
const KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };
const KEY_STEPS = 120; // from end to end by arrows, at least

function render({ model, el }) {
  el.classList.add("glmw-slider");
  const canvas = el.appendChild(document.createElement("canvas")), ctx = canvas.getContext("2d");
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "slider");
  let width = 0, style = {}, since = 0, held = null;
  const told = underHand(model, "value");

  const part = () => (told.get() - model.get("min")) / (model.get("max") - model.get("min"));
  const room = () => width - 2 * RADIUS;

  function draw() {
    if (!width) return;
    const dpr = devicePixelRatio, middle = HEIGHT / 2, x = RADIUS + Math.max(0, Math.min(1, part())) * room();
    if (canvas.width !== Math.round(width * dpr)) {
      canvas.width = Math.round(width * dpr);
      canvas.height = Math.round(HEIGHT * dpr);
    }
    ctx.setTransform(dpr, 0, 0, dpr, 0, 0);
    ctx.clearRect(0, 0, width, HEIGHT);
    for (const [from, to, color] of [[0, width, style.line], [0, x, style.accent]]) {
      ctx.fillStyle = color;
      ctx.fillRect(from, middle - TRACK / 2, to - from, TRACK);
    }
    ctx.beginPath();
    ctx.arc(x, middle, RADIUS - 1, 0, 2 * Math.PI);
    ctx.fill();
    if (!held) return;
    ctx.font = style.font;
    ctx.textBaseline = "middle";
    const text = fixed(told.get(), DIGITS), wide = ctx.measureText(text).width + 6;
    const left = x + RADIUS + 3 + wide < width ? x + RADIUS + 3 : x - RADIUS - 3 - wide;
    ctx.clearRect(left, 0, wide, HEIGHT);
    ctx.fillText(text, left + 3, middle + 0.5);
  }
  const { soon, stop } = atNextFrame(draw);

  function describe() {
    for (const [name, trait] of [["min", "min"], ["max", "max"], ["now", "value"]]) {
      canvas.setAttribute(`aria-value${name}`, model.get(trait));
    }
    canvas.setAttribute("aria-label", model.get("label"));
  }

  function moveTo(wanted) {
    const [min, max, step] = ["min", "max", "step"].map((name) => model.get(name));
    const stepped = Number((min + Math.round((wanted - min) / step) * step).toFixed(6));
    const value = Math.max(min, Math.min(max, stepped));
    if (value === told.get()) return;
    const now = performance.now();
    if (!told.waits()) since = now;
    told.move(value, Math.min(REST_MS, since + MOST_MS - now));
    soon();
    canvas.dispatchEvent(new CustomEvent("glmw:slide", { bubbles: true, detail: { key: model.get("key"), value } }));
  }

  const follow = (event) => {
    const x = event.clientX - held.left;
    moveTo(model.get("min") + ((x - RADIUS) / room()) * (model.get("max") - model.get("min")));
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    held = canvas.getBoundingClientRect(); // to ask again at each move would lay the page out at each
    soon();
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    follow(event);
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (held) follow(event);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => {
      held = null;
      told.rest();
      soon();
    });
  }
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const ends = { Home: model.get("min"), End: model.get("max") };
    const step = Math.max(model.get("step"), (model.get("max") - model.get("min")) / KEY_STEPS);
    if (event.key in KEYS) moveTo(told.get() + KEYS[event.key] * step);
    else if (event.key in ends) moveTo(ends[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation(); // arrow keys are commands of the notebook, too
  });

  const resize = new ResizeObserver(([{ contentRect }]) => {
    width = contentRect.width;
    const { color, borderBottomColor, fontSize, fontFamily } = getComputedStyle(canvas);
    style = { accent: color, line: borderBottomColor, font: `600 ${fontSize} ${fontFamily}` };
    draw();
  });
  resize.observe(canvas);

  const show = () => {
    soon();
    if (!told.waits()) describe();
  };
  const unlisten = listen(model, changes(["value", "min", "max", "label"], show));
  describe();
  return () => {
    resize.disconnect();
    told.stop();
    stop();
    unlisten();
  };
}

export default hearing({ render });
