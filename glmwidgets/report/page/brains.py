"""Pictures of a report that lie on a brain, drawn as the map is looked at: colours, opacity, view, left and right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from glmwidgets.glm.choices import check_choice
from glmwidgets.plural import count
from glmwidgets.report.figures.anatomy import plot_roi
from glmwidgets.report.figures.embed import Picture, picture
from glmwidgets.report.figures.glass import plot_glass_brain
from glmwidgets.report.figures.maps import plot_r_square, plot_stat_map
from glmwidgets.report.figures.still import draw_contour
from glmwidgets.report.figures.style import write_number
from glmwidgets.report.page.methods import describe_height
from glmwidgets.report.page.subject import ContrastFacts, Study

PLOT_TYPES = ("slice", "glass")


def map_picture(
    study: Study, facts: ContrastFacts, plot_type: str | None, cut_coords: Any, display_mode: str | None
) -> Picture:
    """Z map of a contrast, thresholded, drawn as the study is looked at.

    Parameters
    ----------
    study : Study
    facts : ContrastFacts
    plot_type, cut_coords, display_mode
        As in `glmwidgets.report.page.sections.contrast_section`; what is None is as it is looked at.

    Returns
    -------
    Picture
    """
    looks, z = study.looks, facts.searched
    plot_type = plot_type or ("glass" if looks.view == "glass" else "slice")
    check_choice("plot_type", plot_type, PLOT_TYPES)
    if facts.threshold.cluster_size > 1 and np.isfinite(facts.height):
        # What passes in too small a cluster does not count: it is drawn as what lies just below the threshold.
        left_out = (facts.labels[study.mask] == 0) & (np.abs(z) > facts.height)
        z = np.where(left_out, np.sign(z) * facts.height * (1 - 1e-6), z)
    img = study.image(z)
    options: dict[str, Any] = {"two_sided": facts.threshold.two_sided, "stat_name": "z"}
    options |= {"cmap": looks.colormap, "transparency": looks.opacity, **_sides(study)}
    # A map in which nothing can pass is drawn under its own largest value, and the figure says that nothing does.
    options["threshold"] = facts.height if np.isfinite(facts.height) else float(np.abs(facts.searched).max()) + 1.0
    if looks.statistic == "z" and looks.limit is not None and looks.limit > options["threshold"]:
        options["vmax"] = looks.limit
    where = "glass brain" if plot_type == "glass" else "slices"
    alt = f"z map of {facts.name} on {where}, {describe_height(facts)}"
    if plot_type == "glass":
        figure = plot_glass_brain(img, display_mode=display_mode or "ortho", mask_img=study.mask_image(), **options)
    else:
        options.update(bg_img=study.background, transparent_threshold=looks.fade_below, outline=looks.show_outline)
        options["mask_img"] = study.mask_image() if looks.show_mask else None
        if display_mode is None and cut_coords is None and looks.view == "mosaic":
            # The figure's rows are in the order x, y, z; no cut of an axis is no row.
            display_mode, cut_coords = "mosaic", [looks.n_cuts * (axis in looks.cut_axes) for axis in "xyz"]
        mode = display_mode or _good_mode(study.mask)
        figure = plot_stat_map(img, cut_coords=cut_coords, display_mode=mode, **options)
        if looks.contour:
            draw_contour(figure, looks, study.affine, study.mask.shape)
            alt += f", with the contour of {Path(looks.contour).name} at {looks.contour_level:g}"
    return picture(figure, alt)


def _sides(study: Study) -> dict[str, bool]:
    return {"radiological": study.looks.convention == "radiological"}


def _good_mode(mask: np.ndarray) -> str:
    """Three planes through the peak; of a thin slab, its slices."""
    return "ortho" if min(mask.shape) > 12 else "z"


def r_square_picture(study: Study, over: str) -> Picture:
    """R² of the whole model; `over` is what its variance is over."""
    median = write_number(float(np.median(study.r_square)))
    of = "Mean over runs. " if len(study.runs) > 1 else ""
    return picture(
        plot_r_square(study.image(study.r_square), study.background, title="", **_sides(study)),
        "R² on slices",
        f"{of}R², the share of each voxel's variance over {over} that the whole model explains; "
        f"median {median} in the mask.",
    )


def mask_picture(study: Study) -> Picture:
    """Where voxels were analysed."""
    img = study.mask_image()
    size = np.abs(np.linalg.det(study.affine[:3, :3]))
    voxels = int(study.mask.sum())
    return picture(
        plot_roi(img, study.background, min(7, study.mask.shape[2]), display_mode="z", **_sides(study)),
        "Outline of the mask on slices",
        f"{count(voxels, 'voxel')} of {write_number(float(size))} mm³ ({voxels * size / 1e6:.2f} litres), "
        f"{100 * study.mask.mean():.3g} % of the image.",
    )
