"""A choice that a person adds to a table is told as it was made, wherever an analysis is told."""

import runpy

import nibabel as nib
import numpy as np
import pytest

from glmwidgets.glm.drift import DRIFTS, Drift
from glmwidgets.report.methods import methods_text
from glmwidgets.report.script import write_script
from glmwidgets.report.stats_model import write_stats_model
from glmwidgets.report.study import study_of_result
from glmwidgets.specification.words import describe_changes


def legendre(frame_times, high_pass, drift_order):
    """Legendre polynomials on the run, as docs/extending.md adds them."""
    x = np.interp(frame_times, [frame_times[0], frame_times[-1]], [-1, 1])
    return np.polynomial.legendre.legvander(x, drift_order)[:, 1:]


@pytest.fixture
def with_legendre(session):
    """A session whose drift is a row that was added."""
    DRIFTS["legendre"] = Drift(
        "legendre", "Legendre", "Legendre polynomials up to an order.", legendre, setting="drift_order"
    )
    before = session.settings
    assert session.update({"design.drift_model": "legendre", "design.drift_order": 3, "contrast.expression": "face"})
    yield session, before
    del DRIFTS["legendre"]


def test_its_columns_are_in_the_design(with_legendre):
    session, _ = with_legendre
    result = session.result
    assert [name for name in result.design.columns if name.startswith("drift")] == ["drift_1", "drift_2", "drift_3"]
    # An independent account of the space that the columns span: powers of time up to the third.
    powers = np.vander(np.linspace(-1, 1, len(result.design)), 4)
    drifts = result.design.filter(regex="drift|constant").to_numpy()
    assert np.linalg.matrix_rank(np.hstack([powers, drifts])) == 4


def test_the_ledger_says_what_changed(with_legendre):
    session, before = with_legendre
    assert "legendre" in describe_changes(session.settings, before).lower()


def test_the_methods_text_tells_of_it(with_legendre):
    session, _ = with_legendre
    methods = methods_text(study_of_result(session.analysis, session.result, session.clusters))
    assert "Legendre" in methods
    assert "No drift" not in methods


def test_the_script_repeats_the_map_bit_for_bit(with_legendre, tmp_path, monkeypatch):
    session, _ = with_legendre
    monkeypatch.chdir(tmp_path)  # results lie where a script is run
    path = write_script(session, tmp_path / "analysis.py")
    text = path.read_text()
    assert "drift_order=3" in text
    assert "DRIFTS['legendre']" in text  # what has to be added first, for a reader who has not
    runpy.run_path(str(path))
    z = np.asarray(nib.load(tmp_path / "analysis_results" / "face_z_score.nii.gz").dataobj)
    np.testing.assert_array_equal(z[session.result.mask], session.result.z)


def test_the_script_for_nilearn_brings_the_design(with_legendre, tmp_path, monkeypatch):
    session, _ = with_legendre
    monkeypatch.chdir(tmp_path)  # results lie where a script is run
    assert session.update({"noise.model": "ar1"})
    path = write_script(session, tmp_path / "theirs.py", "nilearn")
    assert "legendre" not in path.read_text().replace("Legendre", "").split("import", 1)[1]
    runpy.run_path(str(path))
    (written,) = (tmp_path / "theirs_results").glob("*z_score*")
    z = np.asarray(nib.load(written).dataobj)[session.result.mask]
    np.testing.assert_allclose(z, session.result.z, atol=1e-6)  # nilearn's AR(1), from the same design


def test_a_stats_model_says_what_it_cannot_hold(with_legendre, tmp_path):
    session, _ = with_legendre
    assert "legendre" in write_stats_model(tmp_path / "model-x_smdl.json", session).read_text().lower()
