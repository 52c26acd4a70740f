"""Lagged products: equal to products with dense shift matrices, and safe against what real series hold."""

import numpy as np
import pytest

from glmwidgets.glm.fit.contrasts import compute_contrast
from glmwidgets.glm.fit.partition import column_space
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.moments.basis import design_basis
from glmwidgets.glm.moments.lagged import Moments, shift_sum
from glmwidgets.glm.moments.memory_budget import Held
from glmwidgets.glm.moments.row_products import rows_at_once
from glmwidgets.glm.moments.series import Series
from glmwidgets.glm.noise.products import lagged_products, residual_autocovariance


def shift_matrix(n, lag):
    return np.eye(n) if lag == 0 else np.eye(n, k=lag) + np.eye(n, k=-lag)


@pytest.fixture
def run(make_design, make_series):
    x = make_design(60)
    return x, make_series(x, 7)


@pytest.mark.parametrize("lag", [0, 1, 2, 5])
def test_lagged_products_equal_dense_ones(run, lag):
    x, y = run
    moments = Moments(y)
    centred = y - y.mean(axis=0)
    s = shift_matrix(len(y), lag)
    np.testing.assert_allclose(shift_sum(x, lag), s @ x, rtol=1e-14)
    np.testing.assert_allclose(moments.own(lag), np.einsum("tv,ts,sv->v", centred, s, centred), rtol=1e-11, atol=1e-10)
    np.testing.assert_allclose(
        moments.with_columns(x, [lag])[0].at(slice(None)), x.T @ s @ centred, rtol=1e-10, atol=1e-8
    )


@pytest.mark.parametrize("constant", [True, False])
def test_products_are_of_the_series_as_modelled(run, constant):
    """With no column for the mean, products are of the series as given: 1e-9 of their size."""
    x, y = run
    x = x if constant else x[:, :-1]
    basis = design_basis(x)
    parts = lagged_products(Moments(y), basis, order=3)
    modelled = y - y.mean(axis=0) if constant else y
    for lag in range(4):
        s = shift_matrix(len(y), lag)
        own = np.einsum("tv,ts,sv->v", modelled, s, modelled)
        np.testing.assert_allclose(parts.own[lag], own, rtol=1e-9, atol=1e-9)
        cross = basis.q.T @ s @ modelled
        np.testing.assert_allclose(parts.cross[lag], cross, rtol=1e-9, atol=1e-9 * np.abs(cross).max())
        np.testing.assert_allclose(basis.shifted(lag, np.eye(basis.rank)), basis.q.T @ s @ basis.q, atol=1e-13)
    np.testing.assert_allclose(parts.head, modelled[:3])
    np.testing.assert_allclose(parts.tail, modelled[-3:])
    np.testing.assert_allclose(parts.total, modelled.sum(axis=0), atol=1e-9)


@pytest.mark.parametrize("constant", [True, False])
def test_residual_autocovariance_equals_that_of_formed_residuals(run, constant):
    x, y = run
    x = x if constant else x[:, :-1]
    basis = design_basis(x)
    residuals = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    e = residuals - residuals.mean()
    expected = [np.sum(e[: len(e) - k] * e[k:], axis=0) / (len(e) - k) for k in range(4)]
    found = residual_autocovariance(lagged_products(Moments(y), basis, 3), basis)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9 * np.abs(expected).max())


def test_a_column_that_was_multiplied_is_not_multiplied_again(run):
    x, y = run
    moments = Moments(y)
    first = moments.with_columns(x, [1])[0].at(slice(None))
    moments._data = Series.of(np.full((moments.n_scans, moments.n_voxels), np.nan))
    np.testing.assert_array_equal(moments.with_columns(x[:, ::-1], [1])[0].at(slice(None)), first[::-1])
    assert np.isnan(moments.with_columns(x + 1, [1])[0].at(slice(None))).all()


def test_float32_products_are_of_centred_series(make_design, make_series):
    """A mean of 10,000 costs no digits: 1e-5 relative is float32's own rounding."""
    x = make_design(100)
    y = make_series(x, 20, mean=10_000.0)
    exact, light = Moments(y), Moments(y, "float32")
    assert light.dtype == light.block().dtype == np.float32
    np.testing.assert_allclose(light.own(0), exact.own(0), rtol=1e-5)
    np.testing.assert_allclose(light.own(1), exact.own(1), rtol=1e-4, atol=1e-5 * exact.own(0).max())


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_mean_has_the_same_bits_whatever_lies_beside_it_and_however(kind):
    y = (1000 + np.random.default_rng(5).standard_normal((301, 700)) * 10).astype(kind)
    mean = Moments(y).mean
    np.testing.assert_allclose(mean, y.astype(np.longdouble).mean(axis=0), rtol=1e-14)
    np.testing.assert_array_equal(Moments(np.asfortranarray(y)).mean, mean)
    for some in ([3, 300, 699], [3], [300], [699]):
        np.testing.assert_array_equal(Moments(y[:, some]).mean, mean[some])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_series_are_known_as_such(dtype):
    rng = np.random.default_rng(0)
    y = np.column_stack([np.full(50, 1000.1), np.zeros(50), 1000.1 + 0.01 * rng.standard_normal(50)]).astype(dtype)
    np.testing.assert_array_equal(Moments(y).constant, [True, True, False])


