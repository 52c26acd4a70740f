"""Pictures of a report are drawn as the map is looked at: colours, opacity, background, sides, view."""

import base64
import re
from io import BytesIO

import nibabel as nib
import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.image import imread

from glmwidgets.models.first_level import FirstLevelModel
from glmwidgets.report.exports.bids_derivatives import save_glm_to_bids
from glmwidgets.report.figures import plot_glass_brain, plot_roi, plot_stat_map
from glmwidgets.report.figures.embed import picture
from glmwidgets.report.figures.scale import colours_of
from glmwidgets.report.figures.still import still
from glmwidgets.report.page.html import glm_report, session_report
from glmwidgets.runs.backgrounds import background_of
from glmwidgets.specification.looks import MapSettings


def _pictures(html):
    return re.findall(r'src="(data:image/png;base64,[^"]+)"', html)


def _pixels(html):
    """Of the first picture, which is the map's: RGB from 0 to 1."""
    return imread(BytesIO(base64.b64decode(_pictures(html)[0].partition(",")[2])), format="png")[..., :3].reshape(-1, 3)


def _share_of(pixels, name):
    """Share of a picture's coloured pixels that are colours of a map."""
    coloured = pixels[np.ptp(pixels, axis=1) > 0.15]
    table = np.round(colours_of(name).colors[:, :3] * 255).astype(int)
    known = {tuple(row) for row in table}
    return np.mean([tuple(row) in known for row in np.round(coloured * 255).astype(int)])


@pytest.fixture
def asked(session):
    """The session, with a contrast whose map has some survivors, drawn without anything between its colours."""
    plain = {"threshold.cluster_size": 0, "map.fade_below": False, "map.show_outline": False}
    assert session.update({"contrast.expression": "face", **plain})
    return session


def test_pixels_have_the_colours_that_were_chosen(asked):
    assert asked.update({"map.colormap": "orange-purple"})
    pixels = _pixels(session_report(asked).html)
    assert _share_of(pixels, "orange-purple") > 0.9
    assert _share_of(pixels, "warm-cold") < 0.1
    assert asked.undo()
    assert _share_of(_pixels(session_report(asked).html), "warm-cold") > 0.9


def test_half_an_opacity_lets_the_background_through(asked):
    full = _pixels(session_report(asked).html)
    assert asked.update({"map.opacity": 0.5})
    half = _pixels(session_report(asked).html)
    changed = np.abs(full - half).max(axis=1) > 0.02
    assert changed.any()
    # Grey has three equal parts, so half of it under a colour halves the spread of that colour's parts.
    spread = np.ptp(half[changed], axis=1) / np.ptp(full[changed], axis=1)
    np.testing.assert_allclose(np.median(spread), 0.5, atol=0.02)


LOOKS = {
    "map.colormap": "cividis",
    "map.background": "first",
    "map.opacity": 0.6,
    "map.convention": "radiological",
    "map.fade_below": True,
    "map.show_outline": False,
    "map.show_mask": True,
    "map.limit": 40.0,
}


@pytest.mark.parametrize(
    ("view", "how"),
    [
        ({}, {"display_mode": "z"}),  # three planes; of a thin slab, its slices
        (
            {"map.view": "mosaic", "map.cut_axes": "zx", "map.n_cuts": 3},
            {"display_mode": "mosaic", "cut_coords": [3, 0, 3]},
        ),
    ],
)
def test_the_page_holds_the_figure_that_one_would_draw_by_hand(asked, view, how):
    assert asked.update({**LOOKS, **view})
    result, affine = asked.result, asked.run.domain.affine
    z = np.zeros(result.mask.shape)
    z[result.mask] = result.z
    figure = plot_stat_map(
        nib.Nifti1Image(z, affine),
        nib.Nifti1Image(background_of(asked.run, "first"), affine),
        threshold=result.threshold,
        transparent_threshold=True,
        outline=False,
        transparency=0.6,
        mask_img=nib.Nifti1Image(result.mask.astype(np.uint8), affine),
        stat_name="z",
        cmap="cividis",
        vmax=40.0,
        radiological=True,
        **how,
    )
    html = session_report(asked).html
    assert picture(figure, "").src in html
    mask = plot_roi(
        nib.Nifti1Image(result.mask.astype(np.uint8), affine),
        nib.Nifti1Image(background_of(asked.run, "first"), affine),
        6,
        display_mode="z",
        radiological=True,
    )
    assert picture(mask, "").src in html


def test_the_contour_of_another_map_is_drawn_in_its_colour(asked, tmp_path):
    values = np.zeros(asked.shape, dtype=np.float32)
    values[3:-3, 3:-3, 1:-1] = 5
    nib.save(nib.Nifti1Image(values, asked.affine), tmp_path / "other.nii")

    def share():
        """Of the contour's colour, in the report and in the picture that is kept."""
        kept = imread(BytesIO(still(asked, "map")))[..., :3].reshape(-1, 3)
        both = [_pixels(session_report(asked).html), kept]
        return np.array([np.mean(np.abs(255 * each - [0x8C, 0xFF, 0x66]).max(axis=1) < 40) for each in both])

    assert share().max() < 1e-5
    assert asked.update({"map.contour": str(tmp_path / "other.nii"), "map.contour_level": 4.0})
    assert share().min() > 1e-3
    assert "with the contour of other.nii at 4" in session_report(asked).html
    assert asked.update({"map.contour_level": 6.0})
    assert share().max() < 1e-5


def test_a_glass_brain_is_drawn_where_one_is_looked_at(asked):
    assert asked.update({"map.view": "glass", "map.colormap": "orange-purple", "map.opacity": 0.4})
    result, affine = asked.result, asked.run.domain.affine
    z = np.zeros(result.mask.shape)
    z[result.mask] = result.z
    figure = plot_glass_brain(
        nib.Nifti1Image(z, affine),
        mask_img=nib.Nifti1Image(result.mask.astype(np.uint8), affine),
        threshold=result.threshold,
        transparency=0.4,
        stat_name="z",
        cmap="orange-purple",
    )
    drawn = picture(figure, "").src
    assert drawn in session_report(asked).html
    assert drawn not in session_report(asked, plot_type="slice").html  # what is asked for goes before


def test_looks_that_change_after_the_result_are_those_of_the_page(asked, tmp_path):
    before = asked.result
    assert asked.update({"map.colormap": "cividis"})
    assert asked.result.settings.map.colormap == before.settings.map.colormap or asked.result is not before
    (first, *_) = _pictures(session_report(asked).html)
    save_glm_to_bids(asked, out_dir=tmp_path, prefix="sub-01")
    (page,) = tmp_path.rglob("*.html")
    assert _pictures(page.read_text())[0] == first
    assert _share_of(_pixels(page.read_text()), "cividis") > 0.9


def test_a_model_is_drawn_as_asked(run):
    model = FirstLevelModel(t_r=2.0, mask_img=run.mask_img).fit(run.img, run.events)
    looks = MapSettings(colormap="orange-purple", fade_below=False, show_outline=False)
    assert _share_of(_pixels(glm_report(model, "face", looks=looks).html), "orange-purple") > 0.9
