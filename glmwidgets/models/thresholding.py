"""Thresholds and clusters of maps that are images: the engine's inference, from file to file."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import nibabel as nib
import numpy as np

from glmwidgets.analysis.smoothness import field_of_width
from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.errors import InputError, KindError
from glmwidgets.glm.inference.ari import cluster_true_discoveries
from glmwidgets.glm.inference.cluster_p import CLUSTER_TESTS, P_COLUMNS
from glmwidgets.glm.inference.cluster_p import cluster_p as find_p
from glmwidgets.glm.inference.cluster_rows import clusters_table, table_of_clusters
from glmwidgets.glm.inference.cluster_tables import ClusterTable
from glmwidgets.glm.inference.clusters import find_clusters, label_clusters, threshold_map
from glmwidgets.glm.inference.heights import height_threshold, threshold_method
from glmwidgets.glm.inference.random_fields import RandomField
from glmwidgets.glm.inference.scores import z_from_f, z_from_t
from glmwidgets.images.load import ImageLike, image_data, image_name, load_volume
from glmwidgets.images.mask import match_mask
from glmwidgets.images.new import image_like
from glmwidgets.images.statistic import statistic_of
from glmwidgets.models.map_header import is_f_map, rows_and_dof
from glmwidgets.plural import count
from glmwidgets.regions.atlas import Atlas
from glmwidgets.regions.named import kept_atlas, name_clusters
from glmwidgets.regions.spaces import space_in_name
from glmwidgets.runs.domain import Domain

DEFAULT_THRESHOLD = 3.0


# Fewer values than these may well lie between 0 and 1.
FEW = 30


def threshold_stats_img(
    stat_img: ImageLike | None = None,
    mask_img: Any = None,
    alpha: float = 0.001,
    threshold: float | None = None,
    height_control: str | None = "fpr",
    cluster_threshold: int = 0,
    two_sided: bool = True,
    *,
    field: Any = None,
    cluster_p: str = "none",
    cluster_alpha: float = 0.05,
    share: float = 0.7,
    table: ClusterTable | None = None,
) -> tuple[nib.Nifti1Image | None, float]:
    """Threshold a map of z scores.

    Parameters
    ----------
    stat_img : image or path, optional
        3-D, z scores. A map of t or F whose header tells the degrees of freedom is converted, unless the threshold is
        given. Without it only the threshold is returned, for methods that need no data.
    mask_img : image, path or masker, optional
        The voxels that are tested. By default those that are not zero, or, in a map with NaN, not NaN.
    alpha : float
        Error rate that `height_control` controls; a two-sided test spends half of it on each tail.
    threshold : float, optional
        The threshold itself, 3 by default, for ``height_control=None``. One-sided and negative means the lower tail.
    height_control : str or None
        "fpr", "fdr", "bonferroni", "rft" or another key of `glmwidgets.glm.inference.heights.THRESHOLDS`; None takes
        `threshold`.
    cluster_threshold : int
        Clusters of fewer voxels than this vanish.
    two_sided : bool
        Whether negative effects are tested, too.
    field : RandomField, or float or three of them, optional
        How smooth the noise is, for ``height_control="rft"`` and the like, and for `cluster_p`:
        ``model.random_field(contrast)``, or the FWHM in mm.
    cluster_p : str
        How p values of clusters are found: a key of `glmwidgets.glm.inference.cluster_p.CLUSTER_TESTS`. With one,
        clusters whose familywise p is above `cluster_alpha` vanish.
    cluster_alpha : float
    share : float
        For ``height_control="adaptive"``: share of each region's voxels that has to be surely active.
    table : ClusterTable, optional
        For ``cluster_p="simulated"``: of `glmwidgets.glm.inference.cluster_tables.draw_cluster_table`.

    Returns
    -------
    thresholded : Nifti1Image or None
        The map, zero where it does not reach the threshold and outside the mask; for ``height_control="ptfce"`` the
        enhanced map.
    threshold : float
        In z; infinite if no voxel can pass.

    Raises
    ------
    ValueError
        If a setting is out of its range, or the method needs a map and none is given.

    Warns
    -----
    UserWarning
        If `threshold` is given and `height_control` does not use it, or a two-sided test is asked of a map whose
        header tells of an F test: that has one side.

    Examples
    --------
    >>> z_map = nib.Nifti1Image(np.array([[[4.0, 3.5, 1.0, -5.0, 2.0]]]), np.eye(4))
    >>> thresholded, threshold = threshold_stats_img(z_map, alpha=0.001)
    >>> thresholded.get_fdata().ravel(), round(threshold, 3)
    (array([ 4. ,  3.5,  0. , -5. ,  0. ]), 3.291)
    """
    method = threshold_method(height_control)
    warn_of_unused(threshold, height_control)
    if cluster_threshold < 0:
        raise ValueError(f"cluster_threshold is a number of voxels, not {cluster_threshold}")
    chosen = DEFAULT_THRESHOLD if threshold is None else float(threshold)
    if stat_img is None:
        if method.needs_map:
            raise ValueError(f"height_control={height_control!r} finds the threshold from the map: give stat_img")
        known = field if isinstance(field, RandomField) else None
        return None, height_threshold([], height_control, alpha, two_sided, fixed=chosen, field=known)
    img, data = _map(stat_img)
    two_sided = _has_two_sides(img, two_sided)
    mask = _tested(img, data, mask_img)
    if method.setting != "fixed":
        data = _as_z(img, data, mask)
    found, inside = _field(img, mask, field), np.where(mask, data, 0)
    level = share if method.setting == "share" else alpha
    if method.enhance is not None:
        if cluster_p != "none":
            raise ValueError(f"clusters of height_control={height_control!r} have no p value for their size")
        if method.needs_field and found is None:
            height_threshold([], height_control, level, two_sided)  # says what it needs
        inside = method.enhance(inside, mask, found, two_sided, level, {})
    height = height_threshold(inside[mask], height_control, level, two_sided, fixed=chosen, field=found)
    kept = threshold_map(inside, height, cluster_threshold, two_sided)
    if cluster_p != "none" and np.isfinite(height):
        labels = label_clusters(kept, height, two_sided)
        p = _p_of_labels(labels, height, _checked(found, cluster_p), cluster_p, table, two_sided)
        kept[np.append(1.0, p)[labels] > cluster_alpha] = 0
    return image_like(kept, img), height


def warn_of_unused(threshold: float | None, height_control: str | None) -> None:
    """Say that a threshold was given and is not used, as the height is found from alpha."""
    if threshold is not None and threshold_method(height_control).setting != "fixed":
        warnings.warn(
            f"threshold={threshold} is not used with height_control={height_control!r}, which finds the threshold from "
            "alpha; pass height_control=None to use it",
            stacklevel=3,
        )


def map_threshold(
    stat_img: ImageLike,
    mask_img: Any = None,
    alpha: float = 0.001,
    threshold: float | None = None,
    height_control: str | None = "fpr",
    cluster_threshold: int = 0,
) -> tuple[nib.Nifti1Image | None, float]:
    """Threshold the positive side of a map of z scores: `threshold_stats_img` as older scripts call it.

    Parameters
    ----------
    stat_img, mask_img, alpha, threshold, height_control, cluster_threshold
        As in `threshold_stats_img`.

    Returns
    -------
    thresholded : Nifti1Image
    threshold : float

    Examples
    --------
    >>> z_map = nib.Nifti1Image(np.array([[[4.0, 3.2, 1.0, -5.0, 2.0]]]), np.eye(4))
    >>> thresholded, threshold = map_threshold(z_map, alpha=0.001)
    >>> thresholded.get_fdata().ravel(), round(threshold, 3)
    (array([4. , 3.2, 0. , 0. , 0. ]), 3.09)
    """
    return threshold_stats_img(stat_img, mask_img, alpha, threshold, height_control, cluster_threshold, two_sided=False)


def cluster_level_inference(
    stat_img: ImageLike,
    mask_img: Any = None,
    threshold: float | Sequence[float] = 3.0,
    alpha: float = 0.05,
    verbose: int = 0,
    two_sided: bool = False,
    *,
    cluster_p: str = "none",
    field: Any = None,
    table: ClusterTable | None = None,
) -> Any:
    """Share of each cluster that is surely active, by all-resolutions inference.

    The bounds hold for all clusters at all thresholds at once, also for thresholds that were chosen by looking.

    Parameters
    ----------
    stat_img : image or path
        3-D, z scores.
    mask_img : image, path or masker, optional
        The voxels that are tested; see `threshold_stats_img`.
    threshold : float or sequence of float
        Cluster-forming thresholds, not negative. Where clusters of several lie in each other, the innermost counts.
    alpha : float
        The bounds, together, fail with at most this probability.
    verbose : int
        1 prints Hommel's value and the number of clusters.
    two_sided : bool
        Bound clusters of negative voxels, too; each sign is then given half of `alpha`.
    cluster_p, field, table
        As in `threshold_stats_img`.

    Returns
    -------
    Nifti1Image
        Lower bound on the share of truly active voxels of the cluster that a voxel lies in; 0 outside clusters.
    p_map : Nifti1Image
        Only with `cluster_p`: familywise p of the size of that cluster; 1 outside clusters.

    Raises
    ------
    ValueError
        If a threshold is negative, `alpha` is not between 0 and 1, the mask holds NaN, or a two-sided test is asked of
        a map whose header tells of an F test: that has one side.

    Examples
    --------
    >>> z_map = nib.Nifti1Image(np.array([[[5.0, 4.0, 3.5, 0.1, -1.0]]]), np.eye(4))
    >>> cluster_level_inference(z_map).get_fdata().ravel()
    array([1., 1., 1., 0., 0.])
    """
    heights = sorted(np.atleast_1d(np.asarray(threshold, dtype=np.float64)))
    if heights[0] < 0:
        raise ValueError(f"cluster-forming thresholds must not be negative, but one is {heights[0]:g}")
    img, data = _map(stat_img)
    if two_sided and is_f_map(img):
        raise InputError(
            f"{image_name(img)} is of an F test, where negative z scores only mean less than chance: there are "
            "no negative effects to find",
            advice="pass two_sided=False",
        )
    mask = _tested(img, data, mask_img)
    data = _as_z(img, data, mask)
    inside = np.where(mask, data, 0)
    shares, p_map = np.zeros(data.shape), np.ones(data.shape)
    found_field = _field(img, mask, field)
    for height in heights:
        labels = label_clusters(inside, height, two_sided)
        found = cluster_true_discoveries(inside, labels, mask, alpha, two_sided)
        shares[labels > 0] = found[labels[labels > 0] - 1]
        if cluster_p != "none":
            p = _p_of_labels(labels, height, _checked(found_field, cluster_p), cluster_p, table, two_sided)
            p_map[labels > 0] = p[labels[labels > 0] - 1]
        if verbose:
            print(f"[cluster_level_inference] z > {height:g}: {count(len(found), 'cluster')}")
    return image_like(shares, img) if cluster_p == "none" else (image_like(shares, img), image_like(p_map, img))


def get_clusters_table(
    stat_img: ImageLike,
    stat_threshold: float,
    cluster_threshold: int | None = None,
    two_sided: bool = False,
    min_distance: float = 8.0,
    return_label_maps: bool = False,
    compat: str | None = None,
    *,
    cluster_p: str = "none",
    field: Any = None,
    mask_img: Any = None,
    table: ClusterTable | None = None,
    atlas: Any = None,
) -> Any:
    """Table of the clusters of a map and their peaks, in mm.

    Parameters
    ----------
    stat_img : image or path
        3-D.
    stat_threshold : float
        Voxels strictly beyond it belong to clusters.
    cluster_threshold : int, optional
        Clusters of fewer voxels are left out.
    two_sided : bool
        Whether there are clusters of negative voxels, too.
    min_distance : float
        No two peaks of a cluster are nearer than this, in mm.
    return_label_maps : bool
        Return label images, too.
    compat : {None, "nilearn"}
        "nilearn" gives nilearn 0.14.1's table row for row: it lets some peaks be nearer than `min_distance`, and its
        numbers of negative clusters count the rows before them.
    cluster_p, field, table
        As in `threshold_stats_img`: with a way to find p values of clusters the table has columns for them, and one
        for the p of peaks.
    mask_img : image, path or masker, optional
        The voxels that were searched, where `field` is a FWHM; see `threshold_stats_img`.
    atlas : Atlas or path, optional
        Names the region of each peak, and the shares of each cluster in regions; see `glmwidgets.regions.open_atlas`.

    Returns
    -------
    DataFrame
        See `glmwidgets.glm.inference.cluster_rows.clusters_table`, for p values
        `glmwidgets.glm.inference.cluster_p.P_COLUMNS`, and for names `glmwidgets.regions.REGION_COLUMNS`. Why names may
        be wrong is in ``table.attrs["names"]``: the map's template is what its file's name says.
    label_maps : list of Nifti1Image
        Only if asked for: one of the positive clusters, and one of the negative if two-sided. The voxels of a cluster
        hold the number that is its "Cluster ID" in the table.

    Raises
    ------
    ValueError
        If the map is not 3-D, a setting is out of its range, label images or p values are asked for with `compat`,
        or p values of clusters that were formed below z = 2.3.

    Warns
    -----
    UserWarning
        If p values are asked of clusters that were formed below z = 3.09.

    Examples
    --------
    >>> z_map = nib.Nifti1Image(np.array([[[4.0, 3.5, 1.0, -5.0, 0.0]]]), np.diag([3, 3, 3, 1]))
    >>> table, (positive, negative) = get_clusters_table(z_map, 3, two_sided=True, return_label_maps=True)
    >>> table
      Cluster ID    X    Y    Z  Peak Stat Cluster Size (mm3)
    0          1  0.0  0.0  0.0        4.0                 54
    1          2  0.0  0.0  9.0       -5.0                 27
    >>> negative.get_fdata().ravel()
    array([0., 0., 0., 2., 0.])
    """
    if return_label_maps and compat:
        raise ValueError("label maps have this package's cluster numbers: leave compat out to have both agree")
    if compat and cluster_p != "none":
        raise ValueError("p values are of this package's clusters: leave compat out to have both agree")
    if compat and atlas is not None:
        raise ValueError("names of regions are of this package's clusters: leave compat out to have both agree")
    if isinstance(stat_threshold, str):
        raise KindError(
            f"stat_threshold must be a number in the map's units, not {stat_threshold!r}: threshold_stats_img finds it"
        )
    img, data = _map(stat_img)
    two_sided = _has_two_sides(img, two_sided)
    settings = (cluster_threshold or 0, two_sided, min_distance)
    if compat:
        return clusters_table(data, stat_threshold, img.affine, *settings, compat=compat)
    clusters, labels = find_clusters(data, stat_threshold, img.affine, *settings)
    found = table_of_clusters(clusters)
    if cluster_p != "none":
        known = replace(_checked(_field(img, _tested(img, data, mask_img), field), cluster_p), two_sided=two_sided)
        sizes, peaks = [c.n_voxels for c in clusters], tuple([peak.stat for peak in c.peaks] for c in clusters)
        p = find_p(sizes, stat_threshold, known, cluster_p, peaks=peaks, table=table)
        found = found.assign(**dict(zip(P_COLUMNS, p.rows().T, strict=True)))
    if atlas is not None:
        opened = atlas if isinstance(atlas, Atlas) else kept_atlas(atlas)
        names = name_clusters(opened, clusters, labels, img.affine, space_in_name(img.get_filename()))
        found = found.assign(**names.columns())
        found.attrs["names"] = "; ".join(names.said)
    if not return_label_maps:
        return found
    n_positive = sum(cluster.sign > 0 for cluster in clusters)
    signs = [labels <= n_positive, labels > n_positive] if two_sided else [labels > 0]
    return found, [image_like(np.where(sign, labels, 0), img) for sign in signs]


def _map(stat_img: ImageLike) -> tuple[nib.Nifti1Image, np.ndarray]:
    img = load_volume(stat_img, "a statistical map")
    data = image_data(img)
    if n := int(np.count_nonzero(np.isinf(data))):
        warnings.warn(
            f"{n:,} voxel{'s are' if n > 1 else ' is'} infinite in {image_name(stat_img)}: taken as the largest, "
            "beyond any threshold",
            stacklevel=3,
        )
    return img, data


def _as_z(img: nib.Nifti1Image, data: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Z scores of a map whose header tells of another statistic; the map itself where it tells of none."""
    told, name = statistic_of(img), image_name(img)
    if told is None and _are_shares(data[mask]):
        warnings.warn(
            f"the values of {name} lie between 0 and 1, as p values and FSL's 1 - p (corrp) do, and are taken as z "
            "scores: of 1 - p, give threshold=0.95 and height_control=None",
            stacklevel=3,
        )
    if told is None or told.kind == "z":
        return data
    if told.kind == "p":
        raise ValueError(f"{name} is a map of p values by its header, and thresholds are of z scores: give the z map")
    if len(told.dofs) < (2 if told.kind == "F" else 1):
        warnings.warn(
            f"{name} is a map of {told.kind} by its header, which does not tell the degrees of freedom: taken as z "
            "scores",
            stacklevel=3,
        )
        return data
    dofs = " and ".join(f"{n:g}" for n in told.dofs)
    warnings.warn(
        f"{name} is a map of {told.kind} with {dofs} degrees of freedom by its header: its values are converted to z "
        "scores",
        stacklevel=3,
    )
    z = np.zeros(data.shape)
    values = data[mask].astype(np.float64)
    z[mask] = z_from_t(values, *told.dofs[:1]) if told.kind == "t" else z_from_f(values, *told.dofs[:2])
    return z


