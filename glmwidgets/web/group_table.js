// A table that is typed into: a click on a cell, Enter or a letter opens it; Enter and Tab go on, Escape leaves.
// Cells are text, never markup; whether they can be read is decided by the kernel.

// Of long names that begin alike only what differs is shown; the whole name is the title.
function shortened(names) {
  if (names.length < 2 || Math.max(...names.map((name) => name.length)) < 16) return names;
  let same = 0;
  while (same < names[0].length && names.every((name) => name[same] === names[0][same])) same += 1;
  // Numbers and words stay whole.
  while (same > 0 && /[A-Za-z0-9]/.test(names[0][same - 1])) same -= 1;
  return same > 3 ? names.map((name) => `\u2026${name.slice(same)}`) : names;
}

function render({ model, el }) {
  el.classList.add("glmw-table", "glmw-group-table");
  const table = el.appendChild(document.createElement("table"));
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
      label.append(tick(in_model, `${name} in the model`, (value) => model.send({ kind: "term", column, value })), words);
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
    const kept = open && { row: open.row, column: open.column, text: open.input.value };
    open = null;
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
    const before = td.textContent;
    const input = document.createElement("input");
    input.type = "text";
    input.value = text ?? before;
    input.setAttribute("aria-label", td.title);
    td.replaceChildren(input);
    open = { ...placeOf(td), input, before, td };
    input.focus();
    if (text === undefined) input.select();
    input.addEventListener("blur", () => finish(true));
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      const { row, column } = open ?? {};
      if (event.key === "Enter" || event.key === "Tab") {
        event.preventDefault();
        const back = event.shiftKey ? -1 : 1;
        finish(true);
        start(event.key === "Enter" ? cellAt(row + back, column) : cellAt(row, column + back));
      } else if (event.key === "Escape") {
        finish(false);
        cellAt(row, column)?.focus();
      }
    });
  }

  function finish(take) {
    if (!open) return;
    const { row, column, input, before, td } = open;
    open = null;
    const text = take ? input.value.trim() : before;
    td.textContent = text;
    if (text !== before) model.send({ kind: "cell", row, column, text });
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
    const next = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (next) td.parentNode[next]?.cells[td.cellIndex]?.focus();
    else if (td.classList.contains("glmw-map-name") && (event.key === "Enter" || event.key === " ")) {
      model.send({ kind: "pick", row: Number(td.parentNode.dataset.row) });
    } else if (td.classList.contains("glmw-cell") && (event.key === "Enter" || event.key === "F2")) start(td);
    else if (td.classList.contains("glmw-cell") && event.key.length === 1) start(td, event.key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  const listeners = [["change:data", draw], ["change:refused", draw], ["change:here", mark]];
  for (const [event, handler] of listeners) model.on(event, handler);
  draw();
  return () => { for (const [event, handler] of listeners) model.off(event, handler); };
}

export default { render };
