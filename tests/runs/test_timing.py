"""A model stands at the times at which its scans were taken, whoever says them."""

import json
import re
import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.glm.first_level import make_first_level_design_matrix as nilearn_design

import glmwidgets as gw
from glmwidgets.cli import main
from glmwidgets.glm.design.matrix import make_first_level_design_matrix
from glmwidgets.glm.design.times import check_scan_times, evenly_spaced
from glmwidgets.glm.response.kernels import spm_hrf
from glmwidgets.report.exports.script import script_text
from glmwidgets.report.page import html
from glmwidgets.report.page.parameters import parameters_of
from glmwidgets.report.page.subject import study_of_model, study_of_result
from glmwidgets.runs.bids import find_run
from glmwidgets.runs.bids_timing import clock_of
from glmwidgets.session.single.store import load_session, save_session

CLUSTERED = np.concatenate([12 * k + np.array([0.0, 2, 4]) for k in range(20)])
EVENTS = pd.DataFrame({"onset": np.arange(6, 234, 24.0), "duration": 4.0, "trial_type": "a"})
A = np.diag([3.0, 3, 3, 1])
WHOLE = nib.Nifti1Image(np.ones((4, 4, 3), np.uint8), A)
IMAGE = Path("sub-01_bold.nii.gz")


def image(n=60, t_r=2.0):
    img = nib.Nifti1Image(np.random.default_rng(0).normal(1000, 10, (4, 4, 3, n)).astype(np.float32), A)
    img.header.set_zooms((3, 3, 3, t_r))
    img.header.set_xyzt_units("mm", "sec")
    return img


def dataset(root, sidecar):
    func = root / "sub-01" / "func"
    func.mkdir(parents=True)
    nib.save(image(), func / "sub-01_task-x_bold.nii.gz")
    (func / "sub-01_task-x_bold.json").write_text(json.dumps(sidecar))
    EVENTS.to_csv(func / "sub-01_task-x_events.tsv", sep="\t", index=False)
    return root


def settings(**more):
    return gw.Settings().updated({"contrast.expression": "a", "noise.model": "ols", **more})


# Scans at uneven times ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("drift", ["cosine", "polynomial", None])
def test_volume_timing_is_the_clock_of_the_design(tmp_path, drift):
    found = find_run(dataset(tmp_path, {"VolumeTiming": CLUSTERED.tolist()}), "01")
    assert "VolumeTiming" in found.describe()
    run = gw.open_run(**{**found.inputs(), "mask": WHOLE})
    np.testing.assert_array_equal(run.frame_times, CLUSTERED)
    assert run.t_r == pytest.approx((232 - 0) / 59)
    assert run.clock == "scans 2 to 8 s apart"
    design = gw.Analysis(run).result(settings(**{"design.drift_model": drift or "none"})).design
    np.testing.assert_array_equal(design.index, CLUSTERED)
    # The response by quadrature of its definition: boxes convolved at the times of the scans.
    fine = np.arange(0, 260, 0.02)
    box = sum(((fine >= onset) & (fine < onset + 4)).astype(float) for onset in EVENTS["onset"])
    kernel = spm_hrf(2.0, oversampling=100)
    right = np.interp(CLUSTERED, fine, np.convolve(box, kernel)[: fine.size])
    assert np.corrcoef(design["a"], right)[0, 1] > 0.9995
    if drift == "cosine":
        waves = [np.cos(np.pi * k * (CLUSTERED + run.t_r / 2) / (60 * run.t_r)) for k in (1, 2)]
        for k, wave in enumerate(waves, 1):
            assert np.corrcoef(design[f"drift_{k}"], wave)[0, 1] > 1 - 1e-12


def test_nilearn_stretches_the_response_of_uneven_scans():
    """Its kernel has the steps of the shortest spacing, its grid those of the mean: half as long here."""
    theirs = nilearn_design(CLUSTERED, EVENTS, hrf_model="spm", drift_model=None)["a"]
    ours = make_first_level_design_matrix(CLUSTERED, EVENTS, hrf_model="spm", drift_model=None)["a"]
    even = make_first_level_design_matrix(np.arange(0, 234, 2.0), EVENTS, hrf_model="spm", drift_model=None)["a"]
    right = np.interp(CLUSTERED, even.index, even)
    assert np.corrcoef(ours, right)[0, 1] > 0.999
    assert np.corrcoef(theirs, right)[0, 1] < 0.97


