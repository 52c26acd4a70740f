"""The tab of regions of interest without a browser: added, picked, renamed, drawn, measured, kept, found by words."""

import nibabel as nib
import numpy as np
import pytest

pytest.importorskip("ipywidgets")
pytest.importorskip("anywidget")

from glmwidgets.analysis.signal_change import signal_changes
from glmwidgets.panels.run.explorer import Explorer
from glmwidgets.panels.shared.commands import find
from glmwidgets.panels.shared.keeping import free_name


@pytest.fixture
def explorer(session):
    session.update({"threshold.height_control": "fixed", "threshold.value": 3.0, "threshold.cluster_size": 0})
    session.go = session.move_to(session.clusters.found[0].peaks[0].ijk)
    explorer = Explorer(session)
    yield explorer
    explorer.close()


@pytest.fixture
def atlas(session, tmp_path):
    values = np.where(np.indices(session.shape)[0] < 5, 7, 300).astype(np.int16)
    nib.Nifti1Image(values, session.affine).to_filename(tmp_path / "town.nii.gz")
    (tmp_path / "town.tsv").write_text("index\tname\n7\tleft Forge\n300\tright Forge\n")
    session.update({"threshold.atlas": str(tmp_path / "town.nii.gz")})
    return str(tmp_path / "town.nii.gz")


def border(explorer):
    viewer = explorer.map.viewer
    if not viewer._region:
        return None
    bits = np.unpackbits(np.frombuffer(viewer._region, np.uint8), count=np.prod(viewer._grid.shape)).astype(bool)
    return viewer._grid.from_display(np.flatnonzero(bits))


def stroke(explorer, mask, erases=False):
    """As the page tells it."""
    viewer = explorer.map.viewer
    numbers = np.flatnonzero(viewer._grid.to_display(mask)).astype(np.uint32)
    viewer._handle_custom_msg({"kind": "stroke", "erases": erases}, [numbers.tobytes()])


def test_numbers_of_the_screen_are_voxels_of_the_data(explorer):
    """Of a grid that runs to the left: the inverse of how volumes are turned for the screen."""
    grid = explorer.map.viewer._grid
    assert any(grid.flips)
    mask = np.random.default_rng(0).random(grid.shape) < 0.2
    np.testing.assert_array_equal(grid.from_display(np.flatnonzero(grid.to_display(mask))), mask)


def test_nothing_of_the_tab_is_made_before_it_is_opened(explorer):
    assert "regions" not in vars(explorer.series)
    explorer.session.update({"series.tab": "regions"})
    assert "regions" in vars(explorer.series)


def test_regions_are_added_and_the_picked_one_is_measured_and_seen(explorer, atlas):
    session = explorer.session
    session.update({"series.tab": "regions"})
    tab = explorer.regions
    tab.sphere.click()
    tab.cluster.click()
    assert "right Forge" in tab.atlas.options
    tab.atlas.value = "left Forge"
    assert tab.atlas.value == ""
    names = [row["cells"][0] for row in tab.table.rows]
    assert names == ["sphere of 6 mm", "cluster 1", "left Forge"]
    # both the sphere at its peak and the cluster were found in the same map
    assert [row["cells"][2].startswith("* ") for row in tab.table.rows] == [True, True, False]
    assert session.settings.series.place == "region"

    tab.table._handle_custom_msg({"kind": "pick", "row": 1}, [])
    assert session.settings.regions.shown == "cluster 1"
    np.testing.assert_array_equal(border(explorer), session.clusters.labels == 1)
    assert explorer.series.chart.resting.startswith("found in this same map")
    changes = signal_changes(session.result, session.regions[1])
    said = explorer.series.chart.plots[0]["said"]
    assert len(said) == len(changes) == 2
    for each, words in zip(changes, said, strict=True):
        assert words.startswith(each.change.name)
        assert words.endswith("% of the region's baseline")

    # the other tabs are of the region, too
    session.update({"series.tab": "average"})
    n = session.regions[1].n_voxels
    assert f"cluster 1, {n} voxel" in explorer.series._head.value
    session.update({"series.tab": "effects"})
    assert explorer.series.chart.plots[0]["said"] == said

    session.update({"series.tab": "regions"})
    tab.remove.click()
    assert [region.name for region in session.regions] == ["sphere of 6 mm", "left Forge"]
    assert border(explorer) is None
    assert not explorer.series.chart.plots


