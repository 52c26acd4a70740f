"""Formulas and thresholds of images beside nilearn's, and what a formula may not do."""

import nibabel as nib
import numpy as np
import pytest
from nilearn import image

from glmwidgets import images
from glmwidgets.glm.errors import InputError


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    return [nib.Nifti1Image(rng.standard_normal((6, 5, 4)), np.diag([2, 2, 3, 1.0])) for _ in range(2)]


@pytest.mark.parametrize(
    "formula",
    [
        "a - b",
        "(a + b) / 2",
        "-np.log10(np.minimum(1, np.abs(a) * 120))",
        "a * (b > 0)",
        "np.where(a > b, a, b)",
        "(a > 0) & ~(b > 0.5)",
        "np.maximum(a, 0) ** 2 - 1e-3",
        "np.abs(a)",
        "np.nan_to_num(a / b)",
        "np.clip(a, -1, 1)",
    ],
)
def test_formulas_are_nilearns(pair, formula):
    a, b = pair
    used = {name: img for name, img in (("a", a), ("b", b)) if name in formula.replace("abs", "").replace("nan", "")}
    ours, theirs = images.math_img(formula, **used), image.math_img(formula, **used)
    np.testing.assert_array_equal(ours.get_fdata(), theirs.get_fdata())
    np.testing.assert_array_equal(ours.affine, theirs.affine)


def test_a_mean_over_time_and_a_volume_are_images():
    run = nib.Nifti1Image(np.random.default_rng(1).random((3, 3, 3, 5)), np.eye(4))
    np.testing.assert_allclose(
        images.math_img("np.mean(img, axis=3)", img=run).get_fdata(), run.get_fdata().mean(axis=3)
    )
    np.testing.assert_array_equal(images.math_img("img[..., 0]", img=run).get_fdata(), run.get_fdata()[..., 0])
    kept = images.math_img("img - np.mean(img, axis=-1, keepdims=True)", img=run)
    assert kept.shape == run.shape


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("img.__class__", "cannot hold"),
        ("__import__('os').system('true')", "cannot call"),
        ("(lambda: 1)()", "cannot call"),
        ("[x for x in img]", "cannot hold"),
        ("np.load('file')", "cannot call 'load'"),
        ("image * 2", "meant 'img'"),
        ("img +", "cannot read"),
        ("1 + 1", "no value for each voxel"),
        ("img + 9 ** 9 ** 9", "cannot compute"),
        ("(" * 500 + "img" + ")" * 500, "cannot read|too many"),
        ("np.sum(img)", "no value for each voxel"),
        ("img" + " + img" * 4000, "too long"),
    ],
)
def test_what_a_formula_may_not_hold_is_refused(formula, said):
    img = nib.Nifti1Image(np.ones((2, 2, 2)), np.eye(4))
    with pytest.raises(InputError, match=said):
        images.math_img(formula, img=img)


def test_images_on_different_grids_are_refused(pair):
    other = nib.Nifti1Image(pair[1].get_fdata(), np.eye(4))
    with pytest.raises(InputError, match="different grids"):
        images.math_img("a - b", a=pair[0], b=other)


@pytest.mark.parametrize("threshold", [0.7, "80%", 0])
@pytest.mark.parametrize("two_sided", [True, False])
@pytest.mark.parametrize("cluster_threshold", [0, 3])
def test_thresholded_maps_are_nilearns(pair, threshold, two_sided, cluster_threshold):
    ours = images.threshold_img(pair[0], threshold, cluster_threshold, two_sided)
    theirs = image.threshold_img(pair[0], threshold, cluster_threshold, two_sided)
    np.testing.assert_array_equal(ours.get_fdata(), theirs.get_fdata())


def test_what_is_no_threshold_is_refused(pair):
    for wrong in ("high", "120%", "-5%"):
        with pytest.raises(ValueError, match="percentage"):
            images.threshold_img(pair[0], wrong)
    with pytest.raises(ValueError, match="two-sided"):
        images.threshold_img(pair[0], -1.0)


def test_volumes_are_chosen_as_nilearn_does():
    run = nib.Nifti1Image(np.random.default_rng(1).random((3, 3, 3, 6)), np.eye(4))
    run.header.set_zooms((1, 1, 1, 2.5))
    for index in (2, -1, slice(1, 5, 2), [0, 3], np.array([True, False] * 3)):
        ours, theirs = images.index_img(run, index), image.index_img(run, index)
        np.testing.assert_array_equal(ours.get_fdata(), theirs.get_fdata())
    assert images.index_img(run, slice(0, 2)).header.get_zooms()[3] == 2.5
    assert len(list(images.iter_img(run))) == 6
    with pytest.raises(ValueError, match="only a 4-D image"):
        images.index_img(images.index_img(run, 0), 0)


def test_wildcards_stand_for_the_files_in_the_order_of_their_names(tmp_path):
    for i in (2, 1, 3):
        nib.save(nib.Nifti1Image(np.full((2, 2, 2), float(i)), np.eye(4)), tmp_path / f"sub-{i}_map.nii.gz")
    found = images.load_img(tmp_path / "sub-*_map.nii.gz")
    assert found.get_fdata()[0, 0, 0].tolist() == [1, 2, 3]
    assert images.mean_img(str(tmp_path / "sub-?_map.nii.gz")).get_fdata()[0, 0, 0] == 2
    with pytest.raises(FileNotFoundError):
        images.load_img(tmp_path / "sub-*_map.nii.gz", wildcards=False)
    with pytest.raises(FileNotFoundError):
        images.load_img(tmp_path / "none-*.nii.gz")
