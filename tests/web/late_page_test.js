import { deepStrictEqual as same } from "node:assert";
import { test } from "node:test";

import latePage, { unknown } from "../../glmwidgets/web/late_page.js";

// A model of the page that was restored with this time, and what it sends.
function restored(at, known) {
  const sent = [], handlers = {};
  const model = {
    widget_manager: { has_model: (id) => known.includes(id), get_model: () => Promise.resolve(null) },
    get: (name) => (name === "at" ? at : ""),
    send: (content) => sent.push(content),
    on: (event, handler) => handlers[event] = handler,
    off: () => {},
  };
  return { model, sent, hear: (content) => handlers["msg:custom"](content) };
}

test("a page names the widgets that it does not know", () => {
  same(unknown(["a", "b"], { has_model: (id) => id === "a" }), ["b"]);
  same(unknown(["a", "b"], undefined), ["a", "b"]);
});

test("a page says of when its widgets are, once, and answers which of those opened since then it lacks", () => {
  const { model, sent, hear } = restored(12.5, ["a"]);
  latePage.render({ model });
  latePage.render({ model });
  same(sent, [{ kind: "stands", at: 12.5 }]);
  hear({ opened: ["a", "b"] });
  same(sent.slice(1), [{ kind: "unknown", at: 12.5, ids: ["b"] }]);
  hear({ opened: ["a"] });
  same(sent.slice(2), [{ kind: "unknown", at: 12.5, ids: [] }]);
  hear({});
  same(sent.length, 3);
});
