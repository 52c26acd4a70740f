import { deepStrictEqual as same, strictEqual as is } from "node:assert";
import { test } from "node:test";

import { barWords } from "../../glmwidgets/web/slices_bar.js";

const words = { label: "effect", unit: "%", warm: "face", cold: "house" };

test("the bar says what is shown, in which unit, and what its sides are, as far as they are on it", () => {
  const both = barWords(words, { sides: "two-sided" });
  same([both.above, both.below], [["effect", "%", "face"], "house"]);
  const positive = barWords(words, { sides: "positive" });
  same([positive.above, positive.below], [["effect", "%", "face"], ""]);
  is(positive.foot < both.foot, true);
  same(barWords(words, { sides: "negative" }).above, ["effect", "%"]);
  same(barWords({ ...words, unit: "", warm: "", cold: "" }, { sides: "two-sided" }).above, ["effect"]);
});
