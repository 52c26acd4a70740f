"""How long a person waits in JupyterLab: ``python -m benchmarks.latency [--run BOLD EVENTS T_R] [--against FOLDER]``.

From the time stamp of the input event to the end of the frame in which the pixels that it asked for were painted: the
first task after that frame's rendering. A screen shows them at its next refresh. The map counts as painted when its
pixels have changed and nothing on it is marked as old. Medians and 95th percentiles.
Without ``--run`` on a simulated run of 60,000 voxels and 300 scans with 50 events or more. What a loop of a million
additions takes is printed with them: figures of two hours of a shared machine are not to be compared without it. With
``--against`` another version of the package, in its folder, is measured in the same hour, in turns with this one.
Beside each answer stands the processor's time that it took of the page's main thread and of the kernel, which others on
the machine change little. An answer during which other programs had more than a tenth of a core is asked for again.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from benchmarks.jupyter import BROWSER_ARGS, Lab, ask, browser_path, open_notebook, running_lab

HERE = Path(__file__).parents[1]
WINDOW = (1440, 900)  # a laptop's
SIMULATED = """import nibabel as nib, numpy as np
from benchmarks.runs import SIZES, make_run
run = make_run(SIZES["medium"])
mask = nib.Nifti1Image(run.mask.astype(np.uint8), run.img.affine)
given = dict(bold=run.img, events=run.events, t_r=run.size.t_r, confounds=run.confounds, mask=mask)
contrasts = ["a - b", "c - d"]"""
REAL = """given = dict(bold={bold!r}, events={events!r}, t_r={t_r})
import pandas as pd
names = sorted(pd.read_csv({events!r}, sep="\\t")["trial_type"].unique())
contrasts = [" - ".join(names[:2]), " - ".join(names[1:3])]
import nibabel as nib
given["bold"] = nib.load({bold!r})
_ = given["bold"].get_fdata(dtype="float32")  # at hand, so that reading the file is no part of what is measured"""
SHOW = """import glmwidgets as gw
ex = gw.explore(**given, settings={{"contrast.expression": contrasts[0], **{settings!r}}})
ex"""
OTHERS = 0.1  # of a core: what other programs may have while an answer is measured
UP_TO_DATE = "() => /up to date/.test(document.querySelector('.glmw-status')?.textContent ?? '')"

SET_CELL = """(source) => {
  window.jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.setSource(source);
}"""

# The picture is read out small: enough to see that it changed, at a millisecond's price.
WATCH = """() => {
  const small = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  small.canvas.width = small.canvas.height = 96;
  const look = (canvas) => {
    small.drawImage(canvas, 0, 0, 96, 96);
    return small.getImageData(0, 0, 96, 96).data.reduce((sum, v, i) => (sum * 31 + v * (1 + i % 7)) | 0, 7);
  };
  const watch = window.glmwWatch = { kind: '', waits: [], asked: null, before: 0, frames: 0, answered: null };
  const canvas = document.querySelector('.glmw-slices canvas');
  watch.start = (kind) => {
    watch.kind = kind;
    watch.before = kind === 'maps' ? look(canvas) : 0;
    watch.asked = null;
    // Waited for by a promise: a question in every frame would have the page make frames.
    watch.answered = new Promise((resolve, reject) => {
      watch.hear = resolve;
      setTimeout(() => reject(new Error(`no answer to ${kind} in 20 s`)), 20000);
    });
    watch.answered.catch(() => {}); // a drag that paints nothing new
  };
  const answer = (kind) => {
    const asked = watch.asked;
    if (kind !== watch.kind || asked === null) return;
    watch.asked = null;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      watch.waits.push(performance.now() - asked);
      watch.hear();
    };
    port2.postMessage(null); // painting is done in an animation frame: this comes after its style, layout and paint
  };
  for (const type of ['pointermove', 'pointerdown', 'keydown', 'wheel', 'change', 'input']) {
    window.addEventListener(type, (event) => { watch.asked ??= event.timeStamp; }, { capture: true });
  }
  document.addEventListener('glmw:paint', () => {
    watch.frames += 1;
    answer('paints');
    if (watch.kind !== 'maps' || watch.asked === null) return;
    const old = document.querySelector('.glmw-slices .glmw-old') !== null;
    if (!old && look(canvas) !== watch.before) answer('maps');
  });
  document.addEventListener('glmw:chart', () => answer('series'));
}"""


Act = Callable[[Page, int, dict | None], None]


@dataclass(frozen=True)
class Action:
    """Something a person does, what answers it, and the 95th percentile that was asked for, in ms."""

    name: str
    kind: str
    limit: float
    act: Act
    settle: bool
    place: str = ""
    before: Callable[[Page], None] | None = None


