// A table that is typed into: a click on a cell, Enter or a letter opens it; Enter and Tab go on, Escape leaves.
// Cells are text, never markup; whether they can be read is decided by the kernel.

import { moveOf, typeInto } from "./cells.js";
import { element, listen, shortened } from "./shared.js";

function render({ model, el }) {
  el.classList.add("glmw-table", "glmw-group-table");
  const table = element("table", "", el);
  const head = table.createTHead();
  const body = table.createTBody();
  let open = null;

  const tick = (checked, title, act) => {
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = checked;
    box.title = title;
    box.setAttribute("aria-label", title);
    box.addEventListener("change", () => act(box.checked));
    return box;
  };

  function drawHead() {
    head.replaceChildren();
    const row = head.insertRow();
    const first = document.createElement("th");
    first.colSpan = 2;
    first.textContent = "map";
    row.append(first);
    model.get("data").columns.forEach(({ name, kind, in_model, fixed }, column) => {
      const th = document.createElement("th");
      th.scope = "col";
      th.classList.toggle("glmw-in-model", in_model);
      const label = document.createElement("label");
      label.title = name;
      const words = document.createElement("span");
      words.textContent = name;
      label.append(
        tick(in_model, `${name} in the model`, (value) => model.send({ kind: "term", column, value })),
        words,
      );
      th.append(label);
      const as = document.createElement("button");
      as.type = "button";
      as.textContent = kind === "number" ? "numbers" : "groups";
      as.title = fixed ? "names the subjects" : "click to read the cells the other way";
      as.disabled = fixed;
      as.addEventListener("click", () => model.send({ kind: "kind", column }));
      th.append(as);
      row.append(th);
    });
  }

  function drawBody() {
    const { maps, rows, columns, cells, kept } = model.get("data");
    const refused = model.get("refused");
    const short = shortened(maps);
    body.replaceChildren();
    maps.forEach((name, row) => {
      const tr = body.insertRow();
      tr.dataset.row = row;
      tr.classList.toggle("glmw-out", !kept[row]);
      tr.insertCell().append(tick(kept[row], `use ${name}`, (value) => model.send({ kind: "keep", row, value })));
      const called = tr.insertCell();
      called.className = "glmw-map-name";
      called.textContent = short[row];
      const of = rows[row] === name ? "" : ` (${rows[row]} in the table)`;
      called.title = `${name}${of}: click to look at this map`;
      called.tabIndex = 0;
      columns.forEach((column, c) => {
        const td = tr.insertCell();
        td.className = "glmw-cell";
        td.tabIndex = 0;
        td.dataset.column = c;
        const bad = refused.row === row && refused.column === c;
        td.textContent = bad ? refused.text : cells[c][row];
        td.title = bad ? "" : cells[c][row];
        td.classList.toggle("glmw-refused", bad);
        td.classList.toggle("glmw-empty", !bad && !cells[c][row]);
        td.classList.toggle("glmw-number", column.kind === "number");
      });
    });
    if (!columns.length) head.rows[0].insertCell().textContent = "";
    mark();
  }

  function draw() {
    const kept = open && { ...open, text: open.field.input.value };
    open = null; // what is typed goes on in the new cell, and nothing of it is sent yet
    drawHead();
    drawBody();
    if (kept) start(cellAt(kept.row, kept.column), kept.text);
  }

  function mark() {
    const here = model.get("here");
    for (const tr of body.rows) tr.classList.toggle("glmw-here", Number(tr.dataset.row) === here);
  }

  const cellAt = (row, column) => body.rows[row]?.querySelector(`td[data-column="${column}"]`);
  const placeOf = (td) => ({ row: Number(td.parentNode.dataset.row), column: Number(td.dataset.column) });

  function start(td, text) {
    if (!td) return;
    const before = td.textContent, place = placeOf(td), { row, column } = place;
    const field = typeInto(td, { text: text ?? before, whole: text === undefined, label: td.title }, (kept, move) => {
      if (open?.field !== field) return; // the table was drawn anew
      open = null;
      const said = kept === null ? before : kept.trim();
      td.textContent = said;
      if (said !== before) model.send({ kind: "cell", row, column, text: said });
      if (kept === null) td.focus();
      else if (move) start(cellAt(row + move[0], column + move[1]));
    });
    open = { ...place, field };
  }

  body.addEventListener("click", (event) => {
    const td = event.target.closest("td");
    if (!td || event.target.closest("input")) return;
    if (td.classList.contains("glmw-map-name")) model.send({ kind: "pick", row: Number(td.parentNode.dataset.row) });
    else if (td.classList.contains("glmw-cell")) start(td);
  });
  body.addEventListener("keydown", (event) => {
    const td = event.target.closest("td");
    if (!td || event.target.closest("input") || event.ctrlKey || event.metaKey || event.altKey) return;
    const move = moveOf(event.key, body.rows.length);
    if (move) {
      const row = Math.max(0, Math.min(body.rows.length - 1, td.parentNode.sectionRowIndex + move[0]));
      body.rows[row].cells[td.cellIndex + move[1]]?.focus();
    } else if (td.classList.contains("glmw-map-name") && (event.key === "Enter" || event.key === " ")) {
      model.send({ kind: "pick", row: Number(td.parentNode.dataset.row) });
    } else if (td.classList.contains("glmw-cell") && (event.key === "Enter" || event.key === "F2")) start(td);
    else if (td.classList.contains("glmw-cell") && event.key.length === 1) start(td, event.key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  const unlisten = listen(model, { "change:data": draw, "change:refused": draw, "change:here": mark });
  draw();
  return unlisten;
}

export default { render };