def test_noise_of_uneven_scans_is_white_or_refused(tmp_path, capsys):
    run = gw.open_run(image(), EVENTS, mask=WHOLE, frame_times=CLUSTERED)
    session = gw.Session(run, synchronous=True)
    assert session.settings.noise.model == "ols"
    session.refresh()
    assert session.result is not None
    session.update({"noise.model": "ar1"})
    session.refresh()
    assert session.status.state == "error"
    assert "steps" in session.status.message
    assert "2 to 8 s apart" in session.status.message
    session.close()
    for noise in ("ar1", "ar1-reml", "arma11", "ar3"):
        with pytest.raises(ValueError, match="in even steps"):
            gw.Analysis(run).result(settings(**{"noise.model": noise}))
    root = dataset(tmp_path / "d", {"VolumeTiming": CLUSTERED.tolist()})
    nib.save(WHOLE, tmp_path / "mask.nii")
    argv = ["fit", "--bids", str(root), "--subject", "01", "--mask", str(tmp_path / "mask.nii"), "--noise"]
    assert main([*argv, "ar1", "--out", str(tmp_path / "a")]) == 2
    assert "--noise ols" in capsys.readouterr().err
    assert main([*argv, "ols", "--out", str(tmp_path / "b")]) == 0
    assert "scans 2 to 8 s apart" in capsys.readouterr().out
    again = ["fit", "--settings", str(tmp_path / "b" / "settings.json"), "--out", str(tmp_path / "c")]
    assert main(again) == 0
    first, second = (nib.load(tmp_path / name / "z.nii.gz").get_fdata() for name in "bc")
    np.testing.assert_array_equal(first, second)


def test_saved_sessions_and_scripts_keep_uneven_times(tmp_path):
    nib.save(image(), tmp_path / "bold.nii.gz")
    nib.save(WHOLE, tmp_path / "mask.nii.gz")
    EVENTS.to_csv(tmp_path / "events.tsv", sep="\t", index=False)
    run = gw.open_run(
        tmp_path / "bold.nii.gz", tmp_path / "events.tsv", mask=tmp_path / "mask.nii.gz", frame_times=CLUSTERED
    )
    session = gw.Session(run, synchronous=True)
    session.refresh()
    z = session.result.z
    save_session(session, tmp_path / "session.json")
    script = script_text(session)
    session.close()
    opened = load_session(tmp_path / "session.json", synchronous=True)
    np.testing.assert_array_equal(opened.run.frame_times, CLUSTERED)
    opened.close()
    kept = {}
    exec(compile(script.partition("for name, contrast")[0], "script", "exec"), kept)
    np.testing.assert_array_equal(kept["model"].design_matrices_[0].index, CLUSTERED)
    ours = kept["model"].compute_contrast("a").get_fdata()[WHOLE.get_fdata() > 0]
    np.testing.assert_allclose(ours, z, atol=1e-6)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([0, 2, 4], "holds 3 times for 60 scans"),
        (CLUSTERED[::-1], "must increase: scan 1"),
        ([*CLUSTERED[:-1], np.nan], "time of scan 59 .* is not a finite number"),
        (["a"] * 60, "one number of seconds"),
        ([[0, 1]] * 30, "holds 60 times"),
    ],
)
def test_times_that_are_none_are_refused(tmp_path, times, message):
    with pytest.raises(ValueError, match=message):
        check_scan_times(times, 60)
    with pytest.raises(ValueError, match=message):
        gw.open_run(image(), frame_times=times)


