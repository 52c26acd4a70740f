"""What a map shows, against dense algebra on the series of single voxels."""

import numpy as np
import pytest
from scipy import stats

from glmwidgets.glm.fit.statistics import STATISTICS, StatisticsBook

# The series are float32 and the moments float64: sums of 80 squares agree to some 1e-6.
CLOSE = {"rtol": 2e-6, "atol": 1e-9}
SOME = (0, 17, 60, 123)


def shown(session, name):
    return session.result.statistics.show(name)


def voxel(session, i):
    """Series, design and weights of one voxel, in double precision."""
    result = session.result
    y = result.fit.data(slice(i, i + 1))[:, 0]
    x = result.design.to_numpy(dtype=float)
    c = np.array([{"face": 1.0, "house": -1.0}.get(name, 0.0) for name in result.design.columns])
    return y, x, c


def least_squares(y, x):
    beta = np.linalg.pinv(x) @ y
    return beta, float(np.square(y - x @ beta).sum())


@pytest.fixture
def ols(session):
    assert session.update({"noise.model": "ols", "contrast.expression": "face - house"})
    return session


@pytest.mark.parametrize("i", SOME)
def test_statistics_of_a_t_contrast_equal_dense_least_squares(ols, i):
    y, x, c = voxel(ols, i)
    beta, rss = least_squares(y, x)
    dof = len(y) - np.linalg.matrix_rank(x)
    sd = np.sqrt(rss / dof)
    error = sd * np.sqrt(c @ np.linalg.pinv(x.T @ x) @ c)
    t = c @ beta / error
    # the model in which the contrast is zero: what is orthogonal to it of the design
    null = x @ np.linalg.svd(c[None])[2][1:].T
    rss_0 = least_squares(y, null)[1]
    expected = {
        "effect": c @ beta,
        "standard_error": error,
        "stat": t,
        "z": stats.norm.isf(stats.t.sf(t, dof)),
        "p": -np.log10(2 * stats.t.sf(abs(t), dof)),
        "r_square": 1 - rss / np.square(y - y.mean()).sum(),
        "partial_r_square": (rss_0 - rss) / rss_0,
        "residual_sd": sd,
        "tsnr": (100 + y.mean()) / y.std(),  # percent of the voxel's mean, around it
    }
    for name, value in expected.items():
        np.testing.assert_allclose(shown(ols, name).values[i], value, err_msg=name, **CLOSE)


@pytest.mark.parametrize("i", SOME)
def test_statistics_of_an_f_contrast(ols, i):
    assert ols.update({"contrast.expression": "face; house"})
    y, x, _ = voxel(ols, i)
    _, rss = least_squares(y, x)
    others = x[:, [name not in ("face", "house") for name in ols.result.design.columns]]
    rss_0, dof = least_squares(y, others)[1], len(y) - np.linalg.matrix_rank(x)
    f = (rss_0 - rss) / 2 / (rss / dof)
    np.testing.assert_allclose(shown(ols, "stat").values[i], f, **CLOSE)
    np.testing.assert_allclose(shown(ols, "partial_r_square").values[i], (rss_0 - rss) / rss_0, **CLOSE)
    # large F only, though both sides are asked for
    np.testing.assert_allclose(shown(ols, "p").values[i], -np.log10(stats.f.sf(f, 2, dof)), **CLOSE)


def test_an_f_contrast_has_no_single_effect_and_says_so(ols):
    ols.update({"contrast.expression": "face; house"})
    for name in ("effect", "standard_error"):
        instead = shown(ols, name)
        assert instead.name == "z"
        assert instead.why_not.startswith("an F test of 2 rows has no single")
        np.testing.assert_array_equal(instead.values, ols.result.z)
    assert not shown(ols, "z").signed
    assert shown(ols, "stat").label == "F"
    assert not shown(ols, "stat").signed


def test_one_sided_p_where_only_positive_effects_are_asked_about(ols):
    ols.update({"threshold.two_sided": False})
    dof = ols.result.contrast.dof
    expected = -np.log10(stats.t.sf(ols.result.contrast.stat(), dof))
    np.testing.assert_allclose(shown(ols, "p").values, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("scaling", "unit"), [("none", ""), ("grand", "% × regressor"), ("voxel", "% × regressor")])
