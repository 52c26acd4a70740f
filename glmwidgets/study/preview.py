"""A run as some 5,000 cells over time, small enough that all runs of a study are fitted at once.

One file holds a preview: numpy's format of one record with the numbers of the cells, the offset and scale of each, and
their series in 16 bits, ``y = offset + scale * series``. It is mapped, not read. Beside it lies a small JSON file with
the grid and with the figures of the whole run that no model changes (`glmwidgets.study.figures`).
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from glmwidgets.analysis.steps import domain_of
from glmwidgets.files.json_text import parse_json
from glmwidgets.files.writing import write_bytes, write_text
from glmwidgets.glm.collected_warnings import Heard
from glmwidgets.glm.moments.series import Series
from glmwidgets.images.mask import masked_series
from glmwidgets.runs.domain import Domain
from glmwidgets.runs.opening import make_run, open_again
from glmwidgets.runs.reader import Reader
from glmwidgets.runs.run import Run
from glmwidgets.specification.encoding import digest
from glmwidgets.specification.model import Model
from glmwidgets.study.cells import N_CELLS, CellGrid, cells_of, grid_of_mask, standard_grid
from glmwidgets.study.contents import Contents
from glmwidgets.study.facts import facts_of
from glmwidgets.study.index import StudyRun

#: Number of the arithmetic of previews; raised by hand when equal inputs give other values.
ARITHMETIC = 2

#: A preview's file is no larger than this.
MOST_BYTES = 3_500_000

# Steps that 16 bits hold.
STEPS = 65_000

# Bytes of a cell beside its series: number, offset and scale.
HEAD = 12


@dataclass(frozen=True, eq=False)
class Preview:
    """Series of a run's cells.

    Attributes
    ----------
    grid : CellGrid
    held : array or Path
        The record, or the file that it is mapped from whenever it is read: what was read is not held.
    facts : dict of str to float
        Figures of the whole run that no model changes, by key of `glmwidgets.study.figures.FIGURES`.
    warnings : tuple of str
        What was warned of when the run was opened.
    """

    grid: CellGrid
    held: np.ndarray | Path = field(repr=False)
    facts: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def record(self) -> np.ndarray:
        """Array of shape (1,).

        ``cell`` (int32), ``offset`` and ``scale`` (float32), each (n_cells,), and ``series`` (int16), of shape
        (n_scans, n_cells).
        """
        if not isinstance(self.held, Path):
            return self.held
        dtype, offset = self._layout
        return np.asarray(np.memmap(self.held, dtype, "r", offset, (1,)))

    @cached_property
    def _layout(self) -> tuple[np.dtype, int]:
        """Type of the record in its file, and where it begins: the file's head is read once."""
        mapped = np.load(self.held, mmap_mode="r")
        return mapped.dtype, mapped.offset

    @cached_property
    def cells(self) -> np.ndarray:
        """Numbers of its cells in the grid, rising, shape (n_cells,)."""
        return np.array(self.record["cell"][0])

    @cached_property
    def n_scans(self) -> int:
        """Number of scans."""
        return self.record["series"].shape[1]

    @cached_property
    def domain(self) -> Domain:
        """Where the cells lie."""
        return self.grid.domain(self.cells)

    def series(self) -> np.ndarray:
        """Series in the image's units, shape (n_scans, n_cells), float32."""
        record = self.record
        y = record["series"][0].astype(np.float32)
        y *= record["scale"][0]
        y += record["offset"][0]
        return y

    @cached_property
    def mean(self) -> np.ndarray:
        """Mean of each cell over time, shape (n_cells,)."""
        return self.series().mean(axis=0, dtype=np.float64)

    def as_series(self) -> Series:
        """The series, to be read a block of cells at a time; the file is mapped for no longer than a pass takes."""
        mapped: list[np.ndarray] = []

        def read(cells: Any) -> np.ndarray:
            record = next(iter(mapped), None)
            if record is None:
                record = self.record
                if isinstance(cells, slice):  # a pass, at whose end it is let go of
                    mapped.append(record)
            y = record["series"][0][:, cells].astype(np.float32)
            y *= record["scale"][0][cells]
            y += record["offset"][0][cells]
            return y

        return Series(read, (self.n_scans, self.cells.size), np.float32, let_go=mapped.clear)

    def smoothed(self, fwhm: float) -> Preview:
        """The preview smoothed by a Gaussian of some mm, on the grid of its cells; of a file it is kept beside that."""
        path = self.held.with_name(f"{self.held.stem}_fwhm-{fwhm:g}.npy") if isinstance(self.held, Path) else None
        if path is None or not path.is_file():
            volumes = self.domain.fill(self.series())
            record = packed(self.cells, masked_series(volumes, self.domain.mask, self.grid.affine, fwhm))
            if path is None:
                return replace(self, held=record)
            _write_record(record, path)
        return replace(self, held=path)

    def as_run(self, of: StudyRun) -> Run:
        """The run itself with cells for voxels: its events, confounds and clock are read, its image is not."""
        given = {name: getattr(of.inputs, name) for name in ("events", "confounds", "slice_time_ref", "frame_times")}
        shape = (*self.grid.shape, self.n_scans)
        empty = nib.Nifti1Image(np.broadcast_to(np.float32(0), shape), self.grid.affine, self.domain.like.header)
        given |= {"t_r": of.inputs.t_r, "mask": self.domain.mask_image()}
        with Heard() as heard:
            run = make_run(Reader(empty, made=self._image), of.inputs.bold, given, of.t_r)
        return replace(run, inputs=replace(of.inputs), warnings=(*self.warnings, *heard.said))

    def _image(self) -> nib.Nifti1Image:
        volume = self.domain.fill(self.series())
        return nib.Nifti1Image(volume, self.grid.affine, self.domain.like.header)


