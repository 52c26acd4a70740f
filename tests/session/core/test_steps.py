"""Undo and redo: one movement of the hand is one step."""

from glmwidgets.session.core.steps import Steps
from glmwidgets.specification.settings import Settings


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def stepping():
    clock = Clock()
    return Steps(Settings(), clock), clock


def with_period(seconds):
    return Settings().updated({"design.high_pass": 1 / seconds})


def test_a_drag_is_one_step():
    steps, clock = stepping()
    for period in (60, 70, 80, 90):
        clock.now += 0.2
        steps.add(with_period(period))
    assert steps.movement == 1
    clock.now += 5
    steps.add(with_period(120))
    assert steps.undo() == with_period(90)
    assert steps.undo() == Settings()
    assert steps.undo() is None
    assert steps.redo() == with_period(90)
    assert steps.redo() == with_period(120)
    assert steps.movement == 6
    assert not steps.can_redo


def test_another_control_is_another_step_however_quick():
    steps, clock = stepping()
    steps.add(with_period(60))
    clock.now += 0.1
    both = with_period(60).updated({"noise.model": "ols"})
    steps.add(both)
    clock.now += 0.1
    steps.add(both.updated({"design.high_pass": 1 / 70}))
    assert steps.undo() == both
    assert steps.undo() == with_period(60)


def test_what_was_undone_is_forgotten_by_the_next_change():
    steps, clock = stepping()
    steps.add(with_period(60))
    steps.undo()
    clock.now += 0.1
    steps.add(with_period(70))  # quick and of the same setting, but not the same movement
    assert steps.redo() is None
    assert steps.undo() == Settings()
    assert not steps.can_undo


def test_setting_what_is_set_is_no_step():
    steps, _ = stepping()
    steps.add(Settings())
    assert not steps.can_undo
