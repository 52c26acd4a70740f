"""The report of a group explorer is of what is on screen, to the last bit, and fits nothing."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from glmwidgets.models import ImageMasker, SecondLevelModel
from glmwidgets.report.page import group
from glmwidgets.report.page.group import group_report
from glmwidgets.session.group.data import open_group
from glmwidgets.session.group.session import GroupSession

SHAPE = (8, 9, 7)
AFFINE = np.diag([-3.0, 3, 3, 1])


def maps_of(n=10):
    rng = np.random.default_rng(0)
    added = np.zeros(SHAPE)
    added[2:5, 2:5, 2:5] = 2
    return [nib.Nifti1Image((added + rng.standard_normal(SHAPE)).astype(np.float32), AFFINE) for _ in range(n)]


TABLE = pd.DataFrame({"subject_label": list("abcdefghij"), "left hand": range(10), "group": ["x", "y"] * 5})
MODEL = {
    "design.terms": ("left hand", "group"),
    "data.smoothing_fwhm": 4.0,
    "data.left_out": ("c",),
    "contrast.names": ("", "both", "spread"),
    "contrast.expressions": ('"left hand"', "(x + y) / 2", "x; y"),
    "contrast.active": 1,
    "threshold.alpha": 0.01,
    "permutation.n_perm": 60,
    "permutation.seed": 3,
    "permutation.forming": 0.05,
}


@pytest.fixture
def session():
    session = GroupSession(open_group(maps_of(), TABLE, match="order"), MODEL, synchronous=True)
    session.refresh()
    yield session
    session.close()


@pytest.fixture
def studies(monkeypatch):
    """What was written, as data."""
    seen, render = [], group.render
    monkeypatch.setattr(group, "render", lambda study, **options: seen.append(study) or render(study, **options))
    return seen


@pytest.fixture
def fits(monkeypatch):
    """Every group fit that is made, whoever asks."""
    made = []

    def counted(*given, **more):
        made.append(given)
        raise AssertionError("a fit was made")

    monkeypatch.setattr("glmwidgets.analysis.group.fit_group", counted)
    return made


def test_it_is_what_is_on_screen_to_the_last_bit(session, studies, fits, tmp_path):
    session.permute()
    # What was kept is let go of: even so nothing is fitted again.
    session.analysis.forget()
    report = group_report(session)
    (study,) = studies
    assert not fits
    active = study.contrasts[1]
    assert active.z is session.result.z
    assert active.contrast is session.result.contrast
    assert active.height == session.result.threshold
    assert active.clusters == tuple(session.clusters.found)
    assert active.labels is session.clusters.labels
    assert active.permuted.result is session.permuted.result
    assert study.runs[0].design is session.result.design
    np.testing.assert_array_equal(study.r_square, session.result.statistics.show("r_square").values)
    words = "60 permutations (seed 3)" if session.permuted.result.scheme == "permutation" else "60 sign flips (seed 3)"
    assert words in report.html
    assert "left hand" in report.html


def test_the_other_contrasts_are_those_of_the_scripted_model(session, studies):
    group_report(session)
    (study,) = studies
    masker = ImageMasker(session.group.domain.mask_image())
    kept = [img for i, img in enumerate(session.group.imgs) if i in session.result.rows]
    model = SecondLevelModel(mask_img=masker.mask_img_, smoothing_fwhm=4.0)
    model.fit(kept, design_matrix=session.result.design.reset_index(drop=True))
    for facts in study.contrasts:
        expected = masker.transform(model.compute_contrast(facts.text))
        np.testing.assert_allclose(facts.z, expected, atol=1e-10)
    assert [facts.name for facts in study.contrasts] == ['"left hand"', "both", "spread"]
    # An F test has one side.
    assert [facts.threshold.two_sided for facts in study.contrasts] == [True, True, False]
    assert all(facts.permuted is None for facts in study.contrasts)


def test_a_test_of_another_model_is_not_reported(session, studies):
    session.permute()
    session.permuted, kept = None, session.permuted
    session.update({"data.smoothing_fwhm": 6.0})
    session.permuted = kept
    group_report(session)
    assert studies[0].contrasts[1].permuted is None
    session.update({"data.smoothing_fwhm": 4.0})
    assert "Permutation test" in group_report(session).html


def test_the_error_rate_of_the_test_is_the_one_chosen_now(session):
    session.permute()
    session.update({"permutation.alpha": 0.2})
    assert "family-wise error of 0.2" in group_report(session).html


def test_without_a_result_it_says_so():
    session = GroupSession(open_group(maps_of(4)), {"contrast.expression": "nothing"}, synchronous=True)
    with pytest.raises(ValueError, match="no result"):
        group_report(session)
    session.close()


def test_the_explorer_writes_it(session, tmp_path):
    pytest.importorskip("ipywidgets")
    from glmwidgets.panels.group.explorer import GroupExplorer

    explorer = GroupExplorer(session)
    explorer.report(tmp_path / "group.html", title="hands")
    assert "<title>hands</title>" in (tmp_path / "group.html").read_text(encoding="utf-8")
    explorer.close()