def test_series_that_are_not_finite_are_named():
    y = np.ones((10, 4))
    y[3, 2] = np.nan
    with pytest.raises(ValueError, match=r"1 of 4 series hold NaN .* series 2"):
        Moments(y)


def test_series_are_read_once_for_the_first_products():
    y = np.random.default_rng(8).normal(100, 2, (30, 600)).astype(np.float32)
    read = []
    series = Series.of(y).then(lambda block, voxels: (read.append(block.shape[1]), block)[1])
    moments = Moments(series)
    assert read == []
    moments.with_columns(y[:, :2].astype(float), [0, 1])
    assert moments.own(1).shape == moments.mean.shape == (600,)
    assert sum(read) == 600
    y[3, 5] = np.nan
    with pytest.raises(ValueError, match=r"1 of 600 series hold NaN .* series 5"):
        Moments(Series.of(y)).own(0)


@pytest.mark.parametrize("y", [np.ones(5), np.ones((5, 2, 2))])
def test_series_of_another_shape_are_refused(y):
    with pytest.raises(ValueError, match=r"array \(scans, voxels\)"):
        Moments(y)


def test_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="'float64', 'float32'"):
        Moments(np.eye(3), "float16")


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("noise_model", ["ols", "ar1", "ar3", "ar1-reml", "arma11"])
def test_series_in_memory_and_series_read_anew_give_the_same_bits(precision, noise_model):
    rng = np.random.default_rng(5)
    y = rng.normal(1000, 30, (60, 1500)).astype(np.float32)
    y[:, 3] = 7
    x = np.column_stack([rng.standard_normal((60, 4)), np.ones(60)])
    fits = [fit_glm(Moments(y, precision, held=held), x, noise_model) for held in (None, Held(2**20))]
    assert [fit.moments.nbytes for fit in fits] == [y.nbytes, y.nbytes + y.size * np.dtype(precision).itemsize]
    for values in ("beta", "dispersion", "r_square"):
        np.testing.assert_array_equal(getattr(fits[0], values), getattr(fits[1], values))
    np.testing.assert_array_equal(fits[0].residuals(), fits[1].residuals())


def test_the_run_asked_last_has_its_series_in_memory():
    y = np.random.default_rng(6).standard_normal((20, 50))
    held = Held(y.nbytes)
    one = Moments(Series.of(y), held=held)
    another = Moments(Series.of(y), held=held)
    assert (one.nbytes, another.nbytes) == (y.nbytes, 2 * y.nbytes)
    expected = another.with_columns(y[:, :1], [0])[0].at(slice(None))
    np.testing.assert_array_equal(one.with_columns(y[:, :1], [0])[0].at(slice(None)), expected)
    assert (one.nbytes, another.nbytes) == (2 * y.nbytes, y.nbytes)


@pytest.mark.parametrize("held", [None, Held(2**20)])
def test_voxels_are_chosen_by_number_or_as_booleans(held):
    y = np.random.default_rng(6).standard_normal((20, 50))
    some = np.arange(50) % 7 == 1
    moments = Moments(Series.of(y), held=held)
    moments.with_columns(y[:, :1], [0])
    expected = y[:, some] - y[:, some].mean(axis=0)
    for voxels in (some, np.flatnonzero(some), np.flatnonzero(some).tolist()):
        np.testing.assert_allclose(moments.block(voxels), expected, rtol=0, atol=1e-14)


def test_no_series_are_held_where_memory_is_short(monkeypatch):
    y = np.random.default_rng(6).standard_normal((20, 50))
    monkeypatch.setattr("glmwidgets.glm.moments.memory_budget.available_memory", lambda: y.nbytes)
    assert Moments(y, held=Held(2**20)).nbytes == y.nbytes


def test_without_series_the_rest_stays():
    moments = Moments(np.arange(12.0).reshape(4, 3))
    light = moments.without_series()
    assert (light.n_scans, light.n_voxels) == (4, 3)
    np.testing.assert_array_equal(light.mean, moments.mean)
    with pytest.raises(ValueError, match="not kept"):
        light.own(0)
    assert moments.own(0).shape == (3,)


