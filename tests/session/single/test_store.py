"""Save and load: the same state, the same maps to the last bit, and words for what is missing."""

import json
import shutil

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.session import Session
from glmwidgets.session.single.store import load_session, not_kept, save_session
from glmwidgets.specification.settings import Settings


@pytest.fixture
def on_disk(run, tmp_path):
    """The small run as files, looked at for a while."""
    folder = tmp_path / "data"
    folder.mkdir()
    nib.save(run.img, folder / "bold.nii.gz")
    nib.save(run.mask_img, folder / "mask.nii.gz")
    run.events.to_csv(folder / "events.tsv", sep="\t", index=False)
    run.confounds.to_csv(folder / "confounds.tsv", sep="\t", index=False)
    paths = (folder / name for name in ("bold.nii.gz", "events.tsv"))
    opened = open_run(*paths, 2.0, confounds=folder / "confounds.tsv", mask=folder / "mask.nii.gz")
    session = Session(opened, synchronous=True)
    session.refresh()
    session.pin()
    session.update({"design.hrf_model": "glover", "data.smoothing_fwhm": 4.0})
    session.update({"contrast.names": ("a", ""), "contrast.expressions": ("face", "face - house")})
    session.update({"contrast.active": 1, "threshold.height_control": "fdr", "threshold.alpha": 0.05})
    session.lock_model()
    session.move_to((2, 3, 4))
    return session


def test_the_same_state_and_maps_come_back(on_disk, tmp_path):
    """Bit for bit as a session that was never live; one that was may have summed in another order, within 1e-12."""
    path = save_session(on_disk, tmp_path / "session.json")
    again = load_session(path, synchronous=True)
    again.refresh()
    assert again.settings == on_disk.settings
    assert again.cursor == (2, 3, 4)
    assert again.ledger.entries == on_disk.ledger.entries
    assert again.ledger.locked == on_disk.ledger.locked
    assert (again.ledger.n_models, again.ledger.n_contrasts) == (on_disk.ledger.n_models, on_disk.ledger.n_contrasts)
    fresh = Session(again.run, again.settings, synchronous=True)
    fresh.pin(on_disk.pinned.settings)
    np.testing.assert_array_equal(again.result.z, fresh.result.z)
    np.testing.assert_array_equal(again.pinned.z, fresh.pinned.z)
    np.testing.assert_allclose(again.result.z, on_disk.result.z, atol=1e-12)
    np.testing.assert_allclose(again.pinned.z, on_disk.pinned.z, atol=1e-12)
    assert again.result.threshold == pytest.approx(on_disk.result.threshold, abs=1e-12)
    again.update({"noise.model": "ols"})
    assert again.ledger.is_exploratory


def test_the_file_is_readable_and_nothing_is_left_beside_it(on_disk, tmp_path):
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "session.json"
    path.write_text("something older")
    save_session(on_disk, path, overwrite=True)
    tree = json.loads(path.read_text(encoding="utf-8"))
    assert tree["settings"]["design"]["hrf_model"] == "glover"
    assert tree["settings"]["inputs"]["bold"].endswith("bold.nii.gz")
    assert "z" not in tree
    assert [p.name for p in path.parent.iterdir()] == ["session.json"]
    with pytest.raises(FileNotFoundError, match="folder does not exist"):
        save_session(on_disk, tmp_path / "none" / "session.json")


