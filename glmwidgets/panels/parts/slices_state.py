"""What the slice viewer's kernel and browser share; what each trait means is told by `SliceViewer`."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets as t

from glmwidgets.panels.parts.first_planes import NOTHING
from glmwidgets.panels.parts.late_pages import Drawn
from glmwidgets.specification.looks import COMPARES, CONVENTIONS, MOST_CUTS, VIEWS
from glmwidgets.web.palettes import COLORMAPS, SEQUENTIAL, lookup_table

AXES = "xyz"

SIGNS = ("two-sided", "positive", "negative")

#: Traits that are choices of a person; settings of a session's map have the same names.
LOOKS = (
    *("convention", "view", "cut_axes", "n_cuts", "zoom", "compare", "colormap"),
    *("sequential", "opacity", "fade_below", "show_outline", "show_mask"),
)
#: Those that any map of a session can have in common with the large one.
COLOURS = ("convention", "colormap", "sequential", "opacity", "fade_below")


class SlicesState(Drawn):
    """Traits of `SliceViewer`, with what is refused of them.

    Notes
    -----
    Private traits: ``_sliders`` (keys of those that are followed, by trait), ``_geometry`` (grid), ``_background`` and
    ``_mask`` (bytes and bits in display order), ``_map`` (serial, masked values, perhaps those shown), ``_planes``
    (planes that arrived ahead of their map, see `in_sight`), ``_beside`` (another map with its own mask and look),
    ``_compares`` (how it may be shown), ``_parts`` (of each voxel in the background), ``_contour``, ``_region``
    (bits), ``_cuts`` and ``_luts``.
    """

    cursor = t.Tuple(t.CInt(), t.CInt(), t.CInt(), default_value=(0, 0, 0)).tag(sync=True)
    threshold = t.Float(0.0, min=0.0).tag(sync=True)
    opacity = t.Float(1.0, min=0.0, max=1.0).tag(sync=True)
    sign = t.Enum(SIGNS, default_value="two-sided").tag(sync=True)
    cluster_threshold = t.Int(0, min=0).tag(sync=True)
    fade_below = t.Bool(True).tag(sync=True)
    show_outline = t.Bool(True).tag(sync=True)
    show_crosshair = t.Bool(True).tag(sync=True)
    show_mask = t.Bool(False).tag(sync=True)
    show_readout = t.Bool(True).tag(sync=True)
    vmax = t.Float(8.0).tag(sync=True)
    colormap = t.Enum(tuple(COLORMAPS), default_value="warm-cold").tag(sync=True)
    sequential = t.Enum(SEQUENTIAL, default_value="viridis").tag(sync=True)
    shown_label = t.Unicode("").tag(sync=True)
    shown_unit = t.Unicode("").tag(sync=True)
    warm = t.Unicode("").tag(sync=True)
    cold = t.Unicode("").tag(sync=True)
    signed = t.Bool(True).tag(sync=True)
    whole = t.Bool(False).tag(sync=True)
    reach = t.Float(8.0).tag(sync=True)
    convention = t.Enum(tuple(CONVENTIONS), default_value="neurological").tag(sync=True)
    view = t.Enum(tuple(VIEWS), default_value="ortho").tag(sync=True)
    cut_axes = t.Unicode("z").tag(sync=True)
    n_cuts = t.Int(7, min=1, max=MOST_CUTS).tag(sync=True)
    zoom = t.Tuple().tag(sync=True)
    compare = t.Enum(tuple(COMPARES), default_value="side").tag(sync=True)
    label = t.Unicode("z").tag(sync=True)
    sides_known = t.Bool(True).tag(sync=True)
    stale = t.Bool(False).tag(sync=True)
    max_height = t.Int(560, min=80).tag(sync=True)
    brush = t.Float(0.0, min=0.0).tag(sync=True)
    erases = t.Bool(False).tag(sync=True)

    _sliders = t.Dict().tag(sync=True)
    _geometry = t.Dict().tag(sync=True)
    _background = t.Bytes(b"").tag(sync=True)
    _parts = t.List([1, 1, 1]).tag(sync=True)
    _contour = t.Bytes(b"").tag(sync=True)
    _region = t.Bytes(b"").tag(sync=True)
    _mask = t.Bytes(b"").tag(sync=True)
    _map = t.Dict({"serial": 0, "values": b""}).tag(sync=True)
    _planes = t.Dict(NOTHING).tag(sync=True)
    _beside = t.Dict().tag(sync=True)
    _compares = t.List([list(row) for row in COMPARES.items()]).tag(sync=True)
    _cuts = t.Dict().tag(sync=True)
    _luts = t.Dict().tag(sync=True)

    @t.default("_luts")
    def _default_luts(self) -> dict[str, dict[str, bytes]]:
        return {
            name: {sides: lookup_table(name, sides == "two").tobytes() for sides in ("one", "two")}
            for name in COLORMAPS
        }

    @t.validate("cut_axes")
    def _check_cut_axes(self, proposal: dict[str, Any]) -> str:
        axes = proposal["value"]
        if not axes or set(axes) - set(AXES) or len(set(axes)) < len(axes):
            raise t.TraitError(f"cut_axes must name each of x, y, z at most once, such as 'z' or 'zyx'; got {axes!r}")
        return axes

    @t.validate("vmax", "reach")
    def _check_vmax(self, proposal: dict[str, Any]) -> float:
        if not (np.isfinite(proposal["value"]) and proposal["value"] > 0):
            raise t.TraitError(f"{proposal['trait'].name} must be a number above zero, got {proposal['value']}")
        return proposal["value"]
