"""Settings that change nothing are refused or said, at every door, with what they need."""

import os
import warnings

import nibabel as nib
import numpy as np
import pytest

from glmwidgets.cli import main
from glmwidgets.glm.response.given_functions import hold_response
from glmwidgets.models.first_level import FirstLevelModel
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.session import Session
from glmwidgets.specification.effects import without_effect
from glmwidgets.specification.settings import Settings, SettingsError

# What changes nothing where nothing else is chosen, and what gives it an effect.
NEEDED = {
    "design.fir_delays": ((0, 1, 2), {"design.hrf_model": "fir"}),
    "design.drift_order": (3, {"design.drift_model": "polynomial"}),
    "threshold.value": (2.3, {"threshold.height_control": "fixed"}),
}
# And what nothing is wrong with until another is chosen.
SPOILT = {
    "design.high_pass": (0.02, {"design.drift_model": "polynomial"}),
    "threshold.alpha": (0.05, {"threshold.height_control": "fixed"}),
    "data.mask_cut": (0.5, {"inputs.mask": "mask.nii.gz"}),
}


def _paths(settings, given=None):
    return [error.path for error in without_effect(settings, given)]


def flat(t_r, oversampling):
    return np.ones(oversampling)


@pytest.mark.parametrize("path", NEEDED)
def test_a_setting_has_an_effect_where_it_has_what_it_needs(path):
    value, others = NEEDED[path]
    assert _paths(Settings().updated({path: value})) == [path]
    assert _paths(Settings().updated({path: value, **others})) == []
    assert _paths(Settings(), [path]) == [path]  # asked for by name, though it is the default


@pytest.mark.parametrize("path", SPOILT)
def test_a_setting_loses_its_effect_where_another_takes_it(path):
    value, others = SPOILT[path]
    assert _paths(Settings().updated({path: value})) == []
    assert _paths(Settings().updated({path: value, **others})) == [path]


def test_defaults_have_no_word_to_be_said():
    assert _paths(Settings()) == []


def _warned(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [str(warning.message) for warning in caught if "no effect" in str(warning.message)]


def test_a_session_says_it_of_what_it_is_given_and_of_nothing_else(run):
    (said,) = _warned(lambda: Session(run, {"design.drift_order": 3}, synchronous=True))
    assert said == (
        "design.drift_order: has no effect where drift is cosine: it is for polynomial; set design.drift_model"
    )
    session = Session(run, {"design.drift_order": 3, "design.drift_model": "polynomial"}, synchronous=True)
    assert len(_warned(lambda: session.update({"design.high_pass": 0.02}))) == 1
    # What is kept for another drift is nobody's mistake.
    assert _warned(lambda: session.update({"design.hrf_model": "glover"})) == []


@pytest.mark.parametrize(
    "asked", [{"design.confounds": ("trans_x",)}, {"design.scrub_fd": 0.5}, {"design.scrub_dvars": 2}]
)
def test_confounds_of_a_run_that_has_none_are_an_error(run, asked):
    bare = open_run(run.img, run.events, 2.0, mask=run.mask_img)
    session = Session(bare, asked, synchronous=True)
    session.refresh()
    assert session.status.state == "error"
    assert "the run has no confounds" in session.status.message
    assert session.update({"design.confounds": (), "design.scrub_fd": None, "design.scrub_dvars": None})
    assert session.status.state == "idle"


@pytest.fixture
def files(run, tmp_path):
    nib.save(run.img, tmp_path / "bold.nii.gz")
    nib.save(run.mask_img, tmp_path / "mask.nii.gz")
    run.events.to_csv(tmp_path / "events.tsv", sep="\t", index=False)
    return tmp_path


def _fit(files, *options):
    words = [files / "bold.nii.gz", "--events", files / "events.tsv", "--mask", files / "mask.nii.gz"]
    return main(["fit", *map(str, words), "--contrast", "face", "--out", str(files / "out"), "--overwrite", *options])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--fir-delays", "0,1,2"),
            "--fir-delays: has no effect where HRF is spm: it is for fir; choose it with",
        ),
        (("--drift-order", "3"), "it is for polynomial; choose it with --drift"),
        (("--threshold-value", "2.3"), "it is for fixed; choose it with --threshold"),
        (("--threshold", "fixed", "--alpha", "0.05"), "--alpha: has no effect where threshold is fixed"),
        (("--mask-cut", "0.5"), "it is for runs without mask"),
        (("--confound", "trans_x"), "the run has no confounds, and trans_x cannot be modelled; name their table with"),
        (("--scrub-fd", "0.5"), "the run has no confounds"),
    ],
)
def test_the_command_line_refuses_it_before_anything_is_written(files, capsys, options, said):
    assert _fit(files, *options) == 2
    assert said in capsys.readouterr().err
    assert not (files / "out").exists()


