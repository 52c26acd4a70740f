"""What a page says is heard only where it can be what it should be."""

import pytest

pytest.importorskip("ipywidgets")

from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.page_messages import below, heard, is_flag, is_text


@pytest.mark.parametrize(
    ("content", "is_heard"),
    [
        ({"kind": "edit", "row": 1, "text": "a", "value": True}, True),
        ({"kind": "pick", "row": 1, "text": "a", "value": True}, False),
        ({"kind": "edit", "row": 2, "text": "a", "value": True}, False),
        ({"kind": "edit", "row": -1, "text": "a", "value": True}, False),
        ({"kind": "edit", "row": True, "text": "a", "value": True}, False),
        ({"kind": "edit", "row": 1, "text": 3, "value": True}, False),
        ({"kind": "edit", "row": 1, "text": "a", "value": 1}, False),
        ({"kind": "edit", "row": 1}, False),
        ({}, False),
    ],
)
def test_only_what_passes_every_check_is_heard(content, is_heard):
    widget, said = W.HTML(), []
    heard(widget, "edit", lambda *words: said.append(words), row=below(lambda: 2), text=is_text, value=is_flag)
    widget._handle_custom_msg(content, [])
    assert said == ([(1, "a", True)] if is_heard else [])


def test_a_row_of_widgets_is_under_every_name_of_the_style_sheet_it_is_given():
    words = W.HTML()
    assert W.row("glmw-bar glmw-wide", words).children == (words,)
    assert W.column("glmw-bar glmw-wide", words)._dom_classes == ("glmw-bar", "glmw-wide")
