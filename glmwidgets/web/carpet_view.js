// A carpet: voxels by scans in greys, traces of each scan above, the events below. One pixel a cell, stretched.

import { hearing } from "./late_widget.js";
import {
  atNextFrame,
  changes,
  fitted,
  fixed,
  floats,
  integers,
  listen,
  number,
  octets,
  readableCanvas,
  surroundings,
  ticks,
} from "./shared.js";

const LEFT = 42, RIGHT = 8, ROW = 24, TRACE = 26, STRIP = 7;

function render({ model, el }) {
  el.classList.add("glmw-chart", "glmw-carpet");
  const { canvas, read } = readableCanvas(el);
  const cells = document.createElement("canvas");
  let picture = null, box = null, pointer = null;

  const { soon, stop } = atNextFrame(draw), page = surroundings(el, soon);

  function decode() {
    const given = model.get("picture");
    picture = null;
    if (given.shape) {
      const [rows, scans] = given.shape;
      picture = {
        rows,
        scans,
        greys: octets(given.greys),
        limit: given.limit,
        times: floats(given.times),
        sizes: integers(given.sizes),
        traces: given.traces.map((t) => ({ ...t, values: floats(t.values) })),
      };
      cells.width = scans;
      cells.height = rows;
      const context = cells.getContext("2d"), image = context.createImageData(scans, rows);
      picture.greys.forEach((grey, k) => image.data.set([grey, grey, grey, 255], 4 * k));
      context.putImageData(image, 0, 0);
    }
    soon();
  }

  function draw() {
    const { width, family, colour } = page.get(), height = model.get("height");
    canvas.setAttribute("aria-label", model.get("label"));
    const context = fitted(canvas, width, height), scale = canvas.width / width;
    if (!picture) {
      say();
      return;
    }
    const ink = colour("muted"), accent = colour("accent");
    context.font = `11px ${family}`;
    const { rows, scans, times, traces } = picture;
    const top = 4 + traces.length * TRACE;
    box = {
      left: LEFT,
      top,
      width: Math.max(10, width - LEFT - RIGHT),
      height: Math.max(10, height - top - STRIP - 3 - ROW),
    };
    // Each scan is a cell as wide as the time between scans, around its own time.
    const step = scans > 1 ? (times[scans - 1] - times[0]) / (scans - 1) : 1;
    box.first = times[0] - step / 2;
    box.last = times[scans - 1] + step / 2;
    const px = (t) => box.left + (t - box.first) / (box.last - box.first) * box.width;

    traces.forEach((trace, i) => {
      const y0 = 4 + i * TRACE, h = TRACE - 6;
      let high = -Infinity, low = Infinity;
      for (const v of trace.values) {
        if (Number.isFinite(v)) {
          high = Math.max(high, v);
          low = Math.min(low, v);
        }
      }
      if (low > 0 && low < 0.5 * high) low = 0;
      context.fillStyle = ink;
      context.textAlign = "right";
      context.textBaseline = "middle";
      context.fillText(trace.label, box.left - 6, y0 + h / 2, LEFT - 6);
      context.strokeStyle = ink;
      context.lineWidth = 1.1;
      context.beginPath();
      let pen = false;
      trace.values.forEach((v, k) => {
        if (!Number.isFinite(v)) {
          pen = false;
          return;
        }
        const y = y0 + h - (v - low) / (high - low || 1) * h;
        pen ? context.lineTo(px(times[k]), y) : context.moveTo(px(times[k]), y);
        pen = true;
      });
      context.stroke();
      context.textAlign = "left";
    });

    context.imageSmoothingEnabled = rows > box.height * scale || scans > box.width * scale;
    context.drawImage(cells, box.left, box.top, box.width, box.height);
    for (const r of model.get("regions")) {
      context.fillStyle = r.colour;
      const from = Math.max(box.left, px(r.first)), to = Math.min(box.left + box.width, px(r.last));
      if (to >= from) context.fillRect(from, box.top + box.height + 3, Math.max(1, to - from), STRIP);
    }
    context.fillStyle = ink;
    context.textAlign = "right";
    context.textBaseline = "top";
    context.fillText(
      `${Array.from(picture.sizes).reduce((a, b) => a + b, 0).toLocaleString("en")}`,
      box.left - 6,
      box.top,
      LEFT - 6,
    );
    context.fillText("voxels", box.left - 6, box.top + 13, LEFT - 6);
    context.textAlign = "center";
    for (const t of ticks(box.first, box.last, box.width / 62)) {
      const label = number(t), half = context.measureText(label).width / 2;
      context.fillText(label, Math.max(box.left, Math.min(px(t), width - half)), box.top + box.height + STRIP + 9);
    }
    const row = model.get("row");
    if (row >= 0) {
      const y = box.top + (row + 0.5) / rows * box.height;
      context.fillStyle = accent;
      for (const [x, way] of [[box.left, -1], [box.left + box.width, 1]]) {
        context.beginPath();
        context.moveTo(x, y);
        context.lineTo(x + 7 * way, y - 4.5);
        context.lineTo(x + 7 * way, y + 4.5);
        context.fill();
      }
      context.strokeStyle = accent;
      context.lineWidth = 1;
      context.globalAlpha = 0.75;
      context.beginPath();
      context.moveTo(box.left, y);
      context.lineTo(box.left + box.width, y);
      context.stroke();
      context.globalAlpha = 1;
    }
    const upright = (time, colour, line) => {
      context.strokeStyle = colour;
      context.lineWidth = line;
      context.beginPath();
      context.moveTo(px(time), 2);
      context.lineTo(px(time), box.top + box.height + STRIP + 3);
      context.stroke();
    };
    if (model.get("marker") !== null) upright(model.get("marker"), accent, 1.5);
    if (pointer) upright(times[pointer.scan], ink, 1);
    say();
  }

  function pointed(event) {
    if (!picture || !box) return null;
    const area = canvas.getBoundingClientRect();
    const x = event.clientX - area.left - box.left, y = event.clientY - area.top - box.top;
    if (x < -3 || x > box.width + 3) return null;
    const scan = Math.min(picture.scans - 1, Math.max(0, Math.floor(x / box.width * picture.scans)));
    const row = Math.floor(y / box.height * picture.rows);
    return { scan, row: row >= 0 && row < picture.rows ? row : -1 };
  }

  function say() {
    if (!pointer || !picture) {
      read.textContent = model.get("resting");
      return;
    }
    const { scan, row } = pointer, time = picture.times[scan];
    const words = [`scan ${scan}`, `${number(time)} s`];
    for (const t of picture.traces) words.push(`${t.label} ${number(t.values[scan])}${t.unit ? " " + t.unit : ""}`);
    if (row >= 0) {
      const value = (picture.greys[row * picture.scans + scan] - 127.5) / 127.5 * picture.limit;
      const n = picture.sizes[row];
      words.push(`${n} voxel${n === 1 ? "" : "s"}: ${fixed(value, 2)} sd`);
    }
    for (const r of model.get("regions")) if (r.name && time >= r.first && time <= r.last) words.push(r.name);
    read.textContent = words.join(" \u00b7 ");
  }

  canvas.addEventListener("pointermove", (event) => {
    pointer = pointed(event);
    soon();
  });
  canvas.addEventListener("pointerleave", () => {
    pointer = null;
    soon();
  });
  canvas.addEventListener("click", (event) => {
    const found = pointed(event);
    if (found) model.send({ kind: "pick", index: found.scan });
  });
  canvas.addEventListener("keydown", (event) => {
    const marker = model.get("marker");
    if (marker === null || !picture) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") model.send({ kind: "leave" });
    else if (step) {
      const now = picture.times.reduce(
        (best, t, k) => Math.abs(t - marker) < Math.abs(picture.times[best] - marker) ? k : best,
        0,
      );
      const index = now + step;
      if (index >= 0 && index < picture.scans) model.send({ kind: "pick", index });
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });

  const unlisten = listen(model, {
    "change:picture": decode,
    ...changes(["row", "marker", "regions", "height", "resting"], soon),
  });
  decode();
  return () => {
    page.stop();
    unlisten();
    stop();
  };
}

export default hearing({ render });
