"""What is probably wrong with events and columns is said at every door in the same words, from one list."""

import threading
import warnings

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from glmwidgets.cli import main
from glmwidgets.glm.collected_warnings import Heard
from glmwidgets.glm.design.matrix import make_first_level_design_matrix
from glmwidgets.glm.events.checks import check_events, event_warnings
from glmwidgets.models.first_level import FirstLevelModel
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.session import Session
from glmwidgets.study.whole import whole_fit

TIMES = np.arange(80) * 2.0
SOUND = pd.DataFrame({"onset": [10.0, 34, 58, 82, 106, 130], "duration": 8.0, "trial_type": ["face", "house"] * 3})


def _late():
    return pd.concat([SOUND, pd.DataFrame({"onset": [170.0], "duration": 8.0, "trial_type": ["face"]})])


def _before():
    return SOUND.assign(onset=[-30.0, *SOUND["onset"][1:]])


def _overlapping():
    return SOUND.assign(duration=[60.0, *SOUND["duration"][1:]])


# A table of events, and what is to be heard of it.
WRONG = {
    "late": (_late, "1 of 4 events of 'face' lie outside the run (0 to 160 s)"),
    "before": (_before, "'face' has 1 event with a start before -24 s (min_onset)"),
    "overlap": (_overlapping, "'face' overlaps itself: 1 event starts before an earlier one has ended"),
}


@pytest.fixture(params=WRONG)
def wrong(request):
    make, said = WRONG[request.param]
    return make(), said


