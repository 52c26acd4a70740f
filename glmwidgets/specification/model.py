"""Settings of the model that is fitted to a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from glmwidgets.glm.design.convolution import CONVOLUTIONS
from glmwidgets.glm.design.drift import DRIFTS, drift_row
from glmwidgets.glm.design.given import ALL_OTHERS
from glmwidgets.glm.moments.scaling import SCALINGS, STANDARDS, scaling_row, standard_name
from glmwidgets.glm.response.given_functions import HELD, hold_response
from glmwidgets.glm.response.models import HRFS, parse_hrf, resolve_hrf
from glmwidgets.glm.response.table import offered_hrfs
from glmwidgets.specification.events import EventsSettings
from glmwidgets.specification.field import (
    Argument,
    Needs,
    Option,
    SettingsError,
    check_group,
    number_in,
    plain,
    setting,
)
from glmwidgets.specification.noise import NoiseSettings
from glmwidgets.specification.tree import SettingsTree


def _smoothed(mm: float | None) -> str:
    if not mm:
        return "not smoothed by this analysis"
    return f"smoothed with a Gaussian of {mm:g} mm full width at half maximum"


@dataclass(frozen=True)
class DataSettings:
    """What is done to the series before the model.

    Attributes
    ----------
    smoothing_fwhm : float or None
        Full width at half maximum of the Gaussian, in mm; None or 0 for none.
    signal_scaling : str
        A key of `glmwidgets.glm.moments.scaling.SCALINGS`.
    standardize : str or None
        A key of `glmwidgets.glm.moments.scaling.STANDARDS`: what each series is brought to once it is scaled.
    whole_field : bool
        Whether every voxel that has a signal is analysed, and no mask is found.
    t_r, slice_time_ref : float or None
        When scans were taken, where that is to be otherwise than the run was opened with: seconds between them, and the
        time within one as a share of that.
    drop_scans : int
        Scans at the beginning of the run that are left out. The clock stays: events keep their onsets, and the first
        scan that is kept has the time it was taken at. The design is that of the whole run without its first rows.
    mask_cut : float
        Cut between air and brain where the mask is found from the run, as a share of the one that is found.
    """

    smoothing_fwhm: float | None = setting(
        None,
        "smoothing",
        unit="mm",
        said=_smoothed,
        low=0,
        high=50,
        options=(Option("--smoothing", "width of the Gaussian in mm, 0 for none"),),
        argument=Argument("smoothing_fwhm", to=lambda mm: mm or None),
        alternatives=(None, 4.0, 6.0, 8.0),
        stride=2.0,
        also=("smooth", "spatial filter", "fwhm", "blur"),
        more=("smooth more",),
        less=("smooth less",),
    )
    signal_scaling: str = setting(
        "voxel",
        "signal",
        said=lambda name: SCALINGS[name].said,
        choices=SCALINGS,
        options=(Option("--scaling", "units of the signal"),),
        argument=Argument(
            "signal_scaling", to=lambda name: SCALINGS[name].value, back=lambda value: scaling_row(value).name
        ),
        alternatives=("voxel", "grand"),
        also=("signal scaling", "percent signal change", "units"),
    )
    standardize: str | None = setting(
        None,
        "standardised series",
        short="standardise",
        help="standardisation of each scaled series",
        say=lambda name: STANDARDS[name].said or "as scaled",
        choices=STANDARDS,
        options=(Option("--standardize", "standardisation of each scaled series"),),
        argument=Argument("standardize", to=lambda name: name or False, back=standard_name, quiet=True),
        absent=None,
        also=("z-score the series", "unit variance"),
    )
    t_r: float | None = setting(
        None,
        "time between scans, set by hand",
        short="time between scans",
        unit="s",
        help="seconds between scans, instead of the run's own; empty for the run's own",
        say=lambda seconds: "as the run says" if seconds is None else f"{seconds:g} s",
        said=lambda seconds: "" if seconds is None else f"the time between scans was set to {seconds:g} s",
        low=0.01,
        high=60,
        absent=None,
        also=("repetition time", "tr"),
    )
    slice_time_ref: float | None = setting(
        None,
        "time within a scan, set by hand",
        short="time within a scan",
        unit="of a scan",
        help="time within a scan at which its values were taken: 0 is its start, 1 its end; empty for the run's own",
        say=lambda share: "as the run says" if share is None else f"{share:g} of a scan",
        said=lambda share: "" if share is None else f"scans were timed at {share:g} of their length",
        low=0,
        high=1,
        step=0.1,
        absent=None,
        also=("slice timing reference", "slice time", "middle of the scan"),
    )
    drop_scans: int = setting(
        0,
        "initial scans left out",
        short="scans to drop",
        said=lambda n: (
            "" if not n else "the first scan was left out" if n == 1 else f"the first {n} scans were left out"
        ),
        low=0,
        options=(Option("--drop-scans", "scans at the beginning to leave out", "N"),),
        stride=1,
        also=("drop scans", "dummy volumes", "skip the first volumes"),
        more=("drop the first scans",),
    )
    whole_field: bool = setting(
        False,
        "whole field of view",
        help="analyse every voxel that has a signal, in the brain or not",
        said=lambda on: "",  # the methods text says where the series were
        options=(Option("--whole-field", "analyse every voxel that has a signal", const=True),),
        needs=(Needs("inputs.mask", lambda: [None]),),
        absent=False,
        also=("no mask", "mask_img false", "every voxel"),
        more=("whole field of view",),
        less=("mask the brain",),
    )
    mask_cut: float = setting(
        1.0,
        "mask threshold",
        step=0.05,
        say=lambda share: f"× {plain(share)}",
        said=lambda share: "" if share == 1 else f"the mask was cut at {share:g} of the value that is found",
        low=0,
        high=10,
        open_low=True,
        options=(Option("--mask-cut", "factor on the threshold of a found mask"),),
        needs=(Needs("inputs.mask", lambda: [None]), Needs("data.whole_field", lambda: [False])),
        stride=0.1,
        also=("brain mask", "which voxels are analysed"),
        more=("smaller mask",),
        less=("larger mask",),
    )

    def __post_init__(self) -> None:
        check_group(self, "data")


def _all_if_none(value: Any) -> str:
    return "all" if value is None else plain(value)


def _response_name(given: Any) -> str:
    if given is None:
        return "none"
    return given if isinstance(given, str) else hold_response(given)


def _hrf_name(text: str) -> str:
    return parse_hrf(text)[0].name


def _read_cut_off(text: str) -> float:
    """A cut-off from what a person types: seconds, or Hz where they say so or it can be nothing else."""
    number = number_in(text)
    if number is None or number < 0:
        raise SettingsError("design.high_pass", f"must be a time in s or a frequency in Hz, not {text!r}")
    is_frequency = "hz" in text.casefold() or number < 1
    return number if is_frequency else 1 / number


def _by_drift(setting: str) -> Needs:
    return Needs("design.drift_model", lambda: [name for name, row in DRIFTS.items() if row.setting == setting])


#: Where a design matrix comes from, by ``design.source``.
SOURCES = {"events": "made of the events", "given": "given as it is"}

_MADE = Needs("design.source", lambda: ["events"])
_GIVEN = Needs("design.source", lambda: ["given"])


def _pairs(text: str, between: str) -> list[tuple[str, str]]:
    """Pairs of a column and something else, from what a person types."""
    found = [each.rpartition(f" {between} ") for each in text.split(",") if each.strip()]
    return [(name.strip(), other.strip()) for name, _, other in found]


def _read_shifts(text: str) -> list[tuple[str, float | None]]:
    pairs = [(name, number_in(by)) for name, by in _pairs(text, "by")]
    if not all(name and by is not None for name, by in pairs):
        raise SettingsError("design.shifted", f"are written as: face by 1.5 s, house by -2 s; not {text!r}")
    return pairs


def _read_orthogonal(text: str) -> list[tuple[str, str]]:
    pairs = _pairs(text, "to")
    if not all(name and other for name, other in pairs):
        raise SettingsError("design.orthogonalised", f"are written as: rt to face, face to {ALL_OTHERS}; not {text!r}")
    return pairs


def _scrubbed(what: str, unit: str = "") -> Any:
    return lambda limit: "" if limit is None else f"scans of a {what} above {limit:g}{unit} had a column each"


@dataclass(frozen=True)
class DesignSettings:
    """The columns of the design matrix.

    Attributes
    ----------
    conditions : tuple of str or None
        Event types that are modelled; None for all.
    hrf_model : str
        A name of `glmwidgets.glm.response.models.HRFS`, with numbers in brackets where the model takes any; of a
        function the name under which it is held, see `glmwidgets.glm.response.given_functions.hold_response`.
    fir_delays : tuple of int
        Delays in scans, of the FIR model and others that have a column for each.
    convolution : {"exact", "grid", None}
        How events meet the response, a key of `glmwidgets.glm.design.convolution.CONVOLUTIONS`. Files that do not say
        it mean the grid.
    drift_model : str
        A key of `glmwidgets.glm.design.drift.DRIFTS`.
    high_pass : float
        Cut-off in Hz of the drifts that have one, such as the cosines.
    drift_order : int
        Order of the drifts that have one, such as the polynomial.
    confounds : tuple of str or None
        Columns of the confounds table that are used, or made of its motion parameters; None for all it has.
    scrub_fd, scrub_dvars : float or None
        Scans whose framewise displacement in mm, or standardised DVARS, is above this have a column of their own.
    min_onset : float
        Events that start earlier than this, in seconds from the first scan, are left out.
    source : {"events", "given"}
        Whether the matrix is made of events, confounds and drifts, or is the one that was given with the run, to which
        the settings that follow apply and no other.
    left_out : tuple of str
        Columns of the given matrix that are not used.
    shifted : tuple of (column, seconds)
    orthogonalised : tuple of (column, other)
        See `glmwidgets.glm.design.given.edited_design`.
    """

    conditions: tuple[str, ...] | None = setting(
        None,
        "event types",
        say=_all_if_none,
        options=(Option("--condition", "an event type to model, may be repeated; all by default", "NAME"),),
        bids="X",
        needs=(_MADE,),
    )
    hrf_model: str = setting(
        "spm",
        "HRF",
        short="response",
        help="model of the haemodynamic response",
        choices=HRFS,
        closed=False,
        options=(Option("--hrf", "response", "NAME"),),
        argument=Argument("hrf_model", back=_response_name),
        hold=hold_response,
        offers=offered_hrfs,
        row=lambda name: parse_hrf(name)[0],
        also=("haemodynamic response function", "hemodynamic response"),
        bids="Convolve",
        alternatives=("spm", "spm + derivative", "glover", "spm12"),
        needs=(_MADE,),
    )
    fir_delays: tuple[int, ...] = setting(
        (0,),
        "delays",
        unit="scans",
        options=(Option("--fir-delays", "delays in scans, such as 0,1,2"),),
        argument=Argument("fir_delays", to=list, back=lambda delays: tuple(delays or (0,))),
        needs=(
            _MADE,
            Needs("design.hrf_model", lambda: [name for name, row in HRFS.items() if row.by_delays], _hrf_name),
        ),
    )
    convolution: str | None = setting(
        "exact",
        "convolution",
        choices=CONVOLUTIONS,
        options=(Option("--convolution", "how events are convolved with the response"),),
        argument=Argument(
            "convolution",
            nilearn=None,
            lacks=lambda way: "nilearn samples events on a time grid" if way == "exact" else "",
        ),
        absent="grid",
        alternatives=("exact", "grid"),
        needs=(_MADE,),
    )
    drift_model: str = setting(
        "cosine",
        "drift",
        say=plain,
        choices=DRIFTS,
        options=(Option("--drift", "slow changes of the signal"),),
        argument=Argument("drift_model", back=lambda name: drift_row(name).name),
        also=("slow drift", "detrending", "filter"),
        alternatives=("cosine", "polynomial"),
        needs=(_MADE,),
    )
    high_pass: float = setting(
        0.01,
        "high-pass",
        unit="Hz",
        step=0.001,
        say=lambda value: f"{1 / value:.4g} s" if value else "none",
        low=0,
        options=(Option("--high-pass", "cut-off of the drift in Hz"),),
        argument=Argument("high_pass"),
        bids="HighPassFilterCutoffHz",
        needs=(
            _MADE,
            _by_drift("high_pass"),
        ),
        alternatives=(0.01, 1 / 128),
        read=_read_cut_off,
        also=("high-pass filter", "cut-off", "period"),
    )
    drift_order: int = setting(
        1,
        "order of drift",
        short="order",
        low=0,
        high=20,
        options=(Option("--drift-order", "order of the drift"),),
        argument=Argument("drift_order"),
        needs=(
            _MADE,
            _by_drift("drift_order"),
        ),
        alternatives=(1, 2, 3),
        stride=1,
        also=("order of the polynomial",),
    )
    confounds: tuple[str, ...] | None = setting(
        None,
        "confounds",
        say=_all_if_none,
        options=(
            Option(
                "--confound",
                "a column of the confounds to use, may be repeated; default: all, or the motion columns of "
                "fMRIPrep's whole table",
                "NAME",
            ),
        ),
        bids="X",
        needs=(_MADE,),
    )
    scrub_fd: float | None = setting(
        None,
        "scrubbing above FD",
        short="scrub FD above",
        step=0.1,
        unit="mm",
        said=_scrubbed("framewise displacement", " mm"),
        low=0,
        options=(Option("--scrub-fd", "a column for each scan that moved by more mm"),),
        alternatives=(None, 0.5, 0.9),  # Power and others 2012; Siegel and others 2014
        also=("scrub scans that moved", "censor motion", "framewise displacement"),
        needs=(_MADE,),
    )
    scrub_dvars: float | None = setting(
        None,
        "scrubbing above DVARS",
        short="scrub DVARS above",
        step=0.1,
        said=_scrubbed("standardised DVARS"),
        low=0,
        options=(Option("--scrub-dvars", "a column for each scan of a larger DVARS"),),
        alternatives=(None, 1.5, 2.0),  # the first is fMRIPrep's own
        also=("scrub scans that changed", "censor by dvars"),
        needs=(_MADE,),
    )
    min_onset: float = setting(
        -24.0,
        "earliest onset",
        unit="s",
        options=(Option("--min-onset", "leave out events before this second"),),
        argument=Argument("min_onset", back=float, quiet=True),
        needs=(_MADE,),
    )

    source: str = setting(
        "events",
        "design matrix",
        help="where the columns of the model come from",
        choices=SOURCES,
        said=lambda source: "",  # the methods text says it with the number of columns
        also=("given design matrix", "design matrices"),
    )
    left_out: tuple[str, ...] = setting(
        (),
        "columns left out",
        options=(Option("--leave-out", "a column of the given design to leave out, may be repeated", "NAME"),),
        said=lambda names: f"columns of the given design matrix were left out: {plain(names)}" if names else "",
        needs=(_GIVEN,),
        also=("columns of the design", "leave out a column"),
    )
    shifted: tuple[tuple[str, float], ...] = setting(
        (),
        "columns shifted",
        say=lambda pairs: ", ".join(f"{name} by {seconds:g} s" for name, seconds in pairs) or plain(None),
        said=lambda pairs: "; ".join(f"the column {name} was shifted by {seconds:g} s" for name, seconds in pairs),
        needs=(_GIVEN,),
        read=_read_shifts,
        also=("shift a column of the design",),
    )
    orthogonalised: tuple[tuple[str, str], ...] = setting(
        (),
        "columns made orthogonal",
        say=lambda pairs: ", ".join(f"{name} to {other}" for name, other in pairs) or plain(None),
        said=lambda pairs: "; ".join(f"the column {name} was made orthogonal to {other}" for name, other in pairs),
        needs=(_GIVEN,),
        read=_read_orthogonal,
        also=("orthogonalise a column",),
    )

    @property
    def scrubs(self) -> bool:
        """Whether scans are scrubbed where they moved or changed too much."""
        return self.scrub_fd is not None or self.scrub_dvars is not None

    def __post_init__(self) -> None:
        path = "design.hrf_model"
        try:
            path = "design.fir_delays" if parse_hrf(self.hrf_model)[0].by_delays else path
            response = resolve_hrf(self.hrf_model, self.fir_delays)
            # Numbers that are each allowed may still make no curve together; a function may know one t_r alone.
            if self.hrf_model not in HELD:
                response.kernels(2.0, 10)
        except ValueError as error:
            raise SettingsError.of(path, error) from None
        check_group(self, "design")
        if not self.fir_delays:
            raise SettingsError("design.fir_delays", "must hold at least one delay, such as 0")


@dataclass(frozen=True)
class Model(SettingsTree):
    """What is fitted: the series as they are prepared, the events, the design, the noise.

    Attributes
    ----------
    data : DataSettings
        How the series are prepared.
    events : EventsSettings
        Which events are modelled.
    design : DesignSettings
        Response, drift, confounds.
    noise : NoiseSettings
        How the errors are correlated.

    Examples
    --------
    >>> Model().design.hrf_model, Model.field("data.smoothing_fwhm").words(5.0)
    ('spm', '5 mm')
    """

    data: DataSettings = field(default_factory=DataSettings)
    events: EventsSettings = field(default_factory=EventsSettings)
    design: DesignSettings = field(default_factory=DesignSettings)
    noise: NoiseSettings = field(default_factory=NoiseSettings)
