"""One HTML file of an explorer that stays alive without a kernel: slices, threshold, looks and clusters answer.

It holds the code of its widgets, what they show, and a small loader (`web/alive.js`) in the place of a front end of
Jupyter; nothing is fetched from anywhere. What needs the kernel is there as it was saved.
"""

from __future__ import annotations

import base64
import datetime
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np

from glmwidgets import __version__
from glmwidgets.panels.parts.slider import Slider
from glmwidgets.panels.parts.state import state_of
from glmwidgets.panels.shared.map import write_rate
from glmwidgets.plural import count
from glmwidgets.specification.looks import MapView
from glmwidgets.specification.series import SERIES_TABS
from glmwidgets.web import PANELS, script, style

if TYPE_CHECKING:
    from glmwidgets.analysis.answers import Answer
    from glmwidgets.panels.parts.slices import SliceViewer
    from glmwidgets.panels.shared.explorer import SessionExplorer
    from glmwidgets.report.figures.embed import Picture

#: Cuts in a row that a menu of the page offers, besides the number that is set.
CUTS_OFFERED = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20)

# Pixels at most, so that the threshold is in view with the map.
MAP_HEIGHT = 480

# Nothing may be asked of a network, whatever the page does.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "form-action 'none'; base-uri 'none'"
)


class _Held:
    """What a page holds as JSON: bytes stand in it as their place in one piece, each once."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._places: dict[bytes, tuple[int, int]] = {}
        self._size = 0

    def place(self, piece: Any) -> Any:
        if not isinstance(piece, bytes | bytearray | memoryview):
            raise TypeError(f"a page holds no {type(piece).__name__}")
        piece = bytes(piece)
        if piece not in self._places:
            self._places[piece] = (self._size, len(piece))
            self._pieces.append(piece)
            self._size += len(piece)
        return {"bytes": self._places[piece]}

    def packed(self, tree: Any) -> tuple[str, str]:
        """The tree and the bytes, each compressed, as text."""
        text = json.dumps(tree, default=self.place, separators=(",", ":"), allow_nan=False)
        return _base64(text.encode()), _base64(b"".join(self._pieces))


def _base64(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 6)).decode("ascii")


def alive_page(explorer: SessionExplorer, still: bytes | None) -> str:
    """The page of an explorer of one session.

    Parameters
    ----------
    explorer : SessionExplorer
        With a map and a table of clusters.
    still : bytes or None
        PNG of the map, for readers that run no scripts.

    Returns
    -------
    str
        HTML.

    Raises
    ------
    NoResult
        If what is set has no result; see `glmwidgets.session.core.waiting.Awaited.current_result`.
    """
    session = explorer.session
    session.current_result()
    with session.lock:
        result = session.current_result()
        viewer, held = explorer.map.viewer, _Held()
        slider, table = explorer.map.slider, explorer.clusters.table
        opacity = {"value": viewer.opacity, "min": 0.0, "max": 1.0, "step": 0.02, "label": "opacity", "key": "opacity"}
        follows = {"_sliders": {"threshold": slider.key, "opacity": opacity["key"]}, "max_height": MAP_HEIGHT}
        # Name of its place, whose code it has, and what it shows.
        widgets: dict[str, tuple[anywidget.AnyWidget, dict[str, Any]]] = {
            "viewer": (viewer, viewer.whole_state() | follows),
            "slider": (slider, state_of(slider)),
            "opacity": (slider, opacity),
            "table": (table, state_of(table)),
        }
        chart, charted = _chart(explorer)
        if chart is not None:
            widgets["chart"] = (explorer.series.chart, chart)
        tree = {
            "widgets": {name: {"code": _kind(of), "state": state} for name, (of, state) in widgets.items()},
            "controls": list(_controls(explorer, viewer)),
            "threshold": {"symbol": _symbol(result), "rates": _rates(result, slider)},
            "peaks": [list(map(int, ijk)) for ijk in explorer.clusters.peaks],
        }
        page, pieces = held.packed(tree)
        name, facts = explorer._facts()
        contrast = result.settings.contrast.expression or "no contrast"
        found = session.clusters.found
    kinds = {_kind(widget): widget for widget, _ in widgets.values()}
    own = (getattr(widget, "_css", "") for widget in kinds.values())
    sheet = "".join([style(*PANELS), *own, style("alive.css")])
    codes = (f'<script type="module">{_code(widget)}</script>\n' for widget in kinds.values())
    noscript = f'<img alt="the map" src="data:image/png;base64,{base64.b64encode(still).decode()}">' if still else ""
    made = f"{datetime.datetime.now().astimezone():%Y-%m-%d %H:%M %Z} with glmwidgets {__version__}"
    height = f"{_symbol(result)} > {result.threshold:.2f}"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(f"{name}: {contrast}")}</title>
<style>{sheet}</style>
</head>
<body>
<main class="glmw glmw-page">
<h1>{escape(name)}: {escape(contrast)}</h1>
<p class="glmw-quiet">{escape(" · ".join(facts))} · made {escape(made)}</p>
<p class="glmw-quiet">Alive: slices, crosshair, threshold, colours, background, cuts, and the rows of the table. \
{escape(charted)} The model needs the notebook.</p>
<p id="glmw-failed" role="alert" hidden></p>
<noscript><p>The page needs JavaScript; this is the map as it was saved.</p>{noscript}</noscript>
<div class="glmw-parts">
<div>
<section aria-label="map">
<div id="glmw-viewer"></div>
<div class="glmw-slid"><div id="glmw-said"></div><div id="glmw-slider"></div>\
<div class="glmw-opacity">opacity<div id="glmw-opacity"></div></div></div>
<div id="glmw-controls"></div>
</section>
{f'<section><h2>{escape(_tab(explorer))}, as saved</h2><div id="glmw-chart"></div></section>' if chart else ""}
</div>
<div>
<section aria-label="clusters"><h2>{count(len(found), "cluster")} at {escape(height)}, as saved</h2>
<div id="glmw-table"></div></section>
{_stills(explorer)}
</div>
</div>
</main>
<script id="glmw-page" type="text/plain">{page}</script>
<script id="glmw-bytes" type="text/plain">{pieces}</script>
{"".join(codes)}<script type="module">{script("alive.js")}</script>
</body>
</html>
"""