@pytest.mark.parametrize(
    ("sidecar", "given", "who"),
    [
        ({"RepetitionTime": 2.0, "StartTime": 1.0}, {}, ("RepetitionTime of the sidecar", "StartTime of the sidecar")),
        ({"VolumeTiming": list(range(0, 120, 2))}, {}, ("VolumeTiming of the sidecar", "")),
        ({}, {}, ("the image's header", "")),
        ({"RepetitionTime": 2.0}, {"t_r": 2.0, "slice_time_ref": 0.5}, ("given", "given")),
    ],
)
def test_a_run_knows_who_said_its_clock_and_every_page_says_it(tmp_path, sidecar, given, who):
    found = find_run(dataset(tmp_path, sidecar), "01")
    run = gw.open_run(found, mask=WHOLE, **given)
    assert (run.inputs.who("t_r"), run.inputs.who("slice_time_ref")) == who
    assert run.inputs.who("events") == "the dataset"
    assert re.fullmatch("given in memory, [0-9a-f]{8}", run.inputs.who("mask"))
    assert run.told_clock == f"TR 2 s ({who[0]})"
    session = gw.Session(run, {"contrast.expression": "a", "noise.model": "ols"}, synchronous=True)
    session.refresh()
    study = study_of_result(session.analysis, session.result)
    assert ("TR", f"2 s ({who[0]})") in html.facts_of(study)
    if who[0] != "the image's header":
        assert parameters_of(study)["time between scans (inputs.t_r)"] == f"2 s ({who[0]})"
    # Opened again from a file, it is said by who said it then.
    again = load_session(save_session(session, tmp_path / "saved.json"), mask=WHOLE, synchronous=True)
    assert again.run.inputs.said_by == again.settings.inputs.said_by == run.inputs.said_by


def test_an_estimator_knows_who_said_its_clock():
    for t_r, who in ((None, "the image's header"), (2.0, "given")):
        model = gw.FirstLevelModel(t_r, mask_img=WHOLE, noise_model="ols").fit(image(), EVENTS)
        assert ("TR", f"2 s ({who})") in html.facts_of(study_of_model(model, "a"))


def test_volume_timing_in_even_steps_is_a_t_r():
    clock = clock_of({"VolumeTiming": [0, 1.5, 3, 4.5]}, IMAGE, 2.0, 4)
    assert clock[:3] == (1.5, 0.0, None)
    assert evenly_spaced(np.float32(0.72) * np.arange(500))
    with pytest.warns(UserWarning, match="both VolumeTiming and RepetitionTime"):
        assert clock_of({"VolumeTiming": [0, 1, 3], "RepetitionTime": 1.0}, IMAGE, 1.0, 3).frame_times == (0, 1, 3)
    with pytest.raises(ValueError, match=r"VolumeTiming of its sidecar holds 3 times for 5 scans"):
        clock_of({"VolumeTiming": [0, 1, 3]}, IMAGE, 1.0, 5)


def test_a_t_r_that_is_given_goes_before_volume_timing(tmp_path):
    found = find_run(dataset(tmp_path, {"VolumeTiming": CLUSTERED.tolist()}), "01")
    run = gw.open_run(found, t_r=2.0)
    assert (run.t_r, run.is_even) == (2.0, True)


# The reference within a scan ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sidecar", "reference", "said"),
    [
        ({"StartTime": 0.9}, 0.45, None),
        ({"StartTime": 0.9, "SliceTimingCorrected": True}, 0.45, None),
        ({"StartTime": 0.9, "SliceTimingCorrected": False}, 0.0, None),
        ({"StartTime": 0.0, "SliceTimingCorrected": True}, 0.0, None),
        ({"SliceTimingCorrected": True}, 0.0, "no sidecar says to which"),
        ({"SliceTiming": [0, 0.5, 1.0, 1.5]}, 0.0, r"up to 1\.5 s apart"),
        ({"SliceTiming": [0, 0.5, 1.0, 1.5], "SliceTimingCorrected": True, "StartTime": 1.0}, 0.5, None),
        ({"SliceTiming": [0.0, 0.0]}, 0.0, None),
        ({}, 0.0, None),
        ({"RepetitionTime": 4.0, "StartTime": 1.0}, 0.25, "header 2 s; the sidecar is taken"),
        ({"NumberOfVolumesDiscardedByScanner": 4}, 0.0, "4 volumes were discarded by the scanner"),
        ({"NumberOfVolumesDiscardedByUser": 2}, 0.0, "2 volumes were discarded by the user"),
        ({"NumberOfVolumesDiscardedByScanner": 0, "DelayTime": 1.0}, 0.0, None),
    ],
)
def test_what_sidecars_say_of_time(sidecar, reference, said):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        clock = clock_of({"RepetitionTime": 2.0, **sidecar}, IMAGE, 2.0, 60)
    assert clock.slice_time_ref == reference
    assert len(caught) == (said is not None)
    if said:
        assert re.search(said, str(caught[0].message))
        assert IMAGE.name in str(caught[0].message)


