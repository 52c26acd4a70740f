"""Numbers are written one way."""

import numpy as np
import pytest

from glmwidgets.report.figures.style import write_mm, write_number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.1, "3.10"),
        (-3.1, "−3.10"),
        (9.996, "10.0"),
        (99.96, "100"),
        (1040.4, "1040"),
        (0.31, "0.31"),
        (0.0123, "0.012"),
        (0, "0"),
        (2.5e7, "2.5e+07"),
        (-1e-5, "−1e−05"),
    ],
)
def test_numbers_have_three_digits_that_matter(value, text):
    assert write_number(value) == text


def test_mm_are_whole_and_zero_has_no_sign():
    assert [write_mm(v) for v in (-20.4, -0.4, 41.6, np.float32(3))] == ["−20", "0", "42", "3"]
