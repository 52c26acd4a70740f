"""The map panel without a browser: what gives the colours, how it is looked at, and what is told in words."""

import threading
from dataclasses import fields, replace

import nibabel as nib
import numpy as np
import pytest

pytest.importorskip("bqplot")
pytest.importorskip("anywidget")

from glmwidgets.glm.fit.statistics import STATISTICS
from glmwidgets.panels.parts.slices import SliceViewer
from glmwidgets.panels.parts.slices_state import LOOKS
from glmwidgets.panels.shared.map import MapPanel
from glmwidgets.panels.shared.status import StatusLine
from glmwidgets.runs.opening import open_run
from glmwidgets.session.several.runs import RunSet
from glmwidgets.session.single.preview import Previewer
from glmwidgets.session.single.session import Session
from glmwidgets.specification.looks import MapSettings


@pytest.fixture
def panel(session):
    return MapPanel(session)


def in_mask_order(viewer, values):
    out = np.empty_like(values)
    out[viewer._inside.order] = values
    return out


def colours_of(panel):
    """Values that give the colours, in mask order."""
    viewer = panel.viewer
    return in_mask_order(viewer, viewer._shown if viewer._shown.size else viewer._values)


class TestStatistic:
    @pytest.mark.parametrize("name", STATISTICS)
    def test_each_gives_the_colours_while_z_decides_what_survives(self, panel, name):
        session, viewer = panel.session, panel.viewer
        panel.statistic.value = name
        assert session.settings.map.statistic == name
        shown = session.result.statistics.show(name)
        np.testing.assert_array_equal(colours_of(panel), shown.values.astype(np.float32))
        np.testing.assert_array_equal(in_mask_order(viewer, viewer._values), session.result.z.astype(np.float32))
        assert viewer.threshold == pytest.approx(session.result.threshold)
        assert viewer.vmax == shown.limit
        assert (viewer.shown_label, viewer.shown_unit) == (("", "") if name == "z" else (shown.label, shown.unit))
        assert (viewer.signed, viewer.whole) == (shown.signed, shown.whole)
        assert panel.look._colour_fields[shown.signed].layout.display == ""
        assert panel.look._colour_fields[not shown.signed].layout.display == "none"

    def test_the_bar_says_what_warm_and_cold_are_where_the_contrast_gives_them(self, panel):
        viewer, sides = panel.viewer, ("face", "house")
        panel.session.update({"contrast.expression": "face - house"})
        assert (viewer.warm, viewer.cold) == sides
        panel.statistic.value = "effect"
        assert (viewer.warm, viewer.cold) == sides
        panel.statistic.value = "r_square"
        assert (viewer.warm, viewer.cold) == ("", "")
        panel.session.update({"map.statistic": "z", "contrast.expression": "face; house"})
        assert (viewer.warm, viewer.cold) == ("", "")

    def test_undo_brings_back_the_colours(self, panel):
        panel.statistic.value = "effect"
        panel.session.undo()
        assert panel.statistic.value == "z"
        assert panel.viewer.shown_label == ""
        assert panel.viewer._shown.size == 0

    def test_only_z_travels_where_only_z_is_shown(self, panel):
        assert "shown" not in panel.viewer._map
        panel.statistic.value = "effect"
        assert {"values", "shown"} <= set(panel.viewer._planes["planes"][0])

    def test_a_threshold_that_moves_sends_no_volume(self, panel):
        panel.statistic.value = "effect"
        before = panel.viewer._serial
        panel.slider.value = 4.0
        assert panel.viewer._serial == before

    def test_one_that_is_not_there_is_told_and_z_is_shown(self, panel):
        panel.statistic.value = "effect"
        panel.session.update({"contrast.expression": "face; house"})
        assert panel.viewer.shown_label == ""
        assert panel._why_not.value == "an F test of 2 rows has no single effect; z is shown"
        assert panel._why_not.layout.display == ""
        assert panel.viewer.sign == "positive"
        assert panel.sides.disabled
        panel.session.update({"contrast.expression": "face"})
        assert panel._why_not.layout.display == "none"
        assert panel.viewer.shown_label == "effect"
        assert not panel.sides.disabled

    def test_of_another_model_it_is_that_models(self, panel):
        panel.statistic.value = "residual_sd"
        panel.session.update({"noise.model": "ols"})
        expected = np.sqrt(panel.session.result.fit.dispersion).astype(np.float32)
        np.testing.assert_array_equal(colours_of(panel), expected)


