// A matrix as a picture: hover reads a cell, a click picks one. One canvas pixel a cell, stretched by the browser.

import { hearing } from "./late_widget.js";
import { changes, floats, listen, number, readableCanvas } from "./shared.js";

function render({ model, el }) {
  el.classList.add("glmw-matrix");
  const { canvas, read } = readableCanvas(el);
  let values = new Float32Array();

  function draw() {
    const [rows, columns] = model.get("shape");
    values = floats(model.get("values"));
    const [low, high] = model.get("limits");
    const table = model.get("table");
    canvas.width = Math.max(1, columns);
    canvas.height = Math.max(1, rows);
    canvas.style.height = `${model.get("height")}px`;
    canvas.setAttribute("aria-label", model.get("label"));
    if (!values.length) return;
    const context = canvas.getContext("2d");
    const image = context.createImageData(columns, rows);
    for (let k = 0; k < values.length; k++) {
      if (Number.isNaN(values[k])) continue; // the ground is seen where there is no value
      const level = Math.round(255 * Math.min(1, Math.max(0, (values[k] - low) / (high - low || 1))));
      image.data.set([0, 1, 2].map((c) => table.getUint8(3 * level + c)), 4 * k);
      image.data[4 * k + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    rest();
  }

  const rest = () => {
    read.textContent = model.get("resting");
  };

  function cell(event) {
    const [rows, columns] = model.get("shape");
    const box = canvas.getBoundingClientRect();
    const within = (x, n) => Math.min(n - 1, Math.max(0, Math.floor(x * n)));
    return [
      within((event.clientY - box.top) / box.height, rows),
      within((event.clientX - box.left) / box.width, columns),
    ];
  }

  canvas.addEventListener("pointermove", (event) => {
    const [row, column] = cell(event);
    const value = values[row * model.get("shape")[1] + column];
    read.textContent = [model.get("row_names")[row], model.get("column_names")[column], number(value)].filter(Boolean)
      .join(" \u00b7 ");
  });
  canvas.addEventListener("pointerleave", rest);
  canvas.addEventListener("click", (event) => {
    const [row, column] = cell(event);
    model.send({ kind: "pick", row, column });
  });

  const unlisten = listen(model, changes(["values", "limits", "table", "height", "resting"], draw));
  draw();
  return unlisten;
}

export default hearing({ render });