def _heard(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [str(each.message) for each in caught]


def test_the_function_and_the_estimator_warn(wrong, run):
    events, said = wrong
    (once,) = [text for text in _heard(lambda: make_first_level_design_matrix(TIMES, events)) if said in text]
    model = FirstLevelModel(t_r=2.0, mask_img=run.mask_img, noise_model="ols")
    heard = _heard(lambda: model.fit(run.img, events))
    assert [text for text in heard if said in text] == [once]
    pytest.importorskip("matplotlib")
    if "min_onset" not in said:
        assert once in model.generate_report("house").html.replace("&#39;", "'")


def test_sound_events_are_said_nothing_of(run):
    assert _heard(lambda: make_first_level_design_matrix(TIMES, SOUND)) == []


def test_the_session_and_its_report_say_it(wrong, run):
    events, said = wrong
    session = Session(open_run(run.img, events, 2.0, mask=run.mask_img), synchronous=True)
    session.refresh()
    (text,) = [text for texts in session.warned.values() for text in texts if said in text]
    html_of = pytest.importorskip("glmwidgets.report.page.html").session_report
    assert html_of(session).html.replace("&#39;", "'").count(text[:1].upper() + text[1:]) == 1


def test_it_is_said_beside_the_error_that_follows(wrong, run):
    events, said = wrong
    pytest.importorskip("anywidget")
    from glmwidgets.panels.shared.status import StatusLine

    session = Session(open_run(run.img, events, 2.0, mask=run.mask_img), synchronous=True)
    session.refresh()
    panel = StatusLine(session)
    assert session.update({"contrast.expression": "face - hause"})
    assert session.status.state == "error"
    assert [text for texts in session.warned.values() for text in texts if said in text]
    assert said.replace("'", "&#x27;") in panel._warnings()
    assert session.update({"contrast.expression": "face"})
    assert session.status.state == "idle"
    assert said.replace("'", "&#x27;") in panel._warnings()


@pytest.mark.parametrize("contrast", ["face", "face - hause"])
def test_the_terminal_says_it_on_stderr_also_where_the_fit_fails(wrong, run, tmp_path, capsys, contrast):
    events, said = wrong
    nib.save(run.img, tmp_path / "bold.nii.gz")
    nib.save(run.mask_img, tmp_path / "mask.nii.gz")
    events.to_csv(tmp_path / "events.tsv", sep="\t", index=False)
    words = [tmp_path / "bold.nii.gz", "--events", tmp_path / "events.tsv", "--mask", tmp_path / "mask.nii.gz"]
    failed = main(["fit", *map(str, words), "--contrast", contrast, "--out", str(tmp_path / "out")])
    out, err = capsys.readouterr()
    assert failed == (0 if contrast == "face" else 2)
    assert err.count(said) == 1
    assert f"glmwidgets fit: warning: {said[:5]}" in err
    assert said not in out
    if failed:
        return
    # And again, of the settings that it wrote.
    again = ["fit", "--settings", str(tmp_path / "out" / "settings.json"), "--out", str(tmp_path / "again")]
    assert main(again) == 0
    assert capsys.readouterr().err.count(said) == 1


def test_warnings_of_pandas_are_not_muted_at_the_terminal(monkeypatch, capsys):
    def warns(_):
        warnings.warn("columns have mixed types", pd.errors.DtypeWarning, stacklevel=2)
        warnings.warn("for programmers", DeprecationWarning, stacklevel=2)
        return 0

    monkeypatch.setattr("glmwidgets.cli.fit.fit", warns)
    assert main(["fit"]) == 0
    assert capsys.readouterr().err == "glmwidgets fit: warning: columns have mixed types\n"


# Events that count scans ----------------------------------------------------------------------------------------------


def _kinds(onset, duration=4.0, times=TIMES):
    events = check_events(pd.DataFrame({"onset": onset, "duration": duration, "trial_type": "a"}))
    return [finding.kind for finding in event_warnings(events, times)]


def test_events_that_fill_the_run_as_scans_and_half_of_it_as_seconds_may_be_scans():
    assert _kinds([0, 20, 40, 70]) == ["scans"]
    assert _kinds([0, 20, 40, 140]) == []  # seconds: they fill the run
    assert _kinds([0, 20, 40, 70.5]) == []  # no whole numbers
    assert _kinds([0, 10, 20]) == []  # as scans they would leave half of it empty
    assert _kinds([0, 20, 40, 70], times=np.arange(160) * 1.0) == []  # a scan a second: nothing tells
    with pytest.warns(UserWarning, match=r"the onsets may be scans: .* up to 70, and the run has 80 scans in 160 s"):
        make_first_level_design_matrix(
            TIMES, pd.DataFrame({"onset": [0.0, 20, 40, 70], "duration": 4.0, "trial_type": "a"})
        )


# Confounds that never change ------------------------------------------------------------------------------------------


def test_confounds_that_never_change_are_told_once_and_in_one_sentence_at_every_door(run, tmp_path, capsys):
    wave = np.sin(np.arange(run.n_scans))
    confounds = pd.DataFrame({"wave": wave, "ones": 3.0, "zeros": 0.0})
    said = (
        "'ones', 'zeros' never change and add nothing to the constant of the design: contrasts of them or of the "
        "constant may not be estimable; leave them out"
    )
    assert _heard(lambda: make_first_level_design_matrix(TIMES, SOUND, add_regs=confounds)) == [
        f"the confounds: {said}"
    ]
    model = FirstLevelModel(t_r=2.0, mask_img=run.mask_img, noise_model="ols")
    assert _heard(lambda: model.fit(run.img, SOUND, confounds)) == [f"the confounds: {said}"]
    opened = open_run(run.img, SOUND, 2.0, confounds=confounds, mask=run.mask_img)
    session = Session(opened, synchronous=True)
    assert session.update({"design.confounds": tuple(confounds)})
    assert [text for texts in session.warned.values() for text in texts] == [f"the confounds: {said}"]
    assert _heard(lambda: whole_fit(opened, session.settings.updated({"noise.model": "ols"}))) == [
        f"the confounds: {said}"
    ]
    nib.save(run.img, tmp_path / "bold.nii.gz")
    nib.save(run.mask_img, tmp_path / "mask.nii.gz")
    for name, table in {"events.tsv": SOUND, "confounds.tsv": confounds}.items():
        table.to_csv(tmp_path / name, sep="\t", index=False)
    words = ["fit", tmp_path / "bold.nii.gz", "--events", tmp_path / "events.tsv", "--mask", tmp_path / "mask.nii.gz"]
    words += ["--confounds", tmp_path / "confounds.tsv", *(f"--confound={name}" for name in confounds)]
    assert main([*map(str, words), "--contrast", "face", "--out", str(tmp_path / "out")]) == 0
    err = capsys.readouterr().err
    assert err.count("never change") == 1
    assert said in err
    assert "rank deficient" not in err


def test_one_confound_that_never_changes_does_not_hide_another_that_repeats_one(run):
    wave = np.sin(np.arange(run.n_scans))
    confounds = pd.DataFrame({"ones": 1.0, "wave": wave, "again": 2 * wave})
    constant, dependent = _heard(lambda: make_first_level_design_matrix(TIMES, SOUND, add_regs=confounds))
    assert "'ones' never changes and adds nothing" in constant
    assert "combinations of each other: 'wave', 'again'. " in dependent


# Scans that are unlike the others -------------------------------------------------------------------------------------


def _bright(run, scans):
    data = run.img.get_fdata(dtype=np.float32).copy()
    data[..., scans] *= 1.3
    return nib.Nifti1Image(data, run.img.affine, run.img.header)


def test_a_first_scan_that_is_too_bright_is_told_at_every_door_until_it_is_left_out(run, tmp_path, capsys):
    said, img = "scan 0 (counted from 0) is brighter than the others by", _bright(run, [0])
    model = FirstLevelModel(t_r=2.0, mask_img=run.mask_img, noise_model="ols")
    assert sum(text.startswith(said) for text in _heard(lambda: model.fit(img, SOUND))) == 1
    kept = np.arange(1, run.n_scans)
    assert not [text for text in _heard(lambda: model.fit(img, SOUND, sample_masks=kept)) if "scan 0" in text]
    session = Session(open_run(img, SOUND, 2.0, mask=run.mask_img), synchronous=True)
    session.refresh()
    assert [text for texts in session.warned.values() for text in texts if text.startswith(said)]
    assert session.update({"data.drop_scans": 1})
    assert not [text for texts in session.warned.values() for text in texts if "brighter" in text]
    nib.save(img, tmp_path / "bold.nii.gz")
    nib.save(run.mask_img, tmp_path / "mask.nii.gz")
    SOUND.to_csv(tmp_path / "events.tsv", sep="\t", index=False)
    words = ["fit", tmp_path / "bold.nii.gz", "--events", tmp_path / "events.tsv", "--mask", tmp_path / "mask.nii.gz"]
    words = [*map(str, words), "--contrast", "face", "--out", str(tmp_path / "out")]
    assert main(words) == 0
    assert capsys.readouterr().err.count(said) == 1
    assert main([*words, "--drop-scans", "1", "--overwrite"]) == 0
    assert "brighter" not in capsys.readouterr().err


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_of_several_runs_each_is_named(run, tmp_path, monkeypatch, n_jobs):
    """Else two would be the same sentence, of which Python says one."""
    monkeypatch.chdir(tmp_path)
    paths = ["first.nii", "plain.nii", "third.nii"]
    for path, scans in zip(paths, ([0], [], [0]), strict=True):
        nib.save(_bright(run, scans), path)
    model = FirstLevelModel(t_r=2.0, mask_img=run.mask_img, noise_model="ols", n_jobs=n_jobs)
    heard = [text for text in _heard(lambda: model.fit(paths, [SOUND] * 3)) if "brighter" in text]
    assert sorted(text.partition(" (counted")[0] for text in heard) == [
        "run 1 (first.nii): scan 0",
        "run 3 (third.nii): scan 0",
    ]
    low = nib.Nifti1Image(run.img.get_fdata() / 1000, run.img.affine, run.img.header)
    model.set_params(n_jobs=1)
    (said,) = [text for text in _heard(lambda: model.fit([run.img, low], [SOUND] * 2)) if "mean below 1" in text]
    assert said.startswith("run 2 (")


def test_a_spike_is_numbered_as_in_the_run(run):
    img, model = _bright(run, [40]), FirstLevelModel(t_r=2.0, mask_img=run.mask_img, noise_model="ols")
    said = "scan 40 (counted from 0) is unlike the others"
    without = np.delete(np.arange(run.n_scans), 20)
    assert sum(text.startswith(said) for text in _heard(lambda: model.fit(img, SOUND, sample_masks=without))) == 1
    model.set_params(noise_model="ar1")
    assert sum(text.startswith(said) for text in _heard(lambda: model.fit(img, SOUND, sample_masks=without))) == 1
    spike = pd.DataFrame({"spike": np.eye(run.n_scans)[40]})
    assert not [text for text in _heard(lambda: model.fit(img, SOUND, spike)) if "unlike" in text]


# What was warned of when a run was opened -----------------------------------------------------------------------------


def test_what_was_said_of_a_run_at_its_opening_stays_with_it(run, tmp_path, capsys):
    slow = nib.Nifti1Image(run.img.get_fdata(dtype=np.float32), run.img.affine, run.img.header)
    slow.header.set_zooms((*slow.header.get_zooms()[:3], 3.0))
    with pytest.warns(UserWarning, match="the header .* says 3 s; 2 s is used"):
        opened = open_run(slow, SOUND, 2.0, mask=run.mask_img)
    (said,) = opened.warnings
    session = Session(opened, synchronous=True)
    session.refresh()
    assert session.warned == {"run": (said,)}
    assert session.update({"contrast.expression": "nobody"})
    assert session.warned["run"] == (said,)
    assert session.update({"contrast.expression": "face"})
    html_of = pytest.importorskip("glmwidgets.report.page.html").session_report
    assert html_of(session).html.count(said[:1].upper() + said[1:]) == 1
    # At the terminal once, though it is known twice.
    nib.save(slow, tmp_path / "bold.nii.gz")
    SOUND.to_csv(tmp_path / "events.tsv", sep="\t", index=False)
    words = ["fit", str(tmp_path / "bold.nii.gz"), "--events", str(tmp_path / "events.tsv"), "--t-r", "2"]
    nib.save(run.mask_img, tmp_path / "mask.nii.gz")
    words += ["--mask", str(tmp_path / "mask.nii.gz")]
    assert main([*words, "--contrast", "face", "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().err.count("2 s is used") == 1


def test_an_opening_that_is_to_raise_its_warnings_raises_them(run):
    slow = nib.Nifti1Image(run.img.get_fdata(dtype=np.float32), run.img.affine, run.img.header)
    slow.header.set_zooms((*slow.header.get_zooms()[:3], 3.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="2 s is used"):
            open_run(slow, SOUND, 2.0, mask=run.mask_img)


def test_two_that_listen_at_once_hear_each_their_own_and_leave_no_trace():
    before, show = list(warnings.filters), warnings.showwarning
    first_entered, second_left = threading.Event(), threading.Event()
    heard = {}

    def listen(name, entered, wait_for):
        with Heard() as ears:
            entered.set()
            assert wait_for is None or wait_for.wait(10)
            warnings.warn(name, stacklevel=1)
        heard[name] = ears.said

    def second():
        assert first_entered.wait(10)
        listen("second", threading.Event(), None)
        second_left.set()

    threads = [
        threading.Thread(target=listen, args=("first", first_entered, second_left)),
        threading.Thread(target=second),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {"first": ("first",), "second": ("second",)}
    assert (list(warnings.filters), warnings.showwarning) == (before, show)


def test_threads_of_a_computation_are_heard_and_programmers_too():
    def compute():
        with Heard() as ears:
            worker = threading.Thread(target=lambda: warnings.warn("from a block", stacklevel=1))
            worker.start()
            worker.join()
            warnings.warn("for programmers", DeprecationWarning, stacklevel=1)
        return ears.said

    with pytest.warns(DeprecationWarning, match="for programmers"):
        assert compute() == ("from a block",)


def test_a_persons_own_code_is_not_listened_to_by_a_worker():
    entered, done = threading.Event(), threading.Event()
    heard = []

    def work():
        with Heard() as ears:
            entered.set()
            assert done.wait(10)
        heard.append(ears.said)

    worker = threading.Thread(target=work)
    worker.start()
    assert entered.wait(10)
    with pytest.warns(UserWarning, match="of a cell"):
        warnings.warn("of a cell", stacklevel=1)
    done.set()
    worker.join()
    assert heard == [()]


def test_a_filter_that_outlives_what_listens_does_not_make_it_listen_to_itself():
    """`catch_warnings` of one thread puts back what stood there when it was entered, whoever has left since."""
    shown = warnings.showwarning
    listening, leave = threading.Event(), threading.Event()

    def listen():
        with Heard():
            listening.set()
            leave.wait(10)

    other = threading.Thread(target=listen)
    other.start()
    assert listening.wait(10)
    try:
        with warnings.catch_warnings():
            leave.set()
            other.join()
        with Heard() as heard, warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("meant for programmers", DeprecationWarning, stacklevel=1)
            warnings.warn("the mask is small", stacklevel=1)
        assert heard.said == ("the mask is small",)
    finally:
        warnings.showwarning = shown
