// What an explorer knows of the page around it: keys that are pressed inside stay inside, and it is no taller than the
// room that the notebook or the window has.

const MARGIN = 14; // pixels that a cell has around its output
// Height of the series in pixels: the map has a third of a laptop's explorer, and more of a larger one goes to both.
const SERIES = { share: 0.125, least: 76, most: 190, from: 774, more: 0.25 };

export const seriesHeight = (room, { share, least, most, from, more } = SERIES) =>
  Math.max(least, Math.min(most, share * room + more * Math.max(0, room - from)));

// Keys by themselves are the explorer's: a notebook would cut its cell away at an x. Shortcuts with Ctrl, Alt or Cmd go
// on to the page, and Shift+Enter runs the cell.
export const isOurs = ({ ctrlKey, metaKey, altKey, shiftKey, key }) =>
  !(ctrlKey || metaKey || altKey || (shiftKey && key === "Enter"));

function keepKeys(root) {
  // What cannot have the focus itself hands it on: a click beside a control shall not give it to the notebook's cell.
  root.tabIndex = -1;
  const hear = (event) => {
    if (isOurs(event)) event.stopPropagation();
  };
  root.addEventListener("keydown", hear);
  return () => root.removeEventListener("keydown", hear);
}

// A panel that can be folded keeps its heading, and the verdict in it; its heading is a button.
function keepFolds(root) {
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
    head.parentElement.classList.toggle("glmw-folded");
    show(head);
  };
  const watch = new MutationObserver(() =>
    heads().forEach((head) => {
      if (!head.role) show(head);
    })
  );
  watch.observe(root, { childList: true, subtree: true });
  heads().forEach(show);
  for (const type of ["click", "keydown"]) root.addEventListener(type, turn);
  return () => {
    watch.disconnect();
    for (const type of ["click", "keydown"]) root.removeEventListener(type, turn);
  };
}

function keepHeight(root) {
  const room = root.closest(".jp-WindowedPanel-outer, .jp-Notebook") ?? document.documentElement;
  const cell = root.closest(".jp-OutputArea-output") ?? root; // tabs of runs are above the explorer of one
  const fit = () => {
    const height = room.clientHeight - MARGIN - (root.getBoundingClientRect().top - cell.getBoundingClientRect().top);
    root.style.setProperty("--glmw-room", `${Math.round(height)}px`);
    root.style.setProperty("--glmw-series-most", `${Math.round(seriesHeight(height))}px`);
  };
  const watch = new ResizeObserver(fit);
  watch.observe(room);
  fit();
  return () => watch.disconnect();
}

function render({ el }) {
  el.classList.add("glmw-frame");
  let undo = [], frame = 0;
  const begin = () => {
    const root = el.closest(".glmw-explorer");
    if (root) undo = [keepKeys, keepFolds, keepHeight].map((keep) => keep(root));
    else frame = requestAnimationFrame(begin); // not in the page yet
  };
  begin();
  return () => {
    cancelAnimationFrame(frame);
    undo.forEach((end) => end());
  };
}

export default { render };
