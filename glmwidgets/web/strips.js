// Figures of many runs, one strip a figure: a dot a run, the one that is looked at marked in each, unusual ones in the
// colour of a warning. A click picks the nearest run, a drag marks all runs between two values. Words are text only.

import { hearing } from "./late_widget.js";
import {
  atNextFrame,
  changes,
  element,
  fitted,
  fitting,
  floats,
  listen,
  number,
  octets,
  surroundings,
} from "./shared.js";

const HIGH = 19, LABEL = 0.5, EDGE = 6;

function render({ model, el }) {
  el.classList.add("glmw-strips");
  const canvas = element("canvas", "", el), said = element("div", "glmw-note glmw-wall-said", el);
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  said.setAttribute("aria-live", "off");
  let values, unusual, drag = null, pointed = null;
  let ground = null, drawnFor = 0; // what stands still, and the width that it was painted for
  const frame = atNextFrame(draw), around = surroundings(el, repaint);
  const figures = () => model.get("figures"), names = () => model.get("names");

  function read() {
    values = floats(model.get("values"));
    unusual = octets(model.get("unusual"));
    repaint();
  }

  function repaint() {
    ground = null;
    frame.soon();
  }

  const left = () => Math.min(190, around.get().width * LABEL);
  // Where the values of a figure lie.
  const placing = (figure, width = around.get().width) => {
    const { low, high } = figures()[figure], from = left() + EDGE, room = width - left() - 2 * EDGE;
    return (value) => from + room * (high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0.5);
  };
  const place = (figure, value) => placing(figure)(value);
  const valueAt = (figure, x) => {
    const { low, high } = figures()[figure], room = around.get().width - left() - 2 * EDGE;
    return low + (high - low) * (x - left() - EDGE) / room;
  };

  // Names, lines and the dots of all runs: painted when another of them is, and not whenever the pointer moves.
  function painted(page) {
    const high = figures().length * HIGH, n = names().length;
    if (ground && drawnFor === page.width * (devicePixelRatio || 1)) return ground;
    ground = document.createElement("canvas");
    drawnFor = page.width * (devicePixelRatio || 1);
    const out = new Set(model.get("out")), brushed = new Set(model.get("brushed"));
    const context = fitted(ground, page.width, high), colours = {};
    for (const name of ["muted", "line", "warn", "picked", "ink"]) colours[name] = page.colour(name);
    context.font = `11px ${page.family}`;
    context.textBaseline = "middle";
    figures().forEach(({ label, unit }, f) => {
      const middle = f * HIGH + HIGH / 2,
        across = placing(f, page.width),
        there = new Uint32Array(16 * page.width + 16);
      context.fillStyle = colours.muted;
      const text = unit ? `${label}, ${unit}` : label;
      context.fillText(fitting(text, left() - 4, (words) => context.measureText(words).width), 0, middle);
      context.fillStyle = colours.line;
      context.fillRect(left(), middle, page.width - left(), 1);
      for (let row = 0; row < n; row++) {
        const value = values[f * n + row];
        if (!Number.isFinite(value)) continue;
        const marked = brushed.has(row), odd = unusual[f * n + row], x = across(value);
        const alpha = out.has(row) ? 0.3 : marked || odd ? 1 : 0.55;
        // Where so many alike lie on one another that a further one cannot be seen, it is not painted.
        const at = Math.round(2 * x) * 8 + (odd ? 4 : 0) + (marked ? 2 : 0) + (alpha < 0.5);
        if (there[at]++ > 4 / alpha) continue;
        context.globalAlpha = alpha;
        context.fillStyle = colours[odd ? "warn" : marked ? "picked" : "ink"];
        context.beginPath();
        context.arc(x, middle, odd || marked ? 3 : 2, 0, 2 * Math.PI);
        context.fill();
      }
      context.globalAlpha = 1;
    });
    return ground;
  }

  function draw() {
    if (!values) return;
    const page = around.get(), n = names().length, here = model.get("here");
    const context = fitted(canvas, page.width, figures().length * HIGH);
    canvas.style.width = `${page.width}px`;
    if (figures().length) context.drawImage(painted(page), 0, 0, page.width, figures().length * HIGH);
    figures().forEach((_, f) => {
      const mine = here >= 0 ? values[f * n + here] : NaN;
      if (Number.isFinite(mine)) {
        context.fillStyle = page.colour("accent");
        context.fillRect(place(f, mine) - 1.5, f * HIGH + 2, 3, HIGH - 4);
      }
      if (drag?.figure === f) {
        context.fillStyle = page.colour("picked");
        context.globalAlpha = 0.2;
        context.fillRect(Math.min(drag.from, drag.to), f * HIGH, Math.abs(drag.to - drag.from), HIGH);
        context.globalAlpha = 1;
      }
    });
    tell();
  }

  function tell() {
    const n = names().length, here = model.get("here");
    const { figure, row } = pointed ?? { figure: -1, row: here };
    const known = figures()[figure];
    const text = known && row >= 0
      ? `${names()[row]}: ${known.label} ${number(values[figure * n + row])} ${known.unit}`.trim()
      : names()[here] ?? "";
    said.textContent = text;
    said.title = known?.help ?? "";
    canvas.setAttribute("aria-label", `${figures().length} figures of ${n} runs${text ? `; ${text}` : ""}`);
  }

  const at = (event) => {
    const box = canvas.getBoundingClientRect(), figure = Math.floor((event.clientY - box.top) / HIGH);
    return { figure: figure < figures().length ? figure : -1, x: event.clientX - box.left };
  };
  const nearest = ({ figure, x }) => {
    if (figure < 0) return -1;
    const n = names().length, across = placing(figure);
    let best = -1, far = 8;
    for (let row = 0; row < n; row++) {
      const gap = Math.abs(across(values[figure * n + row]) - x);
      if (gap < far) [best, far] = [row, gap];
    }
    return best;
  };

  canvas.addEventListener("pointerdown", (event) => {
    const { figure, x } = at(event);
    if (figure < 0) return;
    drag = { figure, from: x, to: x };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const where = at(event);
    if (drag) drag.to = where.x;
    pointed = { figure: where.figure, row: nearest(where) };
    const { label, unit, help } = figures()[where.figure] ?? {};
    canvas.title = label && where.x < left() ? `${[label, unit].filter(Boolean).join(", ")}: ${help}` : "";
    frame.soon();
  });
  canvas.addEventListener("pointerup", (event) => {
    if (!drag) return;
    const { figure, from, to } = drag, n = names().length, row = nearest(at(event));
    drag = null;
    if (Math.abs(to - from) > 4) {
      const [low, high] = [from, to].sort((a, b) => a - b).map((x) => valueAt(figure, x));
      const inside = (k) => values[figure * n + k] >= low && values[figure * n + k] <= high;
      model.set("brushed", names().map((_, k) => k).filter(inside));
      model.save_changes();
    } else if (row >= 0) {
      model.send({ kind: "pick", row });
    }
    frame.soon();
  });
  canvas.addEventListener("pointerleave", () => {
    pointed = null;
    frame.soon();
  });
  canvas.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    model.set("brushed", []);
    model.save_changes();
  });

  const unlisten = listen(model, {
    ...changes(["values", "unusual", "figures", "names"], read),
    ...changes(["brushed", "out"], repaint),
    "change:here": () => frame.soon(),
  });
  read();
  return () => {
    unlisten();
    frame.stop();
    around.stop();
  };
}

export default hearing({ render });
