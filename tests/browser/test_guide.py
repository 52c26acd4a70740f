"""Search, keys, "why?", Keep and the tour, as hands and eyes have them."""

import re
from importlib.resources import files

import pytest

EXPLORER = """
import glmwidgets as gw
from glmwidgets.datasets import simulate_run
ex = gw.explore(simulate_run("small"), settings={"contrast.expression": "faces - houses"})
ex
"""
SERIOUS = """async () => (await axe.run('.glmw')).violations
  .filter(({ impact }) => impact === 'serious' || impact === 'critical')
  .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`))
"""

SIZES = [(1280, 720), (1440, 900), (1920, 1080)]


def open_cells(visloc_dir):
    stem = str(visloc_dir / "sub-02_task-oneback_run-1_")
    return [
        "import glmwidgets as gw\n"
        f"ex = gw.explore({stem + 'bold.nii.gz'!r}, events={stem + 'events.tsv'!r}, t_r=2.0,\n"
        "                settings={'contrast.expression': 'face - house', 'data.smoothing_fwhm': 5.0})\n"
        "ex"
    ]


@pytest.fixture
def opened(notebook, page, visloc_dir, settle):
    page.set_viewport_size({"width": 1440, "height": 900})
    notebook(open_cells(visloc_dir))
    settle(page, 600)
    page.evaluate("() => document.querySelector('.glmw-explorer').scrollIntoView({ block: 'start' })")
    return page


def search(page, words):
    page.keyboard.type(words)
    page.wait_for_function(
        """(first) => document.querySelector('.glmw-search [aria-selected="true"]')?.textContent.includes(first)""",
        arg=words.split()[0][:4].capitalize(),
    )


def test_everything_is_found_without_a_mouse(opened, ask, settle, screenshot):
    page = opened
    page.locator(".glmw-slices canvas").first.focus()
    page.keyboard.press("Control+Shift+P")
    box = page.get_by_role("combobox", name="Search everything")
    box.wait_for()
    screenshot(page, "guide_search")
    search(page, "smoothing more")
    assert page.locator(".glmw-search [role=option]").first.text_content().startswith("Smoothing: more")
    page.keyboard.press("Enter")
    settle(page)
    assert ask(page, "print(ex.session.settings.data.smoothing_fwhm)") == "6.0"
    assert page.locator(".glmw-over").count() == 0
    # The focus is back where it was, and keys are the explorer's again.
    assert page.evaluate("() => document.activeElement.tagName") == "CANVAS"
    page.keyboard.press("u")
    settle(page)
    assert ask(page, "print(ex.session.settings.data.smoothing_fwhm)") == "5.0"
    page.keyboard.press("/")
    search(page, "opacity")
    page.locator(".glmw-search [role=option]", has_text="Opacity …").click()
    box = page.get_by_role("combobox", name="opacity")
    box.fill("0.4")
    box.press("Enter")
    settle(page)
    assert ask(page, "print(ex.session.settings.map.opacity)") == "0.4"


def test_keys_move_and_are_listed(opened, ask, settle, screenshot):
    page = opened
    page.locator(".glmw-slices canvas").first.focus()
    cells = page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length")
    before = ask(page, "print(ex.session.cursor)")
    page.keyboard.press("n")
    settle(page)
    assert ask(page, "print(ex.session.cursor)") != before
    height = float(ask(page, "print(ex.session.result.threshold)"))
    page.keyboard.press("+")
    settle(page)
    assert float(ask(page, "print(ex.session.result.threshold)")) > height
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keys")
    sheet.wait_for()
    assert "Next cluster" in sheet.inner_text()
    screenshot(page, "guide_keys")
    # A letter that is typed is a letter.
    page.keyboard.press("Escape")
    contrast = page.locator(".glmw-contrast-row input")
    contrast.fill("")
    contrast.press_sequentially("scene")
    assert contrast.input_value() == "scene"
    assert page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length") == cells


