"""Questions whose answers are checked: for notebooks that teach."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.style import stylesheet
from glmwidgets.panels.shared.base import text


class Question(W.VBox):
    """A question, a control to answer it with, and what there is to say of the answer.

    Parameters
    ----------
    question : str
    control : widget with a ``value``
        Nothing is said while its value is None.

    Attributes
    ----------
    control : widget
    right : Any
        Value of the control that is right.
    is_right : bool or None
        Of the answer given; None before there is one.
    """

    right: Any

    def __init__(self, question: str, control: W.Widget):
        self.control = control
        self.is_right: bool | None = None
        self._said = text("glmw-said")
        body = W.column("glmw-panel glmw-question", text("glmw-asked", escape(question)), control, self._said)
        super().__init__([stylesheet(), body])
        self.add_class("glmw")
        control.observe(self._check, "value")

    def judge(self, answer: Any) -> tuple[bool, str]:
        """Whether an answer is right, and what to say of it."""
        raise NotImplementedError

    def _check(self, change: Any) -> None:
        if change["new"] is None:
            self.is_right, self._said.value = None, ""
            return
        self.is_right, words = self.judge(change["new"])
        kind, verdict = ("good", "Right.") if self.is_right else ("bad", "Not so.")
        self._said.value = f'<b class="glmw-{kind}">{verdict}</b> {escape(words)}'


class Choice(Question):
    """A question with several answers to choose from.

    Parameters
    ----------
    question : str
    answers : mapping of str to str
        Each with what to say if it is chosen.
    right : str
        The right one.

    Raises
    ------
    ValueError
        If the right answer is none of the answers.

    Examples
    --------
    >>> question = Choice("When is the response highest?", {"at 1 s": "Later.", "at 5 s": "Blood is slow."}, "at 5 s")
    >>> question.control.value = "at 1 s"
    >>> question.is_right
    False
    """

    def __init__(self, question: str, answers: Mapping[str, str], right: str):
        if right not in answers:
            raise ValueError(f"the right answer must be one of {', '.join(map(repr, answers))}, not {right!r}")
        self.answers, self.right = dict(answers), right
        super().__init__(question, W.RadioButtons(options=list(answers), value=None, layout={"width": "auto"}))

    def judge(self, answer: Any) -> tuple[bool, str]:
        """Whether an answer is right, and what to say of it."""
        return answer == self.right, self.answers[answer]


class Estimate(Question):
    """A question whose answer is a number.

    Parameters
    ----------
    question : str
    right : float
        The number, best computed from the data that the question is about.
    within : float
        How far off an answer may be.
    why : str
        What to say of a right answer.
    hint : str
        What to say of a wrong one.
    unit : str

    Examples
    --------
    >>> question = Estimate("How many of 1000 null voxels have p < .05?", 50, within=10, hint="Multiply.")
    >>> question.control.value = "45"
    >>> question.is_right
    True
    """

    def __init__(self, question: str, right: float, within: float, why: str = "", hint: str = "", unit: str = ""):
        self.number, self.within, self.why, self.hint = float(right), float(within), why, hint
        self.unit = f" {unit}" if unit else ""
        self.right = f"{right:.6g}"
        # An empty field is no answer; a field of numbers would begin with 0.
        control = W.Text(value=None, placeholder=f"a number{f' ({unit})' if unit else ''}, then Enter")
        control.continuous_update = False
        super().__init__(question, control)

    def judge(self, answer: Any) -> tuple[bool, str]:
        """Whether an answer is right, and what to say of it."""
        try:
            number = float(str(answer).replace(",", ".").replace("%", "").strip())
        except ValueError:
            return False, f"{answer!r} is not a number."
        if math.isfinite(number) and abs(number - self.number) <= self.within:
            return True, f"It is {self.number:.3g}{self.unit}. {self.why}".strip()
        return False, self.hint
