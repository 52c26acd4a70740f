"""Tables of a run as people have them: durations that are missing, decimal commas, motion files, at every door."""

import re

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

import glmwidgets as gw
from glmwidgets.cli import main
from glmwidgets.panels.run.confounds import ConfoundsPanel
from glmwidgets.panels.run.events import EventsPanel
from glmwidgets.report.exports.script import write_script
from glmwidgets.session.single.session import Session
from glmwidgets.session.single.store import load_session, save_session

N = 40


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    img = nib.Nifti1Image(rng.normal(1000, 10, (6, 6, 4, N)).astype(np.float32), np.diag([3.0, 3, 3, 1]))
    img.header.set_zooms((3, 3, 3, 2.0))
    img.header.set_xyzt_units("mm", "sec")
    nib.save(img, tmp_path / "bold.nii.gz")
    nib.save(nib.Nifti1Image(np.ones((6, 6, 4), np.uint8), img.affine), tmp_path / "mask.nii.gz")
    rows = "0\t4\tgo\n20\tn/a\tgo\n40\t4\twait\n60\tn/a\twait\n"
    (tmp_path / "events.tsv").write_text("onset\tduration\ttrial_type\n" + rows)
    np.savetxt(tmp_path / "rp_bold.txt", rng.normal(size=(N, 6)), fmt="%14.7e")
    return tmp_path


def opened(folder, **more):
    return gw.open_run(folder / "bold.nii.gz", folder / "events.tsv", mask=folder / "mask.nii.gz", **more)


def test_events_without_a_duration_are_left_out_or_given_one(folder):
    with pytest.warns(UserWarning, match="2 of 4 events have no duration in lines 3, 5; left out"):
        run = opened(folder)
    assert run.events["onset"].tolist() == [0, 40]
    filled = opened(folder, missing_duration=3)
    assert filled.events["duration"].tolist() == [4, 3, 4, 3]
    assert filled.inputs.missing_duration == 3


@pytest.mark.filterwarnings("ignore:.*left out")
def test_the_explorer_takes_them_and_a_saved_session_keeps_that(folder):
    session = Session(opened(folder), synchronous=True)
    panel = EventsPanel(session)
    panel.missing_duration.value = 3.0
    panel.fill_durations.click()
    assert session.analysis.events(session.settings)["duration"].tolist() == [4, 3, 4, 3]
    session.undo()
    assert len(session.analysis.events(session.settings)) == 2
    panel.close()
    session.close()
    session = Session(opened(folder, missing_duration=3), synchronous=True)
    again = load_session(save_session(session, folder / "s.json"))
    assert again.run.events.equals(session.run.events)
    for one in (session, again):
        one.close()


def test_the_command_line_takes_them(folder, capsys):
    events, mask = str(folder / "events.tsv"), str(folder / "mask.nii.gz")
    how = ["fit", str(folder / "bold.nii.gz"), "--events", events, "--mask", mask]
    assert main([*how, "--contrast", "go", "--missing-duration", "3", "--out", str(folder / "out")]) == 0
    found = pd.read_csv(folder / "out" / "design_matrix.tsv", sep="\t")
    run = opened(folder, missing_duration=3)
    expected = Session(run, synchronous=True).analysis.graph.get("design", gw.Settings())
    np.testing.assert_allclose(found["go"], expected["go"], atol=1e-12)
    assert "left out" not in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dialect", ["glmwidgets", "nilearn"])
def test_scripts_model_what_was_read_of_an_odd_table(folder, run_script, dialect):
    text = (folder / "events.tsv").read_text().replace("\t4\t", "\t4,5\t").replace("20\t", "20,25\t")
    (folder / "events.tsv").write_text(text)
    session = Session(opened(folder, confounds=folder / "rp_bold.txt"), synchronous=True)
    session.update({"contrast.expression": "go", "noise.model": "ols"})
    session.refresh()
    run_script(write_script(session, folder / "again.py", dialect))
    z = next(folder.glob("again_results/**/*z_score.nii.gz"))
    np.testing.assert_allclose(nib.load(z).get_fdata(), session.result.z_map, atol=1e-5)
    session.close()


def test_motion_of_spm_is_known_by_its_names(folder):
    run = opened(folder, confounds=folder / "rp_bold.txt", missing_duration=1)
    assert list(run.confounds.columns) == ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"]
    np.testing.assert_array_equal(run.confounds, np.loadtxt(folder / "rp_bold.txt"))


@pytest.mark.filterwarnings("ignore:.*left out")
def test_only_columns_that_are_chosen_are_judged(folder):
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.normal(size=(N, 3)), columns=["good", "gap", "word"]).astype({"word": object})
    table.loc[5, "gap"], table.loc[7, "word"] = np.nan, "odd"
    table.to_csv(folder / "confounds.tsv", sep="\t", index=False, na_rep="n/a")
    run = opened(folder, confounds=folder / "confounds.tsv")
    session = Session(run, {"design.confounds": ("good",)}, synchronous=True)
    session.refresh()
    assert session.status.state == "idle"
    assert "good" in session.result.design
    panel = ConfoundsPanel(session)
    panel.details.value = True
    panel.columns.value = ("gap",)
    assert session.settings.design.confounds == ("gap",)
    odd = "'odd' in column 'word', row 7 (counted from 0) is not a finite number"
    for name, words in (("gap", "'gap' has no value in row 5 (counted from 0)"), ("word", odd)):
        session.update({"design.confounds": ("good", name)})
        assert session.status.stage == "confounds"
        assert words in session.status.message
    session.close()
    with pytest.raises(ValueError, match=re.escape(odd)):
        gw.FirstLevelModel(t_r=2.0).fit(run.img, run.events, pd.read_csv(folder / "confounds.tsv", sep="\t")[["word"]])


@pytest.mark.parametrize(("column", "asked"), [
    ("framewise_displacement", {"design.scrub_fd": 0.5}),
    ("rot_x", {"design.confounds": ("rot_x_derivative1",)}),
])  # fmt: skip
def test_a_cell_that_is_no_number_is_named_where_its_column_is_used_otherwise(folder, column, asked):
    table = pd.DataFrame({column: np.random.default_rng(1).uniform(0, 0.4, N), "csf": np.arange(N)}).astype(object)
    table.loc[3, column] = "1.2mm"
    table.to_csv(folder / "confounds.tsv", sep="\t", index=False)
    session = Session(opened(folder, confounds=folder / "confounds.tsv", missing_duration=1), synchronous=True)
    session.update({"design.confounds": ("csf",)})
    assert session.status.state == "idle"
    session.update(asked)
    assert f"'1.2mm' in column '{column}', row 3 (counted from 0) is not a finite number" in session.status.message
    session.close()
