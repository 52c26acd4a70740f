"""Our own JSON files with anything wrong in them: refused with the file's name, or opened with all that is right."""

import copy
import json
import random
import warnings

import nibabel as nib
import numpy as np
import pytest

from glmwidgets.files.json_tree import JsonTree, converted
from glmwidgets.report.exports.stats_model_read import read_stats_model
from glmwidgets.runs.bids import find_run
from glmwidgets.runs.opening import open_run
from glmwidgets.session.group.data import open_group
from glmwidgets.session.group.session import GroupSession
from glmwidgets.session.group.store import load_group_session, save_group_session
from glmwidgets.session.several.runs import RunSet
from glmwidgets.session.several.store import load_runs, save_runs
from glmwidgets.session.single.session import Session
from glmwidgets.session.single.store import load_session, save_session
from glmwidgets.specification.fixed import FixedSettings
from glmwidgets.specification.group import GroupSettings
from glmwidgets.specification.settings import Settings

ABSENT = object()
DEEP = json.loads("[" * 300 + "]" * 300)
LONG = 10**400
WRONG = [
    *(None, "x", -5, 1e308, float("nan"), LONG, True, [], {}, [None], {"a": [{}]}, "\ud800", "../\0x", DEEP, ABSENT),
    *([1, 2, 3], ["x", "y"]),
]
SESSIONS = {
    "run": lambda path: load_session(path, synchronous=True),
    "runs": lambda path: load_runs(path, synchronous=True).close(),
    "group": lambda path: load_group_session(path, synchronous=True),
}
SETTINGS = {"run": Settings, "group": GroupSettings, "fixed": FixedSettings}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A saved session of each kind, as a tree."""
    folder, rng = tmp_path_factory.mktemp("saved"), np.random.default_rng(0)
    runs, mask = [], folder / "mask.nii"
    nib.save(nib.Nifti1Image(np.ones((6, 6, 5), dtype=np.uint8), np.eye(4)), mask)
    for name in ("one", "two"):
        path = folder / f"{name}_bold.nii.gz"
        nib.save(nib.Nifti1Image(100 + rng.normal(size=(6, 6, 5, 40)).astype(np.float32), np.eye(4)), path)
        events = folder / f"{name}_events.tsv"
        events.write_text("onset\tduration\ttrial_type\n2\t3\ta\n30\t3\tb\n50\t3\ta\n")
        runs.append(open_run(path, events, 2.0, mask=mask))
    maps = []
    for subject in range(4):
        maps.append(folder / f"sub-{subject:02}_map.nii")
        nib.save(nib.Nifti1Image(rng.normal(size=(6, 6, 5)), np.eye(4)), maps[-1])
    one = Session(runs[0], {"contrast.expression": "a - b"}, synchronous=True)
    one.refresh()
    one.pin()
    one.update({"noise.model": "ols"})
    one.lock_model()
    several = RunSet(runs, {"contrast.expression": "a"}, synchronous=True)
    group = GroupSession(open_group([str(path) for path in maps]), synchronous=True)
    paths = {
        "run": save_session(one, folder / "run.json"),
        "runs": save_runs(several, folder / "runs.json"),
        "group": save_group_session(group, folder / "group.json"),
    }
    several.close()
    return {kind: json.loads(path.read_text(encoding="utf-8")) for kind, path in paths.items()}


def places(tree, at=()):
    """Every place in a tree; of lists the first two."""
    yield at
    parts = tree.items() if isinstance(tree, dict) else enumerate(tree[:2]) if isinstance(tree, list) else ()
    for name, part in parts:
        yield from places(part, (*at, name))


def spoiled(tree, at, value):
    tree = copy.deepcopy(tree)
    *way, last = at
    inner = tree
    for name in way:
        inner = inner[name]
    if value is ABSENT:
        del inner[last]
    else:
        inner[last] = value
    return tree


def spoilings(tree, n):
    """Some of all places with a wrong value each, the same in every run."""
    choose = random.Random(0)
    return [(at, choose.choice(WRONG)) for at in choose.choices([at for at in places(tree) if at], k=n)]


def refusal(opened):
    """What is said where something is refused; another error is a fault."""
    try:
        opened()
    except (ValueError, FileNotFoundError) as error:
        return str(error)
    return "opened: spoiled.json"


@pytest.mark.parametrize("kind", SESSIONS)
def test_a_session_with_anything_wrong_opens_or_is_refused_by_its_name(saved, tmp_path, kind):
    path = tmp_path / "spoiled.json"
    for at, value in spoilings(saved[kind], 70):
        path.write_text(json.dumps(spoiled(saved[kind], at, value)), encoding="utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            said = refusal(lambda: SESSIONS[kind](path))
        assert "spoiled.json" in said, (at, value, said)


@pytest.mark.parametrize("kind", SETTINGS)
def test_settings_with_anything_wrong_are_refused_by_their_place(kind):
    tree = SETTINGS[kind]().to_dict()
    for at, value in spoilings(tree, 250):
        text = json.dumps({"format": SETTINGS[kind].FORMAT, "version": 1, **spoiled(tree, at, value)})
        said = refusal(lambda text=text: SETTINGS[kind].from_json(text, "spoiled.json"))
        assert said.startswith("opened") or str(at[0]) in said, (at, value, said)


DOCUMENT = {
    "Name": "m",
    "Input": {"task": ["a"]},
    "Nodes": [
        {
            "Level": "Run",
            "Transformations": {"Instructions": [{"Name": "Convolve", "Input": ["trial_type.a"], "Model": "spm"}]},
            "Model": {
                "X": ["trial_type.a", 1],
                "Options": {"HighPassFilterCutoffHz": 0.01},
                "Software": [{"glmwidgets": {"noise_model": "ar1", "smoothing_fwhm": 5.0, "high_pass": 0.01}}],
            },
            "Contrasts": [{"Name": "c", "ConditionList": ["trial_type.a"], "Weights": [1], "Test": "t"}],
            "DummyContrasts": {"Test": "t"},
        }
    ],
}


def test_stats_models_with_anything_wrong_are_refused_by_their_name(tmp_path):
    path = tmp_path / "spoiled.json"
    for at, value in spoilings(DOCUMENT, 250):
        path.write_text(json.dumps(spoiled(DOCUMENT, at, value)), encoding="utf-8")
        said = refusal(lambda: read_stats_model(path).model())
        assert "spoiled.json" in said, (at, value, said)


@pytest.mark.parametrize(("name", "value"), [("noise_model", "pink"), ("high_pass", "slow"), ("smoothing_fwhm", -1)])
def test_parameters_of_a_stats_model_are_read_as_settings_are(name, value):
    document = copy.deepcopy(DOCUMENT)
    document["Nodes"][0]["Model"]["Software"][0]["glmwidgets"][name] = value
    with pytest.raises(ValueError, match=r"^the document: .*must be"):
        read_stats_model(document)


SIDECAR = {
    **{"RepetitionTime": 2.0, "SliceTiming": [0, 1], "VolumeTiming": [0, 2, 4], "StartTime": 0.5, "EchoTime": 0.03},
    **{"SliceTimingCorrected": True, "NumberOfVolumesDiscardedByScanner": 0, "Sources": ["x"]},
}
DESCRIPTION = {
    **{"Name": "x", "BIDSVersion": "1.8.0", "DatasetType": "raw", "DatasetLinks": {"raw": "../x"}},
    **{"GeneratedBy": [{"Name": "fMRIPrep"}], "SourceDatasets": [{"URL": "x"}]},
}


def test_sidecars_with_anything_wrong_are_used_or_refused(tmp_path):
    folder = tmp_path / "sub-01" / "func"
    folder.mkdir(parents=True)
    data = 100 + np.random.default_rng(0).normal(size=(4, 4, 4, 20)).astype(np.float32)
    nib.save(nib.Nifti1Image(data, np.eye(4)), folder / "sub-01_task-a_bold.nii")
    sidecar, described = folder / "sub-01_task-a_bold.json", tmp_path / "dataset_description.json"
    for path, tree in ((sidecar, SIDECAR), (described, DESCRIPTION)):
        sidecar.write_text('{"RepetitionTime": 2}')
        for at, value in spoilings(tree, 100):
            path.write_text(json.dumps(spoiled(tree, at, value)), encoding="utf-8")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                said = refusal(lambda: find_run(tmp_path, "01", task="a"))
            assert said.startswith("opened") or "sub-01" in said or path.name in said, (at, value, said)


def test_settings_are_refused_with_all_that_is_wrong_in_them():
    wrong = {"noise": {"model": "pink"}, "design": {"high_pass": "slow", "colour": 1}, "threshold": 5}
    with pytest.raises(ValueError, match=r"colour: there is no such|high_pass: must be a number") as told:
        Settings.from_dict(wrong)
    assert "3 more cannot be used" in str(told.value)
    assert all(place in str(told.value) for place in ("noise.model", "high_pass", "colour", "threshold"))


@pytest.mark.parametrize(
    ("value", "hint", "said"),
    [
        (LONG, float, "must be a number, not a number of more than 18 digits"),
        (-LONG, int, "must be a whole number, not a number of more than 18 digits"),
        (True, int, "must be a whole number, not True"),
        ("\ud800", str, r"must be a text, not '\\ud800'"),
        ([1, "x"], tuple[int, ...], r"must be a list, not \[1, 'x'\]"),
        ([1, 2], tuple[int, int, int], r"must be a list, not \[1, 2\]"),
        ({"a": 1}, dict[str, str], "must be a group, not a group of 1"),
        (None, float, "cannot be empty"),
        ({}, float | None, "must be a number or empty, not a group of 0"),
    ],
)
def test_a_value_of_another_type_is_refused(value, hint, said):
    with pytest.raises(ValueError, match=said):
        converted(value, hint)


def test_what_is_wrong_is_listed_once_with_its_place():
    tree = JsonTree({"a": [{"b": 1}, 5], "c": 2})
    assert [branch.leaf("b", int) for branch in tree.branches("a")] == [1, None]
    assert tree.branch("c").leaf("d", str, "usual") == "usual"  # the group is told of, not what it lacks
    assert tree.leaf("e", float) is None
    with pytest.warns(UserWarning, match="3 things") as told:
        tree.warn("file.json")
    assert str(told[0].message).splitlines() == [
        "file.json: 3 things in it cannot be used, and what is usual stands there instead",
        "  a[1]: must be a group in braces, not 5",
        "  c: must be a group in braces, not 2",
        "  e: is missing",
    ]