def _kind(widget: anywidget.AnyWidget) -> str:
    return type(widget).__name__


def _code(widget: anywidget.AnyWidget) -> str:
    """A widget's module; its default, which modules of a page cannot import from each other, is given to the loader."""
    code, n = re.subn("^export default ", f"(window.glmwCodes ??= {{}}).{_kind(widget)} = ", widget._esm, flags=re.M)
    assert n == 1, f"{_kind(widget)} has {n} defaults"
    return code


def _symbol(result: Answer) -> str:
    return "|z|" if result.thresholding.two_sided else "z"


def _rates(result: Answer, slider: Slider) -> dict[str, Any]:
    """What the page says of each threshold that the slider can be at."""
    size = result.searched.values
    ordered = np.sort(np.abs(size) if result.thresholding.two_sided else size)
    heights = np.round(np.arange(slider.min, slider.max + slider.step / 2, slider.step), 6)
    passing = ordered.size - np.searchsorted(ordered, heights)
    rows = []
    for height, n in zip(heights.tolist(), passing.tolist(), strict=True):
        p, q = result.rates_at(height)
        row = {"p": write_rate(p), "q": "", "n": ""}
        rows.append(row | {"q": write_rate(q), "n": f"{count(n, 'voxel')}"} if n else row)
    return {"step": slider.step, "rows": rows}


