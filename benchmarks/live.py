"""What a person waits for: a change of the response in a session without a browser, to the map and its clusters."""

from __future__ import annotations

import itertools
import time

from benchmarks.runs import TimedRun
from benchmarks.table import Row, medians
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.session import Session


def rows(run: TimedRun, repeats: int = 9) -> list[Row]:
    """Time from a new HRF to the visible slices (of runs so large that they come first), and to the whole brain."""
    import nibabel as nib

    mask = nib.Nifti1Image(run.mask.astype("uint8"), run.img.affine)
    opened = open_run(run.img, run.events, run.size.t_r, confounds=run.confounds, mask=mask)
    session = Session(opened, {"contrast.expression": "a - b", "noise.model": "ar1"})
    session.refresh()
    session.wait_until_idle()
    seen: dict[str, float] = {}
    start = 0.0

    def note(change) -> None:
        seen.setdefault(change["name"], time.perf_counter() - start)

    session.observe(note, ["preview", "result"])
    first: list[float] = []
    other = itertools.count(1)

    def change(_: int) -> None:
        nonlocal start
        seen.clear()
        start = time.perf_counter()
        session.update({"design.hrf_model": f"gamma({6 + next(other) / 100:.2f}, 16, 1, 1, 0.167)"})
        session.wait_until_idle()
        first.append(seen.get("preview", seen["result"]))

    (whole,) = medians(change, repeats=repeats)
    session.close()
    return [
        Row("session: HRF → z in the visible slices", sorted(first[1:])[len(first[1:]) // 2], asked="≤ 150 ms"),
        Row("session: HRF → whole brain and its clusters", whole),
    ]
