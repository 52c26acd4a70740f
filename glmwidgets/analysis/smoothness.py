"""Spatial smoothness of the noise of a fitted run, of several runs, or of a group.

`smoothness_of` and its kin give a `SpatialNoise`, which finds a number when it is first asked for one: a threshold that
needs none costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from glmwidgets.glm.fit.contrasts import Contrast
from glmwidgets.glm.fit.regression import Fit
from glmwidgets.glm.fit.smoothness import fit_smoothness, white_volumes
from glmwidgets.glm.inference.cluster_tables import (
    Autocorrelation,
    correlation_by_distance,
    fit_autocorrelation,
)
from glmwidgets.glm.inference.random_fields import RandomField
from glmwidgets.glm.inference.smoothness import Smoothness, pooled_smoothness, smoothness_of_residuals
from glmwidgets.runs.domain import Domain


class SpatialNoise:
    """Noise over the voxels of a domain.

    Parameters
    ----------
    domain : Domain
    estimate : callable
        ``estimate(method) -> Smoothness``, for a key of `glmwidgets.glm.inference.smoothness.SMOOTHNESS`.
    volumes : callable
        ``volumes() -> array of shape (n, n_voxels)``: some of the residuals, white over time.

    Examples
    --------
    >>> import nibabel as nib
    >>> domain = Domain.of(nib.Nifti1Image(np.ones((4, 4, 4), np.uint8), np.diag([3, 3, 3, 1])))
    >>> noise = SpatialNoise(domain, lambda method: Smoothness((2.0, 2.0, 2.0), 8.0), lambda: np.ones((1, 64)))
    >>> noise.smoothness().fwhm_mm(domain.voxel_size)
    (6.0, 6.0, 6.0)
    """

    def __init__(self, domain: Domain, estimate: Callable[[str], Smoothness], volumes: Callable[[], np.ndarray]):
        self.domain = domain
        self._estimate, self.volumes = estimate, volumes
        self._found: dict[str, Smoothness] = {}

    def smoothness(self, method: str = "correlation") -> Smoothness:
        """Its smoothness, found once for each estimator.

        Raises
        ------
        ValueError
            If no two voxels of the mask touch.
        """
        if method not in self._found:
            self._found[method] = self._estimate(method)
        return self._found[method]

    @cached_property
    def autocorrelation(self) -> Autocorrelation:
        """How it correlates with itself over distance; takes seconds."""
        domain = self.domain
        by_distance = correlation_by_distance(self.volumes(), domain.mask, domain.voxel_size)
        return fit_autocorrelation(*by_distance)

    def field(
        self, contrast: Contrast, two_sided: bool, method: str = "correlation", region: np.ndarray | None = None
    ) -> RandomField:
        """The random field of a contrast's map where it is noise.

        Parameters
        ----------
        contrast : Contrast
            Its degrees of freedom are the field's.
        two_sided : bool
            Whether both signs are looked at; an F test has one side.
        method : str
            Which estimator of smoothness.
        region : bool array of shape (nx, ny, nz), optional
            Where one searches; by default the whole mask.
        """
        mask, smooth = self.domain.mask if region is None else region & self.domain.mask, self.smoothness(method)
        return RandomField(
            smooth.resels(mask),
            smooth.resel_size,
            int(np.count_nonzero(mask)),
            dof=contrast.dof,
            rows=contrast.dim if contrast.stat_type == "F" else None,
            two_sided=two_sided and contrast.stat_type != "F",
        )


def field_of_width(domain: Domain, fwhm: Any, dof: float = np.inf, rows: int | None = None) -> RandomField:
    """The random field of noise whose width somebody knows.

    Parameters
    ----------
    domain : Domain
        Where one searches.
    fwhm : float or sequence of 3 floats
        In mm.
    dof, rows
        See `glmwidgets.glm.inference.random_fields.RandomField`.

    Raises
    ------
    ValueError
        If a width is not positive.
    """
    widths = np.broadcast_to(np.asarray(fwhm, dtype=np.float64), 3)
    if not (widths > 0).all():
        raise ValueError(f"the FWHM of the noise is a positive number of mm, or three, not {fwhm}")
    wide = tuple(float(w) for w in widths / domain.voxel_size)
    smooth = Smoothness(wide, float(np.prod(wide)))
    return RandomField(smooth.resels(domain.mask), smooth.resel_size, domain.size, dof=dof, rows=rows)


def smoothness_of(
    asked: Any, fit: Fit, domain: Domain, products: dict[str, list[np.ndarray]] | None = None
) -> SpatialNoise:
    """Of one run: from products of neighbours' series, or from whitened residuals.

    Parameters
    ----------
    asked : object
        Not read: the estimator is chosen where a number is asked for.
    fit : Fit
    domain : Domain
    products : dict, optional
        Of the same data, where `glmwidgets.glm.fit.smoothness.fit_smoothness` keeps what other models can use.

    Returns
    -------
    SpatialNoise

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> noise = smoothness_of(session.settings, session.result.fit, session.result.domain)
    >>> [bool(0 < width < 3) for width in noise.smoothness().fwhm]
    [True, True, True]
    """

    def estimate(method: str) -> Smoothness:
        return fit_smoothness(fit, domain.pairs, method, products=products)

    return SpatialNoise(domain, estimate, lambda: white_volumes(fit))


def runs_smoothness_of(asked: Any, domain: Domain, runs: Sequence[SpatialNoise]) -> SpatialNoise:
    """Of several runs that are combined: as rough as they are on average.

    Parameters
    ----------
    asked : object
        Not read: the estimator is chosen where a number is asked for.
    domain : Domain
        The voxels that all runs have.
    runs : sequence of SpatialNoise
        Of each run.

    Returns
    -------
    SpatialNoise

    Examples
    --------
    >>> import nibabel as nib
    >>> domain = Domain.of(nib.Nifti1Image(np.ones((4, 4, 4), np.uint8), np.diag([3, 3, 3, 1])))
    >>> narrow, wide = Smoothness((2.0, 2.0, 2.0), 8.0), Smoothness((3.0, 3.0, 3.0), 27.0)
    >>> one = SpatialNoise(domain, lambda method: narrow, lambda: np.ones((1, 64)))
    >>> other = SpatialNoise(domain, lambda method: wide, lambda: np.ones((1, 64)))
    >>> 2 < runs_smoothness_of(None, domain, [one, other]).smoothness().fwhm[0] < 3
    True
    """

    def estimate(method: str) -> Smoothness:
        return pooled_smoothness([one.smoothness(method) for one in runs])

    return SpatialNoise(domain, estimate, lambda: np.concatenate([one.volumes() for one in runs]))


def group_smoothness_of(asked: Any, fitted: Any, domain: Domain) -> SpatialNoise:
    """Of a group: from what the design leaves of the maps.

    Parameters
    ----------
    asked : object
        Not read.
    fitted : FittedGroup
    domain : Domain

    Returns
    -------
    SpatialNoise

    Examples
    --------
    >>> import nibabel as nib, numpy as np, pandas as pd
    >>> from glmwidgets.session import GroupSession, open_group
    >>> rng = np.random.default_rng(0)
    >>> maps = [nib.Nifti1Image(rng.standard_normal((6, 6, 6)), np.eye(4)) for _ in range(8)]
    >>> group = open_group(maps, pd.DataFrame({"age": range(20, 28)}), match="order")
    >>> session = GroupSession(group, synchronous=True)
    >>> session.refresh()
    >>> fitted = session.analysis.graph.get("fit", session.settings)
    >>> noise = group_smoothness_of(session.settings, fitted, session.result.domain)
    >>> [bool(0 < width < 3) for width in noise.smoothness().fwhm]
    [True, True, True]
    """

    def residuals() -> np.ndarray:
        return fitted.values - fitted.fit.predicted

    return SpatialNoise(domain, lambda method: smoothness_of_residuals(residuals(), domain.pairs, method), residuals)
