"""The viewer paints planes that come ahead of their map, and waits for the map itself."""

import numpy as np
import pytest

pytest.importorskip("anywidget")

from glmwidgets.panels.parts.slices import SliceViewer


def test_planes_ahead_of_their_map():
    viewer = SliceViewer()
    shape = (4, 5, 3)
    viewer.set_background(np.ones(shape), np.eye(4))
    viewer.set_mask(np.ones(shape, bool))
    viewer.preview(np.arange(3), np.ones(3))
    assert viewer._planes["planes"] == []  # before the first map there is nothing to be ahead of
    viewer.set_map(np.zeros(60))
    viewer.cursor = (1, 2, 1)
    planes = np.zeros(shape, bool)
    planes[1] = planes[:, 2] = planes[:, :, 1] = True
    voxels = np.flatnonzero(planes.ravel())
    viewer.preview(voxels, np.full(voxels.size, 2.5))
    assert viewer._planes["ahead"]  # so that the page does not ask for the rest
    for plane in viewer._planes["planes"]:
        values = np.frombuffer(plane["values"], np.float32)
        assert values.size in (15, 12, 20)
        assert (values == 2.5).all()
    whole = dict(viewer._map)
    viewer._handle_custom_msg({"kind": "want", "serial": viewer._planes["serial"]}, [])
    assert viewer._map == whole  # the browser's wish for the rest has to wait for set_map
    viewer.set_map(np.ones(60))
    assert "ahead" not in viewer._planes
    viewer._handle_custom_msg({"kind": "want", "serial": viewer._planes["serial"]}, [])
    assert np.frombuffer(viewer._map["values"], np.float32).tolist() == [1.0] * 60