def test_a_region_is_renamed_in_the_table(explorer):
    session, tab = explorer.session, explorer.regions
    tab.sphere.click()
    tab.sphere.click()
    assert session.settings.regions.names == ("sphere of 6 mm", "sphere of 6 mm 2")
    edit = {"kind": "edit", "cells": [{"row": 1, "column": 0, "text": "FFA"}]}
    tab.table._handle_custom_msg(edit, [])
    assert session.settings.regions.names == ("sphere of 6 mm", "FFA")
    assert session.settings.regions.shown == "FFA"
    edit["cells"][0]["text"] = "sphere of 6 mm"
    tab.table._handle_custom_msg(edit, [])
    assert tab.table.answer["message"] == "give each region a name of its own"
    assert session.settings.regions.names == ("sphere of 6 mm", "FFA")


def test_a_region_is_drawn_stroke_by_stroke_and_each_is_a_step(explorer):
    session, tab, viewer = explorer.session, explorer.regions, explorer.map.viewer
    tab.draw.value = True
    assert (viewer.brush, viewer.erases) == (6.0, False)
    tab.radius.value = 4
    assert viewer.brush == 4.0
    inside = session.result.mask
    one, two = np.zeros((2, *session.shape), bool)
    one[3:6, 3:5, 3] = True
    two[5:8, 3, 3] = True
    stroke(explorer, one)
    stroke(explorer, two)
    assert session.settings.regions.names == ("drawn",)
    np.testing.assert_array_equal(session.regions[0].mask, (one | two) & inside)
    np.testing.assert_array_equal(border(explorer), (one | two) & inside)
    assert "drawn while this same map was visible" in session.regions[0].circular
    tab.erase.value = True
    assert viewer.erases
    stroke(explorer, one, erases=True)
    np.testing.assert_array_equal(session.regions[0].mask, two & ~one & inside)
    session.undo()
    session.undo()
    np.testing.assert_array_equal(session.regions[0].mask, one & inside)

    # Escape on the slices
    viewer.brush = 0.0
    assert not tab.draw.value
    # another tab ends it as well
    session.update({"series.tab": "regions"})
    tab.draw.value = True
    session.update({"series.tab": "series"})
    assert viewer.brush == 0.0


def test_what_a_page_says_wrongly_draws_nothing(explorer):
    session, tab, viewer = explorer.session, explorer.regions, explorer.map.viewer
    for content, buffers in (
        ({"kind": "stroke"}, []),
        ({"kind": "stroke"}, [b"\x00\x00\x00"]),
        ({"kind": "stroke"}, [np.array([10**6], np.uint32).tobytes()]),
        ({"kind": "strike"}, [np.array([1], np.uint32).tobytes()]),
    ):
        viewer._handle_custom_msg(content, buffers)
    assert session.settings.regions.names == ()
    tab.sphere.click()
    before = border(explorer)
    stroke(explorer, np.ones(session.shape, bool), erases=True)
    assert "pick a drawn region" in session.status.message
    np.testing.assert_array_equal(border(explorer), before)


def test_a_cluster_is_refused_where_there_is_none(explorer):
    explorer.session.move_to((8, 7, 1))
    explorer.regions.cluster.click()
    assert "in no cluster" in explorer.session.status.message


def test_regions_are_found_by_words_and_searched(explorer, atlas):
    session = explorer.session
    explorer.regions.sphere.click()
    found = {command.title: command for command in find(explorer, "search in left forge")}
    found["Search in left Forge"].act()
    assert session.settings.threshold.search == f'label "left Forge" {atlas}'
    assert session.result.searched.values.size == np.count_nonzero(
        np.indices(session.shape)[0][session.result.mask] < 5
    )
    titles = [command.title for command in find(explorer, "roi right forge")]
    assert "Region of interest: right Forge" in titles
    assert "Region sphere of 6 mm" in [command.title for command in find(explorer, "region sphere of 6 mm")]


def test_regions_are_kept_as_table_and_labels(explorer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    explorer.regions.sphere.click()
    explorer.keep("signal_change")
    explorer.keep("regions")
    assert free_name("regions.nii.gz", None).name == "regions-2.nii.gz"
    assert explorer.session.wait_until_idle(30)
    written = sorted(path.name for path in tmp_path.iterdir())
    assert {"regions.nii.gz", "regions.tsv", "signal_change.tsv"} <= set(written), written
