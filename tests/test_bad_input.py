"""Input that cannot be right: one clear message through the functions and through the command line, nothing written."""

import gzip
import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

import glmwidgets as gw
from glmwidgets.cli import main
from glmwidgets.session.core.graph import StageError

T_R = 2.0
SHAPE = (8, 8, 6, 40)


def _bold(folder, data=None, t_r=T_R, name="bold.nii.gz"):
    data = np.random.default_rng(1).normal(1000, 10, SHAPE).astype(np.float32) if data is None else data
    img = nib.Nifti1Image(data, np.diag([3.0, 3, 3, 1]))
    if data.ndim == 4:
        img.header.set_zooms((3, 3, 3, t_r))
        img.header.set_xyzt_units("mm", "sec")
    nib.save(img, folder / name)


def _table(folder, name, **columns):
    pd.DataFrame(columns).to_csv(folder / name, sep="\t", index=False)


@pytest.fixture
def inputs(tmp_path):
    """A sound run; each case below spoils one thing of it."""
    folder = tmp_path / "run"
    folder.mkdir()
    _bold(folder)
    _table(folder, "events.tsv", onset=[0.0, 20, 40], duration=10.0, trial_type=["go", "wait", "go"])
    nib.save(nib.Nifti1Image(np.ones(SHAPE[:3], np.uint8), np.diag([3.0, 3, 3, 1])), folder / "mask.nii.gz")
    return folder


def _scans(folder, spoil):
    data = np.random.default_rng(1).normal(1000, 10, SHAPE).astype(np.float32)
    spoil(data)
    _bold(folder, data)


def _truncated(folder):
    path = folder / "bold.nii.gz"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _events(folder, **columns):
    _table(folder, "events.tsv", **columns)


GO = {"duration": 10.0, "trial_type": "go"}

# What is spoiled, options that go with it, and what the message must name.
CASES = {
    "missing image": (lambda f: (f / "bold.nii.gz").unlink(), {}, ["no such image", "bold.nii.gz"]),
    "missing events": (lambda f: (f / "events.tsv").unlink(), {}, ["events.tsv", "no such file"]),
    "missing mask": (lambda f: (f / "mask.nii.gz").unlink(), {}, ["mask.nii.gz"]),
    "missing confounds": (lambda f: None, {"confounds": "confounds.tsv"}, ["confounds.tsv", "no such file"]),
    "an image that is a text": (lambda f: (f / "bold.nii.gz").write_text("hello"), {}, ["bold.nii.gz"]),
    "an empty image": (lambda f: (f / "bold.nii.gz").write_bytes(b""), {}, ["bold.nii.gz", "empty"]),
    "a 3-D image": (lambda f: _bold(f, np.ones(SHAPE[:3], np.float32)), {}, ["bold.nii.gz", "3-D", "4-D"]),
    "a truncated image": (_truncated, {}, ["bold.nii.gz", "cut short"]),
    "no TR in the header": (
        lambda f: _bold(f, t_r=0),
        {},
        ["bold.nii.gz", "time between scans", "seconds, such as --t-r 2|seconds, such as t_r=2"],
    ),
    "a TR of zero": (lambda f: None, {"t_r": 0.0}, ["t_r|--t-r", "above 0|positive"]),
    "a TR in milliseconds": (lambda f: None, {"t_r": 2000.0}, ["2000", "milliseconds"]),
    "all NaN": (lambda f: _scans(f, lambda d: d.fill(np.nan)), {}, ["bold.nii.gz", "nothing but NaN"]),
    "all constant": (lambda f: _scans(f, lambda d: d.fill(7)), {}, ["bold.nii.gz", "same value"]),
    "a scan of NaN": (
        lambda f: _scans(f, lambda d: d[..., 5].fill(np.nan)),
        {},
        ["bold.nii.gz", "NaN", "1 of its 40 volumes", ": 5;"],
    ),
    "constant scans": (
        lambda f: _scans(f, lambda d: d[..., 3:5].fill(0)),
        {},
        ["bold.nii.gz", "same value", ": 3, 4;"],
    ),
    "events without onset": (lambda f: _events(f, start=[0.0], **GO), {}, ["events.tsv", "'onset'", "start"]),
    "events without duration": (lambda f: _events(f, onset=[0.0], trial_type="go"), {}, ["events.tsv", "'duration'"]),
    "an onset that is no number": (
        lambda f: _events(f, onset=["0", "ten"], **GO),
        {},
        ["events.tsv", "'ten'", "line 3"],
    ),
    "no onset at all": (lambda f: _events(f, onset=[np.nan] * 2, **GO), {}, ["events.tsv", "onset", "lines 2, 3"]),
    "a negative duration": (
        lambda f: _events(f, onset=[0.0, 30], duration=[10.0, -1], trial_type="go"),
        {},
        ["events.tsv", "duration", "line 3"],
    ),
    "onsets in milliseconds": (
        lambda f: _events(f, onset=[0.0, 20_000, 40_000], duration=10_000.0, trial_type=["go", "wait", "go"]),
        {},
        ["onsets look like milliseconds", "1000"],
    ),
    "an event type that is never in the run": (
        lambda f: _events(f, onset=[0.0, 500.0], duration=10.0, trial_type=["go", "late"]),
        {},
        ["late", "80"],
    ),
    "a contrast of no column": (lambda f: None, {"contrast": "go - wiat"}, ["wiat", "wait"]),
    "a contrast that is no expression": (lambda f: None, {"contrast": "go -"}, ["missing after '-'"]),
    "a contrast of zeros": (lambda f: None, {"contrast": "go - go"}, ["go"]),
    "image and table swapped": (
        lambda f: None,
        {"bold": "events.tsv", "events": "bold.nii.gz"},
        ["events.tsv is a table, not an image: are the image and the table swapped?"],
    ),
    "an image as events": (lambda f: None, {"events": "bold.nii.gz"}, ["bold.nii.gz: it is an image, not a table"]),
    "an image as confounds": (lambda f: None, {"confounds": "mask.nii.gz"}, ["mask.nii.gz: it is an image, not a"]),
    "a table as mask": (lambda f: None, {"mask": "events.tsv"}, ["events.tsv is a table, not an image"]),
    "a mask of another grid": (
        lambda f: nib.save(nib.Nifti1Image(np.ones((5, 5, 5), np.uint8), np.eye(4)), f / "mask.nii.gz"),
        {},
        ["mask.nii.gz"],
    ),
    "an empty mask": (
        lambda f: nib.save(nib.Nifti1Image(np.zeros(SHAPE[:3], np.uint8), np.diag([3.0, 3, 3, 1])), f / "mask.nii.gz"),
        {},
        ["mask"],
    ),
    "confounds of another length": (
        lambda f: _table(f, "confounds.tsv", x=np.arange(30.0)),
        {"confounds": "confounds.tsv"},
        ["confounds", "30", "40"],
    ),
    "confounds with a hole": (
        lambda f: _table(f, "confounds.tsv", x=[np.nan, *np.arange(39.0)]),
        {"confounds": "confounds.tsv"},
        ["confounds", "x"],
    ),
}


