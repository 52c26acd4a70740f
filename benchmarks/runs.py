"""Runs to time: sizes that are met in practice, with signal, drift, confounds and at least 50 events."""

from __future__ import annotations

from dataclasses import dataclass

import nibabel as nib
import numpy as np
import pandas as pd
from scipy import ndimage

from glmwidgets.glm.design.matrix import frame_times, make_first_level_design_matrix


@dataclass(frozen=True)
class Size:
    """How large a run is."""

    shape: tuple[int, int, int]
    n_scans: int
    n_voxels: int
    n_confounds: int
    t_r: float = 2.0
    voxel: float = 3.0
    beside_nilearn: bool = True


SIZES = {
    "small": Size((64, 64, 64), 96, 50_000, 0),
    "medium": Size((64, 64, 40), 300, 60_000, 6),
    "large": Size((91, 109, 91), 400, 230_000, 6, voxel=2.0, beside_nilearn=False),
}

#: Says nothing of speed, but that everything runs.
CHECK = Size((16, 16, 12), 80, 1_500, 2)


@dataclass(frozen=True)
class TimedRun:
    """A run in memory, with what is needed to model it."""

    size: Size
    img: nib.Nifti1Image
    mask: np.ndarray
    events: pd.DataFrame
    confounds: pd.DataFrame | None

    def design(self, hrf_model: str = "spm", high_pass: float = 0.01) -> pd.DataFrame:
        """Design matrix under some choice."""
        times = frame_times(self.size.n_scans, self.size.t_r)
        return make_first_level_design_matrix(
            times, self.events, hrf_model=hrf_model, high_pass=high_pass, add_regs=self.confounds
        )


def make_run(size: Size, seed: int = 0) -> TimedRun:
    """Autocorrelated noise of a smooth brain with a response to some of the events."""
    rng = np.random.default_rng(seed)
    grid = [(axis - (n - 1) / 2) / (n / 2) for axis, n in zip(np.indices(size.shape), size.shape, strict=True)]
    radius = sum(axis**2 for axis in grid)
    mask = np.zeros(size.shape, bool)
    mask.ravel()[np.argsort(radius, axis=None)[: size.n_voxels]] = True
    end = size.n_scans * size.t_r
    onsets = np.sort(rng.uniform(6, end - 20, max(50, int(end / 10))))
    events = pd.DataFrame(
        {"onset": onsets.round(2), "duration": 2.0, "trial_type": rng.choice(list("abcdef"), onsets.size)}
    )
    confounds = None
    if size.n_confounds:
        walks = rng.standard_normal((size.n_scans, size.n_confounds)).cumsum(axis=0)
        confounds = pd.DataFrame(walks, columns=[f"motion_{i}" for i in range(size.n_confounds)])
    anatomy = ndimage.gaussian_filter(rng.standard_normal(size.shape), 3)
    anatomy = 800 + 4000 * anatomy * mask
    where = ndimage.gaussian_filter(rng.standard_normal(size.shape), 3)
    strength = np.where(mask & (where > 1.5 * where.std()), 15.0, 0.0)
    response = TimedRun(size, None, mask, events, confounds).design()["a"].to_numpy()
    data = np.empty((*size.shape, size.n_scans), np.int16, order="F")
    noise = rng.standard_normal(size.shape, dtype=np.float32)
    for t in range(size.n_scans):
        noise = 0.35 * noise + rng.standard_normal(size.shape, dtype=np.float32)
        data[..., t] = (np.where(mask, anatomy, 30) + 12 * noise + strength * response[t]).clip(0).astype(np.int16)
    img = nib.Nifti1Image(data, np.diag([size.voxel] * 3 + [1.0]))
    img.header.set_zooms((*[size.voxel] * 3, size.t_r))
    return TimedRun(size, img, mask, events, confounds)
