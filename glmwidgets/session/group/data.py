"""A group as it was given: maps, what is known of each, and a mask; read and checked once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd

from glmwidgets.glm.tables import read_table
from glmwidgets.images.grids import same_grid
from glmwidgets.images.load import image_data, load_volume
from glmwidgets.images.resample import resample_img
from glmwidgets.models.group_inputs import GroupInput, group_input
from glmwidgets.models.group_masks import fit_group_masker
from glmwidgets.models.masker import ImageMasker
from glmwidgets.specification.group import GroupInputSettings, TableSettings

__all__ = ["Group", "covariates_by_map", "open_group", "table_settings"]

#: What a column is called that names subjects.
SUBJECT_COLUMNS = ("subject_label", "participant_id", "subject_id", "subject")


@dataclass(frozen=True, eq=False)
class Group:
    """Maps of a group and what is known about them.

    Attributes
    ----------
    names : tuple of str
        One a map, all different.
    imgs : list of Nifti1Image
        3-D.
    masker : ImageMasker
        Of the voxels in which maps are analysed; smooths nothing.
    table : TableSettings
        As it was given, before anybody changed it.
    background : array, 3-D, float32
        To look at maps on.
    inputs : GroupInputSettings
        Where all this came from.
    """

    names: tuple[str, ...]
    imgs: list[nib.Nifti1Image]
    masker: ImageMasker
    table: TableSettings
    background: np.ndarray
    inputs: GroupInputSettings


def open_group(
    maps: Any,
    design: Any = None,
    *,
    mask: Any = None,
    subjects: Sequence[str] | None = None,
    first_level_contrast: Any = None,
    background: Any = None,
    resample: bool = False,
) -> Group:
    """Read the maps of a group and check that everything fits together.

    Parameters
    ----------
    maps : list of images or paths, 4-D image, DataFrame or list of first-level models
        See `glmwidgets.models.SecondLevelModel.fit`.
    design : DataFrame or path, optional
        What is known of each map: columns of numbers (covariates) and of labels (groups), one row a map. Rows are
        matched by a column ``subject_label`` or ``participant_id`` where the maps' subjects, or the names of their
        files, tell which is which; otherwise they are in the order of the maps. Columns that cannot be modelled (the
        same throughout, labels that are all different) are left out.
    mask : image or path, optional
        Voxels to analyse; by default those in which all maps have a value.
    subjects : sequence of str, optional
        Names of the maps.
    first_level_contrast : optional
        Which map of a table, or contrast of first-level models, is meant.
    background : image or path, optional
        To look at maps on; by default the mean size of the maps' values.
    resample : bool
        Bring maps on another grid to that of the mask, or of the first map, instead of refusing them.

    Returns
    -------
    Group

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        If something is missing, cannot be read or does not fit; the message names it.
    """
    paths = _paths(maps)
    twice = sorted({path for path in paths if paths.count(path) > 1})
    if twice:
        raise ValueError(f"the map {twice[0]} was given more than once")
    source = group_input(maps)
    if source.n_maps < 2:
        raise ValueError("a group needs two maps or more")
    frame = _frame(design)
    ids = None if frame is None else next((name for name in SUBJECT_COLUMNS if name in frame.columns), None)
    if frame is not None:
        frame = _in_order_of_maps(frame, ids, source, paths)
    labels = None if frame is None or ids is None else [str(one) for one in frame[ids]]
    names = _names(source, paths, subjects, labels, frame, ids)
    table = TableSettings(maps=names) if frame is None else table_settings(frame, names, ids)
    masker = fit_group_masker(source, mask, resample=resample)
    imgs = source.maps(first_level_contrast)
    inputs = GroupInputSettings(tuple(paths), _path(mask), _path(background), resample)
    return Group(names, imgs, masker, table, _background(background, imgs, masker), inputs)


def _path(given: Any) -> str | None:
    return str(Path(given).expanduser().resolve()) if isinstance(given, str | PathLike) else None


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
        raise TypeError(f"design must be a DataFrame or the path of a table, not {type(design).__name__}")
    return design.reset_index(drop=design.index.name not in SUBJECT_COLUMNS)


def _in_order_of_maps(frame: pd.DataFrame, ids: str | None, source: GroupInput, paths: list[str]) -> pd.DataFrame:
    """Rows in the order of the maps."""
    labels = None if ids is None else [str(one) for one in frame[ids]]
    if labels is not None and source.labels is not None:
        twice = sorted({label for label in labels if labels.count(label) > 1})
        if twice:
            raise ValueError(f"the table of subjects holds {twice[0]!r} more than once")
        missing = [label for label in source.labels if label not in labels]
        if missing:
            raise ValueError(f"the table of subjects has no row for {', '.join(missing[:5])}")
        return frame.iloc[[labels.index(label) for label in source.labels]].reset_index(drop=True)
    if len(frame) != source.n_maps:
        raise ValueError(
            f"the table of subjects has {len(frame)} rows and there are {source.n_maps} maps: it needs one row a map"
        )
    if labels is not None and paths:
        # "sub-1" is not to be found in "sub-10".
        found = [[i for i, path in enumerate(paths) if _names_subject(Path(path).name, label)] for label in labels]
        if all(len(places) == 1 for places in found) and len({places[0] for places in found}) == len(paths):
            rows = {places[0]: row for row, places in enumerate(found)}
            return frame.iloc[[rows[i] for i in range(len(paths))]].reset_index(drop=True)
    return frame


def _names_subject(file: str, label: str) -> bool:
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(label)}(?![A-Za-z0-9])", file) is not None


def _names(
    source: GroupInput,
    paths: list[str],
    subjects: Sequence[str] | None,
    labels: list[str] | None,
    frame: pd.DataFrame | None,
    ids: str | None,
) -> tuple[str, ...]:
    """A name for every map."""
    if subjects is not None:
        names = [str(one) for one in subjects]
        if len(names) != source.n_maps:
            raise ValueError(f"{len(names)} names in subjects= for {source.n_maps} maps")
    elif source.labels is not None:
        names = list(source.labels)
    elif labels is not None:
        names = labels
        if len(set(names)) < len(names):
            return _names_of_repeated(names, frame.drop(columns=ids))
    else:
        names = _names_of_files(paths) or [f"map {i + 1}" for i in range(source.n_maps)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"the subject {twice[0]!r} is there twice: give each map a name of its own with subjects=")
    return tuple(names)


def _names_of_repeated(labels: list[str], others: pd.DataFrame) -> tuple[str, ...]:
    """Names of the maps of subjects that have several, told apart by a column of labels."""
    for column in others.columns:
        if pd.api.types.is_float_dtype(others[column]):
            continue
        names = [f"{label} {cell}" for label, cell in zip(labels, others[column], strict=True)]
        if len(set(names)) == len(names) and others[column].nunique() <= len(names) // 2:
            return tuple(names)
    twice = next(label for label in labels if labels.count(label) > 1)
    raise ValueError(
        f"the subject {twice!r} has more than one map, and no column of the table tells them apart: a subject counts "
        "once, or has a column that says which condition each of its maps is of"
    )


def _names_of_files(paths: list[str]) -> list[str]:
    """What differs between the files: their ``sub-`` entity, or their names without what all begin and end with."""
    if not paths:
        return []
    entities = [re.search(r"sub-[A-Za-z0-9]+", Path(path).name) for path in paths]
    if all(entities) and len({found[0] for found in entities}) == len(paths):
        return [found[0] for found in entities]
    stems = [Path(path).name.removesuffix(".gz").removesuffix(".nii") for path in paths]
    return stems if len(set(stems)) == len(stems) else []


def table_settings(frame: pd.DataFrame, names: Sequence[str], ids: str | None = None) -> TableSettings:
    """The table of what is known of each map, as settings hold it.

    Parameters
    ----------
    frame : DataFrame
        One row a map.
    names : sequence of str
        Of the maps.
    ids : str, optional
        The column that names subjects; kept only if some have several maps.

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
        is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values) and column != ids
        if not is_number and values.nunique() == len(values):
            continue
        kept.append((str(column), "number" if is_number else "label", tuple(map(_cell, values))))
    columns = tuple(zip(*kept, strict=True)) or ((), (), ())
    return TableSettings(tuple(names), *columns, subjects=str(ids) if repeated else None)


