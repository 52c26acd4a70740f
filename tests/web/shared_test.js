import { deepStrictEqual as same, strictEqual as is } from "node:assert";
import { test } from "node:test";

import {
  changes,
  channels,
  fitting,
  fixed,
  floats,
  inOrder,
  listen,
  number,
  octets,
  remembered,
  rounded,
  shortened,
  ticks,
  underHand,
} from "../../glmwidgets/web/shared.js";

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

// As much of a widget's model as the scripts need, which keeps what the kernel was told.
function model(state) {
  const handlers = {}, told = [], dirty = {};
  return {
    told,
    get: (name) => state[name],
    set: (name, value) => {
      state[name] = dirty[name] = value;
      handlers[`change:${name}`]?.();
    },
    save_changes: () => told.push({ ...dirty }),
    on: (event, handler) => (handlers[event] = handler),
    off: (event, handler) => handlers[event] === handler && delete handlers[event],
    handlers,
  };
}

test("numbers have three significant digits and a true minus", () => {
  same([3.14159, -2, 0, 12345, 1e5, 4.2e-4, NaN, Infinity, -1e-4].map(number), [
    "3.14",
    "−2",
    "0",
    "12300",
    "1.0e+5",
    "4.2e−4",
    "–",
    "–",
    "−1.0e−4",
  ]);
});

test("digits after the point; zero has no sign; no number is no zero", () => {
  same([fixed(-0.001, 2), fixed(-1.005, 1), fixed(2, 2), fixed(NaN, 1)], ["0.00", "−1.0", "2.00", "–"]);
  same([rounded(1.23456, 2), rounded(-0.0001, 2), rounded(7, 2), rounded(NaN, 2)], ["1.23", "0", "7", "–"]);
});

test("ticks are round, within their bounds, and no more than asked for", () => {
  same(ticks(0, 312, 5), [0, 100, 200, 300]);
  same(ticks(-1, 1, 4), [-1, -0.5, 0, 0.5, 1]);
  same(ticks(0.1, 0.3, 2), [0.1, 0.2, 0.3]);
  same([ticks(1, 1, 5), ticks(NaN, 1, 5), ticks(2, 1, 5)], [[], [], []]);
  for (const [low, high, most] of [[0, 1e-6, 7], [-3e4, 7e5, 3], [2.5, 2.6, 9]]) {
    const found = ticks(low, high, most);
    is(found.length >= 1 && found.length <= most + 1, true);
    is(found.every((t) => t >= low - 1e-9 * (high - low) && t <= high + 1e-9 * (high - low)), true);
  }
});

test("numbers sort as numbers, names as people do", () => {
  same(["run-10", "run-2", "run-1"].sort(inOrder), ["run-1", "run-2", "run-10"]);
  same([10, 9, -1].sort(inOrder), [-1, 9, 10]);
});

test("long names keep what differs, and whole words", () => {
  same(shortened(["sub-01_task-localizer_z", "sub-02_task-localizer_z"]), [
    "…01_task-localizer_z",
    "…02_task-localizer_z",
  ]);
  same(shortened(["a", "b"]), ["a", "b"]);
  same(shortened(["only one name that is long"]), ["only one name that is long"]);
});

test("colours become channels", () => {
  same(channels("#ff8000"), [255, 128, 0, 1]);
  same(channels("#0f0"), [0, 255, 0, 1]);
  is(Math.round(100 * channels("#00000080")[3]), 50);
});

test("numbers are read from bytes that do not start at a multiple of four", () => {
  const bytes = new Uint8Array(9);
  bytes.set(new Uint8Array(new Float32Array([1.5, -2]).buffer), 1);
  same([...floats(new DataView(bytes.buffer, 1, 8))], [1.5, -2]);
  same([...octets(new DataView(bytes.buffer, 0, 1))], [0]);
  same([floats(null).length, octets(null).length], [0, 0]);
});

test("what is listened to is let go of", () => {
  const one = model({ a: 1 });
  let heard = 0;
  const stop = listen(one, changes(["a", "b"], () => heard++));
  one.set("a", 2);
  stop();
  one.set("a", 3);
  same([heard, Object.keys(one.handlers)], [1, []]);
});

test("the last answer is kept for the same question", () => {
  let asked = 0;
  const twice = remembered((x) => [asked++, 2 * x]);
  is(twice(2), twice(2));
  same([twice(3)[1], asked], [6, 2]);
});

test("a hand is followed at once and told of when it rests", async () => {
  const one = model({ value: 1 }), hand = underHand(one, "value");
  hand.move(2, 20);
  hand.move(3, 20);
  same([hand.get(), one.get("value"), one.told.length], [3, 1, 0]);
  await wait(60);
  same([hand.get(), one.told], [3, [{ value: 3 }]]);
});

test("a hand that lets go is told of at once, and once", async () => {
  const one = model({ value: 1 }), hand = underHand(one, "value");
  hand.rest();
  hand.move(2, 20);
  hand.rest();
  same([one.told, hand.waits()], [[{ value: 2 }], false]);
  await wait(40);
  is(one.told.length, 1);
});

test("another page's word waits for the hand, and is followed after it", async () => {
  const one = model({ value: 1 }), hand = underHand(one, "value");
  hand.move(5, 30);
  one.set("value", 9);
  is(hand.get(), 5);
  await wait(60);
  is(one.told.at(-1).value, 5);
  one.set("value", 7);
  is(hand.get(), 7);
  hand.stop();
});

test("a word that has no room is cut where it can be seen", () => {
  const widthOf = (text) => 6 * text.length;
  is(fitting("house", 40, widthOf), "house");
  is(fitting("scrambled houses", 40, widthOf), "scram\u2026");
});
