"""Eyes, ears and fingers: axe-core finds nothing serious, light and dark; verdicts are heard, targets are large."""

import pytest

from glmwidgets.datasets import simulate_run
from glmwidgets.report.page.html import session_report
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.session import Session

EXPLORERS = {
    "one run": """
import glmwidgets as gw
from glmwidgets.datasets import simulate_run
ex = gw.explore(simulate_run("small"), settings={"contrast.expression": "faces - houses"})
ex
""",
    "runs": """
import glmwidgets as gw
from glmwidgets.datasets import simulate_run
ex = gw.explore([simulate_run("small", seed=seed) for seed in (1, 2)])
ex.go_to(2)
ex
""",
    "group": """
import nibabel as nib, numpy as np, pandas as pd
import glmwidgets as gw
rng = np.random.default_rng(0)
maps = [nib.Nifti1Image(rng.standard_normal((8, 9, 7)).astype(np.float32), np.diag([3.0, 3, 3, 1])) for _ in range(10)]
table = pd.DataFrame({"subject_label": [f"s{i}" for i in range(10)], "age": range(20, 30), "group": ["a", "b"] * 5})
ex = gw.explore_group(maps, table, match="order")
ex
""",
}
SMALL = """() => [...document.querySelectorAll('.glmw :is(button, select, summary)')]
  .filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 44)
  .map((e) => e.outerHTML.slice(0, 120))"""

# What has the focus after Tab without a line of two pixels around it; null for what is not ours.
UNSEEN = """() => {
  const at = document.activeElement, line = getComputedStyle(at);
  if (!at.closest('.glmw')) return null;
  return line.outlineStyle === 'solid' && parseFloat(line.outlineWidth) >= 2 ? '' : at.outerHTML.slice(0, 120);
}"""


@pytest.mark.parametrize("name", EXPLORERS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_is_found(notebook, settle, serious, name, theme):
    page = notebook([EXPLORERS[name]], theme=theme)
    settle(page)
    assert serious(page, ".glmw") == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_is_found_in_a_report(page, serious, tmp_path, theme):
    session = Session(open_run(simulate_run("small")), synchronous=True)
    session.refresh()
    session_report(session).save_as_html(tmp_path / "report.html")
    session.close()
    page.emulate_media(color_scheme=theme)
    page.goto((tmp_path / "report.html").as_uri())
    assert serious(page, "html") == []


def test_what_is_done_and_found_is_heard_and_can_be_touched(notebook, settle, ask):
    page = notebook([EXPLORERS["one run"], "import time"])
    settle(page)
    assert page.locator(".glmw-panel > .glmw-head:not([aria-live=polite])").count() == 0
    assert page.locator(".glmw-status > .glmw-words").get_attribute("aria-live") == "polite"
    # the first word to an explorer while a cell runs waits for that, which is said
    page.evaluate(
        """() => {
          const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
          kernel.requestExecute({ code: 'time.sleep(6)', store_history: false });
        }"""
    )
    canvas = page.locator(".glmw-slices canvas").first
    canvas.click(position={"x": 40, "y": 60})
    page.locator(".glmw-waits").wait_for(timeout=4000)
    page.locator(".glmw-waits").wait_for(state="detached", timeout=20_000)
    # Tab by Tab, what has the focus is seen
    page.locator(".glmw-contrast-row input").first.focus()
    stops = []
    for _ in range(25):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(UNSEEN))
    assert [stop for stop in stops if stop] == []
    assert stops.count("") > 20
    # fingers are wider than arrows
    devtools = page.context.new_cdp_session(page)
    devtools.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    page.wait_for_function("() => matchMedia('(pointer: coarse)').matches")
    assert page.evaluate(SMALL) == []
    devtools.detach()
    page.wait_for_function("() => !matchMedia('(pointer: coarse)').matches")