def _are_shares(values: np.ndarray) -> bool:
    """Whether values are those of a map of p or 1 - p: of z scores some are negative, or above 1."""
    there = values[np.isfinite(values) & (values != 0)]
    return there.size >= FEW and bool((there > 0).all() and (there <= 1).all() and (there != there[0]).any())


def _field(img: nib.Nifti1Image, mask: np.ndarray, given: Any) -> RandomField | None:
    """The field that was given, or that of noise of the width that was given."""
    if given is None or isinstance(given, RandomField):
        return given
    rows, dof = rows_and_dof(img)
    return field_of_width(Domain.of(img, mask), given, dof, rows)


def _checked(field: RandomField | None, cluster_p: str) -> RandomField:
    check_choice("cluster_p", cluster_p, CLUSTER_TESTS)
    if field is None:
        raise InputError(
            f"cluster_p={cluster_p!r} needs the smoothness of the noise, which was not given",
            advice={"function": "give field=, such as model.random_field(contrast), or the FWHM of the noise in mm"},
        )
    return field


def _p_of_labels(
    labels: np.ndarray, height: float, field: RandomField, test: str, table: ClusterTable | None, two_sided: bool
) -> np.ndarray:
    """Familywise p of clusters 1, 2, .. of a volume of labels."""
    sizes = np.bincount(labels.ravel(), minlength=1)[1:]
    return find_p(sizes, height, replace(field, two_sided=two_sided), test, table=table).familywise


def _has_two_sides(img: nib.Nifti1Image, two_sided: bool) -> bool:
    if two_sided and is_f_map(img):
        warnings.warn(
            f"{image_name(img)} is of an F test, where negative z scores only mean less than chance: it is tested "
            "one-sided, at the whole of alpha; pass two_sided=False",
            stacklevel=3,
        )
        return False
    return two_sided


def _tested(img: nib.Nifti1Image, data: np.ndarray, mask_img: Any) -> np.ndarray:
    if mask_img is not None:
        return match_mask(getattr(mask_img, "mask_img_", mask_img), img)
    # A map with NaN has its background there, and zeros are then results.
    nan = np.isnan(data)
    return ~nan if nan.any() else data != 0
