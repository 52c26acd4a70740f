"""What a second-level model is given, sorted by subject and checked: maps, the models or table that they come from."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from nibabel.spatialimages import SpatialImage
from pandas.api.types import is_numeric_dtype

from glmwidgets.files.paths import given_twice
from glmwidgets.glm.errors import KindError, about
from glmwidgets.glm.group.matching import Matching, match_table, with_index
from glmwidgets.glm.tables import read_table, refuse_table, swapped_image
from glmwidgets.images.load import image_data, image_name, load_image, load_volume
from glmwidgets.plural import count

TABLE_COLUMNS = ("subject_label", "map_name", "effects_map_path")
VARIANCES_COLUMN = "variances_map_path"


class GroupInput:
    """Maps of a group, one a row of the design.

    Parameters
    ----------
    imgs : list of images or paths
        3-D, or 4-D with one volume.
    variances : list of images or paths, optional

    Attributes
    ----------
    labels : list of str or None
        Subjects, where they are known.
    repeated : str or None
        A subject that several of the first-level models are of.
    needs_contrast : bool
        Whether there are maps only once a first-level contrast is chosen.
    in_given_order : bool
        Whether the maps are in the order in which they were given.
    """

    labels: list[str] | None = None
    repeated: str | None = None
    needs_contrast = False
    in_given_order = True

    def __init__(self, imgs: Sequence[Any], variances: Sequence[Any] | None = None):
        self._imgs, self._variances = list(imgs), variances
        if variances is not None and len(variances) != len(self._imgs):
            raise ValueError(f"{count(len(variances), 'variance map')} given for {count(len(self._imgs), 'map')}")
        if twice := given_twice(self._imgs):
            warnings.warn(f"the map {twice[0]} was given more than once", stacklevel=4)

    @property
    def n_maps(self) -> int:
        """Number of maps."""
        return len(self._imgs)

    def maps(self, first_level_contrast: Any = None, variance: bool = False, n_jobs: int = 1) -> list[nib.Nifti1Image]:
        """Open the maps of a first-level contrast, or of its variance, one 3-D image for each row of the design."""
        if variance and self._variances is None:
            raise ValueError("this estimator needs the variance of every map: give variance_maps, in the maps' order")
        imgs = []
        for i, source in enumerate(self._variances if variance else self._imgs):
            imgs.append(load_volume(source, f"map {i + 1}"))
        return imgs

    def files(self) -> list[str | None]:
        """Files of the maps; None for an image in memory."""
        files = [img if isinstance(img, str | PathLike) else img.get_filename() for img in self._imgs]
        return [None if file is None else str(file) for file in files]

    def keys(self) -> list[str | Path | None]:
        """What tells whose each map is: a label, or the path of its file; None where nothing does."""
        return [None if file is None else Path(file).expanduser().absolute() for file in self.files()]

    def names(self) -> list[str]:
        """What messages call the maps."""
        return [f"map {i + 1} ({image_name(img)})" for i, img in enumerate(self._imgs)]

    def mask_imgs(self) -> list[nib.Nifti1Image] | None:
        """Masks that the maps come with, if they do."""
        return None

    def examples(self) -> list[nib.Nifti1Image]:
        """Open maps that show where all of them lie."""
        return self.maps()


class _Table(GroupInput):
    """Maps listed in a table, one row for each subject and kind of map."""

    def __init__(self, table: pd.DataFrame):
        missing = [name for name in TABLE_COLUMNS if name not in table.columns]
        if missing:
            raise ValueError(
                f"the table of maps has no column {missing[0]!r}; it needs {', '.join(TABLE_COLUMNS)} and has "
                f"{', '.join(map(str, table.columns))}"
            )
        if table.empty:
            raise ValueError("the table of maps has no row")
        for name in TABLE_COLUMNS:
            empty = np.flatnonzero(table[name].isna())
            if len(empty):
                raise ValueError(f"column {name!r} of the table of maps is empty in row {empty[0]} (counted from 0)")
        labels = table["subject_label"].infer_objects()
        table = table.assign(subject_label=labels.astype(str))
        twice = table[table.duplicated(["subject_label", "map_name"])]
        if len(twice):
            subject, name = twice.iloc[0][["subject_label", "map_name"]]
            raise ValueError(
                f"the table holds subject {subject!r} more than once for the map {name!r}. For repeated measures give "
                "a list of maps and a design matrix with a column for each subject"
            )
        self.needs_contrast = table["map_name"].nunique() > 1
        self._kinds = list(dict.fromkeys(table["map_name"]))
        # Numbers are sorted as such: 10 comes after 9.
        labels = (labels if is_numeric_dtype(labels) else table["subject_label"]).drop_duplicates()
        self.labels = labels.sort_values().astype(str).tolist()
        self.in_given_order = labels.is_monotonic_increasing
        self._table = table.set_index("subject_label")

    @property
    def n_maps(self) -> int:
        return len(self.labels)

    def maps(self, first_level_contrast: Any = None, variance: bool = False, n_jobs: int = 1) -> list[nib.Nifti1Image]:
        if first_level_contrast is None and len(self._kinds) == 1:
            first_level_contrast = self._kinds[0]
        rows = self._table[[name == first_level_contrast for name in self._table["map_name"]]]
        if rows.empty:
            raise ValueError(
                f"the table of maps has no map_name {first_level_contrast!r}; give first_level_contrast as one of "
                f"{', '.join(map(repr, self._kinds))}"
            )
        missing = [label for label in self.labels if label not in set(rows.index)]
        if missing:
            raise ValueError(f"the table has no map {first_level_contrast!r} for subject {', '.join(missing[:5])}")
        column = VARIANCES_COLUMN if variance else "effects_map_path"
        if column not in rows.columns:
            raise ValueError(f"this estimator needs the variance of every map, in a column {column!r} of the table")
        return GroupInput(rows.loc[self.labels, column]).maps()

    def files(self) -> list[str | None]:
        return GroupInput(self._table["effects_map_path"]).files()

    def keys(self) -> list[str | Path | None]:
        return list(self.labels)

    def names(self) -> list[str]:
        return [f"the map of subject {label!r}" for label in self.labels]

    def examples(self) -> list[nib.Nifti1Image]:
        return self.maps(self._kinds[0])


class _FirstLevelModels(GroupInput):
    """Fitted first-level models, whose contrasts are the maps."""

    needs_contrast = True

    def __init__(self, models: Sequence[Any]):
        self._models = list(models)
        labels = [getattr(model, "subject_label", None) for model in self._models]
        known = [str(label) for label in labels if label is not None]
        self.repeated = next((label for label in known if known.count(label) > 1), None)
        # Several models of a subject cannot be told apart by its label: rows of a design are then in their order.
        self.labels = known if len(known) == len(labels) and self.repeated is None else None
        self._keys = [None if label is None or self.repeated else str(label) for label in labels]

    @property
    def n_maps(self) -> int:
        return len(self._models)

    def maps(self, first_level_contrast: Any = None, variance: bool = False, n_jobs: int = 1) -> list[nib.Nifti1Image]:
        if first_level_contrast is None:
            raise ValueError("first_level_contrast must say which contrast of the first-level models is meant")
        output = "effect_variance" if variance else "effect_size"

        def one(model: Any, name: str) -> nib.Nifti1Image:
            try:
                return load_image(model.compute_contrast(first_level_contrast, output_type=output))
            except ValueError as error:
                raise about(name, error) from error

        jobs = (delayed(one)(model, name) for model, name in zip(self._models, self.names(), strict=True))
        return Parallel(n_jobs=n_jobs, prefer="threads")(jobs)

    def files(self) -> list[str | None]:
        return [file for model in self._models for file in getattr(model, "sources_", [None])]

    def keys(self) -> list[str | Path | None]:
        return self._keys

    def names(self) -> list[str]:
        labels = self.labels or range(1, self.n_maps + 1)
        return [f"the first-level model of subject {label!r}" for label in labels]

    def mask_imgs(self) -> list[nib.Nifti1Image] | None:
        masks = [getattr(model, "mask_img_", None) for model in self._models]
        if any(mask is None for mask in masks):
            raise ValueError("a first-level model has no mask_img_ (has it been fitted?): give mask_img")
        return masks

    def examples(self) -> list[nib.Nifti1Image]:
        return self.mask_imgs()


def group_input(second_level_input: Any, variance_maps: Any = None) -> GroupInput:
    """Sort what a second-level model is given.

    Parameters
    ----------
    second_level_input : list of 3-D images or paths, 4-D image or path, Series of these, DataFrame, list of models
        See `glmwidgets.models.SecondLevelModel.fit`.
    variance_maps : list of 3-D images or paths, or 4-D image or path, optional
        Variances of the maps, where these are images.

    Returns
    -------
    GroupInput

    Raises
    ------
    TypeError, ValueError
        If it is none of these, mixed or empty, or holds a subject twice.
    """
    if isinstance(second_level_input, pd.DataFrame):
        found: GroupInput = _Table(second_level_input)
    else:
        maps = _volumes(second_level_input, "second_level_input")
        is_model = [_is_model(one) for one in maps]
        if any(is_model) and not all(is_model):
            raise TypeError("second_level_input mixes first-level models and images")
        odd = [i for i, one in enumerate(maps) if not isinstance(one, str | PathLike | SpatialImage)]
        if not any(is_model) and odd:
            raise TypeError(
                f"second_level_input holds {type(maps[odd[0]]).__name__} in place {odd[0]} (counted from 0); it is a "
                "list of images, paths or fitted first-level models"
            )
        if not any(is_model):
            for one in maps:
                if isinstance(one, str | PathLike):
                    refuse_table(one)
            variances = None if variance_maps is None else _volumes(variance_maps, "variance_maps")
            return GroupInput(maps, variances)
        found = _FirstLevelModels(maps)
    if variance_maps is not None:
        raise ValueError(
            f"variance_maps go with a list of maps; a table names its own in a column {VARIANCES_COLUMN!r}, and "
            "first-level models know theirs"
        )
    return found


def _volumes(given: Any, what: str) -> list[Any]:
    """Take a list apart, or a 4-D image."""
    if isinstance(given, str | PathLike | SpatialImage):
        img = load_image(given)
        if img.ndim != 4:
            raise ValueError(f"{what} {image_name(given)} is one map of shape {img.shape}; give a list or a 4-D image")
        img = nib.Nifti1Image(image_data(img), img.affine, img.header)
        return [img.slicer[..., i] for i in range(img.shape[3])]
    if isinstance(given, pd.Series | Sequence):
        volumes = list(given)
        if len(volumes) < 2:
            raise KindError(f"{what}: a group needs two maps or more, and the list holds {len(volumes)}")
        return volumes
    raise TypeError(
        f"{what} must be a list of maps or of first-level models, a 4-D image or a DataFrame with the columns "
        f"{', '.join(TABLE_COLUMNS)}, not {type(given).__name__}"
    )


def _is_model(one: Any) -> bool:
    return hasattr(one, "compute_contrast")


def match_rows(design_matrix: Any, source: GroupInput, match: str = "names") -> tuple[pd.DataFrame, Matching]:
    """Read a given design matrix, and bring its rows into the order of the maps.

    Parameters
    ----------
    design_matrix : DataFrame or path
        Its rows are matched by a column such as ``subject_label``, or its index, where these name the maps.
    source : GroupInput
    match : {"names", "order"}
        See `glmwidgets.glm.group.matching.match_table`.

    Returns
    -------
    design : DataFrame
        Without the column that names the maps.
    matching : Matching

    Raises
    ------
    ValueError
        If a map has no row, or it cannot be told which.

    Warns
    -----
    UserWarning
        If rows are left out; if rows name no subject, and sorting the maps of a table by subject changed their order.
    """
    if isinstance(design_matrix, str | PathLike):
        design = read_table(design_matrix, "design matrix")
        # Tables that were written with their row numbers have them back as a first column without a name.
        if str(design.columns[0]).startswith("Unnamed: "):
            design = design.set_index(design.columns[0]).rename_axis(None)
    elif isinstance(design_matrix, pd.DataFrame):
        design = design_matrix
    else:
        raise TypeError(
            f"design_matrix must be a DataFrame or the path of a table, not {type(design_matrix).__name__}"
            f"{swapped_image(design_matrix)}"
        )
    if source.labels is not None and sorted(map(str, design.index)) == sorted(source.labels):
        design = design.set_axis(design.index.map(str), axis=0)
    matching = match_table(source.keys(), design, "the design matrix", match)
    named = with_index(design)
    if matching.column is None and match == "names" and not source.in_given_order:
        warnings.warn(
            "the maps of the table are sorted by subject, and the rows of the design matrix name no subject: they are "
            "taken to be sorted, too. Give the design a column subject_label to have its rows matched",
            stacklevel=4,
        )
    kept = [name for name in named.columns if name in design.columns and str(name) != matching.column]
    rows = named.iloc[list(matching.rows)][kept]
    return (rows.set_axis(source.labels, axis=0) if source.labels else rows.reset_index(drop=True)), matching
