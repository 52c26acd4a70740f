"""Contrasts: t and Wald F against dense algebra and scipy's distributions, fixed effects, and what cannot be asked."""

import numpy as np
import pytest
import scipy.stats
from nilearn.glm.contrasts import compute_contrast as reference_contrast
from nilearn.glm.contrasts import compute_fixed_effect_contrast
from nilearn.glm.first_level import run_glm

from glmwidgets.glm.fit.contrasts import Contrast, compute_contrast, fixed_effects, non_estimable_rows, satterthwaite
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.moments.lagged import Moments

NAMES = ("a", "b", "drift_1", "motion", "constant")
T = np.array([1.0, -0.02, 0, 0, 0])
F = np.array([[1.0, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0.001, 0]])


@pytest.fixture
def run(make_design, make_series):
    x = make_design(100)
    return x, make_series(x, 25)


@pytest.fixture(params=["ols", "ar1", "ar2"])
def fit(run, request):
    x, y = run
    return fit_glm(Moments(y), x, request.param, NAMES)


def dense_fits(fit, run, dense):
    x, y = run
    for v in range(y.shape[1]):
        phi = [fit.parameters[name][v] for name in sorted(fit.parameters)]
        yield dense.gls(x, y[:, v], dense.whitener(len(y), phi) if phi else np.eye(len(y)))


def test_t_equals_dense_algebra(fit, run, dense):
    contrast = compute_contrast(fit, T)
    for v, expected in enumerate(dense_fits(fit, run, dense)):
        variance = T @ expected.covariance @ T
        np.testing.assert_allclose(contrast.effect_size()[v], T @ expected.beta, rtol=1e-9)
        np.testing.assert_allclose(contrast.effect_variance()[v], variance, rtol=1e-9)
        np.testing.assert_allclose(contrast.stat()[v], T @ expected.beta / np.sqrt(variance), rtol=1e-9)
    np.testing.assert_allclose(contrast.p_value(), scipy.stats.t.sf(contrast.stat(), 95), rtol=1e-9)
    z = np.sign(contrast.stat()) * scipy.stats.norm.isf(scipy.stats.t.sf(np.abs(contrast.stat()), 95))
    np.testing.assert_allclose(contrast.z_score(), z, atol=1e-7)


def test_f_is_walds(fit, run, dense):
    contrast = compute_contrast(fit, F)
    assert contrast.dim == 3
    for v, expected in enumerate(dense_fits(fit, run, dense)):
        effect = F @ expected.beta
        wald = effect @ np.linalg.solve(F @ expected.covariance @ F.T, effect) / 3
        np.testing.assert_allclose(contrast.stat()[v], wald, rtol=1e-8)
    np.testing.assert_allclose(contrast.p_value(), scipy.stats.f.sf(contrast.stat(), 3, 95), rtol=1e-9)


@pytest.mark.parametrize("q", [2, 5, 12])
def test_f_of_many_voxels_equals_dense_algebra_whatever_the_units_of_its_rows(q):
    rng = np.random.default_rng(q)
    root = rng.standard_normal((5000, q, 2 * q)) * np.logspace(-6, 6, q)[:, None]
    covariance, effect = root @ root.swapaxes(1, 2), root[:, :, 0] * rng.uniform(0.1, 3, (5000, 1))
    made = Contrast(effect.T, np.moveaxis(covariance, 0, -1), 50.0, "F")
    # At unit length: LAPACK's pivots follow the units, and lose digits where these lie twelve powers of ten apart.
    length = np.sqrt(np.einsum("vii->vi", covariance))
    unit = covariance / (length[:, :, None] * length[:, None])
    wald = np.einsum("vi,vi->v", effect / length, np.linalg.solve(unit, (effect / length)[..., None])[..., 0]) / q
    # The condition of these matrices is up to 1e5: so many times the rounding of a number.
    np.testing.assert_allclose(made.stat(), wald, rtol=1e-10)


def test_rows_that_only_rounding_tells_apart_are_refused():
    alike = np.array([[1.0, 1.0], [1.0, 1.0]])[..., None]
    with pytest.raises(ValueError, match="rows of the contrast are so alike"):
        Contrast(np.array([[1.0], [2.0]]), alike, 50.0, "F").stat()


def test_f_of_a_change_in_residuals(run):
    """For OLS, F is the increase of the residual sum of squares when the tested columns are left out."""
    x, y = run
    full, reduced = (fit_glm(Moments(y), part, "ols").noise.rss for part in (x, x[:, 2:]))
    contrast = compute_contrast(fit_glm(Moments(y), x, "ols", NAMES), ["a", "b"])
    np.testing.assert_allclose(contrast.stat(), (reduced - full) / 2 / (full / 95), rtol=1e-7)


