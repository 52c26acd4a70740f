"""Steps between the file and the series: smoothing, clusters, and the whole way from a cold start."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np
from nilearn.maskers import NiftiMasker
from nilearn.reporting import get_clusters_table
from scipy import ndimage

from benchmarks.runs import TimedRun
from benchmarks.table import Row, medians
from glmwidgets.glm.inference.cluster_rows import clusters_table
from glmwidgets.images.mask import masked_series

OURS_COLD = """
from glmwidgets.models import FirstLevelModel
model = FirstLevelModel(t_r={t_r}, hrf_model="spm", smoothing_fwhm=5, minimize_memory=True)
model.fit({bold!r}, {events!r}).compute_contrast("a - b")
"""
THEIRS_COLD = OURS_COLD.replace("glmwidgets.models", "nilearn.glm.first_level")
PEAK = """
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""


def rows(run: TimedRun, repeats: int = 3) -> list[Row]:
    """Time smoothing, a busy cluster table, and a fit from a file in a fresh process."""
    data, affine = np.asanyarray(run.img.dataobj), run.img.affine
    mask_img = nib.Nifti1Image(run.mask.astype(np.uint8), affine)
    plain = NiftiMasker(mask_img=mask_img).fit()
    smooth = NiftiMasker(mask_img=mask_img, smoothing_fwhm=5).fit()
    ours, ours_plain, theirs, theirs_plain = medians(
        lambda _: masked_series(data, run.mask, affine, 5.0),
        lambda _: masked_series(data, run.mask),
        lambda _: smooth.transform(run.img),
        lambda _: plain.transform(run.img),
        repeats=repeats,
    )
    rng = np.random.default_rng(0)
    z = ndimage.gaussian_filter(rng.standard_normal(run.size.shape), 1.2)
    z = np.where(run.mask, z / z[run.mask].std(), 0)
    z_img = nib.Nifti1Image(z, affine)
    t_table, t_their_table = medians(
        lambda _: clusters_table(z, 2.0, affine, two_sided=True),
        lambda _: get_clusters_table(z_img, 2.0, two_sided=True),
        repeats=repeats,
    )
    return [
        Row("smoothing, 5 mm", ours - ours_plain, theirs - theirs_plain, None, "≥ 2 ×"),
        Row("smoothed series", ours, theirs),
        Row("clusters, z > 2 two-sided", t_table, t_their_table, None, "≥ 30 ×"),
        *cold(run, repeats),
    ]


def cold(run: TimedRun, repeats: int = 3) -> list[Row]:
    """File to first z map in a fresh process: seconds, and the peak of memory as MiB in the columns of time."""
    with tempfile.TemporaryDirectory() as folder:
        bold, events = str(Path(folder, "bold.nii.gz")), str(Path(folder, "events.tsv"))
        nib.save(run.img, bold)
        run.events.to_csv(events, sep="\t", index=False)
        peaks: dict[str, float] = {}

        def process(code: str):
            source = code.format(t_r=run.size.t_r, bold=bold, events=events) + PEAK

            def start(_: int) -> None:
                done = subprocess.run([sys.executable, "-W", "ignore", "-c", source], capture_output=True, text=True)
                if done.returncode:
                    raise RuntimeError(done.stderr)
                peaks[code] = float(done.stdout.split()[-1]) / 1024

            return start

        ours, theirs = medians(process(OURS_COLD), process(THEIRS_COLD), repeats=repeats, warm=0)
    share = peaks[OURS_COLD] / peaks[THEIRS_COLD]
    return [
        Row("cold: file → z map, AR(1), 5 mm", ours, theirs, None, "≥ 2.5 ×"),
        Row(
            f"its peak memory, MiB: {share:.2f} of nilearn's",
            peaks[OURS_COLD] / 1e3,
            peaks[THEIRS_COLD] / 1e3,
            None,
            "≤ 0.6",
        ),
    ]
