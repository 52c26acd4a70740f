"""Names of the two signs of a contrast: what is larger where the map is positive, and where it is negative."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from glmwidgets.glm.fit.expressions import contrast_vector
from glmwidgets.glm.fit.grammar import is_f_test


def sides_in_words(expression: str, columns: Iterable[object], effects: Mapping[str, Iterable[str]]) -> tuple[str, str]:
    """Names of what a contrast weighs positively and negatively.

    Parameters
    ----------
    expression : str
    columns : iterable of str
        Of the design.
    effects : mapping from effect to columns
        Columns that model an effect are called by its name.

    Returns
    -------
    positive, negative : str
        A side without a weight is said to be below, or above, zero. Both are empty of an F test, which has no
        direction.

    Examples
    --------
    >>> columns, effects = ["face", "house", "drift_1"], {"face": ("face",), "house": ("house",)}
    >>> sides_in_words("face - house", columns, effects), sides_in_words("face + house", columns, effects)
    (('face', 'house'), ('face + house', 'below 0'))
    >>> sides_in_words("face; house", columns, effects)
    ('', '')
    """
    names = [str(name) for name in columns]
    weights = np.atleast_2d(contrast_vector(expression, names))
    if len(weights) > 1 or is_f_test(expression, names):
        return "", ""
    called = {str(column): effect for effect, of_it in effects.items() for column in of_it}
    sides = (weights[0] > 0, weights[0] < 0)
    found = (dict.fromkeys(called.get(n, n) for n, on in zip(names, side, strict=True) if on) for side in sides)
    positive, negative = (" + ".join(side) for side in found)
    return positive or "above 0", negative or "below 0"
