"""The explorers of several runs and of a group are found through, keyed and kept as that of one run."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

pytest.importorskip("ipywidgets")

from glmwidgets.panels.group.explorer import GroupExplorer
from glmwidgets.panels.runs.explorer import RunsExplorer
from glmwidgets.session.group.data import open_group
from glmwidgets.session.group.session import GroupSession
from glmwidgets.session.several.runs import RunSet


@pytest.fixture
def runs(two_runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = RunsExplorer(RunSet(two_runs, {"threshold.alpha": 0.05}, synchronous=True))
    yield made
    made.close()


@pytest.fixture
def group(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    age = np.arange(20.0, 32.0)
    maps = []
    for years in age:
        values = rng.standard_normal((8, 8, 6)).astype(np.float32)
        values[2:5, 2:5, 2:4] += 1.5 + 0.3 * (years - age.mean())
        maps.append(nib.Nifti1Image(values, np.diag([3.0, 3, 3, 1])))
    given = open_group(maps, pd.DataFrame({"age": age}))
    made = GroupExplorer(GroupSession(given, {"threshold.alpha": 0.05}, synchronous=True))
    yield made
    made.close()


def test_keys_go_from_run_to_run(runs):
    first = runs.go_to(0)
    assert "Next run" in [row["label"] for row in first.guide.shortcuts]
    for place in (1, 2, 0):
        runs.shown._do("next run")
        assert runs.runs.shown == place
    runs.shown._do("previous run")
    assert runs.runs.shown == 2
    assert runs.shown.find("bonferroni")[0].key == 'threshold.height_control = "bonferroni"'
    assert runs.shown.find("do the runs agree")[0].key == "why heterogeneity"
    runs.shown.find("runs by their precision")[0].act()
    assert runs.runs.fixed.settings.runs.weighting == "precision"


def test_why_the_runs_agree(runs):
    fixed = runs.go_to(2)
    here = fixed.session.series().agreement
    assert f"Q = {here.q:.2f} with {here.dof} degrees of freedom" in fixed.why("heterogeneity")["here"]
    assert fixed.why("whiteness") == {}


def test_what_runs_keep(runs, tmp_path):
    pytest.importorskip("matplotlib")
    fixed = runs.go_to(2)
    assert "bids" not in fixed.keeping
    for name in ("sheet", "live_page", "session", "script", "maps", "table", "png", "methods", "code"):
        assert fixed.keep(name).exists(), name
    assert "fixed effects" in runs.save_html("open_tab.html").read_text(encoding="utf-8")
    assert "explorer.go_to(2)" in fixed.code


def test_what_a_group_keeps_and_finds(group, tmp_path):
    pytest.importorskip("matplotlib")
    for name in ("report", "sheet", "live_page", "session", "script", "maps", "table", "svg", "methods", "code"):
        assert group.keep(name).exists(), name
    assert "nilearn" not in group.keeping
    assert group.find("smooth more")[0].key == "more data.smoothing_fwhm"
    assert group.find("permutation test")[0].key == "panel permutation"
    assert group.why("threshold")["here"]
    assert group.code.count("explore_group(maps, design") == 1
