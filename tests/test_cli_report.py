"""``glmwidgets report``, and ``fit`` and the explorer on a BIDS dataset."""

import json
import shutil

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from glmwidgets.cli import main
from glmwidgets.cli.fit import fit
from glmwidgets.datasets import simulate_run
from glmwidgets.glm.errors import InputError
from glmwidgets.runs.bids import BidsQuestion

OPTIONS = ["--contrast", "face - house", "--hrf", "glover", "--noise", "ols"]


@pytest.fixture
def dataset(run, tmp_path):
    """A raw and a preprocessed run, with the confounds of fMRIPrep."""
    root = tmp_path / "ds"
    raw = root / "sub-01" / "func"
    prepared = root / "derivatives" / "fmriprep" / "sub-01" / "func"
    for folder in (raw, prepared):
        folder.mkdir(parents=True)
    run.img.to_filename(raw / "sub-01_task-faces_bold.nii.gz")
    run.events.drop(columns="modulation").to_csv(raw / "sub-01_task-faces_events.tsv", sep="\t", index=False)
    (root / "task-faces_bold.json").write_text(json.dumps({"RepetitionTime": 2.0}))
    stem = prepared / "sub-01_task-faces"
    run.img.to_filename(f"{stem}_desc-preproc_bold.nii.gz")
    run.mask_img.to_filename(f"{stem}_desc-brain_mask.nii.gz")
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.normal(size=(80, 6)), columns=[f"{k}_{a}" for k in ("trans", "rot") for a in "xyz"])
    table["framewise_displacement"] = [np.nan, *np.full(79, 0.1)]
    table.to_csv(f"{stem}_desc-confounds_timeseries.tsv", sep="\t", index=False, na_rep="n/a")
    return root


def _mask(dataset):
    return next(dataset.rglob("*_mask.nii.gz"))


def test_a_report_with_its_script_and_stats_model(dataset, tmp_path, capsys):
    func = dataset / "sub-01" / "func"
    out = tmp_path / "new" / "report.html"
    stem = func / "sub-01_task-faces"
    words = [f"{stem}_bold.nii.gz", "--events", f"{stem}_events.tsv"]
    words += [
        "--mask",
        str(_mask(dataset)),
        "--out",
        str(out),
        "--title",
        "Faces <b>",
        "--script",
        str(tmp_path / "again.py"),
    ]
    words += ["--stats-model", str(tmp_path / "model-faces_smdl.json"), *OPTIONS]
    assert main(["report", *words]) == 0
    page = out.read_text(encoding="utf-8")
    assert "<title>Faces &lt;b&gt;</title>" in page
    assert "model-faces_smdl.json" in capsys.readouterr().out
    assert "hrf_model='glover'" in (tmp_path / "again.py").read_text()
    (contrast,) = json.loads((tmp_path / "model-faces_smdl.json").read_text())["Nodes"][0]["Contrasts"]
    assert contrast["Weights"] == [1.0, -1.0]


def test_what_cannot_be_done_is_refused_before_the_fit(dataset, tmp_path, capsys, monkeypatch):
    for name in ("noise_by_evidence", "result"):
        monkeypatch.setattr(f"glmwidgets.cli.fit.Analysis.{name}", lambda *_: pytest.fail("it was fitted"))
    where = ["--bids", str(dataset), "--subject", "01", *OPTIONS]
    assert main(["report", *where, "--out", str(tmp_path / "report.pdf")]) == 2
    assert "report.pdf: its name must end in .html or .htm" in capsys.readouterr().err
    assert main(["fit", *where, "--out", str(tmp_path / "out"), "--atlas", str(tmp_path / "no_atlas.nii")]) == 2
    assert "--atlas" in (said := capsys.readouterr().err)
    assert "no_atlas.nii" in said
    assert not (tmp_path / "report.pdf").exists()
    assert not (tmp_path / "out").exists()


