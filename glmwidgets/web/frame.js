// What an explorer knows of the page around it: keys that are pressed inside stay inside, and it is no taller than the
// room that the notebook or the window has.

import { hearing } from "./late_widget.js";
import { changes, listen, whenGrown } from "./shared.js";

const MARGIN = 14; // pixels that a cell has around its output
// Height of the series in pixels: the map has a third of a laptop's explorer, and more of a larger one goes to both.
const SERIES = { share: 0.12, least: 64, most: 190, from: 774, more: 0.25 };

const PARTS = [0.06, 0.7]; // of the room that a hand can give the plots
const BESIDES = 168; // pixels of heads, tabs and lines around plots that have the whole room

export const seriesHeight = (room, { share, least, most, from, more } = SERIES) =>
  Math.max(least, Math.min(most, share * room + more * Math.max(0, room - from)));

const PATIENCE_MS = 1000; // after which a person is told that nobody has heard yet

// Keys by themselves are the explorer's: a notebook would cut its cell away at an x. Shortcuts with Ctrl, Alt or Cmd go
// on to the page, and Shift+Enter runs the cell.
export const isOurs = ({ ctrlKey, metaKey, altKey, shiftKey, key }) =>
  !(ctrlKey || metaKey || altKey || (shiftKey && key === "Enter"));

// Whether letters are typed into what has the focus.
const isTyped = (el) =>
  el.matches("input, textarea, select, [contenteditable]") && !/^(checkbox|radio|range|button)$/.test(el.type);

function keepKeys(root) {
  // What cannot have the focus itself hands it on: a click beside a control shall not give it to the notebook's cell.
  root.tabIndex = -1;
  const hear = (event) => {
    if (isOurs(event)) event.stopPropagation();
  };
  root.addEventListener("keydown", hear);
  return () => root.removeEventListener("keydown", hear);
}

