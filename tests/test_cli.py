"""The commands as a person types them: what they write, what they say, and what they leave alone."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from glmwidgets.cli import COMMANDS, fit, main
from glmwidgets.cli.lab import TOUR, tour_folder, tour_source
from glmwidgets.files.writing import whole_folder
from glmwidgets.glm.design.drift import DRIFTS
from glmwidgets.glm.inference.heights import THRESHOLDS
from glmwidgets.glm.moments.scaling import SCALINGS
from glmwidgets.glm.noise.models import NOISE_MODELS
from glmwidgets.glm.response.models import HRFS
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.analysis import Analysis
from glmwidgets.specification.settings import Settings

T_R = 2.0
AFFINE = np.array([[-3.0, 0.2, 0, 40], [0.1, 3, 0.3, -50], [0, -0.3, 3.5, -20], [0, 0, 0, 1]])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A little head of 12 x 12 x 8 voxels, 80 scans, in which a corner answers to `go`, and its paths."""
    folder = tmp_path_factory.mktemp('it\'s a "run"')
    rng = np.random.default_rng(5)
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in (12, 12, 8)), indexing="ij"))
    head = (grid**2).sum(axis=0) < 0.9
    on = np.arange(80) % 16 >= 8
    data = np.where(head[..., None], 1000.0, 20.0) + rng.normal(0, 8, (12, 12, 8, 80))
    data[2:6, 3:7, 3:6] += 25 * np.roll(on, 2)
    img = nib.Nifti1Image(data.astype(np.int16), AFFINE)
    img.header.set_zooms((*img.header.get_zooms()[:3], T_R))
    img.header.set_xyzt_units("mm", "sec")
    img.set_sform(AFFINE, code=1)
    img.set_qform(AFFINE, code=1)
    nib.save(img, folder / "bold.nii.gz")
    onsets = np.arange(16, 160, 32.0)
    types = {
        "onset": [*onsets, *(onsets - 9)],
        "duration": [16.0] * 5 + [3] * 5,
        "trial_type": ["go"] * 5 + ["wait"] * 5,
    }
    events = pd.DataFrame(types)
    events.to_csv(folder / "events.tsv", sep="\t", index=False)
    confounds = pd.DataFrame({"move x": rng.normal(size=80), "move y": rng.normal(size=80)})
    confounds.to_csv(folder / "confounds.tsv", sep="\t", index=False)
    nib.save(nib.Nifti1Image(head.astype(np.uint8), AFFINE), folder / "mask.nii.gz")
    return folder


def _fit(run, out, *options, contrast="go"):
    words = [run / "bold.nii.gz", "--events", run / "events.tsv", "--contrast", contrast, "--out", out, *options]
    return main(["fit", *map(str, words)])


