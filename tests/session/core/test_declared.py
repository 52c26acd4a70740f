"""A stage sees the settings that it declares: every other read is an error, and no stage of ours needs one."""

import dataclasses
import timeit
from dataclasses import replace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from glmwidgets.runs.reader import Reader
from glmwidgets.session.core.declared import DeclaredSettings, UndeclaredRead, by_group
from glmwidgets.session.core.graph import Graph, Stage
from glmwidgets.session.group.analysis import GroupAnalysis
from glmwidgets.session.group.data import open_group
from glmwidgets.session.several.analysis import FixedAnalysis
from glmwidgets.session.single.analysis import Analysis
from glmwidgets.session.single.session import Session
from glmwidgets.specification.fixed import FixedSettings, written_model
from glmwidgets.specification.group import GroupSettings
from glmwidgets.specification.settings import Settings


@pytest.mark.parametrize(
    ("read", "path"),
    [
        (lambda s: s.design.drift_model, "design.drift_model"),
        (lambda s: s.get("design.drift_model"), "design.drift_model"),
        (lambda s: s.noise.model, "noise"),
        (lambda s: s.get("noise.model"), "noise.model"),
        (lambda s: getattr(s.design, "drift_model", None), "design.drift_model"),
        (lambda s: s.contrast.listed, "contrast.names"),
        (lambda s: {s.design: 1}, "the whole group design"),
        (lambda s: s.design == s.design, "the whole group design"),
        (lambda s: s.updated({"design.hrf_model": "spm"}), "updated"),
    ],
)
def test_an_undeclared_read_names_the_stage_and_the_setting(read, path):
    declared = ("design.hrf_model", "contrast.expression")
    graph = Graph([Stage("load", lambda s: 1), Stage("model", lambda s, _: read(s), ("load",), declared)])
    with pytest.raises(UndeclaredRead, match=f"'model' reads {path} ") as caught:
        graph.get("model", Settings())
    assert (caught.value.stage, caught.value.path) == ("model", path)
    assert not graph.is_kept("model", Settings())


def test_what_is_declared_is_read_as_ever():
    settings = GroupSettings().updated(
        {"table.maps": ["a"], "table.names": ["age"], "table.kinds": ["number"], "table.cells": [["31"]]}
    )
    seen = DeclaredSettings(settings, "x", by_group(("table.names", "table.kinds", "table.cells", "data.left_out")))
    assert seen.table.names == seen.get("table.names") == ("age",)
    # Methods of a group read through the view.
    assert seen.table.column("age") == settings.table.column("age")
    with pytest.raises(UndeclaredRead, match=r"table\.maps"):
        seen.table.maps  # noqa: B018
    # A group of which everything is declared is the group itself, which can be a key.
    whole = tuple(f"noise.{field.name}" for field in dataclasses.fields(Settings().noise))
    assert DeclaredSettings(Settings(), "x", by_group(whole)).noise == Settings().noise


def test_what_cannot_be_read_at_all_is_said_as_ever():
    seen = DeclaredSettings(Settings(), "x", by_group(("noise.model",)))
    with pytest.raises(AttributeError, match="modell"):
        seen.noise.modell  # noqa: B018
    with pytest.raises(AttributeError, match="noises"):
        seen.noises  # noqa: B018
    with pytest.raises(ValueError, match="no such setting"):
        seen.get("noise.modell")


def test_a_stage_within_a_stage_may_read_what_both_declare():
    inner = Graph([Stage("mask", lambda s: s.data.mask_cut, reads=("data.mask_cut",))])
    for reads in (("data.mask_cut",), ("data.drop_scans",)):
        outer = Graph([Stage("series", lambda s: inner.get("mask", s), reads=reads)])
        if reads == ("data.mask_cut",):
            assert outer.get("series", Settings()) == 1.0
        else:
            with pytest.raises(UndeclaredRead, match=r"'series' reads data\.mask_cut"):
                outer.get("series", Settings())


def test_the_view_costs_a_drag_next_to_nothing():
    settings, names = Settings(), by_group(("threshold.value", "threshold.alpha", "threshold.two_sided"))

    def read():
        seen = DeclaredSettings(settings, "threshold", names)
        return seen.threshold.value, seen.threshold.alpha, seen.threshold.two_sided

    assert min(timeit.repeat(read, number=200, repeat=20)) / 200 < 50e-6


