"""Fixed effects from maps: formulas by hand, the joint model, and what cannot be combined."""

import warnings

import nibabel as nib
import numpy as np
import pytest
import scipy.stats
from nilearn.glm import compute_fixed_effects as reference

from glmwidgets.models import FirstLevelModel, ImageMasker, compute_fixed_effects
from glmwidgets.models.map_header import dof_of, is_f_map

SHAPE = (3, 4, 2)


def image(values, affine=None):
    return nib.Nifti1Image(np.asarray(values, dtype=float), np.eye(4) if affine is None else affine)


@pytest.fixture
def maps():
    rng = np.random.default_rng(0)
    return rng.standard_normal((3, *SHAPE)), rng.uniform(0.5, 4, (3, *SHAPE))


def test_equal_weights(maps):
    b, v = maps
    found = compute_fixed_effects([image(x) for x in b], [image(x) for x in v], dofs=[30, 40, 50])
    effect, variance = b.mean(axis=0), v.sum(axis=0) / 9
    np.testing.assert_allclose(found.effect_size.get_fdata(), effect)
    np.testing.assert_allclose(found.effect_variance.get_fdata(), variance)
    t = effect / np.sqrt(variance)
    np.testing.assert_allclose(found.stat.get_fdata(), t)
    p = scipy.stats.t.sf(np.abs(t), 120)
    np.testing.assert_allclose(found.z_score.get_fdata(), np.sign(t) * scipy.stats.norm.isf(p), atol=1e-9)


def test_weights_by_precision(maps):
    b, v = maps
    found = compute_fixed_effects([image(x) for x in b], [image(x) for x in v], None, True, dofs=[30, 40, 50])
    precision = (1 / v).sum(axis=0)
    np.testing.assert_allclose(found.effect_size.get_fdata(), (b / v).sum(axis=0) / precision)
    np.testing.assert_allclose(found.effect_variance.get_fdata(), 1 / precision)
    # No weighting has a smaller variance.
    assert np.all(1 / precision <= v.sum(axis=0) / 9)


@pytest.mark.parametrize("precision_weighted", [True, False])
def test_maps_of_runs_equal_the_joint_model(tiny, precision_weighted):
    """Two equal runs weigh the same either way: as the model of both runs, 1e-12."""
    model = FirstLevelModel(t_r=2.0, mask_img=False)
    single = model.fit(tiny.img, tiny.events).compute_contrast("a - b", output_type="all")
    pairs = [[single[name]] * 2 for name in ("effect_size", "effect_variance")]
    found = compute_fixed_effects(*pairs, precision_weighted=precision_weighted)
    joint = model.fit([tiny.img] * 2, [tiny.events] * 2).compute_contrast("a - b", output_type="all")
    for name in ("effect_size", "effect_variance", "stat", "z_score"):
        np.testing.assert_allclose(getattr(found, name).get_fdata(), joint[name].get_fdata(), atol=1e-12)
    assert dof_of(found.stat) == dof_of(joint["stat"]) == 2 * dof_of(single["stat"])


def test_degrees_of_freedom_survive_a_file(tiny, tmp_path):
    model = FirstLevelModel(t_r=2.0, mask_img=False).fit(tiny.img, tiny.events)
    nib.save(model.compute_contrast("a", output_type="effect_variance"), tmp_path / "variance.nii.gz")
    assert dof_of(nib.load(tmp_path / "variance.nii.gz")) == model.fits_[0].dof == 60 - 5
    spm = image(np.zeros(SHAPE))
    spm.header["descrip"] = b"SPM{T_[73.0]} - contrast 1: faces"
    assert dof_of(spm) == 73
    assert not is_f_map(spm)
    spm.header["descrip"] = b"SPM{F_[2.0,73.0]} - contrast 2: any"
    assert dof_of(spm) == 73
    assert is_f_map(spm)
    f_map = model.compute_contrast("a; b")
    assert dof_of(f_map) == 55
    assert is_f_map(f_map)
    assert dof_of(image(np.zeros(SHAPE))) is None


def test_unknown_degrees_of_freedom_are_said(maps):
    b, v = maps
    with pytest.warns(UserWarning, match="100 a run are assumed"):
        found = compute_fixed_effects([image(x) for x in b], [image(x) for x in v])
    assert dof_of(found.stat) == 300


