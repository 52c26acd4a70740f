"""The study explorer without a browser: a control moves a setting, a setting moves every view."""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from scipy.stats import ttest_1samp

from glmwidgets.datasets import write_study
from glmwidgets.glm.inference.scores import z_from_t
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.shared.commands import find
from glmwidgets.panels.study import StudyExplorer, explore_study
from glmwidgets.report.page.runs import study_session_report
from glmwidgets.session.core.reasons import REASONS
from glmwidgets.session.study import StudySession, WholeRuns
from glmwidgets.specification.field import SettingsError
from glmwidgets.study import Study
from glmwidgets.study.whole import MASK, map_name

N = 6


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    root = write_study(tmp_path_factory.mktemp("bids"), N, {2: "spike"}, shape=(18, 22, 17), n_scans=60)
    study = Study.of(root, tmp_path_factory.mktemp("study"))
    study.build_previews()
    study.save()
    return study


@pytest.fixture
def explorer(study):
    explorer = StudyExplorer(StudySession(study, synchronous=True))
    yield explorer
    explorer.close()


def levels(explorer):
    return np.frombuffer(explorer.wall.wall.levels, np.int8).reshape(N, -1)


def test_the_wall_has_each_run_s_map(explorer):
    answer = explorer.session.answer
    for i in range(N):
        expected = np.clip(np.rint(answer.z(i) * 10), -127, 127)
        shown = levels(explorer)[i]
        np.testing.assert_array_equal(shown[shown != -128], expected)
    before = levels(explorer).copy()
    explorer.model.controls["design.hrf_model"].value = "glover"
    assert not np.array_equal(levels(explorer), before)


def test_a_run_that_is_picked_is_marked_in_every_view(explorer):
    explorer.session.pick(3)
    assert (explorer.wall.wall.here, explorer.figures.strips.here, explorer.runs.table.here) == (3, 3, 3)
    explorer.figures.strips.brushed = [1, 4]
    assert explorer.session.brushed == (1, 4)
    assert explorer.wall.wall.brushed == [1, 4]
    assert explorer.runs.table.picked == [1, 4]


def test_what_is_marked_is_marked_everywhere_until_one_run_is_picked(explorer):
    for marked in ([4], [1, 4], []):
        explorer.figures.strips.brushed = marked
        assert explorer.wall.wall.brushed == explorer.runs.table.picked == marked
        assert explorer.session.picked == -1
    explorer.figures.strips.brushed = [1, 4]
    explorer.runs.table.picked = [3]
    assert (explorer.session.picked, explorer.session.brushed) == (3, ())
    assert explorer.runs.table.here == 3
    assert explorer.wall.wall.brushed == explorer.figures.strips.brushed == []


def test_the_wall_has_the_order_of_the_table_and_its_filter(explorer):
    runs, values = explorer.runs, explorer.session.figures.values["tsnr"].to_numpy()
    at = [column["label"] for column in runs.table.columns].index("tsnr")
    with runs.table.hold_sync():
        runs.table.sorted, runs.table.falling = at, True
    assert explorer.wall.wall.order == list(np.argsort(-values, kind="stable"))
    median = float(np.median(values))
    runs.filter.value = f"tsnr gt {median}"
    assert explorer.wall.wall.order == [i for i in np.argsort(-values) if values[i] > median]
    assert runs._said.value.startswith("3 of 6 runs shown.")
    runs.filter.value = "tsnnr gt 3"
    assert "names an unknown figure, &#x27;tsnnr&#x27;" in runs._said.value
    assert "tsnr" in runs._said.value
    assert len(runs.table.rows) == N


def test_runs_that_cannot_answer_are_counted_where_those_that_are_left_out_are(explorer):
    session = explorer.session
    session.decide([1], "drop", "asleep")
    mute = list(session.answer.why_not)
    mute[3] = "it has no event of this type"
    session.answer = replace(session.answer, why_not=tuple(mute))
    session.reasons = session._reasons()
    assert sum(map(bool, session.reasons)) == 2
    said = explorer.runs._said.value
    assert said == "1 of 6 runs left out: 1 by hand: asleep; 1 further run cannot answer the contrast"


def test_the_table_has_the_figures_that_are_chosen_and_known(explorer):
    labels = [column["label"] for column in explorer.runs.table.columns]
    assert "map_r" in labels
    assert "not_white" not in labels  # of whole runs, which are not fitted
    explorer.runs.columns.value = ["dvars"]
    assert [column["label"] for column in explorer.runs.table.columns] == ["run", "dvars", "decision"]


