"""Lanes: what dies costs itself alone, what fails is a sentence, and nobody is left behind."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from glmwidgets.execution import HereLane, LocalLane, lanes_of, local_width, task_of, work_through
from glmwidgets.execution import Task as PlainTask
from glmwidgets.execution.n_workers import WORKER_BYTES, local_processors
from glmwidgets.glm.errors import InputError

TASKS = """
import os, signal, time
from glmwidgets.runs.bids import BidsQuestion

def square(x):
    return x * x

def slow(folder, i):
    time.sleep(0.3)
    open(os.path.join(folder, str(i)), "w").close()
    return i

def seen(folder):
    open(os.path.join(folder, "begun"), "w").close()
    time.sleep(0.5)
    open(os.path.join(folder, "done"), "w").close()

def die_once(path):
    if os.path.exists(path):
        return "lived"
    open(path, "w").close()
    os.kill(os.getpid(), signal.SIGKILL)

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def question():
    raise BidsQuestion("which one?", ["a", "b"])

def threads():
    import numpy as np
    from threadpoolctl import threadpool_info
    np.ones((50, 50)) @ np.ones((50, 50))
    return [each["num_threads"] for each in threadpool_info()]

def room():
    from glmwidgets.files import scratch
    from glmwidgets.glm.parallel import processors
    return [processors(), scratch.ON_DISK]

def chatter():
    print("to be ignored")
    return 1
