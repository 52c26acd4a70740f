"""Tables of the largest clusters of drawn noise: drawn once for a mask and a noise, and kept on disk by their content.

They are kept in the folder that ``GLMWIDGETS_CACHE`` names, or else in the user's cache. What is kept is never wrong,
as its name is a hash of all that it depends on; the folder may be removed at any time.
"""

from __future__ import annotations

import hashlib
import logging
import os
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import numpy as np

from glmwidgets.analysis.smoothness import SpatialNoise
from glmwidgets.files.paths import resolved
from glmwidgets.files.writing import write_arrays
from glmwidgets.glm.inference.cluster_tables import HEIGHTS, Autocorrelation, ClusterTable, draw_cluster_table

log = logging.getLogger(__name__)

#: Volumes of noise that are drawn, and the seed that they are drawn with.
N_DRAWS, SEED = 1000, 0

# Raised when tables of the same name would hold other numbers.
VERSION = 1


def kept_tables() -> Path:
    """Folder in which tables are kept."""
    given = os.environ.get("GLMWIDGETS_CACHE")
    if given:
        return resolved(given) / "noise"
    cache = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "glmwidgets" / "noise"


def find_table(
    noise: SpatialNoise,
    region: np.ndarray | None = None,
    progress: Callable[[int, int], bool] | None = None,
    *,
    n_draws: int = N_DRAWS,
    seed: int = SEED,
    folder: Path | None = None,
) -> ClusterTable | None:
    """The table of a map's noise where one searches: the one that is kept, or a new one, which is kept.

    Parameters
    ----------
    noise : SpatialNoise
    region : bool array of shape (nx, ny, nz), optional
        Where one searches; by default the whole mask.
    progress : callable, optional
        As of `glmwidgets.glm.inference.cluster_tables.draw_cluster_table`.
    n_draws, seed : int
    folder : Path, optional
        By default `kept_tables`. One that cannot be written is done without.

    Returns
    -------
    ClusterTable or None
        None where it was stopped.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = find_table(session.result.noise, n_draws=20, folder=Path(folder))
    >>> table.n_draws
    20
    """
    domain, autocorrelation = noise.domain, noise.autocorrelation
    mask, voxel_size = domain.mask if region is None else region & domain.mask, domain.voxel_size
    of = (VERSION, mask.shape, voxel_size.round(6).tolist(), astuple(autocorrelation), HEIGHTS, n_draws, seed)
    name = hashlib.sha256(repr(of).encode() + np.packbits(mask).tobytes()).hexdigest()[:24]
    path = (kept_tables() if folder is None else folder) / f"{name}.npz"
    table = _read(path, autocorrelation, mask, seed)
    if table is not None:
        return table
    table = draw_cluster_table(
        mask,
        voxel_size,
        autocorrelation,
        n_draws=n_draws,
        seed=seed,
        n_threads=os.cpu_count() or 1,
        progress=progress,
    )
    if table is not None:
        _keep(path, table)
    return table


def _read(path: Path, autocorrelation: Autocorrelation, mask: np.ndarray, seed: int) -> ClusterTable | None:
    try:
        with np.load(path, allow_pickle=False) as held:
            return ClusterTable(
                held["largest"], tuple(held["heights"].tolist()), autocorrelation, int(mask.sum()), seed
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        # None, or a damaged one, which is drawn anew.
        return None


def _keep(path: Path, table: ClusterTable) -> None:
    arrays = {"largest": table.largest, "heights": np.array(table.heights)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_arrays(path, arrays, "table of noise", overwrite=True)
    except OSError as error:
        log.info("the table of noise is not kept: %s", error)
