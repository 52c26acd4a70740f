// What more than one widget needs.

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
