"""Confounds by their names: which of fMRIPrep's columns belong together, what can be made of them, scans to censor.

A table may hold far more columns than a model should take. Here they are told apart, motion parameters are expanded
(Friston and others 1996, Magn Reson Med 35, 346-355; Satterthwaite and others 2013, NeuroImage 64, 240-256), and scans
that moved too much become columns of their own (Power and others 2012, NeuroImage 59, 2142-2154).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from glmwidgets.glm.design.censoring import with_censored_scans

#: The six parameters of a rigid movement, as fMRIPrep calls them.
MOTION = tuple(f"{kind}_{axis}" for kind in ("trans", "rot") for axis in "xyz")

#: What can be made of a parameter, by the endings of the columns' names.
EXPANSIONS = {
    "basic": ("",),
    "power2": ("", "_power2"),
    "derivatives": ("", "_derivative1"),
    "full": ("", "_derivative1", "_power2", "_derivative1_power2"),
}

#: Number of motion columns, and the expansion that gives so many.
MOTION_LEVELS = {6: "basic", 12: "derivatives", 24: "full"}

#: Columns by which scans are scrubbed: framewise displacement in mm, and DVARS in units of its own spread.
FD = "framewise_displacement"
STD_DVARS = "std_dvars"


@dataclass(frozen=True)
class ConfoundGroup:
    """Columns that are used together.

    Attributes
    ----------
    name, label : str
    columns : tuple of str
        In the order of the table.
    first : int or None
        How many of them are taken where the group as a whole is asked for; None for all.
    measure : bool
        Whether they say how bad a scan is, and are no regressors.
    """

    name: str
    label: str
    columns: tuple[str, ...]
    first: int | None = None
    measure: bool = False

    @property
    def usual(self) -> tuple[str, ...]:
        """Columns that asking for the group takes."""
        return self.columns[: self.first]


# name, label, pattern, how many are usual, measure
_GROUPS = (
    ("motion", "motion", r"(trans|rot)_[xyz](_derivative1)?(_power2)?", None, False),
    ("a_comp_cor", "aCompCor", r"a_comp_cor_\d+", 5, False),
    ("w_comp_cor", "CompCor, white matter", r"w_comp_cor_\d+", 5, False),
    ("c_comp_cor", "CompCor, CSF", r"c_comp_cor_\d+", 5, False),
    ("t_comp_cor", "tCompCor", r"t_comp_cor_\d+", 5, False),
    ("cosine", "cosines of fMRIPrep", r"cosine\d+", None, False),
    ("tissue", "white matter, CSF", r"(csf|white_matter|csf_wm)(_derivative1)?(_power2)?", 2, False),
    ("global", "global signal", r"global_signal(_derivative1)?(_power2)?", 1, False),
    ("outliers", "outliers of fMRIPrep", r"(motion_outlier|non_steady_state_outlier)\d+", None, False),
    ("measures", "FD, DVARS", rf"{FD}|rmsd|{STD_DVARS}|dvars", None, True),
)


def confound_groups(names: Iterable[str]) -> tuple[ConfoundGroup, ...]:
    """Sort the columns of a table of confounds.

    Parameters
    ----------
    names : iterable of str

    Returns
    -------
    tuple of ConfoundGroup
        Those that have columns; what fMRIPrep has no name for comes last, as ``other``, or as ``all`` where the
        table has no name of fMRIPrep's at all.

    Examples
    --------
    >>> [(g.name, len(g.columns)) for g in confound_groups(["trans_x", "std_dvars", "cosine00", "pulse"])]
    [('motion', 1), ('cosine', 1), ('measures', 1), ('other', 1)]
    """
    names = [str(name) for name in names]
    left = dict.fromkeys(names)
    groups = []
    for name, label, pattern, first, measure in _GROUPS:
        mine = tuple(column for column in left if re.fullmatch(pattern, column))
        if mine:
            groups.append(ConfoundGroup(name, label, mine, first, measure))
            left = {column: None for column in left if column not in mine}
    if left:
        name, label = ("other", "other columns") if groups else ("all", "columns")
        groups.append(ConfoundGroup(name, label, tuple(left)))
    return tuple(groups)


def motion_columns(level: int) -> tuple[str, ...]:
    """Names of the 6, 12 or 24 motion regressors.

    Parameters
    ----------
    level : {6, 12, 24}
        Number of regressors: translations and rotations, their derivatives, the squares of both.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> len(motion_columns(24)), motion_columns(12)[6]
    (24, 'trans_x_derivative1')
    """
    return tuple(f"{stem}{end}" for end in EXPANSIONS[MOTION_LEVELS[level]] for stem in MOTION)


def undefined_at_first(names: Iterable[str]) -> tuple[str, ...]:
    """Columns that fMRIPrep has no value for at the first scan: derivatives and differences.

    Parameters
    ----------
    names : iterable of str
        Columns of a table of confounds.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> undefined_at_first(["rot_x", "rot_x_derivative1", "framewise_displacement"])
    ('rot_x_derivative1', 'framewise_displacement')
    """
    pattern = re.compile(rf".*_derivative1(_power2)?|{FD}|rmsd|dvars|{STD_DVARS}")
    return tuple(name for name in names if pattern.fullmatch(str(name)))


def first_choice(names: Sequence[str]) -> tuple[str, ...] | None:
    """Columns to begin with: of a table as fMRIPrep writes it the six motion parameters, otherwise all (None).

    Only what fMRIPrep wrote whole holds measures such as framewise displacement; tables of a person's own choice do
    not.

    Parameters
    ----------
    names : sequence of str
        Columns of the table.

    Returns
    -------
    tuple of str or None
        None stands for all.

    Examples
    --------
    >>> first_choice(["a", "b"])
    >>> first_choice(["csf", *MOTION, "std_dvars"]) == MOTION
    True
    """
    groups = {group.name: group.columns for group in confound_groups(names)}
    if "measures" not in groups:
        return None
    return tuple(name for name in MOTION if name in groups.get("motion", ()))


def _derived(table: pd.DataFrame, name: str) -> np.ndarray | None:
    """A motion regressor that is not in the table, from the parameter that is."""
    stem, ending = next(((s, name[len(s) :]) for s in MOTION if name.startswith(s)), (None, ""))
    if stem is None or stem not in table or ending not in EXPANSIONS["full"]:
        return None
    values = table[stem].to_numpy(dtype=np.float64)
    if "_derivative1" in ending:
        values = np.diff(values, prepend=values[:1])
    return values**2 if ending.endswith("_power2") else values


def scrubbed_scans(
    table: pd.DataFrame, fd_threshold: float | None = None, std_dvars_threshold: float | None = None
) -> np.ndarray:
    """Scans that moved or changed more than a threshold.

    Parameters
    ----------
    table : DataFrame of shape (n_scans, n_confounds)
        With ``framewise_displacement``, in mm, and ``std_dvars``, where their thresholds are given.
    fd_threshold, std_dvars_threshold : float, optional
        Scans above either are named; None leaves that measure out.

    Returns
    -------
    int array
        Rising.

    Raises
    ------
    ValueError
        If a column is missing.

    Examples
    --------
    >>> moved = pd.DataFrame({"framewise_displacement": [0, 0.1, 0.9], "std_dvars": [0, 2.0, 1.0]})
    >>> scrubbed_scans(moved, fd_threshold=0.5), scrubbed_scans(moved, 0.5, 1.5)
    (array([2]), array([1, 2]))
    """
    bad = np.zeros(len(table), dtype=bool)
    for name, threshold in ((FD, fd_threshold), (STD_DVARS, std_dvars_threshold)):
        if threshold is None:
            continue
        if name not in table:
            raise ValueError(f"the confounds have no column {name}, by which scans were to be scrubbed")
        bad |= table[name].to_numpy(dtype=np.float64) > threshold  # no value, no verdict
    return np.flatnonzero(bad)


def choose_confounds(
    table: pd.DataFrame,
    columns: Sequence[str] | None = None,
    *,
    fd_threshold: float | None = None,
    std_dvars_threshold: float | None = None,
    skip: int = 0,
) -> pd.DataFrame:
    """The confounds that a model takes: some columns, expanded motion, and a column for each scrubbed scan.

    Parameters
    ----------
    table : DataFrame of shape (n_scans, n_confounds)
    columns : sequence of str, optional
        Names; all of the table by default. Derivatives and squares of motion parameters (``rot_x_derivative1``,
        ``rot_x_power2``, ``rot_x_derivative1_power2``) are made where the table has only the parameter.
    fd_threshold, std_dvars_threshold : float, optional
        See `scrubbed_scans`.
    skip : int
        Initial scans that the model leaves out anyway, and that need no column.

    Returns
    -------
    DataFrame of shape (n_scans, m)

    Raises
    ------
    ValueError
        If there is no such column.

    Examples
    --------
    >>> table = pd.DataFrame({"trans_x": [0.0, 1.0, 3.0], "framewise_displacement": [0.0, 1.0, 2.0]})
    >>> choose_confounds(table, ["trans_x", "trans_x_derivative1"], fd_threshold=1.5)
       trans_x  trans_x_derivative1  censored_2
    0      0.0                  0.0         0.0
    1      1.0                  1.0         0.0
    2      3.0                  2.0         1.0
    """
    if columns is None:
        chosen = table
    else:
        parts = {name: table[name].to_numpy() if name in table else _derived(table, name) for name in columns}
        missing = sorted(name for name, values in parts.items() if values is None)
        if missing:
            raise ValueError(f"the confounds have no column {', '.join(missing)}")
        chosen = pd.DataFrame(parts, index=table.index)
    censored = scrubbed_scans(table, fd_threshold, std_dvars_threshold)
    censored = censored[censored >= skip]
    return with_censored_scans(chosen, censored) if censored.size else chosen
