"""Opening an atlas: an image and the table of its names, which usually lies beside it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import nibabel as nib
from nibabel.spatialimages import SpatialImage

from glmwidgets.files.paths import resolved
from glmwidgets.glm.errors import InputError, MissingFileError
from glmwidgets.images.load import ImageLike, load_image
from glmwidgets.images.names import image_name
from glmwidgets.regions.atlas import LabelAtlas, ProbabilityAtlas
from glmwidgets.regions.atlas_image import make_atlas
from glmwidgets.regions.labels import Label, LabelTable, side_in_name
from glmwidgets.regions.spaces import space_in_name
from glmwidgets.regions.tables import label_text, numbered_by_volume, parse_labels, read_labels, xml_root

# Endings of images, and of tables that lie beside one under its name, in the order in which they are looked for.
_IMAGES = (".nii.gz", ".nii", ".img.gz", ".img", ".mgz", ".HEAD", ".BRIK", ".BRIK.gz")
_TABLES = (".tsv", ".xml", ".csv", ".lut", ".ctab", ".label", ".json", ".txt", "_LUT.txt", ".nii.txt")

# AFNI's extension of NIfTI headers, which holds its attributes as XML.
_AFNI = 4

# Entities that a table leaves out of its name, as it holds at every resolution.
_RESOLUTION = re.compile(r"_res-[A-Za-z0-9+]+")


def open_atlas(
    atlas: ImageLike,
    labels: str | os.PathLike[str] | LabelTable | dict[int, str] | None = None,
    *,
    space: str | None = None,
    name: str | None = None,
    largest: float | None = None,
) -> LabelAtlas | ProbabilityAtlas:
    """Open an atlas.

    Parameters
    ----------
    atlas : image or path
        An image of whole numbers, or 4-D of probabilities; or an atlas description of FSL (``.xml``), which names its
        image.
    labels : path, LabelTable or dict, optional
        Names by number: a file of one of `glmwidgets.regions.FORMATS`, or ``{7: "mill"}``. By default what the image
        itself holds (AFNI), or a table of its name beside it or, in BIDS, in a folder above.
    space : str, optional
        Template that the atlas is in, such as ``"MNI152NLin6Asym"``. By default the ``space-`` of its name, or else
        the ``tpl-``; otherwise it is not known.
    name : str, optional
        What it is called.
    largest : float, optional
        Value of a certain region in an image of probabilities, where it is neither 1 nor 100.

    Returns
    -------
    LabelAtlas or ProbabilityAtlas
        Its ``notes`` say what was odd.

    Raises
    ------
    MissingFileError
        If there is no such file, or no table of names.
    InputError
        If the image is no atlas, or the table cannot be read.

    Examples
    --------
    >>> import numpy as np
    >>> img = nib.Nifti1Image(np.array([0, 7, 3], np.int16).reshape(3, 1, 1), np.diag([2, 2, 2, 1.0]))
    >>> atlas = open_atlas(img, {3: "pond", 7: "mill"}, space="MNI152NLin6Asym")
    >>> str(atlas.at((2, 0, 0)))
    'mill'
    """
    if isinstance(atlas, str | os.PathLike) and str(atlas).lower().endswith(".xml"):
        return _of_fsl(Path(atlas).expanduser(), space, name, largest)
    _refuse_surfaces(atlas)
    img = load_image(atlas)
    path = atlas if isinstance(atlas, str | os.PathLike) else img.get_filename()
    table = _table(labels, img, None if path is None else Path(path).expanduser())
    return make_atlas(img, table, name=name or _name_of(path), space=space or space_in_name(path), largest=largest)


def _name_of(path: str | os.PathLike[str] | None) -> str | None:
    return None if path is None else _stem(Path(path))


def _stem(path: Path) -> str:
    ending = next((e for e in _IMAGES if path.name.endswith(e)), path.suffix)
    return path.name.removesuffix(ending)


def _refuse_surfaces(atlas: ImageLike) -> None:
    name = image_name(atlas).lower()
    if name.endswith((".annot", ".gii", ".dlabel.nii", ".dscalar.nii")):
        raise InputError(
            f"{image_name(atlas)} is an atlas of a surface, and maps here are volumes",
            advice="give the atlas as a volume of whole numbers",
        )


def _table(labels: object, img: nib.Nifti1Image, path: Path | None) -> LabelTable:
    if isinstance(labels, LabelTable):
        return labels
    if isinstance(labels, dict):
        rows = (Label(int(value), str(name), side_in_name(str(name))) for value, name in labels.items())
        return LabelTable(tuple(rows), "the names given")
    if isinstance(labels, str | os.PathLike):
        return read_labels(labels)
    if labels is not None:
        raise InputError(
            f"labels are names by number, not a {type(labels).__name__}",
            advice='numbers and names are never paired by order: give {7: "mill"} or the path of a table',
        )
    if (inside := _afni_names(img)) is not None:
        return inside
    beside = None if path is None else _beside(path)
    if beside is None:
        where = "the image in memory" if path is None else str(path)
        raise MissingFileError(
            f"{where} comes without a table of names", advice="give the file that names its values: labels="
        )
    return read_labels(beside)


def _beside(path: Path) -> Path | None:
    """Table of an image's name beside it; of BIDS also without its resolution, and in the folders above."""
    stem = _stem(path)
    for ending in _TABLES:
        if (found := path.with_name(stem + ending)).is_file():
            return found
    names = {stem + ".tsv", _RESOLUTION.sub("", stem) + ".tsv"}
    for folder in (path.parent, *list(resolved(path).parents)[1:4]):
        for name in sorted(names):
            if (found := folder / name).is_file():
                return found
    return None


def _afni_names(img: SpatialImage) -> LabelTable | None:
    """Names that AFNI wrote into the header."""
    for extension in getattr(img.header, "extensions", ()):
        if extension.get_code() == _AFNI:
            content = extension.get_content()
            text = content.decode("utf-8", errors="replace") if isinstance(content, bytes) else str(content)
            if "VALUE_LABEL_DTABLE" in text or "ATLAS_LABEL_TABLE" in text:
                return parse_labels(text.replace("\x00", ""), f"the header of {image_name(img)}")
    return None


def _of_fsl(path: Path, space: str | None, name: str | None, largest: float | None) -> LabelAtlas | ProbabilityAtlas:
    """An atlas that an XML file of FSL describes: the first of its images that is there."""
    text = label_text(path)
    table, root = parse_labels(text, str(path)), xml_root(text)
    by_volume = numbered_by_volume(table, text)
    listed = [element.text.strip() for element in root.iterfind("header/images/imagefile") if element.text]
    for image in listed:
        # Written from the root, they are meant from the folder of the description.
        for ending in ("", *_IMAGES):
            found = path.parent / (image.lstrip("/") + ending)
            if found.is_file():
                called = name or (root.findtext("header/name") or "").strip() or None
                img = load_image(found)
                if by_volume and img.ndim != 4:
                    raise InputError(f"{found} is one volume, and {path} describes one a region")
                return make_atlas(img, table, name=called, space=space or space_in_name(found), largest=largest)
    raise MissingFileError(
        f"none of the images that {path} describes is there ({', '.join(listed) or 'it lists none'})",
        advice="put them where it says, from its own folder on, or give the image itself and labels=",
    )