def _controls(explorer: SessionExplorer, viewer: SliceViewer) -> Iterator[dict[str, Any]]:
    """Menus and ticks of the page: each choice with the traits of the viewer that it sets."""
    session, looks = explorer.session, explorer.session.settings.map

    def row(name: str, options: Sequence[tuple[str, dict[str, Any]]], chosen: int, **more: Any) -> dict[str, Any]:
        known = MapView.field(f"map.{name}")
        return {"label": known.title, "hint": known.hint, "options": options, "chosen": chosen, **more}

    def menu(name: str, **more: Any) -> dict[str, Any]:
        values = MapView.field(f"map.{name}").menu()
        here = getattr(viewer, name)
        if here not in [value for _, value in values]:
            values = [*values, (str(here), here)]
        chosen = [value for _, value in values].index(here)
        return row(name, [(label, {name: value}) for label, value in values], chosen, **more)

    in_mosaic = {"when": ["view", "mosaic"]}
    numbers = sorted({*CUTS_OFFERED, viewer.n_cuts})
    cuts = [(str(n), {"n_cuts": n, "_cuts": viewer.cuts_of(n)}) for n in numbers]
    yield menu("view")
    yield menu("cut_axes", **in_mosaic)
    yield row("n_cuts", cuts, numbers.index(viewer.n_cuts), **in_mosaic)
    yield menu("colormap" if viewer.signed else "sequential")
    if session.result.thresholding.two_sided:
        signs = MapView.field("map.signs").menu()
        sign = [(label, {"sign": "two-sided" if value == "both" else value}) for label, value in signs]
        yield row("signs", sign, [value for _, value in signs].index(looks.signs))
    grounds = list(_backgrounds(explorer, viewer))
    yield row("background", [each[:2] for each in grounds], [each[2] for each in grounds].index(True))
    yield menu("convention")
    for name in ("fade_below", "show_outline", "show_mask"):
        options = [("no", {name: False}), ("yes", {name: True})]
        yield row(name, options, int(getattr(viewer, name)), tick=True)


def _backgrounds(explorer: SessionExplorer, viewer: SliceViewer) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Label, traits, and whether it is the one that is shown."""
    session, looks = explorer.session, explorer.session.settings.map
    shown = {"_background": viewer._background, "_parts": viewer._parts}
    scan = getattr(session, "scan", None)
    if looks.underlay or scan is not None:
        yield ("underlay" if scan is None else f"scan {scan}", shown, True)
    for label, name in MapView.field("map.background").menu(session.analysis.backgrounds):
        greys = viewer.greys_of(session.analysis.background_image(name))
        now = not looks.underlay and scan is None and name == looks.background
        yield (label, {"_background": greys, "_parts": [1, 1, 1]}, now)


def _chart(explorer: SessionExplorer) -> tuple[dict[str, Any] | None, str]:
    """The plots of the series, which nothing can be picked in without a kernel, and what is said of them."""
    panel = getattr(explorer, "series", None)
    if panel is None or explorer.session.settings.series.tab == "carpet" or not panel.chart.plots:
        return None, ""
    plots = [{**plot, "pick": False} for plot in panel.chart.plots]
    place = ", ".join(map(str, explorer.session.cursor))
    return state_of(panel.chart) | {"plots": plots, "resting": ""}, f"Plots are of voxel {place}, as it was saved."


def _tab(explorer: SessionExplorer) -> str:
    return SERIES_TABS[explorer.session.settings.series.tab]


def _stills(explorer: SessionExplorer) -> str:
    """Pictures of the model in the place of panels that need a kernel."""
    from glmwidgets.report.page.sections import run_section

    study = explorer.study()
    pictures: list[Picture] = []
    for run in study.runs[:1]:
        section = run_section(study, run)
        pictures += [*section.pictures[1:], *section.matrices[:1]]
    if not pictures:
        return ""
    drawn = "".join(
        f'<figure><img src="{each.src}" alt="{escape(each.alt)}" width="{each.width}">'
        f"<figcaption>{escape(each.caption)}</figcaption></figure>"
        for each in pictures
    )
    return f"<section><h2>The model, as saved</h2>{drawn}</section>"
