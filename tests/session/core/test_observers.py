"""The map hears first; the others hear once its pixels are on their way, and of a long wait meanwhile."""

import contextlib
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


def test_nobody_hears_between_two_maps_of_a_drag(live, heard, monkeypatch):
    """The second is asked for while the page paints the first: the others hear once both are there."""
    asked, sleep = [], observers.time.sleep

    def painting(seconds):
        if not asked:
            asked.append(live.update({"design.hrf_model": "fir"}))
        sleep(seconds)

    monkeypatch.setattr(observers.time, "sleep", painting)
    live.update({"design.hrf_model": "glover"})
    assert live.wait_until_idle(60)
    assert asked == [True]
    assert heard[0] == "map"
    assert heard.count("map") == 2
    assert "panel" not in heard[: heard.index("map", 1)]
    assert "glover" not in heard
    assert heard.count("fir") == 1


def test_a_hand_that_never_rests_is_followed_all_the_same(live, heard, monkeypatch):
    monkeypatch.setattr(observers, "AWAITED", 0.2)
    told, rest = threading.Event(), threading.Event()
    live.observe_locked(lambda change: told.set(), "settings")
    monkeypatch.setattr(live.analysis, "result", lambda *given: rest.wait(60))  # no map comes
    models = iter(["glover", "fir"] * 10_000)
    while not told.wait(0.001):
        live.update({"design.hrf_model": next(models)})
    assert "map" not in heard
    live.cancel()
    rest.set()


def test_that_all_is_done_is_said_last(live, monkeypatch):
    """Also where it is so while the others are being told: what they say is on its way by then."""
    monkeypatch.setattr(observers, "AWAITED", 30.0)
    said, idle = [], threading.Event()
    live.observe_locked(lambda _: said.append(live.status.state), ["status", "result"], last=True)
    live.observe_locked(lambda _: None, "result", first=True)
    live.observe_locked(lambda change: change["new"].state == "idle" and idle.set(), "status", first=True)

    @contextlib.contextmanager
    def together():
        yield
        said.append("sent")

    def slow(_change):
        live.lock.release()  # as a thread that waits for nobody
        assert idle.wait(60)
        live.lock.acquire()
        said.append("series")

    live.observe_locked(slow, "result")
    monkeypatch.setattr(live, "together", together)
    live.update({"design.hrf_model": "glover"})
    assert live.wait_until_idle(60)
    assert said.index("series") < said.index("sent", said.index("series")) <= len(said) - 2
    assert said[-2:] == ["idle", "sent"]
