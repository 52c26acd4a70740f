"""The package as a whole: what importing it costs, where its version stands, what an installation holds."""

import importlib
import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import glmwidgets

ROOT = Path(__file__).parents[1]


def _modules_after(code):
    """Names of all modules that a fresh interpreter has loaded after some code."""
    code += "\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


HEAVY = {"numpy", "scipy", "pandas", "nibabel", "traitlets", "joblib", "matplotlib", "ipywidgets", "bqplot", "IPython"}


@pytest.mark.parametrize("code", ["import glmwidgets", "import glmwidgets.cli", "import glmwidgets; dir(glmwidgets)"])
def test_importing_the_package_imports_nothing_heavy(code):
    assert not _modules_after(code) & HEAVY


def test_the_command_line_needs_no_package_of_the_lab_extra():
    loaded = _modules_after("import glmwidgets.cli.fit, glmwidgets.cli.lab")
    assert not loaded & {"matplotlib", "ipywidgets", "bqplot", "anywidget", "IPython", "jupyterlab"}


def test_nothing_of_the_package_loads_the_reference_that_it_is_tested_against():
    loaded = _modules_after(
        "import glmwidgets.cli.fit, glmwidgets.models, glmwidgets.datasets, glmwidgets.session.single.session"
    )
    assert not loaded & {"nilearn", "sklearn"}


@pytest.mark.parametrize("name", glmwidgets.__all__)
def test_every_public_name_can_be_had(name):
    if name == "explore":
        pytest.importorskip("ipywidgets")
        pytest.importorskip("bqplot")
    assert getattr(glmwidgets, name) is not None
    assert name in dir(glmwidgets)


def test_what_takes_results_further_can_be_had_from_the_top():
    further = {"find_run", "write_script", "write_result", "save_glm_to_bids", "read_stats_model", "SecondLevelModel"}
    assert further <= set(glmwidgets.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'glmwidgets' has no attribute 'explode'"):
        _ = glmwidgets.explode


def test_the_version_stands_in_one_place():
    assert importlib.metadata.version("glmwidgets") == glmwidgets.__version__
    pyproject = (ROOT / "pyproject.toml").read_text()
    assert 'dynamic = ["version"]' in pyproject
    assert glmwidgets.__version__ not in pyproject.partition("[tool.ruff]")[0].replace(">=", "")


def test_an_installed_wheel_carries_the_tour_the_types_marker_and_the_front_end():
    distribution = importlib.metadata.distribution("glmwidgets")
    if json.loads(distribution.read_text("direct_url.json") or "{}").get("dir_info", {}).get("editable"):
        pytest.skip("the installation is an editable one: it reads the checkout")
    held = {str(path) for path in distribution.files}
    front_end = {str(p.relative_to(ROOT)) for p in (ROOT / "glmwidgets").rglob("*") if p.suffix in (".js", ".css")}
    assert {"glmwidgets/notebooks/00_tour.ipynb", "glmwidgets/py.typed"} | front_end <= held


def test_the_tour_starts_with_the_cell_that_shows_the_explorer():
    first = json.loads((ROOT / "notebooks" / "00_tour.ipynb").read_text(encoding="utf-8"))["cells"][0]
    assert first["cell_type"] == "code"
    assert "gw.explore(" in "".join(first["source"])


@pytest.mark.parametrize("marker", ["demo command", "test command"])
def test_the_commands_of_the_readme_stand_between_markers(marker):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(rf"<!-- {marker} -->\n```sh\n(python -m pip install .+)\n```\n<!-- end -->", readme)
    assert block
    assert "\n" not in block[1]


def test_folders_of_tests_are_those_of_the_package():
    tests = Path(__file__).parent
    package = Path(glmwidgets.__file__).parent
    rooms = {file.parent.relative_to(tests) for file in tests.rglob("test_*.py")} - {Path("browser")}
    assert [str(room) for room in rooms if not (package / room).is_dir()] == []


def test_names_that_moved_are_where_the_list_says():
    lines = (ROOT / "docs" / "moved.tsv").read_text().splitlines()
    new = {line.split("\t")[1] for line in lines if "\t" in line}
    assert len(new) > 500
    assert [name for name in sorted(new) if not _is_there(name)] == []


def _is_there(name):
    """Whether a dotted name is a module, or what can be reached from one."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:n]))
        except ModuleNotFoundError:
            continue
        return all((found := getattr(found, part, None)) is not None for part in parts[n:])
    return False