def _contents(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


# What is written ------------------------------------------------------------------------------------------------------


def test_weights_are_a_contrast_too(run, tmp_path, capsys):
    for folder, contrast in (("named", "wait - go"), ("typed", "-1 1 0"), ("both", "[-1, 1, 0]")):
        assert _fit(run, tmp_path / folder, "--drift", "none", contrast=contrast) == 0
    named, typed, both = (
        nib.load(next((tmp_path / folder).glob("*z*.nii.gz"))).get_fdata() for folder in ("named", "typed", "both")
    )
    np.testing.assert_array_equal(typed, named)
    np.testing.assert_array_equal(both, named)
    assert _fit(run, tmp_path / "short", "--drift", "none", contrast="[1 -1]") == 2
    assert "2 weights for 3 columns; give one for each of go, wait, constant" in capsys.readouterr().err


@pytest.mark.parametrize("options", [(), ("--noise", "evidence")])
def test_noise_by_evidence_is_the_default_and_stored_by_its_name(run, tmp_path, capsys, options):
    """What was chosen is said, and the settings that were written repeat it."""
    assert _fit(run, tmp_path / "chosen", *options) == 0
    said = capsys.readouterr().out
    chosen = Settings.load(tmp_path / "chosen" / "settings.json").noise
    assert (chosen.model, chosen.pooling, chosen.choice) == ("ar1-reml", None, "evidence")
    assert "Noise      ARMA(1,1) raises twice the log likelihood of AR(1) by" in said
    assert "noise AR(1) REML (by evidence)" in said
    again = ["fit", "--settings", tmp_path / "chosen" / "settings.json", "--out", tmp_path / "again"]
    assert main(list(map(str, again))) == 0
    assert "raises twice" not in capsys.readouterr().out
    first, second = (_contents(tmp_path / name) for name in ("chosen", "again"))
    assert all(first[name] == second[name] for name in first if name.endswith((".nii.gz", ".tsv")))


def test_the_help_says_that_evidence_is_the_default(capsys):
    with pytest.raises(SystemExit):
        main(["fit", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert "(default: evidence)" in told[told.index("--noise NAME covariance") :][:300]


def test_maps_are_those_of_ordinary_least_squares_by_dense_algebra(run, tmp_path, capsys):
    out = tmp_path / "deep" / "out"
    assert _fit(run, out, "--noise", "ols", "--scaling", "none", "--mask", run / "mask.nii.gz") == 0
    bold = nib.load(run / "bold.nii.gz")
    mask = nib.load(run / "mask.nii.gz").get_fdata() > 0
    maps = {name: nib.load(out / f"{name}.nii.gz") for name in ("z", "t", "p", "effect", "variance", "mask")}
    for name, img in maps.items():
        assert img.shape == (12, 12, 8), name
        np.testing.assert_array_equal(img.affine, bold.affine)
        assert img.header["sform_code"] == 1, name
        assert img.header.get_xyzt_units()[0] == "mm"
        assert img.get_data_dtype() == (np.uint8 if name == "mask" else np.float64), name
        outside = img.get_fdata()[~mask]
        assert (outside == (1 if name == "p" else 0)).all(), name
    np.testing.assert_array_equal(maps["mask"].get_fdata() > 0, mask)

    x = pd.read_csv(out / "design_matrix.tsv", sep="\t")
    y = bold.get_fdata()[mask].T
    c = (x.columns == "go").astype(float)
    beta, rss, *_ = np.linalg.lstsq(x.to_numpy(), y, rcond=None)
    dof = 80 - x.shape[1]
    variance = rss / dof * (c @ np.linalg.inv(x.T @ x) @ c)
    t = c @ beta / np.sqrt(variance)
    # The run is held in single precision, as int16 it is exact there; what differs is the order of the sums.
    for name, expected in {
        "effect": c @ beta,
        "variance": variance,
        "t": t,
        "p": 2 * stats.t.sf(np.abs(t), dof),  # two-sided, as its threshold
        "z": np.where(t > 0, stats.norm.isf(stats.t.sf(t, dof)), stats.norm.ppf(stats.t.cdf(t, dof))),
    }.items():
        np.testing.assert_allclose(maps[name].get_fdata()[mask], expected, rtol=1e-7, atol=1e-9, err_msg=name)
    said = capsys.readouterr().out
    assert f"t test with {dof} degrees of freedom" in said
    assert f"{mask.sum()} voxels" in said


def test_the_settings_repeat_every_byte(run, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    options = ["--smoothing", "5", "--confounds", str(run / "confounds.tsv"), "--hrf", "glover", "--two-sided"]
    assert _fit(run, first, *options, "--threshold", "fdr", "--alpha", "0.05", "--cluster-size", "3") == 0
    assert main(["fit", "--settings", str(first / "settings.json"), "--out", str(second)]) == 0
    assert _contents(first) == _contents(second)
    assert {"z.nii.gz", "t.nii.gz", "p.nii.gz", "effect.nii.gz", "variance.nii.gz"} < set(_contents(first))
    assert {"clusters.tsv", "design_matrix.tsv", "settings.json"} < set(_contents(first))
    assert len(pd.read_csv(first / "clusters.tsv", sep="\t")) > 0


def test_settings_hold_resolved_paths_and_the_header_s_t_r(run, tmp_path, monkeypatch):
    monkeypatch.chdir(run)
    words = ["bold.nii.gz", "--events", "events.tsv", "--contrast", "go", "--out", str(tmp_path / "out")]
    assert main(["fit", *words]) == 0
    inputs = json.loads((tmp_path / "out" / "settings.json").read_text())["inputs"]
    assert inputs["bold"] == str(run / "bold.nii.gz")
    assert inputs["events"] == str(run / "events.tsv")
    assert inputs["t_r"] == T_R


def test_a_contrast_may_start_with_a_minus(run, tmp_path):
    words = [run / "bold.nii.gz", "--events", run / "events.tsv", "--contrast=-go", "--out", tmp_path / "out"]
    assert main(["fit", *map(str, words)]) == 0
    assert _fit(run, tmp_path / "plain") == 0
    negative, positive = (nib.load(tmp_path / name / "z.nii.gz").get_fdata() for name in ("out", "plain"))
    np.testing.assert_array_equal(negative, -positive)


def test_options_change_what_the_settings_file_says(run, tmp_path):
    assert _fit(run, tmp_path / "a", "--hrf", "glover", "--alpha", "0.01") == 0
    words = ["--settings", tmp_path / "a" / "settings.json", "--alpha", "0.02", "--out", tmp_path / "b"]
    assert main(["fit", *map(str, words)]) == 0
    settings = Settings.load(tmp_path / "b" / "settings.json")
    assert (settings.design.hrf_model, settings.threshold.alpha) == ("glover", 0.02)


@pytest.mark.parametrize(
    ("options", "path", "value"),
    [
        ("--t-r 2.5", "inputs.t_r", 2.5),
        ("--slice-time-ref 0.5", "inputs.slice_time_ref", 0.5),
        ("--target-affine 3", "inputs.target_affine", ((3.0, 0.0, 0.0), (0.0, 3.0, 0.0), (0.0, 0.0, 3.0))),
        ("--smoothing 6", "data.smoothing_fwhm", 6.0),
        ("--scaling grand", "data.signal_scaling", "grand"),
        ("--condition go", "design.conditions", ("go",)),
        ("--condition go --condition wait", "design.conditions", ("go", "wait")),
        ("--hrf glover", "design.hrf_model", "glover"),
        ("--drift polynomial --drift-order 3", "design.drift_order", 3),
        ("--drift polynomial", "design.drift_model", "polynomial"),
        ("--high-pass 0.008", "design.high_pass", 0.008),
        ("--min-onset -10", "design.min_onset", -10.0),
        ("--noise ols", "noise.model", "ols"),
        ("--threshold bonferroni", "threshold.height_control", "bonferroni"),
        ("--threshold fixed --threshold-value 2.5", "threshold.value", 2.5),
        ("--one-sided", "threshold.two_sided", False),
        ("--one-sided --two-sided", "threshold.two_sided", True),
        ("--cluster-size 7", "threshold.cluster_size", 7),
        ("--min-distance 12", "threshold.min_distance", 12.0),
    ],
)
def test_each_option_writes_its_setting(run, tmp_path, options, path, value):
    assert _fit(run, tmp_path / "out", *options.split()) == 0
    assert Settings.load(tmp_path / "out" / "settings.json").get(path) == value


def test_fir_delays_and_chosen_confounds(run, tmp_path):
    options = [
        "--hrf",
        "fir",
        "--fir-delays",
        "0,1,2",
        "--confounds",
        str(run / "confounds.tsv"),
        "--confound",
        "move y",
    ]
    assert _fit(run, tmp_path / "out", *options, contrast="go_delay_1 - wait_delay_1") == 0
    columns = list(pd.read_csv(tmp_path / "out" / "design_matrix.tsv", sep="\t"))
    assert {"go_delay_0", "go_delay_1", "go_delay_2", "move y", "constant"} < set(columns)
    assert "move x" not in columns


def test_of_a_whole_table_of_fmriprep_the_terminal_takes_what_the_explorer_does(run, tmp_path, capsys):
    rng = np.random.default_rng(1)
    names = [f"{kind}_{axis}" for kind in ("trans", "rot") for axis in "xyz"]
    table = pd.DataFrame({name: rng.normal(size=80) for name in [*names, "csf", "cosine00", "framewise_displacement"]})
    table.loc[0, "framewise_displacement"] = np.nan
    table.to_csv(tmp_path / "confounds.tsv", sep="\t", index=False, na_rep="n/a")
    given = ("--confounds", str(tmp_path / "confounds.tsv"))
    assert _fit(run, tmp_path / "a", *given) == 0
    assert "of 9 columns; --confound NAME chooses others" in capsys.readouterr().out
    columns = list(pd.read_csv(tmp_path / "a" / "design_matrix.tsv", sep="\t"))
    analysis = Analysis(open_run(run / "bold.nii.gz", run / "events.tsv", confounds=tmp_path / "confounds.tsv"))
    assert columns == list(analysis.design(analysis.default_settings()).columns)
    assert set(names) < set(columns)
    assert not {"csf", "cosine00", "framewise_displacement"} & set(columns)
    assert _fit(run, tmp_path / "b", *given, "--confound", "csf") == 0
    assert "csf" in pd.read_csv(tmp_path / "b" / "design_matrix.tsv", sep="\t")
    # Settings of earlier versions that name none take all, as they did.
    everything = json.loads((tmp_path / "a" / "settings.json").read_text())
    everything["design"]["confounds"] = None
    (tmp_path / "all.json").write_text(json.dumps(everything))
    assert main(["fit", "--settings", str(tmp_path / "all.json"), "--out", str(tmp_path / "c")]) == 0
    assert "csf" in pd.read_csv(tmp_path / "c" / "design_matrix.tsv", sep="\t")


def test_an_f_contrast_writes_f_and_a_volume_per_row_and_takes_the_t_map_away(run, tmp_path, capsys):
    out = tmp_path / "out"
    assert _fit(run, out) == 0
    assert _fit(run, out, "--one-sided", "--overwrite", contrast="go; wait") == 0
    dof = 80 - pd.read_csv(out / "design_matrix.tsv", sep="\t").shape[1]
    assert f"F test with 2 and {dof} degrees of freedom" in capsys.readouterr().out
    assert (out / "F.nii.gz").exists()
    assert not (out / "t.nii.gz").exists()
    assert nib.load(out / "effect.nii.gz").shape == nib.load(out / "variance.nii.gz").shape == (12, 12, 8, 2)


def test_one_event_type_needs_no_contrast(run, tmp_path, capsys):
    words = [run / "bold.nii.gz", "--events", run / "events.tsv", "--out", tmp_path / "out"]
    assert main(["fit", *map(str, words), "--condition", "go"]) == 0
    assert Settings.load(tmp_path / "out" / "settings.json").contrast.expression == "go"
    assert main(["fit", *map(str, words)]) == 2
    assert "event types are go, wait" in capsys.readouterr().err


def test_a_design_that_was_made_elsewhere_is_fitted(run, tmp_path, capsys):
    assert _fit(run, tmp_path / "events", "--noise", "ols") == 0
    design = pd.read_csv(tmp_path / "events" / "design_matrix.tsv", sep="\t")
    table = tmp_path / "design.csv"
    design.rename(columns={"go": "task"}).to_csv(table, index=False, float_format="%.17g")
    out = tmp_path / "out"
    words = ["fit", run / "bold.nii.gz", "--design", table, "--noise", "ols", "--out", out]
    assert main([*map(str, words)]) == 2
    assert "say what to test" in (said := capsys.readouterr().err)
    assert "the columns are task, wait" in said
    assert main([*map(str, words), "--contrast", "task"]) == 0
    assert "given design matrix" in capsys.readouterr().out
    mine, elsewhere = (nib.load(tmp_path / name / "z.nii.gz").get_fdata() for name in ("out", "events"))
    np.testing.assert_allclose(mine, elsewhere, atol=1e-9)
    again = ["fit", "--settings", out / "settings.json", "--leave-out", "wait", "--out", tmp_path / "without"]
    assert main([*map(str, again)]) == 0
    columns = pd.read_csv(tmp_path / "without" / "design_matrix.tsv", sep="\t").columns
    assert "wait" not in columns
    assert main([*map(str, words), "--contrast", "task", "--hrf", "glover"]) == 2
    assert "--hrf: has no effect where design matrix is given" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--threshold", "fixed", "--threshold-value", "2"), "no p value of clusters is given above z = 2:"),
        (("--threshold", "fpr", "--alpha", "0.05"), "no p value of clusters is given above z = 1.96:"),
        (("--threshold", "ptfce"), "clusters of pTFCE have no p value for their size"),
    ],
)
def test_p_of_clusters_that_no_map_can_have_is_refused_before_the_fit(run, tmp_path, capsys, monkeypatch, options, why):
    monkeypatch.setattr(Analysis, "result", lambda *_: pytest.fail("it was fitted"))
    assert _fit(run, tmp_path / "out", "--two-sided", *options, "--cluster-p", "rft") == 2
    assert re.search(rf"--cluster-p.*{re.escape(why)}", capsys.readouterr().err)
    assert not (tmp_path / "out").exists()


def test_an_atlas_to_download_is_had_before_the_fit(run, tmp_path, capsys, monkeypatch):
    asked = []
    monkeypatch.setattr(fit, "atlas_file", lambda name, space: asked.append((name, space)) or "nowhere.nii.gz")
    monkeypatch.setattr(Analysis, "result", lambda *_: pytest.fail("it was fitted"))
    assert _fit(run, tmp_path / "out", "--atlas", "schaefer:400") == 2
    assert asked == [("schaefer:400", None)]
    assert "nowhere.nii.gz" in capsys.readouterr().err


def test_the_cluster_image_and_table_speak_of_the_same_clusters(run, tmp_path, capsys):
    out = tmp_path / "out"
    assert _fit(run, out, "--threshold", "fixed", "--threshold-value", "3", "--one-sided") == 0
    table = pd.read_csv(out / "clusters.tsv", sep="\t", dtype={"cluster_id": str})
    labels = nib.load(out / "clusters.nii.gz")
    z = nib.load(out / "z.nii.gz").get_fdata()
    numbers = np.asarray(labels.dataobj)
    main_rows = table[table["cluster_id"].str.isdigit()]
    assert len(main_rows) == numbers.max() > 0
    voxel_volume = abs(np.linalg.det(AFFINE[:3, :3]))
    for _, row in main_rows.iterrows():
        cluster = numbers == int(row["cluster_id"])
        assert row["n_voxels"] == cluster.sum()
        assert row["volume_mm3"] == round(cluster.sum() * voxel_volume, 2)
        assert row["peak_z"] == round(z[cluster].max(), 4)
        ijk = np.rint(np.linalg.solve(AFFINE, [row["x"], row["y"], row["z"], 1])[:3]).astype(int)
        assert round(z[tuple(ijk)], 4) == row["peak_z"]
    assert ((z > 3) == (numbers > 0)).all()
    assert f"{len(main_rows)} cluster" in capsys.readouterr().out


# Whole or not at all --------------------------------------------------------------------------------------------------


def _errors(capsys):
    """What was said beside warnings: that the automatic mask thins a run of six slices."""
    return [line for line in capsys.readouterr().err.splitlines() if "warning: the automatic mask" not in line]


def test_a_failed_fit_leaves_earlier_results_and_other_files_alone(run, tmp_path, capsys):
    out = tmp_path / "out"
    assert _fit(run, out) == 0
    (out / "notes.txt").write_text("mine")
    before = _contents(out)
    assert _fit(run, out, "--overwrite", contrast="go - nowhere") == 2
    assert _contents(out) == before
    (error,) = _errors(capsys)
    assert error.startswith("glmwidgets fit: error: ")
    assert "nowhere" in error
    assert _fit(run, out, "--hrf", "glover", "--overwrite") == 0
    assert _contents(out)["notes.txt"] == b"mine"
    assert _contents(out)["z.nii.gz"] != before["z.nii.gz"]


def test_a_disk_that_fails_half_way_leaves_everything_as_it_was(run, tmp_path, monkeypatch, capsys):
    out, fresh = tmp_path / "out", tmp_path / "fresh"
    assert _fit(run, out) == 0
    before = _contents(out)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    assert _fit(run, out, "--hrf", "glover", "--overwrite") == 2
    assert _fit(run, fresh) == 2
    assert "no space left" in capsys.readouterr().err
    assert _contents(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_files_that_cannot_be_moved_in_are_moved_back_out(tmp_path, monkeypatch):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "a.txt").write_text("old a")
    (folder / "b.txt").write_text("old b")
    rename = Path.rename

    def failing(self, target):
        if self.name == "b.txt" and self.parent.name == "new":
            raise OSError("the disk is gone")
        return rename(self, target)

    def write():
        with whole_folder(folder, ["a.txt", "b.txt"], overwrite=True) as new:
            (new / "a.txt").write_text("new a")
            (new / "b.txt").write_text("new b")

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="disk is gone"):
        write()
    assert _contents(folder) == {"a.txt": b"old a", "b.txt": b"old b"}


def test_a_folder_that_cannot_be_written_is_refused_before_any_work(run, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        assert main(["fit", str(tmp_path / "no.nii"), "--out", str(out)]) == 2
        assert f"{tmp_path / 'file'} is a file, not a folder" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="sends a signal as a scheduler does")
def test_a_polite_kill_ends_a_fit_like_ctrl_c(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("glmwidgets.cli.fit.write_result", lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM))
    assert _fit(run, tmp_path / "out") == 130
    assert _errors(capsys) == ["glmwidgets fit: error: interrupted"]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


# What is said ---------------------------------------------------------------------------------------------------------


def test_help_names_every_choice_of_every_table(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["fit", "--help"])
    shown = capsys.readouterr().out
    words = set(shown.replace("{", " ").replace("}", " ").replace(",", " ").split())
    for table in (DRIFTS, NOISE_MODELS, THRESHOLDS, SCALINGS):
        assert set(table) <= words
    assert all(name in " ".join(shown.split()) for name in HRFS)
    assert all(option.flag in words for known in Settings.known().values() for option in known.options)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["frob"], "invalid choice: 'frob'"),
        (["fit"], "the following arguments are required: --out"),
        (
            ["fit", "x.nii", "--out", "o", "--drift", "pink"],
            "--drift: must be one of 'cosine', 'polynomial', 'none', not 'pink'",
        ),
        (["fit", "x.nii", "--out", "o", "--threshold", "FDR"], "not 'FDR'; did you mean 'fdr'?"),
        (["fit", "x.nii", "--out", "o", "--t-r", "two"], "--t-r: invalid float value: 'two'"),
        (["fit", "x.nii", "--out", "o", "--conrtast", "go"], "--conrtast go; did you mean '--contrast'?"),
        (["fit", "x.nii", "--out", "o", "--smooth", "5"], "--smooth 5; did you mean '--smoothing'?"),
        (["fit", "x.nii", "--out", "o", "--hrf-model", "spm"], "--hrf-model spm; did you mean '--hrf'?"),
        (["fit", "x.nii", "y", "--out", "o"], "unrecognized arguments: y (see"),
    ],
)
def test_a_mistyped_command_is_one_line_and_exit_code_2(words, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    error = capsys.readouterr().err
    assert stopped.value.code == 2
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--high-pass -1", "--high-pass: must be at least 0"),
        ("--alpha 1.5", "--alpha: must be"),
        ("--hrf gloover", "'glover'"),
        ("--noise pink", "--noise: noise_model must be"),
        ("--smoothing 400", "--smoothing: must be"),
        ("--condition walk", "no event is of type walk; there are go, wait"),
    ],
)
def test_an_unusable_value_is_named_by_its_option(run, tmp_path, options, message, capsys):
    assert _fit(run, tmp_path / "out", *options.split()) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--high-pass", "--confound", "--design"])
