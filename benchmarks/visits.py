"""Many visits to the app, one after the other: ``python -m benchmarks.visits [--visits 200] [--most 4]``.

Each visitor waits for the first map and leaves, every second one without a goodbye, as where a browser ends. Printed
are the most kernels that lived at once, and what server and kernels hold in memory after each tenth of the visits.
"""

from __future__ import annotations

import argparse
import subprocess
import time

from playwright.sync_api import Page, sync_playwright

from benchmarks.jupyter import BROWSER_ARGS, browser_path
from glmwidgets.cli.app import running_app

IDLE = "() => /up to date/.test(document.querySelector('.glmw-status')?.textContent ?? '')"
GOODBYE = "**/voila/api/shutdown/**"


def held(server: subprocess.Popen) -> tuple[int, float, float]:
    """Kernels of a server, and MB that it holds and they do."""
    command = ["ps", "-o", "pid=,rss=,args=", "--pid", str(server.pid), "--ppid", str(server.pid)]
    lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    rows = [line.split(None, 2) for line in lines]
    own = sum(int(rss) for pid, rss, _ in rows if int(pid) == server.pid) / 1e3
    kernels = [int(rss) / 1e3 for _, rss, words in rows if "ipykernel" in words]
    return len(kernels), own, sum(kernels)


def visit(page: Page, address: str, is_polite: bool) -> bool:
    """Open the app, wait for its map and leave; False where all places were taken."""
    answer = page.goto(address)
    if answer is None or answer.status != 200:
        return False
    page.wait_for_function(IDLE)
    if not is_polite:
        page.route(GOODBYE, lambda route: route.abort())
    page.goto("about:blank")
    page.unroute(GOODBYE)
    return True


def main() -> None:
    """Print a line for each tenth of the visits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=200)
    parser.add_argument("--most", type=int, default=4)
    given = parser.parse_args()
    done = refused = most = 0
    with running_app(most=given.most) as (server, base, token), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=BROWSER_ARGS)
        page = browser.new_page()
        page.set_default_timeout(120_000)
        while done < given.visits:
            if not visit(page, f"{base}/?token={token}", done % 2 == 0):
                refused += 1
                time.sleep(5)
                continue
            done += 1
            kernels, own, theirs = held(server)
            most = max(most, kernels)
            if done % max(1, given.visits // 10) == 0:
                words = f"{done} visits, {refused} refused: {kernels} kernels (most {most}) hold {theirs:.0f} MB"
                print(f"{words}, the server {own:.0f} MB", flush=True)
        time.sleep(60)
        print("a minute later: {} kernels, the server {:.0f} MB".format(*held(server)))


if __name__ == "__main__":
    main()
