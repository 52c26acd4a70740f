"""Share of each frequency that drift columns remove."""

from __future__ import annotations

import numpy as np

from glmwidgets.glm.design.collinearity import Design, as_matrix, centred, unit_columns


def drift_gain(drift: Design, frequency: np.ndarray, t_r: float) -> np.ndarray:
    """Share of a wave that lies in the span of drift columns, by its frequency, mean over its phases.

    ``(|Q' c|^2 + |Q' s|^2) / (|c|^2 + |s|^2)``, with Q an orthonormal basis of the drift columns and c and s the
    cosine and the sine of the frequency at the scans, means taken out.

    Parameters
    ----------
    drift : DataFrame or array of shape (n_scans, k)
        A constant is taken to be among them.
    frequency : array of shape (m,)
        Hz, above 0.
    t_r : float
        Repetition time in seconds.

    Returns
    -------
    array of shape (m,)
        From 0 (the drift leaves it alone) to 1 (it takes all).

    Examples
    --------
    >>> from glmwidgets.glm.design.drift import cosine_drift
    >>> cosines = cosine_drift(np.arange(200) * 2.0, high_pass=0.01)
    >>> drift_gain(cosines, np.array([0.0025, 0.05]), t_r=2.0).round(2).tolist()
    [1.0, 0.0]
    """
    columns = centred(as_matrix(drift))
    left, s, _ = np.linalg.svd(unit_columns(columns)[0], full_matrices=False)
    basis = left[:, s > s.max(initial=0.0) * max(columns.shape) * np.finfo(np.float64).eps]
    phase = 2 * np.pi * np.outer(np.arange(len(columns)) * t_r, frequency)
    taken, whole = np.zeros((2, np.size(frequency)))
    for wave in (np.cos(phase), np.sin(phase)):
        wave -= wave.mean(axis=0)
        taken += np.square(basis.T @ wave).sum(axis=0)
        whole += np.square(wave).sum(axis=0)
    return np.clip(np.divide(taken, whole, out=np.zeros_like(taken), where=whole > 0), 0.0, 1.0)
