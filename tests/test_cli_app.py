"""``glmwidgets app`` without a browser: what it refuses, and what it puts on its page."""

import contextlib
import importlib.util
import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from glmwidgets.cli import app, main
from glmwidgets.cli.app import _notebook, _runs, running_app


@pytest.fixture
def files(tmp_path):
    """Images and events of two runs, the second on another grid."""
    paths = []
    for i, shape in enumerate([(5, 5, 4, 20), (5, 5, 4, 20), (6, 5, 4, 20)]):
        bold, events = tmp_path / f"{i} 'bold'.nii.gz", tmp_path / f"{i}.tsv"
        img = nib.Nifti1Image(np.random.default_rng(i).normal(100, 1, shape).astype(np.float32), np.eye(4))
        img.header.set_zooms((1, 1, 1, 2.0))
        nib.save(img, bold)
        pd.DataFrame({"onset": [4.0], "duration": 4.0, "trial_type": "a"}).to_csv(events, sep="\t", index=False)
        paths.append((str(bold), str(events)))
    return paths


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--t-r", "2"], "--t-r needs a run of your own"),
        (["bold.nii.gz"], "bold.nii.gz has no partner"),
        (["no such.nii.gz", "no.tsv"], "no such.nii.gz"),
    ],
)
def test_an_app_that_cannot_be_says_so(words, message, capsys):
    pytest.importorskip("voila")
    assert main(["app", "--no-browser", *words]) == 2
    assert message in capsys.readouterr().err


def test_runs_on_different_grids_are_refused(files, capsys):
    pytest.importorskip("voila")
    assert main(["app", "--no-browser", *files[0], *files[2]]) == 2
    assert "run 1 (" in (said := capsys.readouterr().err)
    assert "lie on different grids" in said


def test_without_voila_the_extra_is_named(monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "voila" else find(name))
    assert main(["app"]) == 2
    assert '-m pip install "glmwidgets[app]"' in capsys.readouterr().err


def _asked(notebook):
    """What the page's cell calls the explorer with."""
    asked = {}

    class Recorder:
        @staticmethod
        def explore(*run, **named):
            asked.update(named, run=run)

    source = notebook["cells"][0]["source"].replace("import glmwidgets as gw\n", "").removesuffix("\nexplorer")
    exec(source, {"gw": Recorder})  # a cell of our own
    return asked


def test_the_page_explores_what_was_named(files):
    one = _asked(_notebook(_runs(files[0], 2.5)))
    assert (one["bold"], one["events"], one["t_r"], one["run"]) == (*files[0], 2.5, ())
    two = _asked(_notebook(_runs([*files[0], *files[1]], None)))
    assert two["bold"] == [files[0][0], files[1][0]]
    assert two["events"] == [files[0][1], files[1][1]]
    assert json.dumps(_notebook(None)).count("simulate_run()") == 1
    (cell,) = _notebook({"dataset": "/a 'study'"}, "explore_study")["cells"]
    assert "gw.explore_study(**json.loads(" in cell["source"]


def test_the_page_explores_given_designs(files, tmp_path):
    design = tmp_path / "design.csv"
    n_scans = nib.load(files[0][0]).shape[3]
    pd.DataFrame(np.ones((n_scans, 1)), columns=["constant"]).to_csv(design, index=False)
    one = _asked(_notebook(_runs(files[0][:1], 2.5, [str(design)])))
    assert (one["bold"], one["design_matrices"], "events" in one) == (files[0][0], str(design), False)
    with pytest.raises(ValueError, match="1 images and 2 designs were named"):
        _runs(files[0][:1], 2.5, [str(design)] * 2)
    with pytest.raises(ValueError, match="--design needs a run of your own"):
        _runs([], None, [str(design)])


def test_every_file_of_the_page_is_written_before_voila_starts(monkeypatch):
    @contextlib.contextmanager
    def started(name, command, environment, folder, log, answers, at):
        template = log.parent / "data" / "voila" / "templates" / app.TEMPLATE
        yield {path.name for path in (*template.iterdir(), *folder.iterdir(), *log.parent.glob("config/*"))}, "base"

    monkeypatch.setattr(app, "running", started)
    with running_app() as (written, _, _):
        assert written == {"index.html.j2", "503.html", "conf.json", app.NOTEBOOK, "voila.json"}
