"""While a large run is read, the mean so far and a bar are shown below the cell, and nothing is left of them."""

import io
import re
from base64 import b64decode

import nibabel as nib
import numpy as np
import pytest

from glmwidgets.panels.shared import reading
from glmwidgets.runs.opening import open_run

AFFINE = np.diag([-3.0, 3.0, 3.0, 1.0])


class Shown:
    """What IPython's display would have shown."""

    def __init__(self):
        self.pages = []

    def __call__(self, page, display_id):
        self.update(page)
        return self

    def update(self, page):
        self.pages.append(page.data)


@pytest.fixture
def shown(monkeypatch):
    display = Shown()
    monkeypatch.setattr(reading, "is_in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr(reading, "EVERY", 0)
    return display


@pytest.fixture
def path(tmp_path):
    data = np.random.default_rng(0).normal(100, 5, (6, 7, 5, 20)).astype(np.int16)
    data[:3] += 100  # on the right by this affine
    img = nib.Nifti1Image(data, AFFINE)
    nib.save(img, tmp_path / "run.nii.gz")
    return tmp_path / "run.nii.gz"


def test_the_mean_so_far_is_shown_while_a_large_run_is_read(shown, path, monkeypatch):
    monkeypatch.setattr(reading, "LARGE", 0)
    with reading.reading_shown():
        open_run(path, t_r=2)
    counts = [int(re.search(r'<progress value="(\d+)" max="20">', page)[1]) for page in shown.pages[:-1]]
    assert counts == [8, 16, 20]
    assert "of run.nii.gz are read" in shown.pages[0]
    assert shown.pages[-1] == ""
    import matplotlib.image

    png = b64decode(re.search('base64,([^"]+)', shown.pages[0])[1])
    grey = matplotlib.image.imread(io.BytesIO(png), format="png")
    assert grey.shape == (7, 7 + 6 + 6)
    axial = grey[:, -6:]  # 6 across, 7 up and down
    assert axial[:, 3:].min() > axial[:, :3].max()


def test_nothing_is_shown_of_a_small_run(shown, path):
    with reading.reading_shown():
        open_run(path, t_r=2)
    assert shown.pages == []


def test_an_interrupted_reading_leaves_no_picture_and_no_thread(shown, path, monkeypatch):
    monkeypatch.setattr(reading, "LARGE", 0)
    monkeypatch.setattr(reading, "_page", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    import threading

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt), reading.reading_shown():
        open_run(path, t_r=2)
    assert threading.active_count() == before
