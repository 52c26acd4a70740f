"""Scaling of the signal: percent of the right mean, and a standard deviation that is one."""

import numpy as np
import pytest
from nilearn.glm.first_level.first_level import mean_scaling
from nilearn.signal import standardize_signal as reference_standardize

from glmwidgets.glm.moments.scaling import SCALINGS, scale_signal, standardize_signal
from glmwidgets.glm.moments.series import Series


@pytest.fixture
def y():
    rng = np.random.default_rng(0)
    return (1000 + 200 * rng.standard_normal(30) + 10 * rng.standard_normal((50, 30))).astype(np.float32)


@pytest.mark.parametrize("signal_scaling", [0, (0, 1)])
def test_equal_to_the_reference(y, signal_scaling):
    theirs, _ = mean_scaling(y.copy(), signal_scaling)
    np.testing.assert_array_equal(scale_signal(y, signal_scaling), theirs)
    np.testing.assert_array_equal(scale_signal(np.asfortranarray(y), signal_scaling), theirs)


def test_each_scan_by_its_mean_over_voxels(y):
    """The reference crashes on ``signal_scaling=1``; this is what its documentation says."""
    with pytest.raises(ValueError, match="broadcast"):
        mean_scaling(y.copy(), 1)
    exact = y.astype(np.float64)
    expected = 100 * (exact / exact.mean(axis=1, keepdims=True) - 1)
    np.testing.assert_allclose(scale_signal(exact, 1), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(scale_signal(exact, 1).mean(axis=1), 0, atol=1e-10)


def test_false_and_the_names(y):
    assert scale_signal(y, False) is y
    for row in SCALINGS.values():
        np.testing.assert_array_equal(scale_signal(y, row.name), scale_signal(y, row.value))
    np.testing.assert_array_equal(scale_signal(y, [0, 1]), scale_signal(y, (0, 1)))


@pytest.mark.parametrize("signal_scaling", [True, 2, (1, 0), (0,), "percent", None])
def test_what_is_no_scaling_is_refused(y, signal_scaling):
    with pytest.raises(ValueError, match="signal_scaling must be False, 0, 1 or"):
        scale_signal(y, signal_scaling)


def test_means_below_one_are_floored_with_a_warning():
    y = np.array([[0.1, 100.0, 0.0], [0.3, 102.0, 0.0]])
    with pytest.warns(UserWarning, match="1 voxel with a mean below 1: scaled"):
        scaled = scale_signal(y, 0)
    np.testing.assert_allclose(scaled, [[-90, -100 / 101, -100], [-70, 100 / 101, -100]])


def test_data_so_small_that_the_floor_rounds_their_changes_away_are_refused(y):
    with pytest.raises(ValueError, match=r"30 voxels of 30 change by less than 0\.0001 about a mean below 1"):
        scale_signal(y * np.float32(1e-9))
    # T2* in seconds is small, and keeps its digits.
    seconds = y.copy() * np.float32(3e-5)
    with pytest.warns(UserWarning, match="30 voxels with a mean below 1"):
        changes = np.diff(scale_signal(seconds), axis=0)
    np.testing.assert_allclose(changes, 100 * np.diff(seconds, axis=0), atol=2e-5)
    np.testing.assert_allclose(scale_signal(y * np.float32(1e-9), (0, 1)), scale_signal(y, (0, 1)), atol=1e-3)


@pytest.mark.parametrize("signal_scaling", [1, (0, 1)])
def test_centred_data_have_no_percent(signal_scaling):
    y = np.array([[1.0, -1.0], [2.0, -2.0]])
    with pytest.raises(ValueError, match="zero or less"):
        scale_signal(y, signal_scaling)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_stays(y, dtype):
    for row in SCALINGS.values():
        assert scale_signal(y.astype(dtype), row.value).dtype == dtype
    assert standardize_signal(y.astype(dtype)).dtype == dtype


def test_standardized_series_have_unit_variance(y):
    """Sample standard deviation, over n - 1, as in the reference; float32 storage leaves 1e-5."""
    standardized = standardize_signal(y)
    np.testing.assert_allclose(standardized.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(standardized.std(axis=0, ddof=1), 1, rtol=1e-5)
    theirs = reference_standardize(y.copy(), detrend=False, standardize="zscore_sample")
    np.testing.assert_allclose(standardized, theirs, atol=1e-4)


def test_constant_series_are_standardized_to_zero(y):
    y[:, 3] = 1000.1
    standardized = standardize_signal(y)
    assert not standardized[:, 3].any()
    assert np.isfinite(standardized).all()


def test_standards_are_those_of_the_field():
    """Beside nilearn's `signal.standardize_signal`, to rounding."""
    from nilearn.signal import standardize_signal as reference

    y = np.random.default_rng(0).normal(50, 3, (20, 4))
    for name in ("zscore_sample", "psc"):
        np.testing.assert_allclose(standardize_signal(y, name), reference(y, standardize=name), rtol=1e-10, atol=1e-12)
    assert standardize_signal(y, None) is standardize_signal(y, False) is y
    assert np.array_equal(standardize_signal(y, True), standardize_signal(y, "zscore_sample"))
    percent = scale_signal(y, 0)
    assert standardize_signal(percent, "psc", centred=True) is percent
    with pytest.raises(ValueError, match="standardize must be one of 'zscore_sample', 'psc', None"):
        standardize_signal(y, "zscore")


@pytest.mark.parametrize("on_disk", [False, True])
def test_the_grand_mean_of_blocks_is_that_of_the_whole_array(monkeypatch, request, on_disk):
    """To the last bit: in single precision another order would move z by 1e-5."""
    if on_disk:
        monkeypatch.setattr("glmwidgets.files.scratch.ON_DISK", 0)
    monkeypatch.setattr("glmwidgets.glm.moments.scaling.AT_ONCE", 1000)
    y = np.random.default_rng(0).normal(5000, 900, (150, 1733)).astype(np.float32)
    # Older numpy sums piece after piece of its buffer; one that takes all leaves halves of halves.
    before = np.setbufsize(16 * (y.size // 16 + 1))
    request.addfinalizer(lambda: np.setbufsize(before))
    expected = 100 * (y / y.mean() - 1)
    np.testing.assert_array_equal(scale_signal(y, (0, 1)), expected)
    np.testing.assert_array_equal(np.asarray(scale_signal(Series.of(y), (0, 1))), expected)
    kept = np.arange(150) % 7 > 0
    np.testing.assert_array_equal(scale_signal(y, (0, 1), kept), 100 * (y / y[kept].mean() - 1))