def test_f_with_one_row_is_t_squared(fit):
    t, f = compute_contrast(fit, T), compute_contrast(fit, T, "F")
    np.testing.assert_allclose(f.stat(), t.stat() ** 2, rtol=1e-12)
    np.testing.assert_allclose(f.p_value(), 2 * scipy.stats.t.sf(np.abs(t.stat()), 95), rtol=1e-9)


@pytest.mark.parametrize("factor", [1e-16, 1e8, 1e16])
def test_f_does_not_depend_on_the_scale_of_a_row_or_the_units_of_a_column(run, factor):
    """A row is a hypothesis that c beta is zero, whatever it is multiplied by; a column in other units is the same."""
    x, y = run
    expected = compute_contrast(fit_glm(Moments(y), x, "ar1", NAMES), F)
    rows = F * np.array([[1.0], [factor], [1.0]])
    units = np.array([1.0, factor, 1.0, 1.0, 1.0])
    for design, weights in ((x, rows), (x * units, F * units), (x, np.vstack([rows, factor * F[1]]))):
        found = compute_contrast(fit_glm(Moments(y), design, "ar1", NAMES), weights)
        assert found.dim == 3
        np.testing.assert_allclose(found.stat(), expected.stat(), rtol=1e-7)


def test_f_does_not_depend_on_how_its_rows_are_written(fit):
    mixed = np.array([[2.0, 1, 0], [0, 1, -3], [1, 1, 1]]) @ F
    repeated = np.vstack([F, F[0] - F[1]])
    expected = compute_contrast(fit, F)
    for same in (mixed, repeated):
        contrast = compute_contrast(fit, same)
        assert contrast.dim == 3
        np.testing.assert_allclose(contrast.stat(), expected.stat(), rtol=1e-7)


@pytest.mark.parametrize("noise_model", ["ols", "ar1"])
@pytest.mark.parametrize("weights", [T, F])
def test_equal_to_the_reference(run, noise_model, weights):
    x, y = run
    labels, results = run_glm(y, x, noise_model=noise_model)
    theirs = reference_contrast(labels, results, weights)
    ours = compute_contrast(fit_glm(Moments(y), x, noise_model), weights)
    np.testing.assert_allclose(ours.stat(), theirs.stat(), rtol=1e-7)
    np.testing.assert_allclose(ours.p_value(), theirs.p_value(), rtol=1e-6)
    positive = theirs.z_score() > 0
    np.testing.assert_allclose(ours.z_score()[positive], theirs.z_score()[positive], atol=1e-7)


def runs_of(make_design, make_series, noise_model):
    out = []
    for seed, n in enumerate((80, 100, 90)):
        x = make_design(n, seed=seed)
        out.append((x, make_series(x, 20, seed=seed)))
    return out, [fit_glm(Moments(y), x, noise_model, NAMES) for x, y in out]


@pytest.mark.parametrize("noise_model", ["ols", "ar1"])
@pytest.mark.parametrize(("weights", "method"), [(T, "wald"), (F, "approximate")])
def test_fixed_effects_equal_the_reference(noise_model, weights, method, make_design, make_series):
    runs, fits = runs_of(make_design, make_series, noise_model)
    combined = fixed_effects([compute_contrast(fit, weights) for fit in fits], method, "sum")
    theirs = [run_glm(y, x, noise_model=noise_model) for x, y in runs]
    expected = compute_fixed_effect_contrast([l for l, _ in theirs], [r for _, r in theirs], [weights] * 3)
    assert combined.dof == expected.dof == 270 - 15
    np.testing.assert_allclose(combined.stat(), expected.stat(), rtol=1e-7)
    np.testing.assert_allclose(combined.effect_size(), expected.effect_size(), rtol=1e-7, atol=1e-10)


def test_fixed_effects_f_is_that_of_one_model_over_all_runs(make_design, make_series):
    """Wald F of runs with a common variance, against one dense fit of all runs in block-diagonal columns.

    The runs are scaled to one residual variance, as such a fit assumes; equal to 1e-6. The approximation of the
    reference differs by more than 10 % here.
    """
    runs, _ = runs_of(make_design, make_series, "ols")
    scaled = []
    for x, y in runs:
        scaled.append((x, y / np.sqrt(fit_glm(Moments(y), x, "ols").dispersion)))
    fits = [fit_glm(Moments(y), x, "ols", NAMES) for x, y in scaled]
    contrasts = [compute_contrast(fit, F) for fit in fits]
    combined = fixed_effects(contrasts, dof_method="sum")

    rows = sum(len(x) for x, _ in runs)
    x_all, start = np.zeros((rows, 15)), 0
    for i, (x, _) in enumerate(scaled):
        x_all[start : start + len(x), 5 * i : 5 * i + 5] = x
        start += len(x)
    y_all = np.concatenate([y for _, y in scaled])
    joint = compute_contrast(fit_glm(Moments(y_all), x_all, "ols"), np.hstack([F, F, F]) / 3)
    np.testing.assert_allclose(combined.stat(), joint.stat(), rtol=1e-6)
    assert combined.dof == joint.dof
    approximate = fixed_effects(contrasts, "approximate")
    assert np.abs(approximate.stat() / combined.stat() - 1).max() > 0.1


