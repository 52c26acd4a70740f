"""The voxel that is looked at, in every view of a session."""

from __future__ import annotations

import threading

import numpy as np
import traitlets


class Crosshair(traitlets.HasTraits):
    """Where the crosshair is; to be inherited by `glmwidgets.session.core.live.LiveSession`."""

    cursor = traitlets.Tuple(traitlets.Int(), traitlets.Int(), traitlets.Int(), help="Voxel (i, j, k).")

    lock: threading.RLock
    shape: tuple[int, int, int]
    affine: np.ndarray
    _began_at: tuple[int, int, int] | None = None  # None once somebody moved it, if only to where it was

    def move_to(self, ijk: tuple[int, int, int]) -> None:
        """Put the crosshair at a voxel; outside the image it goes to the nearest one inside."""
        with self.lock:
            self._began_at = None
            self.cursor = tuple(int(np.clip(c, 0, n - 1)) for c, n in zip(ijk, self.shape, strict=True))

    def move_to_mm(self, xyz: tuple[float, float, float]) -> None:
        """Put the crosshair at the voxel nearest to a place in mm."""
        ijk = np.linalg.solve(self.affine, [*xyz, 1.0])[:3]
        self.move_to(tuple(np.rint(ijk).astype(int)))

    def mm(self, ijk: tuple[int, int, int] | None = None) -> np.ndarray:
        """Place of a voxel (the crosshair's by default) in mm, shape (3,)."""
        return (self.affine @ [*(ijk or self.cursor), 1.0])[:3]
