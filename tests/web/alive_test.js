import { deepStrictEqual as same } from "node:assert";
import { test } from "node:test";

import { modelOf, revived, rowAt } from "../../glmwidgets/web/alive.js";

test("a model tells of what changes, in the order that widgets count on, until it is listened to no more", () => {
  const model = modelOf({ value: 1 }), told = [];
  const late = () => told.push("change");
  model.on("change:value", () => told.push(`value ${model.get("value")}`));
  model.on("change", late);
  model.set("value", 1);
  model.set("value", 2);
  model.off("change", late);
  model.set("value", 3);
  same(told, ["value 2", "change", "value 3"]);
});

test("what is sent to the kernel is heard in the page", () => {
  const model = modelOf({}), heard = [];
  model.on("sent", (content) => heard.push(content));
  model.send({ kind: "pick", row: 2 });
  same(heard, [{ kind: "pick", row: 2 }]);
});

test("bytes are put where they stand, in lists and dictionaries", () => {
  const { buffer } = new Uint8Array([1, 2, 3, 4, 5]);
  const { a, list } = revived('{"a": {"b": {"bytes": [1, 2]}}, "list": [{"bytes": [3, 2]}, 7]}', buffer);
  same([a.b.getUint8(0), a.b.byteLength, list[0].getUint8(1), list[1]], [2, 2, 5, 7]);
});

test("a threshold between two steps, or beyond the last, has a row", () => {
  const rates = { step: 0.01, rows: Array.from({ length: 1201 }, (_, k) => k) };
  same([0, 3.1, 3.104, 12, 40].map((value) => rowAt(rates, value)), [0, 310, 310, 1200, 1200]);
});