def simulated(variances, dofs, n_voxels=200_000, rows=1, seed=0):
    """Runs of an effect of zero: its estimates, and their variances as estimated from some degrees of freedom."""
    rng = np.random.default_rng(seed)
    return [
        Contrast(
            rng.normal(0, np.sqrt(v), (rows, n_voxels)),
            np.eye(rows)[:, :, None] * (v * rng.chisquare(d, n_voxels) / d),
            float(d),
            "t" if rows == 1 else "F",
        )
        for v, d in zip(variances, dofs, strict=True)
    ]


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize(("variances", "dofs"), [((10, 1), (10, 200)), ((1, 1), (100, 100)), ((1, 4, 9), (20, 20, 80))])
def test_fixed_effects_hold_their_rate_whatever_the_lengths_of_runs(rows, variances, dofs):
    """.05 within four standard errors and .002 of the approximation's own; the sum finds up to .07 and .10.

    In the far tail an F of several rows on a run of ten degrees of freedom finds .002, where the sum finds .011.
    """
    runs = simulated(variances, dofs, rows=rows)
    p = fixed_effects(runs).p_value()
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.004)
    assert np.mean(p < 0.001) == pytest.approx(0.001, abs=0.0006 if rows == 1 else 0.0014)
    if dofs == (10, 200):
        assert np.mean(fixed_effects(runs, dof_method="sum").p_value() < 0.05) > 0.055


def test_satterthwaites_degrees_of_freedom():
    """By the formula in every voxel; the same with several rows, of one covariance up to a factor."""
    runs = simulated((10, 1, 2), (12, 200, 50), 300)
    v, d = np.array([run.covariance[0, 0] for run in runs]), np.array([[12.0], [200.0], [50.0]])
    expected = v.sum(axis=0) ** 2 / (v**2 / d).sum(axis=0)
    combined = fixed_effects(runs)
    np.testing.assert_allclose(combined.dofs, expected, rtol=1e-12)
    assert combined.dof == pytest.approx(np.median(expected))
    np.testing.assert_allclose(combined.p_value(), scipy.stats.t.sf(combined.stat(), expected), rtol=1e-9)
    shape = np.array([[2.0, 0.5], [0.5, 1.0]])[:, :, None]
    several = [Contrast(np.ones((2, 300)), shape * run.covariance[0, 0], run.dof, "F") for run in runs]
    np.testing.assert_allclose(satterthwaite(several), expected, rtol=1e-9)
    assert np.all(np.abs(fixed_effects(several).dofs - expected) < 1e-6 * expected)


def test_one_run_is_its_own_fixed_effect(fit):
    for weights, method in ((T, "wald"), (F, "wald"), (F, "approximate")):
        contrast = compute_contrast(fit, weights)
        np.testing.assert_allclose(fixed_effects([contrast], method).stat(), contrast.stat(), rtol=1e-9)


def test_nothing_is_said_of_a_voxel_that_is_constant_in_one_run(make_design, make_series):
    x = make_design(80)
    first, second = make_series(x, 3, seed=1), make_series(x, 3, seed=2)
    second[:, 1] = 5
    contrasts = [compute_contrast(fit_glm(Moments(y), x), T) for y in (first, second)]
    combined = fixed_effects(contrasts)
    assert combined.stat()[1] == combined.effect_size()[1] == combined.effect_variance()[1] == 0
    assert np.all(combined.stat()[[0, 2]] != 0)


def test_fixed_effects_refuse_what_cannot_be_combined(fit):
    t, f = compute_contrast(fit, T), compute_contrast(fit, F)
    with pytest.raises(ValueError, match="differ in kind"):
        fixed_effects([t, f])
    with pytest.raises(ValueError, match="no run"):
        fixed_effects([])
    with pytest.raises(ValueError, match="'wald', 'approximate'"):
        fixed_effects([t], "bayes")
    with pytest.raises(ValueError, match="'satterthwaite', 'sum'"):
        fixed_effects([t, t], dof_method="welch")
    with pytest.raises(ValueError, match="single runs"):
        fixed_effects([fixed_effects([f, f])], "approximate")


