"""Whether two versions of the package give the same numbers, bit for bit.

``python benchmarks/same_bits.py OLD [NEW]`` takes two checkouts, NEW the one that this script stands in, and runs the
same analyses with each, one after the other on one machine: some 250 combinations of settings of the real runs, of
their fixed effects and of a group, by the live analysis and by the estimators. Of each it takes z, effect, variance,
threshold and cluster table, and says where the two differ. Only names that users have are asked for, so that the
inside of the house may have moved. It is no part of the tests: it compares versions, and what is right stands there.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("GLMWIDGETS_DATA", HERE.parent / "shared" / "data"))

# Settings that are combined, each with every other of its block, beginning with those that most depends on.
RESPONSES = ("spm", "glover", "spm + derivative", "glover + derivative + dispersion", "fir", "gamma(5, 15, 1, 1, 0.2)")
DRIFTS = (
    {"design.drift_model": "cosine", "design.high_pass": 0.01},
    {"design.drift_model": "cosine", "design.high_pass": 1 / 128},
    {"design.drift_model": "polynomial", "design.drift_order": 3},
    {"design.drift_model": "none"},
)
NOISES = ({"noise.model": "ols"}, {"noise.model": "ar1"}, {"noise.model": "ar1-reml"}, {"noise.model": "ar2"})
SLOW_NOISES = (
    {"noise.model": "arma11"},
    {"noise.model": "ar-auto"},
    {"noise.model": "ar1-reml", "noise.pooling": "local"},
    {"noise.model": "ar1-reml", "noise.pooling": "global"},
    {"noise.model": "arma11", "noise.pooling": "global"},
)
DATA_CHOICES = (
    {"data.smoothing_fwhm": 5.0},
    {"data.smoothing_fwhm": 3.5, "data.signal_scaling": "grand"},
    {"data.signal_scaling": "none"},
    {"data.signal_scaling": "scan"},
    {"data.drop_scans": 4},
    {"data.drop_scans": 2, "data.smoothing_fwhm": 6.0},
    {"events.shift": 1.5},
    {"events.shift": -0.7, "design.min_onset": 0.0},
)
THRESHOLDS = (
    {"threshold.height_control": "fpr", "threshold.alpha": 0.001, "threshold.cluster_size": 5},
    {"threshold.height_control": "fdr", "threshold.alpha": 0.05},
    {"threshold.height_control": "bonferroni", "threshold.alpha": 0.05},
    {"threshold.height_control": "fixed", "threshold.value": 2.5, "threshold.two_sided": False},
    {"threshold.height_control": "fpr", "threshold.alpha": 0.01, "threshold.min_distance": 0.0},
)


def bits(value: Any) -> str:
    """What is the same if and only if the value is, to the last bit."""
    import numpy as np

    array = np.ascontiguousarray(value)
    # One zero and one NaN: their other spellings are the same numbers.
    if array.dtype.kind == "f":
        array = np.where(np.isnan(array), np.nan, array + 0.0)
    return hashlib.sha256(f"{array.dtype.str}{array.shape}".encode() + array.tobytes()).hexdigest()[:16]


def told(result: Any, clusters: Any) -> dict[str, str]:
    """Hashes of everything that an analysis says."""
    contrast = result.contrast
    table = [
        (c.label, c.n_voxels, c.volume, [(*map(float, p.xyz), float(p.stat)) for p in c.peaks]) for c in clusters.found
    ]
    return {
        "z": bits(result.z),
        "effect": bits(contrast.effect),
        "variance": bits(contrast.covariance),
        "threshold": repr(float(result.threshold)),
        "clusters": bits(clusters.labels) + hashlib.sha256(repr(table).encode()).hexdigest()[:16],
        "bounds": bits(clusters.bounds),
    }


def combinations(contrast: str, f_test: str) -> Iterator[dict[str, Any]]:
    """Settings of one run."""
    thresholds = itertools.cycle(THRESHOLDS)
    for response, drift, noise in itertools.product(RESPONSES, DRIFTS, NOISES):
        fir = {"design.fir_delays": [0, 1, 2]} if response == "fir" else {}
        asked = {} if response == "fir" else {"contrast.expression": contrast}
        yield {"design.hrf_model": response, **fir, **drift, **noise, **asked, **next(thresholds)}
    for choice, noise in itertools.product(DATA_CHOICES, NOISES[:3]):
        yield {**choice, **noise, "contrast.expression": contrast, **next(thresholds)}
    for noise, threshold in itertools.product(SLOW_NOISES, THRESHOLDS[:2]):
        yield {**noise, "contrast.expression": contrast, **threshold}
    for noise, threshold in itertools.product(NOISES, THRESHOLDS):
        yield {**noise, "contrast.expression": f_test, **threshold}


def masked_run(bold: Path, events: Any, t_r: float, n_voxels: int = 4000) -> Any:
    """A run with a mask of some thousand voxels that hang together, which any version takes as it is given."""
    import nibabel as nib
    import numpy as np

    import glmwidgets as gw

    img = nib.load(bold)
    mean = np.asanyarray(img.dataobj).mean(axis=3, dtype=np.float64)
    middle = np.array(mean.shape) / 2
    distance = np.linalg.norm((np.indices(mean.shape).T - middle).T, axis=0)
    distance[mean < np.quantile(mean, 0.6)] = np.inf
    mask = distance <= np.sort(distance, axis=None)[n_voxels]
    return gw.open_run(str(bold), events, t_r=t_r, mask=nib.Nifti1Image(mask.astype(np.uint8), img.affine))


def of_runs() -> Iterator[tuple[str, dict[str, str]]]:
    """The live analysis of two real runs."""
    import pandas as pd

    import glmwidgets as gw

    folder = DATA / "studyforrest_visloc"
    visloc = masked_run(next(folder.glob("*_bold.nii.gz")), str(next(folder.glob("*_events.tsv"))), 2.0)
    blocks = pd.DataFrame(
        {
            "onset": [42.0 * i for i in range(16)],
            "duration": 42.0,
            "trial_type": ["rest", "active"] * 8,
        }
    )
    auditory = masked_run(next((DATA / "spm_auditory").glob("*_bold.nii.gz")), blocks, 7.0)
    for name, run, contrast, f_test in (
        ("visloc", visloc, "face - (house + object) / 2", "face - house; object - scene"),
        ("auditory", auditory, "active - rest", "active; rest"),
    ):
        analysis = gw.Analysis(run)
        begin = analysis.default_settings()
        if hasattr(begin.design, "convolution"):  # the grid is all that older versions have
            begin = begin.updated({"design.convolution": "grid"})
        for changes in combinations(contrast, f_test):
            settings = begin.updated(changes)
            if "contrast.expression" not in changes:  # of FIR, whose columns are named by delay
                event = run.conditions[0]
                settings = settings.updated({"contrast.expression": f"{event}_delay_1 - {event}_delay_0"})
            yield f"{name} {json.dumps(changes)}", told(analysis.result(settings), analysis.clusters(settings))


def of_estimators() -> Iterator[tuple[str, dict[str, str]]]:
    """First-level models of one run and of two, second-level models of a group, and their maps and tables."""
    import numpy as np
    import pandas as pd

    import glmwidgets as gw
    from glmwidgets.models import get_clusters_table, threshold_stats_img

    folder = DATA / "studyforrest_visloc"
    run = masked_run(next(folder.glob("*_bold.nii.gz")), str(next(folder.glob("*_events.tsv"))), 2.0)
    bold, events = str(next(folder.glob("*_bold.nii.gz"))), pd.read_csv(next(folder.glob("*_events.tsv")), sep="\t")
    mask = masked_mask(run)
    rng = np.random.default_rng(0)
    for noise, hrf, smoothing, standardize in itertools.product(
        ("ols", "ar1", "ar2"), ("spm", "glover + derivative"), (None, 5.0), (False, True)
    ):
        model = gw.FirstLevelModel(
            2.0, hrf_model=hrf, noise_model=noise, smoothing_fwhm=smoothing, standardize=standardize, mask_img=mask
        )
        for n_runs, sample in ((1, None), (2, None), (1, np.flatnonzero(np.arange(156) % 13 != 5))):
            if (n_runs == 2 or sample is not None) and standardize:
                continue
            confounds = [pd.DataFrame(rng.standard_normal((156, 2)), columns=["a", "b"]) for _ in range(n_runs)]
            model.fit([bold] * n_runs, [events] * n_runs, confounds, sample_masks=None if sample is None else [sample])
            maps = model.compute_contrast("face - house", output_type="all")
            z_map, height = threshold_stats_img(maps["z_score"], alpha=0.01, height_control="fpr", two_sided=True)
            table = get_clusters_table(maps["z_score"], height, cluster_threshold=3, two_sided=True)
            name = f"FirstLevelModel {noise} {hrf} {smoothing} {standardize} {n_runs} {sample is not None}"
            yield (
                name,
                {
                    **{kind: bits(img.get_fdata()) for kind, img in maps.items()},
                    "thresholded": bits(z_map.get_fdata()),
                    "height": repr(float(height)),
                    "table": hashlib.sha256(table.to_csv().encode()).hexdigest()[:16],
                },
            )
    folder = DATA / "wager2008_emotionreg"
    covariates = pd.read_csv(folder / "participants.tsv", sep="\t")
    paths = sorted(map(str, folder.glob("sub-*.nii.gz")))
    for smoothing, kind in itertools.product((None, 6.0), ("z_score", "stat", "effect_size", "effect_variance")):
        design = pd.DataFrame(
            {"intercept": 1.0, "success": covariates["reappraisal_success"] - covariates["reappraisal_success"].mean()}
        )
        model = gw.SecondLevelModel(mask_img=str(folder / "group_mask.nii.gz"), smoothing_fwhm=smoothing)
        model.fit(paths, design_matrix=design)
        for contrast in ("intercept", "success"):
            img = model.compute_contrast(contrast, output_type=kind)
            yield f"SecondLevelModel {smoothing} {kind} {contrast}", {"map": bits(img.get_fdata())}


def masked_mask(run: Any) -> Any:
    """The mask that `masked_run` gave, whatever a version calls it."""
    return run.mask_img if hasattr(run, "mask_img") else run.mask


def child(path: Path) -> None:
    """Write what this version says."""
    import glmwidgets

    start = time.perf_counter()
    found = dict(itertools.chain(of_runs(), of_estimators()))
    path.write_text(json.dumps({"package": glmwidgets.__file__, "seconds": time.perf_counter() - start, "told": found}))


def main(arguments: list[str]) -> int:
    """Compare two checkouts."""
    if not 1 <= len(arguments) <= 2:
        print(__doc__)
        return 2
    answers = []
    with tempfile.TemporaryDirectory() as folder:
        for i, checkout in enumerate((Path(arguments[0]), Path(arguments[1]) if arguments[1:] else HERE)):
            out = Path(folder) / f"{i}.json"
            environment = {**os.environ, "PYTHONPATH": str(checkout.resolve()), "GLMWIDGETS_DATA": str(DATA)}
            subprocess.run(
                [sys.executable, str(Path(__file__).resolve()), "--child", str(out)],
                env=environment,
                cwd=folder,
                check=True,
            )
            answer = json.loads(out.read_text())
            if not Path(answer["package"]).is_relative_to(checkout.resolve()):
                raise SystemExit(f"{checkout} was not used, but {answer['package']}")
            print(f"{checkout}: {len(answer['told'])} analyses in {answer['seconds']:.0f} s")
            answers.append(answer["told"])
    old, new = answers
    missing = sorted(old.keys() ^ new.keys())
    differ = {name: [key for key in old[name] if old[name][key] != new[name].get(key)] for name in old.keys() & new}
    differ = {name: keys for name, keys in sorted(differ.items()) if keys}
    for name in missing:
        print("only in one:", name)
    for name, keys in differ.items():
        print(f"differs in {', '.join(keys)}: {name}")
    print(f"{len(old) - len(differ)} of {len(old)} analyses are the same to the last bit")
    return int(bool(missing or differ))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(Path(sys.argv[2]))
    else:
        raise SystemExit(main(sys.argv[1:]))
