"""Glass brains: the strongest voxel on each line of sight, inside the mask, seen from the side that is named."""

import nibabel as nib
import numpy as np
import pytest

from glmwidgets.report.figures.glass import plot_glass_brain, project

AFFINE = nib.affines.from_matvec(np.diag([3.0, 3.0, 4.0]), [-12.0, -15.0, -20.0])
SHAPE = (9, 11, 10)


def noise(seed=0):
    return np.random.default_rng(seed).normal(size=SHAPE).astype(np.float32)


def image(data):
    return nib.Nifti1Image(data, AFFINE)


def panels(figure):
    return figure.frame_axes.child_axes


def test_projection_keeps_the_sign_of_the_strongest():
    data = noise()
    for axis in range(3):
        found = project(data, axis)
        largest, lowest = data.max(axis=axis), data.min(axis=axis)
        np.testing.assert_array_equal(found, np.where(largest >= -lowest, largest, lowest))
        np.testing.assert_array_equal(project(data, axis, two_sided=False), largest)
    data[0, 0, 0], data[0, 0, 1] = np.nan, np.inf
    assert np.isfinite(project(data, 2)).all()


@pytest.mark.parametrize(("mode", "axes"), [("ortho", (1, 0, 2)), ("xz", (0, 2)), ("lyrz", (0, 1, 0, 2))])
def test_panels_show_the_projections(mode, axes):
    data = noise()
    figure = plot_glass_brain(image(data), display_mode=mode, threshold=2, colorbar=False)
    assert len(panels(figure)) == len(axes)
    x = -12 + 3 * np.arange(9)
    for panel, axis, view in zip(panels(figure), axes, mode if mode != "ortho" else "yxz", strict=True):
        half = {"l": x < 0, "r": x >= 0}.get(view, np.ones(9, bool))
        expected = project(np.where(half[:, None, None], data, 0), axis).T
        overlay = panel.images[-1]
        np.testing.assert_array_equal(overlay.get_array(), expected)
        np.testing.assert_array_equal(overlay.get_alpha() > 0, np.abs(expected) > 2)


def test_left_half_is_seen_from_the_left():
    figure = plot_glass_brain(image(noise()), display_mode="lr", colorbar=False)
    left, right = (panel.get_xlim() for panel in panels(figure))
    assert left[0] > left[1]  # the front is on the left
    assert right[0] < right[1]
    assert [text.get_text() for text in figure.frame_axes.texts] == [
        "left half, from the left",
        "right half, from the right",
    ]


def test_radiological_view_is_from_the_other_side():
    figure = plot_glass_brain(image(noise()), display_mode="yx", radiological=True, colorbar=False)
    coronal, sagittal = panels(figure)
    assert coronal.get_xlim()[0] > coronal.get_xlim()[1]
    assert sagittal.get_xlim()[0] < sagittal.get_xlim()[1]
    assert [text.get_text() for text in figure.frame_axes.texts] == ["from the front", "from the right"]
    places = {text.get_text(): text.get_position()[0] for text in coronal.texts}
    assert places["R"] < places["L"]


def test_what_lies_outside_the_mask_is_left_out():
    data = noise()
    data[0, 0, 0] = 50
    mask = np.zeros(SHAPE, np.uint8)
    mask[2:7, 2:9, 2:8] = 1
    figure = plot_glass_brain(image(data), mask_img=image(mask), display_mode="z", threshold=0.5)
    panel, bar = panels(figure)
    expected = project(np.where(mask, data, 0), 2).T
    np.testing.assert_array_equal(panel.images[-1].get_array(), expected)
    assert max(bar.get_ylim()) == pytest.approx(np.abs(data[mask > 0]).max())


def test_mask_on_another_grid_gives_the_silhouette():
    fine = np.zeros((27, 33, 40), np.uint8)
    fine[6:21, 6:27, 8:32] = 1
    affine = nib.affines.from_matvec(np.eye(3), [-13.0, -16.0, -21.5])
    figure = plot_glass_brain(image(noise()), mask_img=nib.Nifti1Image(fine, affine), display_mode="z", colorbar=False)
    (panel,) = panels(figure)
    shadow = panel.images[0].get_alpha()
    # Voxels 2 to 6 and 2 to 8 of the map, six deep everywhere.
    expected = np.zeros((11, 9))
    expected[2:9, 2:7] = 0.16
    np.testing.assert_allclose(shadow, expected)
    (outline,) = panel.collections
    vertices = np.concatenate([path.vertices for path in outline.get_paths()])
    # The smoothed border stays within a third of a voxel of the mask's own edges, -7.5 to 7.5 and -10.5 to 10.5 mm.
    np.testing.assert_allclose([vertices[:, 0].min(), vertices[:, 0].max()], [-7.5, 7.5], atol=1)
    np.testing.assert_allclose([vertices[:, 1].min(), vertices[:, 1].max()], [-10.5, 10.5], atol=1)


def test_sizes_alone():
    figure = plot_glass_brain(image(noise()), display_mode="x", plot_abs=True)
    panel, bar = panels(figure)
    np.testing.assert_array_equal(panel.images[-1].get_array(), np.abs(noise()).max(axis=0).T)
    assert bar.get_ylim() == (0, pytest.approx(np.abs(noise()).max()))


def test_empty_map_keeps_its_brain():
    figure = plot_glass_brain(image(noise()), threshold=40, stat_name="z", title="nothing")
    assert "no voxel above |z| = 40.0" in [text.get_text() for text in figure.frame_axes.texts]
    assert figure.frame_axes.get_title(loc="left") == "nothing"
    assert all(panel.collections for panel in panels(figure)[:3])
    figure = plot_glass_brain(image(np.zeros(SHAPE, np.float32)))
    assert "no voxel with a value other than 0" in [text.get_text() for text in figure.frame_axes.texts]


def test_unknown_view():
    with pytest.raises(ValueError, match=r"display_mode must be one of .*, not 'zzz'"):
        plot_glass_brain(image(noise()), display_mode="zzz")
