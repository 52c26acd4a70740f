"""A group as it was given: maps, what is known of each, and a mask; read and checked once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd

from glmwidgets.files.paths import given_twice
from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.group.matching import cell_text, match_table, subject_columns, subject_of, with_index
from glmwidgets.glm.group.terms import KINDS, kind_of
from glmwidgets.glm.parallel import begun
from glmwidgets.glm.tables import read_table, refuse_table, swapped_image
from glmwidgets.images.grids import same_grid
from glmwidgets.images.load import image_data, load_volume
from glmwidgets.images.resample import resample_img
from glmwidgets.plural import count
from glmwidgets.runs.domain import Domain
from glmwidgets.runs.group_inputs import GroupInput, group_input
from glmwidgets.runs.group_maps import group_domain
from glmwidgets.specification.group import GroupInputSettings, TableSettings


@dataclass(frozen=True, eq=False)
class Group:
    """Maps of a group and what is known about them.

    Attributes
    ----------
    names : tuple of str
        One a map, all different.
    imgs : list of Nifti1Image
        3-D.
    domain : Domain
        Voxels in which maps are analysed.
    resample : bool
        Whether maps on another grid are brought to theirs.
    table : TableSettings
        As it was given, before anybody changed it.
    made : callable
        Waits for the image to look at maps on, which a thread of its own makes from the opening on; see `background`.
    inputs : GroupInputSettings
        Where all this came from.
    """

    names: tuple[str, ...]
    imgs: list[nib.Nifti1Image]
    domain: Domain
    resample: bool
    table: TableSettings
    made: Callable[[], np.ndarray]
    inputs: GroupInputSettings

    @property
    def background(self) -> np.ndarray:
        """Image to look at maps on, 3-D float32."""
        return self.made()


def open_group(
    maps: Any,
    design: Any = None,
    *,
    mask: Any = None,
    subjects: Sequence[str] | None = None,
    first_level_contrast: Any = None,
    background: Any = None,
    resample: bool = False,
    zeros_are_data: bool = False,
    match: str = "names",
    kinds: Mapping[str, str] | None = None,
) -> Group:
    """Read the maps of a group and check that everything fits together.

    Parameters
    ----------
    maps : list of images or paths, 4-D image, DataFrame or list of first-level models
        See `glmwidgets.models.SecondLevelModel.fit`.
    design : DataFrame or path, optional
        What is known of each map: columns of numbers (covariates) and of labels (groups). Rows are matched by a column
        such as ``subject_label`` or ``participant_id`` to the maps' subjects, or to the folders and files that name
        them; rows of others are left out. A table without such a column has one row a map, in their order. Columns that
        cannot be modelled (the same throughout, labels that are all different) are left out.
    mask : image or path, optional
        Voxels to analyse; by default those in which all maps have a value.
    subjects : sequence of str, optional
        Names of the maps, by which rows are then matched.
    first_level_contrast : optional
        Which map of a table, or contrast of first-level models, is meant.
    background : image or path, optional
        To look at maps on; by default the mean size of the maps' values.
    resample : bool
        Bring maps on another grid to that of the mask, or of the first map, instead of refusing them.
    zeros_are_data : bool
        Whether a value of exactly 0 was measured; by default such a voxel is left out. See
        `glmwidgets.models.SecondLevelModel.fit`.
    match : {"names", "order"}
        ``"order"`` takes the rows of the table in the order of the maps, whatever both are called.
    kinds : mapping from str to str, optional
        ``{"severity": "number"}``: what columns are, where it is not what `glmwidgets.glm.group.terms.kind_of` makes
        of their cells. Groups coded 1, 2, 3 are taken as groups.

    Returns
    -------
    Group

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        If something is missing, cannot be read or does not fit; the message names it.

    Warns
    -----
    UserWarning
        If the table has rows of others.

    Examples
    --------
    >>> import nibabel as nib, numpy as np, pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> maps = [nib.Nifti1Image(rng.standard_normal((6, 6, 6)), np.eye(4)) for _ in range(8)]
    >>> group = open_group(maps, pd.DataFrame({"age": range(20, 28)}), match="order")
    >>> group.domain.size
    216
    """
    paths = _paths(maps)
    for path in paths:
        refuse_table(path)
    if twice := given_twice(paths):
        raise ValueError(f"the map {twice[0]} was given more than once")
    source = group_input(maps)
    if source.n_maps < 2:
        raise ValueError("a group needs two maps or more")
    if subjects is not None and len(subjects) != source.n_maps:
        raise ValueError(f"{count(len(subjects), 'name')} in subjects=, but there are {source.n_maps} maps")
    keys = source.keys() if subjects is None else [str(one) for one in subjects]
    frame = _frame(design)
    for name, kind in (kinds or {}).items():
        check_choice(f"the kind of {name}", kind, KINDS)
        if frame is None or name not in frame.columns:
            raise ValueError(f"kinds names {name!r}, which is not a column of the table")
    if frame is None:
        names = _names(source, paths, subjects)
        table = TableSettings(maps=names)
    else:
        found = match_table(keys, frame, "the table of subjects", match, shared=True)
        frame = frame.iloc[list(found.rows)].reset_index(drop=True)
        known = {str(name): name for name in frame.columns}
        ids = known.get(found.column) if found.column is not None else next(subject_columns(frame), None)
        names = _names(source, paths, subjects, frame, ids)
        shown = replace(found, maps=names)
        table = replace(table_settings(frame, names, ids, kinds), matched=found.sentence(), rows=shown.ids)
    domain, resampled = group_domain(source, mask, resample=resample, zeros_are_data=zeros_are_data)
    imgs = source.maps(first_level_contrast)
    inputs = GroupInputSettings(tuple(paths), _path(mask), _path(background), resample, zeros_are_data)
    given = None if background is None else load_volume(background, "a background")
    return Group(names, imgs, domain, resampled, table, begun(_background, given, imgs, domain), inputs)


def _path(given: Any) -> str | None:
    # Links are not followed: the name of what they point to may say nothing of whose map it is.
    return str(Path(given).expanduser().absolute()) if isinstance(given, str | PathLike) else None


def _paths(maps: Any) -> list[str]:
    """Files of the maps, if every one is in a file of its own."""
    listed = list(maps) if isinstance(maps, Sequence | pd.Series) and not isinstance(maps, str) else []
    return [_path(one) for one in listed] if listed and all(isinstance(m, str | PathLike) for m in listed) else []


def _frame(design: Any) -> pd.DataFrame | None:
    if design is None:
        return None
    if isinstance(design, str | PathLike):
        return read_table(design, "table of subjects")
    if not isinstance(design, pd.DataFrame):
        raise TypeError(
            f"design must be a DataFrame or the path of a table, not {type(design).__name__}{swapped_image(design)}"
        )
    return with_index(design)


def _names(
    source: GroupInput,
    paths: list[str],
    subjects: Sequence[str] | None,
    frame: pd.DataFrame | None = None,
    ids: Any = None,
) -> tuple[str, ...]:
    """A name for every map: as it is told, as the table names it, or as its file does."""
    if subjects is not None:
        names = [str(one) for one in subjects]
    elif source.labels is not None:
        names = list(source.labels)
    elif ids is not None:
        names = [cell_text(one) for one in frame[ids]]
        if len(set(names)) < len(names):
            names = _names_of_repeated(names, frame.drop(columns=ids)) or _names_of_files(paths)
            if not names:
                raise _not_told_apart(frame[ids])
    else:
        names = _names_of_files(paths) or [f"map {i + 1}" for i in range(source.n_maps)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"the subject {twice[0]!r} is there twice: give each map a name of its own with subjects=")
    return tuple(names)


def _names_of_repeated(labels: list[str], others: pd.DataFrame) -> list[str]:
    """Names of the maps of subjects that have several, told apart by a column of labels; empty if none does."""
    for column in others.columns:
        if pd.api.types.is_float_dtype(others[column]):
            continue
        names = [f"{label} {cell}" for label, cell in zip(labels, others[column], strict=True)]
        if len(set(names)) == len(names) and others[column].nunique() <= len(names) // 2:
            return names
    return []


def _not_told_apart(ids: pd.Series) -> ValueError:
    return ValueError(
        f"the subject {cell_text(ids[ids.duplicated()].iloc[0])!r} has more than one map, but no column of the table "
        "distinguishes them: give one map per subject, or add a column that names the condition of each map"
    )


def _names_of_files(paths: list[str]) -> list[str]:
    """What differs between the files: their ``sub-`` entity, their names, or their paths below what all share."""
    if not paths:
        return []
    subjects = subject_of([Path(path) for path in paths])
    stems = [Path(path).name.removesuffix(".gz").removesuffix(".nii") for path in paths]
    below = [str(Path(path).relative_to(os.path.commonpath(paths))) for path in paths]
    for names in (subjects, stems, below):
        if all(names) and len(set(names)) == len(names):
            return names
    return []


def table_settings(
    frame: pd.DataFrame, names: Sequence[str], ids: Any = None, kinds: Mapping[str, str] | None = None
) -> TableSettings:
    """The table of what is known of each map, as settings hold it.

    Parameters
    ----------
    frame : DataFrame
        One row a map.
    names : sequence of str
        Of the maps.
    ids : str, optional
        The column that names subjects; kept only if some have several maps.
    kinds : mapping from str to str, optional
        Keys of `glmwidgets.glm.group.terms.KINDS` by name of the column; for others
        `glmwidgets.glm.group.terms.kind_of` tells.

    Returns
    -------
    TableSettings
    """
    kept: list[tuple[str, str, tuple[str, ...]]] = []
    repeated = ids is not None and frame[ids].duplicated().any()
    # Who it is comes last: one looks at it least.
    for column in sorted(frame.columns, key=lambda name: name == ids):
        values = frame[column]
        if values.nunique(dropna=True) < 2 or (column == ids and not repeated):
            continue
        cells = tuple(map(cell_text, values))
        kind = "label" if column == ids else (kinds or {}).get(str(column)) or kind_of(cells)
        if kind == "label" and values.nunique() == len(values):
            continue
        kept.append((str(column), kind, cells))
    columns = tuple(zip(*kept, strict=True)) or ((), (), ())
    return TableSettings(tuple(names), *columns, subjects=str(ids) if repeated else None)


def covariates_by_map(
    table: TableSettings, frame: pd.DataFrame, files: Sequence[str] = (), match: str = "names"
) -> TableSettings:
    """Table with further columns, whose rows are matched to the maps by subject.

    Parameters
    ----------
    table : TableSettings
    frame : DataFrame
        With a column that names the maps (or their subjects), in any order; or one row a map, in their order.
    files : sequence of str, optional
        Of the maps, whose paths are read where their names say nothing.
    match : {"names", "order"}
        As in `open_group`.

    Returns
    -------
    TableSettings
        A column that is there already is replaced.

    Raises
    ------
    ValueError
        If a map has no row or two, or nothing in the table can be modelled.
    """
    frame = with_index(frame)
    maps = table.maps if table.subjects is None else table.column(table.subjects).cells
    try:
        found = match_table(list(maps), frame, "the table", match, shared=True)
    except InputError:
        if not files:
            raise
        found = match_table(list(map(Path, files)), frame, "the table", shared=True)
    frame = frame.drop(columns=[name for name in frame.columns if str(name) == found.column]).iloc[list(found.rows)]
    new = table_settings(frame.reset_index(drop=True), table.maps)
    if not new.names:
        raise ValueError("the table has no column of numbers or groups that differs between maps")
    old = [column for column in table.columns() if column.name not in new.names]
    columns = [*((c.name, c.kind, tuple(c.cells)) for c in (*old, *new.columns()))]
    names, kinds, cells = zip(*columns, strict=True)
    matched = f"{table.matched}; of the covariates added, {found.sentence()}" if table.matched else found.sentence()
    return replace(table, names=names, kinds=kinds, cells=cells, matched=matched)


def _background(img: nib.Nifti1Image | None, imgs: Sequence[nib.Nifti1Image], grid: Domain) -> np.ndarray:
    if img is not None:
        if not same_grid(img, grid):
            img = resample_img(img, grid.affine, grid.shape, interpolation="linear")
        return np.asarray(image_data(img), dtype=np.float32)
    there = [img for img in imgs if same_grid(img, grid)]
    total = np.zeros(grid.shape)
    for img in there:
        total += np.abs(np.nan_to_num(image_data(img)))
    # The square root: a few very large values at the edge would leave the rest in the dark.
    return np.sqrt(total / max(1, len(there))).astype(np.float32) if there else grid.mask.astype(np.float32)
