"""Downloads against a server of our own: resumed, checked, remembered, and clear where there is no network."""

import functools
import gzip
import hashlib
import io
import json
import re
import tarfile
import zipfile

import nibabel as nib
import numpy as np
import pytest

from glmwidgets.datasets import fetch
from glmwidgets.datasets.download import DownloadError, Remote, data_folder, download
from glmwidgets.datasets.templates import load_mni152_template, named_template
from glmwidgets.report.figures.maps import plot_stat_map

pytest.importorskip("pooch")
pytest.importorskip("tqdm")


CONTENT = np.random.default_rng(0).bytes(300_000)


def test_a_file_is_downloaded_once(server, tmp_path):
    server.files["/a.bin"] = CONTENT
    remote = Remote("sub/a.bin", f"{server.url}/a.bin", hashlib.sha256(CONTENT).hexdigest())
    for _ in range(2):
        path = download(remote, tmp_path, progress=False)
        assert path == tmp_path / "sub" / "a.bin"
        assert path.read_bytes() == CONTENT
    assert len(server.asked) == 1
    assert [p.name for p in path.parent.iterdir()] == ["a.bin"]


def test_what_broke_off_goes_on_from_there(server, tmp_path):
    server.files["/a.bin"], server.stop_at = CONTENT, 100_000
    remote = Remote("a.bin", f"{server.url}/a.bin", hashlib.sha256(CONTENT).hexdigest())
    with pytest.raises(DownloadError, match=r"broke off after 100,000 of 300,000 bytes; call again"):
        download(remote, tmp_path, progress=False)
    assert not (tmp_path / "a.bin").exists()
    server.stop_at = None
    assert download(remote, tmp_path, progress=False).read_bytes() == CONTENT
    assert server.asked[-1] == ("/a.bin", "bytes=100000-")


def test_a_file_that_changed_in_between_is_downloaded_whole(server, tmp_path):
    server.files["/a.bin"], server.stop_at = CONTENT, 100_000
    remote = Remote("a.bin", f"{server.url}/a.bin")
    with pytest.raises(DownloadError, match="broke off"):
        download(remote, tmp_path, progress=False)
    server.files["/a.bin"], server.stop_at = CONTENT[::-1], None
    assert download(remote, tmp_path, progress=False).read_bytes() == CONTENT[::-1]


def test_a_wrong_checksum_is_refused(server, tmp_path):
    server.files["/a.bin"] = CONTENT
    with pytest.raises(DownloadError, match="is not the same file as its published checksum"):
        download(Remote("a.bin", f"{server.url}/a.bin", "0" * 64), tmp_path, progress=False)
    assert not (tmp_path / "a.bin").exists()


def test_the_first_download_is_trusted_and_remembered(server, tmp_path):
    server.files["/a.bin"] = CONTENT
    remote = Remote("a.bin", f"{server.url}/a.bin")
    path = download(remote, tmp_path, progress=False)
    noted = json.loads((tmp_path / ".checksums.json").read_text())
    assert noted == {"a.bin": hashlib.sha256(CONTENT).hexdigest()}
    # damaged on disk: it is had again
    path.write_bytes(b"damaged")
    assert download(remote, tmp_path, progress=False).read_bytes() == CONTENT
    # another file under the same address is not taken silently
    path.unlink()
    server.files["/a.bin"] = b"other"
    with pytest.raises(DownloadError, match="is not the same file as the one that was first downloaded"):
        download(remote, tmp_path, progress=False)


def test_without_a_network_it_says_what_to_do(server, tmp_path):
    server.shutdown()
    server.server_close()
    with pytest.raises(DownloadError, match=r"cannot be reached .* put it in .*; simulate_run\(\) needs no download"):
        download(Remote("a.bin", f"{server.url}/a.bin"), tmp_path, progress=False)


def test_a_file_that_moved_is_said_to_have(server, tmp_path):
    with pytest.raises(DownloadError, match=r"answers 404 .*may have moved"):
        download(Remote("a.bin", f"{server.url}/a.bin"), tmp_path, progress=False)


def test_a_progress_bar_counts_bytes(server, tmp_path, capsys):
    server.files["/a.bin"] = CONTENT
    download(Remote("a.bin", f"{server.url}/a.bin"), tmp_path)
    assert "a.bin" in capsys.readouterr().err
    download(Remote("b.bin", f"{server.url}/a.bin"), tmp_path, progress=False)
    assert capsys.readouterr().err == ""


