"""Runs with something wrong, to learn what wrong looks like.

Each is a sound simulated run in which one thing was broken: what the files say of it, or how it would be modelled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd

from glmwidgets.datasets.simulate import Truth, motion_volumes, simulate_run
from glmwidgets.glm.choices import check_choice
from glmwidgets.plural import count

T_R = 2.0
#: The model under which all but two of the runs are sound.
SOUND = {"design.hrf_model": "glover", "noise.model": "ar1-reml", "design.confounds": (), "data.smoothing_fwhm": 6.0}


@dataclass(frozen=True, eq=False)
class BrokenRun:
    """A run with something wrong.

    Attributes
    ----------
    img, events, confounds, t_r
        As files say they are, which is not always as they are.
    settings : mapping
        How it is modelled.
    truth : Truth
        Of the run before it was broken.
    was : str
        What was broken; empty if nothing was.
    mended : mapping
        What has to be set right, and to which value.
    """

    img: nib.Nifti1Image
    events: pd.DataFrame
    confounds: pd.DataFrame
    t_r: float
    truth: Truth
    settings: Mapping[str, Any] = field(default_factory=lambda: dict(SOUND))
    # Not shown with the run: it is for its reader to find out.
    was: str = field(default="", repr=False)
    mended: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        return f"BrokenRun({count(self.img.shape[3], 'scan')}, TR {self.t_r:g} s)"


@dataclass(frozen=True)
class Fault:
    """One row of `BROKEN`.

    Attributes
    ----------
    about : str
        What was done.
    sign : str
        Where it shows.
    make : callable
        ``make(seed) -> BrokenRun``.
    """

    about: str
    sign: str
    make: Callable[[int], BrokenRun]


@lru_cache(maxsize=4)
def _sound(seed: int, **options: Any) -> BrokenRun:
    # Nearly all noise is autoregressive, so that the noise model of the table is the true one.
    made = {"shape": (26, 31, 24), "n_scans": 160, "rho": 0.35, "white_share": 0.05, "motion": 0.2, **options}
    run = simulate_run(t_r=T_R, seed=seed, **made)
    return BrokenRun(run.img, run.events, run.confounds, run.t_r, run.truth)


LATE = 5.0


def _late(seed: int) -> BrokenRun:
    run = _sound(seed)
    return replace(run, events=run.events.assign(onset=run.events["onset"] - LATE), mended={"onset": LATE})


WRONG_T_R = 2.03


def _wrong_t_r(seed: int) -> BrokenRun:
    run = _sound(seed)
    img = nib.Nifti1Image(np.asanyarray(run.img.dataobj), run.img.affine, run.img.header)
    img.header.set_zooms((*img.header.get_zooms()[:3], WRONG_T_R))
    return replace(run, img=img, t_r=WRONG_T_R, mended={"t_r": T_R})


def _locked_motion(seed: int) -> BrokenRun:
    """The head nods with every press of the right button."""
    run = _sound(seed)
    press = run.truth.tasks["motor_right"].to_numpy()
    press = press / np.ptp(press)
    nod = np.zeros((len(press), 6))
    nod[:, 2], nod[:, 3] = 0.5 * press, 0.012 * press
    slopes = np.stack(motion_volumes(run.truth.mean, run.img.affine))
    data = np.asanyarray(run.img.dataobj) + np.einsum("kxyz,tk->xyzt", slopes, nod)
    img = nib.Nifti1Image(np.rint(np.abs(data)).astype(np.int16), run.img.affine, run.img.header)
    return replace(run, img=img, confounds=run.confounds + nod, mended={"design.confounds": None})


def _no_high_pass(seed: int) -> BrokenRun:
    run = _sound(seed, drift=3.0)
    settings = {**SOUND, "design.drift_model": "none"}
    return replace(run, settings=settings, mended={"design.drift_model": "cosine"})


def _white_errors(seed: int) -> BrokenRun:
    run = _sound(seed, rho=0.7)
    return replace(run, settings={**SOUND, "noise.model": "ols"}, mended={"noise.model": SOUND["noise.model"]})


#: What can be broken, by name.
BROKEN: dict[str, Fault] = {
    "nothing": Fault("The run is sound.", "Residuals are white and the prediction follows the data.", _sound),
    "late triggers": Fault(
        "The clock of the events started 5 s after the scanner's: every onset is 5 s too early.",
        "The measured response follows the predicted one by the same delay, from the first event to the last.",
        _late,
    ),
    "wrong TR": Fault(
        "Scans are 2 s apart, and the header says 2.03 s.",
        "The prediction fits at the beginning of the run; then the data come later and later.",
        _wrong_t_r,
    ),
    "motion locked to the task": Fault(
        "The head nods with every press of the right button, and the motion is not in the model.",
        "Activation along the edges of the brain, of both signs; the motion follows the task.",
        _locked_motion,
    ),
    "no high-pass": Fault(
        "The signal drifts, and the model has no columns for that.",
        "Slow waves that the prediction ignores; residuals that are not white; small z where the effect is large.",
        _no_high_pass,
    ),
    "AR ignored": Fault(
        "Errors that follow each other are taken to be independent.",
        "Residuals that are not white; many small blobs that are not there.",
        _white_errors,
    ),
}


def broken_run(what: str | int, seed: int = 11) -> BrokenRun:
    """Simulate a run with something wrong.

    Parameters
    ----------
    what : str or int
        A key of `BROKEN`, or its place there.
    seed : int

    Returns
    -------
    BrokenRun

    Raises
    ------
    ValueError
        If there is no such fault.

    Examples
    --------
    >>> run = broken_run("wrong TR")
    >>> run
    BrokenRun(160 scans, TR 2.03 s)
    >>> run.was, run.mended
    ('wrong TR', {'t_r': 2.0})
    """
    names = list(BROKEN)
    if isinstance(what, int) and 0 <= what < len(names):
        what = names[what]
    run = BROKEN[check_choice("what", what, BROKEN)].make(seed)
    return run if what == "nothing" else replace(run, was=what)
