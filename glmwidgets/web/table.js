// The table of every list: sorted at a heading, picked by mouse and keys, typed and pasted into where a column says so.
// Only the rows in view exist. What is typed is sent as text and read in the kernel, which answers: accepted, or refused
// with a sentence that stays below the table while the text stays in its cell. Cells are text, never markup.

import {
  asLines,
  headingOf,
  longestOf,
  moveOf,
  pasted,
  pickedBy,
  placesOf,
  typed,
  typeInto,
  windowOf,
} from "./cells.js";
import { hearing } from "./late_widget.js";
import { atNextFrame, changes, element, fixed, listen, rounded, shortened } from "./shared.js";
import { sideways } from "./sideways.js";

function render({ model, el }) {
  el.classList.add("glmw-table");
  const space = element("div", "", el), table = element("table", "", space);
  const head = table.createTHead(), body = table.createTBody();
  const beside = sideways(el, head);
  const said = element("div", "glmw-table-said", el), names = element("datalist", "", el);
  said.setAttribute("role", "alert");
  table.setAttribute("role", "grid");
  table.tabIndex = 0;
  names.id = `glmw-${Math.random().toString(36).slice(2)}`;

  const columns = () => model.get("columns"), rows = () => model.get("rows");
  let sort = { column: model.get("sorted"), falling: model.get("falling") };
  let order = []; // rows by place
  let at = { place: 0, column: 0 }; // of the cell that keys go to
  let anchor = 0; // place from which a range is picked
  let rowHeight = 20;
  let editor = null; // of the cell that is typed into
  let short = []; // of a column whose names are long
  let stale = true; // whether other rows have come since they were put in order
  const pending = new Map(); // "row:column" -> { text, message }

  const textOf = ({ digits, editable }) => (value) => {
    if (typeof value !== "number") return typed(value);
    return editable ? rounded(value, 3) : fixed(value, digits ?? 0);
  };

  // Drawing -------------------------------------------------------------------------------------------------------

  function tick(checked, title, act) {
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked, title });
    box.setAttribute("aria-label", title);
    box.addEventListener("change", () => act(box.checked));
    return box;
  }

  function drawHead() {
    head.replaceChildren();
    const row = head.insertRow();
    columns().forEach((column, c) => {
      const th = element("th", column.text ?? c === 0 ? "glmw-left" : "", row);
      th.scope = "col";
      th.title = column.help || "";
      const values = rows().map(({ cells }) => cells[c]), longest = longestOf(values, textOf(column));
      if (longest) th.style.minWidth = `${longest}ch`;
      if (column.tick === undefined) drawSorter(th, column, c);
      else drawTick(th, column, c);
    });
  }

  function drawSorter(th, column, c) {
    const sorted = c === sort.column, button = element("button", "", th);
    button.type = "button";
    button.textContent = headingOf(column.label, sorted, sort.falling);
    if (!column.label) button.ariaLabel = column.help;
    if (sorted) th.setAttribute("aria-sort", sort.falling ? "descending" : "ascending");
    button.addEventListener("click", () => {
      const falling = column.falling ?? (!column.editable && typeof rows()[0]?.cells[c] === "number");
      sort = { column: c, falling: sorted ? !sort.falling : falling };
      model.set("sorted", sort.column);
      model.set("falling", sort.falling);
      model.save_changes();
      draw();
      head.querySelectorAll("th")[c].firstChild.focus({ preventScroll: true });
    });
  }

  function drawTick(th, column, c) {
    th.classList.toggle("glmw-ticked", column.tick);
    const label = element("label", "", th), words = document.createElement("span");
    words.textContent = label.title = column.label;
    label.append(tick(column.tick, column.ticks, (value) => model.send({ kind: "term", column: c, value })), words);
    const turn = element("button", "glmw-turn", th);
    Object.assign(turn, { type: "button", textContent: column.kind, title: column.turns, disabled: column.fixed });
    turn.addEventListener("click", () => model.send({ kind: "kind", column: c }));
  }

  function drawBody() {
    if (stale) return draw();
    const n = order.length, [first, last] = windowOf(el.scrollTop, el.clientHeight || 320, rowHeight, n);
    space.style.padding = `${first * rowHeight}px 0 ${(n - last) * rowHeight}px`;
    const edited = editor ? order.indexOf(editor.row) : -1;
    if (editor && (edited < first || edited >= last)) editor.close();
    const keep = editor?.input.closest("tr");
    for (const child of [...body.children]) if (child !== keep) child.remove();
    for (let place = first; place < last; place++) {
      if (keep && place === edited) keep.dataset.place = place;
      else if (keep && place < edited) keep.before(rowAt(place));
      else body.append(rowAt(place));
    }
    if (!n) {
      const cell = body.insertRow().insertCell();
      Object.assign(cell, { colSpan: Math.max(1, columns().length), className: "glmw-none" });
      cell.textContent = model.get("empty");
    }
    table.setAttribute("aria-rowcount", n + 1);
    mark();
    const high = n ? body.rows[0].getBoundingClientRect().height : 0;
    if (high && Math.abs(high - rowHeight) > 0.01) {
      rowHeight = high;
      drawBody();
    }
    beside.cover();
  }

  function rowAt(place) {
    const row = order[place], { cells, sub, out, bad, title } = rows()[row], tr = document.createElement("tr");
    Object.assign(tr.dataset, { row, place });
    tr.setAttribute("aria-rowindex", place + 2);
    tr.title = bad || title || "";
    for (const [name, on] of Object.entries({ sub, out, bad })) tr.classList.toggle(`glmw-${name}`, Boolean(on));
    columns().forEach((column, c) => drawCell(tr.insertCell(), row, c, column, cells[c]));
    return tr;
  }

  function drawCell(td, row, c, column, value) {
    const waiting = pending.get(`${row}:${c}`), colour = column.colours?.[value];
    td.dataset.column = c;
    const classes = {
      left: column.text ?? c === 0,
      cell: column.editable,
      press: column.press,
      tick: typeof value === "boolean",
      empty: column.editable && !waiting && typed(value) === "",
      refused: waiting?.message,
      sent: waiting && !waiting.message,
    };
    for (const [name, on] of Object.entries(classes)) td.classList.toggle(`glmw-${name}`, Boolean(on));
    if (typeof value === "boolean") {
      const box = tick(
        value,
        `${column.help} ${typed(rows()[row].cells[c + 1])}`,
        (checked) => model.send({ kind: "keep", row, value: checked }),
      );
      box.tabIndex = -1; // the table has the focus, and Space ticks
      td.append(box);
      return;
    }
    if (colour) element("span", "glmw-dot", td).style.background = colour;
    td.append(waiting ? waiting.text : column.short ? short[row] : textOf(column)(value));
    if (typeof value === "string" && value && !column.short) td.title = value;
  }

  // What is picked and where keys go, on the rows that are there: a row that is replaced under the pointer loses clicks.
  function mark() {
    const here = new Set([model.get("here"), ...model.get("picked")]);
    for (const tr of body.rows) {
      const place = Number(tr.dataset.place), marked = here.has(Number(tr.dataset.row));
      tr.classList.toggle("glmw-here", marked);
      tr.setAttribute("aria-selected", marked);
      for (const td of tr.cells) {
        const keys = place === at.place && Number(td.dataset.column) === at.column;
        td.classList.toggle("glmw-at", keys);
        if (keys) td.id = `${names.id}-at`;
        else td.removeAttribute("id");
      }
    }
    const found = body.querySelector(".glmw-at");
    if (found) table.setAttribute("aria-activedescendant", found.id);
    else table.removeAttribute("aria-activedescendant");
  }

  function draw() {
    const list = columns();
    stale = false;
    if (rows().length !== order.length) pending.clear(); // whose rows are others now
    order = placesOf(rows(), sort.column < list.length ? sort.column : -1, sort.falling);
    at = { place: Math.min(at.place, Math.max(0, order.length - 1)), column: Math.min(at.column, list.length - 1) };
    const isTyped = list.some((column) => column.editable), long = list.findIndex((column) => column.short);
    el.classList.toggle("glmw-typed", isTyped);
    // JupyterLab's keys of the command mode: x would cut the cell in which this stands.
    if (isTyped) el.dataset.lmSuppressShortcuts = "true";
    short = long < 0 ? [] : shortened(rows().map(({ cells }) => cells[long]));
    const offered = list.flatMap((column) => Object.keys(column.colours ?? {}));
    names.replaceChildren(...offered.map((value) => Object.assign(document.createElement("option"), { value })));
    drawHead();
    drawBody();
  }

  // Picking -------------------------------------------------------------------------------------------------------

  function pick(how) {
    if (model.get("many")) {
      model.set("picked", pickedBy(order, model.get("picked"), { place: at.place, from: anchor, ...how }));
      model.save_changes();
    } else if (model.get("follows") || columns()[at.column]?.press) model.send({ kind: "pick", row: order[at.place] });
    mark();
  }

  body.addEventListener("mousedown", (event) => {
    const td = event.target.closest("td"), tr = event.target.closest("tr");
    if (tr?.dataset.row === undefined || event.target.tagName === "INPUT") return;
    editor?.close();
    at = { place: Number(tr.dataset.place), column: Number(td?.dataset.column ?? at.column) };
    if (!event.shiftKey) anchor = at.place;
    pick({ extend: event.shiftKey, toggle: event.ctrlKey || event.metaKey });
    table.focus({ preventScroll: true });
    event.preventDefault();
    if (event.detail === 2) edit();
  });

  function into(place) {
    const top = place * rowHeight, high = el.clientHeight - head.offsetHeight - rowHeight;
    if (top < el.scrollTop) el.scrollTop = top;
    else if (high > 0 && top > el.scrollTop + high) el.scrollTop = top - high;
  }

  function go(place, column, extend) {
    const before = at.place;
    at = {
      place: Math.max(0, Math.min(order.length - 1, place)),
      column: Math.max(0, Math.min(columns().length - 1, column)),
    };
    into(at.place);
    beside.reach(at.column);
    drawBody();
    if (!extend) anchor = at.place;
    if (at.place !== before && (model.get("many") || model.get("follows"))) pick({ extend });
  }

  // Typing --------------------------------------------------------------------------------------------------------

  function edit(text) {
    const row = order[at.place], c = at.column, column = columns()[c];
    if (row === undefined || !column?.editable) return;
    into(at.place);
    drawBody();
    const td = body.querySelector(`[data-row="${row}"] [data-column="${c}"]`);
    if (!td) return;
    const before = typed(rows()[row].cells[c]);
    const field = typeInto(td, {
      text: text ?? pending.get(`${row}:${c}`)?.text ?? before,
      whole: text === undefined,
      label: `${column.label}, row ${row + 1}`,
      list: column.colours ? names.id : "",
    }, (kept, move) => {
      editor = null;
      pending.delete(`${row}:${c}`);
      take(kept === null || kept.trim() === before ? [] : [{ row, column: c, text: kept }]);
      if (!move) return;
      if (move[0] || move[1]) go(at.place + move[0], c + move[1]);
      table.focus({ preventScroll: true });
    });
    editor = { ...field, row };
  }

  function take(cells) {
    for (const { row, column, text } of cells) pending.set(`${row}:${column}`, { text });
    if (cells.length) model.send({ kind: "edit", cells });
    tell();
  }

  function tell(words = "") {
    said.textContent = words || ([...pending.values()].find((one) => one.message)?.message ?? "");
    drawBody();
  }

  // The kernel's word on what was typed: whatever is not refused is as it says.
  function answered() {
    const { row, column, message } = model.get("answer"), refused = pending.get(`${row}:${column}`);
    if (message && refused) refused.message = message;
    for (const [key, one] of pending) if (!one.message) pending.delete(key);
    stale = true;
    tell();
  }

  table.addEventListener("keydown", (event) => {
    if (event.target !== table) return;
    const { key } = event, mod = event.ctrlKey || event.metaKey, press = key === "Enter" || key === " ";
    const move = moveOf(key, order.length, Math.max(1, Math.floor(el.clientHeight / rowHeight) - 2));
    const column = columns()[at.column], td = body.querySelector(".glmw-at");
    if (move) go(at.place + move[0], at.column + move[1], event.shiftKey && move[0] !== 0);
    else if (column?.editable && (key === "Enter" || key === "F2")) edit();
    else if (mod && key === "a" && model.get("many")) {
      model.set("picked", [...order]);
      model.save_changes();
      mark();
    } else if (mod && (key === "c" || key === "v")) return event.stopPropagation(); // the page copies and pastes
    else if (key === "Delete" && model.get("picked").length) model.send({ kind: "delete" });
    else if (press && td?.firstChild?.type === "checkbox") td.firstChild.click();
    else if (press && order.length && !column?.editable) pick({});
    else if (column?.editable && key.length === 1 && !mod && !event.altKey) edit(key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  table.addEventListener("copy", (event) => {
    if (event.target.tagName === "INPUT" || !order.length) return;
    const picked = new Set(model.get("picked"));
    const chosen = picked.size ? order.filter((row) => picked.has(row)) : [order[at.place]];
    event.clipboardData.setData("text/plain", asLines(chosen.map((row) => rows()[row])));
    event.preventDefault();
  });

  table.addEventListener("paste", (event) => {
    if (event.target.tagName === "INPUT" || !el.classList.contains("glmw-typed")) return;
    const { cells = [], said: why } = pasted(event.clipboardData.getData("text/plain"), at, order, columns());
    take(cells);
    if (why) tell(why);
    event.preventDefault();
  });

  // From the kernel -----------------------------------------------------------------------------------------------

  function markedElsewhere(row) {
    const place = order.indexOf(row);
    if (place >= 0 && document.activeElement !== table && !editor) {
      at = { ...at, place };
      anchor = place;
      into(place);
      drawBody();
    }
    mark();
  }

  const { soon, stop } = atNextFrame(drawBody);
  el.addEventListener("scroll", soon, { passive: true });
  const size = new ResizeObserver(soon);
  size.observe(el);
  const unlisten = listen(model, {
    ...changes(["columns", "rows", "empty"], () => {
      stale = true;
      soon();
    }),
    "change:picked": () => markedElsewhere(model.get("many") ? model.get("picked")[0] : model.get("here")),
    "change:here": () => markedElsewhere(model.get("here")),
    "change:answer": answered,
  });
  draw();
  return () => {
    size.disconnect();
    el.removeEventListener("scroll", soon);
    stop();
    unlisten();
  };
}

export default hearing({ render });