def test_a_contrast_that_the_design_cannot_tell_is_refused(make_design, make_series):
    """The reference returns t = 8e8 (OLS) or NaN (AR1) without a word."""
    x = make_design(80, deficient=True)
    fit = fit_glm(Moments(make_series(x, 3)), x, "ols", ("a", "b", "drift_1", "motion", "copy", "constant"))
    with pytest.raises(ValueError, match=r"not estimable.*weighs a, b"):
        compute_contrast(fit, "a - b")
    np.testing.assert_array_equal(non_estimable_rows(fit, np.eye(6)), [0, 1, 4])
    # c = (1, 0, ., ., 1) + (0, 1, ., ., -2): what the three columns say together can be estimated
    assert np.all(np.isfinite(compute_contrast(fit, "a + copy").stat()))
    assert np.all(np.isfinite(compute_contrast(fit, "drift_1").stat()))


def test_estimability_does_not_depend_on_units(make_design, make_series):
    x = make_design(80, deficient=True)
    y = make_series(x, 3)
    for unit in (1e-6, 1.0, 1e6):
        fit = fit_glm(Moments(y), x * np.array([1, 1, 1, unit, 1, 1]), "ols")
        np.testing.assert_array_equal(non_estimable_rows(fit, np.eye(6)), [0, 1, 4])


def test_t_of_several_rows_and_unknown_kinds_are_refused(fit):
    with pytest.raises(ValueError, match="one row of weights, not 3"):
        compute_contrast(fit, F, "t")
    with pytest.raises(ValueError, match="'t', 'F'"):
        compute_contrast(fit, T, "z")


# Without residuals ----------------------------------------------------------------------------------------------------


def test_an_effect_without_residuals_is_kept_and_is_the_surest():
    """Of one run, of two by either weighting, as t and as F; a constant voxel says nothing."""
    from glmwidgets.glm.fit.heterogeneity import precision_weighted

    sure = Contrast(np.array([[2.0, -3.0, 1.0, 0.0]]), np.array([[[0.0, 0.0, 0.04, 0.0]]]), 50.0)
    plain = Contrast(np.array([[4.0, -1.0, 1.0, 1.0]]), np.array([[[1.0, 1.0, 0.04, 1.0]]]), 50.0)
    z = sure.z_score()
    assert np.isfinite(z).all()
    assert z[0] > 37
    assert z[1] == -z[0]
    assert 4 < z[2] < 5
    assert z[3] == 0
    both = fixed_effects([sure, plain])
    np.testing.assert_allclose(both.effect[0], [3, -2, 1, 0])
    np.testing.assert_allclose(both.covariance[0, 0], [0.25, 0.25, 0.02, 0])
    np.testing.assert_allclose(precision_weighted([sure, plain]).effect[0], [2, -3, 1, 0])
    twice = fixed_effects([sure, sure])
    np.testing.assert_allclose(twice.effect, sure.effect)
    assert twice.z_score()[0] > 37
    several = Contrast(np.array([[2.0, 0.0], [1.0, 0.0]]), np.zeros((2, 2, 2)), 50.0, "F")
    assert several.z_score()[0] > 37
    assert several.stat()[1] == 0


@pytest.mark.parametrize(("effect", "covariance"), [((1, 2, 3), (1, 1, 3)), ((3,), (1, 1, 3)), ((1, 3), (1, 3))])
def test_a_contrast_made_by_hand_has_shapes_that_fit(effect, covariance):
    with pytest.raises(ValueError, match=r"the shape \(q, n_voxels\)"):
        Contrast(np.ones(effect), np.ones(covariance), 10.0)


@pytest.mark.parametrize("apart", [1e-1, 1e-3, 1e-5, 1e-7, 3e-8, 1e-8, 3e-9])
def test_an_f_test_of_rows_that_are_alike_is_right_or_refused(apart):
    """F depends on the space of its rows alone; the nearer they lie, the fewer digits the covariance has of it."""
    rng = np.random.default_rng(0)
    fit = fit_glm(Moments(rng.standard_normal((200, 40)) + 100), rng.standard_normal((200, 3)), "ols")
    expected = compute_contrast(fit, np.array([[1.0, 0, 0], [0, 1, 0]])).stat()
    rows = np.array([[1.0, 0, 0], [1, apart, 0]])
    if apart > 2e-6:
        # Rounding of the covariance, over the share of the second row that is its own.
        np.testing.assert_allclose(compute_contrast(fit, rows).stat(), expected, rtol=1e-14 / apart**2)
    else:
        with pytest.raises(ValueError, match="rows of the contrast are so alike"):
            compute_contrast(fit, rows).stat()
