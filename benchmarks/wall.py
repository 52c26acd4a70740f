"""How a wall of small maps scrolls: the share of frames within 17 ms, in Chromium, on a machine that does nothing else.

    python benchmarks/wall.py [--runs 432] [--seconds 6]

The wall's own JavaScript is run in a page without a kernel, with as many maps as are asked for, and is scrolled from
its top to its end and back. It needs playwright, and Chromium at /usr/bin/chromium or as playwright installs it.
"""

from __future__ import annotations

import argparse
import base64
import json
from pathlib import Path

import numpy as np

from glmwidgets.panels.parts.wall import MapWall
from glmwidgets.study.cells import N_CELLS, standard_grid
from glmwidgets.web import PANELS, style

PAGE = """<!DOCTYPE html><meta charset="utf-8"><style>CSS</style>
<div class="glmw"><div id="wall" style="width: 660px; height: 330px"></div></div>
<script type="module">
const state = STATE, esm = ESM, heard = {};
for (const name of ["cells", "levels", "lut"]) {
  state[name] = new DataView(Uint8Array.from(atob(state[name]), (c) => c.charCodeAt(0)).buffer);
}
const model = {
  get: (name) => state[name],
  set: (name, value) => { state[name] = value; },
  on: (name, f) => { (heard[name] ??= []).push(f); },
  off: () => {},
  send: () => {},
  save_changes: () => {},
};
const module = await import(URL.createObjectURL(new Blob([esm], { type: "text/javascript" })));
(module.default.render ?? module.render)({ model, el: document.getElementById("wall") });
window.scrolled = async (seconds) => {
  const room = document.querySelector(".glmw-wall-room"), most = room.scrollHeight - room.clientHeight, took = [];
  let last = await new Promise(requestAnimationFrame);
  const begun = last;
  while (last - begun < 1000 * seconds) {
    const share = (last - begun) / (1000 * seconds);
    room.scrollTop = most * (1 - Math.abs(1 - 2 * share));
    const now = await new Promise(requestAnimationFrame);
    took.push(now - last);
    last = now;
  }
  return { took, most };
};
window.ready = true;
</script>"""


def page_of(n_runs: int) -> str:
    """A page with a wall of noise in the cells of a brain."""
    rng = np.random.default_rng(0)
    grid = standard_grid("MNI")
    middle = np.array(grid.shape) / 2 - 0.5
    away = np.linalg.norm((np.indices(grid.shape).reshape(3, -1).T - middle) / middle, axis=1)
    cells = np.sort(np.argsort(away)[:N_CELLS])
    wall = MapWall(order=list(range(n_runs)), slice=grid.shape[2] // 2)
    wall.tiles = [{"name": f"{i:03d}", "words": "", "out": ""} for i in range(n_runs)]
    wall.show(grid.shape, cells, rng.standard_normal((n_runs, cells.size), dtype=np.float32) * 1.5)
    state = {name: getattr(wall, name) for name in wall.trait_names(sync=True) if not name.startswith("_")}
    state = {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in state.items()
        if isinstance(value, bytes | int | float | bool | str | list | dict)
    }
    css = style(*PANELS)
    page = PAGE.replace("CSS", css).replace("ESM", json.dumps(str(wall._esm)).replace("</", "<\\/"))
    return page.replace("STATE", json.dumps(state))


def main() -> None:
    """Scroll, and print what a person would feel."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=432)
    parser.add_argument("--seconds", type=float, default=6.0)
    given = parser.parse_args()
    from playwright.sync_api import sync_playwright

    here = Path("/usr/bin/chromium")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(here) if here.exists() else None, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_content(page_of(given.runs))
        page.wait_for_function("window.ready")
        found = page.evaluate("(seconds) => window.scrolled(seconds)", given.seconds)
        browser.close()
    took = np.array(found["took"])
    print(f"{given.runs} maps over {found['most']:.0f} pixels: {took.size} frames, median {np.median(took):.1f} ms")
    print(f"{100 * np.mean(took <= 17):.1f} % within 17 ms; the 95th percentile is {np.quantile(took, 0.95):.1f} ms")


if __name__ == "__main__":
    main()