def test_too_many_columns_are_told_beside_the_option_that_brings_them(run, tmp_path, option, capsys):
    table = pd.DataFrame(np.random.default_rng(1).standard_normal((80, 80))).add_prefix("x")
    table.to_csv(tmp_path / "design.tsv", sep="\t", index=False)
    table.iloc[:, :78].to_csv(tmp_path / "confounds.tsv", sep="\t", index=False)
    more = {
        "--high-pass": ["--events", run / "events.tsv", "--high-pass", 0.25, "--contrast", "go"],
        "--confound": ["--events", run / "events.tsv", "--confounds", tmp_path / "confounds.tsv", "--contrast", "go"],
        "--design": ["--design", tmp_path / "design.tsv", "--contrast", "x1"],
    }[option]
    more += [f"--confound=x{i}" for i in range(78)] if option == "--confound" else []
    assert main(["fit", *map(str, [run / "bold.nii.gz", *more, "--out", tmp_path / "out"])]) == 2
    assert capsys.readouterr().err.endswith(
        f"error: {option}: the design has 80 independent columns for 80 scans, which leaves no degree of freedom; "
        "use fewer columns: fewer confounds, a lower high-pass cut-off, fewer delays\n"
    )


def test_a_fit_without_an_image_says_how_one_is_named(tmp_path, capsys):
    assert main(["fit", "--out", str(tmp_path / "out")]) == 2
    assert "glmwidgets fit BOLD.nii.gz" in capsys.readouterr().err