@pytest.mark.parametrize("constant", [True, False])
def test_a_subset_of_voxels_says_what_the_whole_says(constant):
    """Bit for bit where the design holds a constant; otherwise rho depends on the mean over all voxels."""
    rng = np.random.default_rng(3)
    y = rng.normal(100, 3, (50, 40)).astype(np.float32)
    x = np.column_stack([rng.normal(size=(50, 3)), np.full(50, float(constant))])[:, : 3 + constant]
    voxels = np.array([0, 7, 8, 30])
    whole = Moments(y)
    some = whole.subset(voxels)
    np.testing.assert_array_equal(some.own(1), whole.own(1)[voxels])
    noise = "ar1" if constant else "ols"
    of_whole, of_some = (fit_glm(m, x, noise).beta for m in (whole, some))
    np.testing.assert_allclose(of_some, of_whole[:, voxels], rtol=1e-10)


@pytest.fixture
def ways():
    """Series, and designs that share columns: which are multiplied together depends on which came before."""
    rng = np.random.default_rng(4)
    y = rng.standard_normal((80, 700)) + 10
    steady = np.column_stack([rng.standard_normal((80, 5)), np.ones(80)])
    tasks = [rng.standard_normal((80, k)) for k in (1, 3, 2)]
    return y, [np.column_stack([task, steady[:, ::step]]) for task in tasks for step in (1, -1)]


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_products_have_the_same_bits_whatever_is_multiplied_beside_or_before(precision, ways):
    y, designs = ways
    used = Moments(y, precision)
    for design in [*designs, *reversed(designs)]:
        found = used.with_columns(design, [0, 1])
        for lag in (0, 1):
            # Of series, the first pass multiplies, too.
            (alone,) = Moments(Series.of(y), precision).with_columns(design[:, ::-1], [lag])
            np.testing.assert_array_equal(found[lag].at(slice(None)), alone.at(slice(None))[::-1])


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_products_of_many_columns_at_once_have_the_bits_of_few(precision, monkeypatch):
    rng = np.random.default_rng(8)
    y, x = rng.standard_normal((130, 700)), rng.standard_normal((130, 29))  # 58 rows: 48 and ten more
    found = Moments(y, precision).with_columns(x, [0, 1])
    monkeypatch.setattr("glmwidgets.glm.moments.row_products.rows_at_once", lambda *_: 8)
    few = Moments(y, precision).with_columns(x, [0, 1])
    for lag in (0, 1):
        np.testing.assert_array_equal(found[lag].at(slice(None)), few[lag].at(slice(None)))


def test_a_library_that_adds_up_otherwise_in_larger_products_is_given_small_ones(monkeypatch):
    multiplied = np.matmul
    monkeypatch.setattr(np, "matmul", lambda rows, block: multiplied(rows, block) + (len(rows) > 8) * 1e-13)
    assert rows_at_once.__wrapped__(24, 50, 20, np.dtype(float)) == 8


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("noise_model", ["ols", "ar1", "ar1-reml", "arma11"])
def test_z_has_the_same_bits_whichever_way_one_came_to_a_model(precision, noise_model, ways):
    y, designs = ways

    def steps(order):
        moments = Moments(y, precision)
        return [compute_contrast(fit_glm(moments, design, noise_model), np.eye(7)[0]).z_score() for design in order]

    designs = [design[:, :7] for design in designs]
    for one, other in zip(steps(designs), steps(designs[::-1])[::-1], strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_layout_of_a_design_in_memory_does_not_matter():
    """To the last bit: a table read from a file lies in memory otherwise than the one that it was written from."""
    x = np.random.default_rng(0).standard_normal((80, 8))
    for of in (design_basis, column_space):
        one, other = of(np.ascontiguousarray(x)), of(np.asfortranarray(x))
        np.testing.assert_array_equal(one.to_columns, other.to_columns)


@pytest.mark.parametrize("voxels", [np.array([3, 400, 899]), slice(7, 8)])
def test_what_is_read_beside_a_pass_is_let_go_of(voxels):
    """Voxels from all over a run touch all pages of its file, which would then count as the process's memory."""
    y, gone = np.random.default_rng(0).normal(size=(30, 900)), []
    moments = Moments(Series(lambda some: y[:, some], y.shape, y.dtype, let_go=lambda: gone.append(1)))
    moments.own(0)
    gone.clear()
    assert np.array_equal(moments.block(voxels), y[:, voxels] - moments.mean[voxels])
    assert gone == [1]
    moments.subset(np.array([5, 6]))
    assert gone == [1, 1]
    moments.block(slice(0, 500))  # part of a pass, which lets go at its end
    assert gone == [1, 1]
