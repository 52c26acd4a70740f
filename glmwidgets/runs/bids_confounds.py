"""Confounds of fMRIPrep, chosen by strategies that have the names of nilearn's ``load_confounds``."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from glmwidgets.files.json_text import parse_json
from glmwidgets.files.writing import noted
from glmwidgets.glm.choices import Choices, check_choice
from glmwidgets.glm.design.confound_groups import EXPANSIONS, FD, MOTION, STD_DVARS, undefined_at_first
from glmwidgets.glm.design.confounds import check_confounds, refuse_odd_cells
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.tables import read_table
from glmwidgets.plural import count

_COMPCOR = {
    "anat_combined": ("a", ("combined",)),
    "anat_separated": ("a", ("CSF", "WM")),
    "temporal": ("t", None),
    "temporal_anat_combined": ("at", ("combined",)),
    "temporal_anat_separated": ("at", ("CSF", "WM")),
}


@dataclass(frozen=True)
class _Table:
    """A table of confounds and what its sidecar says of the columns."""

    path: Path
    values: pd.DataFrame
    said: dict[str, Any]

    def need(self, names: Sequence[str], strategy: str) -> list[str]:
        missing = [name for name in names if name not in self.values.columns]
        if missing:
            raise ValueError(
                f"{self.path} has no column {', '.join(missing)}, which strategy {strategy!r} needs; leave it out, or "
                "run fMRIPrep so that it writes them"
            )
        return list(names)


def _expanded(table: _Table, stems: Sequence[str], expansion: str, strategy: str) -> list[str]:
    check_choice(strategy, expansion, EXPANSIONS)
    return table.need([f"{stem}{end}" for stem in stems for end in EXPANSIONS[expansion]], strategy)


def _motion(table: _Table, options: dict[str, Any]) -> list[str]:
    return _expanded(table, MOTION, options["motion"], "motion")


def _wm_csf(table: _Table, options: dict[str, Any]) -> list[str]:
    return _expanded(table, ("csf", "white_matter"), options["wm_csf"], "wm_csf")


def _global_signal(table: _Table, options: dict[str, Any]) -> list[str]:
    return _expanded(table, ("global_signal",), options["global_signal"], "global_signal")


def _high_pass(table: _Table, options: dict[str, Any]) -> list[str]:
    # A run too short to be filtered has none.
    if not (names := _like(table, r"cosine\d+")):
        warnings.warn(f"{table.path} has no column cosine00: strategy 'high_pass' takes none", stacklevel=4)
    return names


def _compcor(table: _Table, options: dict[str, Any]) -> list[str]:
    kind, n = options["compcor"], options["n_compcor"]
    check_choice("compcor", kind, _COMPCOR)
    if n != "all" and (isinstance(n, bool) or not (re.fullmatch(r"\d+", str(n)) and int(n) > 0)):
        raise InputError(f"n_compcor is the number of components of each mask, 1 or more, or 'all', not {n!r}")
    letters, masks = _COMPCOR[kind]
    names: list[str] = []
    if "t" in letters:
        names += _first(table, _like(table, r"t_comp_cor_\d+"), n)
    if "a" in letters:
        for mask in masks or ():
            by_name = _like(table, rf"{mask[0].lower()}_comp_cor_\d+") if mask != "combined" else []
            said = [c for c in _like(table, r"a_comp_cor_\d+") if table.said.get(c, {}).get("Mask") == mask]
            # Without a sidecar nothing tells of which mask a component is.
            found = said or by_name or (_like(table, r"a_comp_cor_\d+") if not table.said else [])
            names += _first(table, found, n)
    if not names:
        raise ValueError(f"{table.path} has no components for compcor={kind!r}")
    return names


def _like(table: _Table, pattern: str) -> list[str]:
    return [name for name in table.values.columns if re.fullmatch(pattern, name)]


def _first(table: _Table, names: list[str], n: int | str) -> list[str]:
    if n == "all":
        return names
    if 0 < len(names) < int(n):
        warnings.warn(f"{table.path} has {count(len(names), 'component')} from {names[0]} on, not {n}", stacklevel=5)
    return names[: int(n)]


def _nothing(table: _Table, options: dict[str, Any]) -> list[str]:
    return []


#: Columns by strategy. ``scrub`` and ``non_steady_state`` name scans to leave out, not columns.
STRATEGIES: Choices[Callable[[_Table, dict[str, Any]], list[str]]] = Choices(
    {
        "motion": _motion,
        "wm_csf": _wm_csf,
        "compcor": _compcor,
        "high_pass": _high_pass,
        "global_signal": _global_signal,
        "scrub": _nothing,
        "non_steady_state": _nothing,
    }
)


def load_confounds(
    path: str | os.PathLike[str],
    strategy: str | Sequence[str] = ("motion", "high_pass", "wm_csf"),
    *,
    motion: str = "full",
    wm_csf: str = "basic",
    global_signal: str = "basic",
    compcor: str = "anat_combined",
    n_compcor: int | str = "all",
    scrub: int = 5,
    fd_threshold: float = 0.5,
    std_dvars_threshold: float = 1.5,
) -> tuple[pd.DataFrame, np.ndarray | None]:
    r"""Choose columns of fMRIPrep's confounds by named strategies.

    Parameters
    ----------
    path : str or path
        ``..._desc-confounds_timeseries.tsv``. Its JSON sidecar, if there is one, tells the components apart.
    strategy : str or sequence of str
        Keys of `STRATEGIES`.
    motion, wm_csf, global_signal : {"basic", "power2", "derivatives", "full"}
        The parameters; with their squares; with their derivatives; with both and the derivatives' squares.
    compcor : {"anat_combined", "anat_separated", "temporal", "temporal_anat_combined", "temporal_anat_separated"}
    n_compcor : int or "all"
        How many components of each mask.
    scrub : int
        Runs of fewer scans than this between two that are left out are left out, too; 0 for none.
    fd_threshold, std_dvars_threshold : float
        Scans beyond either are left out by ``scrub``: framewise displacement in mm, standardised DVARS.

    Returns
    -------
    confounds : DataFrame of shape (n_scans, n_confounds)
        0 where the first row of derivatives has no value.
    sample_mask : array of int, or None
        Scans that are kept; None for all.

    Raises
    ------
    FileNotFoundError, ValueError
        If the table is missing, has not what a strategy needs, or a cell that is needed is a word.

    Warns
    -----
    UserWarning
        If it has no cosines for ``high_pass``, or fewer components than `n_compcor`.

    Examples
    --------
    >>> import tempfile
    >>> table = pd.DataFrame({name: [0.0, 0.1, 0.2] for name in MOTION})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "sub-01_desc-confounds_timeseries.tsv")
    ...     table.to_csv(path, sep="\t", index=False)
    ...     confounds, kept = load_confounds(path, ("motion",), motion="basic")
    >>> confounds.shape, kept
    ((3, 6), None)
    """
    path = Path(path)
    names = [strategy] if isinstance(strategy, str) else list(strategy)
    for name in names:
        check_choice("strategy", name, STRATEGIES)
    table = _Table(path, read_table(path, "confounds"), _said(path.with_suffix(".json")))
    options = {"motion": motion, "wm_csf": wm_csf, "global_signal": global_signal}
    options |= {"compcor": compcor, "n_compcor": n_compcor}
    columns = dict.fromkeys(column for name in names for column in STRATEGIES[name](table, options))
    chosen = _numbers(table, list(columns))
    # Derivatives and differences do not exist before the second scan.
    first = list(undefined_at_first(columns))
    chosen.loc[:0, first] = chosen.loc[:0, first].fillna(0.0)
    left_out = np.zeros(len(chosen), dtype=bool)
    if "scrub" in names:
        left_out |= _scrubbed(table, scrub, fd_threshold, std_dvars_threshold)
    if "non_steady_state" in names:
        left_out |= _non_steady(table)
    return chosen, np.flatnonzero(~left_out) if left_out.any() else None


def _said(path: Path) -> dict[str, Any]:
    """What a sidecar says of each column; nothing without one."""
    said = parse_json(noted(path).read_bytes(), path) if path.is_file() else {}
    if not isinstance(said, dict):
        raise InputError(f"{path} is not a sidecar of confounds: it holds a {type(said).__name__}, and not names")
    return {name: each for name, each in said.items() if isinstance(each, dict)}


def _numbers(table: _Table, columns: list[str]) -> pd.DataFrame:
    """Columns as numbers, NaN where a cell is empty; a cell that is a word is refused."""
    if not columns:
        return table.values[[]]
    found = check_confounds(table.values[columns], len(table.values), str(table.path), judged=False)
    refuse_odd_cells(found, columns)
    found.attrs.clear()
    return found


def _non_steady(table: _Table) -> np.ndarray:
    names = _like(table, r"non_steady_state_outlier\d+")
    return np.nan_to_num(_numbers(table, names).to_numpy()).any(axis=1)


def _scrubbed(table: _Table, scrub: int, fd_threshold: float, std_dvars_threshold: float) -> np.ndarray:
    table.need([FD, STD_DVARS], "scrub")
    fd, dvars = np.nan_to_num(_numbers(table, [FD, STD_DVARS]).to_numpy()).T
    bad = (fd > fd_threshold) | (dvars > std_dvars_threshold)
    if not bad.any():
        return bad
    # Between two bad scans too few good ones tell too little, and at both ends as well.
    edges = np.flatnonzero(np.diff(np.concatenate([[True], bad, [True]]).astype(int)))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        if stop - start < scrub:
            bad[start:stop] = True
    return bad
