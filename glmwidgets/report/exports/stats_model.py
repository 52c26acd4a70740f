"""BIDS Stats Models: a model as a JSON document that other programs can run.

What the format has no words for (noise model, scaling, smoothing ...) stands in ``Model.Software`` under this
program's name; a document without that part is read with the defaults of `FirstLevelModel`.
Specification: https://bids-standard.github.io/stats-models, version 1.0.0.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from glmwidgets import __version__
from glmwidgets.files.writing import write_text
from glmwidgets.glm.design.drift import drift_row
from glmwidgets.glm.fit.contrasts import chosen_stat_type
from glmwidgets.glm.fit.expressions import contrast_vector
from glmwidgets.glm.response.given_functions import HELD
from glmwidgets.glm.response.models import parse_hrf
from glmwidgets.models.first_level import FirstLevelModel
from glmwidgets.models.run_contrasts import named_contrasts
from glmwidgets.report.exports.added_rows import added_rows
from glmwidgets.report.exports.stats_model_read import FACTOR, OURS, listed
from glmwidgets.specification.arguments import arguments_of
from glmwidgets.specification.noise import NoiseSettings
from glmwidgets.specification.words import told_beside

VERSION = "1.0.0"


NO_EVENTS = "a model of given design matrices cannot be written as a Stats Model: it has no events"


def stats_model(
    source: Any,
    contrasts: Any = None,
    *,
    name: str = "glmwidgets",
    inputs: Mapping[str, Any] | None = None,
    confounds: Sequence[str] = (),
) -> dict[str, Any]:
    """Describe a model as a BIDS Stats Model.

    Parameters
    ----------
    source : Session, Explorer or fitted FirstLevelModel
    contrasts : str, array, mapping or list of these, optional
        Of a model; a session brings its own.
    name : str
    inputs : mapping, optional
        Entities that choose the files, such as ``{"subject": ["01"], "task": ["oneback"]}``.
    confounds : sequence of str
        Columns of a model's designs that are confounds; a session knows its own.

    Returns
    -------
    dict
        Ready for JSON.

    Raises
    ------
    ValueError
        If the model cannot be told in this format.
    """
    if hasattr(source, "fits_"):
        parameters, conditions, columns, n_runs = _told_by_model(source, confounds)
        note = ""
        definitions, tables = named_contrasts(contrasts, columns), [one.events for one in source.fitted_]
    else:
        session = getattr(source, "session", source)
        if hasattr(session, "current_result"):  # a live one
            session.current_result()
        parameters, conditions, confounds, columns = _told_by_session(session)
        events = session.analysis.events(session.settings)
        note = f" {told_beside(session.settings)}".rstrip()
        if session.settings.noise.bins != NoiseSettings().bins:
            note += f" It was fitted with bins={session.settings.noise.bins}."
        n_runs, tables = 1, [] if events is None else [events]
        definitions = {label or text: text for label, text in session.settings.contrast.listed}
        if contrasts is not None:
            definitions = named_contrasts(contrasts, columns)
    hrf = parameters["hrf_model"]
    if hrf is not None and (not isinstance(hrf, str) or hrf in HELD):
        raise ValueError("a response function of your own cannot be written to a Stats Model: name one of HRFS")
    terms = {label: _terms(definition, columns) for label, definition in definitions.items()}
    tests = {label: chosen_stat_type(None, len(rows), definitions[label], columns) for label, rows in terms.items()}
    written = [_contrast(label, rows, conditions, tests[label]) for label, rows in terms.items()]
    bids = {f"{FACTOR}.{kind}" for kind in conditions}
    instructions: list[dict[str, Any]] = [{"Name": "Factor", "Input": [FACTOR]}]
    if any((events["modulation"] != 1).any() for events in tables if "modulation" in events):
        instructions += [{"Name": "Product", "Input": [each, "modulation"], "Output": [each]} for each in sorted(bids)]
    if hrf is not None:
        convolve: dict[str, Any] = {"Name": "Convolve", "Input": sorted(bids), "Model": _bids_hrf(hrf)}
        convolve["Derivative"], convolve["Dispersion"] = "derivative" in hrf, "dispersion" in hrf
        instructions.append(convolve)
    ours = {key: _jsonable(parameters[key]) for key in OURS}
    added = ", ".join(added_rows(parameters))
    if added:
        note += f" It needs {added}, which somebody added to glmwidgets: other programs do not know this choice."
    drift = drift_row(parameters["drift_model"])
    options = {drift.bids: parameters[drift.setting]} if drift.bids else {}
    run_node: dict[str, Any] = {
        "Level": "Run",
        "Name": "run_level",
        "GroupBy": ["run", "subject"],
        "Transformations": {"Transformer": "pybids-transforms-v1", "Instructions": instructions},
        "Model": {
            "Type": "glm",
            "X": [*sorted(bids), *confounds, 1],
            "Options": options,
            "Software": [{"glmwidgets": {"version": __version__, **ours}}],
        },
        "Contrasts": written,
    }
    nodes = [run_node]
    if n_runs > 1:
        # The effect of a participant is the fixed effect of the runs: each contrast's mean over them.
        model = {"Type": "meta", "X": [1]}
        dummy = {"Test": "t"}
        nodes.append(
            {"Level": "Subject", "Name": "subject_level", "GroupBy": ["subject", "contrast"], "Model": model}
            | {"DummyContrasts": dummy}
        )
    chosen = {key: listed(value) for key, value in (inputs or {}).items()}
    return {
        "Name": name,
        "BIDSModelVersion": VERSION,
        "Description": f"Written by glmwidgets {__version__}.{note}",
        "Input": chosen,
        "Nodes": nodes,
    }


def write_stats_model(
    path: str | os.PathLike[str], source: Any, contrasts: Any = None, *, overwrite: bool = False, **options: Any
) -> Path:
    """Write a model as a BIDS Stats Model, by convention ``model-<label>_smdl.json``.

    Parameters
    ----------
    path : str or path
    source, contrasts, **options
        As in `stats_model`.
    overwrite : bool
        Whether a file that exists may be replaced. The one that was written of the same session or model before may;
        one that was read as an input never is.

    Returns
    -------
    Path

    Raises
    ------
    FileExistsError
        If the file was read as an input, or exists and may not be replaced.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_stats_model(Path(folder) / "model.json", session, inputs={"subject": ["01"]}).name
    'model.json'
    """
    document = stats_model(source, contrasts, **options)
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return write_text(path, text, "Stats Model", overwrite=overwrite, by=getattr(source, "session", source))


def _told_by_model(
    model: FirstLevelModel, confounds: Sequence[str]
) -> tuple[dict[str, Any], tuple[str, ...], list[str], int]:
    tables = [one.events for one in model.fitted_]
    if any(events is None for events in tables):
        raise ValueError(NO_EVENTS)
    columns = [str(name) for name in model.design_matrices_[0].columns]
    unknown = sorted(set(confounds) - set(columns))
    if unknown:
        raise ValueError(f"the design has no confound {', '.join(unknown)}")
    kinds = {str(kind) for events in tables for kind in events[FACTOR].unique()}
    return model.get_params(deep=False), tuple(sorted(kinds)), columns, len(model.fits_)


def _told_by_session(session: Any) -> tuple[dict[str, Any], tuple[str, ...], tuple[str, ...], list[str]]:
    run, settings = session.run, session.settings
    design = settings.design
    if design.source == "given":
        raise ValueError(NO_EVENTS)
    own = () if run.confounds is None else tuple(run.confounds.columns)
    told = arguments_of(settings.updated({"inputs.slice_time_ref": run.slice_time_ref}))
    parameters = FirstLevelModel().get_params(deep=False) | told | {"precision": session.analysis.precision}
    columns = [str(name) for name in session.analysis.design(settings).columns]
    conditions = session.analysis.conditions(settings) if design.conditions is None else design.conditions
    return parameters, tuple(conditions), own if design.confounds is None else design.confounds, columns


def _terms(definition: Any, columns: Sequence[str]) -> list[dict[str, float]]:
    rows = np.atleast_2d(contrast_vector(definition, columns))
    return [{c: float(w) for c, w in zip(columns, row, strict=True) if w} for row in rows]


def _contrast(name: str, rows: list[dict[str, float]], conditions: Sequence[str], test: str) -> dict[str, Any]:
    names = list(dict.fromkeys(column for row in rows for column in row))
    weights = [[row.get(column, 0.0) for column in names] for row in rows]
    listed = [f"{FACTOR}.{column}" if _stem(column, conditions) else column for column in names]
    single = len(rows) == 1
    found = {"Name": name, "ConditionList": listed, "Weights": weights[0] if single else weights}
    return {**found, "Test": test}


def _stem(column: str, conditions: Sequence[str]) -> bool:
    """Whether a column comes of a condition: it is one, or one's derivative or delay."""
    return column in conditions or any(column.startswith(f"{kind}_") for kind in conditions)


def _bids_hrf(hrf: str) -> str:
    """The format's word for a response model; one that it does not know keeps its own."""
    row = parse_hrf(hrf)[0]
    return row.bids or row.name.partition(" + ")[0]


def _jsonable(value: Any) -> Any:
    return list(value) if isinstance(value, tuple | list) else value
