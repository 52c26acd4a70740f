"""The graph of stages: nothing is computed twice, nothing is kept that a setting has outdated."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from glmwidgets.session.core.graph import Graph, Stage, StageError
from glmwidgets.specification.settings import Settings


def counting_graph():
    ran = []

    def stage(name, needs=(), reads=(), keep=4):
        def compute(settings, *inputs):
            ran.append(name)
            return (name, *(settings.get(path) for path in reads), *inputs)

        return Stage(name, compute, needs, reads, keep)

    graph = Graph(
        [
            stage("load"),
            stage("smooth", ("load",), ("data.smoothing_fwhm",)),
            stage("design", (), ("design.hrf_model",)),
            stage("fit", ("smooth", "design"), ("noise.model",), keep=2),
        ]
    )
    return graph, ran


def test_a_change_runs_what_is_downstream_of_it_and_nothing_else():
    graph, ran = counting_graph()
    settings = Settings()
    graph.get("fit", settings)
    assert ran == ["load", "smooth", "design", "fit"]
    for change, expected in [
        ({"noise.model": "ols"}, ["fit"]),
        ({"design.hrf_model": "glover"}, ["design", "fit"]),
        ({"data.smoothing_fwhm": 5.0}, ["smooth", "fit"]),
        ({"threshold.alpha": 0.01}, []),
    ]:
        ran.clear()
        settings = settings.updated(change)
        result = graph.get("fit", settings)
        assert ran == expected
    assert result == (
        "fit", "ols", ("smooth", 5.0, ("load",)), ("design", "glover")
    )  # fmt: skip


def test_only_the_last_used_are_kept():
    graph, _ = counting_graph()
    models = [Settings().updated({"noise.model": name}) for name in ("ols", "ar1", "ar2")]
    for settings in models:
        graph.get("fit", settings)
    assert [graph.is_kept("fit", s) for s in models] == [False, True, True]


def test_an_error_names_its_stage_and_leaves_nothing_behind():
    state = {"broken": True}

    def compute(settings):
        if state["broken"]:
            raise ValueError("no such column")
        return 1

    graph = Graph([Stage("design", compute), Stage("fit", lambda s, d: d + 1, ("design",))])
    with pytest.raises(StageError, match="no such column") as caught:
        graph.get("fit", Settings())
    assert caught.value.stage == "design"
    state["broken"] = False
    assert graph.get("fit", Settings()) == 2


def test_timings_and_checkpoints_cover_the_stages_that_ran():
    graph, _ = counting_graph()
    timings, passed = {}, []
    graph.get("smooth", Settings(), timings, passed.append)
    assert set(timings) == {"load", "smooth"}
    assert passed == ["load", "smooth"]
    timings.clear()
    graph.get("fit", Settings(), timings)
    assert set(timings) == {"design", "fit"}


def test_what_is_pending_is_known_beforehand():
    graph, ran = counting_graph()
    settings = Settings()
    assert graph.pending("fit", settings) == ("load", "smooth", "design", "fit")
    graph.get("fit", settings)
    assert graph.pending("fit", settings) == ()
    assert graph.pending("fit", settings.updated({"design.hrf_model": "glover"})) == ("design", "fit")
    assert ran == ["load", "smooth", "design", "fit"]


def test_warnings_are_kept_with_what_they_warn_of():
    """A kept result still warns, though its stage does not run again; what programmers are told goes elsewhere."""

    def design(settings):
        for _ in range(2):
            warnings.warn("an event starts before the run", UserWarning, stacklevel=1)
        warnings.warn("np.something is going away", DeprecationWarning, stacklevel=1)
        return settings.design.hrf_model

    graph = Graph(
        [
            Stage("design", design, reads=("design.hrf_model",)),
            Stage("fit", lambda s, d: warnings.warn("rho at its edge", UserWarning, stacklevel=1), ("design",)),
        ]
    )
    expected = {"design": ("an event starts before the run",), "fit": ("rho at its edge",)}
    for _ in range(2):
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            graph.get("fit", Settings())
        assert graph.warnings("fit", Settings()) == expected
    assert heard == []
    with pytest.warns(DeprecationWarning, match="going away"):
        graph.get("design", Settings().updated({"design.hrf_model": "glover"}))
    assert graph.warnings("fit", Settings().updated({"design.hrf_model": "glover"})) == {
        "design": ("an event starts before the run",)
    }


def test_two_threads_share_one_computation():
    graph, ran = counting_graph()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: graph.get("fit", Settings()), range(8)))
    assert ran == ["load", "smooth", "design", "fit"]


def test_a_budget_in_bytes_lets_the_oldest_go_but_never_the_newest():
    def compute(settings):
        return np.zeros(int(settings.get("threshold.value") * 1000), np.uint8)

    stage = Stage("series", compute, reads=("threshold.value",), keep=10, budget=5000)
    graph = Graph([stage])
    sizes = [Settings().updated({"threshold.value": float(kilo)}) for kilo in (2, 2.5, 1, 9)]
    for settings in sizes[:3]:
        graph.get("series", settings)
    assert [graph.is_kept("series", s) for s in sizes[:3]] == [False, True, True]
    assert graph.get("series", sizes[3]).size == 9000
    assert [graph.is_kept("series", s) for s in sizes] == [False, False, False, True]
