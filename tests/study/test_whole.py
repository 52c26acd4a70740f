"""Whole runs: the same maps as the estimators', the same bits wherever they are made, and what is gathered of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from glmwidgets.analysis.answers import Fitted
from glmwidgets.execution import HereLane, work_through
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.fit.contrasts import compute_contrast
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.response.given_functions import hold_response
from glmwidgets.models import FirstLevelModel, SecondLevelModel
from glmwidgets.runs.domain import Domain
from glmwidgets.study import FIGURES, Exclusions, Study, parse_rule
from glmwidgets.study.whole import _write_contrast, kept_contrast, map_name

CONTRASTS = [("faces - houses", "faces - houses"), ("any", "faces; houses")]


@pytest.fixture(scope="module")
def whole(dataset, tmp_path_factory):
    """The study with three participants fitted, one of them in two runs, and one run that is damaged."""
    folder = tmp_path_factory.mktemp("whole")
    study = Study.of(dataset, folder, task="loc", contrasts=CONTRASTS, subjects=["01", "02", "03"])
    study.model = study.model.updated({"data.smoothing_fwhm": 8.0})
    assert study.run("here") == {}
    return study


def test_contrasts_are_checked_without_reading_an_image_or_hashing_a_file(dataset, tmp_path, monkeypatch):
    study = Study.of(dataset, tmp_path / "study", task="loc", contrasts=CONTRASTS)
    monkeypatch.setattr("glmwidgets.runs.reader.each_volume", None)
    study.check()
    with pytest.raises(InputError, match="no run can estimate the contrast 'none'"):
        study.with_model(study.model, [("none", "faces - cats")]).check()
    without = study.model.updated({"design.conditions": ("houses",)})
    with pytest.raises(InputError, match="the event type 'faces' is left out of the model"):
        study.with_model(without, [("none", "faces")]).check()
    monkeypatch.setattr("glmwidgets.study.contents._hashed", None)
    asked = []
    monkeypatch.setattr("glmwidgets.study.study.work_through", lambda tasks, *_: asked.extend(tasks) or [])
    study.run("here", rows=range(3))
    assert [task.name for task in asked] == ["0", "1", "2"]


def _files(study):
    return {p.relative_to(study.folder): p.read_bytes() for p in sorted((study.folder / "runs").rglob("*.*"))}


def test_the_group_equals_the_estimators(whole):
    gathered = whole.gather()
    assert gathered.said[0] == "0 of 4 runs left out"
    assert any("F contrast" in text for text in gathered.said)
    how = {"hrf_model": "spm", "convolution": "exact", "noise_model": "ar1-reml", "smoothing_fwhm": 8.0}
    models = []
    for subject in ("01", "02", "03"):
        runs = [run for run in whole.runs if run.subject == subject]
        model = FirstLevelModel(**how, t_r=2.0, subject_label=subject, n_jobs=1)
        models.append(model.fit([run.inputs.bold for run in runs], [run.inputs.events for run in runs]))
    group = whole.folder / "group"
    second = SecondLevelModel().fit(models)
    for stat, output in (("effect", "effect_size"), ("z", "z_score")):
        found = nib.load(group / f"group_contrast-facesMinusHouses_stat-{stat}_statmap.nii.gz").get_fdata()
        expected = second.compute_contrast("intercept", first_level_contrast="faces - houses", output_type=output)
        inside = (found != 0) & (expected.get_fdata() != 0)
        assert inside.sum() > 0.9 * (expected.get_fdata() != 0).sum()
        np.testing.assert_allclose(found[inside], expected.get_fdata()[inside], rtol=1e-9, atol=1e-9)


def test_processes_and_an_array_give_the_same_bits(whole, dataset, tmp_path):
    expected = _files(whole)
    for place in ("processes", "array"):
        other = Study(tmp_path / place, whole.runs[:2], whole.model, whole.contrasts)
        if place == "processes":
            assert other.run("processes", width=2) == {}
        else:
            other.save()
            env = {**os.environ, "SLURM_ARRAY_TASK_ID": "0"}
            command = [sys.executable, "-m", "glmwidgets", "study", "run", str(other.folder), "--per-task", "2"]
            done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
            assert done.stdout.splitlines() == [f"{run.name}: fitted" for run in other.runs]
        found = _files(other)
        assert found == {name: expected[name] for name in found}
        assert len(found) == 2 * len(expected) // 4
        assert other.done == [0, 1]


def test_what_is_there_is_not_done_again_and_another_model_is(whole):
    heard = []
    assert whole.run("here", heard=heard.append) == {}
    assert all(outcome.value["there"] for outcome in heard)
    assert whole.done == [0, 1, 2, 3]
    other = whole.with_model(whole.model.updated({"noise.model": "ols"}))
    assert other.done == []
    assert whole.with_model(whole.model, [("a", "faces")]).key(0) != whole.key(0)


def test_the_key_follows_the_contents_of_the_files(whole, tmp_path):
    inputs = whole.runs[1].inputs
    events = tmp_path / "events.tsv"
    events.write_bytes(Path(inputs.events).read_bytes())
    table = pd.DataFrame([{"bold": inputs.bold, "events": str(events), "t_r": inputs.t_r, "name": whole.runs[1].name}])
    copied = Study.of_table(table, tmp_path / "a", model=whole.model, contrasts=CONTRASTS)
    assert copied.key(0) == whole.key(1)
    os.utime(events, ns=(1, 1))
    assert copied.key(0) == whole.key(1)
    events.write_text(events.read_text().replace("faces", "spaces", 1))
    assert copied.key(0) != whole.key(1)


def test_a_run_that_fails_is_a_sentence(whole, tmp_path):
    damaged = tmp_path / "bad_bold.nii.gz"
    damaged.write_bytes(Path(whole.runs[0].inputs.bold).read_bytes()[:20_000])
    rows = [{"bold": r.inputs.bold, "events": r.inputs.events} for r in whole.runs[:2]]
    rows.append({"bold": str(damaged), "events": whole.runs[0].inputs.events})
    study = Study.of_table(pd.DataFrame(rows), tmp_path / "study", contrasts=["faces"])
    failed = study.run("here")
    assert list(failed) == [2]
    assert "bad_bold" in failed[2]
    assert study.done == [0, 1]


def test_what_others_cannot_know_is_refused(whole):
    held = hold_response(lambda t_r, oversampling: np.ones(20))
    with pytest.raises(InputError, match="Python function"):
        whole.with_model(whole.model.updated({"design.hrf_model": held})).run("here")
    with pytest.raises(InputError, match="one noise model"):
        whole.with_model(whole.model.updated({"noise.model": "evidence"})).run("here")


def test_rules_and_decisions_leave_runs_out(whole):
    whole.exclude(Exclusions().with_rule("map_r le 2 and n_scans lt 1").decided("sub-02", "drop", "asleep", "AB"))
    again = Study.open(whole.folder).exclusions
    assert [str(rule) for rule in again.rules] == ["map_r le 2 and n_scans lt 1"]
    gathered = whole.gather()
    assert gathered.said[0] == "1 of 4 runs left out: 1 by hand (AB): asleep"
    group = whole.folder / "group"
    table = pd.read_csv(group / "exclusions.tsv", sep="\t", dtype=str)
    assert table.set_index("name")["included"].to_dict() == {
        **dict.fromkeys(["sub-01", "sub-01_run-2", "sub-03"], "yes"),
        "sub-02": "no",
    }
    assert set(table["participant_id"]) == {"sub-01", "sub-02", "sub-03"}
    used = pd.read_csv(group / "group_contrast-facesMinusHouses_participants.tsv", sep="\t")
    assert used["participant_id"].tolist() == ["sub-01", "sub-03"]
    whole.exclude(again.decided("sub-02", "keep").with_rule("n_scans ge 1"))
    reasons = whole.exclusions.reasons([run.name for run in whole.runs], gathered.qc.values)
    assert reasons == ["n_scans ge 1", "n_scans ge 1", "", "n_scans ge 1"]
    whole.exclude(Exclusions())


def test_the_table_of_figures_stands_with_its_definitions(whole):
    whole.gather()
    table = pd.read_csv(whole.folder / "group" / "qc.tsv", sep="\t", na_values="n/a")
    sidecar = json.loads((whole.folder / "group" / "qc.json").read_text())
    assert set(FIGURES) <= set(table.columns)
    assert set(FIGURES) <= set(sidecar)
    assert table["not_white"].notna().all()
    assert table["dof"].tolist() == [whole.result(i)["figures"]["dof"] for i in range(4)]
    for key, row in FIGURES.items():
        assert sidecar[key]["Description"] == row.definition


def test_the_script_repeats_the_study(whole):
    gathered = whole.gather()
    (script,) = [path for path in gathered.files if path.suffix == ".py"]
    before = {path: path.read_bytes() for path in gathered.files if path.suffix != ".json"}
    text = script.read_text()
    names = {}
    exec(compile(text.partition("if __name__")[0], str(script), "exec"), names)
    again = Study.of_table(
        pd.DataFrame(names["RUNS"]),
        whole.folder,
        model=whole.model.from_dict({}).updated(names["MODEL"]),
        contrasts=names["CONTRASTS"],
    )
    assert again.done == [0, 1, 2, 3]
    again.gather()
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fd ge 0.5", "the rule 'fd ge 0.5' names an unknown figure, 'fd'; did you mean .*fd_mean"),
        ("fd_mean >== 0.5", "is not a rule"),
        ("fd_mean !0.5", "a comparison must be .* not '!'"),
        ("fd_mean ge half", "'half' in the rule"),
        ("fd_mean ge", "is not a rule"),
        ("__import__('os')", "is not a rule"),
        ("", "is not a rule"),
    ],
)
def test_a_rule_that_is_none_is_refused(text, said):
    with pytest.raises(InputError, match=said):
        parse_rule(text)


def test_a_task_of_an_interrupted_list_is_done_the_next_time(whole, tmp_path):
    study = Study(tmp_path, whole.runs[:2], whole.model, whole.contrasts)
    study.run("here", rows=[1])
    assert study.done == [1]
    assert study.run("here") == {}
    assert study.done == [0, 1]
    assert work_through([], [HereLane()]) == []


def test_a_contrast_is_kept_with_the_degrees_of_freedom_of_each_voxel(tmp_path):
    """Else its z would be of the median voxel's when runs are combined."""
    rng = np.random.default_rng(0)
    domain = Domain.of(nib.Nifti1Image(np.ones((3, 3, 3), np.uint8), np.eye(4)))
    design = pd.DataFrame({"face": np.arange(60) // 10 % 2, "constant": 1.0})
    for noise_model in ("ar-auto", "ar1-reml"):
        fit = fit_glm(Moments(rng.standard_normal((60, 27)).cumsum(axis=0) / 5), design, noise_model)
        (folder := tmp_path / noise_model).mkdir()
        said = _write_contrast(folder, "face", Fitted("run", design, fit), "face", domain)
        kept, first = kept_contrast(folder, said, domain.mask), compute_contrast(fit, "face")
        np.testing.assert_array_equal(kept.z_score(), first.z_score())
        assert (kept.dofs is None) == (noise_model == "ar1-reml")
        assert kept.dof_left == first.dof_left


def test_a_contrast_whose_test_rounding_would_decide_leaves_the_others(tmp_path, monkeypatch):
    def refuse(*_):
        raise ValueError("the rows are so alike")

    rng = np.random.default_rng(0)
    domain = Domain.of(nib.Nifti1Image(np.zeros((3, 3, 3)), np.eye(4)))
    design = pd.DataFrame({"face": rng.standard_normal(60), "house": rng.standard_normal(60), "constant": 1.0})
    fitted = Fitted("run", design, fit_glm(Moments(rng.standard_normal((60, 27))), design, "ols"))
    monkeypatch.setattr("glmwidgets.glm.fit.contrasts._squared_size", refuse)
    said = [
        _write_contrast(tmp_path, label, fitted, text, domain) for label, text in (("f", "face; house"), ("t", "face"))
    ]
    assert [each["why_not"] for each in said] == ["the rows are so alike", ""]
    assert [path.name for path in tmp_path.glob("*stat-z*")] == [map_name("t", "z")]


def test_a_decision_on_many_runs_is_that_on_each():
    one = Exclusions().decided("b", "look")
    many = one.decided(["a", "b", "a"], "drop", "asleep", "AB")
    each = one.decided("a", "drop", "asleep", "AB").decided("b", "drop", "asleep", "AB")
    told = [{name: (d.what, d.comment, d.rater) for name, d in of.by_hand.items()} for of in (many, each)]
    assert told[0] == told[1] == dict.fromkeys("ab", ("drop", "asleep", "AB"))
    assert many.decided(["a", "b"], None).by_hand == {}


def test_contrasts_without_a_name_are_kept_apart(whole):
    """Results are kept by name: two of no name would both be of the second."""
    study = whole.with_model(whole.model, [("", "faces"), ("", "houses - faces")])
    assert study.contrasts == (("faces", "faces"), ("houses - faces", "houses - faces"))
    with pytest.raises(InputError, match="two contrasts are called 'a': each needs its own name"):
        whole.with_model(whole.model, [("a", "faces"), ("a", "houses")]).run("here")


def test_the_same_image_of_two_participants_is_told(whole, tmp_path):
    copied = tmp_path / "copied_bold.nii.gz"
    copied.write_bytes(Path(whole.runs[0].inputs.bold).read_bytes())
    rows = [
        {"bold": r.inputs.bold, "events": r.inputs.events, "subject": r.subject} for r in (whole.runs[0], whole.runs[3])
    ]
    rows.append({**rows[0], "bold": str(copied), "subject": "copy"})
    study = Study.of_table(pd.DataFrame(rows), tmp_path / "study", contrasts=["faces"])
    assert study.run("here") == {}
    assert any(text.startswith("sub-01, sub-copy have the same image") for text in study.gather().said)


@pytest.mark.parametrize("row", [99, -1, "sub-99"])
def test_a_run_that_is_not_there_is_not_fitted(whole, row):
    with pytest.raises(InputError, match=r"a run must be one of|there is no run"):
        whole.run("here", rows=[row])


def test_runs_may_be_fitted_by_name(whole):
    heard = []
    assert whole.run("here", rows=["sub-02"], heard=heard.append) == {}
    assert [whole.runs[int(outcome.name)].name for outcome in heard] == ["sub-02"]


def test_hashes_that_cannot_be_kept_are_found_anew(whole, tmp_path):
    """A study that may only be read has its results all the same."""
    (tmp_path / "contents").write_text("a file where the folder would be")
    (tmp_path / "runs").symlink_to(whole.folder / "runs")
    study = Study(tmp_path, whole.runs, whole.model, whole.contrasts, cells=whole.cells)
    assert study.done == whole.done == [0, 1, 2, 3]
