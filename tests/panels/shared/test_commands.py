"""Whatever can be set, shown or kept is found by the words a person would use, and does what it says."""

import csv
import json
from pathlib import Path

import pytest

pytest.importorskip("ipywidgets")

import nibabel as nib
import numpy as np
import pandas as pd

from glmwidgets.panels.run.explorer import Explorer
from glmwidgets.panels.shared import commands
from glmwidgets.panels.shared.actions import ACTIONS, key_rows
from glmwidgets.panels.shared.commands import GIVEN, commands_of
from glmwidgets.runs.opening import open_run
from glmwidgets.session.core.lessons import LESSONS
from glmwidgets.session.core.reasons import REASONS
from glmwidgets.session.single.session import Session
from glmwidgets.specification.field import SettingsError
from glmwidgets.specification.settings import Settings

HERE = Path(__file__).parent
with (HERE / "phrases.tsv").open(encoding="utf-8", newline="") as lines:
    PHRASES = [tuple(row) for row in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)][1:]

BEGIN = {"threshold.alpha": 0.001, "data.smoothing_fwhm": 5.0, "contrast.expression": "face - house"}


@pytest.fixture(scope="module")
def kept_run():
    """Faces in two places, houses in one, and nothing else but noise."""
    rng = np.random.default_rng(0)
    n, t_r, shape = 90, 2.0, (14, 12, 8)
    onsets = np.arange(8, n * t_r - 20, 16.0)
    events = pd.DataFrame({"onset": onsets, "duration": 8.0, "trial_type": np.resize(["face", "house"], onsets.size)})
    times = np.arange(n) * t_r
    face, house = (sum(np.exp(-0.5 * ((times - onset - 8) / 4) ** 2) for onset in onsets[first::2]) for first in (0, 1))
    data = rng.normal(1000, 8, (*shape, n)).astype(np.float32)
    data[2:5, 2:5, 2:5] += 30 * face
    data[9:12, 2:4, 3:6] += 25 * face
    data[6:9, 8:11, 3:6] += 30 * house
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    img = nib.Nifti1Image(data, affine)
    img.header.set_zooms((3, 3, 3, t_r))
    confounds = pd.DataFrame(rng.normal(size=(n, 2)), columns=["trans_x", "rot_z"])
    mask = nib.Nifti1Image(np.ones(shape, np.uint8), affine)
    return open_run(img, events, t_r, confounds=confounds, mask=mask)


@pytest.fixture(scope="module")
def explorer(kept_run):
    """At a threshold that leaves more than two clusters; nothing here changes it."""
    made = Explorer(Session(kept_run, BEGIN, synchronous=True))
    assert len(made.session.clusters.found) > 2
    yield made
    made.close()


@pytest.fixture
def own(kept_run):
    """One that a test may change."""
    made = Explorer(Session(kept_run, BEGIN, synchronous=True))
    yield made
    made.close()


def test_there_are_fifty_phrases():
    assert len(PHRASES) >= 50


@pytest.mark.parametrize(("phrase", "key"), PHRASES, ids=[phrase for phrase, _ in PHRASES])
def test_the_first_hit_is_what_the_phrase_means(explorer, phrase, key):
    found = explorer.find(phrase)
    assert found[0].key == key, [command.key for command in found]


def test_every_setting_can_be_reached(explorer):
    keys = {command.key for command in commands_of(explorer)}
    for path in Settings.paths():
        if path.partition(".")[0] not in GIVEN:
            assert any(f" {path} " in f" {key} " for key in keys), path


def test_every_verdict_panel_lesson_and_file_is_found_by_its_title(explorer):
    for command in commands_of(explorer):
        if command.kind in ("why?", "panel", "lesson", "keep", "action"):
            assert command.key in [each.key for each in explorer.find(command.title)[:2]], command.title
    kinds = {command.kind for command in commands_of(explorer)}
    assert kinds == {"why?", "panel", "lesson", "keep", "action", "setting", "contrast", "cluster", "atlas"}


def test_an_atlas_that_is_downloaded_names_regions(explorer, monkeypatch):
    """In the template of the run; what cannot be had is said, and the atlas stays."""
    asked = []
    monkeypatch.setattr(commands, "atlas_file", lambda name, space: asked.append((name, space)) or "there.nii.gz")
    found = explorer.find("schaefer 400")[0]
    assert found.key == "atlas schaefer:400"
    found.act()
    assert asked == [("schaefer:400", explorer.session.analysis.space(explorer.session.settings))]
    assert explorer.session.settings.threshold.atlas == "there.nii.gz"
    explorer.session.update({"threshold.atlas": ""})


def test_keys_are_all_different():
    keys = [key for row in ACTIONS.values() for key in row.keys]
    assert len(set(keys)) == len(keys)


def test_an_explorer_of_one_run_has_no_keys_for_other_runs(explorer):
    assert "Next run" not in [row["label"] for row in key_rows(explorer)]


def do(explorer, words):
    explorer.find(words)[0].act()


def test_what_is_found_is_done(own):
    do(own, "smooth more")
    assert own.session.settings.data.smoothing_fwhm == 6.0
    do(own, "undo")
    assert own.session.settings.data.smoothing_fwhm == 5.0
    do(own, "show house minus face")
    assert own.session.settings.contrast.expression == "house - face"
    do(own, "bonferroni")
    # With its own alpha, as the menu brings it.
    assert own.session.settings.threshold.height_control == "bonferroni"
    assert own.session.settings.threshold.alpha == 0.05
    do(own, "finite impulse response")
    assert own.session.settings.design.fir_delays != (0,)


