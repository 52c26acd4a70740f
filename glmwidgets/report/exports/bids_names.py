"""Names of BIDS derivatives, and the description of a dataset of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glmwidgets import __version__
from glmwidgets.files.json_text import parse_json
from glmwidgets.files.writing import write_text

DESCRIPTION = "dataset_description.json"

#: Entities of a run's file name that its results keep.
_ENTITIES = ("sub", "ses", "task", "acq", "dir", "run", "echo", "space", "res")


def entities_of(name: str) -> dict[str, str]:
    """Entities of a run's file name that its results keep, in their order.

    Examples
    --------
    >>> entities_of("sub-01_run-2_desc-preproc_bold")
    {'sub': '01', 'run': '2'}
    """
    found = {key: value for key, _, value in (part.partition("-") for part in name.split("_")) if value.isalnum()}
    return {key: found[key] for key in _ENTITIES if key in found}


def entity_text(entities: Mapping[str, str]) -> str:
    """Entities in their order, as the beginning of a file's name.

    Examples
    --------
    >>> entity_text({"run": "1", "sub": "01"})
    'sub-01_run-1_'
    """
    return "".join(f"{key}-{entities[key]}_" for key in _ENTITIES if key in entities)


def dataset_description(path: Path) -> dict[str, Any]:
    """The dataset's description; one that is there already keeps what it says, and this program is added."""
    own = {"Name": "glmwidgets", "Version": __version__}
    description = parse_json(path.read_bytes(), path) if path.is_file() else {}
    if not isinstance(description, dict):
        raise ValueError(f"{path} must hold one JSON object of names and values; mend or remove it first")
    told = description.get("GeneratedBy", [])
    if not (isinstance(told, list) and all(isinstance(by, dict) for by in told)):
        raise ValueError(f"GeneratedBy in {path} must be a list of objects, each with a Name; mend it first")
    others = [by for by in told if by.get("Name") != own["Name"]]
    defaults = {"Name": "glmwidgets: results of general linear models", "BIDSVersion": "1.9.0"}
    return {**defaults, "DatasetType": "derivative", **description, "GeneratedBy": [*others, own]}


def write_facts(path: Path, content: Mapping[str, Any]) -> None:
    """Write plain values as a JSON file."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_text(path, text, "facts")