def test_where_downloads_are_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("GLMWIDGETS_DOWNLOADS", str(tmp_path))
    assert data_folder() == tmp_path
    assert data_folder(tmp_path / "x") == tmp_path / "x"
    monkeypatch.delenv("GLMWIDGETS_DOWNLOADS")
    assert data_folder().name == "glmwidgets"


# The data sets: their addresses, as they are in the table, lead to our server ---------------------------------------


@pytest.fixture
def mirror(server, monkeypatch):
    """All of the network is our server."""
    original = Remote.__init__

    def local(self, name, url, sha256=None):
        original(self, name, re.sub(r"^https://[^/]+", server.url, url), sha256)

    monkeypatch.setattr(Remote, "__init__", local)
    rows = {
        name: type(row)(row.name, row.about, row.page, tuple(Remote(f.name, f.url) for f in row.files))
        for name, row in fetch.DATASETS.items()
    }
    monkeypatch.setattr(fetch, "DATASETS", rows)
    return server


def _image(n_scans=None):
    shape = (3, 3, 3) if n_scans is None else (3, 3, 3, n_scans)
    return nib.Nifti1Image(np.arange(np.prod(shape), dtype=np.float32).reshape(shape), np.eye(4)).to_bytes()


EVENTS = b"onset\tduration\ttrial_type\n0\t14\tlistening\n"


def test_spm_auditory(mirror, tmp_path):
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w") as archive:
            func = "MoAEpilot/sub-01/func/sub-01_task-auditory"
            archive.writestr(f"{func}_bold.nii", _image(5))
            archive.writestr(f"{func}_events.tsv", EVENTS)
            archive.writestr("MoAEpilot/task-auditory_bold.json", '{"RepetitionTime": 7}')
        mirror.files["/spm/download/data/MoAEpilot/MoAEpilot.bids.zip"] = buffer.getvalue()
    for _ in range(2):
        found = fetch.fetch_spm_auditory(tmp_path, progress=False)
    assert len(mirror.asked) == 1
    assert (found.bold.name, found.events.name) == ("sub-01_task-auditory_bold.nii", "sub-01_task-auditory_events.tsv")
    assert found.t_r == 7.0
    assert found.func == [found["bold"]]
    assert found["events"] == found.events


def test_studyforrest_visloc(mirror, tmp_path):
    stem = "/openneuro.org/ds000113/sub-02/ses-localizer/func/sub-02_ses-localizer_task-objectcategories_run-1_"
    mirror.files |= {f"{stem}bold.nii.gz": gzip.compress(_image(5)), f"{stem}events.tsv": EVENTS}
    found = fetch.fetch_studyforrest_visloc(data_dir=tmp_path, progress=False)
    assert nib.load(found.bold).shape == (3, 3, 3, 5)
    assert found.events.read_bytes() == EVENTS
    with pytest.raises(DownloadError, match=r"sub-03.*404"):
        fetch.fetch_studyforrest_visloc(subject=3, data_dir=tmp_path, progress=False)


