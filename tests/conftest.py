"""What every test may use: the real data, where it is, and a run small enough to be fitted in milliseconds."""

import gc
import os
import runpy
import subprocess
import sys
import warnings
from pathlib import Path

# Workers share the processors: linear algebra with threads of its own in each would be slower for all.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import hypothesis
import nibabel as nib
import numpy as np
import pandas as pd
import pytest

# How long an example takes is a matter of the machine; speed is measured in `benchmarks/`.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """What is imported and collected stays to the end, so collections of garbage need not look through it.

    While it is made they would take a fifth of the time; later there are many, as a closed explorer gives its memory
    back.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def _open_widgets():
    module = sys.modules.get("ipywidgets.widgets.widget")
    return {} if module is None else dict(module._instances)


@pytest.fixture(autouse=True)
def explorers_end_with_their_test():
    """An explorer that a test leaves open is taken away, as ipywidgets would keep it to the end."""
    before = _open_widgets().keys()
    yield
    after = _open_widgets()
    if after.keys() - before:
        from glmwidgets.panels.shared.base import close_with_all
        from glmwidgets.panels.shared.explorer import ExplorerBase

        for key in after.keys() - before:
            if isinstance(after[key], ExplorerBase):
                close_with_all(after[key])


# The one place that says where the real runs lie. A folder that is named has to hold them, as CI names it: a test that
# wants one fails without. Otherwise they are looked for beside the checkout, and tests are skipped where they are not.
NAMED = os.environ.get("GLMWIDGETS_DATA")
DATA = Path(NAMED or Path(__file__).parents[2] / "shared" / "data")


def _folder(name):
    path = DATA / name
    if path.is_dir():
        return path
    if NAMED:
        pytest.fail(f"GLMWIDGETS_DATA names {DATA}, and there is no {name} in it", pytrace=False)
    return pytest.skip(f"real data not found at {path}; set GLMWIDGETS_DATA to its folder")


@pytest.fixture(scope="session")
def data_dir():
    """Folder of all real runs, or None where there are none."""
    return _folder(".") if NAMED or DATA.is_dir() else None


@pytest.fixture(scope="session")
def auditory_dir():
    """Folder of the SPM auditory run (96 scans, TR 7 s)."""
    return _folder("spm_auditory")


@pytest.fixture(scope="session")
def visloc_dir():
    """Folder of the studyforrest visual localizer run (156 scans, TR 2 s)."""
    return _folder("studyforrest_visloc")


@pytest.fixture(scope="session")
def audiovisual_dir():
    """Folder of the small FSL audio-visual run (45 scans, TR 3 s)."""
    return _folder("fsl_audiovisual")


@pytest.fixture(scope="session")
def wager_dir():
    """Folder of the 30 emotion-regulation contrast maps."""
    return _folder("wager2008_emotionreg")


@pytest.fixture
def run_script(monkeypatch):
    """Run an exported script in its own folder and a namespace of its own.

    ``afresh`` does so in an interpreter of its own, which takes seconds for its imports: once for each kind of script.
    """

    def run(path, afresh=False, action="ignore"):
        if afresh:
            command = [sys.executable, "-W", "ignore", "-W", f"{action}::UserWarning", str(path)]
            done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, done.stderr
            return
        monkeypatch.chdir(path.parent)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter(action, UserWarning)
            runpy.run_path(str(path), run_name="__main__")

    return run


T_R = 2.0
AFFINE = np.array([[-3.0, 0, 0, 30], [0, 3, 0, -40], [0, 0, 4, -20], [0, 0, 0, 1]])


def small_run(seed=0, shape=(10, 9, 6), n_scans=80):
    """Image, events and confounds: noise on a bright block, and `face` in a corner of it."""
    rng = np.random.default_rng(seed)
    data = rng.normal(0, 8, (*shape, n_scans)).astype(np.float32)
    data[1:-1, 1:-1, 1:-1] += 1000
    onsets = np.arange(10, n_scans * T_R - 20, 24.0)
    events = pd.DataFrame({"onset": onsets, "duration": 8.0, "trial_type": np.resize(["face", "house"], onsets.size)})
    times = np.arange(n_scans) * T_R
    answer = np.zeros(n_scans)
    for onset in onsets[::2]:
        answer += 30 * np.exp(-0.5 * ((times - onset - 8) / 4) ** 2)
    data[2:5, 2:5, 2:4] += answer.astype(np.float32)
    img = nib.Nifti1Image(data, AFFINE)
    img.header.set_zooms((3, 3, 4, T_R))
    confounds = pd.DataFrame(rng.normal(size=(n_scans, 2)), columns=["trans_x", "rot_z"])
    mask = np.zeros(shape, np.uint8)
    mask[1:-1, 1:-1, 1:-1] = 1
    return img, events, confounds, nib.Nifti1Image(mask, AFFINE)


@pytest.fixture
def run():
    """The small run, opened."""
    from glmwidgets.runs.opening import open_run

    img, events, confounds, mask = small_run()
    return open_run(img, events, T_R, confounds=confounds, mask=mask)


@pytest.fixture
def session(run):
    """A session that computes in the caller's thread and has its first result."""
    from glmwidgets.session.single.session import Session

    session = Session(run, synchronous=True)
    session.refresh()
    yield session
    session.close()


@pytest.fixture
def live(run):
    """A session with its worker thread."""
    from glmwidgets.session.single.session import Session

    session = Session(run)
    session.refresh()
    assert session.wait_until_idle(60)
    yield session
    session.close()


@pytest.fixture
def two_runs():
    """Two small runs on one grid, with masks that overlap but are not equal."""
    from glmwidgets.runs.opening import open_run

    runs = []
    for seed in (0, 1):
        img, events, confounds, mask = small_run(seed)
        voxels = np.asarray(mask.dataobj).copy()
        voxels[1 if seed else -2] = 0
        mask = nib.Nifti1Image(voxels, AFFINE)
        runs.append(open_run(img, events, T_R, confounds=confounds, mask=mask))
    return runs