def test_the_table_tells_decisions_that_leave_a_run_in(explorer):
    explorer.session.decide([1], "look", "odd stripe", "AB")
    explorer.session.decide([2], "drop")
    last = [row["cells"][-1] for row in explorer.runs.table.rows]
    assert last == ["", "look again (AB): odd stripe", "by hand", "", "", ""]


def test_a_rule_is_added_by_enter(explorer):
    rule = explorer.decisions.rule
    rule.value = "tsnr lt 0"
    rule._handle_custom_msg({"event": "submit"}, [])
    assert explorer.session.settings.study.rules == ("tsnr lt 0",)
    assert rule.value == ""
    rule.value = "fd_men ge 0.5"
    rule._handle_custom_msg({"event": "submit"}, [])
    assert "did you mean fd_mean" in explorer.session.status.message
    assert rule.value == "fd_men ge 0.5"


def test_colours_of_the_wall_end_where_those_of_the_large_map_do(explorer):
    assert (of_z := explorer.wall.wall.full) == explorer.map.viewer.vmax
    explorer.session.update({"map.limit": 3.0})
    assert explorer.wall.wall.full == 3.0
    explorer.session.update({"map.limit": None, "map.statistic": "effect"})
    # Where that shows no z, they end where they would if it did, as in the report.
    assert explorer.wall.wall.full == of_z
    assert f"the colours end at ±{of_z:.1f}" in study_session_report(explorer.session).html
    result = explorer.session.result
    explorer.session.result = replace(result, z=result.z * 9 / np.abs(result.z).max())
    assert explorer.wall.wall.full == 9.0


def test_a_contrast_with_a_name_shows_it(explorer):
    panel = explorer.contrast
    explorer.session.update({"contrast.names": ("fh",), "contrast.expressions": ("faces - houses",)})
    explorer.session.update({"contrast.expression": "faces"})
    assert panel.name.value == "fh"
    assert W.is_shown(panel._of_list)
    assert not W.is_shown(panel.remove)
    panel.name.value = ""
    assert explorer.session.settings.contrast.listed == (("", "faces"),)


def test_a_run_that_is_picked_says_what_it_does_to_the_group_at_the_crosshair(explorer):
    session = explorer.session
    session.pick(3)
    said = explorer.decisions._words.value
    assert "At the crosshair the group&#x27;s effect is" in said
    assert "without participant 04" in said
    i, j, k = np.argwhere(session.result.domain.mask)[40]
    session.move_to((int(i), int(j), int(k)))
    assert explorer.decisions._words.value != said


def test_the_filter_takes_a_name_or_a_rule(explorer):
    explorer.runs.filter.value = "fd_max>1000"
    assert explorer.runs.table.rows == []
    explorer.runs.filter.value = "-03"
    assert [row["cells"][0] for row in explorer.runs.table.rows] == ["sub-03"]
    assert explorer.wall.wall.order == [2]
    usual = explorer.session.figures.values["tsnr"].median()
    explorer.runs.filter.value = f"tsnr ge {usual:.6f}"
    assert len(explorer.wall.wall.order) == 3
    explorer.runs.filter.value = "tsnr is 3"
    assert "comparison" in explorer.runs._said.value
    assert len(explorer.wall.wall.order) == N


def test_what_is_decided_is_of_all_marked_runs(explorer):
    explorer.session.brushed = (1, 4)
    explorer.decisions.comment.value, explorer.decisions.rater.value = "moved", "AB"
    explorer.decisions.drop.click()
    assert explorer.session.result.used == (0, 2, 3, 5)
    assert explorer.runs.table.rows[4]["out"]
    assert explorer.figures.strips.out == [1, 4]
    explorer.decisions.rule.value = "tsnr gt 0"
    explorer.decisions.add.click()
    assert "two participants" in explorer.session.status.message
    explorer.decisions._rules.children[0].children[1].click()
    assert explorer.session.result.used == (0, 2, 3, 5)


def test_a_run_is_opened_under_the_model_and_gives_its_own_back(explorer):
    explorer.session.update({"noise.model": "ols"})
    run = explorer.open_run(2)
    assert run.session.settings.noise.model == "ols"
    run.session.update({"design.hrf_model": "glover"})
    assert explorer.take_model()
    assert explorer.opened is None
    assert explorer.session.settings.design.hrf_model == "glover"


def test_a_run_is_opened_where_the_study_is_looked_at(explorer):
    session = explorer.session
    for cell in (session.cursor, tuple(int(c) for c in np.argwhere(session.result.mask)[7])):
        session.move_to(cell)
        run = explorer.open_run(2)
        assert run.session.wait_until_idle(60)
        assert run.session.result is not None
        # At the voxel whose centre is the nearest to the middle of the study's cell.
        size = np.linalg.norm(run.session.affine[:3, :3], axis=0)
        assert np.all(np.abs(run.session.mm() - session.mm()) <= size / 2 + 1e-6)
        assert run.map.viewer.cursor == run.session.cursor
        explorer.back()
        assert session.cursor == cell


