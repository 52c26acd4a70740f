"""Eyes and ears: axe-core finds nothing serious in the explorers, light and dark."""

from importlib.resources import files

import pytest

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
}
SERIOUS = """async () => (await axe.run('.glmw')).violations
  .filter(({ impact }) => impact === 'serious' || impact === 'critical')
  .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`))
"""


@pytest.mark.parametrize("name", EXPLORERS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_is_found(notebook, settle, name, theme):
    pytest.importorskip("axe_playwright_python", reason="needs axe-playwright-python, of the test extra")
    page = notebook([EXPLORERS[name]], theme=theme)
    settle(page)
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    assert page.evaluate(SERIOUS) == []
