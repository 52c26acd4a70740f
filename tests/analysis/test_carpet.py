"""The carpet against z scores and means taken voxel by voxel."""

import numpy as np
import pytest

from glmwidgets.analysis.carpet import make_carpet, scan_traces
from glmwidgets.specification.series import ORDERS


@pytest.mark.parametrize("drift", ["cosine", None])
@pytest.mark.parametrize("what", ["data", "fit", "residual"])
def test_rows_are_means_of_scaled_voxels(session, what, drift, monkeypatch):
    """To float32, in which the picture is kept; also where the design has no constant."""
    monkeypatch.setattr("glmwidgets.analysis.carpet.MOST_ROWS", 25)
    if drift is None:
        session.update({"design.drift_model": "none"})
    result = session.result
    y = result.fit.data() - result.fit.data().mean(axis=0)
    shown = {
        "data": y,
        "fit": result.fit.predicted() - result.fit.data().mean(axis=0),
        "residual": result.fit.residuals(),
    }[what] / y.std(axis=0)
    carpet = make_carpet(result, what)
    assert carpet.rows.shape == (25, len(result.design))
    for row in (0, 11, 24):
        inside = carpet.row_of == row
        assert inside.sum() == carpet.sizes[row]
        np.testing.assert_allclose(carpet.rows[row], shown[:, inside].mean(axis=1), atol=1e-5)
    assert make_carpet(result, "residual").limit == make_carpet(result, "data").limit


@pytest.mark.parametrize("order", ORDERS)
def test_rows_fall_in_their_order(session, order):
    carpet = make_carpet(session.result, "data", order)
    value = {
        "brightness": session.result.signal,
        "fit": session.result.z,
        "slice": np.nonzero(session.result.mask)[2],
    }[order]
    tops = [value[carpet.row_of == row].max() for row in range(len(carpet.rows))]
    bottoms = [value[carpet.row_of == row].min() for row in range(len(carpet.rows))]
    assert (np.array(bottoms[:-1]) >= tops[1:]).all()


def test_constant_voxels_are_in_no_row(session):
    session.result.fit.moments.constant[5] = True
    carpet = make_carpet(session.result)
    assert carpet.row_of[5] == -1
    assert carpet.sizes.sum() == session.result.z.size - 1
    session.result.fit.moments.constant[:] = True
    with pytest.raises(ValueError, match="no voxel of the mask varies"):
        make_carpet(session.result)


def test_measures_of_each_scan(session):
    design = session.result.design
    assert scan_traces(session.run, design) == {}
    session.run.confounds["framewise_displacement"] = np.arange(80.0)
    session.run.confounds["std_dvars"] = 1.0
    found = scan_traces(session.run, design.iloc[3:])
    assert list(found) == ["FD", "DVARS"]
    assert found["FD"][0] == "mm"
    np.testing.assert_array_equal(found["FD"][1], np.arange(3.0, 80.0))


def test_a_scan_is_kept_within_those_analysed(session):
    session.show_scan(1000)
    assert session.scan == 79
    np.testing.assert_array_equal(session.scan_image(79), np.asarray(session.run.img.dataobj)[..., 79])
    session.show_scan(None)
    assert session.scan is None
