"""Work on another thread: in its order, of a bounded number, and no error is lost."""

import threading

import pytest

from glmwidgets.glm.parallel import behind


def test_calls_behind_keep_their_order_and_few_wait():
    done, may_go_on, handed_over = [], threading.Event(), []

    def work(k):
        assert may_go_on.wait(10)
        done.append(k)

    def hand_over(later):
        for k in range(5):
            later(work, k)
            handed_over.append(k)

    with behind(2) as later:
        caller = threading.Thread(target=hand_over, args=(later,))
        caller.start()
        caller.join(0.2)
        assert handed_over == [0, 1]  # the third waits for room
        may_go_on.set()
        caller.join(10)
    assert done == [0, 1, 2, 3, 4]


def test_an_error_behind_reaches_the_caller_and_ends_the_calls():
    done = []

    def fail():
        raise OSError("no space left on device")

    def at_the_end():
        with behind(3) as later:
            later(fail)
            later(done.append, 1)

    def at_the_next_call():
        with behind(1) as later:
            later(fail)
            later(done.append, 1)
            raise AssertionError("nobody said that the first call failed")

    for block in at_the_end, at_the_next_call:
        with pytest.raises(OSError, match="no space"):
            block()
    assert done == []


def test_an_error_of_the_caller_is_raised_and_what_waits_is_left_out():
    begun, may_go_on, done = threading.Event(), threading.Event(), []

    def work():
        begun.set()
        assert may_go_on.wait(10)

    def interrupted():
        with behind(3) as later:
            later(work)
            assert begun.wait(10)
            later(done.append, 1)
            threading.Timer(0.1, may_go_on.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done == []
