"""What is told of noise follows what a row of `NOISE_MODELS` says of its parameters."""

from dataclasses import replace

import numpy as np
import pytest

from glmwidgets.analysis.compare import aicc
from glmwidgets.analysis.places import find_place, place_series
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.fit.whiteness import residual_whiteness
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.ar1_reml import fit_ar1_reml
from glmwidgets.glm.noise.models import NOISE_MODELS
from glmwidgets.panels.run.noise import NoisePanel
from glmwidgets.panels.run.series_plots import residual_plots
from glmwidgets.panels.shared.crosshair import CrosshairPanel
from glmwidgets.specification.series import Spot


def fit_renamed(moments, basis):
    """The package's own AR(1) by restricted likelihood, its parameter under another name."""
    fit = fit_ar1_reml(moments, basis)
    return replace(fit, parameters={"r": fit.parameters["rho"]})


@pytest.fixture
def renamed():
    own = NOISE_MODELS["ar1-reml"]
    row = replace(own, name="mine", fit=fit_renamed, options=(), parameters=(replace(own.parameters[0], name="r"),))
    NOISE_MODELS["mine"] = row
    yield row
    del NOISE_MODELS["mine"]


def test_what_is_told_of_noise_does_not_hang_on_a_parameters_name(session, renamed):
    """Whiteness, AICc, the map of rho, and the words of the panels: what a row says, not how it spells."""
    told = {}
    for name in ("ar1-reml", "mine"):
        assert session.update({"noise.model": name, "contrast.expression": "face", "map.statistic": "rho"})
        fit, shown = session.result.fit, session.result.statistics.show("rho")
        noise, crosshair = NoisePanel(session), CrosshairPanel(session)
        here = place_series(session.result, find_place(session.result, Spot(session.cursor)), {})
        told[name] = {
            "p": residual_whiteness(fit, t_r=0.8).p_values,
            "verdict": residual_whiteness(fit, t_r=0.8).verdict,
            "aicc": aicc(fit),
            "map": shown.values,
            "why z": shown.why_not,
            "head": noise._head.value,
            "numbers": crosshair._values.value,
            "residuals": residual_plots(here, session.result)[1],
        }
    for what, value in told["ar1-reml"].items():
        np.testing.assert_array_equal(told["mine"][what], value, err_msg=what)
    assert "<td>ρ</td>" in told["mine"]["numbers"]


def test_a_parameter_that_the_row_does_not_say_is_an_error(renamed):
    NOISE_MODELS["mine"] = replace(renamed, parameters=())
    with pytest.raises(ValueError, match="mine gives the parameters r, and its row of NOISE_MODELS says none"):
        fit_glm(Moments(np.random.default_rng(0).standard_normal((30, 2))), np.ones((30, 1)), "mine")