def cells_for(n_scans: int) -> int:
    """Cells that a run of so many scans may have.

    Examples
    --------
    >>> cells_for(300), cells_for(1200)
    (5000, 1349)
    """
    return min(N_CELLS, int(0.93 * MOST_BYTES / (2 * n_scans + HEAD)))


def make_preview(run: Run, space: str = "", n_cells: int | None = None) -> Preview:
    """Make the preview of a run.

    Parameters
    ----------
    run : Run
        With its series.
    space : str
        Template that it is in; empty for a grid of its own.
    n_cells : int, optional
        That the grid aims at; the same for all runs of a study in one space.

    Returns
    -------
    Preview

    Raises
    ------
    ValueError
        If no voxel has a signal, or the image is not in its space.
    """
    with Heard() as heard:
        domain = domain_of(run, Model())
    n_cells = cells_for(run.n_scans) if n_cells is None else n_cells
    grid = standard_grid(space, n_cells) if space else grid_of_mask(domain.mask, domain.affine, n_cells)
    cells = cells_of(domain, grid)
    series = run.reader.series(domain)
    facts = facts_of(series, domain, run.t_r)
    return Preview(grid, packed(cells.numbers, cells.means(series)), facts, (*run.warnings, *heard.said))


def preview_name(of: StudyRun, contents: Contents, n_cells: int) -> str:
    """What the files of a run's preview are called: its name, and a hash of all that the preview depends on.

    Parameters
    ----------
    of : StudyRun
    contents : Contents
        Hashes of the study's files.
    n_cells : int
        How many cells the grid aims at.

    Returns
    -------
    str

    Raises
    ------
    OSError
        If a file of the run cannot be read.
    """
    made_of = {
        "arithmetic": ARITHMETIC,
        "bold": contents.of(of.inputs.bold),
        "mask": contents.of(of.inputs.mask),
        "space": of.space,
        "cells": n_cells,
    }
    return f"{of.name}_{digest(made_of)}"


def packed(cells: np.ndarray, series: np.ndarray) -> np.ndarray:
    """Series of shape (n_scans, n_cells) in 16 bits a value, as a preview's record."""
    low, high = series.min(axis=0), series.max(axis=0)
    offset = ((low + high) / 2).astype(np.float32)
    scale = np.maximum((high - low) / STEPS, np.finfo(np.float32).tiny).astype(np.float32)
    n_scans, n_cells = series.shape
    kinds = [("cell", "<i4", n_cells), ("offset", "<f4", n_cells), ("scale", "<f4", n_cells)]
    record = np.zeros(1, np.dtype([*kinds, ("series", "<i2", (n_scans, n_cells))]))
    record["cell"], record["offset"], record["scale"] = cells, offset, scale
    record["series"] = np.round((series - offset) / scale)
    return record


def write_preview(preview: Preview, path: Path) -> None:
    """Put a preview in its place, series first; who finds the JSON file finds the whole."""
    _write_record(preview.record, path.with_suffix(".npy"))
    tree: dict[str, Any] = {
        "shape": list(preview.grid.shape),
        "affine": preview.grid.affine.tolist(),
        "space": preview.grid.space,
        "facts": {key: None if np.isnan(value) else value for key, value in preview.facts.items()},
        "warnings": list(preview.warnings),
    }
    write_text(path.with_suffix(".json"), json.dumps(tree, allow_nan=False), "preview", overwrite=True)


def keep_preview(path: Path, of: StudyRun, n_cells: int, whole: Run | None = None) -> None:
    """Make the preview of a run and write it.

    Parameters
    ----------
    path : Path
        Without an ending. Its folder is made.
    of : StudyRun
    n_cells : int
        How many cells the grid aims at.
    whole : Run, optional
        The run, if it is open.

    Raises
    ------
    OSError, ValueError, MemoryError
        If the run cannot be opened or the files cannot be written.
    """
    with Heard():
        made = make_preview(open_whole(of) if whole is None else whole, of.space, n_cells)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_preview(made, path)


def _write_record(record: np.ndarray, path: Path) -> None:
    content = io.BytesIO()
    np.lib.format.write_array(content, record)
    write_bytes(path, content.getvalue(), "preview", overwrite=True)


def open_preview(path: Path) -> Preview | None:
    """Map a preview; None if it was not made yet, or not to its end."""
    try:
        tree = parse_json(path.with_suffix(".json").read_bytes(), path)
        np.load(path.with_suffix(".npy"), mmap_mode="r")
    except (OSError, ValueError):
        return None
    grid = CellGrid(tuple(tree["shape"]), np.array(tree["affine"]), tree["space"])
    facts = {key: np.nan if value is None else value for key, value in tree["facts"].items()}
    return Preview(grid, path.with_suffix(".npy"), facts, tuple(tree["warnings"]))


def open_whole(of: StudyRun) -> Run:
    """The run of a study's row, with its image."""
    return open_again(of.inputs)
