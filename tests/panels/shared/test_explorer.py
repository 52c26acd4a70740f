"""What explorers of a run, of runs and of a group have in common, without a browser."""

import json

import nibabel as nib
import numpy as np
import pytest

pytest.importorskip("anywidget")

from glmwidgets.panels.group.explorer import explore_group
from glmwidgets.panels.run.explorer import Explorer
from glmwidgets.panels.runs.explorer import RunsExplorer
from glmwidgets.panels.runs.fixed import FixedExplorer
from glmwidgets.session.several.runs import RunSet

KINDS = {"run": "run", "runs": "runs", "fixed": "runs", "group": "group"}


def noise_maps():
    rng = np.random.default_rng(0)
    return [nib.Nifti1Image(rng.standard_normal((6, 6, 6)), np.eye(4)) for _ in range(8)]


@pytest.fixture(params=KINDS)
def opened(request):
    """An explorer of each kind, and what its file holds."""
    if request.param == "run":
        explorer = Explorer(request.getfixturevalue("session"))
    elif request.param == "group":
        explorer = explore_group(noise_maps())
    else:
        runs = RunSet(request.getfixturevalue("two_runs"), {"noise.model": "ols"}, synchronous=True)
        explorer = RunsExplorer(runs)
        if request.param == "fixed":
            explorer = explorer.go_to(2)
    yield explorer, KINDS[request.param]
    explorer.close()


def test_it_is_saved_whole_and_says_so(opened, tmp_path):
    explorer, holds = opened
    path = explorer.save(tmp_path / "session.json")
    assert json.loads(path.read_text())["holds"] == holds
    shown = explorer.shown if isinstance(explorer, RunsExplorer) else explorer
    assert "saved session.json" in shown._status.note.value
    assert ("in memory: bold and mask; give that again" in shown._status.note.value) == (holds != "group")


def test_only_a_run_is_written_in_nilearns_words(opened, tmp_path):
    explorer, holds = opened
    if holds == "run":
        assert "nilearn" in explorer.script(tmp_path / "one.py", "nilearn").read_text()
    else:
        with pytest.raises(ValueError, match="is written with glmwidgets only"):
            explorer.script(tmp_path / "one.py", "nilearn")


def test_undo_and_redo_are_buttons_of_every_tab(opened):
    explorer, _ = opened
    one = explorer.shown if isinstance(explorer, RunsExplorer) else explorer
    before = one.session.settings.threshold.alpha
    one.session.update({"threshold.alpha": 0.02})
    one.undo.click()
    assert one.session.settings.threshold.alpha == before
    one.redo.click()
    assert one.session.settings.threshold.alpha == 0.02


def test_the_fixed_effects_go_to_the_file_of_all_runs(two_runs):
    runs = RunsExplorer(RunSet(two_runs, {"noise.model": "ols"}, synchronous=True))
    fixed = runs.go_to(2)
    assert isinstance(fixed, FixedExplorer)
    assert fixed.subject is runs.subject is runs.runs
    runs.close()
