"""Which runs are left out, and why: by rules in the field's words, and by hand. A rule is read, never run.

``fd_mean ge 0.5`` leaves out the runs whose figure is at least that; several conditions may be joined by ``and``. Who
decides by hand keeps, drops, or wants to look again, with a comment and a name; that goes before the rules.
"""

from __future__ import annotations

import difflib
import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pandas as pd

from glmwidgets.files.json_text import parse_json
from glmwidgets.files.writing import write_text
from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.errors import InputError, KindError
from glmwidgets.glm.tables import number_of, tsv
from glmwidgets.study.figures import FIGURES
from glmwidgets.study.index import StudyRun, row_of

#: Comparisons of a rule, by the words that AFNI's review tables use, how they are said, and their sign.
OPERATORS: dict[str, tuple[Callable[[float, float], bool], str, str]] = {
    "ge": (operator.ge, "at least", ">="),
    "gt": (operator.gt, "more than", ">"),
    "le": (operator.le, "at most", "<="),
    "lt": (operator.lt, "less than", "<"),
    "eq": (operator.eq, "equal to", "=="),
    "ne": (operator.ne, "other than", "!="),
}

_SIGNS = {sign: word for word, (_, _, sign) in OPERATORS.items()}

#: What a person may decide of a run.
DECISIONS = {"keep": "kept", "drop": "left out", "look": "to be looked at again"}

FILE = "exclusions"


@dataclass(frozen=True)
class Rule:
    """Runs that are left out by their figures.

    Attributes
    ----------
    conditions : tuple of (str, str, float)
        Figure, comparison and limit; all have to hold.
    """

    conditions: tuple[tuple[str, str, float], ...]

    def __str__(self) -> str:
        return " and ".join(f"{key} {how} {limit:g}" for key, how, limit in self.conditions)

    @property
    def said(self) -> str:
        """The rule as a person says it."""
        return " and ".join(
            f"{FIGURES[key].label} {OPERATORS[how][1]} {FIGURES[key].shown(limit)}"
            for key, how, limit in self.conditions
        )

    def holds(self, values: pd.DataFrame) -> np.ndarray:
        """For which rows of figures it holds; for none where a figure is not known."""
        found = np.ones(len(values), bool)
        for key, how, limit in self.conditions:
            of = values[key].to_numpy(dtype=float)
            found &= np.isfinite(of) & OPERATORS[how][0](of, limit)
        return found


def looks_like_rule(text: str) -> bool:
    """Whether a text is meant as a rule, well written or not, and not as part of a name.

    Examples
    --------
    >>> looks_like_rule("fd_mean>0.5"), looks_like_rule("tsnr below 40"), looks_like_rule("sub-02")
    (True, True, False)
    """
    return len(text.split()) >= 3 or any(sign in text for sign in "<>=")


def parse_rule(text: str) -> Rule:
    """Read a rule.

    Parameters
    ----------
    text : str
        ``figure comparison number``, several joined by ``and``; comparisons are words or signs, such as ``ge`` or
        ``>=``.

    Returns
    -------
    Rule

    Raises
    ------
    InputError
        If a figure or a comparison is not known, or the limit is no number.

    Examples
    --------
    >>> print(parse_rule("fd_mean ge 0.5 and tsnr lt 40"))
    fd_mean ge 0.5 and tsnr lt 40
    >>> parse_rule("fd_mean>=0.5").said
    'mean framewise displacement at least 0.5 mm'
    >>> parse_rule("fd_mean over 0.5")
    Traceback (most recent call last):
    glmwidgets.glm.errors.InputError: a comparison must be one of 'ge', 'gt', 'le', 'lt', 'eq', 'ne', not 'over'
    """
    conditions = []
    spelt = re.sub(r"[<>=!]=?", lambda sign: f" {_SIGNS.get(sign[0], sign[0])} ", text)
    parts = [part.split() for part in " ".join(spelt.split()).split(" and ")]
    for part in parts:
        if len(part) != 3:
            raise InputError(f"{' '.join(part)!r} is not a rule: a rule has three words, such as fd_mean ge 0.5")
        key, how, number = part
        limit = number_of(number)
        if key not in FIGURES:
            near = difflib.get_close_matches(key.casefold(), FIGURES, n=3, cutoff=0.4)
            raise InputError(
                f"the rule {text!r} names an unknown figure, {key!r}",
                advice=f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(FIGURES)}",
            )
        check_choice("a comparison", how, OPERATORS)
        if limit is None or not np.isfinite(limit):
            raise InputError(f"{number!r} in the rule {text!r} is not a number")
        conditions.append((key, how, float(limit)))
    return Rule(tuple(conditions))


