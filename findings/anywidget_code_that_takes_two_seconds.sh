#!/usr/bin/env bash
# anywidget 0.11.0: a widget whose code is ready after more than two seconds never gets a message from Python again.
#
# The front end gives each model two seconds from its creation to import its code. After that the model's `ready` is
# rejected for good ("[anywidget] Failed to initialize model."), also when the code arrives later: each message of the
# kernel waits for `ready` and fails. Code that awaits a library from a slow server, and a page that opens with many
# widgets, take that long. Here the front end that pip installs runs in Deno, with a model of a few lines in the place of
# Jupyter's. Guess beforehand: the messages wait until the code is there.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet anywidget==0.11.0 deno==2.9.8
cd "$work"
cp venv/lib/python3*/site-packages/anywidget/nbextension/index.js front_end.js
cat > try.js <<'JS'
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
let make;
globalThis.define = (_, factory) => (make = factory);
await import("./front_end.js");

class DOMWidgetModel {
  constructor(state) {
    this.state = state;
    this.heard = [];
    this.initialize();
  }
  initialize() {}
  get(name) { return this.state[name]; }
  set() {}
  save_changes() {}
  send() {}
  on() {}
  off() {}
  once() {}
  async _handle_comm_msg(message) { this.heard.push(message); }
}
const { AnyModel } = make({ DOMWidgetModel, DOMWidgetView: class {} });
globalThis.addEventListener("unhandledrejection", (event) => event.preventDefault());

// The widget's code is ready after so many milliseconds; a message comes after four seconds.
async function tell(ms) {
  const code = `await new Promise((done) => setTimeout(done, ${ms})); export default { render() {} };`;
  const model = new AnyModel({ _esm: code, _anywidget_id: `ready after ${ms} ms` });
  await wait(4000);
  const answer = await model._handle_comm_msg("update").then(() => "heard", (error) => error.message);
  console.log(`code ready after ${ms} ms, message after 4000 ms: ${answer}`);
  return answer;
}
const [soon, late] = await Promise.all([tell(1000), tell(2500)]);
if (soon !== "heard" || !late.includes("Failed to initialize model")) Deno.exit(1);
JS
venv/bin/deno run --quiet --allow-read try.js
