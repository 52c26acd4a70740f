"""The law: a model that was written as a BIDS Stats Model and read back gives identical maps."""

import json

import numpy as np
import pandas as pd
import pytest

from glmwidgets.models import FirstLevelModel
from glmwidgets.report.exports.stats_model import stats_model, write_stats_model
from glmwidgets.report.exports.stats_model_read import read_stats_model
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.analysis import Analysis
from glmwidgets.session.single.session import Session

NAMES = ("z_score", "effect_size", "effect_variance")


def _check_same(model, again, contrasts, read):
    for name, definition in contrasts.items():
        maps, others = (
            m.compute_contrast(d, output_type="all") for m, d in ((model, definition), (again, read.contrasts[name]))
        )
        for kind in NAMES:
            np.testing.assert_array_equal(others[kind].get_fdata(), maps[kind].get_fdata())


@pytest.mark.parametrize(
    "parameters",
    [
        {"hrf_model": "spm + derivative", "noise_model": "ar1", "smoothing_fwhm": 4.0, "high_pass": 0.013},
        {"hrf_model": "fir", "fir_delays": [0, 2], "noise_model": "ols", "drift_model": "polynomial", "drift_order": 3},
        {"hrf_model": "gam(8, 0.5)", "signal_scaling": (0, 1), "slice_time_ref": 0.5, "drift_model": None},
        {"hrf_model": None, "signal_scaling": False, "standardize": True},
    ],
    ids=["spm", "fir", "gam", "none"],
)
def test_two_runs_written_and_read_back_give_identical_maps(run, tmp_path, parameters):
    first = run.events.assign(trial_type=run.events["trial_type"].replace({"house": 'left "hand" / <b>'}))
    second = first.assign(onset=first["onset"] + 3.7, modulation=np.linspace(0.5, 2, len(first)))
    imgs, events, confounds = [run.img] * 2, [first, second], [run.confounds] * 2
    model = FirstLevelModel(t_r=2.0, mask_img=run.mask_img, **parameters).fit(imgs, events, confounds)
    columns = [str(c) for c in model.design_matrices_[0].columns]
    a, b = [c for c in columns if c.startswith(("face", "left"))][:2]
    contrasts = {"difference": {a: 1 / 3, b: -1 / 3}, "any": np.eye(2, len(columns)), "motion": {"rot_z": 1}}
    path = write_stats_model(tmp_path / "model-x_smdl.json", model, contrasts, confounds=["trans_x", "rot_z"])

    read = read_stats_model(path)
    again = read.model(t_r=2.0, mask_img=run.mask_img).fit(
        imgs, [read.select_events(e) for e in events], [read.select_confounds(c) for c in confounds]
    )
    pd.testing.assert_frame_equal(again.design_matrices_[1], model.design_matrices_[1], check_exact=True)
    _check_same(model, again, contrasts, read)


def test_a_session_written_and_read_back_has_the_same_settings_and_map(run, tmp_path):
    session = Session(run, synchronous=True)
    session.update(
        {
            "design.conditions": ["face"],
            "design.confounds": ["rot_z"],
            "design.hrf_model": "glover",
            "data.smoothing_fwhm": 4.0,
            "noise.model": "ar1-reml",
            "contrast.names": ["Faces", "Motion"],
            "contrast.expressions": ["face/3", "rot_z"],
        }
    )
    read = read_stats_model(write_stats_model(tmp_path / "model-x_smdl.json", session, inputs={"task": "faces"}))
    assert read.inputs == {"task": ["faces"]}
    settings = read.settings()
    for group in ("design", "data", "noise"):
        assert getattr(settings, group) == getattr(session.settings, group)
    assert settings.contrast.names == ("Faces", "Motion")
    result = Analysis(run).result(settings)
    np.testing.assert_array_equal(result.z, session.result.z)


def test_the_document_has_the_parts_of_the_specification(run):
    model = FirstLevelModel(t_r=2.0, mask_img=run.mask_img, hrf_model="glover + derivative", high_pass=0.02)
    model.fit([run.img, run.img], [run.events, run.events])
    document = stats_model(model, {"f-h": "face - house", "any": "face; house"}, inputs={"subject": "01"})
    assert json.loads(json.dumps(document)) == document
    assert document["BIDSModelVersion"] == "1.0.0"
    assert document["Input"] == {"subject": ["01"]}
    run_node, subject_node = document["Nodes"]
    assert (run_node["Level"], subject_node["Level"]) == ("Run", "Subject")
    assert run_node["GroupBy"] == ["run", "subject"]
    factor, convolve = run_node["Transformations"]["Instructions"]
    assert factor == {"Name": "Factor", "Input": ["trial_type"]}
    assert convolve["Input"] == ["trial_type.face", "trial_type.house"]
    assert (convolve["Model"], convolve["Derivative"], convolve["Dispersion"]) == ("glover", True, False)
    assert run_node["Model"]["X"] == ["trial_type.face", "trial_type.house", 1]
    assert run_node["Model"]["Options"] == {"HighPassFilterCutoffHz": 0.02}
    t, f = run_node["Contrasts"]
    assert t == {
        "Name": "f-h",
        "ConditionList": ["trial_type.face", "trial_type.house"],
        "Weights": [1.0, -1.0],
        "Test": "t",
    }
    assert (f["Test"], f["Weights"]) == ("F", [[1.0, 0.0], [0.0, 1.0]])


