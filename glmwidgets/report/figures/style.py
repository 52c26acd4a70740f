"""How figures, tables and panels write a number."""

from __future__ import annotations

import numpy as np


def write_p(p: float) -> str:
    """Write a p value as tables show it.

    Parameters
    ----------
    p : float

    Returns
    -------
    str

    Examples
    --------
    >>> write_p(0.03141), write_p(0.00012), write_p(1e-7)
    ('0.031', '0.0001', '< 0.0001')
    """
    return "< 0.0001" if p < 5e-5 else f"{p:.4f}" if p < 0.001 else f"{p:.3f}"


def write_number(value: float) -> str:
    """Write a value as figures and tables show it: three digits that matter, a true minus sign.

    Parameters
    ----------
    value : float

    Returns
    -------
    str

    Examples
    --------
    >>> [write_number(value) for value in (3.1, 12.345, 2080, 0, 0.0042)]
    ['3.10', '12.3', '2080', '0', '0.0042']
    >>> write_number(-7.29)
    '−7.29'
    """
    size = abs(value)
    if size == 0 or not np.isfinite(value):
        text = f"{value:.0f}"
    elif size >= 99.95:
        text = f"{value:.0f}" if size < 1e6 else f"{value:.3g}"
    elif size >= 9.995:
        text = f"{value:.1f}"
    elif size >= 0.1:
        text = f"{value:.2f}"
    else:
        text = f"{value:.2g}"
    return text.replace("-", "\N{MINUS SIGN}")


def write_mm(value: float, digits: int = 0) -> str:
    """Write a position in mm with a true minus sign.

    Parameters
    ----------
    value : float
    digits : int
        After the point; see `glmwidgets.glm.inference.digits.digits_of`.

    Returns
    -------
    str

    Examples
    --------
    >>> write_mm(42.3), write_mm(-0.2)
    ('42', '0')
    """
    return f"{round(float(value), digits) + 0.0:.{digits}f}".replace("-", "\N{MINUS SIGN}")
