// Charts on a canvas: lines, bands, bars and marks over shaded stretches. Pointing reads values, a click picks a point.

import { hearing } from "./late_widget.js";
import {
  atNextFrame,
  changes,
  fitted,
  fitting,
  floats,
  listen,
  number,
  readableCanvas,
  surroundings,
  ticks,
} from "./shared.js";

const ROW = 22; // px below a plot for its axis
const LEFT = 42, RIGHT = 8, BARE = 10;

function decoded(plot) {
  const parts = plot.parts.map((p) =>
    p.kind === "mark" ? p : { ...p, x: floats(p.x), y: floats(p.y), high: p.high ? floats(p.high) : null }
  );
  let [low, high] = plot.y ?? [Infinity, -Infinity];
  if (!plot.y) {
    for (const part of parts) {
      for (const values of [part.y, part.high]) {
        for (const v of values ?? []) {
          if (Number.isFinite(v)) {
            low = Math.min(low, v);
            high = Math.max(high, v);
          }
        }
      }
      if (part.kind === "bars" || plot.zero) {
        low = Math.min(low, 0);
        high = Math.max(high, 0);
      }
    }
    if (!(high >= low)) [low, high] = [-1, 1];
    if (high === low) {
      low -= 0.5;
      high += 0.5;
    }
    const pad = 0.05 * (high - low);
    const bars = parts.some((p) => p.kind === "bars");
    if (!(bars && low === 0)) low -= pad;
    high += pad;
  }
  return { ...plot, parts, low, high };
}

// What an axis is called: its quantity with its unit, as far as there are any.
export const axisTitle = ({ x_name: name, x_unit: unit }) => [name, unit].filter(Boolean).join(", ");

function nearest(x, at) {
  let best = -1, distance = Infinity;
  for (let k = 0; k < x.length; k++) {
    const d = Math.abs(x[k] - at);
    if (d < distance) {
      distance = d;
      best = k;
    }
  }
  return best;
}