@dataclass(frozen=True)
class Decision:
    """What a person decided of a run.

    Attributes
    ----------
    what : {"keep", "drop", "look"}
    comment, rater : str
    when : str
        ISO time.
    """

    what: str
    comment: str = ""
    rater: str = ""
    when: str = ""

    def __post_init__(self) -> None:
        check_choice("a decision", self.what, DECISIONS)


@dataclass(frozen=True)
class Exclusions:
    """Rules and decisions of a study.

    Attributes
    ----------
    rules : tuple of Rule
    by_hand : mapping of str to Decision
        By name of the run.

    Examples
    --------
    >>> chosen = Exclusions().with_rule("fd_mean ge 0.5").decided("sub-02", "drop", "asleep", "AB")
    >>> values = pd.DataFrame({"fd_mean": [0.1, 0.2, 0.9]})
    >>> chosen.reasons(["sub-01", "sub-02", "sub-03"], values)
    ['', 'by hand (AB): asleep', 'fd_mean ge 0.5']
    """

    rules: tuple[Rule, ...] = ()
    by_hand: Mapping[str, Decision] = field(default_factory=dict)

    def with_rule(self, text: str) -> Exclusions:
        """With one more rule."""
        return replace(self, rules=(*self.rules, parse_rule(text)))

    def without_rule(self, number: int) -> Exclusions:
        """Without one of the rules."""
        return replace(self, rules=tuple(rule for i, rule in enumerate(self.rules) if i != number))

    def decided(self, name: str | Sequence[str], what: str | None, comment: str = "", rater: str = "") -> Exclusions:
        """With a decision on a run, or on several; None takes it back."""
        names = dict.fromkeys([name] if isinstance(name, str) else name)
        rest = {key: value for key, value in self.by_hand.items() if key not in names}
        if what is None:
            return replace(self, by_hand=rest)
        when = datetime.now(timezone.utc).isoformat(timespec="seconds")
        return replace(self, by_hand={**rest, **dict.fromkeys(names, Decision(what, comment, rater, when))})

    def reasons(self, names: Sequence[str], values: pd.DataFrame) -> list[str]:
        """Why each run is left out; empty for those that are in.

        Parameters
        ----------
        names : sequence of str
        values : DataFrame
            One row a run, its figures by key.
        """
        found = [[] for _ in names]
        for rule in self.rules:
            for i in np.flatnonzero(rule.holds(values)):
                found[i].append(str(rule))
        reasons = ["; ".join(each) for each in found]
        for i, name in enumerate(names):
            decision = self.by_hand.get(name)
            if decision is not None and decision.what == "keep":
                reasons[i] = ""
            elif decision is not None and decision.what == "drop":
                who = f" ({decision.rater})" if decision.rater else ""
                reasons[i] = f"by hand{who}{f': {decision.comment}' if decision.comment else ''}"
        return reasons

    def table(self, rows: Sequence[StudyRun], values: pd.DataFrame) -> pd.DataFrame:
        """One row a run, to be joined to participants.tsv by ``participant_id``."""
        reasons = self.reasons([row.name for row in rows], values)
        lines = []
        for row, reason in zip(rows, reasons, strict=True):
            decision = self.by_hand.get(row.name)
            lacks = row.why_not
            lines.append(
                {
                    "participant_id": f"sub-{row.subject}",
                    "name": row.name,
                    "session": row.session or "n/a",
                    "task": row.task or "n/a",
                    "run": row.run or "n/a",
                    "included": "no" if reason or lacks else "yes",
                    "reason": lacks or reason or "n/a",
                    "decision": "n/a" if decision is None else decision.what,
                    "comment": "n/a" if decision is None or not decision.comment else decision.comment,
                    "rater": "n/a" if decision is None or not decision.rater else decision.rater,
                    "decided": "n/a" if decision is None or not decision.when else decision.when,
                }
            )
        return pd.DataFrame(lines)

    def said(self, rows: Sequence[StudyRun], values: pd.DataFrame) -> str:
        """How many runs are left out and by what, in a sentence.

        Examples
        --------
        >>> rows = [StudyRun("a", "1"), StudyRun("b", "2")]
        >>> Exclusions().with_rule("fd_mean ge 0.5").said(rows, pd.DataFrame({"fd_mean": [0.1, 0.9]}))
        '1 of 2 runs left out: 1 by fd_mean ge 0.5'
        """
        own = self.reasons([row.name for row in rows], values)
        reasons = [row.why_not or why for row, why in zip(rows, own, strict=True)]
        lacks = {row.why_not for row in rows}
        counts: dict[str, int] = {}
        for reason in filter(None, reasons):
            counts[reason] = counts.get(reason, 0) + 1
        n = sum(counts.values())
        by = "; ".join(
            f"{count:,} {f'as {reason}' if reason in lacks else _by(reason)}" for reason, count in counts.items()
        )
        return f"{n:,} of {len(rows):,} runs left out{f': {by}' if by else ''}"

    def save(self, folder: Path, rows: Sequence[StudyRun], values: pd.DataFrame) -> list[Path]:
        """Write the table of runs, and beside it the rules and decisions themselves."""
        folder.mkdir(parents=True, exist_ok=True)
        tree = {
            "Rules": [str(rule) for rule in self.rules],
            "RulesInWords": [rule.said for rule in self.rules],
            "Decisions": {name: asdict(decision) for name, decision in self.by_hand.items()},
            "Summary": self.said(rows, values),
            "included": {"Description": "Whether the run is in the group", "Levels": {"yes": "in", "no": "left out"}},
            "reason": {"Description": "What it lacks, the rules by which it is left out, or the decision by hand"},
            "decision": {"Description": "What a person decided", "Levels": dict(DECISIONS)},
        }
        return [
            write_text(folder / f"{FILE}.tsv", tsv(self.table(rows, values)), "exclusions", overwrite=True),
            write_text(folder / f"{FILE}.json", json.dumps(tree, indent=1) + "\n", "exclusions", overwrite=True),
        ]

    @classmethod
    def open(cls, folder: Path) -> Exclusions:
        """Rules and decisions that were saved; none where there are none.

        Raises
        ------
        ValueError
            If the file cannot be read.
        """
        path = folder / f"{FILE}.json"
        if not path.is_file():
            return cls()
        tree = parse_json(path.read_bytes(), path)  # the study's own file
        try:
            rules = tuple(parse_rule(text) for text in tree["Rules"])
            return cls(rules, {name: Decision(**each) for name, each in tree["Decisions"].items()})
        except (KeyError, TypeError) as error:
            raise InputError(f"{path} holds no exclusions of a study ({error})") from None