def test_no_command_shows_them_all(capsys):
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(about in shown for _, about in COMMANDS.values())


def test_the_installed_command_runs(run, tmp_path):
    command = Path(sys.executable).with_name("glmwidgets")
    words = [run / "bold.nii.gz", "--events", run / "events.tsv", "--contrast", "go - wait", "--out", tmp_path / "out"]
    done = subprocess.run([command, "fit", *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "leaves out 2 of the 6 planes along k" in done.stderr
    assert "error" not in done.stderr
    assert "go - wait" in done.stdout


# The tour -------------------------------------------------------------------------------------------------------------


def test_the_tour_is_reused_until_it_is_edited(tmp_path):
    wanted = tmp_path / "demo"
    first = tour_folder(wanted)
    assert (first / TOUR).read_bytes() == tour_source().read_bytes()
    notebook = json.loads((first / TOUR).read_text())
    notebook["cells"][0]["execution_count"] = 3  # running is not editing
    (first / TOUR).write_text(json.dumps(notebook))
    assert tour_folder(wanted) == first
    notebook["cells"][0]["source"] = "my own work"
    edited = json.dumps(notebook)
    (first / TOUR).write_text(edited)
    assert tour_folder(wanted) == tmp_path / "demo-2"
    assert (first / TOUR).read_text() == edited


def test_another_run_gets_another_folder(tmp_path):
    wanted = tmp_path / "demo"
    assert tour_folder(wanted) == wanted
    own = {"bold": "/a.nii", "events": "/e.tsv", "t_r": 2.0}
    assert tour_folder(wanted, own) == tmp_path / "demo-2"
    assert tour_folder(wanted, own) == tmp_path / "demo-2"
    assert tour_folder(wanted, {**own, "t_r": 3.0}) == tmp_path / "demo-3"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--t-r", "2"], "--t-r needs a run of your own"),
        (["bold.nii.gz"], "name the events, too"),
        (["no such.nii.gz", "no.tsv"], "no such.nii.gz"),
    ],
)
def test_a_demo_that_cannot_be_says_so_and_makes_no_folder(words, message, tmp_path, monkeypatch, capsys):
    pytest.importorskip("jupyterlab")
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--no-browser", *words]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_without_jupyterlab_the_command_that_installs_it_is_named(monkeypatch, capsys):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "jupyterlab" else find(name))
    assert main(["lab"]) == 2
    assert '-m pip install "jupyterlab>=' in capsys.readouterr().err


