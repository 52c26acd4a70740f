"""Scaling of the measured signal before the model: percent of a mean, or unit variance.

``y -> 100 (y / m - 1)`` with the mean m taken over time, over voxels, or over both.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from glmwidgets.files.scratch import let_go, table_of
from glmwidgets.glm.choices import Choices, check_choice, meant
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.moments.series import Series
from glmwidgets.plural import count

#: Unit of series in percent of a mean.
PERCENT = "% signal"

# Numbers that are summed at once; numpy itself goes on in halves.
AT_ONCE = 2**22

# Sums of float32 depend on their order. Here they are taken scan after scan, whatever the layout in memory: results do
# not depend on how an array came about, and equal nilearn.


_CENTRED = {
    "function": "use signal_scaling=False for data that are already centred",
    "terminal": "give --scaling none for data that are already centred",
    "notebook": "choose no scaling for data that are already centred",
}

_TINY = {
    "function": "use signal_scaling=False, or give the data in smaller units, so that they are larger",
    "terminal": "give --scaling none, or the data in smaller units, so that they are larger",
    "notebook": "choose no scaling, or give the data in smaller units, so that they are larger",
}

# A series in percent has to have so many steps of the precision that it is held in.
STEPS_LEFT = 1024


def _mean_over_time(y: Series) -> np.ndarray:
    mean, varies, lost = np.empty(y.shape[1], y.dtype), np.empty(y.shape[1], bool), np.zeros(y.shape[1], bool)
    least = STEPS_LEFT * np.finfo(y.dtype).eps
    if y.total is not None:
        np.true_divide(y.total, np.intp(y.shape[0]), out=mean, casting="unsafe")  # as numpy takes a mean
        if (mean >= 1).all():
            return mean

    def of(voxels: slice, block: np.ndarray) -> None:
        mean[voxels] = np.ascontiguousarray(block).mean(axis=0)
        is_low = (mean[voxels] < 1).any()
        varies[voxels] = (block != block[0]).any(axis=0) if is_low else True
        if is_low:
            small = np.abs(block).max(axis=0) < 1
            lost[voxels] = varies[voxels] & small & (np.ptp(block, axis=0) < least)

    y.each(of)
    if (n_lost := np.count_nonzero(lost)) > np.count_nonzero(varies) / 2:
        raise InputError(
            f"{count(n_lost, 'voxel')} of {np.count_nonzero(varies)} change by less than {least:.1g} about a mean "
            "below 1: percent of it are percent of a floor of 1, which rounds such changes away",
            advice=_TINY,
            where="data.signal_scaling",
        )
    # Percent of a mean that is zero or negative means nothing; the field's floor is one unit of signal.
    # Of constant voxels, such as the empty ones outside the head, nothing is said anyway.
    low = np.count_nonzero((mean < 1) & varies)
    if low:
        warnings.warn(
            f"{count(low, 'voxel')} with a mean below 1: scaled as if it were 1. "
            "If the data are already centred or in percent, leave them as they are: signal_scaling=False, at the "
            "command line --scaling none.",
            stacklevel=4,
        )
    return np.maximum(mean, 1)


def _mean_over_voxels(y: Series) -> np.ndarray:
    total = np.zeros((y.shape[0], 1), order="F")
    for _, block in y.blocks():
        # Voxel after voxel, whichever block they come in.
        total = np.concatenate([total, block], axis=1).sum(axis=1, keepdims=True, dtype=np.float64)
    mean = total / y.shape[1]
    if np.any(mean <= 0):
        raise InputError(
            f"signal_scaling=1 divides each scan by its mean over voxels, and scan {int(np.argmin(mean))} "
            "has a mean of zero or less",
            advice=_CENTRED,
        )
    return mean


def _grand_mean(y: Series) -> np.ndarray:
    # Scan after scan, in halves of halves, as numpy sums an array: in single precision z depends on the order.
    # Older numpy, such as 1.26, does so within pieces of its buffer, `np.getbufsize()` numbers each.
    table = table_of(y.shape, y.dtype)
    for some, block in y.blocks():
        table[:, some] = block
        let_go(table)
    mean = y.dtype.type(_sum_in_halves(table) / np.intp(table.size))
    if mean <= 0:
        raise InputError("signal_scaling=(0, 1) divides by the grand mean, which is zero or less here", advice=_CENTRED)
    return mean


def _sum_in_halves(table: np.ndarray) -> Any:
    flat = table.reshape(-1)
    if flat.size <= AT_ONCE:
        total = np.add.reduce(flat)
        let_go(table)
        return total
    half = flat.size // 2
    half -= half % 8
    return _sum_in_halves(flat[:half]) + _sum_in_halves(flat[half:])


@dataclass(frozen=True)
class Scaling:
    """One way of putting the signal into percent.

    Attributes
    ----------
    name : str
        Key of the choice in settings and on the command line.
    value : object
        Its value of ``signal_scaling`` in the estimator.
    label : str
        What a person reads.
    mean : callable or None
        Gives the mean that the signal is divided by; None leaves it alone.
    over_time : bool
        Whether the mean is one over scans, from which those that are scrubbed are left out.
    centred : bool
        Whether each voxel's mean over time is gone afterwards.
    also : tuple of str
        Phrases by which a person looks for it.
    nilearn : object
        Its value in nilearn; None if it has none.
    why_not : str
        Why it has none there.
    """

    name: str
    value: Any
    label: str
    mean: Callable[[Series], Any] | None
    nilearn: Any = None
    why_not: str = "nilearn has no such scaling"
    over_time: bool = False
    centred: bool = False
    also: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """Unit of series that are scaled so; empty for that of the data as they were given."""
        return "" if self.mean is None else PERCENT

    @property
    def said(self) -> str:
        """What became of the series, in a methods section."""
        return "left in their raw units" if self.mean is None else f"expressed as {self.label.replace('%', 'percent')}"


SCALINGS: Choices[Scaling] = Choices(
    (row.name, row)
    for row in (
        Scaling(
            "voxel",
            0,
            "% of each voxel's mean",
            _mean_over_time,
            0,
            over_time=True,
            centred=True,
            also=("percent signal change",),
        ),
        Scaling("scan", 1, "% of each scan's mean", _mean_over_voxels, why_not="nilearn stops with an error there"),
        Scaling("grand", (0, 1), "% of the grand mean", _grand_mean, (0, 1), over_time=True),
        Scaling("none", False, "raw units", None, False),
    )
)


def scaling_row(signal_scaling: Any) -> Scaling:
    """The row of `SCALINGS` that a ``signal_scaling`` means, by value or by name. ValueError if none does.

    Parameters
    ----------
    signal_scaling : {0, 1, (0, 1), False} or str
        A value of the estimators' argument, or a key of `SCALINGS`.

    Returns
    -------
    Scaling

    Raises
    ------
    InputError
        If it means none.

    Examples
    --------
    >>> scaling_row((0, 1)).name, scaling_row(False).name
    ('grand', 'none')
    """
    value = tuple(signal_scaling) if isinstance(signal_scaling, list) else signal_scaling
    for row in SCALINGS.values():
        # `False == 0` in Python, and here they are opposites
        if type(value) is type(row.value) and value == row.value:
            return row
        if isinstance(value, str) and value == row.name:
            return row
    raise InputError(
        f"signal_scaling must be False, 0, 1 or (0, 1), not {signal_scaling!r}: 0 is percent of each voxel's "
        "mean over time, 1 of each scan's mean over voxels, (0, 1) of the grand mean",
        advice=meant(signal_scaling, SCALINGS),
    )


@dataclass(frozen=True)
class Standard:
    """What each series is brought to after scaling: a row of `STANDARDS`.

    Attributes
    ----------
    unit : str
        Of the series; empty where theirs is left.
    said : str
        What became of the series, in a methods section.
    bring : callable or None
        ``bring(y, centred)`` gives the series, `centred` where they are in percent of their mean already; None leaves
        them.
    """

    unit: str = ""
    said: str = ""
    bring: Callable[[np.ndarray | Series, bool], np.ndarray | Series] | None = None


def _unit_variance(y: np.ndarray | Series, centred: bool) -> np.ndarray | Series:
    if isinstance(y, Series):
        return y.then(lambda block, _: _unit_variance(y.for_sums(block), centred))
    centre = y - y.mean(axis=0, dtype=np.float64)
    sd = centre.std(axis=0, ddof=1)
    constant = sd <= 4 * np.finfo(y.dtype).eps * np.abs(y).max(axis=0)
    return np.divide(centre, sd, out=np.zeros_like(centre), where=~constant).astype(y.dtype, copy=False)


def _percent(y: np.ndarray | Series, centred: bool) -> np.ndarray | Series:
    return y if centred else scale_signal(y, 0)


#: What ``standardize`` may be, by name; True and False stand for the first and the last.
STANDARDS: Choices[Standard] = Choices(
    {
        "zscore_sample": Standard("sd", "standardised to unit variance", _unit_variance),
        "psc": Standard(PERCENT, "expressed as percent of each voxel's mean", _percent),
        None: Standard(),
    }
)


def standard_name(standardize: Any) -> str | None:
    """The key of `STANDARDS` that a ``standardize`` means; True is "zscore_sample" and False None.

    Raises
    ------
    InputError
        If none does.

    Examples
    --------
    >>> standard_name(True), standard_name(False), standard_name("psc")
    ('zscore_sample', None, 'psc')
    """
    if isinstance(standardize, bool | np.bool_):
        return "zscore_sample" if standardize else None
    return check_choice("standardize", standardize, STANDARDS)


def series_unit(signal_scaling: Any, standardize: Any = None) -> str:
    """Unit of series as they are modelled; empty for that of the data as they were given.

    Parameters
    ----------
    signal_scaling : {False, 0, 1, (0, 1)} or a name in `SCALINGS`
    standardize : {"zscore_sample", True, "psc", None, False}
        What each series is brought to after that.

    Returns
    -------
    str

    Examples
    --------
    >>> series_unit(0), series_unit(0, standardize=True), series_unit("none")
    ('% signal', 'sd', '')
    """
    return STANDARDS[standard_name(standardize)].unit or scaling_row(signal_scaling).unit


def effect_unit(unit: str) -> str:
    """Unit of effects on series of some unit; empty where theirs is.

    An effect is the response to a regressor of height one, and what an event did is that times the height of its own
    regressor (0.1 of it for half a second, about one for a long block).

    Parameters
    ----------
    unit : str
        Of the series; see `series_unit`.

    Returns
    -------
    str

    Examples
    --------
    >>> effect_unit("% signal"), effect_unit("sd"), effect_unit("")
    ('% × regressor', 'sd × regressor', '')
    """
    return f"{unit.removesuffix(' signal')} × regressor" if unit else ""


def scale_signal(
    y: np.ndarray | Series, signal_scaling: Any = 0, kept: np.ndarray | None = None
) -> np.ndarray | Series:
    """Express the signal in percent of a mean.

    Parameters
    ----------
    y : array of shape (n_scans, n_voxels), floating point, or Series
        Signal in the scanner's units.
    signal_scaling : {False, 0, 1, (0, 1)} or a name in `SCALINGS`
        Over what the mean is taken: 0 over time in each voxel (floored at one unit), 1 over voxels in each
        scan, (0, 1) over both; False leaves the signal alone.
    kept : array, optional
        Scans over which means over time are taken, as booleans or indices; all by default.

    Returns
    -------
    array of shape (n_scans, n_voxels), dtype of `y`, or Series
        ``100 (y / m - 1)``, in percent; `y` itself where nothing is scaled. The result is stored in the precision of
        `y`: later sums depend on it, and so does equality with the field. The mean is taken in it, too.

    Raises
    ------
    ValueError
        If `signal_scaling` is none of these, or the mean to divide by is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> scale_signal(np.array([[99.0], [101.0]]))
    array([[-1.],
           [ 1.]])
    """
    row = scaling_row(signal_scaling)
    if row.mean is None:
        return y
    series = Series.of(y)
    mean = row.mean(series.of_scans(kept) if kept is not None and row.over_time else series)
    mean = np.asarray(mean, dtype=y.dtype)

    def percent(block: np.ndarray, voxels: Any) -> np.ndarray:
        out = block / (mean[voxels] if mean.ndim == 1 else mean)
        out -= 1
        out *= 100
        return out

    return series.then(percent) if isinstance(y, Series) else percent(y, slice(None))


def standardize_signal(y: np.ndarray | Series, standardize: Any = True, centred: bool = False) -> np.ndarray | Series:
    """Bring each voxel's series to one scale.

    Parameters
    ----------
    y : array of shape (n_scans, n_voxels), floating point, or Series
    standardize : {"zscore_sample", True, "psc", None, False}
        Centre the series and divide it by its standard deviation; make it percent of its mean; or leave it.
    centred : bool
        Whether the series are in percent of their mean already, so that "psc" has nothing to do.

    Returns
    -------
    array of shape (n_scans, n_voxels), dtype of `y`, or Series
        ``(y - mean) / sd`` with the sample standard deviation (over n - 1), constant voxels becoming zero;
        or ``100 (y / mean - 1)`` as `scale_signal` makes it.

    Raises
    ------
    InputError
        If `standardize` is none of these.

    Examples
    --------
    >>> import numpy as np
    >>> standardize_signal(np.array([[1.0], [2.0], [3.0]])).ravel()
    array([-1.,  0.,  1.])
    >>> standardize_signal(np.array([[99.0], [101.0]]), "psc").ravel()
    array([-1.,  1.])
    """
    bring = STANDARDS[standard_name(standardize)].bring
    return y if bring is None else bring(y, centred)
