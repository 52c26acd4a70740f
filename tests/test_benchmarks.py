"""Benchmarks run: each can be imported, and the table of speeds is made, at a size that says nothing of speed."""

import ast
import importlib
from pathlib import Path

import pytest

# What nilearn says of its own future, and of events that were drawn at random.
pytestmark = pytest.mark.filterwarnings("ignore")

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "benchmarks").glob("*.py"))


def of_the_repository(tree: ast.AST) -> list[tuple[str, str]]:
    """Modules and names that a script takes from this repository, in functions too."""
    taken = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    ours = [node for node in taken if node.module.partition(".")[0] in ("glmwidgets", "benchmarks", "tests")]
    return [(node.module, each.name) for node in ours for each in node.names]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_each_benchmark_finds_what_it_imports(path):
    if "playwright" in path.read_text("utf-8"):
        pytest.importorskip("playwright", reason="this benchmark needs a browser")
    importlib.import_module(f"benchmarks.{path.stem}")
    for module, name in of_the_repository(ast.parse(path.read_text("utf-8"))):
        found = importlib.import_module(module)
        assert hasattr(found, name) or importlib.util.find_spec(f"{module}.{name}"), f"{module} has no {name}"


def test_the_table_of_speeds_is_made(capsys, monkeypatch):
    from benchmarks import __main__ as speeds
    from benchmarks import table
    from benchmarks.runs import CHECK

    monkeypatch.setattr(table, "PAUSE", 0)
    speeds.report("check", CHECK, repeats=1)
    said = capsys.readouterr().out
    for row in ("HRF → z map, AR(1)", "smoothed series", "cold: file → z map", "import glmwidgets", "arma11, local"):
        assert row in said


def test_noise_models_are_timed_by_themselves(capsys, monkeypatch):
    from benchmarks import noise, table

    monkeypatch.setattr(table, "PAUSE", 0)
    noise.main(["--size", "check", "--repeats", "1"])
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("| noise model |")
    for row in ("ar1-reml, local", "arma11, local", "the choice by evidence"):
        assert any(line.startswith(f"| {row}") for line in said)


def test_a_study_is_timed(capsys):
    from benchmarks import study

    study.knob(2)
    study.whole(2, "small")
    said = capsys.readouterr().out
    for row in ("group map", "of ideal", "nilearn "):
        assert row in said