def _cell(value: Any) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, float | np.floating):
        return repr(float(value)).removesuffix(".0")
    return str(value)


def covariates_by_map(table: TableSettings, frame: pd.DataFrame) -> TableSettings:
    """Table with further columns, whose rows are matched to the maps by subject.

    Parameters
    ----------
    table : TableSettings
    frame : DataFrame
        With a column that names the maps (or their subjects), in any order; or one row a map, in their order.

    Returns
    -------
    TableSettings
        A column that is there already is replaced.

    Raises
    ------
    ValueError
        If a map has no row or two, or nothing in the table can be modelled.
    """
    ids = next((name for name in SUBJECT_COLUMNS if name in frame.columns), None)
    maps = list(table.maps if table.subjects is None else table.column(table.subjects).cells)
    if ids is None:
        if len(frame) != len(maps):
            raise ValueError(
                f"the table has {len(frame)} rows and there are {len(maps)} maps: give it one row a map, or a column "
                f"{SUBJECT_COLUMNS[0]!r}"
            )
    else:
        labels = [str(one) for one in frame[ids]]
        twice = sorted({label for label in labels if labels.count(label) > 1 and label in maps})
        if twice:
            raise ValueError(f"the table holds {twice[0]!r} more than once")
        missing = [one for one in maps if one not in labels]
        if missing:
            raise ValueError(f"the table has no row for {', '.join(dict.fromkeys(missing[:5]))}")
        frame = frame.iloc[[labels.index(one) for one in maps]].drop(columns=ids)
    new = table_settings(frame.reset_index(drop=True), table.maps)
    if not new.names:
        raise ValueError("the table has no column of numbers or groups that differs between maps")
    old = [column for column in table.columns() if column.name not in new.names]
    columns = [*((c.name, c.kind, tuple(c.cells)) for c in (*old, *new.columns()))]
    return TableSettings(table.maps, *zip(*columns, strict=True), subjects=table.subjects)


def _background(given: Any, imgs: Sequence[nib.Nifti1Image], masker: ImageMasker) -> np.ndarray:
    grid = masker.mask_img_
    if given is not None:
        img = load_volume(given, "a background")
        if not same_grid(img, grid):
            img = resample_img(img, grid.affine, grid.shape, interpolation="linear")
        return np.asarray(image_data(img), dtype=np.float32)
    there = [img for img in imgs if same_grid(img, grid)]
    total = np.zeros(grid.shape)
    for img in there:
        total += np.abs(np.nan_to_num(image_data(img)))
    # The square root: a few very large values at the edge would leave the rest in the dark.
    return np.sqrt(total / max(1, len(there))).astype(np.float32) if there else masker.mask_.astype(np.float32)
