"""Places and sizes are written so that neighbouring voxels can be told apart, whatever their size."""

import re

import nibabel as nib
import numpy as np
import pytest

from glmwidgets.glm.inference.cluster_rows import table_of_clusters
from glmwidgets.glm.inference.clusters import find_clusters
from glmwidgets.glm.inference.digits import digits_of
from glmwidgets.models import get_clusters_table
from glmwidgets.report.page.words import describe_clusters


@pytest.mark.parametrize("edge", [0.01, 0.05, 0.1, 0.15, 0.3, 0.5, 0.72, 1.0, 1.5, 2.0, 3.0, 8.0])
def test_neighbouring_voxels_are_told_apart(edge):
    digits = digits_of(float(np.float32(edge) ** 3))
    places = {f"{edge * k:.{digits.place}f}" for k in range(20)}
    sizes = {f"{edge**3 * k:.{digits.volume}f}" for k in range(20)}
    assert len(places) == len(sizes) == 20
    assert digits == (0, 0) or edge < 1


@pytest.mark.parametrize(("edge", "size"), [(0.1, 0.012), (0.5, 1.5), (1.5, 40), (3.0, 324)])
def test_clusters_of_small_voxels_have_a_size_and_a_place(edge, size):
    z = np.zeros((16, 16, 12))
    z[3:5, 3:6, 3:5], z[10:12, 10:13, 7:9] = 5, 6
    affine = np.diag([edge, edge, edge, 1])
    table = get_clusters_table(nib.Nifti1Image(z, affine), 3)
    assert list(table["Cluster Size (mm3)"]) == [size, size]
    assert all(isinstance(one, int) for one in table["Cluster Size (mm3)"]) == (edge >= 1)
    clusters, _ = find_clusters(z, 3, affine)
    assert table_of_clusters(clusters).equals(table)
    lines = describe_clusters(clusters).splitlines()[1:]
    assert len({line.split(" at ")[1] for line in lines}) == 2
    around = nib.affines.from_matvec(affine[:3, :3], [-10.9 * edge] * 3)
    assert not re.search(r"-0(\.0*)?[,)]", describe_clusters(find_clusters(z, 3, around)[0]))
