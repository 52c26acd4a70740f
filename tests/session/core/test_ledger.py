"""The ledger: what was on screen is counted, what was declared beforehand is told from what was found."""

import json

import numpy as np
import pandas as pd
import pytest

from glmwidgets.files.json_tree import JsonTree
from glmwidgets.session.core.ledger import Ledger
from glmwidgets.specification.settings import Settings


def clock():
    return 1_700_000_000.0


class Shown:
    """What the ledger reads of a result: a design that follows from the settings."""

    def __init__(self, **changes):
        self.settings = Settings().updated(
            {"contrast.expression": "face", **{k.replace("__", "."): v for k, v in changes.items()}}
        )
        rng = np.random.default_rng(0)
        x = rng.normal(size=(20, 2)) * (1 + self.settings.design.high_pass)
        x[0, 0] = self.settings.design.high_pass
        self.design = pd.DataFrame(x, columns=["face", "house"])
        self.facts = (self.settings, self.design, {"fit": 0.02})


def looking(*shown, movements=None):
    ledger = Ledger(clock)
    for number, one in enumerate(shown):
        ledger.add(*one.facts, movements[number] if movements else number)
    return ledger


def test_models_and_contrasts_are_counted_once_each():
    ledger = looking(
        Shown(),
        Shown(contrast__expression="house"),
        Shown(noise__model="ols"),
        Shown(noise__model="ols", threshold__alpha=0.01),
        Shown(),
    )
    assert [e.number for e in ledger.entries] == [1, 2, 3, 4, 5]
    assert ledger.n_models == 2
    assert ledger.n_contrasts == 3
    assert ledger.entries[2].words == "noise AR(1) → OLS (white) · contrast house → face"
    assert ledger.entries[0].time == "2023-11-14T22:13:20+00:00"
    assert ledger.entries[0].model == ledger.entries[4].model


def test_settings_that_do_not_matter_make_no_new_model():
    ledger = looking(
        Shown(),
        Shown(design__drift_order=5),  # of a polynomial that is not in use: the design is the same
        Shown(contrast__expression="1*face + 0*house"),  # the same weights
    )
    assert len(ledger.entries) == 3
    assert (ledger.n_models, ledger.n_contrasts) == (1, 1)


def test_maps_on_the_way_of_a_drag_are_one_entry_and_one_model():
    drag = [Shown(design__high_pass=1 / period) for period in (60, 70, 80)]
    ledger = looking(Shown(), *drag, movements=(0, 1, 1, 1))
    assert [e.maps for e in ledger.entries] == [1, 3]
    assert ledger.entries[1].settings == drag[-1].settings
    assert ledger.entries[1].words == "high-pass 100 s → 80 s"
    assert ledger.n_models == 2


def test_a_model_that_was_looked_at_stays_counted_when_a_drag_passes_it():
    drag = [Shown(design__high_pass=1 / period) for period in (60, 70)]
    back = [Shown(design__high_pass=1 / 60), Shown(design__high_pass=1 / 50)]
    ledger = looking(*drag, *back, movements=(0, 1, 2, 2))
    assert ledger.n_models == 3  # 60, 70 and 50 s


def test_a_result_that_is_shown_again_is_no_look():
    assert len(looking(Shown(), Shown()).entries) == 1


def test_looks_after_the_lock_are_exploratory():
    ledger = looking(Shown(contrast__expression="house"), Shown())
    assert [e.role for e in ledger.entries] == ["", ""]
    locked = ledger.lock(("house - face",), ["face", "house"])
    assert locked.role == "confirmatory"
    assert not ledger.is_exploratory
    ledger.add(*Shown(noise__model="ols").facts)
    assert ledger.is_exploratory
    ledger.add(*Shown(contrast__expression="house-face").facts)  # was planned
    ledger.add(*Shown(contrast__expression="house").facts)
    assert [e.role for e in ledger.entries] == ["", "confirmatory", "exploratory", "confirmatory", "exploratory"]
    assert "entry 2 was locked as confirmatory" in ledger.summary()
    with pytest.raises(ValueError, match="only one can be confirmatory"):
        ledger.lock()


def test_a_drag_does_not_write_over_what_was_locked():
    ledger = looking(Shown(), Shown(design__high_pass=1 / 60))
    ledger.lock()
    ledger.add(*Shown(design__high_pass=1 / 70).facts, movement=1)
    assert [e.role for e in ledger.entries] == ["", "confirmatory", "exploratory"]
    assert ledger.entries[1].settings.design.high_pass == 1 / 60


def test_nothing_can_be_locked_before_anything_was_seen():
    with pytest.raises(ValueError, match="no model to lock"):
        Ledger().lock()


def test_json_brings_it_back_and_it_goes_on():
    ledger = looking(Shown(), Shown(noise__model="ols"), Shown(design__high_pass=1 / 60, design__conditions=("face",)))
    ledger.lock()
    text = json.dumps(ledger.to_dict())
    again = Ledger.read(JsonTree(json.loads(text)))
    assert again.entries == ledger.entries
    assert again.to_dict() == ledger.to_dict()
    again.add(*Shown().facts)
    assert again.n_models == ledger.n_models
    assert again.entries[-1].number == 4
    assert again.entries[-1].role == "exploratory"


def test_what_of_a_ledger_cannot_be_used_is_told_by_its_place():
    tree = JsonTree({})
    assert Ledger.read(tree).entries == ()
    assert str(tree.dropped[0]) == "entries: is missing"
    good = looking(Shown(), Shown(noise__model="ols"), Shown(noise__model="ar1")).to_dict()
    good["entries"][1]["time"] = 5
    good["entries"][2]["changed"]["noise.colour"] = "pink"
    tree = JsonTree(good | {"locked": 9})
    found = Ledger.read(tree)
    assert [entry.number for entry in found.entries] == [1, 3]
    assert found.entries[1].settings.noise.model == "ar1"
    assert (found.n_models, found.locked) == (2, None)
    assert [each.place for each in tree.dropped] == ["entries[1].time", "entries[2].changed.noise.colour", "locked"]


def test_a_ledger_of_a_hundred_thousand_entries_takes_no_minute():
    good = looking(Shown(), Shown(noise__model="ols")).to_dict()
    first, second = good["entries"]
    tree = JsonTree(good | {"entries": [first, *[second] * 100_000]})
    assert len(Ledger.read(tree).entries) == 10_000
    assert "there are 100,001, of which the first 10,000 are read" in str(tree.dropped[0])
