"""Tables in the place of images, and images in that of tables, are asked about in one sentence at every door."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

import glmwidgets as gw
from glmwidgets.glm.tables import SWAPPED
from glmwidgets.models import SecondLevelModel
from glmwidgets.session.group.data import open_group

IMAGE = nib.Nifti1Image(np.random.default_rng(0).normal(1000, 10, (5, 5, 5, 40)), np.eye(4))
EVENTS = pd.DataFrame({"onset": [10.0, 40.0], "duration": 10.0, "trial_type": "face"})
MAPS = [IMAGE.slicer[..., i] for i in range(6)]


def doors(folder):
    table = folder / "events.tsv"
    EVENTS.to_csv(table, sep="\t", index=False)
    model = gw.FirstLevelModel(t_r=2.0, noise_model="ols")
    return {
        "run, events": lambda: gw.open_run(IMAGE, IMAGE, 2.0),
        "run, confounds": lambda: gw.open_run(IMAGE, EVENTS, 2.0, confounds=IMAGE),
        "run, image": lambda: gw.open_run(table, EVENTS, 2.0),
        "run, table in memory": lambda: gw.open_run(EVENTS, IMAGE, 2.0),
        "model, events": lambda: model.fit(IMAGE, IMAGE),
        "model, confounds": lambda: model.fit(IMAGE, EVENTS, IMAGE),
        "group, one table": lambda: open_group([str(table)] * 6),
        "group, tables": lambda: open_group([str(table)] * 6, EVENTS),
        "group, design": lambda: open_group(MAPS, IMAGE),
        "second level, maps": lambda: SecondLevelModel().fit([str(table)] * 6),
        "second level, design": lambda: SecondLevelModel().fit(MAPS, design_matrix=IMAGE),
    }


@pytest.mark.parametrize("door", range(11))
def test_every_door_asks_whether_they_are_swapped(tmp_path, door):
    name, call = list(doors(tmp_path).items())[door]
    with pytest.raises((TypeError, ValueError)) as error:
        call()
    assert SWAPPED in str(error.value), name
