"""Design matrices equal nilearn's to 1e-12; where they differ on purpose, both values are stated."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nilearn.glm.first_level import compute_regressor as nilearn_regressor
from nilearn.glm.first_level import make_first_level_design_matrix as nilearn_design

from glmwidgets.glm.design.matrix import compute_regressor, frame_times, make_first_level_design_matrix
from glmwidgets.glm.response.models import resolve_hrf

HRF_MODELS = [
    "spm",
    "spm + derivative",
    "spm + derivative + dispersion",
    "glover",
    "glover + derivative",
    "glover + derivative + dispersion",
    "fir",
    None,
]
# Columns are at most a few units high. Derivatives divide differences of kernels by 0.1 and 0.01, still below 1e-12.
TOLERANCE = {"rtol": 0, "atol": 1e-12}


def nilearn(*args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nilearn_design(*args, **kwargs)


def assert_same(times, events, **settings):
    ours = make_first_level_design_matrix(times, events, **settings)
    theirs = nilearn(times, events, **settings)
    pd.testing.assert_index_equal(ours.columns, theirs.columns)
    pd.testing.assert_index_equal(ours.index, theirs.index)
    np.testing.assert_allclose(ours, theirs, **TOLERANCE)
    return ours


def random_events(rng, duration, n=40, length=280.0):
    return pd.DataFrame(
        {
            "onset": np.round(np.sort(rng.uniform(0, length, n)), 3),
            "duration": duration if np.isscalar(duration) else rng.choice(duration, n),
            "trial_type": rng.choice(["house", "face", "Cat", "1back"], n),
            "modulation": rng.normal(1, 0.5, n),
        }
    )


# Parity


@pytest.mark.parametrize("drift_model", ["cosine", "polynomial", None])
@pytest.mark.parametrize("hrf_model", HRF_MODELS)
def test_parity_on_the_visual_localizer(visloc_dir, hrf_model, drift_model):
    events = pd.read_csv(next(visloc_dir.glob("*events.tsv")), sep="\t")
    confounds = pd.DataFrame(np.random.default_rng(0).standard_normal((156, 3)), columns=["x", "y", "z"])
    times = frame_times(156, 2.0, slice_time_ref=0.5)
    design = assert_same(
        times,
        events,
        hrf_model=hrf_model,
        drift_model=drift_model,
        drift_order=3,
        fir_delays=[0, 1, 2, 3],
        add_regs=confounds,
    )
    assert design.shape[0] == 156


@pytest.mark.parametrize("hrf_model", HRF_MODELS)
@pytest.mark.parametrize("table", ["sub-01_task-auditory_events.tsv", "bids84_events.tsv"])
def test_parity_on_the_auditory_blocks(auditory_dir, hrf_model, table):
    events = pd.read_csv(auditory_dir / table, sep="\t")
    assert_same(frame_times(96, 7.0), events, hrf_model=hrf_model, fir_delays=range(5))


@pytest.mark.parametrize("hrf_model", HRF_MODELS)
@pytest.mark.parametrize(("t_r", "ref", "n"), [(2.0, 0.0, 150), (0.8, 0.5, 360), (1.37, 1.0, 210), (7.0, 0.5, 45)])
@pytest.mark.parametrize("duration", [0.0, 1.5, (0.0, 2.0, 30.0)])
def test_parity_on_random_events(hrf_model, t_r, ref, n, duration):
    events = random_events(np.random.default_rng(1), duration)
    if hrf_model is None and duration == 0.0:
        # Without a response, an instant is seen by a scan at that very moment only; each moment once.
        events["onset"] = (np.arange(len(events)) + ref) * t_r
    assert_same(frame_times(n, t_r, ref), events, hrf_model=hrf_model, fir_delays=[0, 2], high_pass=1 / 128)


@settings(max_examples=30, deadline=None)
@given(
    onsets=st.lists(st.floats(-20, 110), min_size=1, max_size=8),
    duration=st.floats(0, 40),
    t_r=st.floats(0.4, 4),
    start=st.floats(0, 30),
    oversampling=st.integers(1, 60),
    min_onset=st.floats(-40, -20),
)
def test_parity_of_one_regressor_anywhere(onsets, duration, t_r, start, oversampling, min_onset):
    times = start + np.arange(40) * t_r
    onsets = np.array([onset for onset in onsets if onset >= start + min_onset] or [start])
    condition = (onsets, np.full(onsets.size, duration), np.linspace(-1, 2, onsets.size))
    settings = {"oversampling": oversampling, "min_onset": min_onset, "con_id": "a"}
    for hrf_model in ("spm", "glover + derivative", None):
        ours, names = compute_regressor(condition, hrf_model, times, **settings)
        theirs, their_names = nilearn_regressor(condition, hrf_model, times, **settings)
        assert names == their_names
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-11)


def sawtooth(t_r, oversampling):
    return np.linspace(1, -0.3, 7 * oversampling)


def late(t_r, oversampling):
    return np.concatenate([np.zeros(3 * oversampling), np.hanning(2 * oversampling)])


@pytest.mark.parametrize("hrf_model", [sawtooth, [sawtooth, late]])
def test_parity_of_functions(hrf_model):
    events = random_events(np.random.default_rng(2), 1.0)
    assert_same(frame_times(150, 2.0), events, hrf_model=hrf_model)


def test_parity_without_events_and_with_an_array_of_confounds():
    times = frame_times(60, 2.0)
    array = np.random.default_rng(3).standard_normal((60, 2))
    assert_same(times, None, add_regs=array)
    design = assert_same(times, None, add_regs=array, add_reg_names=["x", "y"], drift_model="Polynomial", drift_order=2)
    assert design.columns.tolist() == ["x", "y", "drift_1", "drift_2", "constant"]


def test_parity_of_duplicates_and_of_a_table_without_types():
    times = frame_times(60, 2.0)
    events = pd.DataFrame({"onset": [10, 10, 40], "duration": 2.0, "trial_type": "a", "modulation": [1.0, 2.0, 1.0]})
    with pytest.warns(UserWarning, match="summed"):
        assert_same(times, events)
    with pytest.warns(UserWarning, match="dummy"):
        design = assert_same(times, pd.DataFrame({"onset": [10.0, 40.0], "duration": 2.0}))
    assert design.columns[0] == "dummy"


def test_a_path_is_read(auditory_dir):
    path = auditory_dir / "sub-01_task-auditory_events.tsv"
    times = frame_times(96, 7.0)
    pd.testing.assert_frame_equal(
        make_first_level_design_matrix(times, path), make_first_level_design_matrix(times, pd.read_csv(path, sep="\t"))
    )


# Against mathematics


@pytest.mark.parametrize("name", ["spm12", "gam", "mion", "fsl gamma", "block(20)", "tent(0, 16, 9)", "spmg1"])
def test_columns_are_the_convolution_on_the_fine_grid(name):
    # Onsets and ends on the grid of 0.1 s; the last scan of a run that starts at 0 makes the grid exact.
    times = frame_times(100, 2.0)
    onsets, duration = np.array([4.0, 30.2, 90.0]), 5.0
    response = resolve_hrf(name)
    heights = [1.0, 2.0, 0.5]
    columns, _ = compute_regressor((onsets, [duration] * 3, heights), name, times, oversampling=20, convolution="grid")
    fine = np.zeros(2400)
    for onset, height in zip(onsets, [1.0, 2.0, 0.5], strict=True):
        first = round((onset + 24) / 0.1)
        fine[first : first + (50 if response.uses_duration else 1)] += height
    for j, kernel in enumerate(response.kernels(2.0, 20)):
        expected = np.convolve(fine, kernel)[240 + 20 * np.arange(100)]
        np.testing.assert_allclose(columns[:, j], expected, rtol=0, atol=1e-12)


def test_a_stimulus_that_never_ends_settles_at_1():
    for name in ("spm12", "glover", "fsl double gamma", "gam", "mion", "glover1999", "gamma(5, 14, 1, 1, 0.2)"):
        column, _ = compute_regressor(([0.0], [400.0], [1.0]), name, frame_times(150, 2.0))
        assert column[60:, 0] == pytest.approx(1.0, abs=1e-9)


def test_no_event_reaches_a_scan_before_it_or_long_after():
    column, _ = compute_regressor(([100.0], [10.0], [1.0]), "spm", frame_times(150, 2.0))
    assert (column[:51] == 0).all()
    assert (column[72:] == 0).all()


@settings(deadline=None)
@given(shift=st.integers(1, 20), seed=st.integers(0, 1000))
def test_shifting_events_by_whole_scans_shifts_the_column(shift, seed):
    times = frame_times(120, 2.0)
    # Between grid points, which are 0.1 s apart here, so that both runs sample them alike.
    onsets = np.random.default_rng(seed).integers(0, 1500, 6) / 10 + 0.05
    durations, amplitudes = np.full(6, 3.0), np.ones(6)
    one, _ = compute_regressor((onsets, durations, amplitudes), "spm12", times, oversampling=20)
    two, _ = compute_regressor((onsets + 2.0 * shift, durations, amplitudes), "spm12", times, oversampling=20)
    np.testing.assert_allclose(two[shift:], one[:-shift], rtol=0, atol=1e-12)


def test_derivatives_are_orthogonal_to_their_response():
    events = random_events(np.random.default_rng(5), 2.0)
    design = make_first_level_design_matrix(frame_times(150, 2.0), events, "spm + derivative + dispersion")
    face = design[["face", "face_derivative", "face_dispersion"]].to_numpy()
    cosine = face.T @ face / np.outer(np.linalg.norm(face, axis=0), np.linalg.norm(face, axis=0))
    np.testing.assert_allclose(cosine, np.eye(3), atol=1e-10)


# Where nilearn differs


def test_events_before_min_onset_are_dropped_and_nilearn_moves_them():
    times = frame_times(60, 2.0)
    early = ([-40.0, 20.0], [1.0, 1.0], [1.0, 1.0])
    with pytest.warns(
        UserWarning, match=r"'a' has 1 event with a start before -24 s .* those that end before it \(1\)"
    ):
        ours, _ = compute_regressor(early, "spm", times, con_id="a")
    without, _ = compute_regressor(([20.0], [1.0], [1.0]), "spm", times)
    np.testing.assert_array_equal(ours, without)
    with pytest.warns(UserWarning, match="not considered"):
        theirs, _ = nilearn_regressor(early, "spm", times)
    moved, _ = nilearn_regressor(([-24.0, 20.0], [0.0, 1.0], [1.0, 1.0]), "spm", times)
    np.testing.assert_array_equal(theirs, moved)
    assert np.abs(theirs - ours).max() == pytest.approx(1.17e-4, rel=0.01)


def test_an_event_still_on_at_min_onset_is_cut_as_in_nilearn():
    times = frame_times(60, 2.0)
    condition = ([-40.0], [60.0], [1.0])
    with pytest.warns(UserWarning, match="cut to what remains"):
        ours, _ = compute_regressor(condition, "spm", times)
    with pytest.warns(UserWarning, match="not considered"):
        theirs, _ = nilearn_regressor(condition, "spm", times)
    np.testing.assert_allclose(ours, theirs, **TOLERANCE)
    assert ours.max() == pytest.approx(1.0, abs=0.2)


def test_a_negative_duration_is_an_error_and_nilearn_inverts_the_event():
    times = frame_times(60, 2.0)
    events = pd.DataFrame({"onset": [20.0, 60.0], "duration": [-4.0, 4.0], "trial_type": ["a", "b"]})
    with pytest.raises(ValueError, match=r"negative duration \(-4 s\) in row 0"):
        make_first_level_design_matrix(times, events)
    with pytest.raises(ValueError, match="negative duration"):
        compute_regressor(([20.0], [-4.0], [1.0]), "spm", times)
    assert nilearn(times, events)["a"].min() < -0.5


def test_an_event_without_type_is_left_out_and_said_and_nilearn_drops_it_in_silence():
    events = pd.DataFrame({"onset": [20.0, 60.0], "duration": 4.0, "trial_type": ["a", None]})
    with pytest.warns(UserWarning, match="1 of 2 events has no trial_type in row 1"):
        ours = make_first_level_design_matrix(frame_times(60, 2.0), events)
    np.testing.assert_allclose(ours["a"], nilearn(frame_times(60, 2.0), events)["a"], atol=1e-12)
    assert ours["a"].iloc[35:].abs().max() < 0.2


def test_a_missing_modulation_is_an_error_and_nilearn_takes_it_as_zero():
    events = pd.DataFrame(
        {"onset": [20.0, 60.0], "duration": 4.0, "trial_type": ["a", "b"], "modulation": [1.0, np.nan]}
    )
    with pytest.raises(ValueError, match="modulation is missing in row 1"):
        make_first_level_design_matrix(frame_times(60, 2.0), events)
    assert nilearn(frame_times(60, 2.0), events)["b"].abs().max() < 1e-6


def test_integer_types_have_names_that_a_contrast_can_use():
    events = pd.DataFrame({"onset": [20.0, 60.0], "duration": 4.0, "trial_type": [1, 2]})
    times = frame_times(60, 2.0)
    assert make_first_level_design_matrix(times, events).columns[:2].tolist() == ["1", "2"]
    assert nilearn(times, events).columns[:2].tolist() == [1, 2]


def test_a_type_that_never_happens_is_an_error_and_nilearn_gives_a_column_of_zeros():
    times = frame_times(60, 2.0)
    events = pd.DataFrame({"onset": [20.0, 400.0, 500.0], "duration": 4.0, "trial_type": ["a", "b", "b"]})
    with pytest.raises(
        ValueError, match=r"'b' never happens during the run \(0 to 120 s\): its 2 onsets are at 400 to 500 s"
    ):
        make_first_level_design_matrix(times, events)
    with pytest.warns(UserWarning, match="'b'") as caught:
        design = make_first_level_design_matrix(times, events, outside="warn")
    first, second = (str(warning.message) for warning in caught)
    assert "'b' never happens" in first
    assert "zero in every scan: 'b'" in second
    assert (design["b"] == 0).all()
    # nilearn's column is what it adds to the singular values: nothing to estimate from.
    theirs = nilearn(times, events)
    assert theirs["b"].abs().max() < 1e-12
    np.testing.assert_allclose(design, theirs, **TOLERANCE)


@pytest.mark.parametrize(("hrf_model", "onset", "duration"), [("spm", 117.9, 4.0), (None, 31.0, 0.0)])
def test_a_type_that_no_scan_has_seen_is_an_error(hrf_model, onset, duration):
    # In the last moment of the run; an instant between two scans, with no response to carry it to the next.
    events = pd.DataFrame({"onset": [20.0, onset], "duration": [4.0, duration], "trial_type": ["a", "b"]})
    with pytest.raises(ValueError, match=rf"'b' leaves no trace in any scan: its only onset is at {onset:g} s"):
        make_first_level_design_matrix(frame_times(60, 2.0), events, hrf_model=hrf_model)


def test_an_event_before_the_first_scan_whose_response_is_seen_is_fine():
    events = pd.DataFrame({"onset": [-4.0], "duration": 1.0, "trial_type": ["a"]})
    design = make_first_level_design_matrix(frame_times(60, 2.0), events, hrf_model="spm")
    assert design["a"].max() > 0.1


def test_milliseconds_are_an_error_that_says_so(tmp_path):
    path = tmp_path / "events.tsv"
    path.write_text("onset\tduration\ttrial_type\n0\t1000\ta\n20000\t1000\ta\n60000\t1000\tb\n")
    with pytest.raises(
        ValueError, match=r"events.tsv: the onsets look like milliseconds.*divide onset and duration by 1000"
    ):
        make_first_level_design_matrix(frame_times(60, 2.0), path)


def test_modulation_of_zero_everywhere_is_an_error():
    events = pd.DataFrame({"onset": [20.0, 40.0], "duration": 4.0, "trial_type": ["a", "b"], "modulation": [1.0, 0.0]})
    with pytest.raises(ValueError, match="'b' has modulation 0"):
        make_first_level_design_matrix(frame_times(60, 2.0), events)


def test_a_late_event_of_a_type_that_also_happens_is_a_warning():
    events = pd.DataFrame({"onset": [20.0, 400.0], "duration": 4.0, "trial_type": "a"})
    with pytest.warns(UserWarning, match=r"1 of 2 events of 'a' lie outside the run \(0 to 120 s\)"):
        make_first_level_design_matrix(frame_times(60, 2.0), events)


# Names, rank, arguments


def test_a_confound_with_the_name_of_a_condition_is_refused():
    events = pd.DataFrame({"onset": [20.0], "duration": 4.0, "trial_type": ["a"]})
    confounds = pd.DataFrame({"a": np.arange(60.0)})
    with pytest.raises(ValueError, match=r"would be called 'a'; rename"):
        make_first_level_design_matrix(frame_times(60, 2.0), events, add_regs=confounds)


def test_dependent_columns_are_named():
    rng = np.random.default_rng(0)
    x, y, z = rng.standard_normal((3, 60))
    confounds = pd.DataFrame({"x": 1e-8 * x, "y": y, "z": z, "sum": 2 * x - y})
    with pytest.warns(UserWarning, match=r"rank deficient. Columns combinations of each other: 'x', 'y', 'sum'\."):
        make_first_level_design_matrix(frame_times(60, 2.0), add_regs=confounds)


def test_nearly_dependent_columns_are_not_called_dependent():
    rng = np.random.default_rng(0)
    x, noise = rng.standard_normal((2, 60))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_first_level_design_matrix(frame_times(60, 2.0), add_regs=np.column_stack([x, x + 1e-8 * noise]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"outside": "ignore"}, "outside must be one of 'error', 'warn'"),
        ({"oversampling": 0}, "oversampling"),
        ({"min_onset": 5}, "min_onset"),
        ({"drift_model": "linear"}, "drift_model"),
        ({"add_reg_names": ["x"]}, "no add_regs"),
        ({"add_regs": np.zeros((60, 2)), "add_reg_names": ["x"]}, "1 names were given for 2 confounds"),
        ({"frame_times": np.array([0.0])}, "at least two scans"),
        ({"frame_times": np.array([0.0, 2.0, 2.0])}, "increase"),
    ],
)
def test_wrong_arguments_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        make_first_level_design_matrix(**{"frame_times": frame_times(60, 2.0), **settings})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0, 2.0), "at least one scan"), ((5, 0.0), "t_r"), ((5, np.nan), "t_r"), ((5, 2.0, 1.5), "slice_time_ref")],
)
def test_wrong_frame_times_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        frame_times(*arguments)
