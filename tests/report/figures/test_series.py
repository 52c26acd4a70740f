"""Curves on paper: what is drawn equals what was given, in the colours of the event types."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from scipy.stats import norm
from sklearn.metrics import r2_score

from glmwidgets.glm.response.models import hrf_curve
from glmwidgets.report.figures.series import plot_events, plot_hrf, plot_residual_histogram, plot_series
from glmwidgets.web.palettes import colour_of

RNG = np.random.default_rng(0)
EVENTS = pd.DataFrame(
    {"onset": [4.0, 20.0, 30.0], "duration": [8.0, 4.0, 0.0], "trial_type": ["house", "face", "house"]}
)


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def spans(collection):
    """Left and right end of each bar."""
    return [(path.vertices[:, 0].min(), path.vertices[:, 0].max()) for path in collection.get_paths()]


def test_series_and_prediction_over_time():
    actual = RNG.normal(size=50)
    predicted = 0.6 * actual + 0.1 * RNG.normal(size=50)
    figure = plot_series(actual, predicted, t_r=2.5, unit="% signal", title="voxel (1, 2, 3)")
    axes = figure.axes[0]
    data, model = axes.lines
    np.testing.assert_array_equal(data.get_xydata(), np.column_stack([2.5 * np.arange(50), actual]))
    np.testing.assert_array_equal(model.get_ydata(), predicted)
    assert axes.get_title(loc="left") == "voxel (1, 2, 3)"
    assert axes.get_title(loc="right") == f"R² {r2_score(actual, predicted):.2f}"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time (s)", "% signal")
    assert axes.get_xlim() == (0, 122.5)
    assert legend(axes) == ["data", "model"]


def test_frame_times_and_gaps():
    actual = RNG.normal(size=5)
    actual[2] = np.nan
    times = [1.0, 3, 5, 7, 9]
    axes = plot_series(actual, np.zeros(5), frame_times=times).axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), times)
    assert np.isnan(axes.lines[0].get_ydata()[2])
    known = np.delete(actual, 2)
    assert axes.get_title(loc="right") == f"R² {r2_score(known, np.zeros(4)):.2f}".replace("-", "−")


def test_events_are_shaded_in_the_colour_of_their_type():
    axes = plot_series(np.zeros(21), t_r=2.0, events=EVENTS, conditions=["body", "face", "house"]).axes[0]
    face, house = axes.collections
    assert spans(face) == [(20, 24)]
    # What has no duration is drawn a five-hundredth of the run wide.
    np.testing.assert_allclose(spans(house), [(4, 12), (30, 30.08)])
    for collection, kind in ((face, "face"), (house, "house")):
        assert tuple(collection.get_facecolor()[0, :3]) == to_rgb(colour_of(kind, ["body", "face", "house"]))
    assert legend(axes) == ["data", "face", "house"]


def test_events_of_a_single_unnamed_type():
    axes = plot_series(np.zeros(21), t_r=2.0, events=EVENTS.drop(columns="trial_type")).axes[0]
    assert legend(axes) == ["data", "events"]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((np.zeros(5), np.zeros(6)), {}, "predicted has 6 scans, but actual has 5"),
        ((np.zeros((5, 2)),), {}, r"actual must be one series, but its shape is \(5, 2\)"),
        ((np.zeros(5),), {"frame_times": [1, 2]}, "frame_times has 2 entries, but the series has 5 scans"),
        ((np.zeros(5),), {"events": EVENTS}, "events need the scans' times: give t_r or frame_times"),
        ((np.zeros(5),), {"events": EVENTS[["onset"]], "t_r": 2}, "events lacks the column duration"),
    ],
)
def test_series_that_do_not_fit(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        plot_series(*arguments, **options)


def test_given_axes_keep_their_legend_inside():
    figure = Figure(figsize=(6, 3))
    first, second = figure.subplots(1, 2)
    assert plot_series(np.arange(9.0), np.arange(9.0), axes=second) is figure
    assert not first.lines
    figure.draw_without_rendering()
    box, place = second.get_legend().get_window_extent(), second.get_window_extent()
    assert place.contains(box.x0, box.y0)
    assert place.contains(box.x1, box.y1)


def test_timeline_of_events():
    axes = plot_events(EVENTS, conditions=["body", "face", "house"], end=60, title="events").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["body", "face", "house"]
    assert [text.get_text() for text in axes.texts] == ["0", "1", "2"]
    assert axes.get_xlim() == (0, 60)
    body, face, house = axes.collections
    assert spans(body) == []
    assert spans(face) == [(20, 24)]
    np.testing.assert_allclose(spans(house), [(4, 12), (30, 30.12)])
    assert {vertex for path in house.get_paths() for vertex in path.vertices[:, 1]} == {1.68, 2.32}


def test_no_event_to_show():
    with pytest.raises(ValueError, match="events holds no row"):
        plot_events(EVENTS.iloc[:0])


def test_response_and_its_derivatives():
    axes = plot_hrf("spm + derivative", t_r=2.0).axes[0]
    curve = hrf_curve("spm + derivative", t_r=2.0, dt=0.02)
    _, response, derivative = axes.lines
    np.testing.assert_allclose(response.get_ydata(), curve["response"])
    np.testing.assert_allclose(derivative.get_ydata(), curve["derivative"])
    assert axes.get_title(loc="left") == "spm + derivative"
    assert legend(axes) == ["response", "derivative"]
    low, high = axes.get_ylim()
    assert low < curve.to_numpy().min()
    assert high > curve.to_numpy().max()


def test_one_response_states_its_peak():
    axes = plot_hrf("glover", t_r=2.0).axes[0]
    # The difference of two gammas of Glover 1999 peaks at 5 s.
    assert axes.get_title(loc="right") == "peak at 5.0 s"
    assert axes.get_legend() is None


def test_responses_side_by_side():
    axes = plot_hrf(["spm", "glover"]).axes[0]
    assert legend(axes) == ["spm", "glover"]
    assert len({line.get_color() for line in axes.lines[1:]}) == 2
    with pytest.raises(ValueError, match="spmm"):
        plot_hrf("spmm")


def test_residuals_are_counted_beside_their_normal_curve():
    residuals = RNG.normal(0.5, 2, size=400)
    residuals[[3, 9]] = np.nan, np.inf
    axes = plot_residual_histogram(residuals, bins=12, unit="% signal", title="peak").axes[0]
    known = residuals[np.isfinite(residuals)]
    counts, edges = np.histogram(known, bins=12)
    drawn = axes.patches[0].get_data()
    np.testing.assert_array_equal(drawn.values, counts)
    np.testing.assert_array_equal(drawn.edges, edges)
    (curve,) = axes.lines
    x, y = curve.get_xydata().T
    expected = known.size * (edges[1] - edges[0]) * norm.pdf(x, known.mean(), known.std(ddof=1))
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    assert axes.get_title(loc="right") == f"mean {known.mean():.2f} · sd {known.std(ddof=1):.2f}"
    assert axes.get_xlabel() == "residual (% signal)"


def test_residuals_that_are_all_equal_have_no_curve():
    axes = plot_residual_histogram(np.zeros(20)).axes[0]
    assert not axes.lines
    assert axes.get_title(loc="right") == "mean 0 · sd 0"
    assert axes.patches[0].get_data().values.sum() == 20
    with pytest.raises(ValueError, match="no finite residual"):
        plot_residual_histogram([np.nan])
