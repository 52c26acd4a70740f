"""Models of a whole dataset beside nilearn's function of the same name, on nilearn's made dataset."""

import json
import shutil
import warnings

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn._utils.data_gen import add_metadata_to_bids_dataset, create_fake_bids_dataset
from nilearn.glm.first_level import first_level_from_bids as reference

from glmwidgets.glm.errors import InputError
from glmwidgets.models import FirstLevelModel, first_level_from_bids

HOW = {"task_label": "main", "space_label": "MNI", "img_filters": [("desc", "preproc")], "slice_time_ref": 0.0}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return create_fake_bids_dataset(tmp_path_factory.mktemp("bids"), n_sub=3, n_ses=2, tasks=["main"], n_runs=[2])


@pytest.fixture
def own(dataset, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(dataset, tmp_path / "bids")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "further",
    [
        {},
        {"sub_labels": ["03", "01"]},
        {"exclude_subjects": ["02"]},
        {"img_filters": [("desc", "preproc"), ("run", "01")]},
        {"img_filters": [("desc", "preproc"), ("ses", "02")]},
        {"confounds_strategy": None},
        {"confounds_strategy": ("motion",), "confounds_motion": "basic"},
        {"confounds_strategy": ("motion", "wm_csf"), "confounds_motion": "full", "confounds_wm_csf": "basic"},
    ],
)
def test_what_is_found_is_what_nilearn_finds(dataset, further):
    ours, theirs = first_level_from_bids(dataset, **{**HOW, **further}), reference(dataset, **{**HOW, **further})
    assert [m.subject_label for m in ours[0]] == [m.subject_label for m in theirs[0]]
    assert [m.t_r for m in ours[0]] == [m.t_r for m in theirs[0]]
    assert ours[1] == theirs[1]
    for mine, other in zip(ours[2], theirs[2], strict=True):
        for a, b in zip(mine, other, strict=True):
            pd.testing.assert_frame_equal(
                a[["onset", "duration", "trial_type"]], b[["onset", "duration", "trial_type"]]
            )
    for mine, other in zip(ours[3], theirs[3], strict=True):
        assert (mine is None) == (other is None)
        for a, b in zip(mine or (), other or (), strict=True):
            assert sorted(a.columns) == sorted(b.columns)
            # Chosen columns are centred there and not here, which the constant of a design makes the same.
            mine_, other_ = a[list(b.columns)].to_numpy(float), b.to_numpy(float)
            if further.get("confounds_strategy"):
                mine_, other_ = mine_ - mine_[1:].mean(axis=0), other_ - other_[1:].mean(axis=0)
            np.testing.assert_allclose(mine_[1:], other_[1:], rtol=1e-6, atol=1e-9)