def _assert_names(message, named):
    for alternatives in named:
        assert any(word in message for word in alternatives.split("|")), f"{alternatives!r} is not in {message!r}"


def _files(folder, options):
    paths = {"bold": "bold.nii.gz", "events": "events.tsv", "mask": "mask.nii.gz", **options}
    return {
        key: str(folder / value) if key in ("bold", "events", "mask", "confounds") else value
        for key, value in paths.items()
    }


@pytest.mark.parametrize(("spoil", "options", "named"), CASES.values(), ids=list(CASES))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_command_line_says_what_is_wrong_in_one_line_and_writes_nothing(inputs, spoil, options, named, capsys):
    spoil(inputs)
    given = {"contrast": "go", **_files(inputs, options)}
    words = [given.pop("bold"), "--out", str(inputs.parent / "out")]
    for name, value in given.items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    assert main(["fit", *words]) == 2
    said = capsys.readouterr()
    errors = [line for line in said.err.splitlines() if line.startswith("glmwidgets fit: error: ")]
    assert len(errors) == 1
    assert said.out == ""
    assert "Traceback" not in said.err
    _assert_names(errors[0], named)
    assert [path.name for path in inputs.parent.iterdir()] == ["run"]


@pytest.mark.parametrize(("spoil", "options", "named"), CASES.values(), ids=list(CASES))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_functions_raise_what_the_command_line_says(inputs, spoil, options, named):
    spoil(inputs)
    given = _files(inputs, options)
    contrast = given.pop("contrast", "go")

    def fit():
        run = gw.open_run(given.pop("bold"), **given)
        gw.Analysis(run).result(gw.Settings().updated({"contrast.expression": contrast}))

    with pytest.raises((ValueError, OSError, StageError)) as raised:
        fit()
    _assert_names(str(raised.value), named)
    if isinstance(raised.value, StageError):
        assert isinstance(raised.value.cause, ValueError | OSError)


def test_a_table_in_memory_in_the_place_of_the_image(inputs):
    events, img = pd.read_csv(inputs / "events.tsv", sep="\t"), nib.load(inputs / "bold.nii.gz")
    for fit in (gw.open_run, gw.explore, gw.FirstLevelModel(2.0).fit):
        with pytest.raises(TypeError, match="not DataFrame; are the image and the table swapped"):
            fit(events, img)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (None, ["no settings file", "settings.json"]),
        ("{", ["settings.json", "not valid JSON"]),
        ("{}", ["settings.json", "not a settings file"]),
        (json.dumps({"format": "glmwidgets settings", "version": 99}), ["settings.json", "version 99"]),
        (
            json.dumps({"format": "glmwidgets settings", "version": 1, "noise": {"modle": "ols"}}),
            ["settings.json", "noise.modle"],
        ),
        (json.dumps({"format": "glmwidgets settings", "version": 1, "noise": {"model": 3}}), ["noise.model", "3"]),
    ],
)
def test_settings_that_cannot_be_read(tmp_path, text, named, capsys):
    if text is not None:
        (tmp_path / "settings.json").write_text(text)
    assert main(["fit", "--settings", str(tmp_path / "settings.json"), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    _assert_names(error, named)
    assert not (tmp_path / "out").exists()


def test_a_gzip_that_ends_early_inside_the_header_is_named(tmp_path):
    path = tmp_path / "bold.nii.gz"
    path.write_bytes(gzip.compress(bytes(1000))[:20])
    with pytest.raises(ValueError, match=r"bold\.nii\.gz"):
        gw.open_run(path, t_r=2.0)
