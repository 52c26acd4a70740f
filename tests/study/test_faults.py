"""Planted faults: each stands out among sound runs by a named figure, and sound runs do not."""

import pytest

from glmwidgets.datasets.faults import FAULTS, write_study
from glmwidgets.study import Study

N_SOUND = 9


#: What is said of the most serious faults, before all else.
FIRST = {"inverted": "Its map may be inverted", "swapped": "Two conditions may be swapped"}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    root = tmp_path_factory.mktemp("faults")
    planted = {N_SOUND + 1 + i: name for i, name in enumerate(FAULTS)}
    write_study(root, N_SOUND + len(FAULTS), planted, seed=3, shape=(23, 28, 22), n_scans=100, effect=1.3)
    study = Study.of(root, root / "study", task="localizer")
    assert study.build_previews() == {}
    return study


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_stands_out(faulty, name):
    at = N_SOUND + list(FAULTS).index(name)
    some = faulty.with_runs([*range(N_SOUND), at])
    table = some.qc(some.refit().answer("motor_left - motor_right"))
    found = [key for key in table.values if table.unusual.loc[N_SOUND, key]]
    assert set(found) & set(FAULTS[name].figures), (found, table.values.loc[N_SOUND].to_dict())
    said = table.said(N_SOUND)
    # Of a contrast between two hands a swap and an inversion look alike.
    assert any(text.startswith(FIRST.get(name, "")) for text in said[:2]), said
    assert name != "flipped" or any("flipped" in text for text in said), said


def test_sound_runs_are_not_called_unusual(faulty):
    some = faulty.with_runs(range(N_SOUND))
    table = some.qc(some.refit().answer("motor_left - motor_right"))
    assert not table.unusual.any(axis=None), [table.said(i) for i in range(N_SOUND)]
