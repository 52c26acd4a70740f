"""The group explorer without a browser: set a control and see the setting, set the setting and see the control."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

pytest.importorskip("ipywidgets")
pytest.importorskip("bqplot")
pytest.importorskip("anywidget")

from glmwidgets.panels.group.explorer import GroupExplorer, explore_group
from glmwidgets.panels.shared.commands import commands_of, find
from glmwidgets.report.page.group import study_of_group_session
from glmwidgets.report.page.permuted import describe_permutation
from glmwidgets.session.group.data import open_group
from glmwidgets.session.group.session import GroupSession

SHAPE = (8, 9, 7)
AGES = [24, 31, 22, 45, 38, 29, 33, 51, 27, 40]


def maps_of(n=10, effect=1.5):
    rng = np.random.default_rng(0)
    added = np.zeros(SHAPE)
    added[2:5, 2:5, 2:5] = effect
    maps = [added + rng.standard_normal(SHAPE) for _ in range(n)]
    maps[6] += 4.0
    return [nib.Nifti1Image(one.astype(np.float32), np.diag([3.0, 3.0, 3.0, 1.0])) for one in maps]


TABLE = pd.DataFrame({"subject_label": [f"s{i}" for i in range(10)], "age": AGES, "group": ["a <b>", "c"] * 5})


@pytest.fixture
def explorer():
    explorer = GroupExplorer(GroupSession(open_group(maps_of(), TABLE, match="order"), synchronous=True))
    yield explorer
    explorer.close()


def controls(explorer):
    """Every bound control: how to reach it, its setting, a new value of the control and what the setting becomes."""
    return {
        "centre": (explorer.model.centre, "design.centre", False, False),
        "smoothing": (explorer.model.smoothing, "data.smoothing_fwhm", 4.0, 4.0),
        "contrast": (explorer.contrast.expression, "contrast.expression", "2 * intercept", "2 * intercept"),
        "alpha": (explorer.map.alpha, "threshold.alpha", 0.05, 0.05),
        "sides": (explorer.map.sides, "threshold.two_sided", False, False),
        "n_perm": (explorer.permutation.n_perm, "permutation.n_perm", 250, 250),
        "forming": (explorer.permutation.forming, "permutation.forming", 0.01, 0.01),
        "seed": (explorer.permutation.seed, "permutation.seed", 5, 5),
        "fwe": (explorer.permutation.alpha, "permutation.alpha", 0.1, 0.1),
        "tfce": (explorer.permutation.tfce, "permutation.tfce", True, True),
        "discoveries": (explorer.permutation.discoveries, "permutation.discoveries", True, True),
    }


NAMES = ("centre", "smoothing", "contrast", "alpha", "sides", "n_perm", "forming", "seed", "fwe", "tfce", "discoveries")


@pytest.mark.parametrize("name", NAMES)
def test_control_and_setting_are_one(explorer, name):
    control, path, shown, kept = controls(explorer)[name]
    session = explorer.session
    before, at_first = session.settings.get(path), control.value
    control.value = shown
    assert session.settings.get(path) == kept
    assert session.status.state == "idle", session.status.message
    session.undo()
    assert session.settings.get(path) == before
    assert control.value == at_first
    session.redo()
    assert control.value == shown


def says(table, kind, **content):
    """What a page sends."""
    table._handle_custom_msg({"kind": kind, **content}, [])


def types(table, *cells):
    """What a page sends of cells that were typed or pasted into: row, column, text."""
    says(table, "edit", cells=[dict(zip(("row", "column", "text"), cell, strict=True)) for cell in cells])


def test_the_table_is_the_settings_table(explorer):
    session, table = explorer.session, explorer.model.table
    assert [column["label"] for column in table.columns] == ["use", "map", "age", "group"]
    says(table, "term", column=2, value=True)
    assert session.settings.design.terms == ("age",)
    assert table.columns[2]["tick"]
    types(table, (3, 2, " 46.5 "))
    assert session.settings.table.cells[0][3] == "46.5"
    assert table.rows[3]["cells"][2] == "46.5"
    says(table, "keep", row=6, value=False)
    assert session.settings.data.left_out == ("s6",)
    assert table.rows[6]["cells"][0] is False
    assert not explorer.maps.tiles.tiles[6]["kept"]
    says(table, "kind", column=2)
    assert session.settings.table.kinds[0] == "label"
    for _ in range(10):
        session.undo()
    assert table.rows[3]["cells"][2] == "45"
    assert session.settings.design.terms == ()


def test_a_cell_that_cannot_be_read_is_refused_in_words(explorer):
    before, table = explorer.session.result, explorer.model.table
    types(table, (1, 2, "old"))
    assert {"row": 1, "column": 2}.items() <= table.answer.items()
    assert "age of s1 is 'old', which is not a number" in table.answer["message"]
    assert explorer.session.result is before
    types(table, (1, 2, "32"))
    assert table.answer["message"] == ""


def test_a_block_that_is_pasted_is_one_step_or_none(explorer):
    session, table = explorer.session, explorer.model.table
    before = session.settings
    types(table, (0, 2, "20"), (1, 2, "twenty"), (2, 2, "21"))
    assert {"row": 1, "column": 2}.items() <= table.answer.items()
    assert session.settings is before
    types(table, (0, 2, "20"), (1, 2, "22"), (1, 3, "c"))
    assert table.answer["message"] == ""
    assert [cells[:2] for cells in session.settings.table.cells] == [("20", "22"), (before.table.cells[1][0], "c")]
    session.undo()
    assert session.settings == before


def test_messages_from_a_page_are_checked(explorer):
    table, seen = explorer.model.table, []
    for listen in (table.on_pick, table.on_keep, table.on_term, table.on_kind):
        listen(lambda *said: seen.append(said))
    table.on_edit(seen.append)
    says(table, "keep", row=0, value="no")
    says(table, "_show")
    says(table, "term", column=True, value=True)
    says(table, "term", column=1, value=True)
    for cell in ((99, 2, "1"), (0, 2, 1), (0, 0, "1")):
        types(table, cell)
    says(table, "edit", cells=[])
    assert seen == []
    says(table, "pick", row=2)
    assert seen == [(2,)]


def test_every_test_is_at_a_click_or_says_what_it_needs(explorer):
    session = explorer.session
    explorer.model.tests["regression"].click()
    assert explorer.contrast.expression.value == "age"
    explorer.model.tests["two_samples"].click()
    assert explorer.contrast.expression.value == '"a <b>" - c'
    before = session.result
    explorer.model.tests["paired"].click()
    assert "two maps of every subject" in explorer.model._error.value
    assert session.result is before
    # Clicks in one breath are one step.
    explorer.undo.click()
    assert explorer.contrast.expression.value == "intercept"


def test_pictures_name_what_stands_out(explorer):
    tiles = explorer.maps.tiles
    assert [tile["name"] for tile in tiles.tiles if tile["words"]] == ["s6"]
    assert "far from the others" in tiles.tiles[6]["words"]
    assert len(tiles.pictures["pixels"]) == 10 * SHAPE[0] * SHAPE[1]


def test_a_picked_map_takes_the_place_of_the_group_and_there_is_a_way_back(explorer):
    session = explorer.session
    explorer.maps._pick(6)
    assert session.shown == "s6"
    assert explorer._place.children == (explorer.one,)
    assert "glmw-aside" in explorer.map._dom_classes
    values = explorer.one.viewer._values[np.argsort(explorer.one.viewer._inside.order)]
    np.testing.assert_array_equal(values, session.result.values[6])
    assert explorer.maps.tiles.here == explorer.model.table.here == 6
    explorer.values._click(None, {"data": {"index": 3}})
    assert session.shown == "s3"
    explorer.one.keep.click()
    assert session.settings.data.left_out == ("s3",)
    explorer.one.back.click()
    assert session.shown is None
    assert explorer._place.children == ()
    assert "glmw-aside" not in explorer.map._dom_classes


def test_points_follow_crosshair_and_contrast(explorer):
    session, panel = explorer.session, explorer.values
    assert panel.means.visible
    assert not panel.fit.visible
    np.testing.assert_allclose(panel.points.y, session.values().y)
    session.ask("regression")
    np.testing.assert_array_equal(panel.points.x, AGES)
    assert panel.fit.visible
    session.move_to((1, 1, 1))
    np.testing.assert_allclose(panel.points.y, session.values().y)
    panel.against.value = "column group"
    assert panel.ticks.text.tolist() == ["a <b>", "c"]
    assert "not in the model" in panel._words.value
    panel.against.value = "beside"
    assert "adjusted for age" in panel._words.value


def test_a_permutation_test_is_run_shown_and_used(explorer):
    session, panel = explorer.session, explorer.permutation
    assert panel.viewer is None
    session.update({"permutation.n_perm": 200, "permutation.forming": 0.01, "permutation.discoveries": True})
    panel.run.click()
    assert panel.bar.value == 1.0
    assert "200 of 200 sign flips" in panel._words.value
    assert "permuted, cluster mass, FWE 0.05" in panel._table.value
    assert panel._sure.value == ""  # no cluster over the threshold
    session.update({"threshold.height_control": "fixed", "threshold.value": 1.0})
    labels = session.clusters.labels[session.domain.mask]
    share = int(100 * session.permuted.result.true_discoveries(labels, 0.05)[0] + 1e-9)
    assert f"<td>1</td><td>≥ {share} %</td>" in panel._sure.value
    described = describe_permutation(study_of_group_session(session).contrasts[0].permuted)
    assert f"active share of each cluster by permutation (by p values alone): 1: {share} %" in described
    shown = panel.viewer._values[np.argsort(panel.viewer._inside.order)]
    np.testing.assert_allclose(np.abs(shown), session.permuted.logp("t"), rtol=1e-6)
    panel.statistic.value = "size"
    shown = panel.viewer._values[np.argsort(panel.viewer._inside.order)]
    np.testing.assert_allclose(np.abs(shown), session.permuted.logp("size"), rtol=1e-6)
    panel.take.click()
    assert session.settings.threshold.height_control == "fixed"
    assert session.settings.threshold.value == pytest.approx(session.permuted.height_in_z(0.05), abs=1e-4)
    reached = np.count_nonzero(session.permuted.result.null["t"] >= np.abs(session.permuted.result.observed["t"]).max())
    assert f"p = (1 + {reached}) / (1 + 200) = {(1 + reached) / 201:.4f}" in explorer.why("permutation")["here"]
    session.ask("regression")
    assert panel.viewer.stale
    assert "shows another model" in panel._words.value
    assert panel.take.disabled


def test_widgets_do_not_grow_when_things_are_drawn_again(explorer):
    import ipywidgets as W

    explorer.session.update({"permutation.n_perm": 64, "permutation.forming": 0.0})

    def again():
        for test in ("regression", "two_samples", "one_sample"):
            explorer.session.ask(test)
            explorer.permutation.run.click()
        explorer.maps._pick(1)
        explorer.maps._pick(1)

    again()
    count = len(W.widget._instances) if hasattr(W.widget, "_instances") else len(W.Widget.widgets)
    again()
    assert (len(W.widget._instances) if hasattr(W.widget, "_instances") else len(W.Widget.widgets)) == count


def test_covariates_are_uploaded(explorer):
    content = "subject_label\tiq\n" + "".join(f"s{i}\t{100 + i}\n" for i in range(10))
    explorer.model._take_upload({"new": ({"name": "more.tsv", "content": memoryview(content.encode())},)})
    assert explorer.session.settings.table.names == ("age", "group", "iq")
    with pytest.raises(ValueError, match=r"cannot read covariates from more\.tsv"):
        explorer.model._take_upload({"new": ({"name": "more.tsv", "content": memoryview(b"\0\0")},)})


def test_save_and_load(tmp_path):
    explorer = explore_group(maps_of(), TABLE, match="order")
    assert explorer.session.wait_until_idle(60)
    explorer.session.ask("regression")
    explorer.map.viewer.view = "mosaic"
    assert explorer.session.wait_until_idle(60)
    path = explorer.save(tmp_path / "group.json")
    again = explore_group.load(path, maps_of())
    assert again.session.wait_until_idle(60)
    assert again.session.settings == explorer.session.settings
    assert again.map.viewer.view == "mosaic"
    np.testing.assert_array_equal(again.session.result.z, explorer.session.result.z)
    explorer.close()
    again.close()


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("smooth more", "more data.smoothing_fwhm"),
        ("threshold", "panel map"),
        ("threshold 3.5", "threshold.value = 3.5"),
        ("p < .01", "threshold.alpha = 0.01"),
        ("permutation", "panel permutation"),
        ("more permutations", "more permutation.n_perm"),
        ("design", "panel model"),
        ("paired test", "panel model"),
        ("outliers", "panel maps"),
        ("true discoveries", "permutation.discoveries = true"),
    ],
)
def test_a_group_is_searched_by_its_own_words(explorer, typed, first):
    assert find(explorer, typed)[0].key == first


def test_what_a_group_has_not_is_not_found(explorer):
    """Of the noise and the drift of a run there is nothing to be told."""
    assert not {"why whiteness", "why drift", "why events"} & {each.key for each in commands_of(explorer)}