class TestColours:
    def test_their_end_is_chosen_and_given_back(self, panel):
        limit, viewer = panel.look.limit, panel.viewer
        limit.value = "3.5"
        assert panel.session.settings.map.limit == viewer.vmax == 3.5
        panel.session.update({"noise.model": "ols"})
        assert viewer.vmax == 3.5
        limit.value = ""
        assert panel.session.settings.map.limit is None
        assert viewer.vmax == panel.session.result.statistics.show("z").limit
        fitted = viewer.vmax
        panel.session.update({"contrast.expression": "face - house", "design.hrf_model": "fir"})
        assert viewer.vmax == fitted  # held until somebody asks


class TestMethods:
    def test_each_has_its_own_alpha_and_undo_takes_both_back(self, panel):
        session = panel.session
        chosen = lambda: (session.settings.threshold.height_control, session.settings.threshold.alpha)  # noqa: E731
        assert chosen() == ("fpr", 0.001)
        panel.method.value = "fdr"
        assert chosen() == ("fdr", 0.05)
        panel.alpha.value = 0.1
        panel.method.value = "bonferroni"
        assert chosen() == ("bonferroni", 0.05)
        panel.method.value = "fdr"
        assert chosen() == ("fdr", 0.1)
        session.undo()
        assert chosen() == ("fpr", 0.001)

    def test_it_is_one_of_the_statistic(self, panel):
        panel.look.limit.value = "3.5"
        panel.statistic.value = "tsnr"
        assert panel.look.limit.value == ""
        assert panel.viewer.vmax == panel.session.result.statistics.show("tsnr").limit

    def test_what_is_no_number_is_told(self, panel):
        panel.look.limit.value = "red"
        assert panel.session.status.stage == "map.limit"
        assert "must be a number" in panel._error.value
        assert panel._error.layout.display == ""
        panel.look.limit.value = "4"
        assert panel._error.layout.display == "none"


class TestThreshold:
    def test_none_is_a_threshold_of_zero(self, panel):
        panel.method.value = "none"
        chosen = panel.session.settings.threshold
        assert (chosen.height_control, chosen.value) == ("fixed", 0.0)
        assert panel.viewer.threshold == 0
        assert "no threshold" in panel._height.value
        panel.method.value = "fixed"
        assert panel.session.settings.threshold.value > 0
        panel.session.update({"threshold.value": 0.0})
        assert panel.method.value == "none"
        panel.method.value = "fdr"
        assert panel.session.settings.threshold.height_control == "fdr"

    def test_dragging_to_zero_is_none(self, panel):
        panel.slider.value = 0.0
        assert panel.method.value == "none"

    def test_what_nothing_passes_is_told_with_the_highest(self, panel):
        panel.session.update({"threshold.height_control": "fixed", "threshold.value": 11.0})
        highest = np.abs(panel.session.result.z).max()
        assert f"no voxel passes; the highest is {highest:.2f}" in panel._rates.value


TIED = {
    "opacity": ("opacity", 0.5),
    "convention": ("convention", "radiological"),
    "planes": ("view", "mosaic"),
    "cuts": ("cut_axes", "zyx"),
    "n_cuts": ("n_cuts", 4),
    "signed_colours": ("colormap", "orange-purple"),
    "colours": ("sequential", "cividis"),
    "fade": ("fade_below", False),
    "outline": ("show_outline", False),
    "mask": ("show_mask", True),
}