# Where things are is asked once before they are dragged: asking makes the page lay itself out.
PLACES = {
    "threshold": ".glmw-threshold-row canvas",
    "brain": ".glmw-slices canvas",
    "peak": ".glmw-panel .bqplot .object_grp:visible",
}

# The longest row of brain in the picture, wherever a layout puts its planes: pixels that are not black, nor are those
# above and below them, as those of the crosshair are.
BRAIN = """(canvas) => {
  const { width, height } = canvas, box = canvas.getBoundingClientRect(), scale = box.width / width;
  const pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data;
  const light = (x, y) => Math.max(...pixels.subarray(4 * (y * width + x), 4 * (y * width + x) + 3)) > 40;
  let best = { width: 0 };
  for (let y = 4; y < height - 4; y += 2) {
    for (let x = 0, from = 0, dark = 9; x < width; x++) {
      dark = light(x, y - 4) && light(x, y) && light(x, y + 4) ? 0 : dark + 1;
      if (dark > 8) from = x + 1;
      else if (x - dark - from > best.width) best = { x: from, y, width: x - dark - from };
    }
  }
  return { x: box.x + scale * best.x, y: box.y + scale * best.y, width: scale * best.width, height: 0 };
}"""


def _place(page: Page, name: str) -> dict:
    found = page.locator(PLACES[name]).first
    if name == "peak":
        found.scroll_into_view_if_needed()
    return found.evaluate(BRAIN) if name == "brain" else found.bounding_box()


def _drag_threshold(page: Page, k: int, slider: dict) -> None:
    x, y = slider["x"] + 0.25 * slider["width"], slider["y"] + slider["height"] / 2
    if k == 0:
        page.mouse.move(x, y)
        page.mouse.down()
    page.mouse.move(x + 4 * (10 - abs(10 - k % 20)), y)


def _drag_crosshair(page: Page, k: int, area: dict) -> None:
    page.mouse.move(area["x"] + area["width"] * (0.1 + 0.8 * (k % 25) / 25), area["y"])
    if k == 0:
        page.mouse.down()


def _wheel(page: Page, k: int, area: dict) -> None:
    if k == 0:
        page.mouse.move(area["x"] + area["width"] * 0.5, area["y"])
    page.mouse.wheel(0, 120 if k % 12 < 6 else -120)


def _click_voxel(page: Page, k: int, area: dict) -> None:
    page.mouse.click(area["x"] + area["width"] * (0.35 + 0.3 * (3 * k % 19) / 19), area["y"])


def _type(contrasts: Sequence[str]) -> Act:
    def act(page: Page, k: int, _place: None) -> None:
        page.locator(".glmw-contrast-row input").first.fill(contrasts[(k + 1) % len(contrasts)])

    return act


def _unfolded(panel: str) -> Callable[[Page], None]:
    def unfold(page: Page) -> None:
        folded = page.locator(".glmw-folded > .glmw-head", has_text=panel)
        if folded.count():  # its contents come when it is unfolded
            folded.click()
            page.wait_for_timeout(1000)

    return unfold


def _choose(one: str, other: str) -> Act:
    def act(page: Page, k: int, _place: None) -> None:
        select = page.locator(f"select:has(option:text-is('{one}')):has(option:text-is('{other}'))").first
        select.select_option(label=one if k % 2 == 0 else other)

    return act


def _custom_response(page: Page) -> None:
    """Choose the response that is taken by the hand."""
    _unfolded("Response")(page)
    _choose("Custom double gamma", "SPM")(page, 0, None)
    page.wait_for_function(UP_TO_DATE, timeout=20_000)
    page.wait_for_timeout(600)


def _drag_peak(page: Page, k: int, handle: dict) -> None:
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    if k == 0:
        page.mouse.move(x, y)
        page.mouse.down()
    page.mouse.move(x + 2 * (10 - abs(9 - k % 20)), y)


def _untick(page: Page, _k: int, _place: None) -> None:
    page.locator(".glmw-left input[type=checkbox]").nth(2).click()


def actions(contrasts: Sequence[str]) -> list[Action]:
    """What is done, in this order."""
    return [
        Action("threshold dragged → map", "paints", 30, _drag_threshold, False, "threshold"),
        Action("crosshair dragged → map", "paints", 30, _drag_crosshair, False, "brain"),
        Action("slice by wheel → map", "paints", 30, _wheel, False, "brain"),
        Action("crosshair → series", "series", 90, _click_voxel, True, "brain"),
        Action("contrast → map", "maps", 120, _type(contrasts), True),
        Action("HRF → map", "maps", 250, _choose("Glover", "SPM"), True, before=_unfolded("Response")),
        Action("response dragged → map", "maps", 120, _drag_peak, True, "peak", _custom_response),
        Action("an event type ticked → map", "maps", 250, _untick, True),
        Action("noise model → map", "maps", 250, _choose("OLS (white)", "AR(1)"), True, before=_unfolded("Noise")),
    ]


