"""The numbers that answer "why?" are those on screen, recomputed here from arrays."""

import re

import numpy as np
import pytest
from scipy.stats import norm

from glmwidgets.session.core.reasons import REASONS, Facts


def numbers(text):
    return [
        float(found.replace(",", "").replace("−", "-")) for found in re.findall(r"−?\d[\d,]*\.?\d*(?:e-?\d+)?", text)
    ]


def told(session, name, white=None):
    return REASONS[name].told(Facts(session, white))


def test_the_threshold_counts_what_chance_would_pass(session):
    session.update({"threshold.alpha": 0.01})
    z, said = session.result.z, told(session, "threshold").here
    height = -norm.ppf(0.005)
    by_chance, passing = z.size * 0.01, np.count_nonzero(np.abs(z) > height)
    assert f"|z| > {height:.2f}" in said
    assert f"Of {z.size:,} voxels {by_chance:,.0f} would pass by chance" in said
    assert f"{passing:,} pass" in said
    assert f"q = {min(1, by_chance / passing):.2g}" in said


def test_t_is_the_effect_over_its_error(session):
    here = session.series().statistics
    effect, error, t, z = numbers(told(session, "contrast").here.partition("at the crosshair t =")[2])[:4]
    assert (effect, error) == (pytest.approx(here["effect"], rel=5e-3), pytest.approx(here["effect_sd"], rel=5e-3))
    assert t == pytest.approx(effect / error, rel=2e-2)
    assert z == pytest.approx(here["z"], rel=5e-3)


def test_the_filter_removes_what_a_projection_does(session):
    session.update({"design.high_pass": 0.03})
    design = session.result.design
    drift = design[[name for name in design if str(name).startswith("drift_")]].to_numpy()
    basis = np.linalg.qr(drift - drift.mean(axis=0))[0]
    lost = {}
    for name in ("face", "house"):
        x = design[name].to_numpy() - design[name].mean()
        lost[name] = np.sum((basis.T @ x) ** 2) / np.sum(x**2)
    worst = max(lost, key=lost.get)
    why = told(session, "drift")
    assert why.here.startswith(f"{worst}: {100 * lost[worst]:.0f} % of its variance")
    # Half of the cut-off, as the words say it.
    session.update({"design.high_pass": 0.015})
    assert why.change.startswith("A cut-off of 66.67 s would remove ")
    assert f"{numbers(why.change)[1]:.0f} %" in told(session, "drift").here or worst not in told(session, "drift").here


def test_degrees_of_freedom_are_scans_less_rank(session):
    design = session.result.design.to_numpy()
    n, rank, dof = numbers(told(session, "degrees_of_freedom").here)
    assert (n, rank, dof) == (len(design), np.linalg.matrix_rank(design), session.result.fit.dof)


def test_the_smallest_effect_is_the_verdicts(session):
    verdict, height = session.result.book.verdict(session.result.settings.contrast.expression), session.result.threshold
    delta, sd, effect = numbers(told(session, "detectable_effect").here)[:3]
    assert effect == pytest.approx(verdict.detectable(height), rel=5e-3)
    assert delta * sd == pytest.approx(effect, rel=2e-2)


def test_clusters_and_what_is_active_in_them(session):
    session.update({"threshold.height_control": "fixed", "threshold.value": 2.0, "threshold.cluster_size": 0})
    result, clusters = session.result, session.clusters
    passing, kept, n = numbers(told(session, "clusters").here)[:3]
    assert passing == np.count_nonzero(np.abs(result.z) > result.threshold)
    assert kept == sum(cluster.n_voxels for cluster in clusters.found)
    assert n == len(clusters.found)
    session.move_to(clusters.found[1].peaks[0].ijk)
    number, sure, size = numbers(told(session, "active_share").here)[:3]
    assert (number, size) == (2, clusters.found[1].n_voxels)
    assert sure == np.floor(clusters.bounds[1] * size + 1e-9)


def test_a_colour_is_of_the_sign(session):
    session.update({"contrast.expression": "face - house"})
    z = np.where(session.result.mask, session.result.z_map, 0)
    for at, colour in (
        (np.unravel_index(z.argmax(), z.shape), "orange"),
        (np.unravel_index(z.argmin(), z.shape), "blue"),
    ):
        session.move_to(tuple(map(int, at)))
        assert f": {colour}, because the effect is" in told(session, "map_colour").here


def test_what_is_not_on_screen_has_no_reason(session):
    assert told(session, "whiteness") is None
    assert told(session, "heterogeneity") is None
    session.update({"design.drift_model": "none"})
    assert told(session, "drift") is None


def test_the_count_of_models_is_the_ledgers(session):
    session.update({"noise.model": "ols"})
    why = told(session, "viewed_models")
    assert why.here.startswith("2 models and 2 contrasts viewed")
    assert f"1 − .95^2 = {1 - 0.95**2:.2f}" in why.here


def test_what_was_found_in_the_events_is_said(session):
    why = told(session, "events")
    assert why.here == "Nothing is wrong with these events."
    session.update({"events.shift": -60.0})
    assert "outside" in told(session, "events").here or "before" in told(session, "events").here


def test_a_comparison_counts_parameters_and_the_median_voxel(session):
    assert told(session, "model_comparison") is None
    session.update({"noise.model": "ols"})
    session.pin()
    before = session.result
    session.update({"design.high_pass": 0.02})
    fits = [each.fit for each in (before, session.result)]
    n = len(session.result.design)
    # Without autocorrelation the criterion is that of the residual sums alone.
    sums = [fit.noise.rss for fit in fits]
    ks = [fit.basis.rank + 1 for fit in fits]
    a, b = (n * np.log(rss / n) + 2 * k + 2 * k * (k + 1) / (n - k - 1) for rss, k in zip(sums, ks, strict=True))
    said = numbers(told(session, "model_comparison").here)
    assert said[:2] == [fit.basis.rank for fit in fits]
    assert said[2] == pytest.approx(np.median(b - a), rel=5e-3)
    session.unpin()