def test_the_session_says_what_was_read(run, monkeypatch):
    monkeypatch.setattr("glmwidgets.analysis.steps.fit_of", lambda asked, *_: asked.threshold.alpha)
    session = Session(run, synchronous=True)
    session.refresh()
    assert session.status.state == "error"
    assert "'fit' reads threshold" in session.status.message
    session.close()


# Every stage under its view -------------------------------------------------------------------------------------------


def everything(graph, settings):
    """Run every stage, each for these settings alone."""
    graph.clear()
    for name in graph._stages:
        graph.get(name, settings)
        assert graph.is_kept(name, settings)


RUN = [
    {},
    {"threshold.two_sided": False, "threshold.height_control": "fdr", "threshold.alpha": 0.05},
    {"threshold.height_control": "fixed", "threshold.value": 0.0},
    {"threshold.height_control": "fixed", "threshold.value": 2.0, "threshold.min_distance": 4.0},
    {"contrast.expression": "face; house"},
    {"contrast.names": ("", "b"), "contrast.expressions": ("face", "house"), "contrast.active": 1},
    {"noise.model": "ols"},
    {"noise.pooling": "local"},
    {"noise.pooling": "global"},
    {"data.smoothing_fwhm": 5.0, "data.signal_scaling": "scan", "data.drop_scans": 4},
    {"events.shift": 1.0, "events.modulated": ("face",), "events.modulated_by": ("onset",)},
    {"design.hrf_model": "fir", "design.fir_delays": (0, 1), "contrast.expression": "face_delay_1"},
    {"design.conditions": ("face",), "contrast.expression": "face", "design.drift_model": "polynomial"},
    {"design.confounds": ("trans_x",), "design.min_onset": 0.0},
]


@pytest.mark.parametrize("changes", RUN, ids=str)
def test_stages_of_a_run(run, changes):
    analysis = Analysis(run)
    everything(analysis.graph, analysis.default_settings().updated({"contrast.expression": "face - house", **changes}))


def test_stages_of_a_run_whose_mask_is_found(run):
    rng, shape = np.random.default_rng(0), (24, 22, 20)
    data = rng.normal(0, 8, (*shape, run.n_scans)).astype(np.float32)
    data[4:-4, 4:-4, 4:-4] += 1000
    img = nib.Nifti1Image(data, run.img.affine)
    analysis = Analysis(replace(run, reader=Reader(img), mask_img=None))
    for cut in (1.0, 0.5):
        everything(analysis.graph, analysis.default_settings().updated({"data.mask_cut": cut}))


@pytest.mark.parametrize("changes", [*RUN[:6], {"runs.left_out": (1,)}, {"runs.weighting": "precision"}], ids=str)
def test_stages_of_fixed_effects(two_runs, changes):
    analyses = [Analysis(run) for run in two_runs]
    models = [a.default_settings().updated({"data.smoothing_fwhm": 4.0}) for a in analyses]
    fixed = FixedAnalysis(analyses)
    settings = FixedSettings().updated(
        {"runs.models": [written_model(m) for m in models], "contrast.expression": "face - house", **changes}
    )
    fixed.result(settings)
    on = fixed.on(fixed.voxels(settings), fixed.models(settings))
    assert len(on) == 2
    assert not set(map(id, on)) & set(map(id, analyses))
    everything(fixed.graph, settings)
    for analysis, model in zip(on, fixed.models(settings), strict=True):
        everything(analysis.graph, model)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"contrast.expression": "intercept"},
        {"design.terms": ("age",), "contrast.expression": "age", "design.centre": False},
        {"design.terms": ("group",), "contrast.expression": "patient - control"},
        {"design.terms": ("group", "age"), "contrast.expression": "patient; control"},
        {"data.left_out": ("sub-01",), "data.smoothing_fwhm": 4.0, "threshold.two_sided": False},
        {"threshold.height_control": "fixed", "threshold.value": 1.0},
    ],
    ids=str,
)
def test_stages_of_a_group(changes):
    rng = np.random.default_rng(0)
    maps = [nib.Nifti1Image(rng.standard_normal((6, 6, 6)) + 0.5, np.diag([3.0, 3, 3, 1])) for _ in range(10)]
    table = pd.DataFrame(
        {
            "participant_id": [f"sub-{i:02d}" for i in range(10)],
            "age": rng.integers(20, 60, 10),
            "group": ["patient", "control"] * 5,
        }
    )
    analysis = GroupAnalysis(open_group(maps, table, match="order"))
    everything(analysis.graph, analysis.default_settings().updated(changes))
