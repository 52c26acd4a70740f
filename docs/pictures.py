"""Make the pictures of the documentation: ``python -m docs.pictures BOLD EVENTS T_R MAPS [--into FOLDER]``.

Both explorers as a person sees them in JupyterLab: that of a run at three sizes of screen, that of a group at one.
MAPS is a folder with ``sub-*_con.nii.gz``, ``participants.tsv`` and ``group_mask.nii.gz``.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.jupyter import BROWSER_ARGS, Lab, browser_path, open_notebook, running_lab

HERE = Path(__file__).parent / "images"
UP_TO_DATE = "() => /up to date/.test(document.querySelector('.glmw-status')?.textContent ?? '')"
PATIENCE_MS = 120_000
REST_MS = 3000

RUN = """import glmwidgets as gw

explorer = gw.explore({bold!r}, events={events!r}, t_r={t_r},
                      settings={{"contrast.expression": "face - house", "data.smoothing_fwhm": 5.0}})
explorer"""
GROUP = """from pathlib import Path
import glmwidgets as gw

folder = Path({maps!r})
explorer = gw.explore_group(sorted(folder.glob("sub-*_con.nii.gz")), folder / "participants.tsv",
                            mask=folder / "group_mask.nii.gz")
explorer"""


@dataclass(frozen=True)
class Picture:
    """A file, and what it shows: the code of a cell, in a window, in a theme."""

    name: str
    code: str
    size: tuple[int, int] = (1440, 900)
    theme: str = "light"


def pictures(bold: str, events: str, t_r: float, maps: str) -> Iterator[Picture]:
    """All that the documentation shows."""
    run, group = RUN.format(bold=bold, events=events, t_r=t_r), GROUP.format(maps=maps)
    yield Picture("explorer", run)
    yield Picture("explorer_1280x720", run, (1280, 720))
    yield Picture("explorer_1920x1080", run, (1920, 1080))
    yield Picture("explorer_dark", run, theme="dark")
    yield Picture("group", group)


def take(page: Page, lab: Lab, picture: Picture, into: Path) -> Path:
    """Open the notebook of a picture, wait until nothing moves any more, and keep what the window shows."""
    page.set_viewport_size(dict(zip(("width", "height"), picture.size, strict=True)))
    open_notebook(page, lab, [picture.code], picture.theme)
    page.wait_for_function(UP_TO_DATE, timeout=PATIENCE_MS)
    page.locator(".glmw-explorer").evaluate("(explorer) => explorer.scrollIntoView()")
    page.locator(".glmw-table tbody tr").first.wait_for(timeout=PATIENCE_MS)  # what comes after the map
    page.mouse.move(0, 0)
    page.wait_for_timeout(REST_MS)
    path = into / f"{picture.name}.png"
    page.screenshot(path=str(path))
    return path


def main() -> None:
    """Say which files were written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bold", type=Path)
    parser.add_argument("events", type=Path)
    parser.add_argument("t_r", type=float)
    parser.add_argument("maps", type=Path)
    parser.add_argument("--into", type=Path, default=HERE)
    parser.add_argument("--only", default="", metavar="WORD", help="pictures with this in their names")
    given = parser.parse_args()
    given.into.mkdir(parents=True, exist_ok=True)
    files = (str(given.bold.resolve()), str(given.events.resolve()), given.t_r, str(given.maps.resolve()))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder)
        for part in ("notebooks", "jupyter"):
            (home / part).mkdir()
        browser = playwright.chromium.launch(executable_path=browser_path(), args=BROWSER_ARGS)
        with running_lab(home / "notebooks", home / "jupyter") as lab:
            for picture in pictures(*files):
                if given.only in picture.name:
                    page = browser.new_page()
                    print(take(page, lab, picture, given.into), flush=True)
                    page.close()
        browser.close()


if __name__ == "__main__":
    main()
