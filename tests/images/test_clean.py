"""Cleaning: the series of nilearn 0.14.1 where both offer the same, and projections checked by algebra."""

import warnings

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.image import clean_img as reference_img
from nilearn.signal import clean as reference

from glmwidgets.images.clean import clean_img, clean_series
from glmwidgets.images.load import image_data, load_image


def series(dtype=np.float32, n=60, v=700):
    rng = np.random.default_rng(0)
    trend = np.linspace(-1, 1, n)[:, None] * rng.normal(size=v) * 40
    return (800 + trend + rng.normal(size=(n, v)) * 20).astype(dtype)


def confounds(n=60):
    return np.random.default_rng(1).normal(size=(n, 4)) * [1, 10, 0.01, 1] + [0, 5, 0, -2]


@pytest.fixture(scope="module")
def crop(auditory_dir):
    return load_image(next(auditory_dir.glob("*bold.nii.gz"))).slicer[:, :, 30:36]


def test_detrended_real_run_equals_the_reference(crop):
    got = clean_img(crop, standardize=None)
    expected = reference_img(crop, standardize=None)
    assert image_data(got).dtype == np.float32
    # Single precision: values of some thousands lose 2e-4 on the way, whoever subtracts them.
    np.testing.assert_allclose(image_data(got), expected.get_fdata(), atol=2e-3)
    assert np.mean(image_data(got) == expected.get_fdata(dtype=np.float32)) > 0.99


