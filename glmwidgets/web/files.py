"""The front-end files as texts, each script joined with what it imports.

A widget's code crosses to the page as one module, and nobody shall need a build step. So a script imports from the
files beside it in plain JavaScript, which editors, linters and node understand, and they are joined when it is read.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from glmwidgets.web.palettes import css_variables

PANELS = ("layout.css", "panels.css", "guide.css", "access.css", "study.css")
"""Style sheets of the explorers, in the order in which they are read: of two equal rules the later one counts."""

_HERE = Path(__file__).parent
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w.]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=const|let|function|class|async)", re.MULTILINE)


def style(*names: str) -> str:
    """Text of style sheets of this room, for instance ``"slider.css"``, with the palette that they name."""
    return css_variables() + "".join(map(_read, names))


@cache
def script(name: str) -> str:
    """One module made of a script of this room and of all that it imports, each once and before what uses it.

    Files that are joined share one scope: their top-level names differ, and are imported under their own names.

    Parameters
    ----------
    name : str
        For instance ``"slices.js"``.

    Returns
    -------
    str

    Examples
    --------
    >>> script("slices.js").count("function planeOf("), "import {" in script("slices.js")
    (1, False)
    """
    joined: dict[str, str] = {}

    def join(name: str) -> None:
        if name in joined:
            return
        text = _read(name)
        for names, other in _IMPORT.findall(text):
            if " as " in names:
                raise ValueError(f"{name}: imports from {other} keep their names, for the files are joined")
            join(other)
        joined[name] = _EXPORT.sub("", _IMPORT.sub("", text))

    join(name)
    return "\n".join(joined.values())


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
