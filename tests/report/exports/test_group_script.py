"""The script of a group analysis is run, and gives the maps of the screen."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from glmwidgets.report.exports.group_script import write_group_script
from glmwidgets.session.group.data import open_group
from glmwidgets.session.group.session import GroupSession

SHAPE = (7, 8, 6)


def maps_of(n=10):
    rng = np.random.default_rng(0)
    added = np.zeros(SHAPE)
    added[2:5, 2:5, 2:5] = 1.5
    return [nib.Nifti1Image((added + rng.standard_normal(SHAPE)).astype(np.float32), np.eye(4) * 3) for _ in range(n)]


@pytest.fixture(params=["files", "memory"])
def session(request, tmp_path):
    maps = maps_of()
    if request.param == "files":
        paths = [tmp_path / f"it's {i}.nii.gz" for i in range(10)]
        for path, img in zip(paths, maps, strict=True):
            nib.save(img, path)
        maps = paths
    table = pd.DataFrame({"subject_label": list("abcdefghij"), "left hand": range(10), "group": ["x", "y"] * 5})
    session = GroupSession(open_group(maps, table, match="order"), synchronous=True)
    session.take_terms(["left hand", "group"])
    session.update({"data.smoothing_fwhm": 4.0, "data.left_out": ("c",), "contrast.expression": '"left hand"'})
    session.update({"permutation.n_perm": 100, "permutation.seed": 3, "permutation.forming": 0.05})
    yield session
    session.close()


def test_the_script_repeats_map_clusters_and_permutations(session, run_script, tmp_path):
    session.permute()
    folder = tmp_path / "out"
    folder.mkdir()
    run_script(write_group_script(session, folder / "again.py"))
    inside = session.domain.mask

    def read(name):
        return nib.load(folder / "again" / f"{name}.nii.gz").get_fdata()[inside]

    # The design is written in full; sums are the same.
    np.testing.assert_allclose(read("z_score"), session.result.z, atol=1e-10)
    np.testing.assert_allclose(read("effect_size"), session.result.contrast.effect[0], atol=1e-10)
    for name in ("t", "size", "mass"):
        np.testing.assert_allclose(read(f"logp_max_{name}"), session.permuted.logp(name), atol=1e-10)
    clusters = pd.read_csv(folder / "again" / "clusters.tsv", sep="\t")
    own = [peak.stat for cluster in session.clusters.found for peak in cluster.peaks]
    np.testing.assert_allclose(sorted(clusters["Peak Stat"]), sorted(own), atol=1e-6)


def test_without_a_result_or_a_folder_it_says_so(tmp_path, session):
    failed = GroupSession(open_group(maps_of(4)), {"contrast.expression": "nothing"}, synchronous=True)
    with pytest.raises(ValueError, match="no result"):
        write_group_script(failed, tmp_path / "x.py")
    with pytest.raises(FileNotFoundError, match="its folder does not exist"):
        write_group_script(session, tmp_path / "none" / "x.py")