def of_others() -> dict[int, float]:
    """Seconds of processor that each program has had which this one did not start, by its number."""
    here = psutil.Process()
    own = {here.pid, *(each.pid for each in here.children(recursive=True))}
    told = {each.pid: each.info["cpu_times"] for each in psutil.process_iter(["cpu_times"]) if each.pid not in own}
    return {number: sum(times[:2]) for number, times in told.items() if times is not None}


def since(before: dict[int, float]) -> float:
    """Seconds of processor that others have had since then."""
    return sum(seconds - before.get(number, 0.0) for number, seconds in of_others().items())


def measure(page: Page, action: Action, times: int) -> tuple[list[float], int]:
    """Milliseconds of each answer to an action done a number of times, and how often it was done for them."""
    if action.before:
        action.before(page)
    place = _place(page, action.place) if action.place else None
    page.evaluate("() => { window.glmwWatch.waits = []; }")
    kept, k = [], 0
    while (len(kept) < times and k < 3 * times) or k % 2:  # what is done in turns ends as it began
        before, start = of_others(), time.perf_counter()
        page.evaluate("(kind) => window.glmwWatch.start(kind)", action.kind)
        action.act(page, k, place)
        k += 1
        if action.settle:
            page.evaluate("() => window.glmwWatch.answered")
            page.wait_for_function(UP_TO_DATE, timeout=20_000, polling=50)
            page.wait_for_timeout(150)
        else:
            page.wait_for_timeout(33)
        waits = page.evaluate("() => window.glmwWatch.waits.splice(0)")
        if not action.settle or since(before) < OTHERS * (time.perf_counter() - start):
            kept += waits
    page.mouse.up()
    page.wait_for_timeout(400)
    return kept, k


def spent(page: Page, devtools: CDPSession) -> np.ndarray:
    """Milliseconds of processor that the page's main thread and the kernel have had."""
    told = {each["name"]: each["value"] for each in devtools.send("Performance.getMetrics")["metrics"]}
    return 1e3 * np.array([told["TaskDuration"], float(ask(page, "import time; print(time.process_time())"))])


def in_turns(versions: Sequence[Version], index: int, times: int, rounds: int) -> list[float]:
    """Number, median and 95th percentile of an action's answers, processor time of page and kernel, of all versions."""
    waits, costs = [[[] for _ in versions] for _ in range(2)]
    for _ in range(rounds):
        for k, version in enumerate(versions):
            version.page.bring_to_front()
            before = spent(version.page, version.devtools)
            kept, done = measure(version.page, actions(version.contrasts)[index], times)
            waits[k] += kept
            costs[k].append((spent(version.page, version.devtools) - before) / done)
    found = []
    for each, cost in zip(waits, costs, strict=True):
        found += [len(each), *(np.percentile(each, [50, 95]) if each else [np.nan] * 2), *np.median(cost, axis=0)]
    return found


def hasty_drag(page: Page, seconds: float = 2.0) -> tuple[float, float]:
    """Maps painted a second while the response is dragged, and milliseconds until its last state is on screen."""
    _custom_response(page)
    place = _place(page, "peak")
    page.evaluate("() => { window.glmwWatch.frames = 0; }")
    start, k = time.perf_counter(), 0
    while time.perf_counter() < start + seconds:
        _drag_peak(page, k, place)
        page.wait_for_timeout(33)
        k += 1
    frames = page.evaluate("() => window.glmwWatch.frames") / (time.perf_counter() - start)
    page.evaluate("() => { window.glmwWatch.waits = []; window.glmwWatch.start('maps'); }")
    _drag_peak(page, k, place)
    page.mouse.up()
    page.wait_for_function("() => window.glmwWatch.waits.length > 0", timeout=20_000, polling="raf")
    return frames, page.evaluate("() => window.glmwWatch.waits[0]")


def pace(times: int = 15) -> str:
    """What a loop of a million additions takes just now, in words: the least and the median of some, in ms."""
    found = []
    for _ in range(times):
        start, total = time.perf_counter(), 0
        for number in range(1_000_000):
            total += number
        found.append(1e3 * (time.perf_counter() - start))
    return f"{min(found):.0f} to {np.median(found):.0f} ms"


@dataclass
class Version:
    """A version of the package in a JupyterLab and a page of its own, and what was measured of it."""

    name: str
    page: Page
    devtools: CDPSession
    contrasts: list[str]
    opening: dict[str, float]


