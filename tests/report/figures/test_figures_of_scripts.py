"""Figures as the conventional scripts ask for them: tables by their paths, files, colour maps, several runs."""

import numpy as np
import pandas as pd
import pytest

from glmwidgets.report.figures import (
    plot_contrast_matrix,
    plot_design_matrix,
    plot_design_matrix_correlation,
    plot_event,
)

DESIGN = pd.DataFrame({"face": [0.0, 1, 1, 0], "house": [1.0, 0, 0.5, 0], "constant": 1.0})
EVENTS = pd.DataFrame({"onset": [4.0, 20.0, 30.0], "duration": 8.0, "trial_type": ["face", "house", "face"]})


@pytest.fixture(params=[("\t", ".tsv"), (",", ".csv")])
def paths(request, tmp_path):
    separator, ending = request.param
    found = tmp_path / f"design{ending}", tmp_path / f"events{ending}"
    for table, path in zip((DESIGN, EVENTS), found, strict=True):
        table.to_csv(path, sep=separator, index=False)
    return found


def test_tables_are_read_from_their_paths(paths):
    design, events = paths
    for given in (design, str(design)):
        assert _pixels(plot_design_matrix(given)) == _pixels(plot_design_matrix(DESIGN))
        assert _pixels(plot_design_matrix_correlation(given)) == _pixels(plot_design_matrix_correlation(DESIGN))
        assert _pixels(plot_contrast_matrix("face - house", given)) == _pixels(
            plot_contrast_matrix("face - house", DESIGN)
        )
    assert _pixels(plot_event(events)) == _pixels(plot_event(EVENTS))


def _pixels(figure):
    return figure._repr_png_()


def test_a_figure_goes_to_its_file(tmp_path):
    calls = {
        "design": lambda path: plot_design_matrix(DESIGN, output_file=path),
        "contrast": lambda path: plot_contrast_matrix("face", DESIGN, output_file=path),
        "correlation": lambda path: plot_design_matrix_correlation(DESIGN, output_file=path),
        "events": lambda path: plot_event(EVENTS, output_file=path),
    }
    for name, call in calls.items():
        for ending in (".png", ".pdf"):
            path = tmp_path / f"{name}{ending}"
            assert call(path).figure is not None
            assert path.read_bytes()[:4] in (b"\x89PNG", b"%PDF")


def test_runs_stand_below_each_other():
    one, two = plot_event(EVENTS), plot_event([EVENTS, EVENTS])
    assert [label.get_text() for label in one.axes[0].get_yticklabels()] == ["face", "house"]
    labels = [label.get_text() for label in two.axes[0].get_yticklabels()]
    assert labels == ["run 1: face", "run 1: house", "run 2: face", "run 2: house"]


def test_colour_maps_are_by_name_and_have_enough_colours():
    many = pd.DataFrame({"onset": np.arange(11.0), "duration": 1.0, "trial_type": list("abcdefghijk")})
    with pytest.raises(ValueError, match="11 event types, and the colour map 'tab10' has 10"):
        plot_event(many, cmap="tab10")
    assert _pixels(plot_event(many, cmap="tab20")) != _pixels(plot_event(many))
    assert _pixels(plot_design_matrix_correlation(DESIGN, cmap="RdBu_r")) != _pixels(
        plot_design_matrix_correlation(DESIGN)
    )
    for wrong in ({"cmap": "foo"}, {"tri": "lower"}):
        with pytest.raises(ValueError, match="must be one of"):
            plot_design_matrix_correlation(DESIGN, **wrong)