def test_why_is_beside_verdicts(opened, screenshot):
    page = opened
    for name in (
        "threshold",
        "contrast",
        "drift",
        "whiteness",
        "clusters",
        "active_share",
        "goodness_of_fit",
        "collinearity",
    ):
        button = page.locator(f".glmw-why[data-why={name}]").first
        assert button.get_attribute("aria-label")
        button.click()
        sheet = page.get_by_role("dialog")
        sheet.wait_for()
        assert "Formula" in sheet.inner_text(), name
        assert "Lesson" in sheet.inner_text(), name
        screenshot(page, f"guide_why_{name}")
        page.keyboard.press("Escape")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_sheets_lie_within_the_explorer(opened, size, screenshot):
    page = opened
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.get_by_role("button", name="Keep").click()
    menu = page.get_by_role("menu", name="Keep").bounding_box()
    room = page.locator(".jp-WindowedPanel-outer").bounding_box()
    screenshot(page, f"guide_keep_{size[0]}")
    assert menu["y"] + menu["height"] <= room["y"] + room["height"]
    assert menu["x"] + menu["width"] <= room["x"] + room["width"]
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    sheet, explorer = (page.locator(each).bounding_box() for each in (".glmw-sheet", ".glmw-explorer"))
    assert sheet["y"] + sheet["height"] <= explorer["y"] + explorer["height"]


def test_what_is_kept_lies_beside_the_notebook(opened, lab, page, settle):
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("menuitem", name="the table of clusters").click()
    page.wait_for_function("() => /kept clusters/.test(document.querySelector('.glmw-status').textContent)")
    assert str(lab.root) in page.locator(".glmw-status").text_content()
    kept = sorted(lab.root.glob("clusters*.tsv"))
    assert kept[-1].read_text().startswith("cluster_id\t")


def test_the_tour_comes_once(notebook, page, visloc_dir, settle, screenshot, first_time):
    page.set_viewport_size({"width": 1440, "height": 900})
    notebook(open_cells(visloc_dir))
    settle(page)
    tour = page.locator(".glmw-tour")
    tour.wait_for()
    page.evaluate("() => document.querySelector('.glmw-explorer').scrollIntoView({ block: 'start' })")
    for step in range(1, 6):
        assert tour.get_attribute("aria-label") == f"Tour, step {step} of 5"
        screenshot(page, f"guide_tour_{step}")
        tour.get_by_role("button").last.click()
    assert tour.count() == 0
    assert page.evaluate("() => localStorage.getItem('glmwidgets.tour')") == "seen"
    notebook(open_cells(visloc_dir))
    settle(page, 2000)
    assert tour.count() == 0


def test_a_results_sheet_is_one_page_of_paper(page, screenshot):
    """Its table is as long as it can be."""
    from glmwidgets.datasets import simulate_run
    from glmwidgets.report.page import results_sheet, study_of_session
    from glmwidgets.runs.opening import open_run
    from glmwidgets.session.single.session import Session

    low = {"threshold.height_control": "fixed", "threshold.value": 2.0, "threshold.cluster_size": 0}
    session = Session(open_run(simulate_run("small")), low, synchronous=True)
    session.refresh()
    html = results_sheet(study_of_session(session)).html
    assert "further lines left out" in html
    page.set_content(html)
    page.wait_for_function("() => [...document.images].every((image) => image.complete)")
    screenshot(page, "results_sheet")
    paper = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page[^s]", paper)) == 1
    session.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_is_heard_in_what_lies_over_the_explorer(notebook, settle, screenshot, theme):
    pytest.importorskip("axe_playwright_python", reason="needs axe-playwright-python, of the test extra")
    page = notebook([EXPLORER], theme=theme)
    settle(page)
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    page.get_by_role("button", name="Keep").click()
    assert page.evaluate(SERIOUS) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Search", exact=True).click()
    search(page, "smoothing more")
    assert page.evaluate(SERIOUS) == []
    screenshot(page, f"guide_search_{theme}")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    assert page.evaluate(SERIOUS) == []
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    search(page, "take the tour")
    page.keyboard.press("Enter")
    page.locator(".glmw-tour").wait_for()
    assert page.evaluate(SERIOUS) == []
