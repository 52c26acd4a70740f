"""A head that never was: tissue by tissue from formulas, in mm, on any grid.

Lengths and places are those of the MNI space (x to the right, y to the front, z up). The cortex is a ribbon around
the sheets where a random wave field is zero, cut into the outer part of an egg; the rest is ellipsoids and tubes.
Tissue borders fall off over a voxel, as partial volumes do. Left and right differ: the right forehead and the left
occiput reach further, the left ventricle is the larger one, and an oil capsule is taped to the right temple.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import ndimage

# Brightness of each tissue in a T1-weighted anatomy and in an echo-planar volume, where white matter is 1 and
# grey matter is 1.
T1 = {"csf": 0.25, "grey": 0.6, "white": 1.0, "bone": 0.15, "scalp": 0.95, "muscle": 0.5, "eye": 0.2, "oil": 1.5}
EPI = {"csf": 1.35, "grey": 1.0, "white": 0.8, "bone": 0.04, "scalp": 0.22, "muscle": 0.3, "eye": 0.9, "oil": 0.1}

Coordinates = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Phantom:
    """Tissues of a head on a grid.

    Attributes
    ----------
    tissues : dict of str to array of shape (nx, ny, nz), float32
        Share of each voxel that is csf, grey, white, bone, scalp, muscle, eye or oil; what is missing to 1 is air.
    brain : array of bool
        Voxels that are brain or the fluid in it, by more than half.
    t1 : array, float32
        Anatomy: white matter about 1000.
    epi : array, float32
        Mean of an echo-planar run: grey matter about 900, less where air cavities are near.
    """

    tissues: dict[str, np.ndarray]
    brain: np.ndarray
    t1: np.ndarray
    epi: np.ndarray


def make_phantom(shape: Sequence[int], affine: np.ndarray, seed: int = 0) -> Phantom:
    """Draw a head.

    Parameters
    ----------
    shape : three ints
    affine : array of shape (4, 4)
        From voxels to mm; its axes must run along x, y and z.
    seed : int
        Of the pattern of folds.

    Returns
    -------
    Phantom

    Examples
    --------
    >>> affine = np.diag([8.0, 8.0, 8.0, 1.0])
    >>> affine[:3, 3] = -80, -112, -72
    >>> head = make_phantom((21, 26, 22), affine)
    >>> volume = head.brain.sum() * 0.512  # ml
    >>> bool(1100 < volume < 1800)
    True
    """
    spacing = tuple(float(abs(affine[i, i])) for i in range(3))
    axes = tuple((affine[i, 3] + affine[i, i] * np.arange(n)).astype(np.float32) for i, n in enumerate(shape))
    grid = tuple(np.meshgrid(*axes, indexing="ij", copy=True))
    rng = np.random.default_rng([seed, 1])
    tissues = _tissues(axes, grid, spacing, rng)
    inside = tissues["grey"] + tissues["white"] + tissues["csf"]
    brain = ndimage.binary_opening(inside > 0.5)
    shading = 1 + 0.1 * _waves(axes, 220.0, rng, 12)
    t1 = ndimage.gaussian_filter(_brightness(tissues, T1), 0.35) * (1000 * shading)
    epi = ndimage.gaussian_filter(_brightness(tissues, EPI), 0.55) * (900 * shading * _cavities(grid))
    return Phantom(tissues, brain, t1.astype(np.float32), epi.astype(np.float32))


def brain_parts(axes: Coordinates) -> dict[str, np.ndarray]:
    """Depth in mm below the surface of the cerebrum, the cerebellum and the brain stem; negative outside.

    Parameters
    ----------
    axes : three arrays
        Places in mm along x, y and z, in even steps.

    Returns
    -------
    dict of str to array of shape (nx, ny, nz)

    Examples
    --------
    >>> parts = brain_parts((np.array([-2.0, 0, 2]), np.array([-22.0, -20, -18]), np.array([28.0, 30, 32])))
    >>> bool(parts["cerebrum"][1, 1, 1] > 20), bool(parts["cerebellum"][1, 1, 1] < 0)
    (True, True)
    """
    axes = tuple(np.asarray(places, dtype=np.float32) for places in axes)
    grid = tuple(np.meshgrid(*axes, indexing="ij", copy=True))
    fold = _folded(axes, grid)
    spacing = tuple(float(abs(places[1] - places[0])) for places in axes)
    return {"cerebrum": _cerebrum(fold, spacing), "cerebellum": _cerebellum(fold), "stem": _stem(grid)}


def _folded(axes: Coordinates, grid: Coordinates) -> Coordinates:
    """Right half laid over the left, but for the torque that bends real brains a little."""
    return np.abs(grid[0]), grid[1] + _torque(axes)[:, None, None], grid[2]


def _torque(axes: Coordinates) -> np.ndarray:
    return 2.5 * np.tanh(axes[0] / 12)


def _brightness(tissues: dict[str, np.ndarray], table: dict[str, float]) -> np.ndarray:
    return np.sum([table[name] * share for name, share in tissues.items()], axis=0)


def _tissues(
    axes: Coordinates, grid: Coordinates, spacing: Sequence[float], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    voxel = float(np.mean(spacing))
    # The two halves are twins up to a quarter of the folds, and the torque.
    torque, fold = _torque(axes), _folded(axes, grid)
    fold_axes = (np.abs(axes[0]), *axes[1:])
    cerebrum, cerebellum, stem = _cerebrum(fold, spacing), _cerebellum(fold), _stem(grid)
    depth = np.maximum(np.maximum(cerebrum, cerebellum), stem)

    pattern = _waves(fold_axes, 25.0, rng, 48, torque) + 0.5 * _waves(axes, 22.0, rng, 48)
    sheets = np.abs(pattern) / np.maximum(_slope(pattern, spacing), 0.05)
    ribbon = _ribbon(fold, grid, cerebrum, sheets)
    folia = np.abs(_waves([0.4 * fold_axes[0], 0.7 * fold_axes[1], 1.6 * fold_axes[2]], 17.0, rng, 24))
    ribbon = np.where(cerebellum > cerebrum, np.minimum(cerebellum, 0.6 + 9 * folia + 0.25 * cerebellum), ribbon)
    ribbon = np.where((stem > cerebellum) & (stem > cerebrum), stem + 1.5, ribbon)

    inside = _share(depth, voxel)
    grey_or_white = inside * _share(ribbon - 0.9, voxel)
    white = inside * _share(ribbon - 4.3, voxel)
    nuclei = inside * _share(_nuclei(fold), voxel)
    ventricles = inside * _share(_ventricles(grid), voxel)
    white = white * (1 - nuclei) * (1 - ventricles)
    grey = np.maximum(grey_or_white * (1 - ventricles) - white, 0)
    csf = inside - white - grey
    rest = 1 - inside

    head = np.maximum(depth + 13, _face(fold))
    fluid = rest * _share(depth + 2, voxel)
    bone = (rest - fluid) * _share(depth + 7, voxel)
    rest = rest - fluid - bone
    skin = rest * _share(head, voxel)
    eyes = skin * _share(_ball(fold, (31, 62, -34), (12, 12, 12)), voxel)
    hollow = skin * _share(
        np.maximum(_ball(fold, (23, 62, -64), (13, 14, 14)), _ball(fold, (5, 70, -50), (4, 16, 14))), voxel
    )
    muscle = (skin - eyes - hollow).clip(0) * _share(head - 5, voxel)
    scalp = (skin - eyes - hollow).clip(0) - muscle
    capsule = _share(_ball(grid, (75, 18, 22), (5, 9, 5)), voxel) * (1 - inside - fluid - bone)
    scalp, muscle = scalp * (1 - capsule), muscle * (1 - capsule)
    parts = {"csf": csf + fluid, "grey": grey, "white": white, "bone": bone, "scalp": scalp, "muscle": muscle}
    return {name: share.astype(np.float32) for name, share in {**parts, "eye": eyes, "oil": capsule}.items()}


def _share(depth: np.ndarray, voxel: float) -> np.ndarray:
    """Share of a voxel that lies on the positive side of a border `depth` mm away."""
    return np.clip(0.5 + depth / voxel, 0, 1)


def _slope(field: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    return np.sqrt(np.sum(np.square(np.gradient(field, *spacing)), axis=0))


def _waves(
    axes: Sequence[np.ndarray], wavelength: float, rng: np.random.Generator, n_waves: int, shift: np.ndarray | float = 0
) -> np.ndarray:
    """Random field of one wavelength in mm, without direction, of unit variance; y may be shifted along x."""
    directions = rng.standard_normal((n_waves, 3))
    directions *= 2 * np.pi / wavelength / np.linalg.norm(directions, axis=1, keepdims=True)
    phases = rng.uniform(0, 2 * np.pi, n_waves)
    kx, ky, kz = directions.T
    x, y, z = axes
    # A plane wave is the product of one factor per axis, so the sum of many is one matrix product.
    along_x = np.exp(1j * (np.outer(x, kx) + np.outer(np.broadcast_to(shift, x.shape), ky) + phases))
    along_xy = along_x[:, None, :] * np.exp(1j * np.outer(y, ky))
    field = (along_xy.astype(np.complex64) @ np.exp(1j * np.outer(kz, z)).astype(np.complex64)).real
    return field * np.float32(np.sqrt(2 / n_waves))


def _ball(grid: Coordinates, centre: Sequence[float], radii: Sequence[float], power: float = 2.0) -> np.ndarray:
    """Depth in mm, to first order, below the surface of an ellipsoid (or of a boxier egg)."""
    parts = [np.abs((g - c) / r) ** power for g, c, r in zip(grid, centre, radii, strict=True)]
    return ((1 - sum(parts) ** (1 / power)) * min(radii)).astype(np.float32)


def _cerebrum(fold: Coordinates, spacing: Sequence[float]) -> np.ndarray:
    x, y, z = fold
    width = 65 - 0.07 * (y + 18)
    height = np.where(z > 6, 67.0, 31.0)
    egg = (np.abs(x / width) ** 2.3 + np.abs((y + 17) / 85) ** 2.3 + np.abs((z - 6) / height) ** 2.3) ** (1 / 2.3)
    egg = (1 - egg) / np.maximum(_slope(egg, spacing), 0.008)
    return np.maximum(egg, _ball((x, y, z + 0.12 * (y + 14)), (41, -14, -22), (24, 42, 21)))


def _cerebellum(fold: Coordinates) -> np.ndarray:
    return np.maximum(_ball(fold, (24, -64, -40), (28, 30, 20)), _ball(fold, (0, -66, -38), (14, 24, 18)))


def _stem(grid: Coordinates) -> np.ndarray:
    x, y, z = grid
    # From the midbrain backwards and down to the spinal cord, thickest at the pons.
    radius = 9 + 6 * np.exp(-(((z + 28) / 11) ** 2))
    middle = -24 + 0.28 * (z + 12)
    return np.minimum(radius - np.hypot(x, y - middle), -6 - z)


def _ribbon(fold: Coordinates, grid: Coordinates, cerebrum: np.ndarray, sheets: np.ndarray) -> np.ndarray:
    """Depth in mm below the cortex: below the outer surface, or away from a sulcus that cuts into it."""
    x, y, z = fold
    sulci = sheets + np.maximum(0, cerebrum - 19)
    callosum = 30 * (1 - np.hypot((y + 12) / 50, (z - 2) / 30))
    fissure = np.abs(grid[0] - 2 * np.sin(y / 19 + z / 31)) + np.maximum(0, callosum)
    slope = 0.42
    sylvian = np.abs(z - 6 - slope * -(y + 6)) / np.hypot(1, slope)
    sylvian = sylvian + np.maximum(0, 36 - x) + np.maximum(0, y - 28) + np.maximum(0, -46 - y)
    return np.minimum.reduce([cerebrum, sulci, fissure, sylvian])


def _tube(grid: Coordinates, points: Sequence[Sequence[float]]) -> np.ndarray:
    """Depth in mm below the surface of a tube through points (x, y, z, radius)."""
    position = np.stack(grid)
    best = np.full(grid[0].shape, -np.inf, np.float32)
    for start, stop in pairwise(points):
        start, stop = np.asarray(start, np.float32), np.asarray(stop, np.float32)
        along = stop[:3] - start[:3]
        offset = position - start[:3, None, None, None]
        where = np.clip(np.tensordot(along, offset, 1) / (along @ along), 0, 1)
        distance = np.linalg.norm(offset - where * along[:, None, None, None], axis=0)
        best = np.maximum(best, start[3] + where * (stop[3] - start[3]) - distance)
    return best


def _ventricles(grid: Coordinates) -> np.ndarray:
    x, y, z = grid
    lateral = _tube(
        (np.abs(x), y, z),
        [(13, 30, 6, 4), (9, 12, 18, 5.5), (11, -18, 22, 5), (22, -40, 16, 6.5), (25, -62, 8, 3)],
    )
    horn = _tube((np.abs(x), y, z), [(22, -40, 16, 6), (31, -30, -6, 3), (31, -10, -20, 2.5)])
    larger_left = np.where(x < 0, 1.3, 0.0)
    third = _ball(grid, (0, -14, 3), (2.2, 15, 11))
    fourth = _ball(grid, (0, -45, -34), (7, 6, 11))
    return np.maximum.reduce([lateral + larger_left, horn + 0.5 * larger_left, third, fourth])


def _nuclei(fold: Coordinates) -> np.ndarray:
    thalamus = _ball(fold, (12, -18, 8), (9, 15, 9))
    putamen = _ball(fold, (26, 3, 2), (6, 17, 10))
    caudate = _tube(fold, [(12, 18, 2, 6), (15, 8, 15, 5), (17, -16, 20, 3)])
    return np.maximum.reduce([thalamus, putamen, caudate])


def _face(fold: Coordinates) -> np.ndarray:
    x, y, z = fold
    face = _ball(fold, (0, 38, -60), (62, 54, 60), 2.6)
    nose = _ball(fold, (0, 92, -52), (12, 14, 16))
    neck = np.minimum(56 - np.hypot(x, (y + 22) * 0.9), -30 - z)
    return np.maximum.reduce([face, nose, neck])


def _cavities(grid: Coordinates) -> np.ndarray:
    """What is left of an echo-planar signal near the air of the sinuses and of the ears."""
    x, y, z = grid
    fold = (np.abs(x), y, z)
    places = [((0, 40, -26), (24, 22, 15), 0.75), ((50, -18, -38), (20, 26, 13), 0.5)]
    left = np.ones(x.shape, np.float32)
    for centre, radii, loss in places:
        left *= 1 - loss * np.exp(-sum(((g - c) / r) ** 2 for g, c, r in zip(fold, centre, radii, strict=True)))
    return left
