import { deepStrictEqual as same } from "node:assert";
import { test } from "node:test";

import { createStore } from "../../glmwidgets/web/slices_store.js";

const NO_BYTES = new Uint8Array(0);
const STATE = { _geometry: {}, _parts: [1, 1, 1], _luts: {}, _sliders: {}, cursor: [0, 0, 0], zoom: [], stale: false };

// A store, what it asks the kernel for, and the pauses that it makes before it asks; time passes when a test says so.
function opened(isSeen = true) {
  const handlers = {},
    asked = [],
    timers = new Map(),
    before = { setTimeout, clearTimeout, document: globalThis.document };
  const state = { ...STATE, _map: { serial: 1, values: NO_BYTES }, _planes: { serial: 0, planes: [] } };
  let last = 0;
  globalThis.document = new EventTarget();
  globalThis.setTimeout = (run, pause) => {
    timers.set(++last, { run, pause });
    return last;
  };
  globalThis.clearTimeout = (number) => timers.delete(number);
  const store = createStore({
    get: (name) => state[name] ?? NO_BYTES,
    on: (event, handler) => (handlers[event] = handler),
    off: () => {},
    send: ({ kind, serial }) => asked.push([kind, serial]),
  });
  store.views.add({ canvas: { isConnected: isSeen }, repaint() {} });
  return {
    asked,
    pauses: () => [...timers.values()].map(({ pause }) => pause),
    pass() {
      for (const [number, { run }] of [...timers]) timers.delete(number) && run();
    },
    planes(serial, more = {}) {
      state._planes = { serial, planes: [], ...more };
      handlers.change();
    },
    pointer(type, buttons = 1) {
      globalThis.document.dispatchEvent(Object.assign(new Event(type), { buttons }));
    },
    close() {
      store.dispose();
      Object.assign(globalThis, before);
    },
  };
}

test("the rest of a map is asked for soon, and of planes ahead of their map not at all", () => {
  const page = opened();
  page.planes(2, { ahead: true });
  same(page.pauses(), []);
  page.planes(3);
  page.planes(4);
  same(page.pauses(), [80]);
  page.pass();
  same(page.asked, [["want", 4]]);
  page.close();
});

test("while a hand holds something else it is asked for after a second, and soon when it lets go", () => {
  const page = opened();
  page.pointer("pointerdown");
  page.planes(2);
  same(page.pauses(), [1000]);
  page.pointer("pointermove");
  same(page.pauses(), [1000]);
  page.pointer("pointerup", 0);
  same(page.pauses(), [80]);
  page.pointer("pointerdown");
  page.planes(3);
  page.pointer("pointermove", 0); // a menu kept the end of it
  same(page.pauses(), [80]);
  page.pass();
  same(page.asked, [["want", 3]]);
  page.close();
});

test("a map of a notebook that was closed asks for nothing when a hand lets go", () => {
  const page = opened(false);
  page.planes(2);
  page.pass();
  page.pointer("pointerdown");
  page.pointer("pointerup", 0);
  same(page.pauses(), []);
  page.close();
});
