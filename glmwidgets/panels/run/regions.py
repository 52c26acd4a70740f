"""The tab of regions of interest: their list, how they are found, and what conditions change in the one picked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glmwidgets.analysis.signal_change import SignalChange, signal_changes
from glmwidgets.analysis.verdicts import write_dof
from glmwidgets.glm.errors import InputError, told
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.brush import Brush
from glmwidgets.panels.parts.table import Refused, RowTable, Typed
from glmwidgets.panels.shared.base import named, text
from glmwidgets.plural import count
from glmwidgets.regions.named import kept_atlas
from glmwidgets.report.figures.style import write_number
from glmwidgets.session.single.regions import free_name_of, regions_of, save_changes, save_regions
from glmwidgets.specification.search import sphere_at, voxels_at

if TYPE_CHECKING:
    from glmwidgets.panels.shared.base import Panel
    from glmwidgets.regions.interest import RegionOfInterest
    from glmwidgets.session.single.session import Session

COLUMNS = [
    {"label": "region", "editable": True, "help": "name; double-click to change it"},
    {"label": "voxels", "digits": 0, "help": "analysed voxels"},
    {
        "label": "found",
        "text": True,
        "help": "how it was found; * in this same map: its effects are larger than in new data",
    },
]

#: What the list says while there is none.
EMPTY = "No region yet: add one below."

# Of the brush at first, in mm.
RADIUS = 6.0


def _picked(session: Session) -> RegionOfInterest | None:
    shown = session.settings.regions.shown
    return next((each for each in regions_of(session) if each.name == shown), None) if shown else None


class RegionOnMap:
    """Keeps the border of the region that is picked on the slices.

    Parameters
    ----------
    session : Session
    brush : Brush
    """

    def __init__(self, session: Session, brush: Brush):
        self._session, self._brush = session, brush
        self._seen: tuple[object, object] = (None, None)
        session.observe_at_once(self._show, ["settings", "result"])

    def _show(self, _change: object = None) -> None:
        session = self._session
        domain = None if session.result is None else session.result.domain
        seen = (session.settings.regions, domain)
        if seen[0] is self._seen[0] and seen[1] is self._seen[1]:
            return
        self._seen = seen
        region = _picked(session)
        self._brush.show(None if region is None else region.mask)


class RegionsTab:
    """List of regions, buttons that add one, and the percent signal change of the one that is picked.

    Parameters
    ----------
    panel : Panel
        Whose session is looked at, and which says the verdict.
    brush : Brush, optional
        On the slices; without it none can be drawn.

    Attributes
    ----------
    table : RowTable
    sphere, cluster, remove : Button
    atlas : Combobox
        Regions of the atlas that is set, by name.
    draw, erase : ToggleButton
    radius : BoundedFloatText
        Of the brush, in mm.
    tools : Box
        All of these.
    """

    def __init__(self, panel: Panel, brush: Brush | None = None):
        self.session: Session = panel.session
        self._panel, self._brush = panel, brush
        self._names: tuple[str, ...] = ()
        self._atlas = ""
        self._measured: tuple[Any, ...] = ()
        self._changes: list[SignalChange] = []
        self.table = RowTable(columns=COLUMNS, empty=EMPTY)
        self.table.add_class("glmw-regions")
        self.table.on_pick(panel.guarded(self._pick))
        self.table.on_edit(self._rename)
        self._make_tools()
        self.session.observe_at_once(self._show, ["settings", "result", "clusters"])

    def _make_tools(self) -> None:
        panel = self._panel
        self.sphere = panel.button(
            "+ sphere", self._add_sphere, tooltip="around the crosshair, with the radius given here"
        )
        self.cluster = panel.button("+ cluster", self._add_cluster, tooltip="the cluster that the crosshair is in")
        self.atlas = named(W.Combobox(continuous_update=False, placeholder="+ of the atlas"), "region of the atlas")
        panel.on_value(self.atlas, self._add_label)
        self.radius = named(W.BoundedFloatText(value=RADIUS, min=0.5, max=100, step=1), "radius in mm")
        self.draw = W.ToggleButton(description="draw", tooltip="draw on the slices, within a plane; Escape ends it")
        self.erase = W.ToggleButton(description="erase", tooltip="take voxels away from what was drawn")
        self.remove = panel.button("remove", self._remove, tooltip="remove the picked region from the list")
        for control in (self.draw, self.erase, self.radius):
            panel.on_value(control, self._hold)
        radius = W.row("glmw-radius", self.radius, text("glmw-note", "mm"))
        drawing = (self.draw, self.erase) if self._brush is not None else ()
        self.tools = W.row(
            "glmw-series-places glmw-regions-tools",
            *(self.sphere, radius, self.cluster, self.atlas, *drawing, self.remove),
        )
        if self._brush is not None:
            self._brush.on_stroke(panel.guarded(self._stroke))
            self._brush.on_put_down(panel.guarded(self._drawn))

    # ---- files

    def save_tsv(self, path: str | PathLike[str] = "signal_change.tsv", *, overwrite: bool = False) -> Path:
        """Write the percent signal change of every region; see `glmwidgets.session.single.regions.save_changes`."""
        return save_changes(self.session, path, overwrite=overwrite)

    def save_nifti(self, path: str | PathLike[str] = "regions.nii.gz", *, overwrite: bool = False) -> Path:
        """Write the regions as an image of labels; see `glmwidgets.regions.write_label_image`."""
        return save_regions(self.session, path, overwrite=overwrite)

    # ---- what is shown

    def _show(self, _change: object = None) -> None:
        session = self.session
        regions = regions_of(session)
        self._names = tuple(region.name for region in regions)
        shown = session.settings.regions.shown
        rows = [_row(region) for region in regions]
        here = self._names.index(shown) if shown else -1
        with self.table.hold_sync():
            if self.table.rows != rows:
                self.table.rows = rows
            self.table.here = here
        self.remove.disabled = not shown
        self._offer()

    def _offer(self) -> None:
        path = self.session.settings.threshold.atlas
        if path != self._atlas:
            self._atlas = path
            try:
                atlas = kept_atlas(path) if path else None
            except (OSError, ValueError):  # said where it is set
                atlas = None
            names = [] if atlas is None else [atlas.table.named(label.value) for label in atlas.regions()]
            self.atlas.options = names
            self.atlas.disabled = not names
        elif not path:
            self.atlas.disabled = True
        self.atlas.tooltip = "a region by its name" if path else "set an atlas first: view, below the map"

    def changes(self, effects: Mapping[str, Sequence[str]]) -> tuple[list[SignalChange], str]:
        """Changes of the region that is picked, and words below them; why there are none, where there are none."""
        session = self.session
        result, region = session.result, _picked(session)
        if region is None:
            self._panel.set_verdict("")
            return [], "pick a region to see the percent signal change of each condition"
        self._panel.set_verdict(f"{region.name} · {count(region.n_voxels, 'voxel')}")
        wanted = (result, session.settings.regions, tuple(effects))
        if len(self._measured) != 3 or wanted[0] is not self._measured[0] or wanted[1:] != self._measured[1:]:
            self._measured, self._changes = wanted, []
            try:
                self._changes = signal_changes(result, region, effects)
            except InputError as error:
                self._measured = ()
                return [], told(error, "notebook")
        if not self._changes:
            return [], "the model has no condition"
        one = self._changes[0]
        whole = f"100 % is {write_number(one.baseline)}"
        least, most = (write_dof(pick(each.dof for each in self._changes)) for pick in (min, max))
        freedom = least if least == most else f"{least} to {most}"
        self._panel.set_verdict(f"{region.name} · {count(region.n_voxels, 'voxel')} · {whole} · df {freedom}")
        words = "bars: change at the regressor's peak, in % of the baseline; lines: 95 % intervals"
        return self._changes, f"{region.circular} · {words}" if region.circular else words

    def forget(self) -> None:
        """Let go of the result."""
        self._measured = ()

    # ---- what is done

    def _pick(self, row: int) -> None:
        self.session.update({"regions.shown": self._names[row], "series.place": "region"})

    def _rename(self, cells: list[Typed]) -> Refused:
        row, column, name = cells[0]
        with self.session.lock:
            chosen, old, name = self.session.settings.regions, self._names[row], name.strip()
            if not name or (name != old and name in chosen.listed):
                return row, column, "give each region a name of its own"
            listed = {name if each == old else each: found for each, found in chosen.listed.items()}
            shown = name if chosen.shown == old else chosen.shown
            self.session.update(chosen.relisted(listed, shown))
        return None

    def _add(self, name: str, how: Any) -> None:
        self.session.region_of_interest(free_name_of(self.session, name), how)
        self.session.update({"series.place": "region"})

    def _add_sphere(self, _button: object) -> None:
        self._add(f"sphere of {self.radius.value:g} mm", sphere_at(self.session.mm(), self.radius.value))

    def _add_cluster(self, _button: object) -> None:
        clusters = self.session.clusters
        number = 0 if clusters is None else int(clusters.labels[self.session.cursor])
        if not number:
            raise InputError("the crosshair is in no cluster of this threshold", where="regions.found")
        self._add(f"cluster {number}", f"cluster {number}")

    def _add_label(self, change: dict[str, Any]) -> None:
        name = change["new"].strip()
        if name:
            self.atlas.value = ""
            self._add(name, f"label {name}")

    def _remove(self, _button: object) -> None:
        self.session.remove_region(self.session.settings.regions.shown)

    # ---- the brush

    def _hold(self, _change: object = None) -> None:
        if self._brush is None:
            return
        if self.draw.value:
            self._brush.take(self.radius.value, self.erase.value)
        elif self._brush.is_held:
            self._brush.put_down()

    def _drawn(self) -> None:
        self.draw.value = self.erase.value = False

    def let_go(self) -> None:
        """Draw no more: the tab is closed."""
        self.draw.value = False

    def _stroke(self, voxels: np.ndarray, erases: bool) -> None:
        session = self.session
        chosen = session.settings.regions
        goes_on = chosen.listed.get(chosen.shown, "").startswith("drawn ")
        before = _picked(session).mask if goes_on else np.zeros(session.shape, bool)
        after = before & ~voxels if erases else before | voxels
        if not goes_on and erases:
            raise InputError("pick a drawn region before erasing voxels", where="regions.found")
        name = chosen.shown if goes_on else free_name_of(session, "drawn")
        session.region_of_interest(name, voxels_at("drawn", after))
        if session.settings.series.place != "region":
            session.update({"series.place": "region"})


def _row(region: RegionOfInterest) -> dict[str, Any]:
    mark = "* " if region.circular else ""
    title = f"{region.how}; {region.circular}" if region.circular else region.how
    return {"cells": [region.name, region.n_voxels, f"{mark}{region.how}"], "title": title}
