"""What an analysis needs is known before it is taken: it is refused, or said to be tight, with what to do."""

import warnings

import pytest

import glmwidgets as gw
from glmwidgets.datasets import simulate_run
from glmwidgets.runs import need
from glmwidgets.runs.need import analysis_need, check_memory


@pytest.fixture
def with_memory(monkeypatch):
    """Have so many bytes available."""

    def have(n_bytes):
        monkeypatch.setattr(need, "available_memory", lambda: n_bytes)
        monkeypatch.setattr("glmwidgets.files.memory.available_memory", lambda: n_bytes)

    return have


def test_what_fits_is_not_spoken_of(with_memory):
    with_memory(2 * analysis_need(1000))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_memory(1000, "run 1")


def test_what_is_tight_is_said_with_what_to_do(with_memory):
    with_memory(int(1.5 * analysis_need(10**6)))
    with pytest.warns(UserWarning, match=r"1,000,000 voxels of run 1 needs about 1\.2 GiB .*1\.8 GiB .*coarser grid"):
        check_memory(10**6, "run 1")


def test_what_does_not_fit_is_refused_where_the_run_is_looked_at(with_memory):
    run = gw.open_run(simulate_run("small", n_scans=20))
    with_memory(2**20)
    session = gw.Session(run, synchronous=True)
    session.refresh()
    assert session.status.state == "error"
    assert "would need" in session.status.message
    assert "give a mask of the brain" in session.status.message


def test_what_does_not_fit_is_refused_by_a_model(with_memory):
    run = simulate_run("small", n_scans=20)
    with_memory(2**20)
    with pytest.raises(ValueError, match=r"voxels of run 1 .* would need .* are available: analyse fewer voxels"):
        gw.FirstLevelModel(run.t_r).fit(run.img, run.events)
