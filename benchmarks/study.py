"""A study that answers a knob: 300 previews of 5,000 cells by 300 scans, refitted under another response.

    python benchmarks/study.py [--runs 300]

The previews are drawn and put where the study looks for them; events and confounds are files, as always.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd

from glmwidgets.study import Preview, Study
from glmwidgets.study.cells import N_CELLS, standard_grid
from glmwidgets.study.preview import packed, write_preview

N_SCANS, T_R = 300, 2.0


def make(root: Path, n_runs: int) -> Study:
    """Runs with a small image each, whose previews are noise with a task in a tenth of the cells."""
    rng = np.random.default_rng(0)
    rows = []
    grid = standard_grid("MNI")
    cells = np.sort(rng.choice(grid.size, N_CELLS, replace=False))
    header = nib.Nifti1Image(np.zeros((2, 2, 2, N_SCANS), np.int16), np.eye(4))
    header.set_sform(np.eye(4), "mni")
    header.header.set_zooms((1, 1, 1, T_R))
    header.header.set_xyzt_units("mm", "sec")
    for i in range(n_runs):
        onsets = np.sort(rng.uniform(5, N_SCANS * T_R - 20, 60))
        kinds = rng.permutation(np.resize(["faces", "houses", "tones"], onsets.size))
        events = pd.DataFrame({"onset": onsets.round(2), "duration": 2.0, "trial_type": kinds})
        motion = rng.normal(scale=0.05, size=(N_SCANS, 6)).cumsum(axis=0) * 0.1
        names = [f"{kind}_{axis}" for kind in ("trans", "rot") for axis in "xyz"]
        table = pd.DataFrame(motion, columns=names).assign(framewise_displacement=0.1)
        stem = root / f"run-{i:03d}"
        nib.save(header, f"{stem}.nii")
        os.utime(f"{stem}.nii", ns=(i * 10**9, i * 10**9))
        events.to_csv(f"{stem}_events.tsv", sep="\t", index=False)
        table.to_csv(f"{stem}_confounds.tsv", sep="\t", index=False)
        rows.append(
            {"bold": f"{stem}.nii", "subject": f"{i:03d}", "events": f"{stem}_events.tsv"}
            | {"confounds": f"{stem}_confounds.tsv"}
        )
    study = Study.of_table(pd.DataFrame(rows), root / "study")
    for i in range(n_runs):
        y = rng.standard_normal((N_SCANS, N_CELLS), dtype=np.float32)
        for t in range(1, N_SCANS):
            y[t] += 0.35 * y[t - 1]
        path = study.preview_path(i)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_preview(Preview(grid, packed(cells, 1000 + 10 * y), {"tsnr": 100.0}), path)
    return study


def timed(what: str, work):
    """Call, and print how long it took."""
    start = time.perf_counter()
    out = work()
    print(f"{what:<52}{time.perf_counter() - start:8.2f} s")
    return out


def main() -> None:
    """Make the study, and time what a person waits for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    n_runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        study = timed("made", lambda: make(Path(folder), n_runs))
        study = Study(study.folder, study.runs, study.model, study.contrasts)
        timed("previews opened", lambda: [study.preview(i) for i in range(n_runs)])
        fit = timed("first fit: tables, confounds, all products", study.refit)
        assert not any(part.why_not for part in fit.parts), {part.why_not for part in fit.parts}
        first: list[float] = []
        start = time.perf_counter()
        fit = timed(
            "another response, AR(1) by REML",
            lambda: study.refit({"design.hrf_model": "glover"}, heard=lambda _: first.append(time.perf_counter())),
        )
        print(f"{'  the first run of these':<52}{first[0] - start:8.2f} s")
        answer = timed("its contrast", lambda: fit.answer("faces - houses"))
        timed("all z", lambda: [answer.z(i) for i in answer.answered])
        timed("group map", answer.group)
        other = timed("another contrast", lambda: fit.answer("tones"))
        timed("  its z and group map", lambda: ([other.z(i) for i in other.answered], other.group()))
        timed("QC table", lambda: study.qc(answer))
        print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