@pytest.mark.parametrize(
    ("sidecar", "message"),
    [
        ({"RepetitionTime": "two"}, "RepetitionTime of its sidecar must be a number of seconds, not 'two'"),
        ({"RepetitionTime": True}, "must be a number of seconds"),
        ({"RepetitionTime": 0}, "must be above 0 s"),
        ({"RepetitionTime": 2.0, "StartTime": 3.0}, "lies outside a scan of 2 s"),
        ({"RepetitionTime": 2.0, "StartTime": [1]}, "StartTime of its sidecar must be a number"),
        ({"RepetitionTime": 2.0, "SliceTiming": [0, 500, 1000]}, "SliceTiming .* must be in seconds"),
        ({"VolumeTiming": "0 1 2"}, "VolumeTiming of its sidecar"),
    ],
)
def test_times_in_sidecars_that_are_none_are_refused(sidecar, message):
    with pytest.raises(ValueError, match=message):
        clock_of(sidecar, IMAGE, 2.0, 3)


def test_a_reference_of_0_is_given(tmp_path):
    found = find_run(dataset(tmp_path, {"RepetitionTime": 2.0, "StartTime": 1.0}), "01")
    assert gw.open_run(found).slice_time_ref == 0.5
    assert gw.open_run(found, slice_time_ref=0).slice_time_ref == 0.0
    assert gw.open_run(found, slice_time_ref=0.25).slice_time_ref == 0.25
    nib.save(WHOLE, tmp_path / "mask.nii")
    argv = ["fit", "--bids", str(tmp_path), "--subject", "01", "--mask", str(tmp_path / "mask.nii"), "--noise", "ols"]
    first = {}
    for name, more in {"found": [], "zero": ["--slice-time-ref", "0"]}.items():
        assert main([*argv, *more, "--out", str(tmp_path / name)]) == 0
        first[name] = gw.Settings.load(tmp_path / name / "settings.json").inputs.slice_time_ref
    assert first == {"found": 0.5, "zero": 0.0}


def test_a_sidecar_beside_an_image_goes_before_its_header_at_every_door(tmp_path):
    # fMRIPrep 23.2.0 wrote 1 s into every header: nipreps/fmriprep, issue 3216.
    path = tmp_path / "sub-01_task-a_desc-preproc_bold.nii.gz"
    nib.save(image(t_r=1.0), path)
    assert gw.open_run(path, EVENTS, mask=WHOLE).t_r == 1
    path.with_name("sub-01_task-a_desc-preproc_bold.json").write_text('{"RepetitionTime": 2.0}')
    with pytest.warns(UserWarning, match="the sidecar beside it gives a TR of 2 s, the image's header 1 s"):
        run = gw.open_run(path, EVENTS, mask=WHOLE)
    assert run.t_r == 2
    assert dict(run.inputs.said_by)["t_r"] == "RepetitionTime of the sidecar"
    with pytest.warns(UserWarning, match="the sidecar is taken"):
        model = gw.FirstLevelModel(mask_img=WHOLE).fit(path, EVENTS)
    assert model.design_matrices_[0].index[1] == 2
    with pytest.warns(UserWarning, match=r"t_r=1.5 s was given, and the header .* says 1 s"):
        assert gw.open_run(path, EVENTS, 1.5, mask=WHOLE).t_r == 1.5
    # What says nothing, or cannot be read, changes nothing.
    for text in ('{"EchoTime": 0.03}', "{", "[2.0]", '{"RepetitionTime": "n/a"}', '{"RepetitionTime": 1.0}'):
        path.with_name("sub-01_task-a_desc-preproc_bold.json").write_text(text)
        run = gw.open_run(path, EVENTS, mask=WHOLE)
        assert (run.t_r, dict(run.inputs.said_by)["t_r"]) == (1, "the image's header")
