import { deepStrictEqual as same } from "node:assert";
import { test } from "node:test";

import { attend, hearing } from "../../glmwidgets/web/late_widget.js";

// Models as those of ipywidgets and anywidget: the latter wait until their module is ready.
class Model {
  constructor(ready) {
    this.ready = ready;
    this.heard = [];
    this.sent = [];
    this.comm = {
      on_msg: (callback) => this.callback = callback,
      send: (data) => this.sent.push(data),
    };
    this.comm.on_msg(this._handle_comm_msg.bind(this));
  }
  _handle_comm_msg({ content: { data } }) {
    if (data.method === "update") this.heard.push(data.state);
    return Promise.resolve();
  }
}
class Waiting extends Model {
  async _handle_comm_msg(message) {
    await this.ready;
    return super._handle_comm_msg(message);
  }
}

const proxy = (raw) => ({
  get: () => "id",
  widget_manager: { has_model: () => true, get_model: () => Promise.resolve(raw) },
});
const update = { content: { data: { method: "update", state: 3 } } };

test("a model that anywidget gave up hears again, and asks for what it missed", async () => {
  const refused = Promise.reject(new Error("[anywidget] Failed to initialize model."));
  refused.catch(() => {});
  const raw = new Waiting(refused);
  same(await attend(proxy(raw)), true);
  same(raw.sent, [{ method: "request_state" }]);
  await raw.callback(update);
  same(raw.heard, [3]);
  same(await attend(proxy(raw)), false);
});

test("a model that hears is left alone, as is one that nobody speaks to", async () => {
  const raw = new Waiting(Promise.resolve());
  same(await attend(proxy(raw)), false);
  same(raw.sent, []);
  same(await attend({ get: () => undefined }), false);
  same(await attend({ get: () => "id" }), false);
});

test("a widget begins and draws as it did, whether it is one or is made by a function", async () => {
  const render = () => "drawn", done = () => {}, model = { get: () => "" };
  const one = hearing({ render, initialize: () => done });
  same([one.render, await one.initialize({ model })], [render, done]);
  same((await hearing(() => ({ render }))()).render, render);
});
