"""An exported script, run as a program of its own, gives the maps that were on screen."""

import ast

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from glmwidgets.report.exports.script import script_text, write_script
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.session import Session
from glmwidgets.specification.settings import Settings


@pytest.fixture
def results_of(run_script):
    """Run a script, and say where its results are."""

    def run(path, **how):
        run_script(path, **how)
        return path.parent / f"{path.stem}_results"

    return run


def _values(folder, name, mask):
    return np.asarray(nib.load(folder / name).dataobj)[mask]


def _check_identical(folder, name, result):
    mask, contrast = result.mask, result.contrast
    for kind, values in (
        ("z_score", result.z),
        ("stat", contrast.stat()),
        ("p_value", contrast.p_value()),
        ("effect_size", contrast.effect_size()),
        ("effect_variance", contrast.effect_variance()),
    ):
        np.testing.assert_array_equal(_values(folder, f"{name}_{kind}.nii.gz", mask).T, values, err_msg=kind)


@pytest.fixture
def audiovisual(audiovisual_dir):
    """A session of the small real run, from its files."""
    run = open_run(
        audiovisual_dir / "av_5slices_45vols_bold.nii.gz", audiovisual_dir / "av_5slices_45vols_events.tsv", 3.0
    )
    session = Session(run, synchronous=True)
    names = run.conditions
    session.update(
        {
            "data.smoothing_fwhm": 5.0,
            "contrast.expression": f"{names[0]} - {names[1]}",
            "threshold.height_control": "fdr",
            "threshold.alpha": 0.05,
        }
    )
    session.refresh()
    yield session
    session.close()


def test_the_maps_are_identical_bit_for_bit_on_a_real_run(audiovisual, results_of, tmp_path):
    settings, result = audiovisual.settings, audiovisual.result
    path = write_script(audiovisual, tmp_path / "analysis.py")
    folder = results_of(path)
    a, b = audiovisual.run.conditions
    name = f"{a}_minus_{b}"
    _check_identical(folder, name, result)
    table = pd.read_csv(folder / f"{name}_clusters.tsv", sep="\t", dtype={"Cluster ID": str})
    mains = table[table["Cluster ID"].str.isdigit()]
    assert len(mains) == len(audiovisual.clusters.found) > 0
    assert mains["Peak Stat"].tolist() == pytest.approx([c.peaks[0].stat for c in audiovisual.clusters.found])
    # settings alone, as they stand in settings.json, lead to the same script
    assert script_text(Settings.from_json(settings.to_json())) == path.read_text()


@pytest.mark.parametrize(
    "changes",
    [
        {"noise.model": "ar1", "design.hrf_model": "glover + derivative", "data.smoothing_fwhm": 5.0},
        {
            "noise.model": "ols",
            "design.drift_model": "polynomial",
            "design.drift_order": 2,
            "data.signal_scaling": "grand",
        },
        {"noise.model": "ar1", "design.convolution": "grid"},
    ],
    ids=["ar1", "ols", "grid"],
)
def test_nilearn_gives_the_same_z(audiovisual, results_of, tmp_path, changes):
    audiovisual.update({**changes, "contrast.names": ["", "any"]} | {"contrast.expressions": _two(audiovisual)})
    folder = results_of(write_script(audiovisual, tmp_path / "analysis.py", dialect="nilearn"))
    settings, analysis = audiovisual.settings, audiovisual.analysis
    a, b = audiovisual.run.conditions
    for place, name in enumerate((f"{a}_minus_{b}", "any")):
        result = analysis.result(settings.updated({"contrast.active": place}))
        z = _values(folder, f"{name}_z_score.nii.gz", result.mask)
        # z of F is compared where it is positive: both packages agree there, and only there does it mean anything
        known = (z > 0) if name == "any" else np.ones(z.size, bool)
        # the numbers of both are the same algebra in float64, so that 1e-6 is far above rounding
        assert np.abs(z - result.z)[known].max() < 1e-6
        assert np.abs(z).max() > 4


