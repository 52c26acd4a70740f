"""What explorers of a run, of runs and of a group have in common, without a browser."""

import json
import warnings

import nibabel as nib
import numpy as np
import pytest

pytest.importorskip("anywidget")

from glmwidgets.panels.explore import explore
from glmwidgets.panels.group.explorer import explore_group
from glmwidgets.panels.run.explorer import Explorer
from glmwidgets.panels.runs.explorer import RunsExplorer
from glmwidgets.panels.runs.fixed import FixedExplorer
from glmwidgets.report.exports.bids_derivatives import save_glm_to_bids
from glmwidgets.report.exports.folder import write_result
from glmwidgets.report.exports.script import write_script
from glmwidgets.report.exports.stats_model import write_stats_model
from glmwidgets.report.page.html import session_report
from glmwidgets.session.core.waiting import NoResult
from glmwidgets.session.several.runs import RunSet
from glmwidgets.specification.encoding import begun_with
from glmwidgets.specification.tree import SettingsError

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
        assert explorer.session.wait_until_idle(60)
    else:
        runs = RunSet(request.getfixturevalue("two_runs"), {"noise.model": "ols"}, synchronous=True)
        explorer = RunsExplorer(runs)
        if request.param == "fixed":
            explorer = explorer.go_to(2)
    yield explorer, KINDS[request.param]
    explorer.close()


def test_it_is_saved_whole_and_says_so(opened, tmp_path):
    explorer, holds = opened
    lacks, opens = ("the maps", "explore_group") if holds == "group" else ("bold and mask", "explore")
    with pytest.warns(UserWarning, match=rf"memory: {lacks}; .* glmwidgets\.{opens}\.load\('session\.json', \.\.\.\)"):
        path = explorer.save(tmp_path / "session.json")
    assert json.loads(path.read_text())["holds"] == holds
    shown = explorer.shown if isinstance(explorer, RunsExplorer) else explorer
    assert "saved session.json" in shown._status.note.value
    assert f"in memory: {lacks}; give that again" in shown._status.note.value


def test_what_failed_is_neither_scripted_nor_reported_in_silence(opened, tmp_path):
    explorer, holds = opened
    session = explorer.session
    with pytest.raises(SettingsError, match=r"noise\.modle"):
        session.update({"noise.modle": "ols"})
    if hasattr(session.settings, "inputs"):
        path = "inputs.maps" if holds == "group" else "inputs.t_r"
        with pytest.raises(
            SettingsError, match=rf"{path}: belongs to the data that are open; open the data again with the new value"
        ):
            session.update({path: ("a.nii",) if holds == "group" else 3.0})
    session.update({"contrast.expression": "no_such_event"})
    assert session.wait_until_idle(60)
    assert session.status.state == "error"
    refused = [
        lambda path: explorer.script(path / "analysis.py"),
        lambda path: explorer.report(path / "report.html"),
        lambda path: explorer.save_html(path / "alive.html"),
        lambda path: write_result(path / "maps", explorer, session.result, session.clusters),
        lambda path: write_result(path / "maps", session, session.result, session.clusters),
    ]
    if holds == "run":
        refused += [
            lambda path: write_script(explorer, path / "analysis.py"),
            lambda path: write_stats_model(path / "model.json", session),
            lambda path: session_report(session).save_as_html(path / "report.html"),
        ]
        refused += [lambda path, of=of: save_glm_to_bids(of, out_dir=path / "bids") for of in (explorer, session)]
    shown = explorer.shown if isinstance(explorer, RunsExplorer) else explorer
    kept = {
        name: kind
        for name, kind in shown.keeping.items()
        if name not in ("session", "code", "regions", "signal_change")
    }
    refused += [lambda path, of=of: shown.keep(of[0], path / f"kept{of[1].ending}") for of in kept.items()]
    for write in refused:
        with pytest.raises(NoResult, match=r"the current settings have no result: .*no_such_event"):
            write(tmp_path)
    assert list(tmp_path.iterdir()) == []
    session.undo()
    assert explorer.subject.current_result() is session.result
    assert explorer.script(tmp_path / "analysis.py").exists()


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


def test_its_state_is_a_text_with_which_another_begins(run):
    changes = {"design.hrf_model": "glover", "noise.model": "ols", "contrast.expression": "house", "map.opacity": 0.5}
    explorer = explore(run.img, run.events, 2.0, mask=run.mask_img, settings=changes)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # a state gives every setting, and none of them is news
        other = explore(run.img, run.events, 2.0, mask=run.mask_img, state=explorer.state)
    third = explore(run.img, run.events, 2.0, mask=run.mask_img, state=explorer.state, settings={"noise.model": "ar1"})
    try:
        assert other.session.settings == explorer.session.settings
        assert third.session.settings.changes_from(other.session.settings) == {"noise.model": ("ols", "ar1")}
        assert len(explorer.state) < 300
        with pytest.raises(ValueError, match="state and settings= describe the same thing"):
            explore(run.img, run.events, 2.0, state=explorer.state, settings=explorer.session.settings)
    finally:
        for each in (explorer, other, third):
            each.close()


def test_runs_begin_with_the_state_of_runs(two_runs):
    runs = RunSet(two_runs, {"noise.model": "ols", "design.hrf_model": "glover"}, synchronous=True)
    explorer = RunsExplorer(runs)
    again = RunSet(two_runs, begun_with(explorer.state), synchronous=True)
    assert again.shared == runs.shared
    explorer.close()


def test_a_group_begins_with_the_state_of_a_group():
    maps = noise_maps()
    explorer = explore_group(maps, settings={"data.smoothing_fwhm": 2.0, "threshold.alpha": 0.01})
    other = explore_group(maps, state=explorer.state)
    assert other.session.settings == explorer.session.settings
    explorer.close()
    other.close()


def test_who_has_the_room_is_a_setting_that_undo_takes_back(session):
    explorer = Explorer(session)
    frame = explorer.frame
    frame.room = "map"
    frame.height = 0.3
    assert (session.settings.map.room, session.settings.series.height) == ("map", 0.3)
    session.undo()
    session.undo()
    assert (frame.room, frame.height) == ("shared", None)
    explorer.close()


@pytest.mark.parametrize(
    ("name", "path"),
    [("contrast", "contrast.expression"), ("hrf_model", "design.hrf_model"), ("alpha", "threshold.alpha")],
)
def test_a_setting_among_the_arguments_is_said_to_be_one(name, path):
    with pytest.raises(TypeError, match=rf"{name}= is a setting: give settings=\{{'{path}': 'x'\}}"):
        explore(None, **{name: "x"})
