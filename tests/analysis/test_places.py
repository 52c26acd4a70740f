"""Series of places against dense algebra on the series themselves."""

import numpy as np
import pytest

from glmwidgets.analysis.places import Place, find_place, place_series
from glmwidgets.glm.fit.expressions import contrast_vector
from glmwidgets.specification.series import Spot

SPHERE = Spot((4, 4, 3), "sphere", 4.5)


def dense(session, voxels):
    """Scaled series and coefficients of each voxel, taken apart from the engine's own coordinates."""
    fit = session.result.fit
    return fit.data(voxels), np.asarray(session.result.design), fit.beta[:, voxels]


def look(session, spot, unit="percent", labels=None):
    place = find_place(session.result, spot, labels)
    return place_series(session.result, place, session.effects(), unit)


@pytest.mark.parametrize("spot", [Spot((3, 3, 2)), SPHERE], ids=["voxel", "sphere"])
@pytest.mark.parametrize("noise", ["ols", "ar1"])
@pytest.mark.parametrize("hrf", ["spm", "spm + derivative", "fir"])
def test_the_parts_are_those_of_dense_algebra(session, spot, noise, hrf):
    """The mean over voxels of what each voxel's own algebra says, to rounding of values around 1."""
    expression = "face_delay_0 - house_delay_1" if hrf == "fir" else "face - house"
    session.update(
        {"noise.model": noise, "design.hrf_model": hrf, "design.fir_delays": (0, 1), "contrast.expression": expression}
    )
    here = look(session, spot)
    y, x, beta = dense(session, here.place.voxels)
    np.testing.assert_allclose(here.data, (y - y.mean(axis=0)).mean(axis=1), atol=1e-10)
    np.testing.assert_allclose(here.fit, (x @ beta - y.mean(axis=0)).mean(axis=1), atol=1e-9)
    np.testing.assert_allclose(here.residual, (y - x @ beta).mean(axis=1), atol=1e-9)
    columns = list(session.result.design.columns)
    for condition in ("face", "house"):
        own = [k for k, name in enumerate(columns) if name == condition or name.startswith(f"{condition}_")]
        assert len(own) == {"spm": 1, "spm + derivative": 2, "fir": 2}[hrf]
        np.testing.assert_allclose(here.conditions[condition], (x[:, own] @ beta[own]).mean(axis=1), atol=1e-9)
    np.testing.assert_allclose(here.reduced, here.contrast + here.residual)
    np.testing.assert_allclose(here.cleaned, here.conditions["face"] + here.conditions["house"] + here.residual)


@pytest.mark.parametrize("expression", ["face", "face - house", "2*face - 2*house", "face; house"])
def test_the_fit_of_a_contrast_is_what_the_fit_loses_without_it(session, expression):
    """Under OLS: full fit minus the least-squares fit of the model in which the contrast is zero."""
    session.update({"noise.model": "ols", "contrast.expression": expression})
    here = look(session, Spot((3, 3, 2)))
    y, x, beta = dense(session, here.place.voxels)
    c = np.atleast_2d(contrast_vector(expression, list(session.result.design.columns)))
    allowed = np.linalg.svd(c)[2][len(c) :].T
    restricted = x @ allowed @ np.linalg.lstsq(x @ allowed, y, rcond=None)[0]
    np.testing.assert_allclose(here.contrast, (x @ beta - restricted)[:, 0], atol=1e-9)
    # its length is the extra sum of squares that the F test is made of
    extra = np.square(y - restricted).sum() - np.square(y - x @ beta).sum()
    f = extra / np.linalg.matrix_rank(c) / (np.square(y - x @ beta).sum() / session.result.fit.dof)
    stat = session.result.contrast.stat()[here.place.voxels[0]]
    assert f == pytest.approx(stat if session.result.contrast.stat_type == "F" else stat**2, rel=1e-8)


def test_r_square_of_a_voxel_is_that_of_the_map(session):
    here = look(session, Spot((3, 3, 2)))
    assert here.r_square == pytest.approx(session.series((3, 3, 2)).statistics["r_square"], abs=1e-9)


@pytest.mark.parametrize("scaling", ["voxel", "grand", "none"])
@pytest.mark.parametrize("unit", ["percent", "signal"])
def test_units(session, scaling, unit):
    """Signal units give back the image's own values; percent are of the voxel's mean unless the data were scaled."""
    session.update({"data.signal_scaling": scaling})
    here = look(session, Spot((3, 3, 2)), unit)
    raw = np.asarray(session.run.img.dataobj)[3, 3, 2].astype(float)
    assert here.level == pytest.approx(raw.mean(), rel=1e-6)
    wanted = raw - raw.mean()
    if unit == "percent":
        whole = np.asarray(session.run.img.dataobj)[session.result.mask].mean(dtype=float)
        wanted = 100 * wanted / (whole if scaling == "grand" else raw.mean())
    # float32 holds values around 1000 to 6e-5
    np.testing.assert_allclose(here.data, wanted, atol=1e-3)
    assert here.unit == ("% signal" if unit == "percent" else "signal")


def test_percent_of_a_centred_signal_are_not_made_up(session):
    session.update({"data.signal_scaling": "none"})
    session.result.signal[session.result.voxel((3, 3, 2))] = 0.2
    assert look(session, Spot((3, 3, 2)), "percent").unit == "signal"


def test_places(session):
    result = session.result
    labels = np.zeros(result.mask.shape, int)
    labels[2:5, 2:4, 2] = 7
    place = find_place(result, Spot((3, 3, 2), "cluster"), labels)
    volume = result.volume(np.isin(np.arange(result.z.size), place.voxels)).astype(bool)
    np.testing.assert_array_equal(volume, labels == 7)
    assert place.name == "cluster 7, 6 voxels"
    inside = np.argwhere(result.volume(np.isin(np.arange(result.z.size), find_place(result, SPHERE).voxels)))
    distance = np.linalg.norm((inside - SPHERE.ijk) * [3, 3, 4], axis=1)
    assert distance.max() <= 4.5
    for spot in (Spot((0, 0, 0)), Spot((5, 5, 4), "cluster"), Spot((0, 0, 0), "sphere", 1.0)):
        empty = find_place(result, spot, labels)
        assert empty.voxels.size == 0
        with pytest.raises(ValueError, match=empty.name):
            place_series(result, empty, session.effects())


@pytest.mark.parametrize("spot", [Spot((26, 20, 7)), Spot((0, 1, 2), "sphere", 7.5), Spot((9, 9, 9), "cluster")])
def test_a_spot_is_read_as_it_was_written(spot):
    assert Spot.read(str(spot)) == spot


@pytest.mark.parametrize("text", ["", "1 2", "1 2 3 lobe", "1 2 3 sphere", "-1 2 3"])
def test_what_is_no_spot(text):
    with pytest.raises(ValueError, match="is not a place"):
        Spot.read(text)


def test_series_of_several_voxels_are_in_no_order(session):
    voxels = np.array([40, 3, 17])
    spot = Spot((0, 0, 0), "cluster")
    one, two = (place_series(session.result, Place(spot, v, ""), session.effects()) for v in (voxels, np.sort(voxels)))
    np.testing.assert_allclose(one.fit, two.fit, atol=1e-12)