def test_a_settings_file_is_fitted_and_said_to_hold_it(files, capsys):
    stale = Settings().updated({"design.high_pass": 0.02, "design.drift_model": "polynomial"})
    (files / "settings.json").write_text(stale.to_json())
    assert _fit(files, "--settings", str(files / "settings.json")) == 0
    assert "settings.json: design.high_pass: has no effect where drift is polynomial" in capsys.readouterr().err
    assert _fit(files, "--settings", str(files / "settings.json"), "--drift", "cosine") == 0
    assert "no effect" not in capsys.readouterr().err


def test_an_input_that_was_replaced_after_its_settings_is_said(files, capsys):
    assert _fit(files) == 0
    written = files / "out" / "settings.json"
    again = ["fit", "--settings", str(written), "--out", str(files / "again"), "--overwrite"]
    assert main(again) == 0
    assert "newer" not in capsys.readouterr().err
    later = written.stat().st_mtime + 10
    os.utime(files / "events.tsv", (later, later))
    assert main(again) == 0
    assert capsys.readouterr().err.count("events.tsv is newer than") == 1
    assert main([*again, "--events", str(files / "events.tsv")]) == 0
    assert "newer" not in capsys.readouterr().err


def test_a_misspelt_name_of_a_file_is_an_error_with_the_right_one():
    with pytest.raises(SettingsError, match=r"design.hrf_modle: .*did you mean 'design.hrf_model'"):
        Settings.from_dict({"design": {"hrf_modle": "fir"}})
    with pytest.raises(SettingsError, match=r"desing: .*did you mean 'design'"):
        Settings.from_dict({"desing": {}})


def test_a_threshold_that_is_not_used_is_said_in_a_report_as_in_a_map(run):
    pytest.importorskip("matplotlib")
    model = FirstLevelModel(t_r=2.0, mask_img=run.mask_img).fit(run.img, run.events)
    with pytest.warns(UserWarning, match="threshold=4 is not used"):
        model.generate_report("face", threshold=4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.generate_report("face", threshold=4, height_control=None)


def test_a_run_without_the_confounds_of_the_others_is_said(run):
    table = run.confounds
    with pytest.warns(UserWarning, match="run 2 of 3 runs has no confounds, and is modelled without"):
        model = FirstLevelModel(t_r=2.0, mask_img=run.mask_img).fit(
            [run.img] * 3, [run.events] * 3, [table, None, table]
        )
    assert [design.shape[1] for design in model.design_matrices_] == list(
        np.array([2, 0, 2]) + model.design_matrices_[1].shape[1]
    )


# The estimator --------------------------------------------------------------------------------------------------------


def _said(run, **parameters):
    model = FirstLevelModel(t_r=2.0, mask_img=run.mask_img, noise_model="ols", **parameters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(run.img, run.events)
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"drift_order": 3}, "drift_order has no effect where drift is cosine: it is for polynomial"),
        ({"fir_delays": [0, 1]}, "fir_delays has no effect where HRF is glover: it is for fir"),
        (
            {"high_pass": 0.02, "drift_model": "polynomial"},
            "high_pass has no effect where drift is polynomial: it is for cosine",
        ),
        (
            {"fir_delays": [0, 1], "hrf_model": flat},
            f"fir_delays has no effect where HRF is {hold_response(flat)}: it is for fir",
        ),
    ],
)
def test_the_estimator_says_it_of_what_is_not_usual(run, parameters, said):
    assert _said(run, **parameters) == [said]


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"drift_order": 3, "drift_model": "polynomial"},
        {"fir_delays": [0, 1], "hrf_model": "fir"},
        {"high_pass": 0.02},
    ],
)
def test_the_estimator_says_nothing_of_what_has_an_effect(run, parameters):
    assert _said(run, **parameters) == []


def test_what_a_given_design_makes_void_is_said(run):
    design = FirstLevelModel(t_r=2.0, mask_img=run.mask_img).fit(run.img, run.events).design_matrices_[0]
    model = FirstLevelModel(t_r=2.0, mask_img=run.mask_img, hrf_model="spm", high_pass=0.02)
    with pytest.warns(UserWarning, match="design_matrices are given, so that the model's hrf_model, high_pass has no"):
        model.fit(run.img, design_matrices=design)
