"""The slow lane: the newest request wins, none vanishes without a word."""

import subprocess
import sys
import threading
import time

import pytest

from glmwidgets.session.core import scheduler
from glmwidgets.session.core.scheduler import LatestWins, Superseded


def test_of_those_that_wait_only_the_newest_runs():
    lane, ran = LatestWins(), []
    started, go = threading.Event(), threading.Event()

    def slow(ticket):
        started.set()
        go.wait(10)
        ran.append("first")

    lane.submit(slow)
    assert started.wait(10)
    for k in range(5):
        lane.submit(lambda ticket, k=k: ran.append((k, ticket.is_newest)))
    go.set()
    assert lane.wait_until_idle(10)
    assert ran == ["first", (4, True)]
    lane.close()


def test_a_slow_job_gives_way_and_a_quick_one_does_not(monkeypatch):
    for patience, expected in [(0.0, []), (1e9, ["done"])]:
        monkeypatch.setattr(scheduler, "PATIENCE", patience)
        lane, ran = LatestWins(), []
        started, go = threading.Event(), threading.Event()

        def job(ticket, started=started, go=go, ran=ran):
            started.set()
            go.wait(10)
            ticket.checkpoint()
            ran.append("done")

        lane.submit(job)
        assert started.wait(10)
        lane.submit(lambda ticket: None)
        go.set()
        assert lane.wait_until_idle(10)
        assert ran == expected
        lane.close()


def test_cancel_stops_at_the_next_checkpoint():
    lane, seen = LatestWins(), []
    started, go = threading.Event(), threading.Event()

    def job(ticket):
        started.set()
        go.wait(10)
        try:
            ticket.checkpoint()
        except Superseded:
            seen.append("stopped")
            raise

    lane.submit(job)
    assert started.wait(10)
    lane.cancel()
    go.set()
    assert lane.wait_until_idle(10)
    assert seen == ["stopped"]
    lane.close()


def test_errors_are_told_and_the_thread_lives_on(caplog):
    told, ran = [], []

    def tell(error):
        told.append(str(error))
        raise RuntimeError("the screen is gone")

    lane = LatestWins(on_error=tell)
    lane.submit(lambda ticket: 1 / 0)
    assert lane.wait_until_idle(10)
    lane.submit(lambda ticket: ran.append(1))
    assert lane.wait_until_idle(10)
    assert told == ["division by zero"]
    assert ran == [1]
    assert "a job of the live analysis failed" in caplog.text
    assert "could not be shown" in caplog.text
    lane.close()


def test_synchronous_runs_in_the_callers_thread():
    lane, threads = LatestWins(synchronous=True), []
    lane.submit(lambda ticket: threads.append(threading.current_thread()))
    assert threads == [threading.current_thread()]
    lane.close()
    with pytest.raises(RuntimeError, match="closed"):
        lane.submit(lambda ticket: None)


def test_a_job_waits_for_rest_and_no_longer_than_until_the_next_request(monkeypatch):
    lane, waited = LatestWins(), []

    def job(ticket):
        start = time.monotonic()
        ticket.wait_for_rest()
        waited.append((ticket.is_newest, ticket.in_a_row, time.monotonic() - start))

    monkeypatch.setattr(scheduler, "REST", 0.05)
    monkeypatch.setattr(scheduler, "PATIENCE", 60.0)
    lane.submit(lambda ticket: None)
    assert lane.wait_until_idle(10)
    lane.submit(job)
    assert lane.wait_until_idle(10)
    assert waited[0][:2] == (True, True)
    assert waited[0][2] >= 0.049
    monkeypatch.setattr(scheduler, "REST", 60.0)
    lane.submit(job)
    while lane._running is None:
        time.sleep(0.001)
    lane.submit(lambda ticket: None)
    assert lane.wait_until_idle(10), "the next request ended the wait"
    assert not waited[1][0]
    lane.submit(job)
    while lane._running is None:
        time.sleep(0.001)
    lane.cancel()
    assert lane.wait_until_idle(10), "so does a cancel"
    lane.close()


def test_who_asks_once_rests_while_the_answer_is_made(monkeypatch):
    lane, waited = LatestWins(), []

    def job(ticket, seconds):
        time.sleep(seconds)
        start = time.monotonic()
        ticket.wait_for_rest()
        waited.append((ticket.in_a_row, time.monotonic() - start))

    monkeypatch.setattr(scheduler, "REST", 0.3)
    monkeypatch.setattr(scheduler, "PATIENCE", 0.0)  # no request comes soon after another
    for seconds in (0.0, 0.31):
        lane.submit(lambda ticket, seconds=seconds: job(ticket, seconds))
        assert lane.wait_until_idle(10)
    assert [in_a_row for in_a_row, _ in waited] == [False, False]
    assert waited[0][1] > 0.15
    assert waited[1][1] < 0.15
    lane.close()


def test_scripts_wait_for_no_hand(monkeypatch):
    monkeypatch.setattr(scheduler, "REST", 60.0)
    lane, done = LatestWins(synchronous=True), []
    lane.submit(lambda ticket: done.append(ticket.wait_for_rest()))
    assert done == [None]


def test_a_program_that_ends_lets_the_job_in_hand_end_first():
    program = """
import threading
from glmwidgets.session.core.scheduler import LatestWins

begun = threading.Event()

def job(ticket):
    begun.set()
    try:
        while True:
            ticket.checkpoint()
    finally:
        print("the job has ended", flush=True)

lanes = LatestWins(), LatestWins()  # the second never had anything to do
lanes[0].submit(job)
begun.wait()
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "the job has ended\n", "")


@pytest.mark.parametrize(("shown", "expected"), [(0.0, ["whole"]), (1e9, [])])
def test_what_a_hand_does_not_look_at_is_left_for_its_rest_or_has_its_turn(monkeypatch, shown, expected):
    """A job in a row gives way to the request that comes while it waits, unless it is its turn."""
    monkeypatch.setattr(scheduler, "REST", 60.0)
    monkeypatch.setattr(scheduler, "NOW_AND_THEN", 0.0 if expected else 1e6)
    lane, done, begun = LatestWins(), [], threading.Event()

    def job(ticket):
        begun.set()
        ticket.leave_to_hand(time.monotonic() - shown)
        done.append("whole")

    lane.submit(lambda ticket: None)
    lane.submit(job)
    assert begun.wait(10)
    lane.submit(lambda ticket: done.append("next"))
    assert lane.wait_until_idle(10)
    assert done == [*expected, "next"]
    lane.close()


def test_a_first_movement_gives_way_to_the_second_and_is_done_where_none_comes(monkeypatch):
    monkeypatch.setattr(scheduler, "REST", 60.0)
    for waits, expected in [(60.0, []), (0.0, [True])]:
        monkeypatch.setattr(scheduler, "PAINTED", waits)
        lane, done, begun = LatestWins(), [], threading.Event()

        def job(ticket, begun=begun, done=done):
            begun.set()
            ticket.leave_to_hand(time.monotonic())
            done.append(ticket.patience == 0)

        lane.submit(job)
        assert begun.wait(10)
        if waits:
            lane.submit(lambda ticket: None)
        assert lane.wait_until_idle(10)
        assert done == expected
        lane.close()


def test_a_single_request_waits_for_no_page_where_none_paints(monkeypatch):
    monkeypatch.setattr(scheduler, "PAINTED", 60.0)
    lane, done = LatestWins(), []

    def job(ticket):
        ticket.leave_to_hand(time.monotonic(), is_seen=False)
        done.append("whole")

    lane.submit(job)
    assert lane.wait_until_idle(10)
    assert done == ["whole"]
    lane.close()