"""


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    """A module that workers can import."""
    folder = tmp_path_factory.mktemp("module")
    (folder / "lane_tasks.py").write_text(TASKS)
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(folder), before]))
    sys.path.insert(0, str(folder))
    yield "lane_tasks"
    sys.path.remove(str(folder))
    os.environ["PYTHONPATH"] = before or ""


def task(tasks, name, *arguments):
    return PlainTask(name, f"{tasks}:{name}", arguments)


def test_a_death_costs_its_task_alone_and_is_tried_once_more(tasks, tmp_path):
    todo = [
        task(tasks, "square", 3),
        task(tasks, "die"),
        task(tasks, "question"),
        task(tasks, "die_once", str(tmp_path / "died")),
        task(tasks, "chatter"),
        task(tasks, "threads"),
        *(task(tasks, "square", n) for n in range(4, 8)),
    ]
    heard = []
    outcomes = work_through(todo, [LocalLane(), LocalLane()], heard.append)
    assert len(outcomes) == len(heard) == len(todo)
    assert outcomes[0].value == 9
    assert outcomes[1].why_not.startswith("its worker died 2 times")
    assert "which one?" in outcomes[2].why_not
    assert (outcomes[3].value, outcomes[3].tries) == ("lived", 2)
    assert outcomes[4].value == 1
    assert set(outcomes[5].value) == {1}
    assert [each.value for each in outcomes[6:]] == [16, 25, 36, 49]


@pytest.mark.parametrize("width", [1, 2])
def test_workers_share_the_processors_and_have_memory_of_their_own(tasks, width):
    (outcome,) = work_through([task(tasks, "room")], lanes_of("processes", width)[0])
    there, from_bytes = outcome.value
    assert there == max(1, local_processors().n // width)
    assert from_bytes == WORKER_BYTES // 8


def test_stop_feeds_nothing_more(tasks, tmp_path):
    stop = threading.Event()
    todo = [task(tasks, "slow", str(tmp_path), i) for i in range(10)]
    outcomes = work_through(todo, [HereLane()], lambda _: stop.set(), stop)
    assert [each.value for each in outcomes] == [0]
    assert len(os.listdir(tmp_path)) == 1


def test_what_a_listener_raises_is_raised(tasks):
    def heard(_):
        raise RuntimeError("no room")

    with pytest.raises(RuntimeError, match="no room"):
        work_through([task(tasks, "square", 1)], [HereLane()], heard)


@pytest.mark.skipif(os.name != "posix", reason="sends a signal as Ctrl-C does")
@pytest.mark.parametrize("lane", [HereLane, LocalLane])
def test_an_interrupt_lets_what_is_in_hand_be_done_and_begins_nothing(tasks, tmp_path, lane):
    def interrupt():
        while not (tmp_path / "begun").exists():
            time.sleep(0.01)
        if lane is LocalLane:  # a scheduler sends its polite kill to every process of a job
            os.kill(one.pid, signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)

    one, heard, before = lane(), [], signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=interrupt, daemon=True).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            work_through([task(tasks, "seen", str(tmp_path)), task(tasks, "square", 2)], [one], heard.append)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (tmp_path / "done").exists()
    assert [each.name for each in heard] == ["seen"]


# A shell without job control has what it leaves in the background ignore Ctrl-C, and that is inherited.
PARENT = """
import signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)
from glmwidgets.execution import LocalLane, Task, work_through
lanes = [LocalLane(), LocalLane()]
tasks = [Task(str(i), "lane_tasks:slow", (sys.argv[1], i)) for i in range(200)]
work_through(tasks, lanes, lambda each: print(*[lane.pid for lane in lanes], flush=True))
"""


def _alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_worker_outlives_its_parent(tasks, tmp_path, how):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    pids = [int(pid) for pid in parent.stdout.readline().split() if pid != "None"]
    assert all(map(_alive, pids))
    os.killpg(parent.pid, how)
    parent.wait(timeout=20)
    end = time.monotonic() + 5
    while any(map(_alive, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(_alive, pids))
    assert 0 < len(os.listdir(tmp_path)) < 100


def test_a_function_of_a_cell_is_refused():
    with pytest.raises(InputError, match="is not a function of a module"):
        task_of("a", lambda: 1)
    with pytest.raises(InputError, match="cannot be sent"):
        task_of("a", json.dumps, float("nan"))


def test_width_is_the_least_limit_and_says_which(tmp_path, monkeypatch):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/jobs/one\n")
    group = tmp_path / "sys/fs/cgroup/jobs"
    group.mkdir(parents=True)
    (group / "cpu.max").write_text("150000 100000\n")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        monkeypatch.delenv(name)
    assert local_width(tmp_path, 2**40) == (1, "a control group allows 1.5 processors")
    (group / "cpu.max").write_text("max 100000\n")
    assert local_width(tmp_path, 2**40) == (8, "8 processors")
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    assert local_width(tmp_path, 2**40) == (3, "SLURM_CPUS_PER_TASK=3")
    assert local_width(tmp_path, 2 * 2**30)[0] == 2
    assert local_width(tmp_path, 10)[0] == 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # What SLURM 22.05 sets for -c 2 --mem 3G, -n 3 --mem 2G, -n 4 --mem-per-cpu 512M, and -n 4 --mem 0.
        ({"CPUS_PER_TASK": 2, "CPUS_ON_NODE": 2, "MEM_PER_NODE": 3072}, (2, "SLURM_CPUS_PER_TASK=2")),
        (
            {"CPUS_ON_NODE": 3, "MEM_PER_NODE": 2048},
            (2, "SLURM_MEM_PER_NODE=2048 (2.0 GiB of memory), 1 GiB a worker"),
        ),
        (
            {"CPUS_ON_NODE": 4, "MEM_PER_CPU": 512},
            (2, "SLURM_MEM_PER_CPU=512 (2.0 GiB of memory), 1 GiB a worker"),
        ),
        ({"CPUS_ON_NODE": 4}, (4, "SLURM_CPUS_ON_NODE=4")),
    ],
)
def test_width_keeps_to_what_slurm_gave_a_job_that_nothing_binds(tmp_path, monkeypatch, given, expected):
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    for name, value in given.items():
        monkeypatch.setenv(f"SLURM_{name}", str(value))
    assert local_width(tmp_path, 2**40) == expected
    assert local_processors(tmp_path).n == given["CPUS_ON_NODE"]


def test_an_unknown_place_is_refused():
    with pytest.raises(InputError, match="is not a place to compute"):
        lanes_of("cloud")
    with pytest.raises(InputError, match="one worker or more"):
        lanes_of("processes", 0)
