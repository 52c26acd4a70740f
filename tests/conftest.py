"""What every test may use: the real data, where it is."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("GLMWIDGETS_DATA", Path(__file__).parents[2] / "shared" / "data"))


def _folder(name):
    path = DATA / name
    if not path.is_dir():
        pytest.skip(f"real data not found at {path}; set GLMWIDGETS_DATA to its folder")
    return path


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
