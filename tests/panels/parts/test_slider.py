"""The slider and the viewer that follows it, as far as the kernel knows of them."""

import pytest

pytest.importorskip("anywidget")

from glmwidgets.panels.parts.slices import SliceViewer
from glmwidgets.panels.parts.slider import Slider


def test_a_viewer_follows_one_slider_of_many():
    viewer, one, other = SliceViewer(), Slider(), Slider()
    assert one.key != other.key
    viewer.follow(other)
    viewer.follow(one, "opacity")
    assert viewer.get_state("_sliders") == {"_sliders": {"threshold": other.key, "opacity": one.key}}
