"""What panels take from the engine: tables of choices, and how its errors are told."""

import ast
import importlib
from collections.abc import Mapping
from pathlib import Path

import pytest

pytest.importorskip("ipywidgets")

import glmwidgets.panels

# Reads a table whose names are families, such as those of "ar3".
LOOK_UPS = {"noise_model_row"}


def names_from_the_engine(path):
    """Names that a file imports from the engine when it runs, with their modules."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            node.body = []
    return {
        (node.module, name.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("glmwidgets.glm")
        for name in node.names
    }


def test_panels_take_tables_of_choices_from_the_engine_and_nothing_else():
    files = Path(glmwidgets.panels.__file__).parent.rglob("*.py")
    taken = {(path.stem, *one) for path in files for one in names_from_the_engine(path)}
    assert taken  # or it would look in the wrong place
    others = {
        (stem, module, name)
        for stem, module, name in taken
        if module not in ("glmwidgets.glm.errors", "glmwidgets.glm.choices")
        and name not in LOOK_UPS
        and not isinstance(getattr(importlib.import_module(module), name), Mapping)
    }
    assert others == set()