// A panel that can be folded keeps its heading, and the verdict in it; its heading is a button. Its contents come when it
// is first unfolded.
function keepFolds(root, model) {
  const heads = () => root.querySelectorAll(".glmw-foldable > .glmw-head");
  const show = (head) => {
    head.setAttribute("role", "button");
    head.tabIndex = 0;
    head.setAttribute("aria-expanded", String(!head.parentElement.classList.contains("glmw-folded")));
  };
  const turn = (event) => {
    const head = event.target.closest?.(".glmw-foldable > .glmw-head");
    if (!head || (event.type === "keydown" && event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    const panel = head.parentElement, isOpen = !panel.classList.toggle("glmw-folded");
    const name = [...panel.classList].find((css) => css.startsWith("glmw-is-"));
    if (isOpen && name) model.send({ kind: "unfold", name: name.slice("glmw-is-".length) });
    show(head);
  };
  const endWatch = whenGrown(root, () =>
    heads().forEach((head) => {
      if (!head.role) show(head);
    }));
  heads().forEach(show);
  for (const type of ["click", "keydown"]) root.addEventListener(type, turn);
  return () => {
    endWatch();
    for (const type of ["click", "keydown"]) root.removeEventListener(type, turn);
  };
}

// The explorer is as tall as the room; in it the plots of the series have a part that a handle above them changes, and
// map or series can have all of it, by a key, a button or their setting.
function keepHeight(root, model) {
  const room = root.closest(".jp-WindowedPanel-outer, .jp-Notebook") ?? document.documentElement;
  const cell = root.closest(".jp-OutputArea-output") ?? root; // tabs of runs are above the explorer of one
  const handle = document.createElement("div");
  handle.className = "glmw-handle";
  handle.tabIndex = 0;
  handle.title = "drag: height of the plots";
  for (
    const [name, said] of [["role", "separator"], ["aria-orientation", "horizontal"], ["aria-label", handle.title]]
  ) {
    handle.setAttribute(name, said);
  }
  let height = 0, held = null, part = null; // part of the height that is under the hand

  const fit = () => {
    height = room.clientHeight - MARGIN - (root.getBoundingClientRect().top - cell.getBoundingClientRect().top);
    const wanted = part ?? model.get("height"), alone = model.get("room");
    const series = alone === "series" ? height - BESIDES : wanted === null ? seriesHeight(height) : wanted * height;
    root.style.setProperty("--glmw-room", `${Math.round(height)}px`);
    root.style.setProperty("--glmw-series-height", `${Math.round(series)}px`);
    root.dataset.room = alone;
    handle.setAttribute("aria-valuenow", String(Math.round(100 * series / height)));
    document.dispatchEvent(new CustomEvent("glmw:fitted"));
  };
  const tell = (name, value) => {
    model.set(name, value);
    model.save_changes();
    fit();
  };
  const within = (wanted) => Math.round(1000 * Math.max(PARTS[0], Math.min(PARTS[1], wanted))) / 1000;
  const present = () => parseFloat(root.style.getPropertyValue("--glmw-series-height")) / height;

  handle.addEventListener("pointerdown", (event) => {
    held = { y: event.clientY, part: present() };
    handle.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  handle.addEventListener("pointermove", (event) => {
    if (!held) return;
    part = within(held.part + (held.y - event.clientY) / height);
    fit();
  });
  const rest = () => {
    if (part !== null) tell("height", part);
    held = part = null;
  };
  for (const end of ["pointerup", "pointercancel"]) handle.addEventListener(end, rest);
  handle.addEventListener("dblclick", () => tell("height", null));
  handle.addEventListener("keydown", ({ key }) => {
    const by = { ArrowUp: 0.02, ArrowDown: -0.02 }[key];
    if (by) tell("height", within(present() + by));
  });

  const onKey = (event) => {
    if (!isOurs(event) || isTyped(event.target)) return;
    const alone = { b: "map", B: "series" }[event.key], now = model.get("room");
    if (alone) tell("room", now === alone ? "shared" : alone);
    else if (event.key === "Escape" && now !== "shared") tell("room", "shared");
  };
  const onRoom = ({ detail }) => tell("room", model.get("room") === detail ? "shared" : detail);
  const place = () => {
    const series = root.querySelector(".glmw-series-panel");
    if (series && handle.parentElement !== series) series.append(handle);
  };
  const watch = new ResizeObserver(fit), endPlacing = whenGrown(root, place);
  watch.observe(room);
  root.addEventListener("keydown", onKey);
  root.addEventListener("glmw:room", onRoom);
  const unlisten = listen(model, changes(["room", "height"], fit));
  place();
  fit();
  return () => {
    watch.disconnect();
    endPlacing();
    root.removeEventListener("keydown", onKey);
    root.removeEventListener("glmw:room", onRoom);
    unlisten();
    handle.remove();
  };
}

// An explorer whose cell a person has just run comes into view as a whole: that cell is the active one or, after
// Shift+Enter, the one before it. Nothing moves when all cells are run, or when a person has scrolled on meanwhile.
function comeIntoView(root) {
  const cell = root.closest(".jp-Cell"), room = root.closest(".jp-WindowedPanel-outer, .jp-Notebook");
  const isRun = [cell, cell?.nextElementSibling].some((each) => each?.classList.contains("jp-mod-active"));
  if (!room || !isRun || !navigator.userActivation?.hasBeenActive) return () => {};
  const frame = requestAnimationFrame(() => {
    const part = root.getBoundingClientRect(), seen = room.getBoundingClientRect();
    if (part.top >= seen.top && part.top < seen.bottom) root.scrollIntoView({ block: "nearest" });
  });
  return () => cancelAnimationFrame(frame);
}

// Verdicts and the state of the analysis are read out when a voice has the time.
function keepVoice(root) {
  const speak = () =>
    root.querySelectorAll(".glmw-panel > .glmw-head, .glmw-status > .glmw-words").forEach((place) => {
      place.setAttribute("aria-live", "polite");
    });
  speak();
  return whenGrown(root, speak);
}

// The first word to a fresh explorer waits for the cell that runs, if one does: that is said until the kernel has heard.
function keepPatience(root, model) {
  const types = ["pointerdown", "keydown", "change"];
  let timer = 0, note = null;
  const deaf = () => types.forEach((type) => root.removeEventListener(type, ask, true));
  function ask() {
    deaf();
    model.send({ kind: "ask" });
    timer = setTimeout(() => {
      note = document.createElement("span");
      note.className = "glmw-waits";
      note.setAttribute("role", "status");
      note.textContent = "waiting: the notebook is running a cell, and answers when it ends";
      (root.querySelector(".glmw-status") ?? root).append(note);
    }, PATIENCE_MS);
  }
  const hear = ({ kind }) => {
    if (kind !== "heard") return;
    deaf();
    clearTimeout(timer);
    note?.remove();
  };
  types.forEach((type) => root.addEventListener(type, ask, true));
  model.on("msg:custom", hear);
  return () => {
    hear({ kind: "heard" });
    model.off("msg:custom", hear);
  };
}

function render({ el, model }) {
  el.classList.add("glmw-frame");
  let undo = [], frame = 0;
  const begin = () => {
    const root = el.closest(".glmw-explorer");
    const all = [keepKeys, keepFolds, keepHeight, comeIntoView, keepVoice, keepPatience];
    if (root) undo = all.map((keep) => keep(root, model));
    else frame = requestAnimationFrame(begin); // not in the page yet
  };
  begin();
  return () => {
    cancelAnimationFrame(frame);
    undo.forEach((end) => end());
  };
}

export default hearing({ render });
