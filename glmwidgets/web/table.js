// A table whose rows can be picked by mouse or keyboard and whose columns sort. Cells are text, never markup.

function cellText(value, digits) {
  if (value === null || value === undefined) return "";
  if (typeof value !== "number") return String(value);
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "\u2212");
}

// Sub-rows stay below the row they belong to, whatever the order.
function groups(rows) {
  const out = [];
  rows.forEach((row, index) => {
    if (row.sub && out.length) out[out.length - 1].push({ ...row, index });
    else out.push([{ ...row, index }]);
  });
  return out;
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}

function render({ model, el }) {
  el.classList.add("glmw-table");
  const table = el.appendChild(document.createElement("table"));
  const head = table.createTHead();
  const body = table.createTBody();
  let sort = { column: -1, falling: false };

  function drawHead() {
    head.replaceChildren();
    const row = head.insertRow();
    model.get("columns").forEach((column, c) => {
      const th = document.createElement("th");
      th.textContent = column.label + (c === sort.column ? (sort.falling ? " \u25be" : " \u25b4") : "");
      th.title = column.help || "";
      th.scope = "col";
      th.tabIndex = 0;
      const toggle = () => {
        sort = { column: c, falling: c === sort.column ? !sort.falling : column.falling ?? typeof firstCell(c) === "number" };
        draw();
      };
      th.addEventListener("click", toggle);
      th.addEventListener("keydown", (e) => { if (e.key === "Enter") toggle(); });
      row.append(th);
    });
  }

  const firstCell = (c) => model.get("rows")[0]?.cells[c];

  function drawBody() {
    const columns = model.get("columns");
    const ordered = groups(model.get("rows"));
    if (sort.column >= 0) {
      ordered.sort((a, b) => compare(a[0].cells[sort.column], b[0].cells[sort.column]) * (sort.falling ? -1 : 1));
    }
    body.replaceChildren();
    for (const row of ordered.flat()) {
      const tr = body.insertRow();
      tr.tabIndex = 0;
      tr.dataset.index = row.index;
      tr.classList.toggle("glmw-sub", Boolean(row.sub));
      row.cells.forEach((value, c) => { tr.insertCell().textContent = cellText(value, columns[c].digits ?? 0); });
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

  function draw() { drawHead(); drawBody(); }

  function pick(tr) {
    if (!tr || tr.dataset.index === undefined) return;
    model.send({ kind: "pick", row: Number(tr.dataset.index) });
  }

  body.addEventListener("click", (e) => pick(e.target.closest("tr")));
  body.addEventListener("keydown", (e) => {
    const tr = e.target.closest("tr");
    const next = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[e.key];
    if (next && tr[next]) { tr[next].focus(); pick(tr[next]); }
    else if (e.key === "Enter" || e.key === " ") pick(tr);
    else return;
    e.preventDefault();
    e.stopPropagation();
  });

  const listeners = [["change:rows", drawBody], ["change:columns", draw], ["change:here", mark], ["change:empty", drawBody]];
  for (const [event, handler] of listeners) model.on(event, handler);
  draw();
  return () => { for (const [event, handler] of listeners) model.off(event, handler); };
}

export default { render };
