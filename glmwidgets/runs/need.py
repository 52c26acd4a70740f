"""Memory that the analysis of a run needs, computed from its mask before any is taken."""

from __future__ import annotations

import warnings

from glmwidgets.files.memory import available_memory, human_bytes, need_memory
from glmwidgets.plural import count

#: Columns of the design of a usual first-level model: conditions, drift, 24 of motion.
COLUMNS = 40

#: Numbers a voxel beside those of the columns: means, products of a series with itself, its ends, maps and their peaks.
MAPS = 40

#: What to do where it does not fit.
ADVICE = (
    "analyse fewer voxels (give a mask of the brain or of a region), bring run and mask to a coarser grid "
    "(glmwidgets.images.resample_img), or take a larger machine"
)


def analysis_need(n_voxels: int, n_columns: int = COLUMNS) -> float:
    """Bytes of memory that an analysis takes beside what the interpreter and its libraries do.

    Parameters
    ----------
    n_voxels : int
    n_columns : int
        Of the design.

    Returns
    -------
    float
        For the products with all columns under two lags, the coefficients and maps, in double precision. The series
        themselves lie on disk where they are large.

    Examples
    --------
    >>> analysis_need(263_000) / 2**20
    321.044921875
    """
    return 8.0 * n_voxels * (3 * n_columns + MAPS)


def check_memory(n_voxels: int, name: str) -> None:
    """Refuse an analysis that does not fit into memory, and say where it is tight.

    Parameters
    ----------
    n_voxels : int
    name : str
        What the run is called.

    Raises
    ------
    ValueError
        With what is needed, what there is, and what to do.

    Warns
    -----
    UserWarning
        If there is less than twice as much: nothing is then kept for models that one comes back to.
    """
    need, there = analysis_need(n_voxels), available_memory()
    what = f"the analysis of {count(n_voxels, 'voxel')} of {name}"
    need_memory(need, what, ADVICE)
    if there is not None and there < 2 * need:
        warnings.warn(
            f"{what} needs about {human_bytes(need)} of memory, and {human_bytes(there)} are available: it answers, "
            f"but slower. If it does not, {ADVICE}",
            stacklevel=3,
        )
