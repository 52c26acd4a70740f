"""Maskers of voxels, regions and spheres: nilearn's series, cleaned as nilearn cleans them, and back into images."""

import warnings

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn import maskers as reference
from nilearn.image import high_variance_confounds as reference_components
from nilearn.masking import compute_background_mask as reference_background

from glmwidgets.images import compute_background_mask, high_variance_confounds
from glmwidgets.models import NiftiLabelsMasker, NiftiMasker, NiftiSpheresMasker, NotFittedError

AFFINE = np.array([[-3.0, 0, 0, 16], [0, 3.0, 0, -19], [0, 0, 3.5, -12], [0, 0, 0, 1]])
SEEDS = [(1.0, -1.0, 2.0), (-8.0, 5.0, 5.5), (7.0, -7.0, -5.0)]

CLEANINGS = {
    "raw": {},
    "z": {"standardize": "zscore_sample"},
    "psi": {"detrend": True, "standardize": "zscore_sample", "high_pass": 0.01, "t_r": 2.0},
    "band": {"standardize": "psc", "high_pass": 0.01, "low_pass": 0.1, "t_r": 2.0},
    "cosine": {"high_pass": 0.02, "t_r": 2.0, "clean_args": {"filter": "cosine"}},
    "smooth": {"smoothing_fwhm": 6.0, "standardize": None},
    "variance": {"high_variance_confounds": True, "detrend": True},
}


@pytest.fixture(scope="module")
def img():
    rng = np.random.default_rng(3)
    data = np.zeros((12, 13, 8, 60))
    data[1:-1, 1:-1, 1:-1] = 900 + 20 * rng.normal(size=(10, 11, 6, 60)) + np.linspace(0, 30, 60)
    image = nib.Nifti1Image(data, AFFINE)
    image.header.set_zooms((3, 3, 3.5, 2.0))
    return image


@pytest.fixture(scope="module")
def mask_img(img):
    mask = np.zeros(img.shape[:3], np.uint8)
    mask[2:10, 2:11, 1:7] = 1
    return nib.Nifti1Image(mask, AFFINE)


@pytest.fixture(scope="module")
def labels_img(img):
    labels = np.zeros(img.shape[:3], np.int32)
    labels[2:5, 2:6, 2:5], labels[5:9, 2:6, 2:6], labels[3:9, 7:11, 2:6] = 2, 5, 9
    return nib.Nifti1Image(labels, AFFINE)


def confounds():
    return pd.DataFrame(np.random.default_rng(4).normal(size=(60, 3)), columns=["x", "y", "z"])


def ours_and_theirs(name, how, given, img, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = getattr(reference, name)(**given, **how).fit_transform(img, **more)
        ours = {"NiftiMasker": NiftiMasker, "NiftiSpheresMasker": NiftiSpheresMasker}.get(name, NiftiLabelsMasker)
        return ours(**given, **how).fit_transform(img, **more), theirs


def assert_same(pair):
    got, expected = pair
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, atol=1e-6 * max(1, np.abs(expected).max()))


@pytest.mark.parametrize("cleaning", CLEANINGS)
@pytest.mark.parametrize("with_confounds", [False, True])
def test_voxels_equal_the_reference(img, mask_img, cleaning, with_confounds):
    more = {"confounds": confounds()} if with_confounds else {}
    assert_same(ours_and_theirs("NiftiMasker", CLEANINGS[cleaning], {"mask_img": mask_img}, img, **more))


@pytest.mark.parametrize("cleaning", CLEANINGS)
@pytest.mark.parametrize("radius", [0.5, 7.0])
@pytest.mark.parametrize("masked", [False, True])
def test_spheres_equal_the_reference(img, mask_img, cleaning, radius, masked):
    given = {"seeds": SEEDS, "radius": radius, "allow_overlap": True, "mask_img": mask_img if masked else None}
    assert_same(ours_and_theirs("NiftiSpheresMasker", CLEANINGS[cleaning], given, img))


@pytest.mark.parametrize("cleaning", CLEANINGS)
@pytest.mark.parametrize("strategy", ["mean", "median", "standard_deviation"])
def test_regions_equal_the_reference(img, labels_img, cleaning, strategy):
    given = {"labels_img": labels_img, "strategy": strategy}
    assert_same(ours_and_theirs("NiftiLabelsMasker", CLEANINGS[cleaning], given, img))


