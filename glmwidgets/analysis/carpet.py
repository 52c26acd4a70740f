"""The carpet: all voxels over time in one picture, each row the mean of neighbours in some order (Power 2017).

Each voxel is divided by the standard deviation of its data, whatever is shown of it, so that carpets of data, fit and
residual are in one unit and can be compared. Power (2017, NeuroImage 154, 150) shows why one looks at them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.parallel import even_blocks
from glmwidgets.specification.series import ORDERS

if TYPE_CHECKING:
    import pandas as pd

    from glmwidgets.analysis.answers import RunAnswer
    from glmwidgets.runs.run import Run

# More rows than a screen shows at this size would only be sent.
MOST_ROWS = 400

# Voxels that are summed at once; products of these stay in the processor's cache.
BLOCK = 2048


@dataclass(frozen=True, eq=False)
class Carpet:
    """A picture of voxels by scans.

    Attributes
    ----------
    rows : array of shape (n_rows, n_scans), float32
        In standard deviations of each voxel's data.
    limit : float
        A robust largest value: the 98th percentile of the data's carpet, without sign.
    row_of : array of int, shape (n_voxels,)
        Row of each voxel; -1 for constant ones, which are in none.
    sizes : array of int, shape (n_rows,)
        Voxels in each row.
    """

    rows: np.ndarray
    limit: float
    row_of: np.ndarray = field(repr=False)
    sizes: np.ndarray = field(repr=False)


def make_carpet(
    result: RunAnswer, what: str = "data", order: str = "brightness", checkpoint: Callable[[], None] | None = None
) -> Carpet:
    """Make the carpet of a result.

    Parameters
    ----------
    result : RunAnswer
    what : {"data", "fit", "residual"}
    order : str
        Key of `ORDERS`.
    checkpoint : callable, optional
        Called now and then; may raise to stop.

    Returns
    -------
    Carpet

    Raises
    ------
    ValueError
        If no voxel varies.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> make_carpet(session.result).rows.shape[1]
    60
    """
    check_choice("what", what, ("data", "fit", "residual"))
    check_choice("order", order, ORDERS)
    fit = result.fit
    alive = np.flatnonzero(~fit.moments.constant)
    if alive.size == 0:
        raise ValueError("no voxel of the mask varies over time: there is no carpet to show")
    falling = alive[np.argsort(-ORDERS[order].key(result)[alive], kind="stable")]
    n_rows = min(MOST_ROWS, falling.size)
    row_of = np.full(fit.n_voxels, -1)
    row_of[falling] = np.arange(falling.size) * n_rows // falling.size
    sizes = np.bincount(row_of[falling], minlength=n_rows)
    # 1 / (sd of the voxel x voxels in its row): what each series counts in its row's mean.
    share = np.zeros(fit.n_voxels)
    share[alive] = np.sqrt(fit.basis.n_scans / fit.moments.own(0)[alive]) / sizes[row_of[alive]]
    data = _summed(fit.moments.block, share, row_of, n_rows, checkpoint)
    limit = float(np.quantile(np.abs(data), 0.98)) or 1.0
    if what != "data":
        centred = fit.noise.coefficients - np.outer(fit.basis.constant, fit.moments.mean)
        predicted = _summed(lambda some: centred[:, some], share, row_of, n_rows, checkpoint) @ fit.basis.q.T
        if not fit.basis.spans_constant:
            means = np.bincount(row_of[alive], share[alive] * fit.moments.mean[alive], minlength=n_rows)
            predicted += means[:, None] * (fit.basis.q @ fit.basis.constant - 1)
        data = predicted if what == "fit" else data - predicted
    return Carpet(data.astype(np.float32), limit, row_of, sizes)


def _summed(
    of: Callable[[slice], np.ndarray],
    share: np.ndarray,
    row_of: np.ndarray,
    n_rows: int,
    checkpoint: Callable[[], None] | None,
) -> np.ndarray:
    """Sum of voxels by row, weighted, where ``of(voxels)`` has shape (n, number of voxels): shape (n_rows, n)."""
    from scipy.sparse import csr_matrix

    out = 0.0
    for some in even_blocks(row_of.size, BLOCK):
        if checkpoint is not None:
            checkpoint()
        inside = np.flatnonzero(row_of[some] >= 0)
        where = (row_of[some][inside], inside)
        gather = csr_matrix((share[some][inside], where), shape=(n_rows, some.stop - some.start))
        out = out + gather @ of(some).T
    return out


#: Traces above a carpet: their label, and the columns of a confounds table that hold them, the first found counts.
TRACES: dict[str, tuple[str, tuple[str, ...]]] = {
    "FD": ("mm", ("framewise_displacement", "FramewiseDisplacement", "fd")),
    "DVARS": ("", ("std_dvars", "dvars", "stdDVARS", "DVARS")),
    "global": ("", ("global_signal", "GlobalSignal")),
}


def scan_traces(run: Run, design: pd.DataFrame) -> dict[str, tuple[str, np.ndarray]]:
    """Measures of each scan that the confounds hold, for the scans of a design.

    Parameters
    ----------
    run : Run
    design : DataFrame
        One row a scan, without the initial ones that were dropped.

    Returns
    -------
    dict from label to (unit, values)
        Empty without confounds.

    Examples
    --------
    >>> import pandas as pd
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> simulated = simulate_run("small", shape=(12, 14, 11), n_scans=60)
    >>> moved = pd.DataFrame({"framewise_displacement": np.linspace(0, 0.4, 60)})
    >>> run = open_run(simulated.img, simulated.events, 2.0, confounds=moved)
    >>> traces = scan_traces(run, pd.DataFrame(index=run.frame_times))
    >>> [(label, unit) for label, (unit, values) in traces.items()]
    [('FD', 'mm')]
    """
    if run.confounds is None:
        return {}
    table = run.confounds.iloc[-len(design) :]
    found = {}
    for label, (unit, names) in TRACES.items():
        name = next((name for name in names if name in table.columns), None)
        if name is not None:
            found[label] = (unit, table[name].to_numpy(dtype=float))
    return found
