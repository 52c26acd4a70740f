"""The run and what is done to its series before the model: mask, smoothing, scaling, scans left out."""

from __future__ import annotations

from functools import cached_property

import nibabel as nib
import numpy as np

from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.shared.base import Panel, field, labelled, opened_by, text
from glmwidgets.plural import count
from glmwidgets.session.single.session import Session

CUTS = (0.1, 3.0)


class DataPanel(Panel):
    """Smoothing in mm, the unit of the signal, initial scans to leave out, and the mask's threshold.

    Attributes
    ----------
    smoothing, scaling, drop, cut : widgets
        The last one only moves a mask that is found from the run.
    more : ToggleButton
        Opens `standardize`, `whole_field`, `t_r` and `slice_time_ref`, which are made when they are first asked for.
    """

    also = ("smoothing and scaling", "mask", "initial scans")

    def __init__(self, session: Session):
        super().__init__(session, "Data", ("data", "mask", "scans", "series", "moments"))
        run = session.run
        self.smoothing = self.control("data.smoothing_fwhm", lambda mm: mm or None, lambda mm: mm or 0.0)
        self.scaling = self.control("data.signal_scaling")
        most = run.n_scans
        self.drop = self.control("data.drop_scans", to_control=lambda n: min(n, most), max=most)
        self.cut = self.control(
            "data.mask_cut",
            to_control=lambda share: float(np.clip(share, *CUTS)),
            kind=W.FloatSlider,
            min=CUTS[0],
            max=CUTS[1],
            readout=False,
            continuous_update=False,
        )
        self._facts = text("glmw-values")
        self._dropped = text("glmw-note")
        pair = W.Box([labelled(self.smoothing), labelled(self.scaling)])
        first = W.row("glmw-beside", labelled(self.drop), self._dropped)
        for box in (pair, first):
            box.add_class("glmw-pair")
        self._cut_field = field("", self.cut)
        self._cut_label = self._cut_field.children[0]
        W.show(self._cut_field, run.mask_img is None)
        self.more = W.ToggleButton(description="more")
        more = opened_by(self.more, lambda: self._more)
        self.fill(self._facts, pair, first, self._cut_field, W.row("glmw-bar", self.more), more)
        session.observe_locked(self._show, "settings")
        self.when_settled(self._show)

    @cached_property
    def standardize(self) -> W.Dropdown:
        """What each scaled series is brought to."""
        return self.control("data.standardize")

    @cached_property
    def whole_field(self) -> W.Checkbox:
        """Whether every voxel that has a signal is analysed."""
        return self.control("data.whole_field")

    @cached_property
    def _more(self) -> W.VBox:
        found = (self.whole_field,) if self.session.run.mask_img is None else ()
        clock = W.Box([labelled(self.t_r), labelled(self.slice_time_ref)])
        clock.add_class("glmw-pair")
        return W.column("glmw-view", labelled(self.standardize), *found, clock)

    @cached_property
    def t_r(self) -> W.BoundedFloatText:
        """Seconds between scans."""
        return self.control("data.t_r", to_control=lambda _: self.session.run.t_r)

    @cached_property
    def slice_time_ref(self) -> W.BoundedFloatText:
        """Time within a scan, as a share of it."""
        return self.control("data.slice_time_ref", to_control=lambda _: self.session.run.slice_time_ref)

    def _show(self, _change: object = None) -> None:
        run, data, result = self.session.run, self.session.settings.data, self.session.result
        kept = max(0, run.n_scans - data.drop_scans)
        length = run.n_scans * run.t_r
        self.set_verdict(f"{count(run.n_scans, 'scan')} · {run.clock}")
        first = run.frame_times[min(data.drop_scans, run.n_scans - 1)]
        self._dropped.value = f"{kept} left, from {first:g} s on" if data.drop_scans else "all are kept"
        title = self.session.settings.field("data.mask_cut").title
        self._cut_label.value = f"{title} × {data.mask_cut:.2f}"
        size = " × ".join(f"{mm:.3g}" for mm in nib.affines.voxel_sizes(run.domain.affine))
        rows = {
            "run": f"{length // 60:.0f} min {length % 60:.0f} s" if length >= 60 else f"{length:g} s",
            "voxel": f"{size} mm" + (", resampled" if run.inputs.target_affine else ""),
        }
        if result is not None:
            share = 100 * result.z.size / result.mask.size
            how = "automatic" if run.mask_img is None else "given"
            rows["mask"] = f"{how}, {result.z.size:,} ({share:.0f} %)"
        lines = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in rows.items())
        self._facts.value = f"<table>{lines}</table>"
