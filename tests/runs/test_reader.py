"""What a reader gives is what the image holds; it reads when it is asked, and keeps what it is told to keep."""

import zlib

import nibabel as nib
import numpy as np
import pytest

from glmwidgets.images.mask import voxel_series
from glmwidgets.images.smooth import smooth
from glmwidgets.runs.reader import Reader

AFFINE = np.diag([3.0, 3.0, 4.0, 1.0])


@pytest.fixture(params=[np.int16, np.float32, ">i2"])
def img(request):
    data = np.random.default_rng(0).normal(1000, 50, (5, 6, 4, 7)).astype(request.param)
    return nib.Nifti1Image(np.asfortranarray(data), AFFINE)


def test_means_scans_and_series_are_those_of_the_image(img):
    reader, data = Reader(img), np.asarray(img.dataobj)
    np.testing.assert_array_equal(reader.mean(), data.mean(axis=3))
    np.testing.assert_array_equal(reader.mean(np.float64), data.mean(axis=3, dtype=np.float64))
    np.testing.assert_array_equal(reader.scan(3), data[..., 3])
    domain = reader.domain.within(data[..., 0] > 1000)
    np.testing.assert_array_equal(reader.series(domain), voxel_series(data, domain.mask))
    smoothed = voxel_series(smooth(data, AFFINE, 6.0), domain.mask)
    np.testing.assert_allclose(reader.series(domain, 6.0), smoothed, rtol=1e-6)


def test_the_checksum_is_of_all_values_in_their_order_and_of_their_place(img):
    values = np.ascontiguousarray(np.asarray(img.dataobj)).tobytes()
    assert Reader(img).checksum() == zlib.crc32(values, zlib.crc32(AFFINE.tobytes()))
    assert Reader(nib.Nifti1Image(img.dataobj, 2 * AFFINE)).checksum() != Reader(img).checksum()


@pytest.mark.parametrize("keep", [True, False])
def test_it_reads_when_it_is_asked(img, keep):
    asked = []
    reader = Reader(img, lambda: asked.append(1) or img, keep)
    assert (reader.n_scans, reader.domain.shape, asked) == (7, (5, 6, 4), [])
    reader.mean()
    reader.scan(0)
    assert len(asked) == (1 if keep else 2)


def test_series_on_another_grid_are_brought_there():
    ramp = np.broadcast_to(np.arange(6.0)[:, None, None, None], (6, 5, 5, 3)).copy()
    reader = Reader(nib.Nifti1Image(ramp, np.eye(4)))
    half = np.eye(4)
    half[0, 3] = 0.5
    target = Reader(nib.Nifti1Image(np.zeros((4, 5, 5)), half)).domain
    series = reader.series(target.within(np.indices((4, 5, 5))[0] == 2))
    np.testing.assert_allclose(series, 2.5, atol=0.05)
