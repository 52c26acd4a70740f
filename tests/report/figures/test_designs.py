"""Designs on paper: the matrix that is drawn is the matrix that was given."""

import numpy as np
import pandas as pd
import pytest

from glmwidgets.report.figures.designs import plot_contrast_matrix, plot_design_correlation, plot_design_matrix

RNG = np.random.default_rng(0)


def design(n_scans=20, t_r=2.0):
    return pd.DataFrame(
        {
            "face": RNG.normal(size=n_scans),
            "house": 3 * RNG.normal(size=n_scans),
            "drift_1": np.linspace(-1, 1, n_scans),
            "constant": 1.0,
        },
        index=t_r * np.arange(n_scans),
    )


def names(labels):
    return [label.get_text() for label in labels]


def test_matrix_is_drawn_by_time_and_column():
    table = design()
    axes = plot_design_matrix(table, title="run 1")
    (image,) = axes.images
    np.testing.assert_allclose(image.get_array(), table / table.abs().max())
    assert image.get_extent() == [-0.5, 3.5, 39.0, -1.0]  # scans 0 to 38 s, each 2 s high
    assert image.get_clim() == (-1, 1)
    assert axes.get_ylabel() == "time (s)"
    assert names(axes.get_xticklabels()) == list(table.columns)
    np.testing.assert_array_equal(axes.get_xticks(), range(4))
    assert axes.get_title(loc="left") == "run 1"


def test_matrix_as_it_is():
    table = design().reset_index(drop=True)
    axes = plot_design_matrix(table, rescale=False)
    np.testing.assert_array_equal(axes.images[0].get_array(), table)
    largest = table.abs().to_numpy().max()
    assert axes.images[0].get_clim() == (-largest, largest)
    assert axes.get_ylabel() == "scan"
    assert axes.images[0].get_extent() == [-0.5, 3.5, 19.5, -0.5]


def test_column_of_zeros_and_a_single_scan():
    table = pd.DataFrame({"late": [0.0], "constant": [1.0]})
    np.testing.assert_array_equal(plot_design_matrix(table).images[0].get_array(), [[0, 1]])


def test_names_of_many_columns_are_thinned_and_of_great_length_cut():
    table = pd.DataFrame(RNG.normal(size=(5, 250)), columns=[f"c{i}" for i in range(250)])
    axes = plot_design_matrix(table)
    every = np.diff(axes.get_xticks())
    assert (every == every[0]).all()
    assert every[0] == np.ceil(5.5 / (11.0 * 72 / 250))
    assert names(axes.get_xticklabels())[1] == f"c{every[0]}"
    long = pd.DataFrame(0.0, index=range(3), columns=["x" * 60 + "_end"])
    (label,) = names(plot_design_matrix(long).get_xticklabels())
    assert len(label) == 40
    assert label.endswith("x_end")


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        (np.eye(3), TypeError, "design_matrix must be a DataFrame, not ndarray"),
        (pd.DataFrame({"a": []}), ValueError, "is empty: 0 rows, 1 column"),
        (pd.DataFrame({"a": [1.0], "fd": [np.nan]}), ValueError, "column 'fd' of the design matrix"),
        (pd.DataFrame({"a": ["x", "y"]}), ValueError, "column 'a' of the design matrix"),
    ],
)
def test_what_is_no_design(table, error, message):
    with pytest.raises(error, match=message):
        plot_design_matrix(table)


def test_weights_of_an_expression():
    axes = plot_contrast_matrix("face - house/2", design())
    weights = axes.images[0].get_array()
    np.testing.assert_array_equal(weights.filled(0), [[1, -0.5, 0, 0]])
    np.testing.assert_array_equal(np.ma.getmaskarray(weights), [[False, False, True, True]])
    assert {text.get_text(): text.get_position() for text in axes.texts} == {"1": (0, 0), "−0.5": (1, 0)}
    assert axes.get_title(loc="left") == "face - house/2"
    assert axes.images[0].get_clim() == (-1, 1)


def test_rows_of_an_f_contrast_are_named():
    axes = plot_contrast_matrix(["face - house", "2*house"], design(), colorbar=True)
    np.testing.assert_array_equal(axes.images[0].get_array().filled(0), [[1, -1, 0, 0], [0, 2, 0, 0]])
    assert names(axes.get_yticklabels()) == ["face - house", "2*house"]
    (bar,) = axes.child_axes
    assert names(bar.get_yticklabels()) == ["−2", "0", "2"]
    assert names(plot_contrast_matrix(np.eye(4)[:2], design()).get_yticklabels()) == ["1", "2"]


def test_contrast_that_cannot_be_read():
    with pytest.raises(ValueError, match="huose"):
        plot_contrast_matrix("face - huose", design())


def test_correlations_of_the_columns_that_change():
    table = design()
    axes = plot_design_correlation(table)
    reference = table.drop(columns="constant").corr().to_numpy()
    drawn = axes.images[0].get_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(drawn), [[False, True], [False, False]])
    np.testing.assert_allclose(drawn.compressed(), reference[[1, 2, 2], [0, 0, 1]], atol=1e-12)
    assert names(axes.get_xticklabels()) == ["face", "house"]
    assert names(axes.get_yticklabels()) == ["house", "drift_1"]
    assert axes.images[0].get_clim() == (-1, 1)
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert written[(0, 0)] == f"{reference[1, 0]:.2f}".replace("-", "−")
    assert len(written) == 3


def test_orthogonal_columns_correlate_zero_without_a_sign():
    table = pd.DataFrame({"a": [1.0, -1, 1, -1], "b": [-1.0, -1, 1, 1 - 1e-9]})
    assert [text.get_text() for text in plot_design_correlation(table).texts] == ["0.00"]


def test_nothing_to_correlate():
    with pytest.raises(ValueError, match="at least two columns that change"):
        plot_design_correlation(design()[["face", "constant"]])