def test_units_and_tsnr_under_every_scaling(ols, scaling, unit):
    """The ratio of mean to standard deviation does not know what the signal was divided by."""
    raw = np.asarray(ols.run.img.dataobj)[ols.result.mask].astype(float)
    ols.update({"data.signal_scaling": scaling})
    assert shown(ols, "effect").unit == unit
    assert shown(ols, "tsnr").unit == ""
    by_name = StatisticsBook(ols.result.fit, ols.result.contrast, ols.result.z, False, scaling).show("tsnr").values
    np.testing.assert_array_equal(by_name, shown(ols, "tsnr").values)
    np.testing.assert_allclose(shown(ols, "tsnr").values, raw.mean(axis=1) / raw.std(axis=1), rtol=2e-4)


def lag_one(phi):
    """Of a long impulse response, by its definition."""
    h = np.zeros(4000)
    h[0] = 1.0
    for t in range(1, h.size):
        h[t] = sum(p * h[t - k - 1] for k, p in enumerate(phi) if t > k)
    return (h[1:] @ h[:-1]) / (h @ h)


@pytest.mark.parametrize("model", ["ar1", "ar2", "ar3", "arma11"])
def test_rho_is_the_autocorrelation_at_lag_one_of_any_noise_model(session, model):
    assert session.update({"noise.model": model})
    parameters, rho = session.result.fit.parameters, shown(session, "rho").values
    for i in SOME:
        phi = [parameters[name][i] for name in sorted(parameters) if name.startswith("phi")]
        expected = lag_one(phi) if phi else parameters["lam" if model == "arma11" else "rho"][i]
        assert rho[i] == pytest.approx(expected, abs=1e-9)


def test_white_errors_have_no_rho(ols):
    assert shown(ols, "rho").why_not == "this noise model assumes white errors: it has no rho; z is shown"


def test_every_statistic_has_values_and_a_round_end_for_its_colours(session):
    for name in STATISTICS:
        one = shown(session, name)
        assert one.name == name
        assert one.values.shape == session.result.z.shape
        size = np.abs(one.values)
        assert 0 < one.limit < np.inf
        assert float(f"{one.limit:.2g}") == one.limit
        assert np.mean(size > one.limit) <= 1 - STATISTICS[name].quantile + 1e-3
        assert one.limit <= max(STATISTICS[name].least, 2.6 * np.quantile(size, 0.9995))
        if not one.signed:
            assert np.nanmin(one.values) >= 0


def test_a_statistic_is_computed_once_for_all_thresholds(session):
    before = shown(session, "effect")
    session.update({"threshold.alpha": 0.01})
    assert shown(session, "effect") is before


def test_constant_voxels_say_nothing(run):
    from dataclasses import replace

    import nibabel as nib

    from glmwidgets.runs.reader import Reader
    from glmwidgets.session.single.session import Session

    data = np.array(run.img.dataobj)
    data[4, 4, 3, 1:] = 700.0  # constant in the scans that are kept
    data[4, 4, 2] = 700.0
    session = Session(
        replace(run, reader=Reader(nib.Nifti1Image(data, run.img.affine, run.img.header))),
        {"data.drop_scans": 1},
        synchronous=True,
    )
    session.refresh()
    assert session.result.voxel((4, 4, 2)) is None
    i = session.result.voxel((4, 4, 3))
    for name in STATISTICS:
        value = shown(session, name).values[i]
        assert value == 0 if name == "z" else np.isnan(value), name
    session.close()


class TestLooking:
    def test_what_is_shown_is_no_model_and_computes_nothing(self, session):
        before, entries = session.result, session.ledger.entries
        assert session.update({"map.statistic": "tsnr", "map.limit": 80.0, "map.convention": "radiological"})
        assert session.result is before
        assert session.is_current
        assert session.ledger.entries == entries
        assert session.undo()
        assert session.settings.map.statistic == "z"

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("map.statistic", "q"),
            ("map.limit", 0.0),
            ("map.limit", -1.0),
            ("map.background", "t1"),
            ("map.convention", "l"),
        ],
    )
    def test_what_cannot_be_looked_at(self, session, path, value):
        assert not session.update({path: value})
        assert session.status.stage == path
