"""BIDS Stats Models, read: the run level of a JSON document as a model."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from glmwidgets.files.json_text import parse_json
from glmwidgets.files.json_tree import shown
from glmwidgets.files.writing import noted
from glmwidgets.glm.design.confound_groups import choose_confounds, motion_columns
from glmwidgets.glm.design.drift import DRIFTS
from glmwidgets.glm.fit.expressions import expression_from_vector
from glmwidgets.glm.fit.grammar import as_f_test, quote_name
from glmwidgets.glm.moments.scaling import standard_name
from glmwidgets.glm.response.models import HRFS
from glmwidgets.glm.tables import number_of, some
from glmwidgets.models.first_level import FirstLevelModel
from glmwidgets.specification.arguments import arguments_of, changes_of
from glmwidgets.specification.field import UNSAID
from glmwidgets.specification.settings import Settings

FACTOR = "trial_type"

#: Parameters of `FirstLevelModel` that a document of ours holds under this program's name: those that are settings, and
#: two that only scripts have. Which images are read is said elsewhere.
OURS = (*sorted(set(arguments_of(Settings())) - {"t_r", "mask_img"}), "precision")


@dataclass(frozen=True)
class StatsModel:
    """What a document says of one participant's runs.

    Attributes
    ----------
    name : str
    parameters : dict
        Arguments of `FirstLevelModel`.
    conditions : tuple of str
        Event types that are modelled, as names or patterns such as ``*``.
    confounds : tuple of str
        Columns of the confounds, as names or patterns.
    contrasts : dict of str
        Expression by name.
    inputs : dict
        Entities that choose the files, such as ``{"task": ["oneback"]}``.
    dummy : bool
        Whether each condition is tested as well.
    modulated : bool
        Whether responses are multiplied by the events' column ``modulation``.
    """

    name: str
    parameters: dict[str, Any]
    conditions: tuple[str, ...]
    confounds: tuple[str, ...] = ()
    contrasts: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, list[Any]] = field(default_factory=dict)
    dummy: bool = False
    modulated: bool = False

    def model(self, **parameters: Any) -> FirstLevelModel:
        """An estimator that is ready to be fitted; `parameters` are set on top."""
        return FirstLevelModel(**{**self.parameters, **parameters})

    def select_events(self, events: pd.DataFrame) -> pd.DataFrame:
        """Events of the conditions that are modelled.

        Parameters
        ----------
        events : DataFrame

        Returns
        -------
        DataFrame

        Raises
        ------
        ValueError
            If a condition that is named, not a pattern, does not happen.
        """
        kinds = [str(kind) for kind in events[FACTOR].unique()]
        chosen = _matching(self.conditions, kinds, "the events have no type")
        events = events[events[FACTOR].astype(str).isin(chosen)]
        return events if self.modulated else events.drop(columns="modulation", errors="ignore")

    def select_confounds(self, confounds: pd.DataFrame | None) -> pd.DataFrame | None:
        """Columns of the confounds that enter the model; None for none.

        Parameters
        ----------
        confounds : DataFrame or None

        Returns
        -------
        DataFrame or None

        Raises
        ------
        ValueError
            If a column is named, not a pattern, and does not exist.
        """
        if not self.confounds:
            return None
        names = [] if confounds is None else [str(name) for name in confounds.columns]
        made = [name for name in motion_columns(24) if name in self.confounds and name not in names]
        chosen = _matching(self.confounds, names + made, "the confounds have no column")
        return choose_confounds(confounds, chosen) if chosen else None

    def all_contrasts(self, columns: Sequence[Any]) -> dict[str, str]:
        """Contrasts for a design, those of single conditions included where the document asks for them."""
        found = dict(self.contrasts)
        if self.dummy:
            for name in _matching(self.conditions, [str(c) for c in columns], None):
                found.setdefault(name, quote_name(name))
        return found

    def settings(self) -> Settings:
        """Settings of a session; what a session has no word for is an error.

        Returns
        -------
        Settings

        Raises
        ------
        ValueError
            If the model has patterns or parameters that settings cannot hold.
        """
        given = self.model()
        if any(_is_pattern(name) for name in (*self.conditions, *self.confounds) if name != "*"):
            raise ValueError("the model names conditions or confounds by patterns: select them from the tables first")
        if standard_name(given.standardize) is not None or not isinstance(given.hrf_model, str):
            raise ValueError("a session cannot standardise series, nor model events without a response function")
        changes = changes_of({name: value for name, value in given.get_params(deep=False).items() if name in OURS})
        changes["design.conditions"] = None if "*" in self.conditions else self.conditions
        changes["design.confounds"] = None if "*" in self.confounds else self.confounds
        if self.contrasts:
            changes["contrast.names"] = tuple(self.contrasts)
            changes["contrast.expressions"] = tuple(self.contrasts.values())
        return Settings().updated(changes)


def read_stats_model(path: str | os.PathLike[str] | Mapping[str, Any]) -> StatsModel:
    """Read the run level of a BIDS Stats Model.

    Parameters
    ----------
    path : str, path or mapping
        A file, or what was read from one.

    Returns
    -------
    StatsModel

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no such document, or asks for something that is not known here; the message names it.
    """
    if isinstance(path, Mapping):
        document, source = path, "the document"
    else:
        source = Path(path).expanduser()
        if not source.is_file():
            raise FileNotFoundError(f"no Stats Model at {source}")
        document = parse_json(noted(source).read_bytes(), source)
    if not isinstance(document, Mapping) or not document.get("Nodes"):
        raise ValueError(f"{source} is not a BIDS Stats Model: it has no Nodes")
    nodes = document["Nodes"]
    if not isinstance(nodes, list) or not all(isinstance(node, Mapping) for node in nodes):
        raise ValueError(f"{source}: Nodes has to be a list of objects")
    runs = [node for node in nodes if str(node.get("Level", "")).lower() == "run"]
    if len(runs) != 1:
        raise ValueError(f"{source}: it must have one node of level Run, and has {len(runs)}")
    try:
        return _read_node(document, runs[0])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{source}: the node of level Run cannot be read ({type(error).__name__}: {error})") from None
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None


def _read_node(document: Mapping[str, Any], node: Mapping[str, Any]) -> StatsModel:
    model = _group(node["Model"], "Model")
    if str(model.get("Type", "glm")).lower() != "glm":
        raise ValueError(f"Model.Type {model['Type']!r} is not supported; a run is modelled by 'glm'")
    names = {}  # what the document calls a condition, to its event type
    convolved: list[Mapping[str, Any]] = []
    modulated = False
    for instruction in _group(node.get("Transformations") or {}, "Transformations").get("Instructions", []):
        kind, given = instruction["Name"], listed(instruction.get("Input", []))
        if kind == "Factor":
            if given != [FACTOR]:
                raise ValueError(f"Factor of {', '.join(map(str, given))} is not supported; events differ by {FACTOR}")
        elif kind == "Convolve":
            convolved.append(instruction)
            if "Output" in instruction:
                names.update(zip(listed(instruction["Output"]), given, strict=True))
        elif kind == "Product" and given[-1:] == ["modulation"]:
            modulated = True
        else:
            raise ValueError(
                f"the transformation {kind!r} is not supported: Factor and Convolve are; prepare the events before"
            )
    conditions, confounds = [], []
    for entry in model["X"]:
        if entry == 1 or entry == "intercept":
            continue
        entry = names.get(entry, str(entry))
        if entry.startswith(f"{FACTOR}."):
            conditions.append(entry.removeprefix(f"{FACTOR}."))
        else:
            confounds.append(entry)
    _check_convolved(convolved, [f"{FACTOR}.{name}" for name in conditions])
    parameters = _parameters(model, convolved[0] if convolved else {})
    contrasts = {}
    for contrast in node.get("Contrasts", []):
        contrasts[str(contrast["Name"])] = _read_contrast(contrast, names)
    dummy = node.get("DummyContrasts")
    return StatsModel(
        name=str(document.get("Name", "")),
        parameters=parameters,
        conditions=tuple(conditions),
        confounds=tuple(confounds),
        contrasts=contrasts,
        inputs={str(key): listed(value) for key, value in _group(document.get("Input") or {}, "Input").items()},
        dummy=bool(dummy) and "Contrasts" not in dummy,
        modulated=modulated,
    )


def _group(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{place} must be a group in braces, not {shown(value)}")
    return value


def _check_convolved(steps: Sequence[Mapping[str, Any]], conditions: Sequence[str]) -> None:
    """Refuse responses that differ between conditions: a model has one for all."""
    responses = [{k: v for k, v in step.items() if k not in ("Name", "Input", "Output")} for step in steps]
    if any(one != responses[0] for one in responses):
        told = "; ".join(
            f"{one.get('Model', 'spm')} for {', '.join(map(str, listed(s['Input'])))}"
            for one, s in zip(responses, steps, strict=True)
        )
        raise ValueError(f"the Convolve steps differ ({told}), but all event types must share one response")
    inputs = [str(name) for step in steps for name in listed(step.get("Input", []))]
    bare = [name for name in conditions if steps and not any(fnmatch.fnmatchcase(name, pattern) for pattern in inputs)]
    if bare:
        raise ValueError(f"{', '.join(bare)} is in X and not convolved, while others are; one response is used for all")


def _parameters(model: Mapping[str, Any], hrf: Mapping[str, Any]) -> dict[str, Any]:
    software = model.get("Software") or []
    entries = [software] if isinstance(software, Mapping) else software
    ours = next((dict(entry["glmwidgets"]) for entry in entries if "glmwidgets" in entry), None)
    if ours is not None:
        ours.pop("version", None)
        unknown = sorted(set(ours) - set(OURS))
        if unknown:
            raise ValueError(f"Software.glmwidgets has no parameter {', '.join(unknown)}")
        for known in Settings.known().values():
            if known.absent is not UNSAID and known.argument is not None and known.argument.name in OURS:
                ours.setdefault(known.argument.name, known.argument.to(known.absent))
        for name, value in ours.items():
            if isinstance(value, list) and name == "signal_scaling":
                ours[name] = tuple(value)
        # Values that are settings are read as those of a settings file; a response may be None here.
        told = {name: value for name, value in ours.items() if name in arguments_of(Settings()) and value is not None}
        Settings().updated(changes_of(told))
        return ours
    options = model.get("Options") or {}
    unknown = sorted(set(options) - {row.bids for row in DRIFTS.values()})
    if unknown:
        raise ValueError(f"the option {', '.join(unknown)} of the model is not supported")
    parameters: dict[str, Any] = {"hrf_model": None, "drift_model": None}
    for row in DRIFTS.values():
        if row.bids in options:
            parameters |= {"drift_model": row.name, row.setting: float(options[row.bids])}
    if hrf:
        words = {"doublegamma": "spm"} | {row.bids: row.bids for row in HRFS.values() if row.bids == row.name}
        word = str(hrf.get("Model", "spm")).lower()
        if word not in words:
            raise ValueError(f"the response model {hrf['Model']!r} is not known; there are {', '.join(words)}")
        parameters["hrf_model"] = words[word]
        if HRFS[words[word]].by_delays:
            parameters["fir_delays"] = hrf.get("FIRDelays", [0])
        elif hrf.get("Derivative") in (True, "True", "true"):
            parameters["hrf_model"] += " + derivative"
            if hrf.get("Dispersion") in (True, "True", "true"):
                parameters["hrf_model"] += " + dispersion"
    return parameters


def _read_contrast(contrast: Mapping[str, Any], names: Mapping[str, str]) -> str:
    columns = [str(names.get(name, name)).removeprefix(f"{FACTOR}.") for name in contrast["ConditionList"]]
    weights = contrast["Weights"]
    rows = weights if weights and isinstance(weights[0], list) else [weights]
    found = np.zeros((len(rows), len(columns)))
    for values, row in zip(found, rows, strict=True):
        if len(row) != len(columns):
            raise ValueError(f"contrast {contrast['Name']!r} has {len(row)} weights for {len(columns)} conditions")
        # Weights may be written as fractions, such as "-1/3".
        values[:] = [_weight(w, contrast["Name"]) for w in row]
    # As text: a list of rows could be taken for one contrast for each of several runs.
    text = expression_from_vector(found, columns)
    return as_f_test(text) if len(rows) == 1 and str(contrast.get("Test", "t")) == "F" else text


def _weight(given: Any, name: str) -> float:
    above, _, below = str(given).partition("/")
    top, bottom = number_of(above), number_of(below or "1")
    if top is None or not bottom:
        raise ValueError(f"a weight of contrast {name!r} is not a finite number: {some([given], repr)}")
    return top / bottom


def _is_pattern(name: str) -> bool:
    return any(sign in name for sign in "*?[")


def _matching(patterns: Sequence[str], names: Sequence[str], missing: str | None) -> list[str]:
    chosen: list[str] = []
    for pattern in patterns:
        found = [pattern] if pattern in names else fnmatch.filter(names, pattern)
        if not found and missing is not None and not _is_pattern(pattern):
            raise ValueError(f"{missing} {pattern!r}; there are {', '.join(names) or 'none'}")
        chosen += [name for name in found if name not in chosen]
    return chosen


def listed(value: Any) -> list[Any]:
    """A list of what may be written without one."""
    return list(value) if isinstance(value, list | tuple) else [value]
