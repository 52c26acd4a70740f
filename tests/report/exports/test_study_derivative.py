"""A study as a BIDS derivative: the maps that are in its store, under names that say whose they are."""

import json
import re

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from glmwidgets.cli import main
from glmwidgets.datasets import write_study
from glmwidgets.glm.errors import InputError
from glmwidgets.models import FirstLevelModel
from glmwidgets.report import save_study_to_bids
from glmwidgets.study import Study

CONTRASTS = [("motor", "motor_left - motor_right"), ("any", "motor_left; motor_right"), ("none of it", "faces")]
NAME = re.compile(
    r"sub-\d\d_task-localizer_space-[A-Za-z0-9]+_(contrast-[A-Za-z]+_stat-[a-z]+_statmap|mask|design|statmap)\..*"
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Four participants, of whom one is not fitted and one has no events of a condition."""
    root = tmp_path_factory.mktemp("study")
    write_study(root / "data", 4, shape=(12, 14, 11), n_scans=60)
    (events,) = (root / "data").glob("sub-02/func/*_events.tsv")
    table = pd.read_csv(events, sep="\t")
    table[table["trial_type"] != "faces"].to_csv(events, sep="\t", index=False)
    study = Study.of(root / "data", root / "study", task="localizer", contrasts=CONTRASTS)
    assert study.run("here", rows=[0, 1, 2]) == {}
    study.save()
    return study


def test_each_map_is_that_of_the_run_under_a_name_of_its_own(study, tmp_path):
    written = save_study_to_bids(study, tmp_path / "out")
    assert all(path.is_file() for path in written.files)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *("dataset_description.json", "group", "sub-01", "sub-02", "sub-03")
    ]
    assert any("1 run is not fitted yet" in text for text in written.said)
    names = [path.name for path in (tmp_path / "out").glob("sub-*/*")]
    assert all(NAME.fullmatch(name) for name in names), names
    run = study.runs[0]
    model = FirstLevelModel(t_r=run.t_r, mask_img=run.inputs.mask, **_estimator(study))
    confounds = pd.read_csv(run.inputs.confounds, sep="\t")[list(study.model.design.confounds)]
    model.fit(run.inputs.bold, run.inputs.events, confounds)
    expected = model.compute_contrast("motor_left - motor_right").get_fdata()
    (found,) = (tmp_path / "out" / "sub-01").glob("*_contrast-motor_stat-z_statmap.nii.gz")
    mask = nib.load(next((tmp_path / "out" / "sub-01").glob("*_mask.nii.gz"))).get_fdata() > 0
    np.testing.assert_allclose(nib.load(found).get_fdata()[mask], expected[mask], rtol=0, atol=1e-9)
    assert {p.name for p in (tmp_path / "out" / "group").iterdir()} >= {"qc.tsv", "qc.json", "exclusions.tsv"}
    assert json.loads((tmp_path / "out/dataset_description.json").read_text())["DatasetType"] == "derivative"


def _estimator(study):
    model = study.model
    return {
        "hrf_model": model.design.hrf_model,
        "high_pass": model.design.high_pass,
        "convolution": "exact",
        "slice_time_ref": study.runs[0].inputs.slice_time_ref,
        "noise_model": model.noise.model,
        "smoothing_fwhm": model.data.smoothing_fwhm,
    }


def test_the_facts_say_what_could_not_be_answered(study, tmp_path):
    save_study_to_bids(study, tmp_path)
    (path,) = tmp_path.glob("sub-02/*_statmap.json")
    facts = json.loads(path.read_text())
    assert "faces" in facts["Contrasts"]["noneOfIt"]["WhyNot"]
    assert facts["Contrasts"]["any"]["Test"] == "F"
    assert not list(tmp_path.glob("sub-02/*noneOfIt*"))
    assert facts["Sources"]["events"]["File"] == "sub-02_task-localizer_events.tsv"
    assert len(facts["Sources"]["bold"]["SHA256"]) == 64
    assert facts["Figures"]["tsnr"] > 0


def test_files_are_replaced_at_the_word_only(study, tmp_path):
    written = save_study_to_bids(study, tmp_path)
    before = {path: path.read_bytes() for path in written.files}
    with pytest.raises(FileExistsError):
        save_study_to_bids(study, tmp_path)
    assert {path: path.read_bytes() for path in written.files} == before
    assert set(save_study_to_bids(study, tmp_path, overwrite=True).files) == set(written.files)


def test_nothing_is_written_where_no_run_is_fitted(study, tmp_path):
    other = study.with_model(study.model.updated({"data.smoothing_fwhm": 3.0}), CONTRASTS)
    with pytest.raises(InputError, match="fit whole runs first"):
        save_study_to_bids(other, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_from_the_terminal(study, tmp_path, capsys):
    command = ["study", "gather", str(study.folder), "--bids", str(tmp_path / "out")]
    assert main(command) == 0
    assert f"Written    {tmp_path / 'out' / 'group'}" in capsys.readouterr().out
    assert len(list((tmp_path / "out").glob("sub-*/*_contrast-motor_stat-z_statmap.nii.gz"))) == 3
    assert main(command) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0
