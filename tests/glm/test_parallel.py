"""Threads side by side: the memory that they keep, the turns that they take, and what they give way to."""

import contextlib
import ctypes
import subprocess
import sys
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from glmwidgets.glm import parallel
from glmwidgets.glm.moments import basis
from glmwidgets.glm.parallel import giving_way, side_by_side

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


@pytest.mark.parametrize(("told", "threads"), [("1", 1), ("2", 2)])
def test_nothing_is_made_ahead_without_a_second_processor(monkeypatch, told, threads):
    monkeypatch.setattr(parallel.os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setenv(parallel.PROCESSORS, told)
    on = list(parallel.ahead(threading.current_thread() for _ in range(3)))
    assert len({threading.current_thread(), *on}) == threads


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


@pytest.mark.parametrize("threads", [1, 2])
def test_work_gives_way_before_its_next_block(monkeypatch, threads):
    monkeypatch.setattr(parallel, "_threads", lambda: threads)
    done, urgent = [], threading.Event()

    def check():
        if urgent.is_set():
            raise InterruptedError

    def work(block):
        done.append(block)
        urgent.set()

    with giving_way(check), pytest.raises(InterruptedError):
        side_by_side(work, range(20))
    assert 1 <= len(done) <= threads
    side_by_side(work, range(3))  # what asked for it is over
    assert sorted(done[-3:]) == [0, 1, 2]  # two threads take blocks in either order


@pytest.mark.parametrize(("n_columns", "expected"), [(5, True), (basis.LARGE // 300 + 1, False)])
def test_a_small_design_is_decomposed_on_one_thread(monkeypatch, n_columns, expected):
    inside, seen = [], []

    @contextlib.contextmanager
    def one_thread():
        inside.append(True)
        yield
        inside.pop()

    svd = np.linalg.svd
    monkeypatch.setattr(basis, "one_thread", one_thread)
    monkeypatch.setattr(np.linalg, "svd", lambda *given, **more: seen.append(bool(inside)) or svd(*given, **more))
    basis.design_basis(np.random.default_rng(0).standard_normal((300, n_columns)))
    assert seen == [expected]


def test_a_design_has_the_same_coordinates_however_many_threads():
    # 60 columns, so that a library's threads share its sums; the projection on its columns is that of dense algebra.
    x = np.random.default_rng(0).standard_normal((300, 60))
    dense = x @ np.linalg.solve(x.T @ x, x.T)
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(basis.design_basis(x).q)
    np.testing.assert_array_equal(*found)
    np.testing.assert_allclose(found[0] @ found[0].T, dense, atol=1e-13)
