"""A domain says of its voxels what the volume says: places, numbers, neighbours, maps."""

import nibabel as nib
import numpy as np
import pytest

from glmwidgets.runs.domain import Domain

AFFINE = np.array([[-2.0, 0.3, 0, 20], [0, 2.5, 0.2, -30], [0.1, 0, 3.0, -10], [0, 0, 0, 1]])
SHAPE = (6, 7, 5)


@pytest.fixture
def domain():
    img = nib.Nifti1Image(np.zeros((*SHAPE, 4), np.int16), AFFINE)
    img.set_qform(None, 1)
    img.set_sform(AFFINE, "mni")
    img.header.set_xyzt_units("mm", "sec")
    img.header.set_zooms((*img.header.get_zooms()[:3], 2.5))
    return Domain.of(img, np.random.default_rng(3).random(SHAPE) < 0.6)


def test_places_and_numbers_are_those_of_the_volume(domain):
    ijk = np.argwhere(domain.mask)
    np.testing.assert_allclose(domain.points, nib.affines.apply_affine(AFFINE, ijk))
    assert [domain.number(voxel) for voxel in ijk] == list(range(domain.size))
    outside = tuple(np.argwhere(~domain.mask)[0])
    assert domain.number(outside) is None
    assert domain.number((0, 0, SHAPE[2])) is None
    assert domain.number((-1, 0, 0)) is None
    assert domain.cell_volume == pytest.approx(abs(np.linalg.det(AFFINE[:3, :3])))


@pytest.mark.parametrize(("connectivity", "steps"), [(6, 1), (18, 2), (26, 3)])
def test_neighbours_are_the_voxel_and_those_that_share_a_face_an_edge_or_a_corner(domain, connectivity, steps):
    ijk = domain.voxels
    apart = np.abs(ijk[:, None] - ijk)
    touching = (apart.max(axis=2) <= 1) & (apart.sum(axis=2) <= steps)
    np.testing.assert_array_equal(domain.neighbours(connectivity).toarray() > 0, touching)
    assert domain.neighbours(connectivity) is domain.neighbours(connectivity)


def test_a_sphere_holds_what_is_near(domain):
    centre = tuple(domain.voxels[40])
    far = np.linalg.norm(domain.points - domain.points[40], axis=1)
    np.testing.assert_array_equal(domain.sphere(centre, 5.0), np.flatnonzero(far <= 5.0))


def test_a_map_lies_where_the_image_lies_and_says_so(domain):
    values = np.random.default_rng(0).normal(size=domain.size)
    img = domain.image(values, outside=np.nan)
    np.testing.assert_array_equal(img.get_fdata()[domain.mask], values)
    assert np.isnan(img.get_fdata()[~domain.mask]).all()
    np.testing.assert_array_equal(img.affine, domain.affine)
    assert int(img.header["sform_code"]) == 4
    assert int(img.header["qform_code"]) == 1
    assert img.header.get_xyzt_units() == ("mm", "unknown")
    series = domain.image(np.ones((4, domain.size)))
    assert series.header.get_xyzt_units() == ("mm", "sec")
    assert series.header.get_zooms()[3] == 2.5
    np.testing.assert_array_equal(domain.mask_image().get_fdata(), domain.mask)


def test_its_header_holds_no_voxels(domain):
    data = domain.like.dataobj
    assert data.shape == (*SHAPE, 4)
    assert not any(data.strides)


def test_clusters_of_its_values_are_those_of_the_volume(domain):
    values = np.random.default_rng(1).normal(size=domain.size)
    clusters, labels = domain.clusters(values, 1.0, two_sided=True)
    assert sum(cluster.n_voxels for cluster in clusters) == np.count_nonzero(np.abs(values) > 1.0)
    np.testing.assert_array_equal(labels[domain.mask] > 0, np.abs(values) > 1.0)
    shares = domain.true_discoveries(values, labels, 0.05, True)
    assert shares.shape == (len(clusters),)
