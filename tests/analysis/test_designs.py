"""Which setting is named where a design has too many columns."""

import numpy as np
import pandas as pd
import pytest

from glmwidgets.analysis.designs import setting_of_most_columns
from glmwidgets.glm.design.matrix import frame_times, make_first_level_design_matrix
from glmwidgets.specification.field import arguments_in
from glmwidgets.specification.settings import DesignSettings

EVENTS = pd.DataFrame({"onset": [10.0, 40, 70], "duration": 2.0, "trial_type": ["face", "house", "face"]})


@pytest.mark.parametrize(
    ("chosen", "n_confounds", "path"),
    [
        (DesignSettings(drift_model="cosine", high_pass=0.1), 4, "design.high_pass"),
        (DesignSettings(drift_model="polynomial", drift_order=9), 4, "design.drift_order"),
        (DesignSettings(drift_model="cosine", high_pass=0.01), 12, "design.confounds"),
        (DesignSettings(hrf_model="fir", fir_delays=tuple(range(8))), 4, "design.hrf_model"),
        (DesignSettings(drift_model="none", hrf_model="spm"), 4, "design.confounds"),
        (DesignSettings(drift_model="cosine", hrf_model="spm + derivative"), 12, "design.confounds"),
        (DesignSettings(drift_model="cosine", high_pass=0.1, hrf_model="spm + derivative"), 4, "design.high_pass"),
        (DesignSettings(drift_model="none", hrf_model="spm + derivative + dispersion"), 0, "design.hrf_model"),
    ],
)
def test_the_setting_of_most_columns_is_named(chosen, n_confounds, path):
    confounds = np.random.default_rng(0).standard_normal((60, n_confounds)) if n_confounds else None
    design = make_first_level_design_matrix(frame_times(60, 2.0), EVENTS, add_regs=confounds, **arguments_in(chosen))
    assert setting_of_most_columns(chosen, list(design)) == path
    assert setting_of_most_columns(DesignSettings(source="given"), list(design)) == "design.source"
