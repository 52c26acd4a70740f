"""Sources of a run: its files, and where each of its facts comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glmwidgets.runs.regrid import as_rows, grid_in_words, target_matrix
from glmwidgets.runs.run import Provenance
from glmwidgets.specification.field import Argument, Option, check_group, plain, setting
from glmwidgets.specification.tree import SettingsTree

if TYPE_CHECKING:
    from glmwidgets.runs.run import Run


@dataclass(frozen=True)
class InputSettings(Provenance):
    """Where the run comes from; see `glmwidgets.runs.run.Provenance`.

    Attributes
    ----------
    bold, events, confounds, mask, anatomical, design : str or None
        Paths; None for what was given in memory or not at all.
    t_r : float or None
        Time between scans in seconds; None takes it from the image's header.
    slice_time_ref : float or None
        Time within a scan that the series are referred to, as a fraction of t_r.
    frame_times : tuple of float or None
        When each scan was taken, in seconds; None for scans in even steps of t_r.
    missing_duration : float or None
        Seconds that events without a duration last; None leaves them out.
    target_affine : tuple of rows or None
        Grid that series and mask are brought to, 3 x 3 or 4 x 4; None leaves them on the image's own.
    said_by : tuple of pairs of str
        Names of these, and who said what each is.
    """

    bold: str | None = setting(None, "image", argument=Argument("run_imgs", "FirstLevelModel.fit"))
    events: str | None = setting(
        None,
        "table of events",
        options=(Option("--events", "table of events: onset, duration, trial_type", "FILE"),),
        argument=Argument("events", "FirstLevelModel.fit"),
    )
    confounds: str | None = setting(
        None,
        "table of confounds",
        options=(Option("--confounds", "table with one row per scan", "FILE"),),
        argument=Argument("confounds", "FirstLevelModel.fit"),
    )
    mask: str | None = setting(
        None,
        "mask",
        options=(Option("--mask", "image of the voxels to analyse; found by default", "FILE"),),
        argument=Argument("mask_img"),
    )
    t_r: float | None = setting(
        None,
        "time between scans",
        unit="s",
        low=0,
        open_low=True,
        options=(Option("--t-r", "seconds between scans; the header's by default", "R"),),
        argument=Argument("t_r"),
    )
    slice_time_ref: float | None = setting(
        None,
        "time within a scan",
        unit="of a scan",
        low=0,
        high=1,
        options=(Option("--slice-time-ref", "time within a scan, as a fraction"),),
        argument=Argument("slice_time_ref", quiet=True),
    )
    anatomical: str | None = setting(
        None, "anatomical image", argument=Argument("bg_img", "FirstLevelModel.generate_report")
    )
    frame_times: tuple[float, ...] | None = setting(None, "times of the scans", unit="s")
    missing_duration: float | None = setting(
        None,
        "events without a duration",
        unit="s",
        say=lambda seconds: "left out" if seconds is None else f"{seconds:g} s",
        said=lambda seconds: "" if seconds is None else f"events without a duration were given {seconds:g} s",
        low=0,
        options=(Option("--missing-duration", "seconds that events without a duration last; left out by default"),),
    )
    design: str | None = setting(
        None,
        "table of the design",
        options=(Option("--design", "design matrix made elsewhere, a row a scan; no events are needed then", "FILE"),),
        argument=Argument("design_matrices", "FirstLevelModel.fit"),
    )
    target_affine: tuple[tuple[float, ...], ...] | None = setting(
        None,
        "grid",
        say=grid_in_words,
        options=(
            Option(
                "--target-affine",
                "grid to resample to: edge of a voxel in mm, three edges, or 9 or 16 numbers of a matrix, in quotes; "
                "the image's own by default",
                "NUMBERS",
            ),
        ),
        read=lambda text: as_rows(target_matrix(text)),
    )
    said_by: tuple[tuple[str, ...], ...] = setting(
        (), "who said these", say=lambda said: "; ".join(f"{name}: {who}" for name, who in said) or plain(said)
    )

    @classmethod
    def of(cls, run: Run) -> InputSettings:
        """What the settings of an analysis say of its run."""
        return cls(**vars(run.inputs))

    def __post_init__(self) -> None:
        check_group(self, "inputs")


@dataclass(frozen=True)
class Source(SettingsTree):
    """Which run is analysed."""

    inputs: InputSettings = field(default_factory=InputSettings)
