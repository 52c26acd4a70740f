// Events by type over the run: a line a type with its tick, colour, name, count, and its events as marks in time.
// One SVG a line, stretched by the browser; times are seconds, so that nothing is measured here.

import { hearing } from "./late_widget.js";
import { atNextFrame, changes, element, listen, rounded, ticks } from "./shared.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 10;

// What is drawn: the run, and a little beyond it where there are events. Those still further out stand at the edge.
function span(data, shift) {
  const [start, end] = data.run;
  const length = end - start || 1;
  let low = start, high = end;
  data.onset.forEach((onset, row) => {
    low = Math.min(low, onset + shift);
    high = Math.max(high, onset + shift + data.duration[row]);
  });
  return [Math.max(low, start - 0.12 * length), Math.min(high, end + 0.2 * length)];
}

function render({ model, el }) {
  el.classList.add("glmw-timeline");
  el.classList.toggle("glmw-wide", model.get("wide"));
  const list = element("div", "glmw-lines", el);
  const axis = model.get("wide") ? element("div", "glmw-axis", el) : null;

  function line(kind, index) {
    const data = model.get("data");
    const row = element("div", "glmw-line", list);
    row.classList.toggle("glmw-off", model.get("off").includes(kind.name));
    row.classList.toggle("glmw-here", model.get("wide") && model.get("kind") === kind.name);
    const head = element("div", "glmw-line-head", row);
    const tick = element("input", "", head);
    tick.type = "checkbox";
    tick.checked = !model.get("off").includes(kind.name);
    tick.setAttribute("aria-label", `model ${kind.name}`);
    tick.addEventListener("change", () => {
      const off = model.get("off").filter((name) => name !== kind.name);
      model.set("off", tick.checked ? off : [...off, kind.name]);
      model.save_changes();
    });
    const dot = element("span", "glmw-dot", head);
    dot.style.background = kind.colour;
    const name = element(model.get("wide") ? "button" : "span", "glmw-line-name", head);
    name.textContent = kind.name;
    name.title = kind.name;
    name.addEventListener("click", () => {
      if (!model.get("wide")) {
        tick.click();
        return;
      }
      model.set("kind", kind.name);
      model.save_changes();
    });
    element("span", "glmw-count", head).textContent = kind.count;
    strip(row, kind, index, data);
  }

  function strip(row, kind, index, data) {
    const shift = model.get("shift");
    const [low, high] = span(data, shift);
    const [start, end] = data.run;
    const percent = (t) => `${(100 * (t - low)) / (high - low)}%`;
    const box = element("div", "glmw-line-strip", row);
    for (const [from, to] of [[low, start], [end, high]]) {
      if (to - from <= 1e-6 * (high - low)) continue;
      const outside = element("div", "glmw-beyond", box);
      outside.style.left = percent(from);
      outside.style.width = `${(100 * (to - from)) / (high - low)}%`;
    }
    const svg = box.appendChild(document.createElementNS(SVG, "svg"));
    svg.setAttribute("viewBox", `${low} 0 ${high - low} ${HEIGHT}`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `${kind.count} events of ${kind.name} over the run`);
    const least = (high - low) / 260;
    const picked = new Set(model.get("picked"));
    data.kind.forEach((of, place) => {
      if (of !== index) return;
      const onset = data.onset[place] + shift, duration = data.duration[place];
      const width = Math.max(duration, least);
      const x = Math.min(Math.max(onset, low), high - least);
      const rect = svg.appendChild(document.createElementNS(SVG, "rect"));
      // How strongly an event is modulated is its height.
      const share = data.height ? Math.max(0.12, Math.abs(data.height[place])) : 1;
      rect.setAttribute("x", x);
      rect.setAttribute("width", Math.min(width, high - x));
      rect.setAttribute("height", HEIGHT * share);
      rect.setAttribute("y", HEIGHT * (1 - share));
      rect.setAttribute("fill", kind.colour);
      rect.dataset.row = place;
      const bad = onset >= end || onset + duration < start;
      rect.classList.toggle("glmw-bad", bad);
      rect.classList.toggle("glmw-picked", picked.has(place));
      const modulation = data.modulation ? ` \u00b7 modulation ${rounded(data.modulation[place], 2)}` : "";
      const title = rect.appendChild(document.createElementNS(SVG, "title"));
      title.textContent = `${kind.name} \u00b7 ${rounded(onset, 2)} s, lasts ${rounded(duration, 2)} s${modulation}${
        bad ? " \u00b7 outside the run" : ""
      }`;
    });
  }

  function drawAxis() {
    if (!axis) return;
    axis.replaceChildren();
    const data = model.get("data");
    if (!data.run) return;
    const [low, high] = span(data, model.get("shift"));
    const end = data.run[1];
    const inner = element("div", "glmw-axis-inner", axis);
    const put = (t, label, css) => {
      const mark = element("span", css, inner);
      mark.style.left = `${(100 * (t - low)) / (high - low)}%`;
      mark.textContent = label;
    };
    const room = 78 / (inner.clientWidth || 800);
    for (const t of ticks(low, high, 8)) {
      if ((end - t) / (high - low) > room || t - end > (high - low) * 0.04) put(t, `${rounded(t, 2)}`, "glmw-tick");
    }
    put(end, `end ${rounded(end, 2)} s`, "glmw-tick glmw-end");
  }

  function draw() {
    // Where the list was scrolled to, and what had the focus, stay.
    const top = list.scrollTop;
    const held = list.contains(document.activeElement) ? focusPlace() : null;
    list.replaceChildren();
    (model.get("data").types || []).forEach(line);
    list.scrollTop = top;
    if (held) list.children[held[0]]?.querySelectorAll("input, button")[held[1]]?.focus({ preventScroll: true });
    drawAxis();
  }

  function focusPlace() {
    const row = document.activeElement.closest(".glmw-line");
    return [
      [...list.children].indexOf(row),
      [...row.querySelectorAll("input, button")].indexOf(document.activeElement),
    ];
  }

  list.addEventListener("click", (event) => {
    const row = event.target.closest("rect")?.dataset.row;
    if (row === undefined || !model.get("wide")) return;
    const picked = model.get("picked"), place = Number(row);
    const more = event.ctrlKey || event.metaKey || event.shiftKey;
    const others = picked.filter((other) => other !== place);
    model.set("picked", more ? (others.length < picked.length ? others : [...picked, place]) : [place]);
    model.save_changes();
  });

  // Marks alone change while something is dragged or picked.
  function mark() {
    const picked = new Set(model.get("picked"));
    for (const rect of list.querySelectorAll("rect")) {
      rect.classList.toggle("glmw-picked", picked.has(Number(rect.dataset.row)));
    }
  }

  const size = axis && new ResizeObserver(drawAxis);
  if (size) size.observe(el);
  const { soon, stop } = atNextFrame(draw);
  const unlisten = listen(model, { ...changes(["data", "off", "shift", "kind"], soon), "change:picked": mark });
  if (model.get("data").run) draw();
  return () => {
    if (size) size.disconnect();
    stop();
    unlisten();
  };
}

export default hearing({ render });