def _document(**changes):
    """A document as other programs write it."""
    node = {
        "Level": "Run",
        "Name": "run",
        "GroupBy": ["run", "subject"],
        "Transformations": {
            "Transformer": "pybids-transforms-v1",
            "Instructions": [
                {"Name": "Factor", "Input": ["trial_type"]},
                {"Name": "Convolve", "Input": ["trial_type.*"], "Model": "spm", "Derivative": True},
            ],
        },
        "Model": {
            "Type": "glm",
            "X": ["trial_type.*", "rot_?", 1],
            "Options": {"HighPassFilterCutoffHz": 0.0078},
            "Software": {"SPM": {"SerialCorrelation": "FAST"}},
        },
        "Contrasts": [
            {
                "Name": "face_house",
                "ConditionList": ["trial_type.face", "trial_type.house"],
                "Weights": [1, "-1/3"],
                "Test": "t",
            }
        ],
        "DummyContrasts": {"Test": "t"},
    }
    return {"Name": "other", "BIDSModelVersion": "1.0.0", "Input": {"task": ["x"]}, "Nodes": [{**node, **changes}]}


def test_a_document_of_another_program_is_read(run):
    read = read_stats_model(_document())
    assert read.parameters == {"hrf_model": "spm + derivative", "drift_model": "cosine", "high_pass": 0.0078}
    assert list(read.select_confounds(run.confounds).columns) == ["rot_z"]
    assert len(read.select_events(run.events)) == len(run.events)
    assert read.contrasts == {"face_house": "face - house/3"}
    model = read.model(t_r=2.0, mask_img=run.mask_img)
    model.fit(run.img, read.select_events(run.events), read.select_confounds(run.confounds))
    contrasts = read.all_contrasts(model.design_matrices_[0].columns)
    assert set(contrasts) >= {"face_house", "face", "house"}
    direct = FirstLevelModel(t_r=2.0, mask_img=run.mask_img, hrf_model="spm + derivative", high_pass=0.0078)
    direct.fit(run.img, run.events, run.confounds[["rot_z"]])
    np.testing.assert_array_equal(
        model.compute_contrast(contrasts["face_house"]).get_fdata(),
        direct.compute_contrast("face - house / 3").get_fdata(),
    )


FACE = {"Name": "Convolve", "Input": ["trial_type.face"], "Model": "spm"}
HOUSE = {"Name": "Convolve", "Input": ["trial_type.house"], "Model": "glover"}
FACES = {"Model": {"X": ["trial_type.face", "trial_type.house", 1]}}


def test_two_steps_of_one_response_are_one():
    steps = {"Transformations": {"Instructions": [FACE, {**HOUSE, "Model": "spm"}]}}
    assert read_stats_model(_document(**steps, **FACES)).parameters["hrf_model"] == "spm"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Level": "Dataset"}, "must have one node of level Run, and has 0"),
        ({"Model": {"Type": "meta", "X": [1]}}, "Model.Type 'meta' is not supported"),
        ({"Transformations": {"Instructions": [{"Name": "Scale", "Input": ["x"]}]}}, "transformation 'Scale'"),
        ({"Transformations": {"Instructions": [{"Name": "Factor", "Input": ["hand"]}]}}, "Factor of hand"),
        ({"Contrasts": [{"Name": "a", "ConditionList": ["b"], "Weights": [1, 2]}]}, "2 weights for 1 conditions"),
        ({"Contrasts": [{"Name": "a", "ConditionList": ["b"]}]}, "cannot be read"),
        ({"Model": {"X": [1], "Software": [{"glmwidgets": {"colour": 1}}]}}, "no parameter colour"),
        (
            {"Transformations": {"Instructions": [FACE, HOUSE]}},
            "steps differ .spm for trial_type.face; glover",
        ),
        ({"Transformations": {"Instructions": [FACE]}, **FACES}, "trial_type.house is in X and not convolved"),
        ({"Model": {"X": [1], "Options": {"LowPassFilterCutoffHz": 0.1}}}, "LowPassFilterCutoffHz of the model is not"),
    ],
)
def test_what_is_not_supported_is_named(changes, words):
    with pytest.raises(ValueError, match=words):
        read_stats_model(_document(**changes))


def test_files_that_are_no_documents(tmp_path):
    with pytest.raises(FileNotFoundError, match="no Stats Model at"):
        read_stats_model(tmp_path / "x.json")
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(ValueError, match="not valid JSON"):
        read_stats_model(tmp_path / "x.json")
    (tmp_path / "x.json").write_text("[1]")
    with pytest.raises(ValueError, match="no Nodes"):
        read_stats_model(tmp_path / "x.json")


def test_a_named_condition_must_exist(run):
    read = read_stats_model(_document(Model={"Type": "glm", "X": ["trial_type.tool", "white_matter", 1]}))
    with pytest.raises(ValueError, match="no type 'tool'; there are face, house"):
        read.select_events(run.events)
    with pytest.raises(ValueError, match="no column 'white_matter'; there are trans_x, rot_z"):
        read.select_confounds(run.confounds)


def test_what_the_format_cannot_say_is_an_error(run):
    custom = FirstLevelModel(t_r=2.0, mask_img=run.mask_img, hrf_model=lambda t_r, oversampling: np.ones(5))
    with pytest.raises(ValueError, match="response function of your own"):
        stats_model(custom.fit(run.img, run.events), "face")
    design = custom.design_matrices_[0]
    with pytest.raises(ValueError, match="given design matrices"):
        stats_model(custom.fit(run.img, design_matrices=design))
    session = Session(open_run(run.img, run.events, 2.0, mask=run.mask_img), synchronous=True)
    with pytest.raises(ValueError, match="confounds by patterns"):
        read_stats_model(_document()).settings()
    assert read_stats_model(stats_model(session)).conditions == ("face", "house")
