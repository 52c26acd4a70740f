"""Tables of drawn noise: how noise correlates, drawn once, kept by content, read by every height."""

import runpy

import numpy as np
import pandas as pd
import pytest

from glmwidgets.analysis import noise_tables
from glmwidgets.analysis.cluster_table import cluster_table
from glmwidgets.analysis.noise_tables import find_table, kept_tables
from glmwidgets.analysis.smoothness import SpatialNoise
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.fit.smoothness import white_volumes
from glmwidgets.glm.inference.cluster_p import P_COLUMNS
from glmwidgets.glm.inference.cluster_tables import correlation_by_distance, fit_autocorrelation
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.panels.shared.clusters import ClustersPanel
from glmwidgets.report.exports.script import write_script

SIMULATED = {
    "contrast.expression": "face",
    "threshold.cluster_p": "simulated",
    "threshold.height_control": "fixed",
    "threshold.value": 3.2,
    "threshold.cluster_size": 0,
}


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv("GLMWIDGETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(noise_tables, "N_DRAWS", 60)
    monkeypatch.setitem(find_table.__kwdefaults__, "n_draws", 60)
    return tmp_path / "cache" / "noise"


def few(session):
    """A session that draws 60 volumes."""
    assert session.update(SIMULATED), session.error
    return session


@pytest.mark.parametrize("noise_model", ["ols", "ar1-reml"])
def test_volumes_are_of_the_whitened_residuals(noise_model):
    rng = np.random.default_rng(0)
    y = rng.standard_normal((70, 30)).cumsum(axis=0)
    y[:, 4] = 2.0
    fit = fit_glm(Moments(y), np.ones((70, 1)), noise_model)
    white = fit.residuals() if noise_model == "ols" else fit.noise_process().innovations(fit.residuals())
    keep = np.arange(30) != 4
    expected = (white / np.sqrt(np.mean(white**2, axis=0, where=np.isfinite(white)) + 1e-30))[:, keep]
    found = white_volumes(fit, 70)
    np.testing.assert_allclose(found[:, keep], expected, rtol=1e-5, atol=1e-5)
    assert not found[:, 4].any()
    assert white_volumes(fit, 5).shape == (5, 30)


def test_autocorrelation_is_that_of_explicit_residuals(session):
    result = session.result
    noise = result.noise
    direct = fit_autocorrelation(*correlation_by_distance(noise.volumes(), result.mask, (3, 3, 4)))
    assert noise.autocorrelation == direct


def test_a_table_is_drawn_once_and_kept_by_what_it_is_of(session, kept):
    noise, calls = session.result.noise, []
    first = find_table(noise, progress=lambda done, total: calls.append((done, total)) or True)
    assert calls[-1] == (60, 60)
    assert kept == kept_tables()
    assert len(list(kept.iterdir())) == 1
    again = find_table(noise, progress=lambda done, total: pytest.fail("it is kept"))
    np.testing.assert_array_equal(again.largest, first.largest)
    assert again.p(3, 3.2) == first.p(3, 3.2)
    region = np.zeros(session.domain.shape, bool)
    region[2:6, 2:6, 2:4] = True
    find_table(noise, region)
    assert len(list(kept.iterdir())) == 2
    # A damaged file is drawn anew.
    for spoiled in (lambda whole: b"no table", lambda whole: whole[:-200], lambda whole: b""):
        for path in kept.iterdir():
            path.write_bytes(spoiled(path.read_bytes()))
        np.testing.assert_array_equal(find_table(noise).largest, first.largest)


def test_one_that_is_stopped_is_none_and_leaves_nothing(session, kept):
    assert find_table(session.result.noise, progress=lambda done, total: False) is None
    assert not kept.exists()


def test_a_folder_that_cannot_be_written_is_done_without(session, kept, monkeypatch):
    monkeypatch.setattr(noise_tables, "write_arrays", lambda *a, **k: (_ for _ in ()).throw(OSError("full")))
    assert find_table(session.result.noise).n_draws == 60


# Live -----------------------------------------------------------------------------------------------------------------


def test_the_slider_reads_the_table_that_was_drawn(session):
    few(session)
    assert session.drawing.state == "done"
    (table,) = session.analysis.tables.values()
    for height in (3.2, 3.4):
        session.update({"threshold.value": height})
        heads = cluster_table(session.clusters).dropna(subset="n_voxels")
        np.testing.assert_allclose(heads["p_cluster"], table.p(heads["n_voxels"], height, "bi"), rtol=1e-12)
        assert np.isnan(heads["p_uncorrected"]).all()
    assert len(session.analysis.tables) == 1


def test_it_is_drawn_in_the_background_with_progress(live):
    seen = []
    live.observe_locked(lambda change: seen.append(change["new"]), "drawing")
    few(live)
    assert live.wait_until_idle(60)
    assert seen[0].total == 0
    assert {each.done for each in seen if each.state == "running"} >= {0, 20, 40}
    assert live.drawing.state == "done"
    assert live.clusters.p is not None


def test_it_stops_when_it_is_told_to_or_no_longer_wanted(live, monkeypatch):
    import threading

    import glmwidgets.session.core.drawing as module

    begun, wanted = threading.Event(), []

    def slow(noise, region, progress):
        begun.set()
        while progress(1, 1000):
            threading.Event().wait(0.005)
        wanted.append(False)

    monkeypatch.setattr(module, "find_table", slow)
    for stop in (live.stop_drawing, lambda: live.update({"threshold.cluster_p": "rft"})):
        live.update(SIMULATED)
        assert begun.wait(30)
        begun.clear()
        stop()
        assert live.wait_until_idle(30)
        live.update({"threshold.cluster_p": "none"})
        assert live.wait_until_idle(30)
    assert len(wanted) == 2


def test_the_panel_says_how_far_it_is(session):
    panel = ClustersPanel(session)
    few(session)
    assert "FWHM" in panel._noise.value
    assert [column["label"] for column in panel.table.columns[-3:]] == ["p", "p unc.", "p peak"]
    assert len(panel.table.rows[0]["cells"]) == len(panel.table.columns)
    session.update({"threshold.cluster_p": "none"})
    assert len(panel.table.columns) == 8
    session.update({"threshold.value": 2.0, "threshold.cluster_p": "rft"})
    assert "Eklund" in panel._noise.value


def test_a_sphere_at_the_crosshair_is_one_click(session):
    panel = ClustersPanel(session)
    session.move_to((3, 3, 2))
    panel._search_here(None)
    x, y, z = session.mm((3, 3, 2))
    assert session.settings.threshold.search == f"sphere {x:g} {y:g} {z:g} 8"
    assert panel.search.value == session.settings.threshold.search
    assert np.linalg.norm(session.result.domain.points - (x, y, z), axis=1).min() == 0


def test_the_script_draws_the_same_noise(session, tmp_path, monkeypatch):
    few(session)
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(write_script(session, tmp_path / "analysis.py")))
    table = pd.read_csv(tmp_path / "analysis_results" / "face_clusters.tsv", sep="\t")
    own = cluster_table(session.clusters)
    np.testing.assert_allclose(table[next(iter(P_COLUMNS))], own["p_cluster"], rtol=1e-9)


def test_a_group_has_it_from_what_its_design_leaves():
    from glmwidgets.session.group.data import open_group
    from glmwidgets.session.group.session import GroupSession
    from tests.analysis.test_smoothness import maps

    group = GroupSession(open_group(maps()), synchronous=True)
    group.refresh()
    group.update({**SIMULATED, "contrast.expression": "intercept"})
    assert group.clusters.p is not None
    assert isinstance(group.result.noise, SpatialNoise)
    group.close()
