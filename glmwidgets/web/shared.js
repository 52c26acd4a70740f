// What more than one widget needs: colours, numbers as people read them, bytes, elements, and listening.

// --------------------------------------------------------------------------------------------------------- colours

// Colours as `palettes.py` writes them for style sheets: a function from a name to the colour at this place of the page,
// or to that of its text where no style sheet came along.
export function palette(el) {
  const style = getComputedStyle(el);
  return (name) => style.getPropertyValue(`--glmw-${name}`).trim() || style.color;
}

// [red, green, blue, opacity] of #rgb, #rrggbb or #rrggbbaa.
export function channels(hex) {
  const digits = hex.length < 6 ? [...hex.slice(1)].map((c) => c + c).join("") : hex.slice(1);
  const [r, g, b, a = 255] = digits.match(/../g).map((pair) => parseInt(pair, 16));
  return [r, g, b, a / 255];
}

// --------------------------------------------------------------------------------------------------------- numbers

export const NONE = "\u2013"; // what is said where there is no number
const minus = (text) => text.replaceAll("-", "\u2212");

// Three significant digits, as on a tick; what is very large or small as a power.
export function number(value) {
  if (!Number.isFinite(value)) return NONE;
  const size = Math.abs(value), power = size >= 1e5 || (size > 0 && size < 1e-3);
  return minus(power ? value.toExponential(1) : String(+value.toPrecision(3)));
}

// So many digits after the point; zero has no sign.
export function fixed(value, digits) {
  return Number.isFinite(value) ? minus((Number(value.toFixed(digits)) || 0).toFixed(digits)) : NONE;
}

// At most so many digits after the point.
export function rounded(value, most) {
  return Number.isFinite(value) ? minus(String(Number(value.toFixed(most)) || 0)) : NONE;
}

// Round values between two bounds, about as many as asked for.
export function ticks(low, high, most) {
  const rough = (high - low) / Math.max(1, most);
  if (!(rough > 0) || !Number.isFinite(rough)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  const out = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) out.push(+(k * step).toPrecision(12));
  return out;
}

const collator = new Intl.Collator(undefined, { numeric: true });

// By number where both are, else as people sort names: run 2 before run 10.
export function inOrder(a, b) {
  return typeof a === "number" && typeof b === "number" ? a - b : collator.compare(a, b);
}

// Of long names that begin alike only what differs is shown; numbers and words stay whole.
export function shortened(names) {
  if (names.length < 2 || Math.max(...names.map((name) => name.length)) < 16) return names;
  let same = 0;
  while (same < names[0].length && names.every((name) => name[same] === names[0][same])) same += 1;
  while (same > 0 && /[A-Za-z0-9]/.test(names[0][same - 1])) same -= 1;
  return same > 3 ? names.map((name) => `\u2026${name.slice(same)}`) : names;
}

// A text that is no wider than there is room for.
export function fitting(text, room, widthOf) {
  if (widthOf(text) <= room) return text;
  let end = text.length - 1;
  while (end > 1 && widthOf(`${text.slice(0, end)}\u2026`) > room) end -= 1;
  return `${text.slice(0, end)}\u2026`;
}

// ----------------------------------------------------------------------------------------------------------- bytes

export const octets = (view) => view ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array();

// Buffers of a message need not start at a multiple of four bytes, so numbers are copied out.
export const copied = (view) =>
  view ? view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) : new ArrayBuffer();
export const floats = (view) => new Float32Array(copied(view));
export const integers = (view) => new Int32Array(copied(view));

// -------------------------------------------------------------------------------------------------------- elements

export function element(name, css, parent) {
  const made = parent.appendChild(document.createElement(name));
  if (css) made.className = css;
  return made;
}

// A canvas that is read by pointing at it: its own size in pixels of the screen, and a line of words below it.
export function readableCanvas(el) {
  const canvas = element("canvas", "", el), read = element("div", "glmw-note glmw-read", el);
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  read.setAttribute("aria-live", "off");
  // What is read may be shorter than what stood there: nothing below shall jump for it.
  canvas.addEventListener("pointerenter", () => {
    read.style.minHeight = `${read.offsetHeight}px`;
  });
  canvas.addEventListener("pointerleave", () => {
    read.style.minHeight = "";
  });
  return { canvas, read };
}

