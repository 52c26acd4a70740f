// What stands below the slices: the words at the crosshair, where a place can be typed, and tools for peaks, size, picture.

import { enlargeMore, goToPeak } from "./slices_hand.js";
import { digitsOf, toMm, toVoxel } from "./slices_paint.js";
import { fixed, number } from "./shared.js";

// The line of words below the picture is laid out no more often than this.
const READ_MS = 100;

export function readSoon(view) {
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
function readOut({ root, readout, store, zoomed, compared, saved, large: alone }, cursor) {
  const plane = store.plane(2, cursor[2]), { model } = store;
  const value = (data) => (plane ? data[plane.base + cursor[0] * plane.su + cursor[1] * plane.sv] : NaN);
  const z = value(plane?.data), shown = model.get("shown_label"), place = toMm(store.grid, cursor);
  const digits = Math.max(1, digitsOf(store.grid)), { beside } = store;
  const said = [
    [`voxel ${store.voxel().join(", ")}`],
    [`${place.map((c) => fixed(c, digits)).join(", ")} mm`],
    [model.get("label"), fixed(z ?? NaN, 2)],
    ...(shown ? [[shown, number(value(plane?.tint)), model.get("shown_unit")]] : []),
    ...(beside ? [[beside.name, number(beside.tint[store.at(cursor)])]] : []),
  ];
  while (readout.children.length > said.length) readout.lastChild.remove();
  said.forEach(([text, written, unit], k) => {
    const span = readout.children[k] ?? readout.appendChild(document.createElement("span"));
    if (span.querySelector("input")) return; // a place is being typed
    if (!span.firstChild) span.append("", document.createElement("b"), "");
    const [before, strong, after] = span.childNodes, name = written === undefined ? text : `${text} `;
    if (before.data !== name) before.data = name;
    if (strong.textContent !== (written ?? "")) strong.textContent = written ?? "";
    const behind = unit ? ` ${unit}` : "";
    if (after.data !== behind) after.data = behind;
    span.classList.toggle("glmw-old", written !== undefined && Boolean(plane?.old || store.isOld()));
  });
  // An explorer keeps pictures by its menu; who stands alone has no other room.
  const bare = !root.closest(".glmw-explorer");
  if (alone.hidden !== bare) alone.hidden = bare;
  if (saved.hidden === bare) saved.hidden = !bare;
  if (compared.hidden !== !beside) compared.hidden = !beside;
  if (compared.value !== model.get("compare")) compared.value = model.get("compare");
  const { factor } = store.lens(), large = factor > 1 ? `${fixed(factor, 1)}\u00d7` : "1\u00d7";
  if (zoomed.textContent !== large) zoomed.textContent = large;
  if (zoomed.disabled !== (factor <= 1)) zoomed.disabled = factor <= 1;
}

// Three numbers, however they are separated; null where there are not three.
export function numbersIn(text) {
  const found = text.replaceAll("\u2212", "-").match(/-?\d+(?:\.\d+)?/g) ?? [];
  return found.length === 3 ? found.map(Number) : null;
}

// The words of voxel and mm are clicked to type another place in their stead.
function typed(view) {
  const { readout, store, canvas } = view;
  const go = [
    (ijk) => store.moveToVoxel(ijk.map(Math.round)),
    (mm) => store.moveTo(toVoxel(store.grid, mm).map(Math.round)),
  ];
  const open = (span, k) => {
    const input = document.createElement("input"), names = ["voxel", "mm"];
    input.value = span.textContent.replace(/voxel |mm/g, "").trim();
    input.setAttribute("aria-label", `crosshair to ${names[k]}: three numbers`);
    span.replaceChildren(input);
    const close = () => {
      if (!input.isConnected) return;
      span.replaceChildren("", document.createElement("b"), "");
      readOut(view, store.cursor());
    };
    input.addEventListener("keydown", (event) => {
      const wanted = numbersIn(input.value);
      if (event.key === "Enter" && wanted) {
        go[k](wanted);
        close();
        canvas.focus({ preventScroll: true });
      } else if (event.key === "Enter") input.setAttribute("aria-invalid", "true");
      else if (event.key === "Escape") close();
      event.stopPropagation();
    });
    input.addEventListener("blur", close);
    input.focus();
    input.select();
  };
  readout.title = "click voxel or mm to type a place";
  readout.addEventListener("click", ({ target }) => {
    const k = [...readout.children].findIndex((span) => span.contains(target));
    if ((k === 0 || k === 1) && target.tagName !== "INPUT") open(readout.children[k], k);
  });
}

// ------------------------------------------------------------------------------------------------------------- pictures

// What is on the canvas, on the ground that the page gives it.
function pictureOf({ canvas, root }) {
  const whole = document.createElement("canvas"), ctx = whole.getContext("2d");
  [whole.width, whole.height] = [canvas.width, canvas.height];
  ctx.fillStyle = getComputedStyle(root).backgroundColor;
  ctx.fillRect(0, 0, whole.width, whole.height);
  ctx.drawImage(canvas, 0, 0);
  return new Promise((done) => whole.toBlob(done, "image/png"));
}

function savePicture(blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = "map.png";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// To the clipboard; to the downloads where a page may not write there.
async function copyPicture(view) {
  const blob = await pictureOf(view);
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
    return "copied";
  } catch {
    savePicture(blob);
    return "saved";
  }
}

// ---------------------------------------------------------------------------------------------------------------- tools

export function equip(view) {
  const { tools } = view;
  const button = (words, title, act) => {
    const made = tools.appendChild(document.createElement("button"));
    made.type = "button";
    made.textContent = words;
    made.title = title;
    made.setAttribute("aria-label", title);
    made.addEventListener("click", () => act(made));
    return made;
  };
  const menu = (name, title, choices) => {
    const made = tools.appendChild(document.createElement("select"));
    made.setAttribute("aria-label", name);
    made.title = title;
    for (const [value, words] of choices) made.add(new Option(words, value));
    return made;
  };
  const { model } = view.store;
  view.compared = menu("maps of A and B", "how A and B are shown (hold a: A alone)", model.get("_compares"));
  view.compared.hidden = true;
  view.compared.addEventListener("change", () => {
    model.set("compare", view.compared.value);
    model.save_changes();
    view.repaint();
  });
  const title = "crosshair to the peak of the slice (s), the cluster (k) or the map (m)";
  const among = [["", "peak of"], ["slice", "slice"], ["cluster", "cluster"], ["map", "map"]];
  const peaks = menu("crosshair to the peak of", title, among);
  peaks.options[0].disabled = peaks.options[0].hidden = true;
  peaks.addEventListener("change", () => {
    goToPeak(view, peaks.value);
    peaks.value = "";
  });
  button("\u2212", "smaller (o)", () => enlargeMore(view, 0.8));
  view.zoomed = button("1\u00d7", "whole (0)", () => view.store.enlarge(1));
  button("+", "larger (i; Ctrl and wheel)", () => enlargeMore(view, 1.25));
  const copy = button("copy", "copy the picture (Ctrl+C)", () => view.copy());
  view.copy = async () => {
    copy.textContent = await copyPicture(view);
    setTimeout(() => {
      copy.textContent = "copy";
    }, 1500);
  };
  view.saved = button("PNG", "save the picture", async () => savePicture(await pictureOf(view)));
  view.large = button("\u2922", "the map alone, and back (b; B for the series)", () => {
    view.root.dispatchEvent(new CustomEvent("glmw:room", { bubbles: true, detail: "map" }));
  });
  typed(view);
}