def test_a_value_that_is_out_of_bounds_is_found_and_refused(own):
    first = own.find("smooth by 800 mm")[0]
    assert first.title == "Smoothing: 800 mm"
    assert "at most" in first.hint
    with pytest.raises(SettingsError, match="at most"):
        first.act()
    assert own.session.settings.data.smoothing_fwhm == BEGIN["data.smoothing_fwhm"]


def test_what_asks_for_a_value_takes_it(own):
    asking = next(each for each in own.find("smoothing") if each.asks == "data.smoothing_fwhm")
    asking.act("7 mm")
    assert own.session.settings.data.smoothing_fwhm == 7.0


def test_a_contrast_can_be_typed(own):
    do(own, "(face + house) / 2")
    assert own.session.settings.contrast.expression == "(face + house) / 2"
    do(own, "face and house")
    assert own.session.settings.contrast.expression == "face + house"


def test_keys_go_from_cluster_to_cluster_and_move_the_threshold(own):
    n = len(own.session.clusters.found)
    peaks = [cluster.peaks[0].ijk for cluster in own.session.clusters.found]
    own.session.move_to(peaks[0])
    for step in range(1, n + 1):
        own._do("next cluster")
        assert own.session.cursor == peaks[step % n]
    own._do("previous cluster")
    assert own.session.cursor == peaks[-1]
    before = own.session.result.threshold
    own._do("threshold up")
    up = own.session.result.threshold
    assert before < up <= before + 0.1 + 1e-9
    assert own.session.settings.threshold.height_control == "fixed"
    own._do("threshold up")
    assert own.session.result.threshold == pytest.approx(up + 0.1)
    own._do("threshold down")
    assert own.session.result.threshold == pytest.approx(up)


def test_keys_go_from_contrast_to_contrast(own):
    own._do("next contrast")  # there is but one
    assert own.session.settings.contrast.expression == "face - house"
    own.contrasts.interest.click()
    assert own.session.settings.contrast.active == 1
    for key, expression in (("next", "face - house"), ("next", "face; house"), ("previous", "face - house")):
        own._do(f"{key} contrast")
        assert own.session.settings.contrast.expression == expression


def sent(explorer, monkeypatch):
    messages = []
    monkeypatch.setattr(type(explorer.guide), "send", lambda self, content, buffers=None: messages.append(content))
    return messages


def ask(explorer, **content):
    explorer.guide._handle_custom_msg(content, [])


def test_the_page_asks_and_is_answered(own, monkeypatch):
    messages = sent(own, monkeypatch)
    ask(own, kind="search", text="drop 4 scans", number=7)
    assert messages[-1]["number"] == 7
    first = messages[-1]["entries"][0]
    assert first["title"] == "Initial scans left out: 4"
    ask(own, kind="pick", key=first["key"])
    assert own.session.settings.data.drop_scans == 4
    # A value that has to be typed is asked for, with the present one.
    ask(own, kind="search", text="opacity", number=8)
    ask(own, kind="pick", key="type map.opacity")
    assert messages[-1] == {"kind": "ask", "key": "map.opacity", "label": "opacity", "value": "1"}
    ask(own, kind="say", key="map.opacity", text=".5")
    assert own.session.settings.map.opacity == 0.5
    ask(own, kind="say", key="map.opacity", text="much")
    assert "must be a number" in own.session.status.message
    ask(own, kind="do", name="keys")
    assert messages[-1]["title"] == "Keys"
    ask(own, kind="why", name="threshold")
    assert messages[-1]["title"] == REASONS["threshold"].title


def test_a_panel_is_revealed(own, monkeypatch):
    messages = sent(own, monkeypatch)
    do(own, "noise panel")
    assert messages[-1] == {"kind": "reveal", "name": "glmw-is-noise"}
    assert "glmw-is-noise" in own.noise._dom_classes


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_is_a_notebook_of_this_heading(name):
    file = HERE.parents[2] / "notebooks" / f"{name}.ipynb"
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    words = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    headings = [line.lstrip("# ") for line in words.splitlines() if line.startswith("# ")]
    assert LESSONS[name].title == headings[0]


def test_all_notebooks_are_lessons():
    assert sorted(file.stem for file in (HERE.parents[2] / "notebooks").glob("*.ipynb")) == sorted(LESSONS)


def test_every_reason_names_a_lesson():
    assert {row.lesson for row in REASONS.values()} <= set(LESSONS)


def test_the_code_gives_the_same_bits(kept_run, tmp_path):
    """Each action is a line; the program opens the run again and leads to the same settings and map, bit for bit."""
    nib.save(kept_run.img, tmp_path / "bold.nii.gz")
    nib.save(kept_run.mask_img, tmp_path / "mask.nii.gz")
    for name in ("events", "confounds"):
        getattr(kept_run, name).to_csv(tmp_path / f"{name}.tsv", sep="\t", index=False)
    files = {name: str(tmp_path / f"{name}.tsv") for name in ("events", "confounds")}
    run = open_run(str(tmp_path / "bold.nii.gz"), **files, mask=str(tmp_path / "mask.nii.gz"), t_r=2.0)
    own = Explorer(Session(run, BEGIN, synchronous=True))
    own.session.update({"noise.model": "ar1"})
    own.session.update({"design.hrf_model": "glover"})
    own.session.undo()
    own.session.update({"design.high_pass": 1 / 128, "threshold.alpha": 0.01})
    own.session.update({"contrast.expression": "face"})
    assert own.code.count(".update(") == 3  # what was undone is not among them
    scope = {}
    exec(own.code, scope)
    again = scope["explorer"]
    assert again.session.wait_until_idle(60)
    assert again.session.settings == own.session.settings
    assert again.session.result.z.tobytes() == own.session.result.z.tobytes()
    assert np.array_equal(again.session.clusters.labels, own.session.clusters.labels)
    again.close()
    own.close()