def test_scans_that_are_left_out_equal_the_reference(img, mask_img):
    how = {"high_pass": 0.01, "t_r": 2.0, "standardize": "zscore_sample"}
    kept = np.setdiff1d(np.arange(60), [3, 20, 21])
    assert_same(ours_and_theirs("NiftiMasker", how, {"mask_img": mask_img}, img, sample_mask=kept))


def test_a_mask_that_is_found_equals_the_reference(img):
    for name in ("background", "epi"):
        how = {"mask_strategy": name, "mask_args": {"opening": 1} if name == "epi" else None}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = reference.NiftiMasker(**how).fit(img).mask_img_.get_fdata()
        np.testing.assert_array_equal(NiftiMasker(**how).fit(img).mask_img_.get_fdata(), theirs)
    holed = np.where(img.get_fdata()[..., 0] == 0, np.nan, img.get_fdata()[..., 0])
    for data in (holed, img.get_fdata()[..., 0]):
        one = nib.Nifti1Image(data, AFFINE)
        expected = reference_background(one, connected=True, opening=1).get_fdata()
        np.testing.assert_array_equal(compute_background_mask(one, connected=True, opening=1).get_fdata(), expected)


def test_components_of_large_variance_equal_the_reference(img):
    got, expected = high_variance_confounds(img, 4, 10.0), reference_components(img, 4, 10.0)
    np.testing.assert_allclose(got * np.sign((got * expected).sum(axis=0)), expected, atol=1e-8)


def test_grids_that_differ_are_brought_together(img, mask_img, labels_img):
    coarse = np.diag([6.0, 6.0, 7.0, 1.0]) + np.array([[0, 0, 0, -17], [0, 0, 0, -19], [0, 0, 0, -12], [0, 0, 0, 0]])
    how = {"target_affine": coarse, "target_shape": (6, 7, 4)}
    assert_same(ours_and_theirs("NiftiMasker", how, {"mask_img": mask_img}, img))
    fine = nib.Nifti1Image(np.kron(labels_img.get_fdata(), np.ones((2, 2, 2))).astype(np.int32), AFFINE @ _halved())
    for target in ("data", "labels"):
        given = {"labels_img": fine, "resampling_target": target}
        assert_same(ours_and_theirs("NiftiLabelsMasker", {}, given, img))
    with pytest.warns(UserWarning, match="brought to the grid of the image"):
        late = NiftiLabelsMasker(fine).fit().transform(img)
    np.testing.assert_allclose(late, NiftiLabelsMasker(fine).fit_transform(img))
    with pytest.raises(ValueError, match="different grids"):
        NiftiLabelsMasker(fine, resampling_target=None).fit_transform(img)
    moved = nib.Nifti1Image(img.get_fdata()[..., :3], AFFINE @ _halved())
    with pytest.warns(UserWarning, match="brought to the grid of the mask"):
        assert NiftiMasker(mask_img).fit().transform(moved).shape == (3, int(mask_img.get_fdata().sum()))


def _halved():
    halved = np.diag([0.5, 0.5, 0.5, 1.0])
    halved[:3, 3] = -0.25
    return halved


def test_values_go_back_where_they_came_from(img, mask_img, labels_img):
    made = [NiftiMasker(mask_img), NiftiSpheresMasker(SEEDS, 5.0, mask_img), NiftiLabelsMasker(labels_img)]
    theirs = [
        reference.NiftiMasker(mask_img),
        reference.NiftiSpheresMasker(SEEDS, 5.0, mask_img),
        reference.NiftiLabelsMasker(labels_img),
    ]
    for ours, other in zip(made, theirs, strict=True):
        ours.fit(), other.fit()
        values = np.random.default_rng(0).normal(size=(4, ours.n_elements_))
        for one in (values, values[0]):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                expected = other.inverse_transform(one).get_fdata()
            np.testing.assert_allclose(ours.inverse_transform(one).get_fdata(), expected, atol=1e-12)
        np.testing.assert_allclose(ours.transform(ours.inverse_transform(values)), values, atol=1e-9)
        with pytest.raises(ValueError, match="values are put into an image"):
            ours.inverse_transform(np.zeros(ours.n_elements_ + 1))


