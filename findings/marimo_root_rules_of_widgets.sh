#!/usr/bin/env bash
# marimo 0.25.2: rules for `:root` in the style sheet of an anywidget do nothing, and colours that they name are not there.
#
# anywidget puts a widget's `_css` into the page; there `:root { --ink: ... }` gives the widget its colours. marimo shows a
# widget in a shadow tree, and puts `_css` into that tree, which has no root element: the rule matches nothing, without
# a word. A rule for `:host` beside it works. Guess beforehand: a widget has the colours that it has in Jupyter.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so. Chromium is that of
# the machine (CHROMIUM, or /usr/bin/chromium).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet marimo==0.25.2 anywidget==0.11.0 playwright==1.65.2
cd "$work"
cat > book.py <<'PY'
import marimo

app = marimo.App()


@app.cell
def _():
    import anywidget

    class Words(anywidget.AnyWidget):
        _esm = """export default { render({ el }) { el.innerHTML = '<b class="root">root</b> <b class="host">host</b>'; } };"""
        _css = """
        :root { --of-root: rgb(1, 2, 3); }
        :host { --of-host: rgb(1, 2, 3); }
        .root { color: var(--of-root, rgb(200, 0, 0)); }
        .host { color: var(--of-host, rgb(200, 0, 0)); }
        """

    Words()
    return


if __name__ == "__main__":
    app.run()
PY
cat > look.py <<'PY'
import os, socket, subprocess, sys, time, urllib.request
from playwright.sync_api import sync_playwright

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
command = [sys.executable, "-m", "marimo", "-q", "run", "book.py", "--headless", "--no-token", "--port", str(port)]
server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    for _ in range(120):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=5).read()
            break
        except OSError:
            time.sleep(0.5)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}")
        seen = {}
        for name in ("root", "host"):
            word = page.locator(f"b.{name}")
            word.wait_for(timeout=60_000)
            page.wait_for_timeout(500)
            seen[name] = word.evaluate("e => getComputedStyle(e).color")
        in_shadow = page.locator("b.root").evaluate("e => e.getRootNode() instanceof ShadowRoot")
        browser.close()
finally:
    server.terminate()
    server.wait()
print("the widget is in a shadow tree:", in_shadow)
print("colour of a variable of :root:", seen["root"], "(its fallback), of :host:", seen["host"])
assert in_shadow and seen == {"root": "rgb(200, 0, 0)", "host": "rgb(1, 2, 3)"}
PY
venv/bin/python -W ignore look.py
