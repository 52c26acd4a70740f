"""The selected run: its unusual figures, the decisions about it, and the rules for all runs."""

from __future__ import annotations

from html import escape

from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.shared.base import Panel, named, text
from glmwidgets.plural import count
from glmwidgets.session.study.session import StudySession


class DecisionsPanel(Panel):
    """Keep, leave out or look again, with a comment and a name; rules in words; nothing is left out by itself.

    Attributes
    ----------
    keep, drop, look, undecided, open, save : Button
        What they do to the marked runs, or to the one that is looked at; `open` shows its own explorer.
    comment, rater, rule : Text
    """

    also = ("exclude runs", "leave out runs", "rules")

    def __init__(self, session: StudySession, opened=lambda row: None, saved=lambda path: None):
        super().__init__(session, "This run", ("study",))
        self._opened, self._saved = opened, saved
        self._words = text("glmw-study-words")
        self.keep = self._decides("keep", "keep", "in the group whatever the rules say")
        self.drop = self._decides("leave out", "drop", "not in the group")
        self.look = self._decides("look again", "look", "in the group, and marked")
        self.undecided = self._decides("undecided", None, "take the decision back")
        self.to_run = self.button("open", lambda _b: self._opened(session.picked), tooltip="the run's own explorer")
        self.comment = named(W.Text(placeholder="comment"), "comment")
        self.rater = named(W.Text(placeholder="your name"), "rater")
        self.rule = named(W.Text(placeholder="rule: fd_mean ge 0.5"), "rule")
        self.rule.on_enter(self.guarded(self._add_rule))
        self.add = self.button("add rule", self._add_rule, tooltip="leave out the runs for which it holds")
        self.save = self.button("save", self._save, tooltip="model, rules and decisions, into the study's folder")
        self._rules = W.column("glmw-study-rules")
        self._listed: tuple[str, ...] | None = None
        buttons = W.row(
            "glmw-bar glmw-study-decide", self.keep, self.drop, self.look, self.undecided, self.to_run, self.save
        )
        # Buttons stand still while one goes from run to run, whatever is said of each.
        self.fill(
            buttons,
            W.row("glmw-bar glmw-study-rater", self.comment, self.rater),
            self._words,
            W.row("glmw-bar glmw-study-rater", self.rule, self.add),
            self._rules,
        )
        session.observe_locked(self._show, ["picked", "brushed", "figures", "reasons", "settings"])
        session.observe_locked(self._follow, ["result", "cursor"])
        self._show()

    def _decides(self, label: str, what: str | None, tooltip: str) -> W.Button:
        def decide(_button: W.Button) -> None:
            if self.session.decide(self._rows(), what, self.comment.value.strip(), self.rater.value.strip()):
                self.comment.value = ""

        return self.button(label, decide, tooltip=tooltip)

    def _rows(self) -> tuple[int, ...]:
        session = self.session
        return session.brushed or ((session.picked,) if session.picked >= 0 else ())

    def _add_rule(self, _button: W.Button | None = None) -> None:
        if self.session.add_rule(self.rule.value):
            self.rule.value = ""

    def _save(self, _button: W.Button) -> None:
        self._saved(self.session.save())

    def _show(self, _change: object = None) -> None:
        session, rows = self.session, self._rows()
        for button in (self.keep, self.drop, self.look, self.undecided):
            button.disabled = not rows
        self.to_run.disabled = session.picked < 0 or bool(session.study.runs[session.picked].why_not)
        if session.brushed:
            self.set_verdict(f"{count(len(rows), 'run')} marked")
            self._words.value = "Decisions are about all marked runs. A click on one run unmarks them."
        elif rows:
            self._show_run(rows[0])
        else:
            self.set_verdict("")
            self._words.value = "Pick a run in the wall, the table or the figures."
        self._show_rules()

    def _follow(self, _change: object) -> None:
        """The crosshair, or the group's map, is another: what is said of the picked run follows."""
        if self.session.picked >= 0 and not self.session.brushed:
            self._show_run(self.session.picked)

    def _show_run(self, row: int) -> None:
        session, run = self.session, self.session.study.runs[row]
        reason = session.reasons[row]
        self.set_verdict(run.name, "warn" if reason else "quiet")
        said = [f"Left out: {reason}."] if reason else []
        said += [f"{each}." for each in (session.figures.said(row) if session.figures is not None else [])]
        decision = session.exclusions.by_hand.get(run.name)
        if decision is not None and decision.what == "look":
            said.append(f"To be looked at again{f': {decision.comment}' if decision.comment else ''}.")
        said = said or ["Nothing about this run is unusual."]
        if influence := self._influence(row):
            said.append(f"{influence[0].upper()}{influence[1:]}.")
        self._words.value = "<br>".join(map(escape, said))

    def _influence(self, row: int) -> str:
        result = self.session.result
        cell = None if result is None else result.voxel(self.session.cursor)
        return "" if cell is None else result.group.said_without(row, cell)

    def _show_rules(self) -> None:
        rules = self.session.settings.study.rules
        if rules == self._listed:
            return
        self._listed = rules
        made = []
        for number, rule in enumerate(rules):
            take = self.button("×", lambda _b, k=number: self.session.remove_rule(k), tooltip=f"take back {rule}")
            made.append(W.row("glmw-bar glmw-study-rule", text("", escape(rule)), take))
        for old in self._rules.children:
            old.close()
        self._rules.children = made
