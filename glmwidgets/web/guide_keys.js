// Which key a person pressed, written as the table of keys writes it.

const LETTER = /^\p{L}$/u;
const TYPED = "input, textarea, select, [contenteditable='true'], .glmw-typed";

// "n", "Shift+C", "+", "?", "Mod+Shift+P": Mod is Ctrl, or Cmd on a Mac. A sign is itself, with Shift or without.
export function keyOf({ key, ctrlKey, metaKey, altKey, shiftKey }) {
  if (altKey) return "";
  const mod = ctrlKey || metaKey ? "Mod+" : "";
  if (!LETTER.test(key)) return mod + key;
  const shift = shiftKey ? "Shift+" : "";
  return mod + shift + (shift ? key.toUpperCase() : key.toLowerCase());
}

// Whether what has the focus takes letters for itself.
export function isTyping(element) {
  if (!element?.matches) return false;
  if (element.matches("input") && /^(checkbox|radio|range|button)$/.test(element.type)) return false;
  return element.closest(TYPED) !== null;
}

// As people read it on this machine.
export const keyName = (key, mac) => key.replace("Mod", mac ? "⌘" : "Ctrl").replace("Shift", mac ? "⇧" : "Shift");

// The row of a table of keys that a key belongs to.
export const rowOf = (rows, key) => rows.find((row) => row.keys.includes(key));
