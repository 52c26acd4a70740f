"""Plots that follow controls: they compute anew, keep their marks, and say what went wrong."""

import numpy as np
import pytest

pytest.importorskip("bqplot")

import ipywidgets as W

from glmwidgets.panels.lessons.live import LivePlot


def line(slope, kind):
    if slope < 0:
        raise ValueError("the slope <must> not be negative")
    x = np.arange(5)
    curves = {"line": (x, slope * x)}
    if kind == "both":
        curves["points"] = (x, x)
    return curves, f"slope {slope:g}"


@pytest.fixture
def plot():
    controls = {"slope": W.FloatText(value=1.0, description="how steep"), "kind": W.Dropdown(options=["one", "both"])}
    return LivePlot(line, controls, "x", "y", points=["points"])


def test_it_follows_its_controls(plot):
    plot.controls["slope"].value = 3
    np.testing.assert_array_equal(plot.curves["line"][1], 3 * np.arange(5))
    np.testing.assert_array_equal(plot.figure.marks[0].y, 3 * np.arange(5))
    assert plot.said == "slope 3"


def test_marks_are_made_once_and_hidden_when_they_are_not_needed(plot):
    plot.controls["kind"].value = "both"
    marks = plot.figure.marks
    assert [mark.visible for mark in marks] == [True, True]
    plot.controls["kind"].value = "one"
    assert plot.figure.marks == marks
    assert [mark.visible for mark in marks] == [True, False]
    assert "points" not in plot._legend.value


def test_what_is_slow_is_seen_to_be_computing(plot):
    seen = []
    plot.compute = lambda **_: seen.append("glmw-computing" in plot._body._dom_classes) or {"line": ([0, 1], [0, 1])}
    plot._seconds = 1.0
    plot.redraw()
    plot.redraw()  # the last was quick
    assert seen == [True, False]
    assert "glmw-computing" not in plot._body._dom_classes


def test_the_horizontal_axis_can_have_names():
    plot = LivePlot(lambda: {"line": ([0, 1], [0, 1])}, {}, x_ticks={0: "before", 1: "after"})
    assert plot.figure.axes[0].tick_labels == {"0": "before", "1": "after"}


def test_an_error_is_shown_and_the_last_curves_stay(plot):
    plot.controls["slope"].value = -1
    assert plot.error == "the slope <must> not be negative"
    assert "&lt;must&gt;" in plot._error.value
    assert plot._error.layout.display == ""
    np.testing.assert_array_equal(plot.curves["line"][1], np.arange(5))
    plot.controls["slope"].value = 2
    assert (plot.error, plot._error.layout.display) == ("", "none")
