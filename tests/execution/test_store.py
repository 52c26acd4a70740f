"""The store: whole or absent, never twice, and named by what a result was made of."""

import multiprocessing
import os
import time

import pytest

from glmwidgets.execution.store import MANIFEST, UNDER_WAY, Store
from glmwidgets.files.writing import write_text


def _fill(text):
    return lambda to: write_text(to / "a.txt", text, "text")


def test_what_is_there_is_not_done_again(tmp_path):
    store, calls = Store(tmp_path), []

    def fill(to):
        calls.append(1)
        write_text(to / "a.txt", "first", "text")
        return {"found": 1.5}

    for _ in range(2):
        store.write("x", fill, {"name": "run"})
    assert len(calls) == 1
    assert store.manifest("x") == {"name": "run", "found": 1.5, "files": {"a.txt": 5}}


def test_a_failure_leaves_nothing(tmp_path):
    store = Store(tmp_path)

    def fill(to):
        write_text(to / "a.txt", "half", "text")
        raise ValueError("no scan")

    with pytest.raises(ValueError, match="no scan"):
        store.write("x", fill)
    with pytest.raises(ValueError, match="JSON"):
        store.write("x", _fill("whole"), {"nan": float("nan")})
    assert os.listdir(tmp_path) == []


def test_what_is_damaged_is_made_again(tmp_path):
    store = Store(tmp_path)
    store.write("x", _fill("whole"))
    (store.path("x") / "a.txt").write_text("wh")
    assert store.manifest("x") is None
    store.write("x", _fill("whole"))
    assert (store.path("x") / "a.txt").read_text() == "whole"
    assert store.keys() == ["x"]


def test_of_twins_the_second_gives_way(tmp_path):
    store = Store(tmp_path)

    def fill(to):
        Store(tmp_path).write("x", _fill("first"))
        write_text(to / "a.txt", "later", "text")

    store.write("x", fill)
    assert (store.path("x") / "a.txt").read_text() == "first"
    assert [name for name in os.listdir(tmp_path) if name.startswith(UNDER_WAY)] == []


def _killed(folder):
    def fill(to):
        write_text(to / "a.txt", "half", "text")
        os.kill(os.getpid(), 9)

    Store(folder).write("x", fill)


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_a_killed_process_leaves_no_result_and_its_rest_is_swept(tmp_path):
    process = multiprocessing.get_context("fork").Process(target=_killed, args=(tmp_path,))
    process.start()
    process.join()
    store = Store(tmp_path)
    assert not store.has("x")
    assert store.keys() == []
    assert store.sweep(3600) == 0
    (rest,) = tmp_path.iterdir()
    os.utime(rest, (time.time() - 7200,) * 2)
    assert store.sweep(3600) == 1
    store.write("x", _fill("whole"))
    assert (store.path("x") / MANIFEST).is_file()