@pytest.mark.parametrize("detrend", [True, False])
@pytest.mark.parametrize("standardize", ["zscore_sample", "psc", None])
@pytest.mark.parametrize("with_confounds", [True, False])
@pytest.mark.parametrize("high_pass", [None, 0.02])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_every_combination_equals_the_reference(detrend, standardize, with_confounds, high_pass, dtype):
    options = {"detrend": detrend, "standardize": standardize, "confounds": confounds() if with_confounds else None}
    y = series(dtype)
    cosine = {} if high_pass is None else {"high_pass": high_pass, "t_r": 2.0, "filter": "cosine"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = reference(y, **options, **cosine)
    got = clean_series(y, **options, **cosine)
    assert got.dtype == expected.dtype
    scale = np.abs(expected).max()
    np.testing.assert_allclose(got, expected, atol=scale * (1e-12 if dtype == np.float64 else 5e-6))


BANDS = {"slow": {"high_pass": 0.02}, "fast": {"low_pass": 0.1}, "both": {"high_pass": 0.02, "low_pass": 0.1}}


@pytest.mark.parametrize("band", BANDS)
@pytest.mark.parametrize("standardize", ["zscore_sample", "psc", None])
@pytest.mark.parametrize("standardize_confounds", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_butterworth_equals_the_reference(band, standardize, standardize_confounds, dtype):
    options = {"t_r": 2.0, "confounds": confounds(), "standardize": standardize, **BANDS[band]}
    options["standardize_confounds"] = standardize_confounds
    y = series(dtype)
    expected = reference(y.copy(), **options)
    got = clean_series(y, **options)
    assert got.dtype == expected.dtype
    np.testing.assert_allclose(got, expected, atol=np.abs(expected).max() * (1e-10 if dtype == np.float64 else 1e-5))


@pytest.mark.parametrize("filter", ["butterworth", "cosine"])
def test_scans_that_are_left_out_equal_the_reference(filter):
    """Where no two of them are as far from the beginning as from the end: those the reference takes as they are."""
    kept = np.setdiff1d(np.arange(60), [0, 20, 24])
    options = {"t_r": 2.0, "confounds": confounds(), "high_pass": 0.02, "filter": filter, "sample_mask": kept}
    y = series(np.float64)
    expected = reference(y.copy(), **{**options, "sample_mask": kept.copy()})
    np.testing.assert_allclose(clean_series(y, **options), expected, atol=1e-9)
    by_booleans = clean_series(y, **{**options, "sample_mask": np.isin(np.arange(60), kept)})
    np.testing.assert_array_equal(by_booleans, clean_series(y, **options))


def test_a_scan_that_is_left_out_has_no_say():
    kept = np.setdiff1d(np.arange(60), [10, 25, 34, 49])
    y = series(np.float64)
    spiked = y.copy()
    spiked[[10, 25, 34, 49]] += 1e4
    options = {"t_r": 2.0, "low_pass": 0.1, "sample_mask": kept}
    np.testing.assert_allclose(clean_series(spiked, **options), clean_series(y, **options), atol=1e-9)


def test_runs_are_cleaned_one_by_one():
    y, options = series(np.float64), {"t_r": 2.0, "high_pass": 0.02}
    both = clean_series(np.vstack([y, 3 * y]), runs=[1] * 60 + [2] * 60, **options)
    np.testing.assert_array_equal(both, np.vstack([clean_series(y, **options), clean_series(3 * y, **options)]))
    img = nib.Nifti1Image(np.vstack([y, 3 * y]).T.reshape(7, 10, 10, 120), np.eye(4))
    expected = reference_img(img, runs=[1] * 60 + [2] * 60, **options).get_fdata()
    np.testing.assert_allclose(clean_img(img, [1] * 60 + [2] * 60, **options).get_fdata(), expected, atol=1e-9)
    filtered = clean_img(img, clean__filter="cosine", **options).get_fdata()
    np.testing.assert_allclose(filtered, reference_img(img, clean__filter="cosine", **options).get_fdata(), atol=1e-9)


def test_slow_confound_does_not_switch_the_filter_off():
    """The reference drops all its cosines if one confound resembles one of them."""
    t = np.arange(60) + 0.5
    slow = np.cos(np.pi * t / 60)[:, None] + 0.01 * confounds()[:, :1]
    fast_enough_to_stay = np.cos(np.pi * t * 4 / 60)
    y = fast_enough_to_stay[:, None] * np.ones(3) + 1e-3 * series(np.float64, v=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept = reference(y, confounds=slow, high_pass=0.02, t_r=2.0, filter="cosine", standardize=None)
    cleaned = clean_series(y, confounds=slow, high_pass=0.02, t_r=2.0, filter="cosine", standardize=None)
    assert np.abs(fast_enough_to_stay @ kept).min() > 20
    assert np.abs(fast_enough_to_stay @ cleaned).max() < 0.5


def test_booleans_mean_what_they_say():
    y = series()
    np.testing.assert_array_equal(clean_series(y, standardize=True), clean_series(y, standardize="zscore_sample"))
    np.testing.assert_array_equal(clean_series(y, standardize=False), clean_series(y, standardize=None))


def test_what_is_taken_out_is_gone():
    x, t = confounds(), np.linspace(-1, 1, 60)
    y = series(np.float64)
    cleaned = clean_series(y, confounds=pd.DataFrame(x), high_pass=0.02, t_r=2.0, filter="cosine", standardize=None)
    cosines = np.cos(np.pi / 60 * (np.arange(60)[:, None] + 0.5) * np.arange(1, 5))
    for column in (*(x - x.mean(0)).T, t, np.ones(60), *cosines.T):
        # what is left of a detrended column; the line itself is orthogonal to all that is detrended
        column = column - np.polyval(np.polyfit(t, column, 1), t) if column is not t else t
        assert np.abs(column @ cleaned).max() < 1e-8 * np.linalg.norm(y)
    z = clean_series(y, confounds=x)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(z.std(axis=0, ddof=1), 1, rtol=1e-12)


def test_given_series_are_left_alone():
    y = series()
    before = y.copy()
    clean_series(y, confounds=confounds(), standardize="psc")
    np.testing.assert_array_equal(y, before)


def test_flat_series_stay_flat():
    y = series(np.float64)
    y[:, 3] = 500.0
    assert not clean_series(y)[:, 3].any()
    y[:, 4] = 0
    with pytest.warns(UserWarning, match="1 series have a mean of zero"):
        assert not clean_series(y, detrend=False, standardize="psc")[:, 4].any()


def test_image_within_a_mask(crop):
    mask = nib.Nifti1Image((image_data(crop).mean(axis=3) > 400).astype(np.uint8), crop.affine)
    got = image_data(clean_img(crop, standardize=None, mask_img=mask))
    inside = image_data(mask) > 0
    # the matrix product may sum in another order for another number of voxels
    np.testing.assert_allclose(got[inside], image_data(clean_img(crop, standardize=None))[inside], atol=1e-3)
    assert not got[~inside].any()


def test_values_that_are_not_finite():
    data = series().T.reshape(7, 10, 10, 60).copy()
    data[0, 0, 0, 5] = np.nan
    img = nib.Nifti1Image(data, np.eye(4))
    assert np.isnan(image_data(clean_img(img))[0, 0, 0]).all()
    assert np.isfinite(image_data(clean_img(img, ensure_finite=True))).all()
    assert np.isnan(data[0, 0, 0, 5])


def test_refuses_what_it_cannot_clean():
    with pytest.raises(ValueError, match="only a 4-D image has series"):
        clean_img(nib.Nifti1Image(np.zeros((3, 3, 3)), np.eye(4)))
    with pytest.raises(ValueError, match="'zscore_sample', 'psc', None, not 'zscore'"):
        clean_series(series(), standardize="zscore")
    with pytest.raises(ValueError, match="give t_r in seconds"):
        clean_series(series(), high_pass=0.01)
    with pytest.raises(ValueError, match=r"low_pass must lie between 0 and 0\.25 Hz"):
        clean_series(series(), low_pass=0.3, t_r=2.0)
    with pytest.raises(ValueError, match="leave no wave between"):
        clean_series(series(), low_pass=0.1, high_pass=0.1, t_r=2.0)
    with pytest.raises(ValueError, match="takes out slow waves only"):
        clean_series(series(), low_pass=0.1, t_r=2.0, filter="cosine")
    with pytest.raises(ValueError, match="9 scans are too few"):
        clean_series(series(n=9), low_pass=0.1, t_r=2.0)
    with pytest.raises(ValueError, match="one run after the other"):
        clean_series(series(), runs=[1, 2] * 30)
    with pytest.raises(ValueError, match="59"):
        clean_series(series(), confounds=confounds(59))
