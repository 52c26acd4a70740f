// A button that shows one of two, also by a key pressed anywhere in the explorer but in a field that is typed in.

import { changes, listen } from "./shared.js";

const TYPED = "input, textarea, select, [contenteditable='true']";

function render({ model, el }) {
  const button = el.appendChild(document.createElement("button"));
  button.className = "jupyter-button widget-button glmw-flip";

  function draw() {
    const [first, second] = model.get("labels");
    const key = model.get("key").toUpperCase();
    button.textContent = model.get("value") ? `back to ${first} (key ${key})` : `flip to ${second} (key ${key})`;
    button.setAttribute("aria-pressed", String(model.get("value")));
  }

  function flip() {
    model.set("value", !model.get("value"));
    model.save_changes();
  }

  button.addEventListener("click", flip);
  const onKey = (event) => {
    if (event.key.toLowerCase() !== model.get("key") || event.ctrlKey || event.metaKey || event.altKey) return;
    const root = el.closest(".glmw");
    if (event.repeat || !root || !root.contains(event.target) || el.offsetParent === null) return;
    const typing = event.target.matches(TYPED) && !/^(checkbox|radio|range|button)$/.test(event.target.type);
    if (typing) return;
    flip();
    event.preventDefault();
    event.stopPropagation();
  };
  // Before anybody else: to JupyterLab a letter is a command.
  document.addEventListener("keydown", onKey, true);

  const unlisten = listen(model, changes(["value", "labels"], draw));
  draw();
  return () => {
    document.removeEventListener("keydown", onKey, true);
    unlisten();
  };
}

export default { render };
