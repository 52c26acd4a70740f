"""The usual tests of a group at a click: which columns they need, and which contrast they ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from glmwidgets.analysis.group import default_contrast, difference_of, kept_rows, levels_of
from glmwidgets.glm.choices import Choices
from glmwidgets.glm.fit.expressions import contrast_vector
from glmwidgets.glm.fit.grammar import quote_name
from glmwidgets.glm.group.terms import TermColumn, columns_of_terms
from glmwidgets.specification.group import GroupSettings, TableSettings


class GroupTest(NamedTuple):
    """A row of `TESTS`: a label, a hint, and the changes of settings that it is made of."""

    label: str
    hint: str
    changes: Callable[[GroupSettings], dict[str, Any]]


def _asked(terms: Sequence[str], contrast: str, **more: Any) -> dict[str, Any]:
    alone = {"contrast.names": (), "contrast.expressions": (), "contrast.active": 0}
    return {"design.terms": tuple(terms), "contrast.expression": contrast, **alone, **more}


def _pairs(table: TableSettings) -> list[TermColumn]:
    """Columns that may name two groups, those of labels first, without the one that names subjects."""
    others = [column for column in table.columns() if column.name != table.subjects]
    return sorted(others, key=lambda column: column.kind != "label")


def _one_sample(settings: GroupSettings) -> dict[str, Any]:
    return _asked((), "intercept")


def _two_samples(settings: GroupSettings) -> dict[str, Any]:
    for column in _pairs(settings.table):
        levels = levels_of(settings, column)
        if len(levels) == 2:
            return _asked((column.name,), difference_of(levels), **_as_labels(settings.table, column))
    raise ValueError("two samples need a column of the table with two groups: add one, such as patient and control")


def _as_labels(table: TableSettings, column: TermColumn) -> dict[str, Any]:
    if column.kind == "label":
        return {}
    at = table.names.index(column.name)
    return {"table.kinds": (*table.kinds[:at], "label", *table.kinds[at + 1 :])}


def _paired(settings: GroupSettings) -> dict[str, Any]:
    table, rows = settings.table, kept_rows(settings)
    if table.subjects is None:
        raise ValueError(
            "a paired test needs two maps of every subject, and a table whose column subject_label names each twice"
        )
    subject = table.column(table.subjects).cells
    for column in _pairs(table):
        levels = levels_of(settings, column)
        of = {(subject[i], column.cells[i]) for i in rows}
        everyone = {subject[i] for i in rows}
        if len(levels) == 2 and len(of) == len(rows) == 2 * len(everyone):
            terms = (column.name, table.subjects)
            return _asked(terms, difference_of(levels), **_as_labels(table, column))
    raise ValueError("a paired test needs a column with two conditions, each of which every subject has once")


def _regression(settings: GroupSettings) -> dict[str, Any]:
    numbers = [column.name for column in settings.table.columns() if column.kind == "number"]
    chosen = [name for name in settings.design.terms if name in numbers]
    name = next(iter(chosen or numbers), None)
    if name is None:
        raise ValueError("a regression needs a column of numbers in the table: add one, such as age")
    return _asked((name,), quote_name(name))


TESTS: Choices[GroupTest] = Choices(
    {
        "one_sample": GroupTest("one sample", "is the mean of all maps different from zero?", _one_sample),
        "two_samples": GroupTest("two samples", "do two groups differ?", _two_samples),
        "paired": GroupTest("paired", "do two maps of the same subjects differ?", _paired),
        "regression": GroupTest("regression", "do the maps follow a covariate?", _regression),
    }
)


def changes_of_terms(settings: GroupSettings, terms: Sequence[str]) -> dict[str, Any]:
    """Changes that take some columns of the table as the model, with a contrast that can be asked of it.

    The contrast stays where it can be read; otherwise the newest term is asked about.

    Parameters
    ----------
    settings : GroupSettings
    terms : sequence of str

    Returns
    -------
    dict
    """
    changes: dict[str, Any] = {"design.terms": tuple(terms)}
    after = settings.updated(changes)
    rows = kept_rows(after)
    known = [column for column in after.table.columns() if column.name in terms]
    columns = [TermColumn(c.name, c.kind, [c.cells[i] for i in rows]) for c in known]
    try:
        design = columns_of_terms(columns, [after.table.maps[i] for i in rows])
    except ValueError:
        return changes  # the model itself will say what is wrong with it
    for _, expression in after.contrast.listed:
        try:
            contrast_vector(expression, list(design.columns))
        except ValueError:
            return changes | _asked(terms, default_contrast(after))
    return changes
