#!/usr/bin/env bash
# shinywidgets 0.8.2: a box whose children were made after it is not shown.
#
# Channels open in the order in which the widgets were made, and each says what its widget is by then. So a box is told to
# the page with children of which the page has not heard: "Cannot read properties of undefined (reading 'state_change')".
# Guess beforehand: the children come first, as in Jupyter. Here a client of a few lines stands in the place of the page.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet shinywidgets==0.8.2 shiny==1.8.0 ipywidgets==8.1.9 websockets
cd "$work"
cat > app.py <<'PY'
import ipywidgets as W
from shiny import App, ui
from shinywidgets import output_widget, render_widget


def server(input, output, session):
    @render_widget
    def shown():
        box = W.VBox()
        box.children = [W.IntSlider()]
        return box


app = App(ui.page_fluid(output_widget("shown")), server)
PY
cat > try.py <<'PY'
import asyncio
import json
import re
import sys

import websockets

PORT = sys.argv[1]


async def page():
    for _ in range(100):
        try:
            socket = await websockets.connect(f"ws://127.0.0.1:{PORT}/websocket/", max_size=None)
            break
        except OSError:
            await asyncio.sleep(0.3)
    await socket.send(json.dumps({"method": "init", "data": {".clientdata_output_shown_hidden": False}}))
    known, unheard = set(), {}
    while True:
        told = json.loads(await asyncio.wait_for(socket.recv(), 60))
        opened = told.get("custom", {}).get("shinywidgets_comm_open")
        if opened:
            content = json.loads(opened)["content"]
            state = content["data"]["state"]
            children = re.findall(r"IPY_MODEL_(\w+)", json.dumps(state.get("children", [])))
            unheard[state["_model_name"]] = [one for one in children if one not in known]
            known.add(content["comm_id"])
            print(f"{state['_model_name']} is opened, with {len(children)} children, of which "
                  f"{len(unheard[state['_model_name']])} not yet opened")
        if "values" in told and told["values"].get("shown"):
            return unheard


sys.exit(len(asyncio.run(page())["VBoxModel"]) != 1)
PY
port=$(venv/bin/python -c "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])")
venv/bin/python -m shiny run app.py --port "$port" > log 2>&1 &
server=$!
venv/bin/python try.py "$port"