def opened(name: str, lab: Lab, browser: Browser, data: str, show: str, window: Sequence[int] = WINDOW) -> Version:
    """Open the explorer, and take the time of that."""
    page = browser.new_page(viewport=dict(zip(("width", "height"), window, strict=True)))
    open_notebook(page, lab, [data])
    came = {"messages": 0, "bytes": 0}

    def count(payload: str | bytes) -> None:
        came["messages"] += 1
        came["bytes"] += len(payload)

    # Sockets are told of as they open: that of the kernel is open, and is left for a new one.
    page.on("websocket", lambda socket: socket.on("framereceived", count))
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.reconnect()")
    page.wait_for_timeout(1000)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:insert-cell-below')")
    page.evaluate(SET_CELL, show)
    came.update(messages=0, bytes=0)
    start = time.perf_counter()
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-cell'); }")
    page.wait_for_selector(".glmw-slices canvas", timeout=60_000)
    seen = time.perf_counter() - start
    page.wait_for_function(UP_TO_DATE, timeout=120_000)
    fitted = time.perf_counter() - start
    page.locator(".glmw-explorer").evaluate("(explorer) => explorer.scrollIntoView()")
    page.wait_for_timeout(1500)
    contrasts = ask(page, "print('|'.join(contrasts))").split("|")
    models = int(ask(page, "import ipywidgets.widgets.widget as w; print(len(w._instances))"))
    page.evaluate(WATCH)
    opening = {
        "explorer shown after the cell is run, ms": 1e3 * seen,
        "its first map fitted, ms": 1e3 * fitted,
        "widget models": models,
        "messages to the page": came["messages"],
        "kilobytes to the page": came["bytes"] / 1e3,
    }
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    return Version(name, page, devtools, contrasts, opening)


def compiled(folder: Path, cache: Path) -> dict[str, str]:
    """Environment in which the package of a folder is as one that was installed: its modules are compiled."""
    told = {"PYTHONPATH": str(folder), "PYTHONPYCACHEPREFIX": str(cache), "PYTHONDONTWRITEBYTECODE": ""}
    once = "import glmwidgets as gw; gw.explore(gw.datasets.simulate_run('small')).session.wait_until_idle(60)"
    subprocess.run([sys.executable, "-c", once], env={**os.environ, **told}, check=True)
    return told


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", nargs=3, metavar=("BOLD", "EVENTS", "T_R"), help="a run from files")
    parser.add_argument("--times", type=int, default=16, help="of each action in a round, an even number")
    parser.add_argument("--rounds", type=int, default=3, help="in which versions are measured in turns")
    parser.add_argument("--noise", default="ar1", help="noise model under which the rest is changed")
    parser.add_argument("--window", nargs=2, type=int, metavar=("WIDTH", "HEIGHT"), default=WINDOW)
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="another version of the package")
    parser.add_argument("--only", default="", metavar="WORDS", help="actions of these words, parted by |")
    arguments = parser.parse_args()
    if arguments.run:
        bold, events, t_r = arguments.run
        data = REAL.format(bold=str(Path(bold).resolve()), events=str(Path(events).resolve()), t_r=float(t_r))
    else:
        # What its overlapping events are warned of would count as a cell that failed.
        data = f"import sys, warnings\nsys.path.append({str(HERE)!r})\nwarnings.simplefilter('ignore')\n{SIMULATED}"
    show = SHOW.format(settings={"noise.model": arguments.noise})
    folders = {"before": arguments.against.resolve()} if arguments.against else {}
    folders["now"] = HERE
    before, lines = pace(), []
    with ExitStack() as stack:
        browser = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=browser_path(), args=BROWSER_ARGS
        )
        versions = []
        for name, folder in folders.items():
            home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            for part in ("notebooks", "jupyter"):
                (home / part).mkdir()
            packages = compiled(folder, home / "compiled")
            lab = stack.enter_context(running_lab(home / "notebooks", home / "jupyter", packages))
            versions.append(opened(name, lab, browser, data, show, arguments.window))

        def say(name: str, values: Sequence[float], words: str = "") -> None:
            lines.append(f"| {name} | " + " | ".join(f"{v:.0f}" for v in values) + f" | {words} |")
            print(lines[-1], flush=True)

        for index, action in enumerate(actions(versions[0].contrasts)):
            if not any(words in action.name for words in arguments.only.split("|")):
                continue
            say(action.name, in_turns(versions, index, arguments.times, arguments.rounds), f"≤ {action.limit:g}")
        if not arguments.only:
            drags = []
            for version in versions:
                version.page.bring_to_front()
                drags.append(hasty_drag(version.page))
            say("response dragged for 2 s: maps a second", [rate for rate, _ in drags])
            say("response dragged for 2 s: last state on screen, ms", [last for _, last in drags], "≤ 300")
        for name in versions[0].opening:
            say(name, [version.opening[name] for version in versions])
        browser.close()
    head = " | ".join(f"{name}: answers | p50 | p95 | page | kernel" for name in folders)
    print(f"\n| action to painted pixels, ms | {head} | asked, p95 |\n" + "\n".join(lines))
    print(f"\na million additions before, least to median: {before}; after: {pace()}")


if __name__ == "__main__":
    main()