@pytest.mark.parametrize("control", TIED)
def test_control_setting_and_viewer_are_one(panel, control):
    (trait, value), control = TIED[control], getattr(panel.look, control)
    before, session = control.value, panel.session
    result, models = session.result, session.ledger.n_models
    control.value = value
    assert getattr(panel.viewer, trait) == getattr(session.settings.map, trait) == value
    session.undo()
    assert control.value == getattr(panel.viewer, trait) == before
    session.redo()
    assert control.value == getattr(panel.viewer, trait) == value
    setattr(panel.viewer, trait, before)
    assert control.value == getattr(session.settings.map, trait) == before
    # How a map is looked at makes no other map.
    assert session.result is result
    assert session.ledger.n_models == models
    assert len(session.ledger.entries) == 1


def test_every_choice_of_the_viewer_is_a_setting(panel):
    by_hand = {"zoom", "compare"}
    assert set(LOOKS) == {trait for trait, _ in TIED.values()} | by_hand <= {each.name for each in fields(MapSettings)}
    fresh, chosen = SliceViewer(), MapSettings()
    assert all(getattr(fresh, name) == getattr(chosen, name) for name in LOOKS)


def test_what_is_enlarged_by_hand_is_a_setting_that_undo_takes_back(panel):
    session, viewer = panel.session, panel.viewer
    viewer.set_state({"zoom": [3, 10.5, -20, 5]})
    assert session.settings.map.zoom == viewer.zoom == (3.0, 10.5, -20.0, 5.0)
    session.undo()
    assert session.settings.map.zoom == viewer.zoom == ()
    session.update({"map.zoom": (2, 0, 0)})
    assert "a factor from 1 to 16 and a place in mm" in session.status.message
    assert viewer.zoom == ()


def test_signs_that_are_shown_are_of_what_the_threshold_asks(panel):
    session, viewer = panel.session, panel.viewer
    assert viewer.sign == "two-sided"
    panel.look.signs.value = "negative"
    assert (session.settings.map.signs, viewer.sign) == ("negative", "negative")
    session.update({"threshold.two_sided": False})
    assert viewer.sign == "positive"
    session.undo()
    session.undo()
    assert (panel.look.signs.value, viewer.sign) == ("both", "two-sided")


def test_rows_that_the_menu_does_not_offer_can_be_set(panel):
    panel.session.update({"map.cut_axes": "xz"})
    assert panel.look.cuts.value == panel.viewer.cut_axes == "xz"
    panel.session.update({"map.cut_axes": "q"})
    assert "must name each of x, y, z at most once" in panel.session.status.message
    assert panel.viewer.cut_axes == "xz"


def test_a_drag_of_the_opacity_is_followed_in_the_page(panel):
    opacity = panel.look.opacity
    assert panel.viewer._sliders == {"threshold": panel.slider.key, "opacity": opacity.key}


def test_cuts_are_asked_for_where_there_are_any(panel):
    fields = panel.look._cut_fields
    assert {box.layout.display for box in fields} == {"none"}
    panel.look.planes.value = "mosaic"
    assert {box.layout.display for box in fields} == {""}