def test_a_session_in_memory_wants_its_data_again(session, run, tmp_path):
    path = save_session(session, tmp_path / "session.json")
    with pytest.raises(ValueError, match=r"bold and mask had been given in memory.*bold=\.\.\."):
        load_session(path)
    assert not_kept(session.run, session.settings) == ("bold", "mask")
    small = load_session(path, run.img, mask=run.mask_img, synchronous=True)  # small tables are in the file
    pd.testing.assert_frame_equal(small.run.events, run.events)
    pd.testing.assert_frame_equal(small.run.confounds, run.confounds)
    assert small.settings.inputs.said_by == session.settings.inputs.said_by  # with hashes of both
    small.refresh()
    np.testing.assert_array_equal(small.result.z, session.result.z)
    given = {"bold": run.img, "events": run.events, "confounds": run.confounds, "mask": run.mask_img}
    again = load_session(path, **given, synchronous=True)
    again.refresh()
    np.testing.assert_array_equal(again.result.z, session.result.z)
    other = nib.Nifti1Image(run.img.get_fdata(dtype=np.float32) + 1, run.img.affine, run.img.header)
    with pytest.warns(UserWarning, match=r"bold: other values than when session\.json was saved"):
        load_session(path, **given | {"bold": other})
    with pytest.raises(ValueError, match="saved from a run of shape"):
        load_session(path, **given | {"bold": run.img.slicer[:-1], "mask": run.mask_img.slicer[:-1]})


def test_files_that_have_gone_are_named_and_can_be_given(on_disk, tmp_path):
    path = save_session(on_disk, tmp_path / "session.json")
    moved = tmp_path / "moved.tsv"
    shutil.move(tmp_path / "data" / "events.tsv", moved)
    with pytest.raises(FileNotFoundError, match=r"the events file .*events\.tsv, which is not there.*events=\.\.\."):
        load_session(path)
    again = load_session(path, events=moved, synchronous=True)
    again.refresh()
    np.testing.assert_array_equal(again.result.z, on_disk.result.z)
    assert again.settings.inputs.events == str(moved)
    assert again.ledger.n_models == on_disk.ledger.n_models


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not valid JSON"),
        ("[]", "not a saved session"),
        ('{"format": "glmwidgets settings"}', "not a saved session"),
        ('{"format": "glmwidgets session", "version": 9}', "of version 9"),
        ('{"format": "glmwidgets session", "version": [1]}', r"of version \[1\]"),
    ],
)
def test_files_that_are_no_session(tmp_path, text, said):
    path = tmp_path / "session.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=said):
        load_session(path)
    with pytest.raises(FileNotFoundError, match="no session file at"):
        load_session(tmp_path / "none.json")


def test_a_session_that_is_partly_wrong_opens_with_what_is_right_and_says_the_rest(on_disk, tmp_path):
    path = save_session(on_disk, tmp_path / "session.json")
    tree = json.loads(path.read_text(encoding="utf-8"))
    tree["settings"]["noise"]["model"] = "pink"
    tree["settings"]["design"]["high_pass"] = 10**400
    tree["settings"]["design"]["colour"] = "red"
    tree["settings"]["threshold"] = "low"
    tree["cursor"] = [1, 2]
    tree["run"]["checksums"] = {"bold": "x"}
    del tree["pinned"]
    path.write_text(json.dumps(tree), encoding="utf-8")
    with pytest.warns(UserWarning, match=r"session\.json: 7 things in it cannot be used") as told:
        again = load_session(path, synchronous=True)
    lines = str(told[0].message).splitlines()[1:]
    assert {line.split(":")[0].strip() for line in lines} == {
        "settings.design.colour ('red')",
        "settings.threshold",
        "settings.noise.model",
        "settings.design.high_pass",
        "pinned",
        "cursor",
        "run.checksums",
    }
    assert any("'pink'" in line and "must be one of" in line for line in lines)
    assert any("high_pass" in line and "a number of more than 18 digits" in line for line in lines)
    assert again.settings.design.hrf_model == "glover"
    assert again.settings.noise.model == Settings.from_dict({}).noise.model
    assert again.ledger.entries == on_disk.ledger.entries
    again.refresh()
    assert np.isfinite(again.result.z).all()


def test_a_session_that_does_not_say_its_image_wants_it(tmp_path):
    path = tmp_path / "session.json"
    path.write_text('{"format": "glmwidgets session", "version": 1}')
    with (
        pytest.warns(UserWarning, match="settings: is missing"),
        pytest.raises(ValueError, match="which image it is of"),
    ):
        load_session(path)
