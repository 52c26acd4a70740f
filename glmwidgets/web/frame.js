// What an explorer knows of the page around it: keys that are pressed inside stay inside, and it is no taller than the
// room that the notebook or the window has.

const MARGIN = 14; // pixels that a cell has around its output

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

function keepHeight(root) {
  const room = root.closest(".jp-WindowedPanel-outer, .jp-Notebook") ?? document.documentElement;
  const fit = () => root.style.setProperty("--glmw-room", `${room.clientHeight - MARGIN}px`);
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
    if (root) undo = [keepKeys(root), keepHeight(root)];
    else frame = requestAnimationFrame(begin); // not in the page yet
  };
  begin();
  return () => {
    cancelAnimationFrame(frame);
    undo.forEach((end) => end());
  };
}

export default { render };
