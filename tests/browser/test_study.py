"""A study as a person looks at it: wall, table, figures, decisions, the group's map, one run and back."""

from glmwidgets.datasets import write_study
from glmwidgets.report.page.runs import study_report
from glmwidgets.study import Exclusions, Study

UP_TO_DATE = "() => /up to date/.test(document.querySelector('.glmw-status')?.textContent ?? '')"

# In how many lines the text of an element stands.
LINES = """(element) => {
  const range = document.createRange();
  range.selectNodeContents(element);
  return range.getClientRects().length;
}"""

COUNT_DOTS = """() => {
  const { arc } = CanvasRenderingContext2D.prototype;
  window.dots = 0;
  CanvasRenderingContext2D.prototype.arc = function (...given) {
    window.dots += 1;
    return arc.apply(this, given);
  };
}"""

SETUP = "import glmwidgets as gw\nex = gw.explore_study({dataset!r}, {folder!r})\nex"


def test_a_study_is_looked_at_and_a_run_is_left_out(notebook, ask, screenshot, tmp_path):
    dataset = write_study(tmp_path / "bids", 12, {5: "spike"}, shape=(24, 29, 23), n_scans=60)
    page = notebook([SETUP.format(dataset=str(dataset), folder=str(tmp_path / "study"))])
    page.set_viewport_size({"width": 1440, "height": 900})
    page.wait_for_function(UP_TO_DATE, timeout=90_000)

    def until(expression):
        for _ in range(600):
            if ask(page, f"print(bool({expression}))") == "True":
                return
            page.wait_for_timeout(100)
        raise AssertionError(f"never became true: {expression}; {ask(page, 'print(ex.session.status)')}")

    until("ex.session.figures is not None")
    # Nothing has to be scrolled to: the model, decisions and clusters are in view, and the maps of all runs.
    for room in (".glmw-column.glmw-left", ".glmw-wall-room"):
        assert page.locator(room).first.evaluate("(room) => room.scrollHeight <= room.clientHeight"), room
    wall = page.locator(".glmw-wall canvas")
    wall.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    screenshot(page, "study")
    # The pointer that moves over the strips asks for no dot anew, however many runs there are.
    page.evaluate(COUNT_DOTS)
    strips = page.locator(".glmw-strips canvas").bounding_box()
    for x in range(3):
        page.mouse.move(strips["x"] + 220 + 9 * x, strips["y"] + 30)
        page.wait_for_timeout(60)
    assert page.locator(".glmw-strips .glmw-note").get_attribute("title")
    assert page.evaluate("() => window.dots") == 0
    # A click on a small map looks at its run in every view.
    wall.click(position={"x": 30, "y": 30})
    until("ex.session.picked == 0")
    page.keyboard.press("ArrowRight")
    until("ex.session.picked == 1")
    # Keys that are faster than the kernel's answer lose no step.
    for key in [*["ArrowRight"] * 5, *["ArrowLeft"] * 2]:
        page.keyboard.press(key)
    until("ex.session.picked == 4")
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    until("ex.session.picked == 1")
    page.wait_for_function("() => document.querySelector('.glmw-wall-said').innerText.startsWith('02')")
    # The explorer is in view as a whole, and no taller than the notebook's room.
    high = page.evaluate("() => document.querySelector('.jp-Notebook, .jp-WindowedPanel-outer').clientHeight")
    assert page.locator(".glmw-explorer").bounding_box()["height"] <= high
    # A hand makes the maps larger; the wall scrolls down, and never sideways.
    room = page.locator(".glmw-wall-room")
    sizes = "(room) => [room.scrollHeight, room.scrollWidth <= room.clientWidth]"
    before, _ = room.evaluate(sizes)
    for _ in range(4):
        page.get_by_role("button", name="larger maps").click()
    page.wait_for_function(f"(before) => ({sizes})(document.querySelector('.glmw-wall-room'))[0] > before", arg=before)
    assert room.evaluate(sizes)[1]
    page.get_by_role("button", name="maps as large as the space allows").click()
    # The test of the group is begun without scrolling, and the run that is looked at stays in view in a lower room.
    ask(page, "ex.session.pick(11)")
    test = page.locator(".glmw-why-permutation")
    test.locator("> .glmw-head").click()
    begin = test.get_by_role("button", name="run", exact=True)
    begin.wait_for()
    page.wait_for_timeout(500)
    bottom = page.locator(".glmw-centre").first.evaluate("(centre) => centre.getBoundingClientRect().bottom")
    assert begin.evaluate("(button) => button.getBoundingClientRect().bottom") <= bottom
    assert room.evaluate("(room) => room.scrollTop") > 0
    test.locator("> .glmw-head").click()
    ask(page, "ex.session.pick(1)")
    # A run is found by its name.
    page.get_by_role("button", name="Search", exact=True).click()
    page.keyboard.type("sub-02")
    page.get_by_role("option", name="sub-02").wait_for()
    page.keyboard.press("Escape")
    # What is decided leaves the group, and undo takes it back.
    page.get_by_role("button", name="leave out", exact=True).click()
    until("len(ex.session.result.used) == 11 and ex.session.reasons[1].startswith('by hand')")
    screenshot(page, "study-left-out")
    page.get_by_role("button", name="undo").first.click()
    until("len(ex.session.result.used) == 12")
    # A change of the model is answered by all runs.
    before = ask(page, "print(ex.session.answer.z(0)[:3])")
    page.locator(".glmw-field", has_text="response").locator("select").first.select_option("Glover")
    until("ex.session.is_current and ex.session.settings.design.hrf_model == 'glover'")
    assert ask(page, "print(ex.session.answer.z(0)[:3])") != before
    # One run in front of the study, at its crosshair, and its model for all.
    ask(page, "ex.session.move_to_mm((18, -30, 40))")
    page.get_by_role("button", name="open", exact=True).click()
    page.get_by_role("button", name="apply this model to the study").wait_for()
    until("ex.opened.session.result is not None")
    until("abs(ex.opened.session.mm() - ex.session.mm()).max() < 4")
    screenshot(page, "study-run")
    page.get_by_role("button", name="back to the study").click()
    until("ex.opened is None")
    wall.wait_for()


def test_the_report_of_a_study_is_read_without_a_cut(page, tmp_path, screenshot):
    dataset = write_study(tmp_path / "bids", 4, shape=(16, 19, 15), n_scans=40)
    contrasts = [f"{each} - tones" for each in ("faces", "houses", "motor_left", "motor_right")]
    study = Study.of(dataset, tmp_path / "study", contrasts=contrasts)
    study.build_previews()
    comment = "asleep in the second half of the run, as the log book says"
    study.exclude(Exclusions().decided("sub-02", "drop", comment, "AB"))
    study_report(study).save_as_html(tmp_path / "study.html")
    page.set_viewport_size({"width": 1200, "height": 800})
    page.goto((tmp_path / "study.html").as_uri())
    date = page.locator("table.out td:last-child")
    lines = date.evaluate(LINES)
    assert (len(date.inner_text()), lines) == (10, 1)
    # However many sections are named above, the heading that was gone to is below them.
    page.evaluate("() => { document.documentElement.style.scrollBehavior = 'auto'; location.hash = 'maps'; }")
    page.wait_for_timeout(300)
    screenshot(page, "study-report")
    bottom = page.locator("nav").evaluate("(nav) => nav.getBoundingClientRect().bottom")
    assert page.locator("#maps h2").evaluate("(title) => title.getBoundingClientRect().top") >= bottom