def test_masks_of_the_derivatives_are_those_of_all_runs(tmp_path):
    dataset = create_fake_bids_dataset(tmp_path, n_sub=1, spaces=["MNI152NLin2009cAsym"])
    how = {"task_label": "main", "img_filters": [("desc", "preproc")], "slice_time_ref": 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (ours, *_), (theirs, *_) = (
            f(dataset, mask_img="derivatives", **how) for f in (first_level_from_bids, reference)
        )
    np.testing.assert_array_equal(ours[0].mask_img.get_fdata(), theirs[0].mask_img.get_fdata())


@pytest.mark.filterwarnings("ignore")
def test_a_model_fits_what_was_found_for_it(dataset):
    models, imgs, events, confounds = first_level_from_bids(
        dataset, **HOW, confounds_strategy=("motion",), confounds_motion="basic", mask_img=False, noise_model="ols"
    )
    model = models[0].fit(imgs[0], events[0], confounds[0])
    assert isinstance(model, FirstLevelModel)
    assert len(model.fits_) == 4
    assert "trans_x" in model.design_matrices_[0]


def test_the_clock_of_the_derivatives_is_taken(own, tmp_path):
    one = create_fake_bids_dataset(tmp_path / "one", n_sub=1, n_ses=1, tasks=["main"], n_runs=[1])
    add_metadata_to_bids_dataset(bids_path=one, metadata={"RepetitionTime": 6.0, "StartTime": 2.0})
    models, *_ = first_level_from_bids(one, **{**HOW, "slice_time_ref": None})
    assert models[0].t_r == 6.0
    assert models[0].slice_time_ref == pytest.approx(1 / 3)
    # Of one run of four: the others still say 1.5 s.
    add_metadata_to_bids_dataset(bids_path=own, metadata={"RepetitionTime": 6.0, "StartTime": 2.0})
    with pytest.raises(InputError, match=r"different times between scans \(1\.5 s, 6 s\)"):
        first_level_from_bids(own, **HOW)


@pytest.fixture
def two_clocks(tmp_path):
    """Two participants, each with a TR and a slice reference of its own; scans 20 to 24 moved by 3 mm."""
    rng = np.random.default_rng(0)
    for label, t_r, start in (("01", 2.0, 0.5), ("02", 1.5, 0.75)):
        raw, made = tmp_path / f"sub-{label}" / "func", tmp_path / "derivatives" / f"sub-{label}" / "func"
        img = nib.Nifti1Image(rng.normal(100, 1, size=(4, 4, 4, 60)).astype(np.float32), np.eye(4))
        img.header.set_zooms((1, 1, 1, t_r))
        img.header.set_xyzt_units("mm", "sec")
        for folder, ending in ((raw, "bold"), (made, "space-MNI_desc-preproc_bold")):
            folder.mkdir(parents=True)
            nib.save(img, folder / f"sub-{label}_task-main_{ending}.nii.gz")
            about = {"RepetitionTime": t_r, "TaskName": "main"} | ({"StartTime": start} if folder is made else {})
            (folder / f"sub-{label}_task-main_{ending}.json").write_text(json.dumps(about))
        events = pd.DataFrame({"onset": [5.0, 30, 60], "duration": 2.0, "trial_type": "a"})
        events.to_csv(raw / f"sub-{label}_task-main_events.tsv", sep="\t", index=False)
        moved = pd.DataFrame({f"{kind}_{axis}": rng.normal(size=60) for kind in ("trans", "rot") for axis in "xyz"})
        moved["framewise_displacement"], moved["std_dvars"] = 0.1, 1.0
        moved.loc[20:24, "framewise_displacement"] = 3.0
        table = made / f"sub-{label}_task-main_desc-confounds_timeseries.tsv"
        moved.to_csv(table, sep="\t", index=False)
        table.with_suffix(".json").write_text("{}")
    return tmp_path


@pytest.mark.filterwarnings("ignore")
def test_each_participant_has_its_own_clock(two_clocks):
    how = {**HOW, "slice_time_ref": None}
    ours, theirs = first_level_from_bids(two_clocks, **how)[0], reference(two_clocks, **how)[0]
    assert [(m.t_r, m.slice_time_ref) for m in ours] == [(2.0, 0.25), (1.5, 0.5)]
    assert [(m.t_r, m.slice_time_ref) for m in theirs] == [(2.0, 0.25)] * 2


@pytest.mark.filterwarnings("ignore")
def test_scrubbed_scans_are_left_out_of_the_model(two_clocks):
    how = {"confounds_strategy": ("motion", "scrub"), "confounds_motion": "basic", "confounds_scrub": 0}
    *_, ours = first_level_from_bids(two_clocks, **HOW, **how)
    *_, theirs = reference(two_clocks, **HOW, **how)
    for (mine,), other in zip(ours, theirs, strict=True):
        alone = mine.filter(like="left_out_")
        assert alone.shape == (60, 5)
        assert np.argwhere(alone.to_numpy()).tolist() == [[20 + i, i] for i in range(5)]
        assert other.shape == (60, 6)  # the six of motion: those scans stay


def test_what_no_sidecar_says_is_said(dataset, own):
    with pytest.warns(UserWarning, match="StartTime"):
        first_level_from_bids(dataset, **{**HOW, "slice_time_ref": None})
    for path in own.rglob("*_bold.json"):
        path.unlink()
    with pytest.warns(UserWarning, match="no sidecar says the time between scans"):
        first_level_from_bids(own, **HOW)
    with pytest.warns(UserWarning, match="there is no sub-77"):
        first_level_from_bids(dataset, **HOW, sub_labels=["77", "01"])


def test_nothing_is_said_where_the_raw_data_state_the_time_between_scans(dataset):
    one = {**HOW, "sub_labels": ["01"], "verbose": 1}
    with pytest.warns(UserWarning, match=r"No bold.json"):
        theirs, *_ = reference(dataset, **one)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours, *_ = first_level_from_bids(dataset, **one)
    assert ours[0].t_r == theirs[0].t_r == 1.5


def test_runs_that_lack_something_are_refused(own):
    confounds = sorted(own.rglob("*sub-02*confounds*.tsv"))
    confounds[0].unlink()
    with pytest.raises(InputError, match="sub-02: 1 of 4 runs have no confounds"):
        first_level_from_bids(own, **HOW)
    first_level_from_bids(own, **HOW, confounds_strategy=None)
    next(own.rglob("*sub-01*events.tsv")).unlink()
    with pytest.raises(InputError, match="sub-01: 1 of 4 runs have no events"):
        first_level_from_bids(own, **HOW, confounds_strategy=None)


@pytest.mark.parametrize(
    ("further", "error", "said"),
    [
        ({"task_label": 3}, TypeError, "task_label: labels of BIDS are text"),
        ({"task_label": "../x"}, InputError, "letters and digits"),
        ({"task_label": "rest"}, InputError, "no image with task-rest, space-MNI"),
        ({"img_filters": []}, InputError, "several images are of one run|no image"),
        ({"img_filters": [("foo", "1")]}, InputError, "entity of img_filters must be one of"),
        ({"img_filters": "desc"}, TypeError, "of type list"),
        ({"t_r": -1}, InputError, "positive"),
        ({"t_r": "2"}, TypeError, "of type float"),
        ({"slice_time_ref": 2}, InputError, "between 0 and 1"),
        ({"sub_labels": "01"}, TypeError, "of type list"),
        ({"derivatives_folder": "nowhere"}, InputError, "there is no folder"),
        ({"derivatives_folder": 1}, TypeError, "of type str"),
        ({"confound_strategy": "motion"}, RuntimeError, "does not know confound_strategy"),
    ],
)
def test_what_cannot_be_meant_is_refused(dataset, further, error, said):
    how = {**HOW, **further}
    if further == {"img_filters": []}:
        how["space_label"] = "T1w"
    with pytest.raises(error, match=said):
        first_level_from_bids(dataset, **how)


def test_cosines_twice_are_warned_of(dataset):
    with pytest.warns(UserWarning, match="duplicate the cosine drift"):
        first_level_from_bids(dataset, **HOW, confounds_strategy=("high_pass",))


def test_the_nearest_table_of_events_counts(own):
    """As BIDS says; nilearn refuses a table in the root beside one of each run."""
    tables = sorted(own.rglob("*events.tsv"))
    shutil.copy(tables[0], own / "task-main_events.tsv")
    with pytest.raises(ValueError, match="event files"):
        reference(own, **HOW)
    found = first_level_from_bids(own, **HOW)[2]
    assert [len(tables) for tables in found] == [4, 4, 4]
    pd.testing.assert_frame_equal(found[0][0][["onset"]], pd.read_csv(tables[0], sep="\t")[["onset"]])


def test_numbers_of_runs_are_numbers(own):
    """run-01 among the raw files is run-1 among the derivatives; nilearn finds no events there."""
    for path in sorted((own / "derivatives").rglob("*desc-*")):
        path.rename(path.with_name(path.name.replace("run-0", "run-")))
    with pytest.raises(ValueError, match="events"):
        reference(own, **HOW)
    models, imgs, events, _ = first_level_from_bids(own, **HOW)
    assert [len(tables) for tables in events] == [len(of) for of in imgs] == [4] * len(models)