export function fitted(canvas, width, height) {
  const scale = devicePixelRatio || 1, context = canvas.getContext("2d");
  const [w, h] = [width, height].map((size) => Math.round(size * scale));
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.height = `${height}px`;
  } else context.reset();
  context.scale(scale, scale);
  return context;
}

// ------------------------------------------------------------------------------------------------------- listening

// Draws at the next frame, once however often it is asked; `stop` takes back what was asked.
export function atNextFrame(draw) {
  let frame = 0;
  const soon = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      draw();
    });
  };
  return { soon, stop: () => cancelAnimationFrame(frame) };
}

// Calls handlers of a model's events, { "change:value": handler, ... }, until the function that is returned is called.
export function listen(model, handlers) {
  for (const [event, handler] of Object.entries(handlers)) model.on(event, handler);
  return () => {
    for (const [event, handler] of Object.entries(handlers)) model.off(event, handler);
  };
}

// The same handler for changes of many traits.
export const changes = (traits, handler) => Object.fromEntries(traits.map((trait) => [`change:${trait}`, handler]));

// The page around a picture: its width, font, colours and other properties. To ask for them in each paint would lay the
// whole page out for it, so what was answered is kept until the page has another size or theme; the handler is then called.
export function surroundings(el, handler) {
  let known = null;
  const forget = () => {
    known = null;
    handler();
  };
  const ask = () => {
    const style = getComputedStyle(el), told = new Map();
    const property = (name) =>
      told.get(name) ?? told.set(name, style.getPropertyValue(`--glmw-${name}`).trim()).get(name);
    const { fontFamily, color } = style;
    return {
      width: el.clientWidth,
      family: fontFamily || "sans-serif",
      property,
      colour: (name) => property(name) || color,
    };
  };
  const sizes = new ResizeObserver(forget), themes = new MutationObserver(forget);
  sizes.observe(el);
  themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  return {
    get: () => {
      const told = known ?? ask();
      // Not in the page yet, or its style sheet is not.
      if (told.width && told.property("ink")) known = told;
      return { ...told, width: told.width || 300 };
    },
    forget,
    stop: () => {
      sizes.disconnect();
      themes.disconnect();
    },
  };
}

// Calls a handler when widgets come into an element, and not for words that change in them: those do at each answer.
export function whenGrown(el, handler) {
  const isWidget = (node) => node.classList?.contains("lm-Widget");
  const growth = new MutationObserver((changed) => {
    if (changed.some(({ addedNodes }) => [...addedNodes].some(isWidget))) handler();
  });
  growth.observe(el, { childList: true, subtree: true });
  return () => growth.disconnect();
}

// Keeps the last answer: the same one is asked for on every paint.
export function remembered(compute) {
  let key = null, value;
  return (...args) => {
    if (!key || args.some((a, i) => a !== key[i])) {
      key = args;
      value = compute(...args);
    }
    return value;
  };
}

// A trait under a person's hand: the page has its value at once, the kernel after a pause. What the kernel says of it
// meanwhile, an echo or another page's word, is of an earlier place and is not shown.
export function underHand(model, trait) {
  let value, timer = 0, toldAt = -Infinity;
  const tell = () => {
    timer = 0;
    toldAt = performance.now();
    model.set(trait, value);
    model.save_changes();
  };
  return {
    get: () => timer ? value : model.get(trait),
    waits: () => timer !== 0,
    toldAt: () => toldAt,
    move(next, pause) {
      value = next;
      clearTimeout(timer);
      timer = setTimeout(tell, Math.max(0, pause));
    },
    // The hand lets go: what it was to be told later is told now.
    rest() {
      if (!timer) return;
      clearTimeout(timer);
      tell();
    },
    stop: () => clearTimeout(timer),
  };
}
