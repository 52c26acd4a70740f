"""A closed explorer holds nothing of its data, though a cell's output holds the explorer for hours yet."""

import gc
from types import BuiltinFunctionType, FunctionType, ModuleType

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

pytest.importorskip("anywidget")

from glmwidgets.panels.explore import explore
from glmwidgets.panels.group.explorer import explore_group

EVENTS = pd.DataFrame({"onset": [4.0, 44, 84, 124, 164], "duration": 10.0, "trial_type": "a"})
SHAPE = (20, 20, 16)


def image(seed, *scans):
    data = np.random.default_rng(seed).normal(1000, 10, (*SHAPE, *scans)).astype(np.float32)
    return nib.Nifti1Image(data, np.diag([3.0, 3, 3, 1]))


MASK = nib.Nifti1Image(np.ones(SHAPE, np.uint8), np.diag([3.0, 3, 3, 1]))


def of_run():
    return explore(image(0, 320), events=EVENTS, t_r=2.0, mask=MASK)  # long enough for a preview of what is visible


def of_runs():
    return explore([image(i, 100) for i in range(2)], events=[EVENTS] * 2, t_r=2.0, mask=MASK)


def of_all_runs():
    return of_runs().go_to(2)


def of_group():
    return explore_group([image(i) for i in range(60)])


def arrays_held_by(thing):
    """Arrays that can be reached from it, also through functions that wait for a change: where, and bytes."""
    todo, seen, found = [(thing, type(thing).__name__)], {}, {}
    while todo:
        each, path = todo.pop()
        if id(each) in seen or isinstance(each, ModuleType | type | BuiltinFunctionType):
            continue
        seen[id(each)] = each
        if isinstance(each, np.ndarray):
            if each.base is None:
                found[path] = each.nbytes
            todo.append((each.base, path))
        elif isinstance(each, FunctionType):  # and not its module's names
            todo += [(held, f"{path} {each.__qualname__}") for held in (each.__closure__, each.__defaults__)]
        elif isinstance(each, dict):
            todo += [(held, f"{path}[{key!r:.30}]") for key, held in each.items()]
        else:
            todo += [(held, f"{path}.{type(held).__name__}") for held in gc.get_referents(each)]
    return found


# Bytes a voxel that may stay: its place, its neighbours, the mask of the map; eighty scans or twenty maps take more.
FEW = 100


@pytest.mark.parametrize("opened", [of_run, of_runs, of_all_runs, of_group])
def test_a_closed_explorer_holds_no_data(opened):
    explorer = opened()
    session = explorer.session if hasattr(explorer, "session") else explorer.shown.session
    for path, value in ("data.smoothing_fwhm", 4.0), ("threshold.alpha", 0.01):
        assert session.wait_until_idle(60)
        if opened is not of_all_runs or path.startswith("threshold"):
            session.update({path: value})
    assert session.wait_until_idle(60)
    before = arrays_held_by(explorer)
    explorer.close()
    left = arrays_held_by(explorer)
    assert sum(left.values()) < FEW * np.prod(SHAPE) < sum(before.values()) / 3, left