def test_a_voxel_without_variance_in_one_run_is_left_out(maps):
    b, v = maps
    v[1, 0, 0, 0] = 0
    v[2, 1, 0, 0] = np.nan
    for mask in (None, image(np.ones(SHAPE))):
        found = compute_fixed_effects([image(x) for x in b], [image(x) for x in v], mask, dofs=[9, 9, 9])
        zero = np.zeros(SHAPE, bool)
        zero[:2, 0, 0] = True
        for img in found:
            np.testing.assert_array_equal(img.get_fdata() == 0, zero)


def test_only_voxels_of_the_mask_are_combined(maps):
    b, v = maps
    mask = np.zeros(SHAPE, np.uint8)
    mask[1] = 1
    imgs = [image(x) for x in b], [image(x) for x in v]
    for given in (image(mask), ImageMasker(image(mask))):
        found = compute_fixed_effects(*imgs, given, dofs=[9, 9, 9])
        np.testing.assert_array_equal(found.stat.get_fdata() != 0, mask > 0)


def test_older_versions_returned_three_maps(maps):
    b, v = maps
    effect, variance, stat = compute_fixed_effects(
        [image(x) for x in b], [image(x) for x in v], dofs=[9, 9, 9], return_z_score=False
    )
    np.testing.assert_allclose(stat.get_fdata(), effect.get_fdata() / np.sqrt(variance.get_fdata()))


def test_what_cannot_be_combined_is_refused(maps):
    b, v = maps
    effects, variances = [image(x) for x in b], [image(x) for x in v]
    with pytest.raises(ValueError, match="3 maps of effects and 2 of variances"):
        compute_fixed_effects(effects, variances[:2])
    with pytest.raises(ValueError, match="2 degrees of freedom were given for 3 runs"):
        compute_fixed_effects(effects, variances, dofs=[9, 9])
    with pytest.raises(ValueError, match="different grids"):
        compute_fixed_effects(effects, [*variances[:2], image(v[2], np.diag([2, 2, 2, 1]))])
    with pytest.raises(ValueError, match="For an F test over runs"):
        compute_fixed_effects([image(np.zeros((*SHAPE, 2)))], [image(np.zeros((*SHAPE, 2)))])
    with pytest.raises(ValueError, match="no voxel has a positive variance"):
        compute_fixed_effects(effects, [image(np.zeros(SHAPE))] * 3)


@pytest.mark.parametrize("by_precision", [False, True])
def test_the_sum_of_degrees_of_freedom_is_kept_and_warned_of(by_precision):
    """A run that was cut short: the field's numbers with a warning, or those that hold the rate."""
    rng = np.random.default_rng(0)
    shape, dofs = (20, 20, 20), (10, 200)
    effects = [rng.normal(0, v**0.5, shape) for v in (10, 1)]
    variances = [v * rng.chisquare(d, shape) / d for v, d in zip((10, 1), dofs, strict=True)]
    if by_precision:
        variances[0] /= 20  # the short run would weigh most
        effects[0] /= 20**0.5
    images = [[nib.Nifti1Image(each, np.eye(4)) for each in maps] for maps in (effects, variances)]
    with pytest.warns(UserWarning, match=r'210, is too large.*pass dof_method="satterthwaite"'):
        plain = compute_fixed_effects(*images, precision_weighted=by_precision, dofs=dofs)
    everywhere = nib.Nifti1Image(np.ones(shape, np.uint8), np.eye(4))
    theirs = reference(*images, everywhere, precision_weighted=by_precision, dofs=dofs)
    np.testing.assert_allclose(plain.z_score.get_fdata(), theirs[3].get_fdata(), atol=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        own = compute_fixed_effects(*images, precision_weighted=by_precision, dofs=dofs, dof_method="satterthwaite")
    two = [np.mean(np.abs(maps.z_score.get_fdata()) > 1.96) for maps in (plain, own)]
    # Four standard errors of a share of .05 of 8,000 voxels are .01.
    assert two[0] > 0.062
    assert two[1] == pytest.approx(0.05, abs=0.01)
