"""The made-up atlas has the oddities of real ones, and names what the simulated brain answers with."""

import numpy as np
import pytest

from glmwidgets.datasets import simulate_run, write_atlas
from glmwidgets.datasets.simulate import REGIONS
from glmwidgets.regions import open_atlas


@pytest.fixture(scope="module")
def atlas(tmp_path_factory):
    return open_atlas(write_atlas(tmp_path_factory.mktemp("atlas")))


def test_it_is_as_odd_as_real_ones(atlas):
    numbers = np.unique(atlas.values)[1:]
    assert numbers.max() == 1003
    assert np.diff(numbers).max() > 1
    assert 77 not in numbers
    said = " ".join(atlas.notes)
    assert "Lost Village" in said
    assert "Weir" in said
    assert {'right Old "Pond"', 'left Old "Pond"'} <= {label.name for label in atlas.regions()}
    assert "other side" not in said
    assert atlas.space == "simulated"
    assert (atlas.values == 0).mean() > 0.3


def test_every_place_that_answers_has_a_name_of_its_side(atlas):
    for name, region in REGIONS.items():
        said = str(atlas.at(region.centre))
        side = name.rpartition("_")[2]
        if side in ("left", "right"):
            assert said.startswith(side) or said.startswith("Weir"), (name, said)
        assert "outside" not in said


def test_it_covers_the_simulated_grey_matter(atlas):
    run = simulate_run("small", n_scans=10)
    answers = run.truth.regions > 0
    places = (run.img.affine @ np.c_[np.argwhere(answers), np.ones(answers.sum())].T).T[:, :3]
    assert atlas.shares(places).unlabelled < 15


def test_it_replaces_nothing_unasked(tmp_path):
    path = write_atlas(tmp_path)
    with pytest.raises(FileExistsError):
        write_atlas(tmp_path)
    assert write_atlas(tmp_path, overwrite=True) == path
