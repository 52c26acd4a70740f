"""Where no thread can be started, as in a browser's Python, everything is computed in the caller's."""

import threading

import numpy as np
import pytest

from glmwidgets.datasets import simulate_run
from glmwidgets.glm.parallel import threads_start, workers
from glmwidgets.images.smooth import smooth_img
from glmwidgets.session.single.session import Session
from glmwidgets.session.single.whiteness import WhitenessWatch


@pytest.fixture
def no_threads(monkeypatch):
    def start(_thread):
        raise RuntimeError("can't start new thread")

    threads_start.cache_clear()
    monkeypatch.setattr(threading.Thread, "start", start)
    yield
    threads_start.cache_clear()


def test_a_session_answers_at_once_and_says_why(run, no_threads):
    session = Session(run)
    watch = WhitenessWatch(session)
    session.refresh()
    assert session.is_synchronous
    assert session.is_current
    assert session.clusters is not None
    assert watch.is_current
    session.update({"design.hrf_model": "glover"})
    assert session.is_current
    assert any("no thread can be started" in words for words in session.warned["host"])
    asked = []
    session.aside(asked.append)
    assert len(asked) == 1
    session.close()


def test_with_threads_nothing_is_said(live):
    assert not live.is_synchronous
    assert "host" not in live.warned


def test_a_thread_that_fails_later_is_done_without(live, no_threads):
    watch = WhitenessWatch(live)
    assert watch.is_current


def test_runs_are_simulated_and_smoothed_to_the_same_values(no_threads, monkeypatch):
    alone = simulate_run("small")
    smooth_alone = smooth_img(alone.img, 5)
    monkeypatch.undo()
    threads_start.cache_clear()
    beside = simulate_run("small")
    np.testing.assert_array_equal(alone.img.get_fdata(), beside.img.get_fdata())
    np.testing.assert_array_equal(smooth_alone.get_fdata(), smooth_img(beside.img, 5).get_fdata())


def test_workers_without_threads_are_a_map(no_threads):
    with workers(4) as each:
        assert list(each(abs, [-1, 2])) == [1, 2]
