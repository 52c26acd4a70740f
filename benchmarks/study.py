"""A study that answers a knob: 300 previews of 5,000 cells by 300 scans, refitted under another response.

    python benchmarks/study.py [--runs 300]
    python benchmarks/study.py --faults 40      twelve planted faults, and how many sound runs are called unusual
    python benchmarks/study.py --whole 8        whole runs by two workers, beside nilearn

The previews are drawn and put where the study looks for them; events and confounds are files, as always.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd

from glmwidgets.datasets import FAULTS, write_study
from glmwidgets.study import Preview, Study
from glmwidgets.study.cells import N_CELLS, standard_grid
from glmwidgets.study.index import StudyRun
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
    start, processor = time.perf_counter(), time.process_time()
    out = work()
    print(f"{what:<52}{time.perf_counter() - start:8.2f} s{time.process_time() - processor:8.2f} s of processors")
    return out


def knob(n_runs: int) -> None:
    """Time what a person waits for."""
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
        timed("all z", answer.all_z)
        timed("group map", answer.group)
        timed("QC table", lambda: study.qc(answer))

        def another() -> None:
            other = fit.answer("tones")
            other.all_z(), other.group(), study.qc(other)

        timed("another contrast: z, group map and QC table", another)


def faults(n_sound: int, seed: int) -> None:
    """Plant every fault among sound runs, and count what is called unusual."""
    planted = {n_sound + 1 + i: name for i, name in enumerate(FAULTS)}
    with tempfile.TemporaryDirectory() as folder:
        n = n_sound + len(FAULTS)
        root = write_study(folder, n, planted, seed=seed, shape=(32, 39, 31), n_scans=150)
        study = Study.of(root, root / "study", task="localizer")
        assert not study.build_previews()
        for rows, what in ((range(n), "with all faults among them"), (range(n_sound), "alone")):
            some = study.with_runs(rows)
            table = some.qc(some.refit().answer("motor_left - motor_right"))
            alarms = table.unusual.loc[: n_sound - 1].any(axis=1)
            print(f"{n_sound} sound runs {what}: {alarms.sum()} called unusual")
            if len(table.names) > n_sound:
                for row, name in planted.items():
                    found = [key for key in table.values if table.unusual.loc[row - 1, key]]
                    by = "found" if set(found) & set(FAULTS[name].figures) else "MISSED"
                    print(f"  {name:<16}{by:<8}{', '.join(found)}")


def whole(n_runs: int, size: str = "benchmark") -> None:
    """Time whole runs: one alone, all by two workers, and nilearn's loop on the first four, before and after these.

    Both smooth by 6 mm, fit an AR(1) of each voxel to the same columns, and write effect, variance and z of a contrast.
    Ours also find the figures of quality control, make the preview and hash the files; workers are started anew.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = write_study(folder, n_runs, size=size)
        contrasts = [("faces - houses", "faces - houses")]
        study = Study.of(root, root / "study", task="localizer", contrasts=contrasts)
        study.model = study.model.updated({"data.smoothing_fwhm": 6.0, "noise.model": "ar1"})
        sample = study.runs[:4]
        theirs = [_by_nilearn(study, sample, root)]
        alone = Study(root / "alone", study.runs[:1], study.model, contrasts)
        start = time.perf_counter()
        assert not alone.run("processes", width=1)
        one = time.perf_counter() - start
        with _memory_of_workers() as most:
            start = time.perf_counter()
            assert not study.run("processes", width=2)
            took = time.perf_counter() - start
        print(
            f"one run alone {one:.1f} s; {n_runs} by two workers {took:.1f} s, {took / (n_runs * one / 2):.2f} of ideal"
        )
        timed("what is there is not done again", lambda: study.run("processes", width=2))
        theirs.append(_by_nilearn(study, sample, root))
        said, mean = " and ".join(f"{each:.2f}" for each in theirs), sum(theirs) / len(theirs)
        print(
            f"nilearn {said} s a run, {len(sample)} in a row before and after; two workers {took / n_runs:.3f}: "
            f"{mean * n_runs / took:.1f} ×"
        )
        print(f"most memory of a worker: {max(most):.2f} GiB")


def _by_nilearn(study: Study, runs: Sequence[StudyRun], folder: Path) -> float:
    """Fit runs and write their maps as a script would; seconds that a run took, without the import."""
    from nilearn.glm.first_level import FirstLevelModel

    names = list(study.model.design.confounds)
    start = time.perf_counter()
    for run in runs:
        model = FirstLevelModel(t_r=run.t_r, hrf_model="spm", smoothing_fwhm=6, mask_img=run.inputs.mask)
        confounds = pd.read_csv(run.inputs.confounds, sep="\t", na_values="n/a")[names]
        model.fit(run.inputs.bold, run.inputs.events, confounds)
        found = model.compute_contrast("faces - houses", output_type="all")
        for kind in ("effect_size", "effect_variance", "z_score"):
            found[kind].to_filename(folder / f"{run.name}_{kind}.nii.gz")
    return (time.perf_counter() - start) / len(runs)


def main() -> None:
    """Do what is asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300, help="previews")
    parser.add_argument("--faults", type=int, metavar="N", help="plant every fault among N sound runs instead")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--whole", type=int, metavar="N", help="fit N whole runs of 60,000 voxels instead")
    given = parser.parse_args()
    if given.faults:
        faults(given.faults, given.seed)
    elif given.whole:
        whole(given.whole)
    else:
        knob(given.runs)
    print(f"most memory of this process: {_most(resource.RUSAGE_SELF):.2f} GiB")


def _most(whose: int) -> float:
    return resource.getrusage(whose).ru_maxrss / 2**20


@contextmanager
def _memory_of_workers() -> Iterator[list[float]]:
    """Peaks in GiB of the workers of this process, as Linux knows them while they live.

    What it says of processes that ended includes the memory of the one that started them.
    """
    most, over = [0.0], threading.Event()

    def look() -> None:
        while not over.wait(0.2):  # the peaks that it reads stay
            for children in Path("/proc/self/task").glob("*/children"):
                for pid in children.read_text().split():
                    with suppress(OSError, IndexError, ValueError):
                        if "glmwidgets.execution.worker" in Path(f"/proc/{pid}/cmdline").read_text():
                            status = Path(f"/proc/{pid}/status").read_text()
                            most.append(int(status.split("VmHWM:")[1].split()[0]) / 2**20)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


if __name__ == "__main__":
    main()
