"""Events edited in their table, and the response taken by the hand, in a real JupyterLab."""

import numpy as np
import pytest

CELL = """import glmwidgets as gw
stem = {stem!r}
settings = {{"contrast.expression": "face - house"}}
ex = gw.explore(stem + "bold.nii.gz", events=stem + "events.tsv", t_r=2.0, settings=settings)
ex"""
SETTLED = "print(ex.session.wait_until_idle(60) and ex.session.is_current, {what})"


@pytest.fixture
def open_explorer(notebook, visloc_dir, settle, look):
    """``open_explorer() -> page``: the explorer on the localizer run, fitted."""

    def open_it():
        page = notebook([CELL.format(stem=str(visloc_dir / "sub-02_task-oneback_run-1_"))], theme=look)
        settle(page)
        return page

    return open_it


@pytest.fixture
def becomes(ask):
    """``becomes(page, what, wanted)``: wait until an expression in the kernel has a value, and its map is computed."""

    def wait(page, what, wanted):
        for _ in range(60):
            said = ask(page, SETTLED.format(what=what))
            if said == f"True {wanted}":
                return
            page.wait_for_timeout(250)
        pytest.fail(f"{what} is {said}, and not {wanted}")

    return wait


def cell(page, row, column):
    """A cell of the table, which is sorted by onset."""
    return page.locator(".glmw-editor tbody tr").nth(row).locator("td").nth(column)


def test_an_onset_is_edited_in_the_table(open_explorer, becomes, settle, ask, pixels, screenshot, look):
    page = open_explorer()
    canvas = page.locator(".glmw-slices canvas").first
    before = pixels(canvas)
    page.locator(".glmw button", has_text="edit …").click()
    first = cell(page, 0, 1)
    first.wait_for()
    assert first.inner_text() == "12.028"
    assert page.locator(".glmw-wide .glmw-line").count() == 6

    first.dblclick()
    page.locator(".glmw-editor td input").fill("12,5")
    page.keyboard.press("Enter")
    page.get_by_text("a decimal point, not a comma").wait_for()
    assert "glmw-refused" in first.get_attribute("class")
    assert ask(page, "print(ex.session.settings.events.table)") == "None"

    first.dblclick()
    page.locator(".glmw-editor td input").fill("290")
    page.keyboard.press("Enter")
    becomes(page, "ex.session.events['onset'][0]", 290.0)
    page.wait_for_function(
        "() => document.querySelector('.glmw-wide rect[data-row=\"0\"] title').textContent.includes('290 s')"
    )
    page.wait_for_function("() => !document.querySelector('.glmw-editor .glmw-table-said').textContent")
    settle(page)
    screenshot(page.locator(".glmw-explorer"), f"events_{look}")
    assert not np.array_equal(pixels(canvas), before)

    # a letter begins to edit and is no command of the notebook, where x would cut the cell
    cell(page, 2, 3).click()
    page.keyboard.press("x")
    assert page.locator(".glmw-editor td input").input_value() == "x"
    page.keyboard.press("Escape")
    assert page.locator(".jp-CodeCell").count() >= 1

    # an event that is clicked in the timeline is picked in the table
    page.locator(".glmw-wide rect[data-row='40']").click()
    becomes(page, "ex.events.editor.grid.picked", [40])
    page.wait_for_function("() => document.querySelector('.glmw-editor tr.glmw-here')?.dataset.row === '40'")

    page.locator(".glmw button", has_text="undo").click()
    becomes(page, "ex.session.settings.events.table", None)


def test_a_type_is_renamed_and_the_contrast_follows(open_explorer, becomes, settle):
    page = open_explorer()
    page.locator(".glmw button", has_text="edit …").click()
    page.locator(".glmw-wide .glmw-line-name", has_text="face").click()
    becomes(page, "ex.events.editor.kind.value", "face")
    page.get_by_placeholder("new name").fill("upright face")
    page.locator(".glmw-type-tools button", has_text="rename").click()
    becomes(page, "ex.session.settings.contrast.expression", '"upright face" - house')
    page.locator(".glmw-wide .glmw-line-name", has_text="upright face").wait_for()
    page.locator(".glmw-events-list .glmw-line-name", has_text="upright face").wait_for()
    settle(page)


def test_the_peak_of_the_response_is_dragged_and_the_map_answers_on_the_way(open_explorer, becomes, settle, pixels):
    page = open_explorer()
    canvas = page.locator(".glmw-slices canvas").first
    heading = page.locator(".glmw-title", has_text="Response")
    panel = page.locator(".glmw-panel", has=heading).first
    panel.locator("select").first.select_option(label="Custom double gamma")
    becomes(page, "ex.session.settings.design.hrf_model", "gamma")
    handles = panel.locator(".object_grp:visible")
    page.wait_for_function("(panel) => panel.querySelectorAll('.object_grp').length >= 3", arg=panel.element_handle())
    page.wait_for_timeout(1100)  # a drag that began sooner would be one step of undo with the choice
    handles.first.scroll_into_view_if_needed()
    before, box = pixels(canvas), handles.first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 11):
        page.mouse.move(x + 3 * step, y + step)
    # still held: the model has followed, and the handle has not been taken out of the hand
    held = "ex.session.settings.design.hrf_model.startswith('gamma(') and ex.hrf._held"
    becomes(page, held, "peak")
    settle(page)
    assert not np.array_equal(pixels(canvas), before)
    now = handles.first.bounding_box()
    assert abs(now["x"] + now["width"] / 2 - (x + 30)) < 3
    page.mouse.up()
    becomes(page, "ex.hrf._held", None)
    peak = "ex.hrf.handles['peak'].x[0] == ex.hrf.parameters['delay'].value - 1"
    becomes(page, peak, True)
    page.locator(".glmw button", has_text="undo").click()
    becomes(page, "ex.session.settings.design.hrf_model", "gamma")
