"""Files of a run, found but not opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd


class Named:
    """What is also had by its name in brackets, as scripts have it: ``data["events"]`` is ``data.events``."""

    def __getitem__(self, name: str) -> Any:
        if isinstance(name, str) and not name.startswith("_") and hasattr(self, name):
            return getattr(self, name)
        raise KeyError(name)


@dataclass(frozen=True, eq=False)
class FoundRun(Named):
    """An image and what belongs to it; `glmwidgets.open_run` takes it as it is.

    Attributes
    ----------
    bold : Path
    events, mask, confounds_file : Path or None
    t_r : float or None
        Seconds between scans, from the sidecars; None leaves it to the image's header.
    slice_time_ref : float
        Time within a scan that the series are referred to, as a fraction of `t_r`.
    confounds : DataFrame or None
        Columns that were chosen.
    frame_times : tuple of float or None
        When each scan was taken, in seconds, where the sidecars give ``VolumeTiming`` that is not in even steps.
    entities : dict of str
        Of the image's name.
    said_by : tuple of pairs of str
        Names of those that the sidecars say, and by which key.
    """

    bold: Path
    events: Path | None = None
    mask: Path | None = None
    confounds_file: Path | None = None
    t_r: float | None = None
    slice_time_ref: float = 0.0
    confounds: pd.DataFrame | None = None
    frame_times: tuple[float, ...] | None = None
    entities: Mapping[str, str] = field(default_factory=dict)
    said_by: tuple[tuple[str, str], ...] = ()

    @property
    def func(self) -> list[Path]:
        """The image, as scripts have it: a list of files."""
        return [self.bold]

    def inputs(self) -> dict[str, Any]:
        """Arguments of `glmwidgets.open_run`, and of `glmwidgets.explore`."""
        return {
            "bold": self.bold,
            "events": self.events,
            "t_r": self.t_r,
            "confounds": self.confounds,
            "mask": self.mask,
            "slice_time_ref": self.slice_time_ref,
            "frame_times": self.frame_times,
        }

    def describe(self) -> str:
        """What was found, in a few lines."""
        chosen = "none" if self.confounds is None else ", ".join(self.confounds.columns[:8])
        more = 0 if self.confounds is None else max(0, self.confounds.shape[1] - 8)
        lines = {
            "Image": self.bold,
            "Events": self.events or "none",
            "Mask": self.mask or "none; it is found from the image",
            "Confounds": chosen + (f" and {more} more" if more else ""),
            "TR": self._clock(),
            "Slice time": f"{self.slice_time_ref:g} of TR",
        }
        return "\n".join(f"{subject:<11}{text}" for subject, text in lines.items())

    def _clock(self) -> str:
        if self.frame_times is not None:
            return f"none; scans at the times of VolumeTiming, {self.frame_times[0]:g} to {self.frame_times[-1]:g} s"
        return "from the header" if self.t_r is None else f"{self.t_r:g} s ({dict(self.said_by).get('t_r', 'given')})"
