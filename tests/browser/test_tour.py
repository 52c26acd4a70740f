"""The tour as ``glmwidgets demo`` serves it: one press of Run away from a live explorer, and nothing in the way."""

import nibabel as nib

from glmwidgets.cli.lab import TOUR, running_lab, tour_folder
from glmwidgets.datasets import simulate_run


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
        page.goto(f"{base}/lab/tree/{TOUR}?token={token}")
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
        page.keyboard.press("Shift+Enter")
        explorer = page.locator(".glmw-explorer")
        explorer.locator("canvas").first.wait_for()
        explorer.get_by_text("estimable").wait_for()
        explorer.get_by_text("bold", exact=True).wait_for()
        screenshot(page, "tour")
        # JupyterLab would ask in a toast whether one wants news.
        assert page.locator(".Toastify__toast, .jp-Dialog").count() == 0
    assert errors == []
