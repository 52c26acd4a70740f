"""Contrasts at a click mean what their names say, on real designs."""

import numpy as np
import pytest

from glmwidgets.analysis.proposals import (
    adapted_expression,
    all_pairs,
    condition_columns,
    effects_of_interest,
    written_contrast,
)
from glmwidgets.glm.fit.expressions import contrast_vector


def columns_of(session, hrf_model, delays=(0,)):
    session.update({"design.hrf_model": hrf_model, "design.fir_delays": delays, "contrast.expression": "constant"})
    columns = list(session.result.design.columns)
    return columns, condition_columns(session.run.conditions, session.settings.design, columns)


@pytest.mark.parametrize(
    ("hrf_model", "delays", "n_rows"), [("spm", (0,), 2), ("glover + derivative", (0,), 4), ("fir", (0, 1, 2), 6)]
)
def test_effects_of_interest_span_every_task_column(session, hrf_model, delays, n_rows):
    columns, by_condition = columns_of(session, hrf_model, delays)
    weights = np.atleast_2d(contrast_vector(effects_of_interest(by_condition), columns))
    assert weights.shape == (n_rows, len(columns))
    task = [i for i, name in enumerate(columns) if name.startswith(("face", "house"))]
    np.testing.assert_array_equal(np.flatnonzero(weights.any(axis=0)), task)
    assert np.linalg.matrix_rank(weights) == n_rows


def test_pairs_compare_like_with_like(session):
    columns, by_condition = columns_of(session, "fir", (0, 1, 2))
    ((name, expression),) = all_pairs(by_condition)
    weights = contrast_vector(expression, columns)
    assert name == "face - house"
    assert weights.shape == (3, len(columns))
    np.testing.assert_array_equal(weights.sum(axis=1), 0)


def test_a_contrast_follows_the_response_there_and_back(session):
    columns, by_condition = columns_of(session, "fir", (0, 1, 2))
    assert adapted_expression("face - house", by_condition, columns) is None  # it is the mean over delays
    weights = contrast_vector("face - house", columns)
    np.testing.assert_allclose(weights[:6], [1 / 3] * 3 + [-1 / 3] * 3)
    there = written_contrast(weights, columns)
    columns, by_condition = columns_of(session, "spm")
    assert adapted_expression("F(face_delay_0; face_delay_1)", by_condition, columns) == "F(face)"
    assert adapted_expression("face_derivative", by_condition, columns) is None
    assert adapted_expression(there, by_condition, columns) == "face - house"
    assert adapted_expression("face_delay_0; face_delay_1; house_delay_0", by_condition, columns) == "face; house"
    assert adapted_expression("face - house", by_condition, columns) is None
    assert adapted_expression("no_such - face_delay_0", by_condition, columns) is None
    assert adapted_expression("face_delay_0 - face_delay_1", by_condition, columns) is None
    assert adapted_expression("face_delay_0 +", by_condition, columns) is None


@pytest.mark.parametrize("weights", [[1.0, 0, 0], [0.5, -0.25, 0], [[1.0, 0, 0], [0, 1, -1]], [0, 1 / 3, -2]])
def test_what_is_written_reads_as_the_same_weights(weights):
    columns = ["face", "left hand", "1back"]
    np.testing.assert_array_equal(contrast_vector(written_contrast(weights, columns), columns), weights)