def test_one_volume_is_one_row(img, mask_img, labels_img):
    one = nib.Nifti1Image(img.get_fdata()[..., 0], AFFINE)
    for masker in (NiftiMasker(mask_img), NiftiSpheresMasker(SEEDS, 5.0), NiftiLabelsMasker(labels_img)):
        whole = masker.fit_transform(img)
        np.testing.assert_allclose(masker.transform(one), whole[0])


def test_names_of_regions(img, labels_img):
    assert NiftiLabelsMasker(labels_img, ["out", "a", "b", "c"]).fit().region_names_ == {0: "a", 1: "b", 2: "c"}
    lut = pd.DataFrame({"index": [0, 2, 9, 5], "name": ["out", "two", "nine", "five"]})
    masker = NiftiLabelsMasker(labels_img, lut=lut).fit()
    assert list(masker.region_names_.values()) == ["two", "five", "nine"]
    assert masker.labels_ == [2, 5, 9]
    half = np.zeros(img.shape[:3], np.uint8)
    half[:, :6] = 1
    with pytest.warns(UserWarning, match=r"1 of 3 regions have no voxel .*: nine"):
        masker = NiftiLabelsMasker(labels_img, lut=lut, mask_img=nib.Nifti1Image(half, AFFINE)).fit()
    assert masker.labels_ == [2, 5]
    kept = NiftiLabelsMasker(labels_img, mask_img=nib.Nifti1Image(half, AFFINE), keep_masked_labels=True)
    assert not kept.fit_transform(img)[:, 2].any()


def test_series_are_taken_once_where_they_are_kept(img, mask_img, tmp_path, monkeypatch):
    masker = NiftiSpheresMasker(SEEDS, 5.0, mask_img, memory=tmp_path / "kept", memory_level=2)
    first = masker.fit_transform(img)
    monkeypatch.setattr(NiftiSpheresMasker, "_take", lambda *_: pytest.fail("taken again"))
    np.testing.assert_array_equal(NiftiSpheresMasker(**masker.get_params()).fit_transform(img), first)


def test_reports_show_each_place(img, mask_img, labels_img):
    report = NiftiSpheresMasker(SEEDS, 6.0).fit(img).generate_report()
    assert report.html.count("<img") == 3
    assert "sphere 2 at (-8, 5, 5.5) mm, " in report.html
    assert "radius</th><td>6.0" in report.html
    assert "more are not drawn" in NiftiLabelsMasker(labels_img).fit(img).generate_report(displayed=1).html
    assert NiftiMasker(mask_img).fit().generate_report(title="A <mask>").html.count("A &lt;mask&gt;") == 2
    with pytest.raises(ValueError, match="reports=False"):
        NiftiMasker(mask_img, reports=False).fit(img).generate_report()


def test_what_cannot_be_is_said(img, mask_img, labels_img):
    with pytest.raises(NotFittedError):
        NiftiMasker(mask_img).transform(img)
    with pytest.raises(ValueError, match="three numbers in mm"):
        NiftiSpheresMasker([(1, 2)]).fit()
    with pytest.raises(ValueError, match="three numbers in mm"):
        NiftiSpheresMasker(5).fit()
    with pytest.raises(ValueError, match=r"shares .* voxels with one before it"):
        NiftiSpheresMasker([(1, -1, 2), (2, -1, 2)], 6.0).fit_transform(img)
    with pytest.raises(ValueError, match="holds no voxel"):
        NiftiSpheresMasker([(500, 0, 0)], 6.0).fit_transform(img)
    with pytest.raises(ValueError, match="give one to fit"):
        NiftiMasker().fit()
    with pytest.raises(ValueError, match="labels holds 2 names for the 3 regions"):
        NiftiLabelsMasker(labels_img, ["a", "b"]).fit()
    with pytest.raises(ValueError, match="strategy must be one of"):
        NiftiLabelsMasker(labels_img, strategy="mode").fit()
    flat = nib.Nifti1Image(np.ones((4, 4, 4)), np.eye(4))
    with pytest.raises(ValueError, match="all of the image is background"):
        NiftiMasker().fit(flat)


def test_verbose_says_what_is_done(img, mask_img, capsys):
    NiftiMasker(mask_img, verbose=1).fit_transform(img)
    assert "[NiftiMasker] 432 series are taken" in capsys.readouterr().out
