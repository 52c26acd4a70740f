"""The way from a model to its report, which stands on a floor above."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["generate_report"]

REPORT_MODULE = "glmwidgets.report.page.html"


def generate_report(model: Any, contrasts: Any, **options: Any) -> Any:
    """Write a report of a fitted model.

    The report is found by name when it is asked for: models know nothing of figures, and run where matplotlib is not
    installed.

    Parameters
    ----------
    model : fitted estimator
    contrasts : str, array, list or dict of these
    **options
        Of ``glmwidgets.report.page.html.glm_report``.

    Returns
    -------
    Report

    Raises
    ------
    ImportError
        If what reports are made with is not installed; the message says what to install.
    """
    try:
        glm_report: Callable[..., Any] = import_module(REPORT_MODULE).glm_report
    except ModuleNotFoundError as error:
        raise ImportError(
            f"reports cannot be made here, as {error.name} is not installed: "
            'python -m pip install "glmwidgets[report]" brings all they need'
        ) from error
    return glm_report(model, contrasts, **options)
