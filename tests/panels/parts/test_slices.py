"""The kernel's half of the slice viewer: orientation, colours, and what is sent when. No browser here."""

import threading

import nibabel as nib
import numpy as np
import pytest
import traitlets
from comm.base_comm import BaseComm
from hypothesis import given, settings
from hypothesis import strategies as st

from glmwidgets.panels.parts.grid import Grid, cut_positions, grey_levels
from glmwidgets.panels.parts.slices import SliceViewer
from glmwidgets.web.palettes import COLORMAPS, lookup_table, ramp

SHAPE = (5, 6, 7)


def rotation(rng):
    q, r = np.linalg.qr(rng.standard_normal((3, 3)))
    return q * np.sign(np.diag(r))


def any_affine(seed):
    """Random axes, flips, voxel sizes, obliqueness and origin."""
    rng = np.random.default_rng(seed)
    affine = np.eye(4)
    affine[:3, :3] = rotation(rng) @ np.diag(rng.choice([-1, 1], 3) * rng.uniform(0.5, 5, 3))
    affine[:3, 3] = rng.uniform(-90, 90, 3)
    return affine


FLIPPED = np.array([[0.0, 0, -3, 40], [2, 0, 0, -60], [0, -4, 0, 30], [0, 0, 0, 1]])  # axes y, -z, -x


class Wire(BaseComm):
    """Keeps what would go to the browser."""

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        if msg_type == "comm_msg":
            self.__dict__.setdefault("sent", []).append((data, buffers or []))

    def take(self):
        sent, self.__dict__["sent"] = self.__dict__.get("sent", []), []
        return sent


def wired(**traits):
    viewer = SliceViewer(**traits)
    viewer.comm = Wire()
    return viewer, viewer.comm


@pytest.fixture
def volume():
    rng = np.random.default_rng(1)
    volume = rng.standard_normal(SHAPE).astype(np.float32)
    volume[rng.random(SHAPE) < 0.3] = np.nan
    return volume


def canonical(volume, affine):
    image = nib.as_closest_canonical(nib.Nifti1Image(volume, affine))
    return np.asarray(image.dataobj), image.affine


class TestGrid:
    @settings(deadline=None, max_examples=50)
    @given(st.integers(0, 10_000))
    def test_equals_nibabel_closest_canonical(self, seed):
        affine, data = any_affine(seed), np.arange(np.prod(SHAPE), dtype=np.float32).reshape(SHAPE)
        grid = Grid.of(SHAPE, affine)
        turned, turned_affine = canonical(data, affine)
        np.testing.assert_array_equal(grid.to_display(data), turned)
        np.testing.assert_allclose(grid.display_affine, turned_affine, atol=1e-5)  # nibabel keeps float32 headers
        assert grid.display_shape == turned.shape

    @settings(deadline=None, max_examples=50)
    @given(st.integers(0, 10_000), st.tuples(*(st.integers(0, n - 1) for n in SHAPE)))
    def test_a_voxel_stays_itself_and_where_it_is(self, seed, ijk):
        affine, data = any_affine(seed), np.arange(np.prod(SHAPE)).reshape(SHAPE)
        grid = Grid.of(SHAPE, affine)
        xyz = grid.display_index(ijk)
        assert grid.to_display(data)[tuple(xyz)] == data[ijk]
        np.testing.assert_allclose(grid.display_affine @ [*xyz, 1], affine @ [*ijk, 1], atol=1e-9)

    @pytest.mark.parametrize("bad", [np.eye(3), np.full((4, 4), np.nan), np.diag([3.0, 0, 3, 1])])
    def test_affine_without_sense(self, bad):
        with pytest.raises(ValueError, match="affine"):
            Grid.of(SHAPE, bad)


def lightness(rgb):
    """CIE L* of sRGB bytes."""
    linear = np.asarray(rgb) / 255
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    y = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(y > 0.008856, 116 * np.cbrt(y) - 16, 903.3 * y)


# Machado, Oliveira & Fernandes 2009, severity 1, on linear RGB.
COLOUR_BLIND = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


