import { strictEqual as is } from "node:assert";
import { test } from "node:test";

import { keyName, keyOf, rowOf } from "../../glmwidgets/web/guide_keys.js";

const pressed = (key, more = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });

test("a key is written as the table of keys writes it", () => {
  is(keyOf(pressed("n")), "n");
  is(keyOf(pressed("N")), "n"); // Caps Lock
  is(keyOf(pressed("C", { shiftKey: true })), "Shift+C");
  is(keyOf(pressed("p", { ctrlKey: true, shiftKey: true })), "Mod+Shift+P");
  is(keyOf(pressed("P", { metaKey: true, shiftKey: true })), "Mod+Shift+P");
  is(keyOf(pressed("Escape")), "Escape");
});

test("a sign is itself, with Shift or without: keyboards differ", () => {
  is(keyOf(pressed("?", { shiftKey: true })), "?");
  is(keyOf(pressed("+", { shiftKey: true })), "+");
  is(keyOf(pressed("+")), "+");
});

test("with Alt a key is not ours: it writes signs", () => is(keyOf(pressed("n", { altKey: true })), ""));

test("a key finds its row", () => {
  const rows = [{ keys: ["Mod+Shift+P", "/"], does: "" }, { keys: ["n"], does: "next cluster" }];
  is(rowOf(rows, "/"), rows[0]);
  is(rowOf(rows, "n").does, "next cluster");
  is(rowOf(rows, "q"), undefined);
});

test("keys are called as the machine's own are", () => {
  is(keyName("Mod+Shift+P", true), "⌘+⇧+P");
  is(keyName("Mod+Shift+P", false), "Ctrl+Shift+P");
});
