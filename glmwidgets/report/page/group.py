"""A report on what a group explorer shows: its own result, clusters and permutation test, and nothing fitted again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nibabel as nib

from glmwidgets.analysis.group import default_contrast
from glmwidgets.datasets.templates import named_template
from glmwidgets.glm.group.fit import group_contrast
from glmwidgets.images.load import load_image
from glmwidgets.plural import count
from glmwidgets.report.page.html import Report, render
from glmwidgets.report.page.permuted import PermutationFacts
from glmwidgets.report.page.subject import ContrastFacts, ModelFacts, Study, weights_of
from glmwidgets.session.core.permutation import permutation_key

if TYPE_CHECKING:
    from glmwidgets.analysis.answers import GroupAnswer
    from glmwidgets.analysis.thresholding import Clusters
    from glmwidgets.session.core.permutation import Permuted
    from glmwidgets.session.group.analysis import GroupAnalysis
    from glmwidgets.session.group.session import GroupSession
from glmwidgets.specification.arguments import arguments_of


def group_report(session: GroupSession, *, title: str | None = None, bg_img: Any = None, **options: Any) -> Report:
    """Report on what a group session shows.

    Parameters
    ----------
    session : GroupSession
    title : str, optional
    bg_img : image or path, optional
        What maps are drawn on; what the explorer draws them on by default.
    **options
        ``plot_type``, ``cut_coords`` and ``display_mode`` of `glmwidgets.report.page.html.analysis_report`.

    Returns
    -------
    Report

    Raises
    ------
    NoResult
        If what is set has no result; see `glmwidgets.session.core.waiting.Awaited.current_result`.

    Examples
    --------
    >>> import nibabel as nib, numpy as np, pandas as pd
    >>> from glmwidgets.session import GroupSession, open_group
    >>> rng = np.random.default_rng(0)
    >>> maps = [nib.Nifti1Image(rng.standard_normal((6, 6, 6)), np.eye(4)) for _ in range(8)]
    >>> group = open_group(maps, pd.DataFrame({"age": range(20, 28)}), match="order")
    >>> session = GroupSession(group, synchronous=True)
    >>> session.refresh()
    >>> "Age" in group_report(session, title="Age").html
    True
    """
    return render(study_of_group_session(session, title=title, bg_img=bg_img), **options)


def study_of_group_session(session: GroupSession, *, title: str | None = None, bg_img: Any = None) -> Study:
    """Gather what a group session shows, looked at as it is now.

    Parameters
    ----------
    session : GroupSession
    title, bg_img
        As in `group_report`.

    Returns
    -------
    Study

    Raises
    ------
    NoResult
        If what is set has no result; see `glmwidgets.session.core.waiting.Awaited.current_result`.
    """
    session.current_result()
    with session.lock:
        result, clusters = session.current_result(), session.clusters
        permuted, chosen = session.permuted, session.settings
    settings = result.settings.seen_as(chosen)
    if permuted is not None and permuted.key != permutation_key(session.analysis, settings):
        permuted = None  # of another model than the one on screen
    return study_of_group(session.analysis, result, clusters, settings, permuted, title=title, bg_img=bg_img)


def study_of_group(
    analysis: GroupAnalysis,
    result: GroupAnswer,
    clusters: Clusters,
    settings: Any,
    permuted: Permuted | None = None,
    *,
    title: str | None = None,
    bg_img: Any = None,
) -> Study:
    """Gather what a result of a group analysis says, and what its fit says of the other contrasts of the list.

    Parameters
    ----------
    analysis : GroupAnalysis
    result : GroupAnswer
    clusters : Clusters
        Of the result.
    settings : GroupSettings
        Those of the result, looked at as they are now.
    permuted : Permuted, optional
        Permutation test of the result's contrast.
    title : str, optional
    bg_img : image or path, optional

    Returns
    -------
    Study
    """
    affine, design = result.domain.affine, result.design
    facts = []
    for place, (name, text) in enumerate(settings.contrast.listed):
        text = text or default_contrast(settings)
        about = (name or text, text, weights_of(text, [result.fitted]))
        if place == settings.contrast.active:
            test = None if permuted is None else PermutationFacts.of(permuted, settings.permutation, clusters)
            facts.append(ContrastFacts.of(*about, result, clusters, permuted=test))
        else:
            facts.append(ContrastFacts.found(*about, group_contrast(result.fit, text), settings, result.noise))
    if bg_img is None:
        background = analysis.background_image(settings.map.background)
        bg_img = settings.map.underlay or nib.Nifti1Image(background, affine)
    choices = arguments_of(settings, "SecondLevelModel")
    choices["mask_img"] = choices["mask_img"] or "found from the maps"
    return Study(
        title=title or f"GLM report: {count(len(design), 'map')}",
        model=ModelFacts("second", choices),
        runs=(result.fitted,),
        contrasts=tuple(facts),
        mask=result.mask,
        affine=affine,
        r_square=result.fitted.r_square,
        background=load_image(named_template(bg_img)),
        settings=settings,
        looks=settings.map,
    )