class TestColours:
    @pytest.mark.parametrize("name", ["viridis", "cividis"])
    def test_equals_matplotlib(self, name):
        colormaps = pytest.importorskip("matplotlib").colormaps
        theirs = 255 * colormaps[name](np.linspace(0, 1, 256))[:, :3]
        # 10 anchors joined by lines leave out the curvature: up to 17 of 255 in one channel, 1.5 on average
        np.testing.assert_allclose(lookup_table(name, two_sided=False)[1], theirs, atol=17)
        assert np.abs(lookup_table(name, two_sided=False)[1] - theirs).mean() < 1.5

    @pytest.mark.parametrize("name", COLORMAPS)
    def test_lightness_rises_with_the_value(self, name):
        for one_sign in lookup_table(name, two_sided=False):
            assert np.diff(lightness(one_sign)[::8]).min() > 0

    @pytest.mark.parametrize("name", ["warm-cold", "orange-purple"])
    @pytest.mark.parametrize("eye", COLOUR_BLIND)
    def test_signs_differ_for_the_colour_blind(self, name, eye):
        linear = (lookup_table(name, two_sided=True) / 255) ** 2.2
        negative, positive = 255 * np.clip(linear @ np.transpose(COLOUR_BLIND[eye]), 0, 1) ** (1 / 2.2)
        assert np.linalg.norm(negative - positive, axis=1).min() > 60  # of 442 between black and white

    def test_two_sided_sequential_runs_through_zero(self):
        negative, positive = lookup_table("viridis", two_sided=True)
        np.testing.assert_array_equal(
            np.concatenate([negative[::-1], positive]), ramp(COLORMAPS["viridis"]["sequential"], 512)
        )


class TestGreyLevels:
    def test_percentiles_of_what_is_not_zero(self):
        volume = np.zeros((10, 10, 10))
        volume[:5] = np.arange(500).reshape(5, 10, 10) + 1
        grey = grey_levels(volume)
        assert grey[5:].max() == 0
        assert grey[4, 9, 9] == 255
        middle = np.interp(250, np.percentile(np.arange(1, 501), [2, 99.8]), [0, 255])
        assert grey[2, 4, 9] == pytest.approx(middle, abs=1)

    def test_nothing_to_scale(self):
        assert grey_levels(np.full((2, 2, 2), np.nan)).max() == 0
        assert grey_levels(np.zeros((2, 2, 2))).max() == 0
        assert set(grey_levels(np.full((2, 2, 2), 7.0)).ravel()) == {128}


def test_cuts_stay_inside_what_is_occupied():
    occupied = np.zeros(30, dtype=bool)
    occupied[10:13] = True
    assert cut_positions(occupied, 7) == [10, 11, 12]
    assert cut_positions(np.zeros(1, dtype=bool), 3) == [0]


def values_of(state):
    return np.frombuffer(state, dtype=np.float32)


def sent_map(buffers_of):
    data, buffers = buffers_of
    return dict(zip([tuple(path) for path in data["buffer_paths"]], buffers, strict=True))