def test_a_taken_port_is_refused_when_it_was_asked_for(tmp_path, monkeypatch, capsys):
    pytest.importorskip("jupyterlab")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["lab", str(tmp_path), "--no-browser", "--port", str(port)]) == 2
    assert f"cannot listen on port {port}" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="sends a signal as a terminal does")
def test_the_demo_serves_the_tour_on_a_run_of_one_s_own_until_it_is_stopped(run, tmp_path):
    pytest.importorskip("jupyterlab")
    words = ["demo", run / "bold.nii.gz", run / "events.tsv", "--no-browser"]
    command = [sys.executable, "-c", "import sys, glmwidgets.cli; sys.exit(glmwidgets.cli.main())", *map(str, words)]
    # A shell without job control has what it leaves in the background ignore the signal, and that is inherited.
    how = {"start_new_session": True, "preexec_fn": lambda: signal.signal(signal.SIGINT, signal.default_int_handler)}
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, **how) as process:
        try:
            lines = []
            for line in process.stdout:
                lines.append(line)
                if "Ctrl+C" in line:
                    break
            said = "".join(lines)
            (url,) = [word for word in said.split() if word.startswith("http")]
            assert "Shift+Enter" in said
            base, _, token = url.partition("/doc/tree/00_tour.ipynb?token=")
            request = urllib.request.Request(f"{base}/api/contents/{TOUR}", headers={"Authorization": f"token {token}"})
            served = json.load(urllib.request.urlopen(request, timeout=30))
            assert "gw.explore(" in "".join(served["content"]["cells"][0]["source"])
            with pytest.raises(urllib.error.HTTPError, match="403"):
                urllib.request.urlopen(f"{base}/api/contents/{TOUR}", timeout=30)
        finally:
            process.send_signal(signal.SIGINT)
            rest = process.communicate(timeout=60)[0]
    assert process.returncode == 0
    assert "JupyterLab has stopped." in rest
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(base, timeout=5)
    from glmwidgets.datasets import demo_run

    own = demo_run(tmp_path / "glmwidgets-demo")
    assert (own.img, own.events, own.t_r) == (str(run / "bold.nii.gz"), str(run / "events.tsv"), T_R)