def test_a_folder_that_was_saved_is_opened(study):
    explorer = explore_study(study.folder)
    assert explorer.session.wait_until_idle(60)
    assert f"{N} in the group" in explorer._top.value
    assert repr(explorer).startswith("<StudyExplorer of ")
    explorer.close()


def test_a_study_is_opened_again_with_its_decisions(study):
    """Which are in the table before any run is fitted, too."""
    session = StudySession(study, synchronous=True)
    session.refresh()
    session.decide([1], "drop", "asleep", "AB")
    session.decide([2], "keep")
    session.save()
    session.close()
    explorer = explore_study(study.folder)
    assert [row["cells"][-1] for row in explorer.runs.table.rows[1:3]] == ["by hand (AB): asleep", "kept by hand"]
    assert explorer.session.wait_until_idle(60)
    assert explorer.session.result.used == (0, 2, 3, 4, 5)
    explorer.session.decide([1, 2], None)
    explorer.save()
    explorer.close()


def test_all_that_the_menu_offers_can_be_kept(explorer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    explorer.session.decide([1], "drop", "asleep", "AB")
    with pytest.raises(SettingsError, match="fit whole runs first"):
        explorer.keep("group")
    assert not (tmp_path / "group").exists()
    explorer.session.fit_whole("here")
    for name in explorer.keeping:
        explorer.keep(name)
        assert explorer.session.status.message == "", name
    assert set(explorer.keeping) >= {"figures", "script", "maps", "table", "group"}
    assert {path.name for path in (tmp_path / "group").iterdir()} >= {"qc.tsv", "study.py"}
    assert len(list((tmp_path / "group").glob("*_stat-t_statmap.nii.gz"))) == len(explorer.session.as_set().contrasts)
    assert len(list((tmp_path / "derivative").glob("sub-*/*_stat-z_statmap.nii.gz"))) >= N
    lines = (tmp_path / "quality" / "exclusions.tsv").read_text().splitlines()
    assert [line.split("\t")[5] for line in lines[1:]] == ["yes", "no", "yes", "yes", "yes", "yes"]
    assert len((tmp_path / "quality" / "qc.tsv").read_text().splitlines()) == N + 1
    compile((tmp_path / "analysis.py").read_text(), "analysis.py", "exec")


def test_whole_runs_that_are_fitted_say_where_they_are(explorer, study):
    explorer.session.whole = WholeRuns(N, N - 1, "stopped")
    assert explorer.whole._words.value == "stopped"
    explorer.session.whole = WholeRuns(N, N, "all are fitted")
    said = explorer.whole._words.value
    assert "show previews" in said
    assert str(study.folder / "runs") in said
    assert str(study.store.folder) in said


def test_the_group_of_whole_runs_is_opened_once_they_are_fitted(explorer):
    """In the group explorer, whose numbers are those of a t test between the runs' whole maps: to 1e-6."""
    session = explorer.session
    session.update({"noise.model": "ols", "contrast.names": ("seen",), "contrast.expressions": ("faces - houses",)})
    session.update({"contrast.expression": "faces - houses"})
    session.decide([4], "drop")
    session.fit_whole("here")
    explorer.whole.group.click()
    group, study = explorer.opened, session.as_set()
    assert group.session.wait_until_idle(60)
    rows = [i for i, reason in enumerate(session.reasons) if not reason]
    assert 4 not in rows
    places = [study.store.path(study.key(i)) for i in rows]
    common = np.all([nib.load(place / MASK).get_fdata() > 0 for place in places], axis=0)
    effects = [nib.load(place / map_name("seen", "effect")).get_fdata()[common] for place in places]
    expected = z_from_t(ttest_1samp(effects, 0).statistic, len(rows) - 1)
    np.testing.assert_allclose(group.session.result.z, expected, rtol=1e-6, atol=1e-9)
    assert np.all(np.abs(group.session.mm() - session.mm()) <= np.linalg.norm(group.session.affine[:3, :3], axis=0) / 2)
    np.testing.assert_allclose(session.whole_group().z, expected, rtol=1e-6, atol=1e-9)
    explorer.back()
    assert explorer.opened is None


def test_the_group_of_whole_runs_is_refused_while_some_are_missing(explorer):
    explorer.session.whole = WholeRuns(N, 1, "stopped")
    explorer.session.update({"design.hrf_model": "mion"})
    explorer.whole.group.click()
    said = explorer.session.status.message
    assert "runs in the group are not fitted under this model" in said
    assert explorer.opened is None
    # It is said where it was asked for, and not beside the decisions.
    assert explorer.whole._error.value == said
    assert explorer.decisions._error.value == ""


def test_a_state_is_begun_with(explorer, study):
    explorer.session.update({"design.hrf_model": "glover", "threshold.alpha": 0.01})
    again = explore_study(study.folder, state=explorer.state)
    assert again.session.settings.design.hrf_model == "glover"
    assert again.session.settings.threshold.alpha == 0.01
    again.close()


def test_the_report_is_kept_with_what_is_on_screen(explorer, tmp_path):
    explorer.session.decide([2], "drop", "asleep", "AB")
    explorer.keeping["report"].write(explorer, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "by hand (AB): asleep" in page
    assert explorer.session.said() in page
    assert page.count('loading="lazy"') == N


def test_a_table_of_files_is_explored_too(study, tmp_path):
    runs = study.runs[:3]
    table = study.table.loc[:2, ["name", "subject", "bold"]]
    for name in ("events", "confounds", "mask"):
        table[name] = [getattr(run.inputs, name) for run in runs]
    table.to_csv(tmp_path / "runs.tsv", sep="\t", index=False)
    explorer = explore_study(tmp_path / "runs.tsv", tmp_path / "study", contrasts=["faces"])
    assert [run.name for run in explorer.session.study.runs] == ["sub-01", "sub-02", "sub-03"]
    explorer.close()
    with pytest.raises(ValueError, match="remove its rows there"):
        explore_study(tmp_path / "runs.tsv", tmp_path / "study", task="localizer")


def test_a_study_is_searched_by_its_own_words(explorer):
    words = {"noise": "noise.model", "smooth": "data.smoothing_fwhm", "threshold 3.5": "threshold.value = 3.5"}
    words |= {
        "wall": "panel wall",
        "quality": "panel runs",
        "exclude": "panel decisions",
        "drift": "design.drift_model",
    }
    assert [find(explorer, each)[0].key.startswith(key) for each, key in words.items()] == [True] * len(words)


def test_a_map_whose_group_is_gone_looks_so(explorer):
    explorer.session.update({"threshold.alpha": 0.05, "threshold.cluster_size": 1})
    rows, said = explorer.clusters.table.rows, explorer.clusters._head.value
    assert rows
    explorer.session.decide(range(N), "drop")
    assert explorer.session.status.message == "a group needs two participants or more, but none is in it"
    assert explorer.map.viewer.stale
    assert explorer.clusters.table.rows == []
    assert "cluster</" not in explorer.clusters._head.value
    assert "no result" in explorer.crosshair._values.value
    explorer.session.undo()
    assert not explorer.map.viewer.stale
    assert (explorer.clusters.table.rows, explorer.clusters._head.value) == (rows, said)


def test_a_run_is_found_by_its_name(explorer):
    explorer.session.decide([3], "drop", "asleep")
    found = find(explorer, "sub-04")[0]
    assert (found.title, found.kind, found.hint) == ("sub-04", "run", "by hand: asleep")
    found.act()
    assert explorer.session.picked == 3
    assert [each.title for each in find(explorer, "SUB-0")[:5] if each.kind == "run"] == [
        f"sub-0{i}" for i in range(1, 5)
    ]
    # What no run is called is looked for elsewhere, as are words without a number.
    assert {each.kind for words in ("threshold 3.5", "sub", "noise") for each in find(explorer, words)} & {
        "run"
    } == set()


def test_each_why_has_an_answer(explorer):
    for name in REASONS:
        assert set(explorer.why(name)) <= {"formula", "here", "change", "lesson"}


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"folder": "other"}, "stays in its own folder"),
        ({"task": "nonsense"}, "task chooses runs of a dataset, but .* is a study"),
        ({"tsk": "localizer"}, "explore_study has no argument 'tsk'; did you mean 'task'"),
        ({"contrasts": ["faces - hoses"]}, "no run can estimate the contrast 'faces - hoses': .*houses"),
    ],
)
def test_nothing_that_is_asked_beside_a_study_is_ignored(study, how, said):
    for given in (study, study.folder):
        with pytest.raises(ValueError, match=said):
            explore_study(given, **how)


def test_a_contrast_that_no_run_can_answer_begins_no_study(study, tmp_path):
    with pytest.raises(ValueError, match="no run can estimate the contrast 'faces - hoses'"):
        explore_study(study.origin, tmp_path / "new", contrasts=["faces - hoses"])
    assert not (tmp_path / "new").exists()
