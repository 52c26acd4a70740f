"""Small pieces of real runs that the reference fits in a fraction of a second, and a tiny run without any file."""

from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest


def cropped(img, *box):
    """Part of an image, in memory, in its place in space."""
    data = np.asanyarray(img.dataobj)[box]
    affine = img.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ [s.start or 0 for s in box]
    part = nib.Nifti1Image(data, affine, img.header)
    part.set_sform(affine, 1)
    return part


@pytest.fixture(scope="session")
def visloc(visloc_dir):
    """Posterior part of the visual localizer run: 156 scans, TR 2 s, six conditions, a mask of 360 voxels."""
    full = nib.load(next(visloc_dir.glob("*_bold.nii.gz")))
    events = pd.read_csv(next(visloc_dir.glob("*_events.tsv")), sep="\t")[["onset", "duration", "trial_type"]]
    img = cropped(full, slice(20, 50), slice(4, 30), slice(6, 10))
    mask = np.zeros(img.shape[:3], np.uint8)
    mask[4:28, 6:21, 2] = 1
    return SimpleNamespace(img=img, events=events, mask_img=nib.Nifti1Image(mask, img.affine), t_r=2.0, full=full)


@pytest.fixture(scope="session")
def visloc_slab(visloc):
    """Eight whole slices of the same run, for masks found in the data."""
    return cropped(visloc.full, slice(None), slice(None), slice(10, 18))


def halves_of(img, events, t_r, cut):
    """Two runs out of one, cut between two scans: images and events."""
    imgs = [img.slicer[..., :cut], img.slicer[..., cut:]]
    late = events["onset"] >= cut * t_r
    second = events[late].assign(onset=events["onset"] - cut * t_r)
    return imgs, [events[~late].reset_index(drop=True), second.reset_index(drop=True)]


@pytest.fixture(scope="session")
def halves(visloc):
    """The localizer as two runs of 78 scans."""
    imgs, events = halves_of(visloc.img, visloc.events, visloc.t_r, 78)
    return SimpleNamespace(imgs=imgs, events=events)


@pytest.fixture(scope="session")
def tiny():
    """A run of 5 x 4 x 3 voxels and 60 scans, TR 2 s, whose lower half follows condition ``a`` and not ``b``."""
    rng = np.random.default_rng(7)
    t = np.arange(60)
    data = 500 + 3 * rng.standard_normal((5, 4, 3, 60))
    data[:2] += 6 * (t // 8 % 2)
    img = nib.Nifti1Image(data.astype(np.float32), np.diag([3.0, 3, 3, 1]))
    img.header.set_zooms((3, 3, 3, 2))
    img.header.set_xyzt_units("mm", "sec")
    onset = np.arange(16.0, 112, 32)
    events = pd.DataFrame(
        {
            "onset": [*onset, *(onset + 10)],
            "duration": [16.0] * 3 + [4.0] * 3,
            "trial_type": ["a"] * 3 + ["b"] * 3,
        }
    )
    return SimpleNamespace(img=img, events=events, t_r=2.0)
