"""What is unusual among the runs of a study, one figure by one and taken together."""

import numpy as np
import pandas as pd

from glmwidgets.study.across_runs import Together
from glmwidgets.study.figure import Figure
from glmwidgets.study.figures import FIGURES
from glmwidgets.study.table import QCTable


def table(values):
    figures = {key: Figure(key, key, "mm", "data", f"{key}.", len, side="high") for key in values}
    return QCTable(pd.DataFrame(values), tuple(map(str, range(len(values)))), figures)


def test_figures_that_do_not_go_together_stand_out():
    rng = np.random.default_rng(0)
    common = rng.normal(size=(60, 1))
    values = common + 0.1 * rng.normal(size=(60, 5))
    values[7] = [1, -1, 1, -1, 1]  # each within what is usual
    found = table(pd.DataFrame(values, columns=list("abcde")))
    assert not found.unusual.any(axis=None)
    assert np.flatnonzero(found.apart).tolist() == [7]
    (said,) = found.said(7)
    assert said.startswith("Its figures are an unusual combination: they lie ")


def test_runs_of_one_kind_are_seldom_apart():
    rng = np.random.default_rng(1)
    apart = [table(pd.DataFrame(rng.standard_t(5, (40, 6)), columns=list("abcdef"))).apart.mean() for _ in range(50)]
    assert np.mean(apart) < 0.01


def test_what_is_said_of_ten_thousand_runs_is_worked_out_for_the_unusual_ones(monkeypatch):
    values = np.random.default_rng(0).normal(size=10_000).clip(-3, 3)
    values[[5, 70]] = 100.0
    found, asked = table(pd.DataFrame({"a": values})), []
    one = QCTable.said
    monkeypatch.setattr(QCTable, "said", lambda self, i: asked.append(i) or one(self, i))
    said = found.said_of_all
    assert asked == [5, 70]
    assert [i for i, each in enumerate(said) if each] == [5, 70]
    assert list(said[5]) == one(found, 5)
    assert all(one(found, i) == list(said[i]) for i in range(5, 200))


def test_too_few_runs_are_not_judged():
    found = table(pd.DataFrame({"a": [1.0, 2.0, 99.0], "b": [1.0, 2.0, 3.0]}))
    assert not found.unusual.any(axis=None)
    assert not found.apart.any()
    assert found.said(2) == []


def test_sides_and_floors_are_kept_to():
    values = np.r_[np.linspace(1, 1.02, 20), 0.5, 1.5]
    for side, rows in (("high", [21]), ("low", [20]), ("both", [20, 21]), ("", [])):
        figure = Figure("a", "a", "", "data", "A.", len, side=side, floor=0.4)
        found = QCTable(pd.DataFrame({"a": values}), tuple("x" * 22), {"a": figure})
        assert np.flatnonzero(found.unusual["a"]).tolist() == rows
    figure = Figure("a", "a", "", "data", "A.", len, side="both", floor=0.6)
    assert not QCTable(pd.DataFrame({"a": values}), tuple("x" * 22), {"a": figure}).unusual.any(axis=None)


def test_an_unusual_value_is_said_with_the_usual_one():
    assert FIGURES["fd_mean"].said(0.61234, 0.1) == "Mean framewise displacement is 0.612 mm, and 0.1 mm is usual"
    assert FIGURES["fd_mean"].shown(np.nan) == "not known"


def test_what_is_the_wrong_way_round_is_said_first():
    values = pd.DataFrame({"tsnr": [40.0] * 8, "sides": [0.5, 0.52, 0.48, 0.5, 0.51, 0.49, 0.2, -0.2]})
    values.loc[6:, "tsnr"] = 1.0  # further from the others than the sides are
    found = QCTable(values, tuple("abcdefgh"))
    assert found.said("h") == [
        "The image may be flipped left to right: the similarity of its left-right difference to the others' is -0.2, "
        "and 0.495 is usual",
        "Temporal signal to noise is 1, and 40 is usual",
    ]
    assert found.said("g")[0].startswith("Temporal signal")
    assert found.said("g")[1].startswith("Its left and right sides")


def test_effect_and_z_at_a_place_are_of_the_cells_around_it(study):
    answer = study.refit().answer("faces")
    preview = answer.parts[2].preview
    place = preview.domain.points[preview.cells.size // 2]
    found = study.qc(answer, tuple(place)).values.loc[2]
    near = np.linalg.norm(preview.domain.points - place, axis=1) <= 10
    np.testing.assert_allclose(found["effect_there"], answer.contrasts[2].effect[0][near].mean())
    np.testing.assert_allclose(found["z_there"], answer.z(2)[near].mean())


def test_figures_of_the_fits_are_found_once_for_all_contrasts(study, monkeypatch):
    """Bit for bit, a second contrast's table is that of fits that nobody had asked before."""
    fit = study.refit()
    study.qc(fit.answer("faces - houses"))
    fresh = study.with_runs(range(len(study.runs)))
    expected = fresh.qc(fresh.refit().answer("faces"), place=(0.0, 0.0, 0.0)).values
    asked = []
    monkeypatch.setattr(Together, "lateness", lambda self, i: asked.append(i))
    found = study.qc(fit.answer("faces"), place=(0.0, 0.0, 0.0)).values
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert not asked
    assert not found.equals(study.qc(fit.answer("faces - houses")).values)
