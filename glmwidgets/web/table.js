// A table whose rows can be picked by mouse or keyboard and whose columns sort. Cells are text, never markup.

import { headingOf, moveOf, orderOf } from "./cells.js";
import { element, fixed, listen } from "./shared.js";

const cellText = (value, digits) => typeof value === "number" ? fixed(value, digits) : String(value ?? "");

// Sub-rows stay below the row they belong to, whatever the order.
function groups(rows) {
  const out = [];
  rows.forEach((row, index) => {
    if (row.sub && out.length) out[out.length - 1].push({ ...row, index });
    else out.push([{ ...row, index }]);
  });
  return out;
}

function render({ model, el }) {
  el.classList.add("glmw-table");
  const table = element("table", "", el);
  const head = table.createTHead();
  const body = table.createTBody();
  let sort = { column: -1, falling: false };

  function drawHead() {
    head.replaceChildren();
    const row = head.insertRow();
    model.get("columns").forEach((column, c) => {
      const th = document.createElement("th");
      th.textContent = headingOf(column.label, c === sort.column, sort.falling);
      th.title = column.help || "";
      th.scope = "col";
      th.tabIndex = 0;
      const toggle = () => {
        sort = {
          column: c,
          falling: c === sort.column ? !sort.falling : column.falling ?? typeof firstCell(c) === "number",
        };
        draw();
      };
      th.addEventListener("click", toggle);
      th.addEventListener("keydown", (e) => {
        if (e.key === "Enter") toggle();
      });
      row.append(th);
    });
  }

  const firstCell = (c) => model.get("rows")[0]?.cells[c];

  function drawBody() {
    const columns = model.get("columns");
    const together = groups(model.get("rows")), { column, falling } = sort;
    const ordered = column < 0
      ? together
      : orderOf(together.map(([first]) => first.cells[column]), falling).map((k) => together[k]);
    body.replaceChildren();
    for (const row of ordered.flat()) {
      const tr = body.insertRow();
      tr.tabIndex = 0;
      tr.dataset.index = row.index;
      tr.classList.toggle("glmw-sub", Boolean(row.sub));
      row.cells.forEach((value, c) => {
        tr.insertCell().textContent = cellText(value, columns[c].digits ?? 0);
      });
    }
    if (!ordered.length) {
      const cell = body.insertRow().insertCell();
      cell.colSpan = columns.length;
      cell.className = "glmw-none";
      cell.textContent = model.get("empty");
    }
    mark();
  }

  function mark() {
    const here = model.get("here");
    for (const tr of body.rows) tr.classList.toggle("glmw-here", Number(tr.dataset.index) === here);
  }

  function draw() {
    drawHead();
    drawBody();
  }

  function pick(tr) {
    if (!tr || tr.dataset.index === undefined) return;
    model.send({ kind: "pick", row: Number(tr.dataset.index) });
  }

  body.addEventListener("click", (e) => pick(e.target.closest("tr")));
  body.addEventListener("keydown", (e) => {
    const tr = e.target.closest("tr");
    const [by] = moveOf(e.key, body.rows.length) ?? [0];
    if (by) {
      const next = body.rows[Math.max(0, Math.min(body.rows.length - 1, tr.sectionRowIndex + by))];
      next.focus();
      pick(next);
    } else if (e.key === "Enter" || e.key === " ") pick(tr);
    else return;
    e.preventDefault();
    e.stopPropagation();
  });

  const unlisten = listen(model, {
    "change:rows": drawBody,
    "change:columns": draw,
    "change:here": mark,
    "change:empty": drawBody,
  });
  draw();
  return unlisten;
}

export default { render };
