"""Questions: what they say of right, wrong and no answers."""

import pytest

pytest.importorskip("ipywidgets")

from glmwidgets.panels.lessons.question import Choice, Estimate


def test_a_choice_says_what_belongs_to_it():
    question = Choice("2 + 2?", {"3": "One <more>.", "4": "As it is."}, "4")
    assert question.is_right is None
    question.control.value = "3"
    assert question.is_right is False
    assert "Not so." in question._said.value
    assert "One &lt;more&gt;." in question._said.value
    question.control.value = question.right
    assert question.is_right is True
    assert "Right." in question._said.value
    question.control.value = None
    assert (question.is_right, question._said.value) == (None, "")


def test_the_right_answer_must_be_among_the_answers():
    with pytest.raises(ValueError, match="must be one of '3', '5', not '4'"):
        Choice("2 + 2?", {"3": "", "5": ""}, "4")


@pytest.mark.parametrize(
    ("typed", "is_right"), [("1.41", True), ("1,45", True), (" 1.4 %", True), ("2", False), ("nan", False)]
)
def test_a_number_may_be_off_by_so_much(typed, is_right):
    question = Estimate("root of 2?", 2**0.5, within=0.05, why="About 1.4.", hint="Less than 2.")
    question.control.value = typed
    assert question.is_right is is_right
    assert ("About 1.4." if is_right else "Less than 2.") in question._said.value


def test_what_is_no_number_is_said_to_be_none():
    question = Estimate("root of 2?", 2**0.5, within=0.05)
    question.control.value = "<b>many</b>"
    assert question.is_right is False
    assert "is not a number" in question._said.value
    assert "<b>many" not in question._said.value


def test_the_right_answer_written_as_text_is_right():
    question = Estimate("?", 62.073, within=1)
    question.control.value = question.right
    assert question.is_right
