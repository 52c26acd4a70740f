"""Workers of Dask: the same outcomes as here, a death counted, nothing answered from memory."""

import pytest

distributed = pytest.importorskip("distributed", reason="Dask is of the extra 'study', and is not installed")

from glmwidgets.datasets import write_study  # noqa: E402
from glmwidgets.execution import Task, lanes_of, work_through  # noqa: E402
from glmwidgets.study import Study  # noqa: E402


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, preload="glmwidgets.execution.dask"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_tasks_are_done_by_its_workers(client, tmp_path):
    lanes, said = lanes_of(client)
    assert said == "2 threads of Dask's workers"
    outcomes = work_through([Task("root", "math:sqrt", (4.0,)), Task("no", "math:sqrt", (-1.0,))], lanes)
    assert outcomes[0].value == 2.0
    assert outcomes[1].why_not == "math domain error"


def test_the_same_call_is_done_again(client, tmp_path):
    todo = [Task("made", "os:mkdir", (str(tmp_path / "once"),))] * 2
    first, second = work_through(todo, lanes_of(client, 1)[0])
    assert not first.why_not
    assert "exists" in second.why_not


def test_a_death_is_counted(client):
    lanes, _ = lanes_of(client, 1)
    (outcome,) = work_through([Task("dies", "os:_exit", (1,))], lanes)
    assert outcome.why_not.startswith("its worker died 2 times: KilledWorker")


def test_a_study_has_the_same_bits_as_here(client, tmp_path):
    root = write_study(tmp_path / "bids", 2, shape=(12, 14, 11), n_scans=40)
    found = []
    for where in (client, "here"):
        study = Study.of(root, tmp_path / str(len(found)), task="localizer", contrasts=["faces - tones"])
        assert study.run(where) == {}
        runs = study.folder / "runs"
        found.append({p.relative_to(runs): p.read_bytes() for p in runs.rglob("*.*")})
    assert found[0] == found[1]
    assert len(found[0]) == 2 * 6
