"""Verdicts on contrasts against dense algebra."""

import numpy as np
import pytest
from scipy import stats


def test_figures_of_a_contrast_are_those_of_dense_algebra(session):
    """OLS: variance by pinv and the residuals; efficiency by pinv; 1e-9 relative, for sums in another order."""
    session.update({"noise.model": "ols", "contrast.expression": "face - house"})
    verdict = session.verdicts["face - house"]
    result = session.result
    x = result.design.to_numpy()
    c = np.array([{"face": 1.0, "house": -1.0}.get(name, 0.0) for name in result.design.columns])
    spread = c @ np.linalg.pinv(x.T @ x) @ c
    y = result.fit.data()
    left = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    dof = len(x) - np.linalg.matrix_rank(x)
    variance = np.median(np.square(left).sum(axis=0) / dof) * spread
    assert verdict.stat_type == "t"
    assert verdict.dof == dof
    assert verdict.estimable
    assert verdict.efficiency == pytest.approx(1 / spread, rel=1e-9)
    assert verdict.variance == pytest.approx(variance, rel=1e-9)
    # the effect that it says is detectable is found with that power, by the non-central t distribution
    threshold = 3.1
    effect = verdict.detectable(threshold, power=0.8)
    t = stats.t.isf(stats.norm.sf(threshold), dof)
    assert stats.nct.sf(t, dof, effect / np.sqrt(variance)) == pytest.approx(0.8, abs=1e-6)
    assert np.isnan(verdict.detectable(np.inf))


def test_what_cannot_be_said_is_said_why(session):
    book = session.result.book
    assert "did you mean 'house'" in book.verdict("huose").message
    assert book.verdict("huose").stat_type is None
    many = book.verdict("face; house")
    assert (many.stat_type, many.dim) == ("F", 2)
    assert many.efficiency > 0
    assert np.isnan(many.detectable(3.0))
    assert book.verdict("face") is book.verdict("face")
    assert np.isnan(book.verdict("constant").inflation)


def test_a_contrast_that_no_data_can_tell(run):
    from glmwidgets.session.single.session import Session

    twin = run.confounds.assign(again=run.confounds["trans_x"])
    object.__setattr__(run, "confounds", twin)
    session = Session(run, synchronous=True)
    session.refresh()
    verdict = session.result.book.verdict("trans_x")
    assert not verdict.estimable
    assert verdict.efficiency == 0
    assert "not estimable" in verdict.message
    assert any("again" in said for messages in session.result.warnings.values() for said in messages)


def test_every_listed_contrast_is_judged(session):
    session.update({"contrast.names": ("a", ""), "contrast.expressions": ("face", "face - house")})
    assert set(session.verdicts) == {"face", "face - house"}
    assert session.result.settings.contrast.expression == "face"
