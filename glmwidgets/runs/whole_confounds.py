"""A preprocessed run's whole table of confounds, so that those can be looked at and taken that nobody chose yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glmwidgets.glm.tables import read_table

if TYPE_CHECKING:
    from glmwidgets.datasets.run_files import FoundRun


def whole_confounds(found: FoundRun) -> tuple[Any, tuple[str, ...] | None]:
    """The table that a run's confounds come from, and which of its columns were chosen.

    Parameters
    ----------
    found : FoundRun

    Returns
    -------
    confounds : path, DataFrame or None
        For `glmwidgets.open_run`. Only what was chosen where the table does not hold it all: scans to leave out are
        columns that were made.
    chosen : tuple of str or None
        Names of the columns; None for all of `confounds`.
    """
    if found.confounds is None or found.confounds_file is None:
        return found.confounds, None
    table, chosen = read_table(found.confounds_file, "confounds"), tuple(map(str, found.confounds.columns))
    if not set(chosen) <= set(table.columns):
        return found.confounds, None
    return found.confounds_file, chosen
