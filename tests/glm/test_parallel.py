"""Work on another thread: in its order, of a bounded number, and no error is lost."""

import ctypes
import subprocess
import sys
import threading

import pytest

from glmwidgets.glm import parallel
from glmwidgets.glm.parallel import behind

# Blocks of 100 kB, and of 2 MB, freed and asked for again: pages that are taken anew the second time.
AGAIN = """
import resource
import numpy as np
from glmwidgets.glm.parallel import keep_freed_memory

keep_freed_memory()
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for turn in range(2):
    before = faults()
    blocks = [np.ones(size) for size in [12_500] * 100 + [250_000] * 5]
    del blocks
print(faults() - before)
"""


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


@pytest.mark.skipif(sys.platform != "linux", reason="the limits are those of glibc")
def test_freed_memory_is_kept():
    assert int(subprocess.check_output([sys.executable, "-c", AGAIN])) < 500  # of some 5,000 pages


def test_threads_take_short_turns_and_leave_the_interpreter_as_it_was(monkeypatch):
    monkeypatch.setattr(parallel, "_threads", lambda: 2)
    before = sys.getswitchinterval()
    turns = parallel.side_by_side(lambda _: sys.getswitchinterval(), [0, 1, 2])
    assert turns == pytest.approx([parallel.TURN] * 3)
    assert sys.getswitchinterval() == before
    with pytest.raises(ZeroDivisionError):
        parallel.side_by_side(lambda block: 1 / block, [1, 0])
    assert sys.getswitchinterval() == before


ARENAS = """
import ctypes, tempfile, threading
import glmwidgets.session.core.scheduler
from glmwidgets.glm.parallel import processors

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
together = threading.Barrier(32)


def take():
    together.wait()
    libc.malloc(100_000)
    together.wait()


threads = [threading.Thread(target=take) for _ in range(32)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with tempfile.NamedTemporaryFile() as file:
    libc.fopen.restype, libc.fopen.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_char_p]
    libc.malloc_info.argtypes, libc.fclose.argtypes = [ctypes.c_int, ctypes.c_void_p], [ctypes.c_void_p]
    stream = libc.fopen(file.name.encode(), b"w")
    libc.malloc_info(0, stream)
    libc.fclose(stream)
    print(file.read().decode().count("<heap nr="), max(2, processors()))
"""


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"), reason="not glibc"
)
def test_threads_of_a_session_share_as_many_arenas_as_there_are_processors():
    # By default 32 threads that allocate at once get 32 arenas, or eight a processor.
    run = subprocess.run([sys.executable, "-c", ARENAS], capture_output=True, text=True, check=True, timeout=60)
    arenas, most = map(int, run.stdout.split())
    assert arenas <= most + 1
