"""What can be kept: each row of the table writes what it says, in the notebook's folder or as a download."""

import io
import json
import zipfile

import pytest

pytest.importorskip("ipywidgets")

from glmwidgets.panels.parts.download import IN_APP
from glmwidgets.panels.run.explorer import Explorer
from glmwidgets.panels.shared.keeping import KEPT
from glmwidgets.session.single.session import Session


@pytest.fixture
def explorer(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = Explorer(Session(run, {"threshold.alpha": 0.05}, synchronous=True))
    made.session.region_of_interest("sphere", "sphere 15 -28 -8 6")
    yield made
    made.close()


BEGINS = {
    "report": "<!DOCTYPE html>",
    "sheet": "<!DOCTYPE html>",
    "live_page": "<!DOCTYPE html>",
    "script": "# Repeats an analysis",
    "nilearn": "# Repeats an analysis",
    "table": "cluster_id\t",
    "svg": "<?xml",
    "signal_change": "region\thow\tn_voxels\tcondition\tpercent_change\tlower\tupper\tdf\tnoise_model\tcircular\t",
    "methods": "",
    "code": "import glmwidgets as gw",
}


@pytest.mark.parametrize("name", [name for name in KEPT if name not in ("figures", "group", "bids_study")])  # a study's
def test_it_is_written_beside_the_notebook(explorer, tmp_path, name):
    pytest.importorskip("matplotlib")
    path = explorer.keep(name)
    assert path.resolve().parent == tmp_path.resolve()
    assert path.name in explorer._status.note.value
    assert str(tmp_path.resolve()) in explorer._status.note.value
    if KEPT[name].file.endswith("/"):
        assert any(path.glob("*.nii.gz"))
    else:
        assert "".join(path.suffixes) == KEPT[name].ending
        assert path.stat().st_size > 20
    if name in BEGINS:
        assert path.read_text(encoding="utf-8").startswith(BEGINS[name])
    if name == "session":
        assert json.loads(path.read_text())["format"].startswith("glmwidgets")
    if name == "png":
        assert path.read_bytes()[:4] == b"\x89PNG"
    # Nothing that was kept is lost when it is kept again.
    content = None if path.is_dir() else path.read_bytes()
    again = explorer.keep(name)
    assert again != path
    assert content is None or path.read_bytes() == content


def test_in_the_app_it_is_a_download(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(IN_APP, "1")
    explorer = Explorer(Session(run, {"threshold.alpha": 0.05}, synchronous=True))
    offered = []
    monkeypatch.setattr(type(explorer._download), "offer", lambda self, name, content: offered.append((name, content)))
    assert explorer.keep("table") is None
    assert offered[0][0] == "clusters.tsv"
    assert offered[0][1].decode().startswith("cluster_id\t")
    explorer.keep("maps")
    name, content = offered[1]
    assert name == "maps.zip"
    assert "maps/z.nii.gz" in zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert list(tmp_path.iterdir()) == []
    assert "downloaded maps.zip" in explorer._status.note.value
    explorer.close()


def test_what_cannot_be_kept_is_said(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    explorer = Explorer(Session(run, synchronous=True))
    with pytest.raises(ValueError, match="there is no 'pdf'; there are report, "):
        explorer.keep("pdf")
    explorer.session.clusters = None
    explorer.guide._handle_custom_msg({"kind": "keep", "name": "table"}, [])
    assert "still being computed" in explorer.session.status.message
    assert list(tmp_path.iterdir()) == []
    explorer.close()


def test_what_cannot_be_kept_is_told_and_is_no_fault_of_the_program(run, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    made = Explorer(Session(run, synchronous=True))
    made.guide._handle_custom_msg({"kind": "keep", "name": "signal_change"}, [])
    assert made.session.status.message == "there is no region of interest: add one first"
    assert [record for record in caplog.records if record.exc_info] == []
    assert list(tmp_path.iterdir()) == []
    made.close()


def press(explorer, kind, **content):
    explorer.guide._handle_custom_msg({"kind": kind, **content}, [])


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()


def test_the_error_of_a_failed_keep_goes_with_the_next_thing_that_succeeds(explorer, tmp_path, monkeypatch, nowhere):
    for _ in range(2):
        press(explorer, "keep", name="methods")
        assert explorer.session.status.state == "error"
        assert "glmw-failed" in explorer._status.words.value
    press(explorer, "search", text="smooth", number=1)  # is sent with every letter
    assert explorer.session.status.state == "error"
    monkeypatch.chdir(tmp_path)
    press(explorer, "keep", name="methods")
    assert explorer.session.status.state == "idle"
    assert "glmw-failed" not in explorer._status.words.value
    assert "kept" in explorer._status.note.value


def test_what_succeeds_does_not_hide_why_the_settings_have_no_result(explorer, nowhere):
    explorer.session.update({"contrast.expression": "face - hause"})
    wrong = explorer.session.status
    press(explorer, "keep", name="code")
    assert explorer.session.status.stage is None
    press(explorer, "do", name="keys")
    assert explorer.session.status is wrong
    assert wrong.stage == "contrast"
