"""The group explorer as a person uses it, on real maps: every action by mouse and keyboard."""

import time

import numpy as np
import pytest

UP_TO_DATE = "() => /up to date/.test(document.querySelector('.glmw-status')?.textContent ?? '')"
PATIENCE_S = 120


class Hands:
    """What a person does with the explorer, and what they see of it."""

    def __init__(self, page, pixels, ask, panel):
        self.page, self._pixels, self._ask, self._panel = page, pixels, ask, panel
        self.canvas = page.locator(".glmw-slices canvas").first
        page.wait_for_function(UP_TO_DATE, timeout=1000 * PATIENCE_S)
        self.until("ex.session.is_current")

    def kernel(self, expression):
        return self._ask(self.page, f"print({expression})")

    def until(self, expression):
        """Wait until an expression is true in the kernel."""
        deadline = time.monotonic() + PATIENCE_S
        while self.kernel(f"bool({expression})") != "True":
            assert time.monotonic() < deadline, f"never became true: {expression}; {self.kernel('ex.session.status')}"
            self.page.wait_for_timeout(50)

    def picture(self):
        return self._pixels(self.canvas)

    def other_picture(self, before):
        """Wait until the map on screen is another, and has come to rest: on its way it is dimmed."""
        deadline, last = time.monotonic() + PATIENCE_S, before
        while np.array_equal(now := self.picture(), before) or not np.array_equal(now, last):
            assert time.monotonic() < deadline, "the map on screen stayed as it was"
            last = now
            self.page.wait_for_timeout(300)
        return now

    def until_text(self, element, text):
        """Wait until an element says something."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in element.inner_text():
            assert time.monotonic() < deadline, f"{text} is not in {element.inner_text()}"
            self.page.wait_for_timeout(50)

    def panel(self, title):
        return self._panel(self.page, title)


def cells(wager_dir):
    return [
        "import glmwidgets as gw\n"
        f"maps = sorted(__import__('pathlib').Path({str(wager_dir)!r}).glob('sub-*_con.nii.gz'))\n"
        f"ex = gw.explore_group(maps, {str(wager_dir / 'participants.tsv')!r},\n"
        f"                      mask={str(wager_dir / 'group_mask.nii.gz')!r})\n"
        "ex"
    ]


@pytest.fixture
def hands(notebook, wager_dir, pixels, ask, panel, look):
    """The explorer on 30 real maps, shown and fitted."""
    return Hands(notebook(cells(wager_dir), theme=look), pixels, ask, panel)


def test_a_covariate_is_picked_a_subject_looked_at_and_a_cell_typed(hands, screenshot, look):
    page = hands.page
    screenshot(page.locator(".glmw-explorer"), f"group_{look}")
    assert page.locator(".glmw-tile").count() == 30
    assert "far from the others" in page.locator(".glmw-tile.glmw-flagged").first.get_attribute("title")

    # a covariate in the model changes the map, and asking about it again
    before = hands.picture()
    page.locator(".glmw-maps th", has_text="rvlpfc_contrast").locator("input").check()
    hands.until("ex.session.settings.design.terms == ('rvlpfc_contrast',) and ex.session.is_current")
    adjusted = hands.other_picture(before)
    page.get_by_role("button", name="regression").click()
    hands.until("ex.session.result.settings.contrast.expression == 'rvlpfc_contrast'")
    slope = hands.other_picture(adjusted)
    assert "rvlpfc_contrast" in hands.panel("Values").inner_text()

    # a point of the plot is a subject, whose map takes the place of the group's
    hands.panel("Values").locator(".bqplot .dot_grp .element, .bqplot .element").first.click(force=True)
    hands.until("ex.session.shown is not None")
    shown = hands.kernel("ex.session.shown")
    page.wait_for_function(
        "(name) => document.querySelector('.glmw-tile.glmw-here')?.textContent === name", arg=shown, timeout=20_000
    )
    # left out of the group, and back: the group's map is that without this subject
    page.get_by_role("button", name="leave out").click()
    hands.until(f"ex.session.result.settings.data.left_out == ({shown!r},)")
    page.get_by_role("button", name="← group map").click()
    hands.until("ex.session.shown is None and ex.session.is_current")
    without = hands.other_picture(slope)
    z = float(hands.kernel("ex.session.series().statistics['z']"))
    hands.until_text(page.locator(".glmw-slices").first, f"{z:.2f}".replace("-", "−"))
    page.get_by_role("button", name="undo").click()
    hands.until("ex.session.result.settings.data.left_out == ()")
    assert np.array_equal(hands.other_picture(without), slope)

    # what is typed is read strictly: words beside the table, and the last good map stays
    kept = hands.kernel("id(ex.session.result)")
    cell = page.locator(".glmw-maps td.glmw-cell").first
    typed = cell.inner_text()
    cell.click()
    page.keyboard.type("many")
    page.keyboard.press("Enter")
    page.locator(".glmw-maps td.glmw-refused").wait_for(timeout=20_000)
    assert "is 'many', which is not a number" in hands.panel("Model").locator(".glmw-table-said").inner_text()
    assert hands.kernel("id(ex.session.result)") == kept
    page.keyboard.press("Escape")
    page.locator(".glmw-maps td.glmw-cell").first.click()
    page.keyboard.type("3.5")
    page.keyboard.press("Enter")
    hands.until("ex.session.settings.table.cells[0][0] == '3.5' and ex.session.is_current")
    assert typed != "3.5"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="undo").click()
    hands.until(f"ex.session.settings.table.cells[0][0] == {typed!r}")


def test_permutations_run_to_the_end_and_another_run_is_cancelled_half_way(hands, screenshot):
    page, panel = hands.page, hands.panel("Permutation test")
    panel.get_by_role("button", name="run", exact=True).click()
    panel.get_by_text("1,000 of 1,000 sign flips").wait_for(timeout=1000 * PATIENCE_S)
    assert hands.kernel("ex.session.permuted.state, ex.session.permuted.result.n_done") == "done 1000"
    assert "permuted, cluster mass, FWE 0.05" in panel.inner_text()
    assert panel.locator(".glmw-slices canvas").count() > 0
    screenshot(panel, "group_permuted")

    # a longer one, with TFCE: it is seen to be under way, then stopped
    panel.get_by_role("checkbox", name="TFCE").check()
    panel.locator(".glmw-choices input").first.fill("20000")
    panel.locator(".glmw-choices input").first.press("Enter")
    hands.until("ex.session.settings.permutation.tfce and ex.session.settings.permutation.n_perm == 20000")
    panel.get_by_role("button", name="run", exact=True).click()
    hands.until("ex.session.permuted is not None and ex.session.permuted.result.n_done >= 32")
    assert hands.kernel("ex.session.permuted.state") == "running"
    screenshot(panel, "group_half_way")
    panel.get_by_role("button", name="cancel").click()
    panel.get_by_text("· cancelled").wait_for(timeout=1000 * PATIENCE_S)
    hands.until("not ex.session.is_permuting")
    done = int(hands.kernel("ex.session.permuted.result.n_done"))
    assert 32 <= done < 20000

    # the map answered all the while, and still does
    before = hands.picture()
    page.get_by_role("button", name="regression").click()
    hands.until("ex.session.is_current and ex.session.permuted is None")
    hands.other_picture(before)
    assert "shows another model" in panel.inner_text()


@pytest.mark.parametrize("width", [700, 1800])
def test_nothing_is_clipped_from_narrow_to_wide_in_the_dark(
    notebook, wager_dir, page, pixels, ask, panel, screenshot, width
):
    page.set_viewport_size({"width": width, "height": 1300})
    Hands(notebook(cells(wager_dir), theme="dark"), pixels, ask, panel)
    explorer = page.locator(".glmw-explorer")
    screenshot(explorer, f"group_dark_{width}")
    overflow = explorer.evaluate(
        "(el) => [...el.querySelectorAll('.glmw-panel')]"
        ".filter((p) => p.scrollWidth > p.clientWidth + 2).map((p) => p.innerText)"
    )
    assert overflow == []
    assert explorer.evaluate("(el) => el.scrollWidth <= el.clientWidth + 2")
    ticks = explorer.locator(".glmw-maps td input[type=checkbox]")
    inside = "(box) => box.getBoundingClientRect().left >= box.closest('table').getBoundingClientRect().left"
    assert ticks.first.evaluate(inside), "the tick of a row is cut in two"
