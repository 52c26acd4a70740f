"""Peak memory, as the operating system counts it, and time, from a file to its maps: ``python -m benchmarks.memory``.

Each analysis runs in a process of its own, one after the other: ours, nilearn's and, with ``--against FOLDER``, those
of another version of the package. ``--growth FILE`` draws how both grow with voxels, scans and columns of the design.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parents[1]
T_R = 0.8
SMOOTHING = 5.0
CONTRAST = "a - b"

#: Seconds between two changes: what follows sooner counts as one movement of a hand that drags, and waits for its rest.
REST = 0.5


@dataclass(frozen=True)
class Size:
    """How large a run is."""

    shape: tuple[int, int, int]
    n_scans: int
    n_voxels: int
    n_confounds: int = 6


SIZES = {
    # What fMRIPrep gives of a multiband run at 2 mm.
    "modern": Size((97, 115, 97), 400, 263_000),
    "small": Size((60, 70, 60), 300, 80_000),
    "check": Size((20, 22, 18), 60, 3_000),
}

#: What is grown, from the size it begins with to the largest.
GROWTH = {
    "voxels in the mask": (
        Size((97, 115, 97), 120, 0),
        (20_000, 60_000, 120_000, 263_000, 500_000, 900_000),
        lambda size, n: replace(size, n_voxels=n),
    ),
    "scans": (Size((60, 70, 60), 0, 80_000), (80, 200, 400, 800, 2400), lambda size, n: replace(size, n_scans=n)),
    "columns of the design": (
        Size((44, 50, 44), 200, 30_000),
        (5, 15, 30, 60, 120),
        # Three conditions and the constant are there already; the drift is left out.
        lambda size, n: replace(size, n_confounds=n - 4),
    ),
}


def make_run(folder: Path, size: Size) -> None:
    """Write a run, its mask, events and confounds; a volume at a time, so that any size can be made."""
    import nibabel as nib
    import pandas as pd
    from scipy import ndimage

    rng = np.random.default_rng(0)
    axes = np.ogrid[tuple(slice(0, n) for n in size.shape)]
    radius = sum(((axis - (n - 1) / 2) / n) ** 2 for axis, n in zip(axes, size.shape, strict=True)).ravel()
    mask = np.zeros(size.shape, bool)
    mask.ravel()[np.argpartition(radius, size.n_voxels - 1)[: size.n_voxels]] = True
    anatomy = 8000 + 20_000 * ndimage.gaussian_filter(rng.standard_normal(size.shape), 3)[mask]
    end = size.n_scans * T_R
    onsets = np.sort(rng.uniform(2, max(3, end - 12), 60)).round(2)
    events = pd.DataFrame({"onset": onsets, "duration": 0.5, "trial_type": np.resize(list("abc"), 60)})
    events.to_csv(folder / "events.tsv", sep="\t", index=False)
    confounds = rng.standard_normal((size.n_scans, size.n_confounds)).cumsum(axis=0)
    names = [f"trans_{k}" for k in range(size.n_confounds)]
    pd.DataFrame(confounds, columns=names).to_csv(folder / "confounds.tsv", sep="\t", index=False)
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    nib.save(nib.Nifti1Image(mask.astype(np.uint8), affine), folder / "mask.nii.gz")
    header = nib.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape((*size.shape, size.n_scans))
    header.set_zooms((2.0, 2.0, 2.0, T_R))
    header.set_xyzt_units("mm", "sec")
    header.set_sform(affine, 1)
    header["vox_offset"], header["magic"] = 352, b"n+1"
    noise = np.zeros(size.n_voxels, np.float32)
    with gzip.open(folder / "bold.nii.gz", "wb", compresslevel=1) as file:
        file.write(header.binaryblock + bytes(4))
        for _ in range(size.n_scans):
            noise = 0.5 * noise + 60 * rng.standard_normal(size.n_voxels, dtype=np.float32)
            volume = rng.integers(0, 20, size.shape, dtype=np.int16)
            volume[mask] = anatomy + noise
            file.write(volume.tobytes(order="F"))


# In the child ---------------------------------------------------------------------------------------------------------


def inputs(folder: Path) -> tuple[str, Any, Any, str]:
    """What an analysis is given."""
    import pandas as pd

    tables = [pd.read_csv(folder / f"{name}.tsv", sep="\t") for name in ("events", "confounds")]
    return str(folder / "bold.nii.gz"), *tables, str(folder / "mask.nii.gz")


def session(folder: Path, said: Callable[[str], None], smoothing: bool) -> None:
    """The live analysis, without a browser."""
    from glmwidgets import Session, open_run

    bold, events, confounds, mask = inputs(folder)
    said("imports")
    run = open_run(bold, events, T_R, confounds=confounds, mask=mask)
    live = Session(run, {"contrast.expression": CONTRAST, "noise.model": "ar1"})
    live.refresh()
    live.wait_until_idle()
    said("file → first map and clusters")
    for k in range(5):
        time.sleep(REST)
        said("")
        live.update({"design.hrf_model": f"gamma({6 + k / 10:.2f}, 16, 1, 1, 0.167)"})
        live.wait_until_idle()
        said("a new response → whole brain and clusters")
        design, moments = asked_for(live, f"gamma({6.05 + k / 10:.2f}, 16, 1, 1, 0.167)")
        said("")
        fit_and_contrast(moments, design)
        said("fit and contrast alone")
    if smoothing:
        time.sleep(REST)
        said("")
        live.update({"data.smoothing_fwhm": SMOOTHING})
        live.wait_until_idle()
        said("then smoothing")


def asked_for(live: Any, response: str) -> tuple[Any, Any]:
    """Design under another response, and the series' products."""
    settings, graph = live.settings.updated({"design.hrf_model": response}), live.analysis.graph
    return graph.get("design", settings), graph.get("moments", settings)