function render({ model, el }) {
  el.classList.add("glmw-chart");
  const { canvas, read } = readableCanvas(el);
  let plots = [], boxes = [], pointer = null, fresh = false;

  const decode = () => {
    plots = model.get("plots").map(decoded);
    fresh = true;
    soon();
  };
  const { soon, stop } = atNextFrame(draw), page = surroundings(el, soon);

  function layout(width, height) {
    const beside = plots.length > 1 && width >= 460;
    const n = plots.length;
    return plots.map((plot, i) => {
      const w = beside ? width / n : width, h = beside ? height : height / n;
      const top = (beside ? 0 : i * h) + (plot.caption ? 20 : 6), indent = plot.bare ? BARE : LEFT;
      return {
        left: (beside ? i * w : 0) + indent,
        top,
        width: Math.max(10, w - indent - RIGHT),
        height: Math.max(10, (beside ? 0 : i * h) + h - ROW - top),
      };
    });
  }

  function draw() {
    const { width, family, property, colour } = page.get();
    const stacked = plots.length > 1 && width < 460, given = parseFloat(property("chart-height"));
    const height = (given || model.get("height")) * (stacked ? 1.6 : 1);
    if (canvas.ariaLabel !== model.get("label")) canvas.ariaLabel = model.get("label");
    const context = fitted(canvas, width, height);
    const theme = (name) => name.startsWith("--glmw-") ? colour(name.slice(7)) : name;
    context.font = `11px ${family}`;
    boxes = layout(width, height);
    plots.forEach((plot, i) => paint(context, plot, boxes[i], theme));
    say();
    // Heard by whoever measures how long an answer takes: pointing at a chart is none.
    if (fresh) el.dispatchEvent(new CustomEvent("glmw:chart", { bubbles: true }));
    fresh = false;
  }

  function paint(context, plot, box, theme) {
    const { left, top, width, height } = box;
    const [x0, x1] = plot.x;
    const px = (x) => left + (x - x0) / (x1 - x0 || 1) * width;
    const py = (y) => top + (plot.high - y) / (plot.high - plot.low || 1) * height;
    const ink = theme("--glmw-muted"), rule = theme("--glmw-line");

    context.lineWidth = 1;
    context.fillStyle = ink;
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (const y of plot.bare ? [] : ticks(plot.low, plot.high, height / 26)) {
      context.strokeStyle = rule;
      context.beginPath();
      const at = Math.round(py(y)) + 0.5;
      context.moveTo(left, at);
      context.lineTo(left + width, at);
      context.stroke();
      context.fillText(number(y), left - 6, at);
    }
    // What x is stands at the end of its axis; a number that would be in its way gives way.
    const end = left + width + RIGHT, title = axisTitle(plot), widthOf = (text) => context.measureText(text).width;
    context.textBaseline = "top";
    if (title) context.fillText(title, end, top + height + 6);
    const most = end - (title ? widthOf(title) + 8 : 0);
    context.textAlign = "center";
    const marks = plot.labels.length
      ? plot.labels.map((label, x) => [x, label])
      : ticks(x0, x1, width / 52).map((x) => [x, number(x)]);
    const room = plot.labels.length ? width / plot.labels.length - 6 : Infinity;
    for (const [x, words] of marks) {
      const label = fitting(words, room, widthOf), half = widthOf(label) / 2;
      const at = title ? px(x) : Math.min(px(x), end - half);
      if (at + half <= most) context.fillText(label, at, top + height + 6);
    }
    if (plot.zero && plot.low < 0 && plot.high > 0) {
      context.strokeStyle = ink;
      context.beginPath();
      context.moveTo(left, Math.round(py(0)) + 0.5);
      context.lineTo(left + width, Math.round(py(0)) + 0.5);
      context.stroke();
    }
    if (plot.caption) {
      context.textAlign = "left";
      context.fillText(plot.caption, left, top - 17, width);
    }

    context.save();
    context.beginPath();
    context.rect(left, top - 1, width, height + 2);
    context.clip();
    if (plot.regions) {
      for (const r of model.get("regions")) {
        context.globalAlpha = r.opacity;
        context.fillStyle = r.colour;
        context.fillRect(px(r.first), top, Math.max(1, px(r.last) - px(r.first)), height);
      }
    }
    for (const part of plot.parts) {
      context.globalAlpha = part.opacity ?? 1;
      context.strokeStyle = context.fillStyle = theme(part.colour);
      context.setLineDash(part.dash ?? []);
      context.lineWidth = part.kind === "line" ? part.width : 1;
      context.lineJoin = "round";
      if (part.kind === "line") trace(context, part.x, part.y, px, py, part.dots);
      else if (part.kind === "band") area(context, part, px, py);
      else if (part.kind === "bars") {
        const w = part.width / (x1 - x0 || 1) * width;
        part.x.forEach((x, k) => {
          const a = py(0), b = py(part.y[k]);
          context.fillRect(px(x) - w / 2 + 0.5, Math.min(a, b), Math.max(1, w - 1), Math.max(0.5, Math.abs(a - b)));
        });
      }
    }
    context.globalAlpha = 1;
    context.setLineDash([]);
    let taken = -Infinity;
    for (const part of plot.parts.filter((p) => p.kind === "mark").sort((a, b) => a.at - b.at)) {
      const at = Math.round(px(part.at)) + 0.5;
      context.strokeStyle = context.fillStyle = theme(part.colour);
      context.lineWidth = part.tick ? 3 : 1;
      context.setLineDash(part.dash);
      context.beginPath();
      // Ticks stand on the axis, those of one place above each other.
      const foot = part.tick ? top + height - 10 * part.row : top + height;
      context.moveTo(at, part.tick ? foot - 8 : top);
      context.lineTo(at, foot);
      context.stroke();
      if (part.label && !part.tick && at > taken) {
        // Before its mark where it has no room behind it, never beyond the plot, and not over the label before it.
        const wide = context.measureText(part.label).width, flip = at + wide + 6 > left + width;
        const start = Math.max(left, flip ? at - 4 - wide : at + 4);
        context.textAlign = "left";
        context.textBaseline = "top";
        context.fillText(part.label, start, top + (start > taken ? 1 : 14));
        taken = Math.max(at, start + wide) + 2;
      }
    }
    context.setLineDash([]);
    const marker = model.get("marker");
    if (plot.pick && marker !== null) {
      context.strokeStyle = theme("--glmw-accent");
      context.lineWidth = 1.5;
      context.beginPath();
      context.moveTo(px(marker), top);
      context.lineTo(px(marker), top + height);
      context.stroke();
    }
    if (pointer && plots[pointer.plot] === plot) {
      context.strokeStyle = ink;
      context.globalAlpha = 0.6;
      context.lineWidth = 1;
      const at = Math.round(px(pointer.x)) + 0.5;
      context.beginPath();
      context.moveTo(at, top);
      context.lineTo(at, top + height);
      context.stroke();
    }
    context.restore();
    if (plot.y_name && !plot.bare) {
      context.fillStyle = theme("--glmw-panel");
      context.globalAlpha = 0.75;
      context.fillRect(left, top, context.measureText(plot.y_name).width + 6, 14);
      context.globalAlpha = 1;
      context.fillStyle = ink;
      context.textAlign = "left";
      context.textBaseline = "top";
      context.fillText(plot.y_name, left + 3, top + 2);
    }
  }

  function trace(context, x, y, px, py, dots) {
    context.beginPath();
    let pen = false;
    for (let k = 0; k < x.length; k++) {
      if (!Number.isFinite(y[k])) {
        pen = false;
        continue;
      }
      pen ? context.lineTo(px(x[k]), py(y[k])) : context.moveTo(px(x[k]), py(y[k]));
      pen = true;
    }
    context.stroke();
    if (dots) {
      for (let k = 0; k < x.length; k++) {
        if (!Number.isFinite(y[k])) continue;
        context.beginPath();
        context.arc(px(x[k]), py(y[k]), dots, 0, 7);
        context.fill();
      }
    }
  }

  function area(context, part, px, py) {
    const { x, y, high } = part;
    for (let a = 0; a < x.length;) {
      if (!(Number.isFinite(y[a]) && Number.isFinite(high[a]))) {
        a++;
        continue;
      }
      let b = a;
      while (b + 1 < x.length && Number.isFinite(y[b + 1]) && Number.isFinite(high[b + 1])) b++;
      context.beginPath();
      for (let k = a; k <= b; k++) context.lineTo(px(x[k]), py(high[k]));
      for (let k = b; k >= a; k--) context.lineTo(px(x[k]), py(y[k]));
      context.fill();
      a = b + 1;
    }
  }

  // Which plot the pointer is over, and the point of its first line that is nearest.
  function pointed(event) {
    const frame = canvas.getBoundingClientRect();
    const x = event.clientX - frame.left, y = event.clientY - frame.top;
    const plot = boxes.findIndex((b) =>
      x >= b.left - 4 && x <= b.left + b.width + 4 && y >= b.top - 20 && y <= b.top + b.height + ROW
    );
    if (plot < 0) return null;
    const [x0, x1] = plots[plot].x;
    const at = x0 + Math.min(1, Math.max(0, (x - boxes[plot].left) / boxes[plot].width)) * (x1 - x0);
    const first = plots[plot].parts.find((p) => p.kind !== "mark" && p.x.length);
    const index = first ? nearest(first.x, at) : -1;
    return { plot, index, x: index >= 0 ? first.x[index] : at, raw: at };
  }

  function say() {
    if (!pointer || !plots[pointer.plot]) {
      const resting = model.get("resting");
      if (read.textContent !== resting) read.textContent = read.title = resting;
      return;
    }
    const plot = plots[pointer.plot];
    if (plot.said.length) {
      read.textContent = plot.said[Math.max(0, Math.min(plot.said.length - 1, Math.round(pointer.raw)))];
      return;
    }
    const words = [];
    if (plot.scans && pointer.index >= 0) words.push(`scan ${pointer.index}`);
    words.push(`${plot.x_name ? plot.x_name + " " : ""}${number(pointer.x)}${plot.x_unit ? " " + plot.x_unit : ""}`);
    for (const part of plot.parts) {
      if (!part.name || part.kind === "mark") continue;
      const k = nearest(part.x, pointer.x);
      if (k >= 0 && Number.isFinite(part.y[k])) words.push(`${part.name} ${number(part.y[k])}`);
    }
    const near = (plot.x[1] - plot.x[0]) / 80;
    for (const part of plot.parts) {
      if (part.kind === "mark" && part.label && Math.abs(part.at - pointer.raw) < near) words.push(part.label);
    }
    if (plot.regions) {
      for (const r of model.get("regions")) {
        if (r.name && pointer.x >= r.first && pointer.x <= r.last) words.push(r.name);
      }
    }
    read.textContent = [...new Set(words)].join(" \u00b7 ");
  }

  canvas.addEventListener("pointermove", (event) => {
    pointer = pointed(event);
    canvas.style.cursor = pointer && plots[pointer.plot].pick ? "pointer" : "default";
    soon();
  });
  canvas.addEventListener("pointerleave", () => {
    pointer = null;
    soon();
  });
  canvas.addEventListener("click", (event) => {
    const found = pointed(event);
    if (found && found.index >= 0 && plots[found.plot].pick) model.send({ kind: "pick", index: found.index });
  });
  canvas.addEventListener("keydown", (event) => {
    const marker = model.get("marker");
    if (marker === null) return;
    const plot = plots.find((p) => p.pick);
    const x = plot?.parts.find((p) => p.kind === "line")?.x;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") model.send({ kind: "leave" });
    else if (step && x) {
      const k = nearest(x, marker) + step;
      if (k >= 0 && k < x.length) model.send({ kind: "pick", index: k });
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });

  document.addEventListener("glmw:fitted", page.forget);
  const unlisten = listen(model, {
    "change:plots": decode,
    ...changes(["regions", "marker", "height", "resting"], soon),
  });
  decode();
  return () => {
    document.removeEventListener("glmw:fitted", page.forget);
    page.stop();
    unlisten();
    stop();
  };
}

export default hearing({ render });
