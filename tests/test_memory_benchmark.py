"""The benchmark of memory runs, at a size that says nothing about memory."""

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "memory.py"


@pytest.fixture(scope="module")
def benchmark():
    """The script as a module; benchmarks are part of the repository, not of the package."""
    if not SCRIPT.is_file():
        pytest.skip(f"{SCRIPT} is not there: run the tests from a checkout of the repository")
    spec = importlib.util.spec_from_file_location("benchmark_of_memory", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def folder(benchmark, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    benchmark.make_run(folder, benchmark.SIZES["check"])
    return folder


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        (
            "session, 5 mm",
            {
                "file → first map and clusters",
                "a new response → whole brain and clusters",
                "fit and contrast alone",
                "then smoothing",
            },
        ),
        ("FirstLevelModel", {"file → z"}),
        (
            "2",
            {"files → series", "maps of all runs, and their fixed effects", "another contrast of all runs"},
        ),
    ],
)
def test_each_analysis_runs_in_a_process_of_its_own(benchmark, folder, kind, steps):
    found = benchmark.measured(kind, folder)
    assert set(found["seconds"]) == {"imports", *steps}
    assert min(found["seconds"].values()) > 0
    assert 50e6 < found["peak"] < 2e9
