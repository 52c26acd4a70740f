// The colour bar beside the slices: the colour of every value that is shown, its ends and the threshold, and what warm and
// cold stand for.

import { fitting, number } from "./shared.js";
import { emerging, fading, FONT_PX, levelOf, LEVELS, mixer, rgb } from "./slices_paint.js";

const barEnds = ({ sides, vmax }) => [sides === "positive" ? 0 : -vmax, sides === "negative" ? 0 : vmax];

// The colour of every value that is shown, grey where nothing survives.
export function barImage(look, width, height, empty) {
  const image = new ImageData(width, height), pixels = new Uint32Array(image.data.buffer), [low, high] = barEnds(look);
  const ground = rgb(...empty);
  for (let row = 0; row < height; row++) {
    const value = high - ((row + 0.5) / height) * (high - low), c = 3 * levelOf(value, (LEVELS - 1) / look.vmax);
    const size = look.strength(value), seen = look.open ? emerging(Math.abs(value) / look.vmax, look) : 1;
    const part = look.other || size >= look.threshold ? seen : fading(size, look);
    const color = mixer([...look.table.subarray(c, c + 3), part])(ground);
    pixels.fill(color, row * width, (row + 1) * width);
  }
  return image;
}

const LINE = FONT_PX + 2, FOOT = 6;
const WORD_LEVEL = 200; // of 255: the colour of a side's words, light enough to be read on black

// Words above the bar (what is shown, its unit, what warm colours are) and below it (what cold ones are), and the room
// that they leave to the bar.
export function barWords({ label, unit, warm, cold }, { sides }) {
  const above = [label, unit, sides === "negative" ? "" : warm].filter(Boolean);
  const below = sides === "positive" ? "" : cold;
  return {
    above,
    below,
    warm: sides === "negative" ? "" : warm,
    top: above.length * LINE + 8,
    foot: below ? LINE + 8 : FOOT,
  };
}

const sideColour = ({ table }, positive) => {
  const from = 3 * (WORD_LEVEL + (positive ? LEVELS : 0));
  return `rgb(${[...table.subarray(from, from + 3)].join(" ")})`;
};

// The bar within its place, ticks at its ends, at the threshold and at zero as far as they leave each other room, and
// the words; these end at the canvas's edge, and may begin left of the bar.
export function drawBar(ctx, { place, words, width, dpr, colours }, look, image) {
  const said = barWords(words, look), bar = { ...place, y: place.y + said.top, h: place.h - said.top - said.foot };
  const [low, high] = barEnds(look), threshold = look.other ? NaN : look.threshold, taken = [];
  const made = image(look, Math.round(bar.w * dpr), Math.max(1, Math.round(bar.h * dpr)), colours.bar);
  ctx.putImageData(made, Math.round(bar.x * dpr), Math.round(bar.y * dpr));
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  const widthOf = (text) => ctx.measureText(text).width;
  const write = (text, y, colour) => {
    const short = fitting(text, 2 * (width - bar.x), widthOf), x = Math.min(bar.x, width - widthOf(short) - 1);
    ctx.fillStyle = colour;
    ctx.fillText(short, x, y);
  };
  said.above.forEach((text, k) => {
    const warm = text === said.warm && k === said.above.length - 1;
    write(text, place.y + k * LINE + FONT_PX / 2 + 2, warm ? sideColour(look, true) : colours.text);
  });
  if (said.below) write(said.below, bar.y + bar.h + LINE / 2 + 5, sideColour(look, false));
  for (const value of [high, low, threshold, -threshold, 0]) {
    const y = bar.y + ((high - value) / (high - low)) * bar.h;
    if (!(value <= high && value >= low) || taken.some((other) => Math.abs(other - y) < LINE)) continue;
    taken.push(y);
    ctx.fillStyle = Math.abs(value) === threshold ? colours.text : colours.quiet;
    ctx.fillRect(bar.x + bar.w, Math.round(y * dpr) / dpr, 3, 1 / dpr);
    ctx.fillText(number(value), bar.x + bar.w + 6, y + 0.5);
  }
}