def check_decided(chosen: Exclusions, names: Sequence[str], before: Exclusions) -> None:
    """Refuse what is no `Exclusions`, and a new decision on a run that the study does not have.

    Parameters
    ----------
    chosen : Exclusions
    names : sequence of str
        Of the study's runs.
    before : Exclusions
        Those that are saved: decisions that stand there may be of runs that the study had.

    Raises
    ------
    InputError
        Of a wrong kind, also a TypeError.
    """
    if not isinstance(chosen, Exclusions):
        run = chosen if isinstance(chosen, str) else next(iter(names), "sub-01")
        raise KindError(
            f"exclude takes Exclusions, not {chosen!r}",
            advice=f'for one run: study.exclude(study.exclusions.decided("{run}", "drop"))',
        )
    for name in chosen.by_hand:
        if name not in before.by_hand:
            row_of(names, name)


def why_left_out(runs: Sequence[StudyRun], own: Sequence[str], unable: Sequence[str]) -> tuple[str, ...]:
    """Why each run is not in the group: it lacks something, is left out, or cannot answer; empty where it is in.

    Parameters
    ----------
    runs : sequence of StudyRun
    own : sequence of str
        What `Exclusions.reasons` says of each.
    unable : sequence of str
        Why each cannot answer the contrast.

    Examples
    --------
    >>> runs = [StudyRun("1", "01"), StudyRun("2", "02", why_not="it has no events"), StudyRun("3", "03")]
    >>> why_left_out(runs, ["", "by tsnr lt 40", "by tsnr lt 40"], ["", "", "no 'faces'"])
    ('', 'it has no events', 'by tsnr lt 40')
    """
    return tuple(run.why_not or left or why for run, left, why in zip(runs, own, unable, strict=True))


def _by(reason: str) -> str:
    return reason if reason.startswith("by hand") else f"by {reason}"
