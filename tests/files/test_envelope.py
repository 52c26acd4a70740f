"""The head of our own files: written and read in one way, and told apart in words."""

import json

import pytest

from glmwidgets.files.envelope import enveloped, opened, read_session, session_text
from glmwidgets.specification.group import GroupSettings
from glmwidgets.specification.settings import Settings


def test_settings_of_another_kind_are_named(tmp_path):
    with pytest.raises(ValueError, match="x is not a settings file: it is a settings file of a group"):
        Settings.from_json(GroupSettings().to_json(), "x")
    with pytest.raises(ValueError, match="x is not a settings file: it is a saved session"):
        Settings.from_json(session_text("run", {}), "x")
    with pytest.raises(ValueError, match='x is not a settings file: it has no "format": "glmwidgets settings"'):
        Settings.from_json("[]", "x")
    with pytest.raises(ValueError, match="x is of version 9; this program reads version 1"):
        Settings.from_json('{"format": "glmwidgets settings", "version": 9}', "x")


def test_names_that_are_no_text_come_back():
    """A file name that is not UTF-8 has lone surrogates in Python."""
    tree = {"bold": "/data/\udce9.nii"}
    text = enveloped("glmwidgets demo", tree).encode("utf-8", "surrogatepass")
    assert opened(text, "glmwidgets demo", "x") == tree


@pytest.mark.parametrize(
    ("form", "holds"),
    [
        ("glmwidgets session", "run"),
        ("glmwidgets session of runs", "runs"),
        ("glmwidgets group session", "group"),
    ],
)
def test_sessions_of_version_1_hold_what_their_format_said(tmp_path, form, holds):
    path = tmp_path / "session.json"
    path.write_text(json.dumps({"format": form, "version": 1, "cursor": [1, 2, 3]}))
    found, tree = read_session(path, "run", "runs", "group")
    assert (found, dict(tree.items())) == (holds, {"cursor": [1, 2, 3]})


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ({"holds": "group"}, r"is a saved session of a group, which glmwidgets\.explore_group\.load opens"),
        ({"holds": "runs"}, r"is a saved session of several runs, which glmwidgets\.explore\.load opens"),
        ({"holds": "study"}, "it holds 'study', and not one of run, runs, group"),
        ({}, "it holds None"),
        ({"version": 3}, "is of version 3; this program reads version 1 and 2"),
        ({"format": "glmwidgets group session", "version": 2}, "is of version 2; this program reads version 1"),
        ({"format": "glmwidgets settings", "version": 1}, "is not a saved session: it is a settings file"),
        ({"format": ["x"]}, 'is not a saved session: it has no "format"'),
    ],
)
def test_what_is_no_session_of_one_run_says_what_it_is(tmp_path, head, said):
    path = tmp_path / "session.json"
    path.write_text(json.dumps({"format": "glmwidgets session", "version": 2, **head}))
    with pytest.raises(ValueError, match=said):
        read_session(path, "run")


def test_a_page_is_no_session(tmp_path):
    (tmp_path / "alive.html").write_text("<!DOCTYPE html>")
    with pytest.raises(ValueError, match="is a web page, not a saved session"):
        read_session(tmp_path / "alive.html", "run")