def test_fiac(mirror, tmp_path):
    with io.BytesIO() as buffer:
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name, content in {
                "run1.nii.gz": gzip.compress(_image(4)),
                "run2.nii.gz": gzip.compress(_image(4)),
                "mask.nii.gz": gzip.compress(_image()),
                "run1_design.npz": _design(),
                "run2_design.npz": _design(),
            }.items():
                info = tarfile.TarInfo(f"nipy-data-0.2/data/fiac/fiac0/{name}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        mirror.files["/data-packages/nipy-data-0.2.tar.gz"] = buffer.getvalue()
    found = fetch.fetch_fiac(tmp_path, progress=False)
    assert [path.name for path in found.run_imgs] == ["run1.nii.gz", "run2.nii.gz"]
    assert found.design_matrices[1].columns.tolist() == ["SSt", "DSt"]
    assert found.mask.is_file()
    assert (found["func1"], found["func2"]) == tuple(found.run_imgs)
    assert [np.load(found[f"design_matrix{n}"])["X"].shape for n in (1, 2)] == [(4, 2), (4, 2)]
    with pytest.raises(KeyError, match="func3"):
        found["func3"]


def _design():
    with io.BytesIO() as buffer:
        np.savez(buffer, X=np.eye(4, 2), conditions=np.array([b"SSt", b"DSt"]))
        return buffer.getvalue()


def test_localizer_contrasts(mirror, tmp_path):
    index = {}
    for subject in (1, 3):
        name = f"sub-S{subject:02}_task-localizer_acq-LeftVsRightButtonPress_cmaps.nii.gz"
        index[f"/localizer/derivatives/spm_1st_level/sub-S{subject:02}/{name}"] = f"/id{subject}"
        mirror.files[f"/download/id{subject}/"] = gzip.compress(_image())
    mirror.files["/hwbm2/download"] = json.dumps(index).encode()
    get = functools.partial(fetch.fetch_localizer_contrasts, data_dir=tmp_path, progress=False)
    paths = get("left vs right button press", 3)
    assert [path.name[:7] for path in paths] == ["sub-S01", "sub-S03"]
    with pytest.raises(ValueError, match=r"no maps of 'reading' \(Reading\); there are LeftVsRightButtonPress"):
        get("reading")
    with pytest.raises(ValueError, match="none of these participants has all"):
        get("left vs right button press", [2])


def test_localizer_maps_of_t_and_what_is_known_of_participants(mirror, tmp_path):
    index = {"/localizer/participants.tsv": "/who"}
    mirror.files["/download/who/"] = b"participant_id\tage\nS01\t24\nS02\t30\nS03\t41\n"
    for subject, kind in ((1, "cmaps"), (1, "tmaps"), (2, "cmaps"), (3, "cmaps"), (3, "tmaps")):
        name = f"sub-S{subject:02}_task-localizer_acq-LeftVsRightButtonPress_{kind}.nii.gz"
        index[f"/localizer/derivatives/spm_1st_level/sub-S{subject:02}/{name}"] = f"/{kind}{subject}"
        mirror.files[f"/download/{kind}{subject}/"] = gzip.compress(_image())
    mirror.files["/hwbm2/download"] = json.dumps(index).encode()
    get = functools.partial(fetch.fetch_localizer_contrasts, data_dir=tmp_path, progress=False)
    data = get(["left vs right button press"], 3, get_tmaps=True)
    assert [path.name[-12:] for path in data["tmaps"]] == ["tmaps.nii.gz"] * 2
    assert data["cmaps"] == list(data)
    assert data.tmaps[1].name.startswith("sub-S03")
    assert data["ext_vars"]["participant_id"].tolist() == ["S01", "S03"]
    assert data.ext_vars["age"].tolist() == [24, 41]


def test_every_data_set_says_whose_it_is():
    for row in fetch.DATASETS.values():
        assert row.page.startswith("https://")
        assert all(file.url.startswith("https://") for file in row.files)
        assert len(row.about) > 40


# Files that a person put there ----------------------------------------------------------------------------------------


def test_a_run_that_was_put_into_the_folder_is_taken(tmp_path):
    folder = tmp_path / "spm_auditory"
    folder.mkdir()
    (folder / "sub-01_task-auditory_bold.nii.gz").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"put sub-01_task-auditory_events\.tsv beside it"):
        fetch.fetch_spm_auditory(tmp_path)
    (folder / "sub-01_task-auditory_events.tsv").write_text("onset\tduration\n")
    found = fetch.fetch_spm_auditory(tmp_path)
    assert (found.bold.parent, found.events.parent, found.t_r) == (folder, folder, 7.0)


def test_the_visual_localizer_is_found_by_its_subject_and_run(visloc_dir):
    found = fetch.fetch_studyforrest_visloc(2, 1, visloc_dir.parent)
    assert found.bold.parent == visloc_dir.resolve()
    assert found.events.name == found.bold.name.replace("_bold.nii.gz", "_events.tsv")
    assert found.t_r == 2.0


def test_the_template_of_the_standard_space(mirror, tmp_path, monkeypatch):
    name = "tpl-MNI152NLin2009cAsym_res-02_desc-brain_T1w.nii.gz"
    mirror.files[f"/tpl-MNI152NLin2009cAsym/{name}"] = gzip.compress(_image())
    monkeypatch.setenv("GLMWIDGETS_DOWNLOADS", str(tmp_path))
    for given in ("MNI152TEMPLATE", "MNI152"):
        path = named_template(given)
        assert path == tmp_path / "mni152" / name
    assert len(mirror.asked) == 1
    assert load_mni152_template().shape == (3, 3, 3)
    assert load_mni152_template(resolution=1).header.get_zooms()[:3] == (1, 1, 1)
    stat = nib.Nifti1Image(np.ones((3, 3, 3), np.float32), np.eye(4))
    (panel, *_) = plot_stat_map(stat, "MNI152TEMPLATE").axes.values()
    assert len(panel.images) == 2
    other = object()
    assert named_template(other) is other
