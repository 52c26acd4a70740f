"""Permutation tests of arrays: statistics are nilearn's, maxima those of the test of maps."""

import nibabel as nib
import numpy as np
import pytest
from nilearn.mass_univariate import permuted_ols as reference

from glmwidgets.models import NiftiMasker, non_parametric_inference, permuted_ols


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(0)
    return rng.normal(size=(24, 2)), rng.normal(size=(24, 27)), rng.normal(size=(24, 3))


@pytest.mark.parametrize("confounded", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("two_sided_test", [False, True])
def test_statistics_equal_the_references(drawn, confounded, intercept, two_sided_test):
    tested, targets, confounds = drawn
    how = {"confounding_vars": confounds if confounded else None, "two_sided_test": two_sided_test, "n_perm": 0}
    how |= {"model_intercept": intercept}
    got, expected = permuted_ols(tested, targets, **how), reference(tested, targets, **how)
    assert set(got) == {"t"}
    np.testing.assert_allclose(got["t"], expected["t"], rtol=1e-7)


def test_a_constant_is_tested_by_flips(drawn):
    _, targets, _ = drawn
    got = permuted_ols(np.ones(24), targets + 1, n_perm=400, random_state=1, two_sided_test=False)
    imgs = [nib.Nifti1Image(one.reshape(3, 3, 3), np.eye(4)) for one in targets + 1]
    whole = non_parametric_inference(imgs, n_perm=400, random_state=1, threshold=0.01)
    np.testing.assert_allclose(got["logp_max_t"].reshape(3, 3, 3), whole["logp_max_t"].get_fdata())
    assert got["h0_max_t"].shape == (1, 400)


def test_clusters_need_to_know_where_the_targets_lie(drawn):
    tested, targets, _ = drawn
    mask = nib.Nifti1Image(np.ones((3, 3, 3), np.uint8), np.eye(4))
    for masker in (mask, NiftiMasker(mask).fit()):
        out = permuted_ols(tested[:, 0], targets, n_perm=50, masker=masker, threshold=0.05, tfce=True)
        assert {"t", "size", "mass", "tfce", "logp_max_tfce", "h0_max_mass"} <= set(out)
    with pytest.raises(ValueError, match="need the mask"):
        permuted_ols(tested, targets, n_perm=50, tfce=True)


def test_the_same_number_gives_the_same(drawn):
    tested, targets, _ = drawn
    one, other = (permuted_ols(tested, targets, n_perm=50, random_state=3)["logp_max_t"] for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_what_cannot_be_is_said(drawn, capsys):
    tested, targets, confounds = drawn
    with pytest.raises(TypeError, match="must hold numbers or booleans"):
        permuted_ols(np.array([["face"]] * 24), targets)
    with pytest.raises(TypeError, match="n_perm must be a whole number"):
        permuted_ols(tested, targets, n_perm=0.5)
    with pytest.raises(ValueError, match="n_jobs not 0"):
        permuted_ols(tested, targets, n_jobs=0)
    with pytest.raises(ValueError, match="24, 24 and 23 rows"):
        permuted_ols(tested, targets, confounds[:-1])
    with pytest.raises(ValueError, match="rows and columns"):
        permuted_ols(tested, targets[:, 0])
    with pytest.warns(UserWarning, match="1 of 27 targets are 0 in all rows"):
        permuted_ols(tested, targets * (np.arange(27) > 0), n_perm=10)
    permuted_ols(tested, targets, n_perm=10, verbose=1)
    assert "variable 2 of 2: 10 rearrangements" in capsys.readouterr().out


def test_of_several_constants_one_is_kept(drawn):
    tested, targets, _ = drawn
    plain = permuted_ols(tested, targets, n_perm=0)["t"]
    with pytest.warns(UserWarning, match="several variables and confounds are constant"):
        twice = permuted_ols(tested, targets, np.ones((24, 2)), n_perm=0)["t"]
    np.testing.assert_allclose(twice, plain)
    np.testing.assert_allclose(permuted_ols(tested, targets, np.ones(24), model_intercept=False, n_perm=0)["t"], plain)
    with pytest.warns(UserWarning, match="several variables and confounds are constant"):
        mean = permuted_ols(np.ones(24), targets, np.ones(24), n_perm=0)["t"]
    np.testing.assert_allclose(mean, permuted_ols(np.ones(24), targets, n_perm=0)["t"])
