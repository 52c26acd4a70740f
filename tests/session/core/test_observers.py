"""The map hears first; the others hear once its pixels are on their way, and of a long wait meanwhile."""

import threading

import pytest

from glmwidgets.session.core import observers


@pytest.fixture
def heard(live, monkeypatch):
    """What was heard of, in its order, by a map and two panels."""
    monkeypatch.setattr(observers, "AWAITED", 30.0)
    told = []
    live.observe_locked(lambda _: told.append("panel"), ["settings", "status", "result"])
    live.observe_locked(lambda _: told.append("map"), "result", first=True)
    live.observe_locked(lambda change: told.append(change["new"].design.hrf_model), "settings")
    return told


def test_the_map_is_first_and_the_others_hear_once(live, heard):
    live.update({"design.hrf_model": "glover"})
    assert heard == []
    assert live.wait_until_idle(60)
    assert heard[:3] == ["map", "panel", "glover"]
    assert heard.count("glover") == 1


def test_of_several_changes_the_last_is_heard(live, heard, monkeypatch):
    with live.lock:  # no map comes in between
        live.update({"design.hrf_model": "glover"})
        live.update({"design.hrf_model": "fir"})
    assert live.wait_until_idle(60)
    assert "glover" not in heard
    assert heard.count("fir") == 1


def test_what_takes_long_is_said_to_be_under_way(live, heard, monkeypatch):
    monkeypatch.setattr(observers, "AWAITED", 0.0)
    said, go_on, compute = threading.Event(), threading.Event(), live.analysis.result
    live.observe_locked(lambda change: change["new"].state == "busy" and said.set(), "status")
    monkeypatch.setattr(live.analysis, "result", lambda *given: go_on.wait(60) and compute(*given))
    live.update({"design.hrf_model": "glover"})
    assert said.wait(60)
    assert "map" not in heard
    go_on.set()
    assert live.wait_until_idle(60)
    assert "map" in heard


def test_a_look_at_the_same_map_is_heard_at_once(live, heard):
    live.update({"map.opacity": 0.5})
    assert heard == ["panel", "spm"]


def test_an_error_is_heard(live, heard):
    live.update({"contrast.expression": "faces - nothing"})
    assert live.wait_until_idle(60)
    assert live.status.state == "error"
    assert heard == ["panel", "spm"]


def test_a_closed_session_tells_nobody(live, heard):
    with live.lock:
        live.update({"design.hrf_model": "glover"})
        live.close()
    assert live.wait_until_idle(60)
    assert heard == []