class TestMessages:
    def test_background_is_one_message(self, volume):
        viewer, wire = wired()
        viewer.set_background(np.nan_to_num(volume), FLIPPED)
        ((data, _),) = wire.take()
        assert set(data["state"]) | {p[0] for p in data["buffer_paths"]} == {
            "_geometry", "_background", "_cuts", "cursor",
        }  # fmt: skip
        grey, affine = canonical(grey_levels(np.nan_to_num(volume)), FLIPPED)
        assert viewer._background == grey.tobytes()
        assert viewer._geometry["shape"] == list(grey.shape)
        np.testing.assert_allclose(np.reshape(viewer._geometry["affine"], (4, 4)), affine)
        np.testing.assert_allclose(viewer._geometry["spacing"], nib.affines.voxel_sizes(affine))

    def test_first_map_whole_and_without_loss(self, volume):
        viewer, wire = wired()
        viewer.set_background(np.nan_to_num(volume), FLIPPED)
        wire.take()
        viewer.set_map(volume)
        assert len(wire.take()) == 1
        turned, _ = canonical(volume, FLIPPED)
        inside = np.isfinite(turned)
        bits = np.unpackbits(np.frombuffer(viewer._mask, np.uint8))[: turned.size].astype(bool)
        np.testing.assert_array_equal(bits.reshape(turned.shape), inside)
        np.testing.assert_array_equal(values_of(viewer._map["values"]), turned[inside])  # float32: every bit arrives

    def test_refit_sends_the_planes_in_sight_first(self, volume):
        viewer, wire = wired()
        viewer.set_background(np.nan_to_num(volume), FLIPPED)
        viewer.set_map(volume)
        viewer.cursor = (1, 4, 2)
        wire.take()
        viewer.set_map(2 * volume)
        ((data, buffers),) = wire.take()
        assert set(data["state"]) == {"_planes"}
        # Nothing holds back what fills a segment, 65,483 bytes on Linux's loopback device.
        assert sorted(map(len, buffers))[:3] == [4 * 5 * 6, 4 * 5 * 7, 4 * 6 * 7]
        assert [sum(map(len, buffers)), len(buffers)] == [65536, 4]
        turned, _ = canonical(2 * volume, FLIPPED)
        for plane in viewer._planes["planes"]:
            expected = np.take(turned, plane["index"], axis=plane["axis"])
            np.testing.assert_array_equal(values_of(plane["values"]).reshape(expected.shape), expected)
        at = viewer._grid.display_index(viewer.cursor)
        assert [(p["axis"], p["index"]) for p in viewer._planes["planes"]] == list(enumerate(at))

    def test_the_rest_comes_when_asked_for_and_only_the_newest(self, volume):
        viewer, wire = wired()
        viewer.set_background(np.nan_to_num(volume), np.eye(4))
        viewer.set_map(volume)
        viewer.set_map(2 * volume)
        overtaken = viewer._planes["serial"]
        viewer.set_map(3 * volume)
        wire.take()
        viewer._handle_custom_msg({"kind": "want", "serial": overtaken}, [])
        assert wire.take() == []
        viewer._handle_custom_msg({"kind": "want", "serial": viewer._planes["serial"]}, [])
        ((data, _),) = wire.take()
        assert set(data["state"]) == {"_map"}
        np.testing.assert_array_equal(values_of(viewer._map["values"]), 3 * volume[np.isfinite(volume)])

    def test_another_mask_travels_with_its_whole_map(self, volume):
        viewer, wire = wired()
        viewer.set_background(np.nan_to_num(volume), np.eye(4))
        viewer.set_map(volume)
        volume[2] = np.nan
        wire.take()
        viewer.set_map(volume)
        ((data, _),) = wire.take()
        assert {p[0] for p in data["buffer_paths"]} == {"_mask", "_map"}

    def test_mosaic_sends_its_cuts(self, volume):
        viewer, _ = wired(view="mosaic", cut_axes="zx", n_cuts=2)
        viewer.set_background(np.nan_to_num(volume), np.eye(4))
        viewer.set_map(volume)
        viewer.set_map(-volume)
        cuts = [(2, c) for c in viewer._cuts["z"]] + [(0, c) for c in viewer._cuts["x"]]
        assert [(p["axis"], p["index"]) for p in viewer._planes["planes"]] == cuts

    def test_values_in_mask_order(self, volume):
        mask = np.isfinite(volume)
        viewer, _ = wired()
        viewer.set_background(np.nan_to_num(volume), FLIPPED)
        viewer.set_map(volume)
        whole = viewer._map["values"]
        viewer.set_mask(mask)
        viewer.set_map(volume[mask], visible_first=False)
        assert viewer._map["values"] == whole

    def test_what_one_page_says_is_told_to_the_others_and_not_said_anew(self, volume):
        viewer, wire = wired()
        viewer.set_background(np.nan_to_num(volume), np.eye(4))
        heard = []
        viewer.observe(lambda change: heard.append(change.new), "cursor")
        wire.take()
        viewer.set_state({"cursor": [1, 2, 3]})
        assert heard == [(1, 2, 3)]
        ((told, _),) = wire.take()
        assert (told["method"], told["state"]) == ("echo_update", {"cursor": [1, 2, 3]})
        viewer.set_state({"cursor": [99, 2, 3]})  # a straggler from a larger volume
        assert viewer.cursor == (4, 2, 3)

    def test_flash(self, volume):
        viewer, wire = wired()
        viewer.set_background(np.nan_to_num(volume), FLIPPED)
        label = np.zeros(SHAPE, dtype=int)
        label[1, 2, 3] = label[4, 0, 6] = 2
        wire.take()
        viewer.flash(label)
        viewer.flash([[1, 2, 3], [4, 0, 6]])
        (data, (first,)), (_, (second,)) = wire.take()
        assert data["content"] == {"kind": "flash"}
        assert first == second
        turned, _ = canonical(label.astype(np.float32), FLIPPED)
        assert sorted(np.frombuffer(first, np.uint32)) == list(np.flatnonzero(turned))

    def test_map_taken_away(self, volume):
        viewer, _ = wired()
        viewer.set_background(np.nan_to_num(volume), np.eye(4))
        viewer.set_map(volume)
        viewer.set_map(None)
        assert viewer._map["values"] == b""
        assert viewer._map["serial"] > viewer._planes["serial"]

    def test_threads(self, volume):
        """A worker refits while the person moves: no error, and the last of both is what stays."""
        viewer, _ = wired()
        viewer.set_background(np.nan_to_num(volume), FLIPPED)
        viewer.set_map(volume)
        errors = []

        def run(action):
            try:
                for k in range(300):
                    action(k)
            except Exception as error:
                errors.append(error)

        threads = [
            threading.Thread(target=run, args=(lambda k: viewer.set_map(k * volume),)),
            threading.Thread(target=run, args=(lambda k: viewer.set_state({"cursor": [k % 5, k % 6, k % 7]}),)),
            threading.Thread(
                target=run, args=(lambda k: viewer._handle_custom_msg({"kind": "want", "serial": viewer._serial}, []),)
            ),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert viewer.cursor == (299 % 5, 299 % 6, 299 % 7)
        assert np.nanmax(viewer._values) == np.float32(299) * np.nanmax(volume)


class TestWords:
    def test_map_without_background(self, volume):
        with pytest.raises(ValueError, match="set_background"):
            SliceViewer().set_map(volume)

    def test_shapes(self, volume):
        viewer = SliceViewer()
        with pytest.raises(ValueError, match="take the mean over time"):
            viewer.set_background(np.zeros((3, 3, 3, 9)), np.eye(4))
        viewer.set_background(np.nan_to_num(volume), np.eye(4))
        with pytest.raises(ValueError, match=r"\(2, 2, 2\).*\(5, 6, 7\).*resample"):
            viewer.set_map(np.zeros((2, 2, 2)))
        with pytest.raises(ValueError, match="mask has shape"):
            viewer.set_mask(np.ones((2, 2, 2)))
        with pytest.raises(ValueError, match="no voxel"):
            viewer.set_mask(np.zeros(SHAPE))
        viewer.set_mask(np.ones(SHAPE))
        with pytest.raises(ValueError, match="3 values, but the mask 210 voxels"):
            viewer.set_map(np.zeros(3))
        with pytest.raises(ValueError, match="outside"):
            viewer.flash([[0, 0, 7]])

    @pytest.mark.parametrize(("name", "bad"), [("vmax", 0), ("vmax", np.nan), ("cut_axes", "zz"), ("cut_axes", "")])
    def test_traits(self, name, bad):
        with pytest.raises(traitlets.TraitError, match=name):
            SliceViewer(**{name: bad})

    def test_cursor_is_moved_into_the_volume(self, volume):
        viewer = SliceViewer()
        viewer.set_background(np.nan_to_num(volume), FLIPPED)
        viewer.cursor = (-3, 99, np.int64(2))
        assert viewer.cursor == (0, 5, 2)
        np.testing.assert_allclose(viewer.cursor_mm, (FLIPPED @ [0, 5, 2, 1])[:3])

    def test_another_grid_forgets_the_map(self, volume):
        viewer = SliceViewer()
        viewer.set_background(np.nan_to_num(volume), np.eye(4))
        viewer.set_map(volume)
        viewer.set_background(np.nan_to_num(volume) + 1, np.eye(4))
        assert viewer._map["values"]
        viewer.set_background(np.zeros((3, 3, 3)), np.eye(4))
        assert (viewer._map["values"], viewer._mask, viewer.cursor) == (b"", b"", (1, 1, 1))
