"""The tour as ``glmwidgets demo`` serves it: one press of Run away from a live explorer, and nothing in the way."""

import nibabel as nib

from glmwidgets.cli.lab import TOUR, running_lab, tour_folder
from glmwidgets.datasets import simulate_run

IN_VIEW = """() => {
  const room = document.querySelector('.jp-WindowedPanel-outer').getBoundingClientRect();
  const { top, bottom } = document.querySelector('.glmw-explorer').getBoundingClientRect();
  return top >= room.top - 1 && bottom <= room.bottom + 1;
}"""


def test_the_tour_is_one_press_of_run_away_from_a_live_explorer(tmp_path, page, screenshot):
    data, run = tmp_path / 'a folder\'s "data"', simulate_run("small")
    data.mkdir()
    nib.save(run.img, data / "bold.nii.gz")
    run.events.to_csv(data / "events.tsv", sep="\t", index=False)
    own = {"bold": str(data / "bold.nii.gz"), "events": str(data / "events.tsv"), "t_r": run.t_r}
    page.set_default_timeout(120_000)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    with running_lab(tour_folder(tmp_path / "demo", own), "localhost", None) as (_, base, token):
        page.goto(f"{base}/doc/tree/{TOUR}?token={token}")
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
        page.keyboard.press("Shift+Enter")
        explorer = page.locator(".glmw-explorer")
        explorer.locator("canvas").first.wait_for()
        explorer.get_by_text("estimable").wait_for()
        explorer.get_by_text("bold", exact=True).wait_for()
        # All of it is in view, beside no list of files.
        explorer.locator(".glmw-status").get_by_text("up to date").wait_for()
        assert not page.locator("#filebrowser").is_visible()
        page.wait_for_function(IN_VIEW, timeout=10_000)
        screenshot(page, "tour")
        # JupyterLab would ask in a toast whether one wants news.
        assert page.locator(".Toastify__toast, .jp-Dialog").count() == 0
    assert errors == []