def fit_and_contrast(moments: Any, design: Any) -> None:
    """What the engine alone does of an answer."""
    from glmwidgets.glm.fit.contrasts import compute_contrast
    from glmwidgets.glm.fit.regression import fit_glm

    compute_contrast(fit_glm(moments, design, "ar1"), CONTRAST).z_score()


def several(folder: Path, said: Callable[[str], None], n_runs: int) -> None:
    """Live fixed effects of so many runs, each of which is looked at, and two other contrasts of them."""
    from glmwidgets import open_run
    from glmwidgets.session.several.runs import RunSet

    bold, events, confounds, mask = inputs(folder)
    said("imports")
    runs = [open_run(bold, events, T_R, confounds=confounds, mask=mask) for _ in range(n_runs)]
    said("files → series")
    of = RunSet(runs, {"contrast.expression": CONTRAST, "noise.model": "ar1"})
    for k, live in enumerate(of.every):
        of.show(k)
        live.wait_until_idle()
    said("maps of all runs, and their fixed effects")
    for contrast in ("a - c", "b - c"):
        of.fixed.update({"contrast.expression": contrast})
        of.fixed.wait_until_idle()
        said("another contrast of all runs")


def estimator(folder: Path, said: Callable[[str], None], smoothing: bool, of: str = "glmwidgets") -> None:
    """The conventional estimator; ours, or nilearn's."""
    if of == "nilearn":
        from nilearn.glm.first_level import FirstLevelModel
    else:
        from glmwidgets import FirstLevelModel

    bold, events, confounds, mask = inputs(folder)
    said("imports")
    fwhm, drift = SMOOTHING if smoothing else None, "cosine" if confounds.shape[1] == 6 else None
    model = FirstLevelModel(T_R, noise_model="ar1", mask_img=mask, smoothing_fwhm=fwhm, drift_model=drift)
    model.fit(bold, events, confounds)
    model.compute_contrast(CONTRAST)
    said("file → z")


KINDS: dict[str, Callable[[Path, Callable[[str], None]], None]] = {
    "session": lambda folder, said: session(folder, said, False),
    "session, 5 mm": lambda folder, said: session(folder, said, True),
    "FirstLevelModel": lambda folder, said: estimator(folder, said, False),
    "FirstLevelModel, 5 mm": lambda folder, said: estimator(folder, said, True),
    "nilearn": lambda folder, said: estimator(folder, said, False, "nilearn"),
    "nilearn, 5 mm": lambda folder, said: estimator(folder, said, True, "nilearn"),
}


def child(kind: str, folder: Path) -> None:
    """Run one analysis and print what it took."""
    warnings.simplefilter("ignore")
    seconds: dict[str, float] = {}
    last = time.perf_counter()

    def said(what: str) -> None:
        nonlocal last
        now = time.perf_counter()
        seconds[what], last = min(seconds.get(what, np.inf), now - last), now

    if kind.isdigit():
        several(folder, said, int(kind))
    else:
        KINDS[kind](folder, said)
    seconds.pop("", None)  # what lies between the steps
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({"peak": peak, "cpu": time.process_time(), "seconds": seconds}))


