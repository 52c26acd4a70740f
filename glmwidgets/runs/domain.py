"""Where values lie: which voxels there are, where each is, which touch, and how a map of them is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np

from glmwidgets.glm.inference.ari import cluster_true_discoveries
from glmwidgets.glm.inference.clusters import Cluster, find_clusters
from glmwidgets.glm.inference.smoothness import NeighbourPairs, neighbour_pairs
from glmwidgets.glm.noise.pooling import neighbour_matrix
from glmwidgets.images.coordinates import to_mm
from glmwidgets.images.grids import same_grid
from glmwidgets.images.mask import to_volumes
from glmwidgets.images.new import image_like, new_image
from glmwidgets.images.spheres import sphere_indices

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, eq=False)
class Domain:
    """Voxels of a volume that values belong to, one value a voxel, in the C order of the mask.

    Attributes
    ----------
    mask : array of bool, shape (nx, ny, nz)
    affine : array of shape (4, 4)
        From voxels to mm.
    like : Nifti1Image
        Header of the images that maps are written as; it holds no voxels.

    Examples
    --------
    >>> img = nib.Nifti1Image(np.zeros((3, 2, 1), np.int16), np.diag([2.0, 2.0, 4.0, 1.0]))
    >>> domain = Domain.of(img, np.array([[[1], [0]], [[1], [1]], [[0], [0]]], bool))
    >>> domain.size, domain.cell_volume, domain.number((1, 1, 0)), domain.number((0, 1, 0))
    (3, 16.0, 2, None)
    >>> domain.points.tolist()
    [[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [2.0, 2.0, 0.0]]
    >>> domain.neighbours().toarray().astype(int).tolist()
    [[1, 1, 0], [1, 1, 1], [0, 1, 1]]
    >>> domain.image([7.0, 8.0, 9.0], outside=-1).get_fdata()[..., 0].tolist()
    [[7.0, -1.0], [8.0, 9.0], [-1.0, -1.0]]
    """

    mask: np.ndarray = field(repr=False)
    affine: np.ndarray
    like: nib.Nifti1Image = field(repr=False)
    _touching: dict[int, csr_matrix] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of(cls, img: nib.Nifti1Image, mask: np.ndarray | None = None) -> Domain:
        """Voxels of an image: those of a mask, shape (nx, ny, nz), or all."""
        # Of the image's shape, in the memory of one voxel.
        nothing = np.broadcast_to(np.zeros((), np.uint8), img.shape)
        mask = np.ones(img.shape[:3], bool) if mask is None else mask
        return cls(mask, img.affine, nib.Nifti1Image(nothing, img.affine, img.header))

    def within(self, mask: np.ndarray) -> Domain:
        """Other voxels of the same volume."""
        return replace(self, mask=mask)

    def lies_on(self, img: nib.Nifti1Image) -> bool:
        """Whether an image has the same voxels at the same places."""
        return same_grid(img, self)

    # The voxels -------------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along the axes of the volume."""
        return self.mask.shape

    @cached_property
    def size(self) -> int:
        """Number of voxels that have a value."""
        return int(np.count_nonzero(self.mask))

    @property
    def cell_volume(self) -> float:
        """Volume of a voxel in mm3."""
        i, j, k = self.affine[:3, :3].T
        return float(abs(np.dot(i, np.cross(j, k))))

    @cached_property
    def voxels(self) -> np.ndarray:
        """Indices (i, j, k) of each, shape (size, 3)."""
        return np.argwhere(self.mask)

    @property
    def points(self) -> np.ndarray:
        """Place of each in mm, shape (size, 3)."""
        return to_mm(self.voxels, self.affine)

    @cached_property
    def index(self) -> np.ndarray:
        """Volume of the voxels' numbers, -1 outside the mask."""
        index = np.full(self.shape, -1)
        index[self.mask] = np.arange(self.size)
        return index

    def number(self, ijk: Sequence[int]) -> int | None:
        """Number of a voxel; None outside the mask."""
        inside = all(0 <= c < n for c, n in zip(ijk, self.shape, strict=True))
        number = int(self.index[tuple(ijk)]) if inside else -1
        return None if number < 0 else number

    def neighbours(self, connectivity: int = 6) -> csr_matrix:
        """Each voxel and those that touch it, as `glmwidgets.glm.noise.pooling.neighbour_matrix` says it; made once.

        Parameters
        ----------
        connectivity : {6, 18, 26}
            By faces, by edges too, by corners too.
        """
        if connectivity not in self._touching:
            self._touching[connectivity] = neighbour_matrix(self.mask, connectivity)
        return self._touching[connectivity]

    @cached_property
    def pairs(self) -> NeighbourPairs:
        """Voxels that touch along each axis, of whose noise the smoothness is made."""
        return neighbour_pairs(self.mask)

    @property
    def voxel_size(self) -> np.ndarray:
        """Edges of a voxel in mm, shape (3,)."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)

    def sphere(self, ijk: Sequence[int], radius: float) -> np.ndarray:
        """Numbers of the voxels at most `radius` mm from a voxel, sorted."""
        return sphere_indices(self.mask, self.affine, to_mm(np.array(ijk), self.affine), radius)

    # Maps of them -----------------------------------------------------------------------------------------------------

    def fill(self, values: np.ndarray, outside: float = 0.0) -> np.ndarray:
        """Put values, shape (size,) or (n, size), into a volume or n; see `glmwidgets.images.mask.to_volumes`."""
        return to_volumes(values, self.mask, outside)

    def image(self, values: np.ndarray, outside: float = 0.0) -> nib.Nifti1Image:
        """Image of values, shape (size,) or (n, size); see `glmwidgets.images.new.new_image`."""
        return new_image(np.asarray(values), self.mask, self.like, outside)

    def volume_image(self, volume: np.ndarray) -> nib.Nifti1Image:
        """Image of a whole volume, shape (nx, ny, nz), or of several along a fourth axis."""
        return image_like(volume, self.like)

    def mask_image(self) -> nib.Nifti1Image:
        """The mask as an image of ones and zeros."""
        return self.volume_image(self.mask)

    def clusters(self, values: np.ndarray, threshold: float, **how: Any) -> tuple[list[Cluster], np.ndarray]:
        """Clusters of a map and the volume of their numbers; see `glmwidgets.glm.inference.clusters.find_clusters`."""
        return find_clusters(self.fill(values), threshold, self.affine, **how)

    def true_discoveries(self, values: np.ndarray, labels: np.ndarray, *how: Any) -> np.ndarray:
        """Share of each cluster that is surely active; see `glmwidgets.glm.inference.ari.cluster_true_discoveries`."""
        return cluster_true_discoveries(self.fill(values), labels, self.mask, *how)
