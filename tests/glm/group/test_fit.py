"""A group's F test: what its rows say, not how they are written."""

import numpy as np
import pandas as pd
import pytest

from glmwidgets.glm.group.fit import fit_group, group_contrast


@pytest.mark.parametrize("factor", [1e-16, 1e8, 1e16])
def test_f_does_not_depend_on_the_scale_of_a_row(factor):
    rng = np.random.default_rng(0)
    design = pd.DataFrame(rng.standard_normal((20, 3)), columns=list("abc"))
    fit = fit_group(rng.standard_normal((20, 50)), design)
    rows = np.array([[1.0, -1, 0], [0, 1.0, 1]])
    expected = group_contrast(fit, rows).stat()
    for same in (rows * [[factor], [1]], np.vstack([factor * rows[:1], factor * rows[:1] / 3, rows[1:]])):
        found = group_contrast(fit, same)
        assert found.dim == 2
        np.testing.assert_allclose(found.stat(), expected, rtol=1e-7)