# In the parent --------------------------------------------------------------------------------------------------------


def measured(kind: str, folder: Path, version: Path = HERE) -> dict[str, Any]:
    """What an analysis takes in a process of its own."""
    code = [sys.executable, str(Path(__file__).resolve()), "--child", kind, str(folder)]
    done = subprocess.run(
        code, env={**os.environ, "PYTHONPATH": str(version)}, cwd=folder, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def table(size: Size, against: Path | None, with_nilearn: bool = True, n_runs: int = 0) -> str:
    """Peaks and seconds of all analyses of a run, side by side, or of the fixed effects of several such runs."""
    lines = ["| | peak, MB | processor, s | seconds |", "|---|---:|---:|---|"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make_run(folder, size)
        for kind in [str(n_runs)] if n_runs else KINDS:
            if kind.startswith("nilearn") and not with_nilearn:
                continue
            versions = {"": HERE}
            if against is not None and not kind.startswith("nilearn"):
                versions[f", {against}"] = against.resolve()
            for label, version in versions.items():
                found = measured(kind, folder, version)
                seconds = "; ".join(f"{what} {s:.2f}" for what, s in found["seconds"].items() if what != "imports")
                name = f"{kind} runs{label}" if kind.isdigit() else f"{kind}{label}"
                lines.append(f"| {name} | {found['peak'] / 1e6:,.0f} | {found['cpu']:.1f} | {seconds} |")
                print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join(lines)


Point = tuple[int, dict[str, Any], dict[str, Any] | None]


def growth(out: Path, most: float = np.inf, only: str = "") -> dict[str, list[Point]]:
    """Draw processor time and peaks of the estimators against what grows; nilearn's up to `most` voxels × scans."""
    found: dict[str, list[Point]] = {}
    for what, (size, values, grown) in GROWTH.items():
        if only not in what:
            continue
        for value in values:
            one = grown(size, value)
            with tempfile.TemporaryDirectory() as name:
                make_run(Path(name), one)
                ours = measured("FirstLevelModel", Path(name))
                theirs = measured("nilearn", Path(name)) if one.n_voxels * one.n_scans <= most else None
            found.setdefault(what, []).append((value, ours, theirs))
            told = [f"{m['seconds']['file → z']:.2f} s, {m['peak'] / 1e6:,.0f} MB" for m in (ours, theirs) if m]
            print(f"{value:,} {what}: {'; nilearn '.join(told)}", file=sys.stderr, flush=True)
            draw(found, out)
    return found


def draw(found: dict[str, list[Point]], out: Path) -> None:
    """The figure of what was found so far."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(0.6 + 4.2 * len(found), 5), layout="constrained")
    axes = figure.subplots(2, len(found), squeeze=False)
    for column, (what, rows) in enumerate(found.items()):
        for k, (label, style) in enumerate((("glmwidgets", "o-"), ("nilearn", "s--"))):
            there = [(row[0], row[k + 1]) for row in rows if row[k + 1]]
            x = [value for value, _ in there]
            axes[0, column].loglog(x, [one["cpu"] for _, one in there], style, label=label)
            axes[1, column].loglog(x, [one["peak"] / 1e6 for _, one in there], style, label=label)
        axes[1, column].set_xlabel(what)
    axes[0, 0].set_ylabel("processor time, file → z, s")
    axes[1, 0].set_ylabel("peak memory, MB")
    axes[0, 0].legend(frameon=False)
    figure.savefig(out)


def main() -> None:
    """Print the table, or draw the growth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="modern")
    parser.add_argument("--against", type=Path, help="folder of another version of the package")
    parser.add_argument("--no-nilearn", action="store_true")
    parser.add_argument("--runs", type=int, default=0, help="fixed effects of so many such runs, and nothing else")
    parser.add_argument("--growth", type=Path, help="file of a figure of how time and memory grow")
    parser.add_argument("--most", type=float, default=np.inf, help="voxels × scans up to which nilearn grows, too")
    parser.add_argument("--only", default="", metavar="WORDS", help="what grows: voxels, scans or columns")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child[0], Path(arguments.child[1]))
    elif arguments.growth:
        growth(arguments.growth, arguments.most, arguments.only)
    else:
        print(table(SIZES[arguments.size], arguments.against, not arguments.no_nilearn, arguments.runs))


if __name__ == "__main__":
    main()