def test_fit_on_a_dataset_and_again_from_its_settings(dataset, tmp_path, capsys):
    words = ["--bids", str(dataset), "--subject", "01", "--out", str(tmp_path / "first"), *OPTIONS]
    assert main(["fit", *words]) == 0
    said = capsys.readouterr().out
    assert "sub-01_task-faces_desc-preproc_bold.nii.gz" in said
    assert "trans_x, trans_y, trans_z, rot_x, rot_y, rot_z" in said
    settings = json.loads((tmp_path / "first" / "settings.json").read_text())
    assert settings["inputs"]["mask"].endswith("desc-brain_mask.nii.gz")
    assert main(["fit", "--settings", str(tmp_path / "first" / "settings.json"), "--out", str(tmp_path / "again")]) == 0
    first, again = (nib.load(tmp_path / name / "z.nii.gz").get_fdata() for name in ("first", "again"))
    np.testing.assert_array_equal(first, again)
    columns = pd.read_csv(tmp_path / "again" / "design_matrix.tsv", sep="\t").columns
    assert {"face", "house", "rot_z"} <= set(columns)


def test_the_raw_run_has_no_confounds(dataset, tmp_path, capsys):
    words = ["--bids", str(dataset), "--subject", "sub-01", "--raw", "--out", str(tmp_path / "out"), *OPTIONS]
    words += ["--mask", str(_mask(dataset))]
    assert main(["fit", *words]) == 0
    assert "rot_z" not in (tmp_path / "out" / "design_matrix.tsv").read_text()


def test_what_is_not_clear_is_asked(dataset, tmp_path, capsys):
    func = dataset / "derivatives" / "fmriprep" / "sub-01" / "func"
    shutil.copy(func / "sub-01_task-faces_desc-preproc_bold.nii.gz", func / "sub-01_task-rest_desc-preproc_bold.nii.gz")
    assert main(["fit", "--bids", str(dataset), "--subject", "01", "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "sub-01" in said
    assert "which one? task=faces; task=rest. Narrow it with --task" in said  # as one says it at a terminal
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--subject", "01"], "--subject chooses a run of a dataset: name the dataset with --bids"),
        (["x.nii", "--bids", "ds", "--subject", "01"], "either an image or a dataset"),
        (["--bids", "ds"], "name the participant: --bids ds --subject 01"),
        (["--bids", "nowhere", "--subject", "01"], "there is no dataset at"),
    ],
)
def test_half_a_question_is_an_error(words, message, tmp_path, capsys):
    assert main(["fit", *words, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err


def test_the_explorer_opens_a_run_of_a_dataset(dataset, tmp_path):
    pytest.importorskip("bqplot")
    import glmwidgets as gw

    explorer = gw.explore("sub-01", dataset=dataset, task="faces", confounds=None)
    try:
        assert explorer.session.wait_until_idle(60)
        run = explorer.session.run
        assert run.inputs.bold.endswith("sub-01_task-faces_desc-preproc_bold.nii.gz")
        assert run.mask_img is not None
        assert list(run.confounds.columns)[:2] == ["trans_x", "trans_y"]
        assert explorer.script(tmp_path / "again.py").is_file()
        assert explorer.report(tmp_path / "report.html").title.endswith("desc-preproc_bold")
        assert (tmp_path / "report.html").stat().st_size > 100_000
    finally:
        explorer.close()
    with pytest.raises(TypeError, match="task= chooses a run of a dataset"):
        gw.explore("sub-01", task="faces")
    with pytest.raises(FileNotFoundError, match="no run with task=rest"):
        gw.explore("sub-01", dataset=dataset, task="rest")
    assert issubclass(BidsQuestion, ValueError)


def test_a_contrast_without_events_says_that_none_were_given(tmp_path):
    bold = tmp_path / "bold.nii.gz"
    nib.save(simulate_run("small", shape=(8, 8, 8), n_scans=40).img, bold)
    with pytest.raises(
        InputError, match="no column named 'visual'; no events were given: name their file with --events"
    ):
        fit([str(bold), "--t-r", "2", "--contrast", "visual", "--out", str(tmp_path / "out")])
