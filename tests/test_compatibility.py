"""nilearn's public names beside ours: a page of the documentation is made from `compatibility.tsv` and from signatures.

``python tests/test_compatibility.py`` writes the page anew.
"""

import csv
import importlib
import inspect
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from glmwidgets.report.figures.anatomy import plot_anat
from glmwidgets.report.figures.maps import plot_stat_map
from glmwidgets.report.figures.series import plot_events
from glmwidgets.report.figures.slices import SliceLook

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "compatibility.md"
MODULES = {
    "nilearn.glm.first_level": "Models of runs",
    "nilearn.glm.second_level": "Models of groups",
    "nilearn.glm": "Contrasts, thresholds, files",
    "nilearn.interfaces.bids": "BIDS",
    "nilearn.reporting": "Reports",
    "nilearn.image": "Images",
    "nilearn.masking": "Masks",
    "nilearn.maskers": "Maskers",
    "nilearn.plotting": "Figures",
}
# Functions that hand on what they do not name, and to whom.
HANDS_ON = {
    "plot_anat": [SliceLook],
    "plot_epi": [plot_anat, SliceLook],
    "plot_event": [plot_events],
    "plot_img": [plot_stat_map],
    "plot_roi": [SliceLook],
}
HEAD = """# The names of nilearn

Every public name of nilearn {version} for GLM, masks, images, figures and reports, with its counterpart here. This page
is made from a table in the tests and from the signatures of both: a test compares them argument by argument, default by
default. Arguments that only glmwidgets has are left out.

*Same*: all of nilearn's arguments, in its order, with its defaults. Numbers that differ on purpose are listed in
[How numbers are checked](numbers.md#where-we-differ-on-purpose).
"""


class Row(NamedTuple):
    module: str
    name: str
    status: str
    ours: str
    words: str


def read():
    with (HERE / "compatibility.tsv").open(encoding="utf-8", newline="") as file:
        return [Row(*line) for line in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)][1:]


ROWS = read()


def had(dotted):
    module, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(module), name)


def public(module):
    found = importlib.import_module(module)
    return [name for name in found.__all__ if not isinstance(getattr(found, name), ModuleType) or name == "cm"]


def arguments(called):
    return dict(inspect.signature(called).parameters)


def ours_of(row):
    """Our arguments, with those that are handed on."""
    mine = arguments(had(row.ours))
    for other in HANDS_ON.get(row.name, ()):
        mine = mine | {name: one for name, one in arguments(other).items() if name not in mine}
    return mine


def shown(default):
    if default is inspect.Parameter.empty:
        return "needed"
    return "the template" if "Template" in type(default).__name__ else f"`{default!r}`"


def differences(row):
    """What introspection finds: arguments that are not here, other defaults, another order."""
    kinds, mine = inspect.Parameter, ours_of(row)
    named = (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)
    theirs = arguments(had(f"{row.module}.{row.name}"))
    theirs = {name: one for name, one in theirs.items() if one.kind in named}
    absent = [name for name in theirs if name not in mine]
    found = [f"without {', '.join(f'`{name}`' for name in absent)}"] if absent else []
    for name, one in theirs.items():
        if name in mine and one.default is not mine[name].default and not _equal(one.default, mine[name].default):
            found.append(f"`{name}`: {shown(mine[name].default)}, there {shown(one.default)}")
    place = kinds.POSITIONAL_OR_KEYWORD
    by_place = [name for name, one in arguments(had(row.ours)).items() if one.kind is place and name in theirs]
    expected = [name for name, one in theirs.items() if one.kind is place and name not in absent]
    if by_place != expected[: len(by_place)]:
        found.append("another order of arguments")
    elif len(by_place) < len(expected):
        found.append(f"from `{expected[len(by_place)]}` on by name")
    return found


def _equal(one, other):
    return type(one) is not type and one == other and isinstance(one, bool) == isinstance(other, bool)


def page():
    import nilearn

    lines = [HEAD.format(version=nilearn.__version__)]
    for module, title in MODULES.items():
        lines += [f"## {title}: `{module}`", "", "| there | here | |", "|---|---|---|"]
        for row in (row for row in ROWS if row.module == module):
            if row.status == "not here":
                lines.append(f"| `{row.name}` | not here | {row.words} |")
                continue
            words = "; ".join([*filter(None, [row.words]), *differences(row)])
            lines.append(f"| `{row.name}` | `{row.ours}` | {'same' if row.status == 'same' else words} |")
        lines.append("")
    return "\n".join(lines)


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_has_one_row(module):
    assert sorted(row.name for row in ROWS if row.module == module) == sorted(public(module))


def _id(row):
    return f"{row.module}.{row.name}"


@pytest.mark.parametrize("row", [row for row in ROWS if row.status == "same"], ids=_id)
def test_what_is_the_same_has_the_same_signature(row):
    assert differences(row) == []
    assert row.words == ""


@pytest.mark.parametrize("row", [row for row in ROWS if row.status == "differs"], ids=_id)
def test_what_differs_is_here_and_says_how(row):
    assert callable(had(row.ours))
    assert row.words or differences(row)


@pytest.mark.parametrize("row", [row for row in ROWS if row.status == "not here"], ids=_id)
def test_what_is_not_here_is_at_no_door_and_says_why(row):
    assert row.words
    for room in ("glm", "images", "models", "report"):
        assert row.name not in importlib.import_module(f"glmwidgets.{room}").__all__


def test_the_page_is_that_of_the_table():
    assert PAGE.read_text(encoding="utf-8") == page(), "python tests/test_compatibility.py writes the page anew"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
