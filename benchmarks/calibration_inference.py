"""How often each threshold finds something in maps of noise: ``python -m benchmarks.calibration_inference [--full]``.

Maps of noise are drawn in the mask of a run: Gaussian noise smoothed by a kernel, the same with a long tail (a fifth of
the variance three times as smooth), and t maps of 12 such maps each, turned to z. How smooth the noise is nobody tells:
it is estimated from 100 other draws of it, as from the residuals of a run. A method errs in a map if it finds anything
at .05, one-sided. Noise is smoothed here by its own few lines, not by what the package draws its tables with.

Maps are done a hundred at a time and kept in a folder, so that a run that was stopped goes on where it was, and several
may fill one folder side by side: ``--kinds`` and ``--widths`` give each its part.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy.fft import fftfreq, fftn, ifftn
from scipy.ndimage import label

from benchmarks.calibration import written
from glmwidgets.glm.inference.ari import hommel_value
from glmwidgets.glm.inference.cluster_p import cluster_p
from glmwidgets.glm.inference.cluster_tables import (
    Autocorrelation,
    ClusterTable,
    correlation_by_distance,
    draw_cluster_table,
    fit_autocorrelation,
)
from glmwidgets.glm.inference.heights import height_threshold
from glmwidgets.glm.inference.ptfce import enhanced_z
from glmwidgets.glm.inference.random_fields import RandomField
from glmwidgets.glm.inference.scores import z_from_t
from glmwidgets.glm.inference.smoothness import neighbour_pairs, smoothness_of_residuals
from glmwidgets.images.mask import find_brain

ALPHA = 0.05
FORMING = (2.3, 3.09)
FWHM = (2.0, 3.0, 5.0)  # voxels
KINDS = {"Gaussian": "Gaussian", "long tail": "with a long tail", "t of 12": "t of 12 maps"}
HEIGHTS = ("bonferroni", "rft", "rft-fsl", "fdr")
TESTS = ("rft", "rft-fsl", "simulated")
N_RESIDUALS, N_MAPS_OF_T, CHUNK = 100, 12, 100
TAIL_SHARE, TAIL_WIDER = 0.2, 3.0

METHODS = (*HEIGHTS, "any surely active", *(f"{test} {forming}" for forming in FORMING for test in TESTS))
HEADS = {
    "bonferroni": "Bonferroni",
    "rft": "random field",
    "rft-fsl": "random field, FSL",
    "fdr": "FDR",
    "any surely active": "bound on active voxels",
    "ptfce": "pTFCE",
}


class Noise:
    """Noise in a mask, smoothed by a Gaussian kernel, or by two.

    Parameters
    ----------
    mask : bool array of shape (nx, ny, nz)
    kind : str
        A key of `KINDS`.
    fwhm : float
        In voxels.
    """

    def __init__(self, mask: np.ndarray, kind: str, fwhm: float):
        where = np.argwhere(mask)
        low, high = where.min(axis=0), where.max(axis=0) + 1
        self.mask, self.kind = mask[tuple(map(slice, low, high))], kind
        pad = int(np.ceil(2 * fwhm * (TAIL_WIDER if kind == "long tail" else 1)))
        shape = [n + pad for n in self.mask.shape]
        squared = sum(np.square(f) for f in np.meshgrid(*map(fftfreq, shape), indexing="ij", sparse=True))

        def power(width: float) -> np.ndarray:
            """Spectrum of white noise smoothed by a kernel, of variance 1."""
            found = np.exp(-4 * np.pi**2 * squared * width**2 / (8 * np.log(2)))
            return found / found.mean()

        spectrum = power(fwhm)
        if kind == "long tail":
            spectrum = (1 - TAIL_SHARE) * spectrum + TAIL_SHARE * power(TAIL_WIDER * fwhm)
        self.amplitude = np.sqrt(spectrum).astype(np.float32)

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Maps of shape (n, n_voxels)."""
        inner, out = tuple(map(slice, self.mask.shape)), []
        for _ in range(0, n, 2):
            white = rng.standard_normal((2, *self.amplitude.shape), dtype=np.float32)
            smooth = ifftn(fftn(white[0] + 1j * white[1]) * self.amplitude)[inner][self.mask]
            out += [smooth.real, smooth.imag]
        return np.stack(out[:n])

    def draw_z(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Z maps of shape (n, n_voxels)."""
        if self.kind != "t of 12":
            return self.draw(n, rng)
        return np.stack([self._z_of_t(self.draw(N_MAPS_OF_T, rng)) for _ in range(n)])

    def _z_of_t(self, maps: np.ndarray) -> np.ndarray:
        t = maps.mean(axis=0) / (maps.std(axis=0, ddof=1) / np.sqrt(len(maps)))
        return z_from_t(t.astype(np.float64), len(maps) - 1)


@dataclass(frozen=True)
class Known:
    """What the residuals say of the noise."""

    field: RandomField
    autocorrelation: Autocorrelation
    table: ClusterTable | None


def learn(noise: Noise, rng: np.random.Generator, n_draws: int = 1000) -> Known:
    """Smoothness, autocorrelation and a table of the largest clusters, from draws of the noise; none of no draws."""
    residuals, mask = noise.draw(N_RESIDUALS, rng), noise.mask
    smooth = smoothness_of_residuals(residuals, neighbour_pairs(mask))
    dof = N_MAPS_OF_T - 1 if noise.kind == "t of 12" else np.inf
    field = RandomField(smooth.resels(mask), smooth.resel_size, int(mask.sum()), dof=dof)
    # In voxels: a voxel is one mm wide.
    reach = 4 * max(smooth.fwhm)
    autocorrelation = fit_autocorrelation(*correlation_by_distance(residuals[:20], mask, (1, 1, 1), reach))
    table = n_draws and draw_cluster_table(mask, (1, 1, 1), autocorrelation, n_draws=n_draws, heights=FORMING)
    return Known(field, autocorrelation, table or None)


def errors(z: np.ndarray, mask: np.ndarray, known: Known) -> dict[str, bool]:
    """Which of `METHODS` find something in a map of noise."""
    found, top = {}, z.max()
    for name in HEIGHTS:
        found[name] = bool(top > height_threshold(z, name, ALPHA, two_sided=False, field=known.field))
    # Some voxel is surely active somewhere unless Hommel's h says that none is.
    found["any surely active"] = hommel_value(z, ALPHA) < z.size
    volume = np.zeros(mask.shape)
    volume[mask] = z
    for forming in FORMING:
        labels, n = label(volume > forming)
        largest = np.bincount(labels.ravel())[1:].max(initial=0)
        for test in TESTS:
            p = cluster_p([largest], forming, known.field, test, table=known.table).familywise[0] if n else 1.0
            found[f"{test} {forming}"] = bool(p <= ALPHA)
    return found


def error_of_enhanced(z: np.ndarray, mask: np.ndarray, known: Known) -> dict[str, bool]:
    """Whether pTFCE finds something in a map of noise."""
    volume = np.zeros(mask.shape)
    volume[mask] = z
    enhanced = enhanced_z(volume, mask, known.field.resel_size)
    return {"ptfce": bool(enhanced.max() > height_threshold(z, "rft", ALPHA, two_sided=False, field=known.field))}


Group = tuple[tuple[str, ...], Callable[[np.ndarray, np.ndarray, Known], dict[str, bool]]]

#: What is measured and kept together.
GROUPS: tuple[Group, ...] = ((METHODS, errors), (("ptfce",), error_of_enhanced))


def measure(
    mask: np.ndarray, kind: str, fwhm: float, maps: Iterable[int], known: Known, groups: Sequence[Group] = GROUPS[:1]
) -> dict[str, np.ndarray]:
    """Of each method, in which of some maps it finds something."""
    noise, found = Noise(mask, kind, fwhm), {}
    for number in maps:
        rng = np.random.default_rng([round(10 * fwhm), list(KINDS).index(kind), number])
        # As the package has them: in single precision the lowest voxel that FDR keeps would not pass its own height.
        z = noise.draw_z(1, rng)[0].astype(np.float64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of low forming thresholds, which are looked at here
            for _, errors_of in groups:
                for name, value in errors_of(z, noise.mask, known).items():
                    found.setdefault(name, []).append(value)
    return {name: np.array(values) for name, values in found.items()}


def measured(
    mask: np.ndarray, kind: str, fwhm: float, n_maps: int, folder: Path | None, only_kept: bool = False
) -> dict[str, np.ndarray]:
    """`measure` of many maps, a hundred at a time, each group of methods kept in a file of a folder."""
    noise, parts, known = Noise(mask, kind, fwhm), [], None
    of_mask = hashlib.sha1(np.packbits(mask).tobytes()).hexdigest()

    def kept(start: int, names: Sequence[str]) -> Path | None:
        said = repr((kind, fwhm, start, list(names), of_mask))
        return folder and folder / f"{hashlib.sha1(said.encode()).hexdigest()[:16]}.npz"

    for start in range(0, n_maps, CHUNK):
        there = [path for names, _ in GROUPS if (path := kept(start, names)) is not None and path.is_file()]
        part = {name: values for path in there for name, values in np.load(path).items()}
        missing = [group for group in GROUPS if not set(group[0]) <= set(part)]
        if missing and not only_kept:
            if known is None or (known.table is None and missing[0] is GROUPS[0]):
                rng = np.random.default_rng([7, round(10 * fwhm)])
                known = learn(noise, rng, n_draws=1000 if missing[0] is GROUPS[0] else 0)
            new = measure(mask, kind, fwhm, range(start, min(start + CHUNK, n_maps)), known, missing)
            part |= new | {"fwhm": np.array([known.field.resel_size ** (1 / 3)])}
            for names, _ in missing if folder is not None else ():
                path = kept(start, names)
                folder.mkdir(parents=True, exist_ok=True)
                unfinished = path.with_suffix(f".{os.getpid()}.part.npz")
                np.savez(unfinished, **{name: part[name] for name in (*names, "fwhm")})
                unfinished.replace(path)
        parts.append(part)
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: np.concatenate([part[name] for part in parts if name in part]) for name in names}


# The tables -----------------------------------------------------------------------------------------------------------


def rate(found: np.ndarray) -> str:
    """Share of the maps in which something was found, with its standard error in thousandths."""
    share = found.mean()
    error = np.sqrt(max(share * (1 - share), 1e-9) / found.size)
    return f"{share:.3f} ({1000 * error:.0f})".replace("0.", ".", 1)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def tables(results: Mapping[tuple[str, float], dict[str, np.ndarray]]) -> dict[str, str]:
    """Rates of heights and of clusters, by mark of the page."""
    of = ("noise", "FWHM", "estimated", "maps")

    def named(kind: str, fwhm: float, found: Mapping[str, np.ndarray]) -> list[str]:
        return [KINDS[kind], f"{fwhm:g}", f"{found['fwhm'][0]:.2f}", f"{found['rft'].size:,}"]

    heights = [
        [*named(*key, found), *(rate(found[name]) if name in found else "–" for name in HEADS)]
        for key, found in results.items()
    ]
    clusters = [
        [*named(*key, found), *(rate(found[f"{test} {forming}"]) for forming in FORMING for test in TESTS)]
        for key, found in results.items()
    ]
    labels = {"rft": "random field", "rft-fsl": "FSL", "simulated": "simulated"}
    return {
        "heights of noise": _table([*of, *HEADS.values()], heights),
        "clusters of noise": _table([*of, *(f"{labels[t]}, z > {f:g}" for f in FORMING for t in TESTS)], clusters),
    }


def mask_of(bold: str | None) -> np.ndarray:
    """The brain that is found in a run."""
    if bold is None:
        from glmwidgets.datasets import fetch_spm_auditory

        bold = str(fetch_spm_auditory().bold)
    img = nib.load(bold)
    return find_brain(np.asarray(img.dataobj, dtype=np.float32).mean(axis=3))


def main() -> None:
    """Print the tables, or write them into a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="2000 maps of each noise, as in the documentation")
    parser.add_argument("--maps", type=int, help="maps of each noise, in the place of 100 or 2000")
    parser.add_argument("--bold", help="run whose brain is the mask; SPM's auditory run is downloaded without")
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--widths", nargs="+", type=float, default=FWHM, help="FWHM of the noise, in voxels")
    parser.add_argument("--keep", type=Path, help="folder for what was measured, from which it goes on")
    parser.add_argument("--only-kept", action="store_true", help="measure no more, and show what is kept")
    parser.add_argument("--page", type=Path, help="page that the tables are written into, in the place of the screen")
    arguments = parser.parse_args()
    n_maps = arguments.maps or (2000 if arguments.full else 100)
    mask, start, results = mask_of(arguments.bold), time.perf_counter(), {}
    for kind in arguments.kinds:
        for fwhm in arguments.widths:
            found = measured(mask, kind, fwhm, n_maps, arguments.keep, arguments.only_kept)
            if found:
                results[kind, fwhm] = found
            print(f"{time.perf_counter() - start:5.0f} s  {kind}, FWHM of {fwhm:g} voxels", flush=True)
    made = tables(results)
    if arguments.page:
        arguments.page.write_text(written(arguments.page.read_text("utf-8"), made), "utf-8")
    else:
        for name, table in made.items():
            print(f"\n{name}\n\n{table}")


if __name__ == "__main__":
    main()
