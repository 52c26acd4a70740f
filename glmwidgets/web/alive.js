// A page that stays alive without a kernel: opens the widgets that it holds, and does what the kernel would of threshold,
// looks and crosshair. What it holds is made by `glmwidgets.panels.shared.alive`.

// What a widget's code asks of its model. There is no kernel: what is sent to it is heard by the page.
export function modelOf(state) {
  const handlers = new Map();
  const tell = (event, ...what) => [...(handlers.get(event) ?? [])].forEach((handler) => handler(...what));
  return {
    get: (name) => state[name],
    set(name, value) {
      if (Object.is(state[name], value)) return;
      state[name] = value;
      tell(`change:${name}`);
      tell("change");
    },
    save_changes() {},
    send: (content) => tell("sent", content),
    on: (event, handler) => handlers.set(event, [...(handlers.get(event) ?? []), handler]),
    off: (event, handler) => handlers.set(event, (handlers.get(event) ?? []).filter((other) => other !== handler)),
  };
}

// Bytes stand in the text as their place, in one piece that is compressed.
export function revived(text, bytes) {
  return JSON.parse(
    text,
    (_, value) => (Array.isArray(value?.bytes) ? new DataView(bytes, value.bytes[0], value.bytes[1]) : value),
  );
}

// What a threshold on the slider's scale means: the row of the step that it is on.
export const rowAt = ({ step, rows }, value) => rows[Math.min(rows.length - 1, Math.max(0, Math.round(value / step)))];

async function inflated(base64) {
  const packed = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return await new Response(stream).arrayBuffer();
}

async function opened({ code, state }, place) {
  const made = globalThis.glmwCodes[code], widget = typeof made === "function" ? await made() : made;
  const model = modelOf(state);
  await widget.initialize?.({ model });
  await widget.render?.({ model, el: place });
  return model;
}

// A menu or a tick: each choice says which traits of the viewer it sets.
function control({ label, hint, tick, options, chosen, when }, viewer, root) {
  const field = document.createElement("label"), words = document.createElement("span");
  words.textContent = label;
  field.title = hint;
  const box = document.createElement(tick ? "input" : "select");
  field.className = tick ? "glmw-flag" : "";
  field.append(...(tick ? [box, words] : [words, box]));
  if (tick) {
    box.type = "checkbox";
    box.checked = chosen === 1;
  } else {
    for (const [words] of options) box.add(new Option(words));
    box.selectedIndex = chosen;
  }
  box.addEventListener("change", () => {
    const [, traits] = options[tick ? Number(box.checked) : box.selectedIndex];
    for (const [name, value] of Object.entries(traits)) viewer.set(name, value);
  });
  if (when) {
    const show = () => {
      field.hidden = viewer.get(when[0]) !== when[1];
    };
    viewer.on(`change:${when[0]}`, show);
    show();
  }
  root.append(field);
}

// The slider and the map: the map follows each movement by itself, and the words of the page as well.
function followThreshold(slider, viewer, { symbol, rates }, said) {
  const say = (value) => {
    const { p, q, n } = rowAt(rates, value), words = n ? `q ${q} \u00b7 ${n}` : "no voxel passes";
    said.innerHTML = `<b>${symbol} &gt; ${value.toFixed(2)}</b> <span>p ${p} \u00b7 ${words}</span>`;
  };
  document.addEventListener("glmw:slide", ({ detail }) => {
    if (detail.key === slider.get("key")) say(detail.value);
  });
  slider.on("change:value", () => {
    viewer.set("threshold", slider.get("value"));
    say(slider.get("value"));
  });
  say(slider.get("value"));
}

// The table's rows and the crosshair.
function followPeaks(table, viewer, peaks) {
  const mark = () => {
    const at = viewer.get("cursor");
    table.set("here", peaks.findIndex((peak) => peak.every((c, d) => c === at[d])));
  };
  table.on("sent", ({ kind, row }) => {
    if (kind === "pick") viewer.set("cursor", peaks[row]);
  });
  viewer.on("change:cursor", mark);
  mark();
}

async function open() {
  const held = (id) => inflated(document.getElementById(id).textContent);
  const text = new TextDecoder().decode(await held("glmw-page"));
  const { widgets, controls, threshold, peaks } = revived(text, await held("glmw-bytes"));
  const models = {};
  for (const [name, widget] of Object.entries(widgets)) {
    models[name] = await opened(widget, document.getElementById(`glmw-${name}`));
  }
  const { viewer, slider, opacity, table } = models;
  for (const each of controls) control(each, viewer, document.getElementById("glmw-controls"));
  opacity.on("change:value", () => viewer.set("opacity", opacity.get("value")));
  followThreshold(slider, viewer, threshold, document.getElementById("glmw-said"));
  followPeaks(table, viewer, peaks);
  document.documentElement.dataset.alive = "yes";
}

if (globalThis.document?.getElementById("glmw-page")) {
  open().catch((error) => {
    const told = document.getElementById("glmw-failed");
    told.hidden = false;
    told.textContent = `This page could not be opened: ${error.message}. It needs a browser of 2023 or later.`;
  });
}
