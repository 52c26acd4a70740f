"""Which plots are ours and which are bqplot's, as the documentation says."""

import re
from pathlib import Path

import pytest

import glmwidgets.panels

DRAWN = [
    path
    for path in sorted(Path(glmwidgets.panels.__file__).parent.rglob("*.py"))
    if "import plot as bq" in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("path", DRAWN, ids=lambda path: path.stem)
def test_what_moves_with_the_crosshair_is_drawn_by_bqplot_only_where_it_is_picked_in(path):
    text = path.read_text(encoding="utf-8")
    follows = re.search(r'observe_locked\([^)]*"cursor"', text)
    assert not follows or "on_element_click" in text or path.stem == "compare"  # whose dots stand still