class TestBackground:
    def test_mean_or_first_scan(self, panel):
        mean = panel.viewer._background
        assert [value for _, value in panel.look.background.options] == ["mean", "first"]
        panel.look.background.value = "first"
        first = panel.viewer._background
        assert first != mean
        panel.session.undo()
        assert panel.viewer._background == mean
        assert colours_of(panel).size

    def test_an_anatomical_image_is_brought_to_the_runs_grid(self, run):
        """A ramp along x in mm, on a finer grid of another orientation: in every voxel it is the voxel's own x."""
        affine = np.diag([1.5, -1.5, 2.0, 1.0])
        affine[:3, 3] = (-45, 60, -40)
        x = affine[0, 0] * np.arange(70) + affine[0, 3]
        volume = np.broadcast_to(x[:, None, None] + 100, (70, 90, 50)).astype(np.float32)
        from dataclasses import replace

        session = Session(replace(run, anatomical=nib.Nifti1Image(volume, affine)), synchronous=True)
        brought = session.analysis.background_image("anatomical")
        assert brought.shape == session.shape
        ijk = np.indices(session.shape).reshape(3, -1)
        expected = (session.affine[:3, :3] @ ijk)[0] + session.affine[0, 3] + 100
        np.testing.assert_allclose(brought.ravel(), expected, atol=1e-3)
        panel = MapPanel(session)
        assert "anatomical" in [value for _, value in panel.look.background.options]
        panel.look.background.value = "anatomical"
        assert session.settings.map.background == "anatomical"

    def test_one_that_is_not_given_again_gives_way_to_the_mean(self, session):
        session.update({"map.background": "anatomical"})
        panel = MapPanel(session)
        assert panel.look.background.value == "mean"
        assert session.status.state == "idle"

    def test_an_underlay_has_its_own_resolution(self, panel, tmp_path):
        """A ramp along x in mm, twice as fine and turned: each part of a voxel has the grey of its own place."""
        session, viewer = panel.session, panel.viewer
        spacing = np.linalg.norm(session.affine[:3, :3], axis=0).min() / 2
        affine = np.diag([-spacing, spacing, spacing, 1.0])
        affine[:3, 3] = (120, -150, -150)
        x = affine[0, 0] * np.arange(int(240 / spacing)) + affine[0, 3]
        volume = np.broadcast_to(x[:, None, None] + 200, (x.size, int(300 / spacing), int(300 / spacing)))
        nib.save(nib.Nifti1Image(volume.astype(np.float32), affine), tmp_path / "ramp.nii")
        session.update({"map.underlay": str(tmp_path / "ramp.nii")})
        assert session.status.state == "idle"
        parts = viewer._parts
        assert parts == [2, 2, 3]  # voxels are taller than wide
        shape = [n * k for n, k in zip(viewer._grid.display_shape, parts, strict=True)]
        greys = np.frombuffer(viewer._background, np.uint8).reshape(shape).astype(float)
        along = greys[:, shape[1] // 2, shape[2] // 2]
        place = viewer._grid.display_affine[0, 0] * (np.arange(shape[0]) - (parts[0] - 1) / 2) / parts[0]
        inner = (along > 0) & (along < 255)
        assert inner.sum() > 3
        slope, offset = np.polyfit(place[inner], along[inner], 1)
        assert slope > 0
        np.testing.assert_allclose(along[inner], slope * place[inner] + offset, atol=1)
        session.undo()
        assert (viewer._parts, len(viewer._background)) == ([1, 1, 1], int(np.prod(session.shape)))

    def test_an_underlay_is_read_beside_the_caller(self, run, tmp_path, monkeypatch):
        """It holds nobody up; what comes when another background is wanted is not shown."""
        from glmwidgets.panels.shared import files_on_map

        nib.save(nib.Nifti1Image(np.arange(27.0).reshape(3, 3, 3), run.domain.affine), tmp_path / "slow.nii")
        go, read = threading.Event(), files_on_map.load_image
        monkeypatch.setattr(files_on_map, "load_image", lambda *args, **more: (go.wait(20), read(*args, **more))[1])
        session = Session(run)
        panel = MapPanel(session)
        before = panel.viewer._background
        assert session.update({"map.underlay": str(tmp_path / "slow.nii")})  # returns before the file is read
        assert panel.viewer._background == before
        assert "bringing the underlay to" in StatusLine(session).words.value
        session.update({"map.underlay": ""})
        go.set()
        lane = panel._files._lanes["underlay"]
        assert lane.wait_until_idle(20)
        assert panel.viewer._background == before
        assert session.wait_until_idle(60)  # else a panel hears of the next after the map that is being computed
        session.update({"map.underlay": str(tmp_path / "slow.nii")})
        assert lane.wait_until_idle(20)
        assert panel.viewer._background != before
        assert session.reading == ""
        panel.forget()
        session.close()

    @pytest.mark.parametrize("of", [Session, lambda run: RunSet([run, run]).fixed], ids=["run", "runs"])
    def test_so_is_an_anatomical_image_and_the_last_picture_stays(self, run, monkeypatch, of):
        from dataclasses import replace

        go, brought = threading.Event(), SliceViewer.underlay_of
        monkeypatch.setattr(SliceViewer, "underlay_of", lambda *args: (go.wait(20), brought(*args))[1])
        image = nib.Nifti1Image(np.random.default_rng(0).random((40, 48, 40)).astype("f4"), run.domain.affine)
        session = of(replace(run, anatomical=image))
        panel = MapPanel(session)
        mean = panel.viewer._background
        session.update({"map.background": "anatomical"})
        assert panel.viewer._background == mean
        go.set()
        assert panel._files._lanes["underlay"].wait_until_idle(20)
        assert panel.viewer._background != mean
        panel.forget()
        session.close()

    def test_a_file_that_is_not_there_is_told(self, panel, tmp_path):
        panel.session.update({"map.underlay": str(tmp_path / "none.nii")})
        assert panel.session.status.stage == "map.underlay"
        panel.session.update({"map.underlay": ""})
        assert panel.session.status.state == "idle"

    def test_another_map_is_a_contour_at_its_level(self, panel, tmp_path):
        session, viewer = panel.session, panel.viewer
        values = np.random.default_rng(0).standard_normal(session.shape).astype(np.float32) * 3
        nib.save(nib.Nifti1Image(values, session.affine), tmp_path / "other.nii")
        for level in (3.1, 1.5):
            session.update({"map.contour": str(tmp_path / "other.nii"), "map.contour_level": level})
            bits = np.unpackbits(np.frombuffer(viewer._contour, np.uint8), count=values.size).astype(bool)
            inside = viewer._grid.to_display(np.abs(values) >= level)
            np.testing.assert_array_equal(bits.reshape(inside.shape), inside)
        session.update({"map.contour": ""})
        assert viewer._contour == b""

    def test_it_must_be_one_volume(self, run):
        with pytest.raises(ValueError, match="an anatomical image is one 3-D volume"):
            open_run(run.img, run.events, run.t_r, anatomical=run.img)


def test_a_saved_session_looks_the_same(session, tmp_path):
    from glmwidgets.panels.explore import explore
    from glmwidgets.panels.run.explorer import Explorer

    explorer = Explorer(session)
    session.update(
        {"map.statistic": "effect", "map.limit": 2.0, "map.background": "first", "map.convention": "radiological"}
    )
    explorer.map.look.colours.value = "cividis"
    explorer.map.look.planes.value = "mosaic"
    path = explorer.save(tmp_path / "session.json")
    run = session.run
    again = explore.load(path, run.img, run.events, confounds=run.confounds, mask=run.mask_img)
    assert again.session.wait_until_idle(60)
    assert again.session.settings.map == session.settings.map
    assert (again.map.viewer.view, again.map.viewer.sequential) == ("mosaic", "cividis")
    assert (again.map.viewer.convention, again.map.viewer.vmax) == ("radiological", 2.0)
    assert again.map.viewer.shown_label == "effect"
    again.close()


class TestAheadOfTheMap:
    """Visible slices that are painted before their whole map."""

    @pytest.fixture
    def dragged(self, panel):
        """Another response of which only the visible slices are there yet, and the settings before it."""
        session = panel.session
        session._previewer = Previewer(session.analysis, large=0)
        before, session.refresh = session.settings, lambda: None
        panel.viewer.cursor = session.cursor
        session.update({"design.hrf_model": "glover"})
        assert panel.viewer.stale
        session.preview = session._previewer.look(session.settings, session.cursor)
        return panel, before

    def test_they_are_up_to_date_whoever_hears_of_the_settings_after_them(self, dragged):
        panel, _ = dragged
        planes = panel.viewer._planes
        assert not panel.viewer.stale
        panel._show_settings()
        panel._show_state()
        assert not panel.viewer.stale
        assert panel.viewer._planes is planes

    def test_a_hand_that_goes_back_sees_the_map_before(self, dragged):
        panel, before = dragged
        session, viewer, result = panel.session, panel.viewer, panel.session.result
        ahead = viewer._planes["serial"]
        session.settings = before
        assert viewer.stale  # the slices of the other response are painted over it
        session.result = replace(result, timings={})
        assert viewer._planes["serial"] > ahead
        assert "ahead" not in viewer._planes
        assert not viewer.stale
        np.testing.assert_array_equal(in_mask_order(viewer, viewer._values), result.z.astype(np.float32))
