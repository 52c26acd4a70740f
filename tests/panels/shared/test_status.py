"""The status line: what ran, what runs, what was warned of."""

import pytest

pytest.importorskip("ipywidgets")

from glmwidgets.panels.shared.status import StatusLine
from glmwidgets.session.core.live import Status


@pytest.fixture
def line(session):
    return StatusLine(session)


def test_what_ran_and_how_long(line):
    line.session.status = Status("idle", timings={"design": 0.0021, "fit": 1.26, "threshold": 0.0001})
    assert "design 2 ms · fit 1.3 s" in line.words.value
    assert "threshold" not in line.words.value
    assert "up to date" in line.words.value
    assert line.cancel.layout.display == "none"


def test_what_runs_can_be_stopped_and_asked_for_again(line, monkeypatch):
    session, asked = line.session, []
    monkeypatch.setattr(session, "cancel", lambda: asked.append("cancel"))
    monkeypatch.setattr(session, "refresh", lambda: asked.append("refresh"))
    session.status = Status("busy", running="series", step=3, n_steps=9)
    assert "series, step 3 of 9" in line.words.value
    assert '<progress value="0.22" max="1">' in line.words.value
    assert line.cancel.layout.display == ""
    line.cancel.click()
    session.status = Status("idle", message="cancelled")
    assert "the map shows the previous settings" in line.words.value
    assert line.cancel.description == "run again"
    line.cancel.click()
    assert asked == ["cancel", "refresh"]
    session.status = Status("idle")
    assert line.cancel.layout.display == "none"


def test_warnings_are_counted_named_and_escaped(line, session):
    assert line.warned.value == ""
    result = session.result
    object.__setattr__(result, "warnings", {"design": ("an event <b>starts</b> late", "two")})
    session.status = Status("idle", timings={"fit": 0.01})
    assert "2 warnings" in line.warned.value
    assert "design: an event &lt;b&gt;starts&lt;/b&gt; late" in line.warned.value


def test_an_error_shows_its_details(line, session):
    session.update({"contrast.expression": "face - <i>"})
    assert "glmw-failed" in line.words.value
    assert "<i>" not in line.words.value
    assert "Traceback" in line.words.value


def test_a_note_stays(line, session):
    line.say("saved <session>.json 12:41")
    session.update({"noise.model": "ols"})
    assert line.note.value == "saved &lt;session&gt;.json 12:41"
