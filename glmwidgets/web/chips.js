// A row of small switches, or of names with a cross.

import { hearing } from "./late_widget.js";
import { changes, listen } from "./shared.js";

function render({ model, el }) {
  el.classList.add("glmw-chips");

  function draw() {
    const on = new Set(model.get("value")), removable = model.get("removable"), options = model.get("options");
    el.setAttribute("role", "group");
    el.setAttribute("aria-label", model.get("label"));
    const held = [...el.children].indexOf(document.activeElement);
    el.replaceChildren(...options.map((option) => {
      const chip = document.createElement("button");
      chip.type = "button";
      chip.title = option.title ?? (removable ? `remove ${option.label}` : option.label);
      const colour = chip.appendChild(document.createElement("i"));
      colour.style.setProperty("--chip", option.colour);
      chip.appendChild(document.createElement("span")).textContent = option.label;
      if (removable) chip.appendChild(document.createElement("b")).textContent = "\u00d7";
      const lit = removable || on.has(option.name);
      chip.classList.toggle("glmw-on", lit);
      if (!removable) chip.setAttribute("aria-pressed", String(lit));
      chip.addEventListener("click", () => {
        if (removable) {
          model.send({ kind: "remove", name: option.name });
          return;
        }
        const chosen = new Set(model.get("value"));
        chosen.has(option.name) ? chosen.delete(option.name) : chosen.add(option.name);
        model.set("value", options.map((o) => o.name).filter((name) => chosen.has(name)));
        model.save_changes();
      });
      return chip;
    }));
    if (held >= 0) el.children[Math.min(held, el.children.length - 1)]?.focus();
  }

  const unlisten = listen(model, changes(["options", "value", "removable", "label"], draw));
  draw();
  return unlisten;
}

export default hearing({ render });