def _two(session):
    a, b = session.run.conditions
    return [f"{a} - {b}", f"{a}; {b}"]


def test_what_was_given_in_memory_is_written_beside_the_script(run, results_of, tmp_path):
    analysis_of = Session(run, synchronous=True)
    analysis_of.update(
        {
            "design.conditions": ["face"],
            "design.confounds": ["rot_z"],
            "design.hrf_model": "fir",
            "design.fir_delays": [0, 1, 3],
            "contrast.expression": "face_delay_1; face_delay_3",
            "data.signal_scaling": "none",
        }
    )
    path = write_script(analysis_of, tmp_path / "memory.py")
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "memory.py",
        "memory_bold.nii.gz",
        "memory_confounds.tsv",
        "memory_events.tsv",
        "memory_mask.nii.gz",
    ]
    _check_identical(results_of(path, afresh=True), "face_delay_1_and_face_delay_3", analysis_of.result)


def test_hostile_names_stay_text(run, results_of, tmp_path):
    evil = "x'); open('pwned', 'w').write(\"\"\"\n"
    events = run.events.assign(trial_type=run.events["trial_type"].replace({"face": evil.strip()}))
    confounds = run.confounds.rename(columns={"trans_x": "__import__('os').system('touch pwned')"})
    session = Session(open_run(run.img, events, 2.0, confounds=confounds, mask=run.mask_img), synchronous=True)
    session.update(
        {"contrast.names": [evil], "contrast.expressions": ["house"]} | {"design.conditions": ["house", evil.strip()]}
    )
    for dialect in ("glmwidgets", "nilearn"):
        path = write_script(session, tmp_path / f"for_{dialect}.py", dialect=dialect)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert not {"open", "__import__", "eval", "exec"} & called
    folder = results_of(tmp_path / "for_glmwidgets.py")
    assert not list(tmp_path.rglob("pwned"))
    (z,) = folder.glob("*_z_score.nii.gz")
    np.testing.assert_array_equal(_values(folder, z.name, session.result.mask), session.result.z)


def test_comments_say_what_nilearn_lacks(session):
    session.update({"design.hrf_model": "gam(8, 0.5)", "data.signal_scaling": "scan"})
    text = script_text(session, "nilearn")
    head = text.partition("\n\n")[0]
    assert "# - hrf_model='gam(8, 0.5)': nilearn does not know it; the design matrix is read from a file" in head
    assert "# - signal_scaling=1: nilearn stops with an error there" in head
    assert "hrf_model" not in text.partition("\n\n")[2]
    assert "design_matrices=design" in text
    plain = script_text(Session(session.run, {"noise.model": "ar1"}, synchronous=True), "nilearn")
    assert "replaces it" not in plain
    assert "# - convolution='exact': nilearn samples events on a time grid; the design matrix is read" in plain
    grid = {"noise.model": "ar1", "design.convolution": "grid"}
    named = script_text(Session(session.run, grid, synchronous=True), "nilearn")
    assert "hrf_model='spm'" in named
    assert "convolution" not in named


def test_scripts_are_short_and_know_their_limits(session, tmp_path):
    text = script_text(session)
    assert len(text.splitlines()) < 60
    assert max(map(len, text.splitlines())) < 160
    with pytest.raises(ValueError, match="dialect must be one of 'glmwidgets', 'nilearn'"):
        script_text(session, "matlab")
    with pytest.raises(FileNotFoundError, match="folder does not exist"):
        write_script(session, tmp_path / "missing" / "a.py")
    with pytest.raises(ValueError, match="imported instead of pandas"):
        write_script(session, tmp_path / "pandas.py")
    with pytest.raises(ValueError, match="name no image"):
        script_text(Settings())
    with pytest.raises(TypeError, match="session, an explorer or settings"):
        script_text(3)
