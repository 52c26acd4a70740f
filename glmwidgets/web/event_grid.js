// A table whose cells can be edited. Only the rows in view exist; what is typed is sent as text and read in the kernel,
// which answers: accepted, or refused with a sentence that stays below the table while the text stays in its cell.

import { headingOf, moveOf, orderOf, typeInto } from "./cells.js";
import { atNextFrame, element, listen, rounded } from "./shared.js";

const ROW = 24;
const shown = (value) => typeof value === "number" ? rounded(value, 3) : String(value ?? "");
const typed = (value) => String(value ?? "");

function render({ model, el }) {
  el.classList.add("glmw-grid");
  // JupyterLab's keys of the command mode: x would cut the cell in which this stands.
  el.dataset.lmSuppressShortcuts = "true";
  const scroller = element("div", "glmw-grid-scroll", el);
  scroller.setAttribute("role", "grid");
  const head = element("div", "glmw-grid-row glmw-grid-head", scroller);
  const body = element("div", "glmw-grid-body", scroller);
  body.tabIndex = 0;
  const said = element("div", "glmw-grid-said", el);
  said.setAttribute("role", "alert");

  let order = [];
  let sort = { column: 0, falling: false };
  let at = { place: 0, column: 0 }; // of the cell that keys go to: place in the order, column
  let anchor = 0; // place from which a range is picked
  let editor = null; // of the cell that is typed into
  const pending = new Map(); // "row:column" -> { text, message }

  const data = () => model.get("data");
  const columns = () => data().columns || [];
  const rows = () => data().rows || [];

  function arrange() {
    order = orderOf(rows().map((row) => row[sort.column]), sort.falling);
  }

  function drawHead() {
    const widths = columns().map((column) => column.width);
    el.style.setProperty(
      "--glmw-grid-columns",
      `44px ${widths.map(([px, share]) => `minmax(${px}px, ${share}fr)`).join(" ")}`,
    );
    el.style.setProperty("--glmw-grid-least", `${44 + widths.reduce((sum, [px]) => sum + px, 0)}px`);
    head.replaceChildren();
    element("div", "glmw-grid-cell glmw-grid-number", head).textContent = "#";
    columns().forEach((column, c) => {
      const cell = element("button", "glmw-grid-cell", head);
      cell.classList.toggle("glmw-grid-text", Boolean(column.text));
      cell.textContent = headingOf(column.label, c === sort.column, sort.falling);
      cell.title = column.help || "";
      cell.addEventListener("click", () => {
        sort = { column: c, falling: c === sort.column && !sort.falling };
        arrange();
        drawHead();
        drawBody();
      });
    });
  }

  function drawBody() {
    body.style.height = `${Math.max(1, order.length) * ROW}px`;
    const first = Math.max(0, Math.floor((scroller.scrollTop - ROW) / ROW) - 4);
    const last = Math.min(order.length, first + Math.ceil((scroller.clientHeight || 320) / ROW) + 10);
    const picked = new Set(model.get("picked"));
    const marks = data().marks || {};
    const keep = editor && editor.input.closest(".glmw-grid-row");
    for (const child of [...body.children]) if (child !== keep) child.remove();
    for (let place = first; place < last; place++) {
      const index = order[place];
      if (keep && Number(keep.dataset.row) === index) {
        keep.style.top = `${place * ROW}px`;
        continue;
      }
      const row = element("div", "glmw-grid-row", body);
      row.style.top = `${place * ROW}px`;
      row.dataset.row = index;
      row.dataset.place = place;
      row.setAttribute("role", "row");
      row.classList.toggle("glmw-picked", picked.has(index));
      row.classList.toggle("glmw-bad", Boolean(marks[index]));
      if (marks[index]) row.title = marks[index];
      element("div", "glmw-grid-cell glmw-grid-number", row).textContent = index + 1;
      columns().forEach((column, c) => drawCell(row, place, index, column, c));
    }
    if (!order.length) element("div", "glmw-note", body).textContent = data().empty || "";
  }

  function drawCell(row, place, index, column, c) {
    const cell = element("div", "glmw-grid-cell", row);
    const value = rows()[index][c];
    const waiting = pending.get(`${index}:${c}`);
    cell.dataset.column = c;
    cell.setAttribute("role", "gridcell");
    cell.classList.toggle("glmw-grid-text", Boolean(column.text));
    cell.classList.toggle("glmw-grid-fixed", !column.editable);
    cell.classList.toggle("glmw-grid-at", place === at.place && c === at.column);
    cell.classList.toggle("glmw-grid-refused", Boolean(waiting && waiting.message));
    cell.classList.toggle("glmw-grid-sent", Boolean(waiting && !waiting.message));
    const colour = column.text && (data().colours || {})[value];
    if (colour) element("span", "glmw-dot", cell).style.background = colour;
    element("span", "", cell).textContent = waiting ? waiting.text : shown(value);
    if (column.text) cell.title = String(value);
  }

  function draw() {
    arrange();
    drawHead();
    drawBody();
  }

  // Picking -------------------------------------------------------------------------------------------------------

  function pick(picked) {
    model.set("picked", picked);
    model.save_changes();
    mark();
  }

  // What is picked and where keys go, on the rows that are there: a row that is replaced under the pointer loses clicks.
  function mark() {
    const picked = new Set(model.get("picked"));
    for (const row of body.querySelectorAll(".glmw-grid-row")) {
      const place = Number(row.dataset.place);
      row.classList.toggle("glmw-picked", picked.has(Number(row.dataset.row)));
      for (const cell of row.querySelectorAll("[data-column]")) {
        cell.classList.toggle("glmw-grid-at", place === at.place && Number(cell.dataset.column) === at.column);
      }
    }
  }

  function range(a, b) {
    return order.slice(Math.min(a, b), Math.max(a, b) + 1);
  }

  body.addEventListener("mousedown", (event) => {
    const cell = event.target.closest(".glmw-grid-cell"), row = event.target.closest(".glmw-grid-row");
    if (!row || event.target.tagName === "INPUT") return;
    editor?.close();
    const place = Number(row.dataset.place), index = order[place];
    at = { place, column: Number(cell?.dataset.column ?? at.column) };
    const picked = model.get("picked");
    if (event.shiftKey) pick(range(anchor, place));
    else {
      anchor = place;
      if (event.ctrlKey || event.metaKey) {
        pick(picked.includes(index) ? picked.filter((r) => r !== index) : [...picked, index]);
      } else pick([index]);
    }
    body.focus({ preventScroll: true });
    event.preventDefault();
    if (event.detail === 2 && cell?.dataset.column !== undefined) edit();
  });

  function into(place) {
    const top = place * ROW, high = scroller.clientHeight - ROW;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top + ROW > scroller.scrollTop + high) scroller.scrollTop = top + ROW - high;
  }

  function go(place, column, extend) {
    at = {
      place: Math.min(order.length - 1, Math.max(0, place)),
      column: Math.min(columns().length - 1, Math.max(0, column)),
    };
    into(at.place);
    if (!extend) anchor = at.place;
    pick(range(anchor, at.place));
  }

  // Editing -------------------------------------------------------------------------------------------------------

  function edit(text) {
    const index = order[at.place], column = columns()[at.column];
    if (index === undefined || !column?.editable) return;
    into(at.place);
    drawBody();
    const cell = body.querySelector(`[data-row="${index}"] [data-column="${at.column}"]`);
    if (!cell) return;
    const waiting = pending.get(`${index}:${at.column}`);
    const row = index, place = at.column;
    editor = typeInto(cell, {
      text: text ?? waiting?.text ?? typed(rows()[index][at.column]),
      whole: text === undefined,
      label: `${column.label} of event ${index + 1}`,
      list: column.text ? names.id : "",
    }, (kept, move) => {
      editor = null;
      take(row, place, kept);
      if (!move) return;
      if (move[0] || move[1]) go(at.place + move[0], at.column + move[1]);
      body.focus({ preventScroll: true });
    });
  }

  // Names that a type may take are offered while one is typed.
  const names = element("datalist", "", el);
  names.id = `glmw-types-${Math.random().toString(36).slice(2)}`;

  function take(row, column, text) {
    const key = `${row}:${column}`, before = typed(rows()[row]?.[column]);
    pending.delete(key);
    if (text !== null && text.trim() !== before) {
      pending.set(key, { text });
      model.send({ kind: "edit", row, column, text });
    }
    tell();
    drawBody();
  }

  function tell() {
    const refused = [...pending.values()].find((one) => one.message);
    said.textContent = refused ? refused.message : "";
  }

  function answered() {
    const { row, column, message } = model.get("answer");
    if (row === undefined) return;
    const key = `${row}:${column}`;
    if (message && pending.has(key)) pending.get(key).message = message;
    else pending.delete(key);
    tell();
    drawBody();
  }

  body.addEventListener("keydown", (event) => {
    if (event.target.tagName === "INPUT") return;
    const page = Math.max(1, Math.floor(scroller.clientHeight / ROW) - 2);
    const move = moveOf(event.key, order.length, page);
    if (move) go(at.place + move[0], at.column + move[1], event.shiftKey && move[0] !== 0);
    else if (event.key === "Enter" || event.key === "F2") edit();
    else if (event.key === "Escape") pick([]);
    else if (event.key === "a" && (event.ctrlKey || event.metaKey)) pick([...order]);
    else if (event.key === "Delete" && model.get("picked").length) model.send({ kind: "delete" });
    else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) edit(event.key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  const { soon, stop } = atNextFrame(drawBody);
  scroller.addEventListener("scroll", soon, { passive: true });

  function changed() {
    // The kernel's word on what was typed: whatever is not refused is as it says.
    for (const [key, one] of pending) if (!one.message) pending.delete(key);
    names.replaceChildren(
      ...Object.keys(data().colours || {}).map((name) =>
        Object.assign(document.createElement("option"), { value: name })
      ),
    );
    draw();
  }

  function pickedElsewhere() {
    const first = order.indexOf(model.get("picked")[0]);
    if (first >= 0 && !body.contains(document.activeElement)) {
      at = { ...at, place: first };
      anchor = first;
      into(first);
    }
    mark();
  }

  const size = new ResizeObserver(() => drawBody());
  size.observe(scroller);
  const unlisten = listen(model, {
    "change:data": changed,
    "change:picked": pickedElsewhere,
    "change:answer": answered,
  });
  changed();
  return () => {
    size.disconnect();
    stop();
    unlisten();
  };
}

export default { render };
