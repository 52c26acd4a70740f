"""``glmwidgets clean``: nothing that a notebook gave is left in it, and nothing else is changed."""

import json
from pathlib import Path

import pytest

from glmwidgets.cli import main

ROOT = Path(__file__).parents[1]


@pytest.fixture
def ran(tmp_path):
    """A notebook that was run, and what is left of it once it is clean."""
    widgets = {"application/vnd.jupyter.widget-state+json": {"version_major": 2, "state": {"a": {}, "b": {}, "c": {}}}}
    output = {"output_type": "stream", "name": "stdout", "text": ["1\n"]}
    notebook = {
        "cells": [
            {"cell_type": "markdown", "id": "m", "metadata": {}, "source": ["# Größe\n"]},
            {
                "cell_type": "code",
                "execution_count": 4,
                "id": "c",
                "metadata": {"tags": ["x"], "execution": {"iopub.execute_input": "2026-01-01T00:00:00Z"}},
                "outputs": [output],
                "source": ["print(1)"],
            },
        ],
        "metadata": {"kernelspec": {"name": "python3"}, "widgets": widgets},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path = tmp_path / "lesson.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    left = json.loads(path.read_text(encoding="utf-8"))
    left["cells"][1] |= {"execution_count": None, "outputs": [], "metadata": {"tags": ["x"]}}
    del left["metadata"]["widgets"]
    return path, left


def test_outputs_counts_times_and_widget_state_are_gone_and_all_else_is_there(ran, capsys):
    path, left = ran
    assert main(["clean", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: removed outputs of 1 cell, times of 1 cell, state of 3 widgets\n"
    text = path.read_text(encoding="utf-8")
    assert json.loads(text) == left
    assert "Größe" in text
    assert main(["clean", "--check", str(path)]) == 0
    assert main(["clean", str(path)]) == 0
    assert path.read_text(encoding="utf-8") == text


def test_check_says_what_is_held_and_changes_nothing(ran, capsys):
    path, _ = ran
    before = path.read_bytes()
    assert main(["clean", str(path), "--check"]) == 1
    assert "holds outputs of 1 cell" in capsys.readouterr().err
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "text", ["x = 1\n", "[]", '{"worksheets": []}', '{"cells": [1]}', '{"cells": [], "metadata": 1}']
)
def test_what_is_no_notebook_is_refused_and_all_files_stay(ran, tmp_path, capsys, text):
    path, _ = ran
    other = tmp_path / "other.ipynb"
    other.write_text(text)
    before = path.read_bytes()
    assert main(["clean", str(path), str(other)]) == 2
    assert f"{other} is not a notebook" in capsys.readouterr().err
    assert (path.read_bytes(), other.read_text()) == (before, text)


def test_the_notebooks_of_the_repository_are_clean():
    assert main(["clean", "--check", *map(str, sorted((ROOT / "notebooks").glob("*.ipynb")))]) == 0
