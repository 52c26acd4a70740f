"""Slow drifts of the signal, and the columns that take them out."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from glmwidgets.glm.choices import Choices, check_choice
from glmwidgets.glm.design.times import evenly_spaced
from glmwidgets.glm.orthogonal import orthogonalize
from glmwidgets.plural import count


def cosine_drift(frame_times: np.ndarray, high_pass: float) -> np.ndarray:
    """Cosines slower than a cut-off: the discrete cosine basis (DCT-II) of SPM.

    ``x_k(i) = sqrt(2 / n) cos(pi k (i + 1/2) / n)`` for k = 1 ... ``floor(2 n dt high_pass)``, at most n - 1

    Parameters
    ----------
    frame_times : array of shape (n_scans,)
        Seconds; ``dt`` is their mean spacing.
    high_pass : float
        Cut-off in Hz: every cosine at or below this frequency is in the basis.

    Returns
    -------
    array of shape (n_scans, k)
        Orthonormal, and orthogonal to a constant, if the scans are evenly spaced. Otherwise i is ``(t - t_0) / dt``:
        the same waves at the times of the scans, where nilearn counts scans.

    Warns
    -----
    UserWarning
        If the cut-off is so high that nothing of the signal remains.

    Notes
    -----
    As nilearn 0.14.1, including its floor of a product in floating point: at a cut-off that is an exact
    multiple of ``1 / (2 n dt)``, whether the last cosine is in can depend on the last digit of ``dt``.

    Examples
    --------
    >>> cosine_drift(np.arange(100) * 2.0, high_pass=0.01).shape
    (100, 4)
    """
    n = len(frame_times)
    dt = (frame_times[-1] - frame_times[0]) / (n - 1)
    order = min(n - 1, int(np.floor(2 * n * high_pass * dt)))
    if high_pass * dt >= 0.5:
        period = f"; where {high_pass:g} s is meant as its period, give {1 / high_pass:.2g}" if high_pass > 1 else ""
        warnings.warn(
            f"a high-pass cut-off of {high_pass:g} Hz removes every frequency that scans {dt:g} s apart can show; "
            f"choose one well below the frequency of the task, 0.01 Hz for example{period}",
            stacklevel=3,
        )
    k = np.arange(1, order + 1)
    at = np.arange(n) if evenly_spaced(frame_times) else (np.asarray(frame_times) - frame_times[0]) / dt
    return np.sqrt(2.0 / n) * np.cos((np.pi / n) * (at[:, None] + 0.5) * k)


def polynomial_drift(frame_times: np.ndarray, drift_order: int) -> np.ndarray:
    """Powers of time, each orthogonal to the lower ones and to a constant.

    ``x_k = (t / t_max)**k`` for k = 1 ... `drift_order`, less its projection on ``x_0 ... x_(k-1)``

    Parameters
    ----------
    frame_times : array of shape (n_scans,)
        Seconds.
    drift_order : int
        Highest power.

    Returns
    -------
    array of shape (n_scans, drift_order)

    Examples
    --------
    >>> polynomial_drift(np.array([0.0, 1.0, 2.0]), 1).ravel().tolist()
    [-0.5, 0.0, 0.5]
    """
    # Any scale would do for the columns' span; this one is nilearn's, and times that end at 0 have none.
    scale = np.max(frame_times) or 1.0
    powers = (np.asarray(frame_times)[:, None] / scale) ** np.arange(drift_order + 1)
    return orthogonalize(powers)[:, 1:]


@dataclass(frozen=True)
class Drift:
    """One way of modelling drift.

    Attributes
    ----------
    name : str
        What ``drift_model`` says; ``"none"`` may also be None.
    label, description : str
        For people.
    columns : callable
        ``columns(frame_times, high_pass, drift_order)``, array of shape (n_scans, k), without the constant.
    setting : {"high_pass", "drift_order"} or None
        The one that matters: controls, scripts and sentences show no other.
    noun : str
        What it is called in sentences: before "drift", and with an s for its columns. Made of the label if empty.
    nilearn : str or None
        What nilearn calls it, empty for nilearn's None. None if it has no such drift: scripts for nilearn then bring
        the design matrix.
    bids : str
        Option of a BIDS Stats Model that its setting is written to; empty if the format has none.
    also : tuple of str
        Phrases by which a person looks for it.
    """

    name: str
    label: str
    description: str
    columns: Callable[[np.ndarray, float, int], np.ndarray]
    setting: str | None
    noun: str = ""
    nilearn: str | None = None
    bids: str = ""
    also: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.setting not in (None, "high_pass", "drift_order"):
            raise ValueError(f'setting of the drift {self.name} must be None, "high_pass" or "drift_order"')

    def short(self, high_pass: float, drift_order: int) -> str:
        """A few words for lists.

        Examples
        --------
        >>> DRIFTS["cosine"].short(0.01, 1), DRIFTS["none"].short(0.01, 1)
        ('cosine drift below 0.01 Hz', 'no drift')
        """
        limits = {"high_pass": f" below {high_pass:g} Hz", "drift_order": f" of order {drift_order}"}
        return f"{self.noun or self.label} drift{limits.get(self.setting, '')}"

    def said(self, n_columns: int, high_pass: float, drift_order: int) -> str:
        """What its columns are, as the end of a sentence of a methods section.

        Examples
        --------
        >>> DRIFTS["polynomial"].said(2, 0.01, 2), DRIFTS["cosine"].said(1, 0.01, 2)
        ('polynomials up to order 2', '1 cosine (high-pass 0.01 Hz, periods above 100 s)')
        """
        noun = self.noun or f"{self.label} column"
        if self.setting == "drift_order":
            return f"{noun}s up to order {drift_order}"
        counted = count(n_columns, noun)
        if self.setting is None:
            return counted
        period = f", periods above {1 / high_pass:.0f} s" if high_pass else ""
        return f"{counted} (high-pass {high_pass:g} Hz{period})"


_ROWS = (
    Drift(
        "cosine",
        "Cosines",
        "A discrete cosine basis up to a cut-off frequency, as in SPM.",
        lambda frame_times, high_pass, drift_order: cosine_drift(frame_times, high_pass),
        "high_pass",
        noun="cosine",
        nilearn="cosine",
        bids="HighPassFilterCutoffHz",
        also=("discrete cosine transform", "dct", "high-pass filter"),
    ),
    Drift(
        "polynomial",
        "Polynomial",
        "Powers of time up to an order, made orthogonal.",
        lambda frame_times, high_pass, drift_order: polynomial_drift(frame_times, drift_order),
        "drift_order",
        noun="polynomial",
        nilearn="polynomial",
        also=("detrend", "legendre"),
    ),
    Drift(
        "none",
        "None",
        "The constant alone.",
        lambda frame_times, high_pass, drift_order: np.empty((len(frame_times), 0)),
        None,
        noun="no",
        nilearn="",
        also=("no filter", "no detrending"),
    ),
)

#: Every drift model by its name.
DRIFTS: Choices[Drift] = Choices((row.name, row) for row in _ROWS)


def drift_row(drift_model: str | None) -> Drift:
    """The row of `DRIFTS` that a ``drift_model`` means, in any case; None is "none". ValueError if none does.

    Parameters
    ----------
    drift_model : str or None
        A key of `DRIFTS` in any case; None is ``"none"``.

    Returns
    -------
    Drift

    Examples
    --------
    >>> drift_row("Cosine").setting, drift_row(None).setting
    ('high_pass', None)

    """
    name = "none" if drift_model is None else str(drift_model).lower()
    return DRIFTS[check_choice("drift_model", name, DRIFTS)]


def make_drift(
    drift_model: str | None, frame_times: np.ndarray, high_pass: float = 0.01, drift_order: int = 1
) -> tuple[np.ndarray, list[str]]:
    """Columns of a drift model, the constant last.

    Parameters
    ----------
    drift_model : str or None
        A name of `DRIFTS`, upper or lower case.
    frame_times : array of shape (n_scans,)
        Seconds.
    high_pass : float
        Cut-off in Hz, for ``"cosine"`` and others whose ``setting`` it is.
    drift_order : int
        Highest order, for ``"polynomial"`` and others whose ``setting`` it is.

    Returns
    -------
    array of shape (n_scans, k + 1)
        Drifts and the constant, float64.
    list of str
        ``drift_1`` ... ``drift_k``, ``constant``.

    Raises
    ------
    ValueError
        If the model is unknown or its setting out of range.

    Examples
    --------
    >>> columns, names = make_drift("polynomial", np.arange(10.0), drift_order=2)
    >>> columns.shape, names
    ((10, 3), ['drift_1', 'drift_2', 'constant'])
    """
    drift = drift_row(drift_model)
    if drift.setting == "high_pass" and not (np.isfinite(high_pass) and high_pass >= 0):
        raise ValueError(f"high_pass must be a frequency in Hz, 0 or more, not {high_pass}")
    if drift.setting == "drift_order" and not (drift_order == int(drift_order) and drift_order >= 0):
        raise ValueError(f"drift_order must be a whole number, 0 or more, not {drift_order}")
    if drift.setting == "drift_order" and drift_order >= len(frame_times):
        raise ValueError(f"drift_order {int(drift_order):,} needs more scans than the {len(frame_times)} there are")
    columns = drift.columns(np.asarray(frame_times, dtype=np.float64), float(high_pass), int(drift_order))
    names = [f"drift_{k}" for k in range(1, columns.shape[1] + 1)]
    return np.column_stack([columns, np.ones(len(columns))]), [*names, "constant"]
