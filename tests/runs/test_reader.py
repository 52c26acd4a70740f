"""What a reader gives is what the image holds; it reads a file once, and never holds it whole."""

import gzip
import pickle
import threading
import zlib

import nibabel as nib
import numpy as np
import pytest

from glmwidgets.glm.moments.scaling import scale_signal
from glmwidgets.glm.moments.series import Series
from glmwidgets.images.alive import alive_voxels
from glmwidgets.images.mask import masked_series, voxel_series
from glmwidgets.images.smooth import smooth
from glmwidgets.images.voxels import each_volume
from glmwidgets.runs.reader import Reader, foreseen, watched

WHOLE = slice(None)

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


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize("slope", [None, 0.37])
@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64, np.uint8, ">i2"])
def test_a_file_says_what_its_whole_image_says(tmp_path, monkeypatch, ending, on_disk, slope, dtype):
    """Read volume by volume, bit for bit what the image in memory gives."""
    if on_disk:
        monkeypatch.setattr("glmwidgets.files.scratch.ON_DISK", 0)
    data = np.random.default_rng(0).normal(100, 20, (5, 6, 4, 19)).astype(dtype)
    data[0, 0, 0] = 7
    img = nib.Nifti1Image(np.asfortranarray(data), AFFINE)
    if slope is not None:
        img.header.set_slope_inter(slope, 3)
    path = tmp_path / f"run{ending}"
    img.to_filename(path)
    if slope is not None:  # nibabel keeps the factors in the file and forgets them in the image
        raw = bytearray(gzip.decompress(path.read_bytes()) if ending == ".nii.gz" else path.read_bytes())
        order = ">" if data.dtype.byteorder == ">" else "<"
        raw[112:120] = np.array([slope, 3], f"{order}f4").tobytes()
        path.write_bytes(gzip.compress(bytes(raw)) if ending == ".nii.gz" else bytes(raw))
    opened = nib.load(path)
    whole = np.asfortranarray(np.asanyarray(nib.load(path).dataobj))
    reader = Reader(opened)
    domain = reader.domain.within(whole[..., 0] > np.median(whole[..., 0]))
    expected = voxel_series(whole, domain.mask)
    found = reader.series(domain)
    assert found.dtype == expected.dtype
    assert (found.nbytes == 0) == on_disk
    for smoothing in (None, 6.0):
        known = reader.series(domain, smoothing)
        plain = Series.of(np.asarray(known)).then(lambda block, _: block, order="F")
        np.testing.assert_array_equal(known.mean(), plain.mean())
        if known.mean().min() > 1:
            np.testing.assert_array_equal(scale_signal(known).read(WHOLE), scale_signal(plain).read(WHOLE))
        assert known.of_scans(WHOLE) is known
        assert known.of_scans(slice(1, None)).total is None
    np.testing.assert_array_equal(np.asarray(found), expected)
    np.testing.assert_array_equal(reader.mean(), whole.mean(axis=3))
    np.testing.assert_array_equal(reader.mean(np.float64), whole.mean(axis=3, dtype=np.float64))
    np.testing.assert_array_equal(reader.alive(), alive_voxels(whole))
    for t in (-2, -2, 3, 4, 9, 0):
        np.testing.assert_array_equal(reader.scan(t), whole[..., t])
    smoothed = masked_series(whole, domain.mask, AFFINE, 6.0)
    np.testing.assert_array_equal(np.asarray(reader.series(domain, 6.0)), smoothed)
    again = pickle.loads(pickle.dumps(reader))
    np.testing.assert_array_equal(again.scan(1), whole[..., 1])
    fewer = domain.within(domain.mask & (np.arange(4) > 0))
    np.testing.assert_array_equal(np.asarray(reader.series(fewer)), voxel_series(whole, fewer.mask))
    np.testing.assert_array_equal(np.asarray(pickle.loads(pickle.dumps(found))), expected)


def test_voxels_of_a_file_are_chosen_by_number_or_as_booleans(tmp_path, img):
    nib.save(img, tmp_path / "bold.nii.gz")
    reader = Reader(nib.load(tmp_path / "bold.nii.gz"))
    series = reader.series(reader.domain)
    some = np.arange(series.shape[1]) % 5 == 2
    expected = np.asarray(series)[:, some]
    for voxels in (some, np.flatnonzero(some)):
        np.testing.assert_array_equal(series.read(voxels), expected)


def test_a_file_is_read_once_for_all_that_one_pass_finds(tmp_path, monkeypatch, img):
    img.to_filename(tmp_path / "run.nii.gz")
    passes = []
    monkeypatch.setattr("glmwidgets.runs.reader.each_volume", lambda img: passes.append(1) or each_volume(img))
    reader = Reader(nib.load(tmp_path / "run.nii.gz"), checked=True)
    assert (reader.n_scans, reader.domain.shape, passes) == (7, (5, 6, 4), [])
    mask = np.zeros((5, 6, 4), bool)
    mask[1:4] = True
    reader.look(mask)
    for _ in range(2):
        reader.mean()
        reader.alive()
        reader.series(reader.domain.within(mask))
    assert passes == [1]


def test_a_file_that_changed_or_went_is_not_read_on(tmp_path, img):
    path = tmp_path / "run.nii"
    img.to_filename(path)
    reader = Reader(nib.load(path))
    reader.mean()
    nib.Nifti1Image(np.zeros((5, 6, 4, 8), np.int16), AFFINE).to_filename(path)
    with pytest.raises(ValueError, match=r"run\.nii has changed since it was opened"):
        reader.series(reader.domain)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"run\.nii is no longer there"):
        reader.scan(0)


def test_series_on_another_grid_are_brought_there():
    ramp = np.broadcast_to(np.arange(6.0)[:, None, None, None], (6, 5, 5, 3)).copy()
    reader = Reader(nib.Nifti1Image(ramp, np.eye(4)))
    half = np.eye(4)
    half[0, 3] = 0.5
    target = Reader(nib.Nifti1Image(np.zeros((4, 5, 5)), half)).domain
    series = reader.series(target.within(np.indices((4, 5, 5))[0] == 2))
    np.testing.assert_allclose(series, 2.5, atol=0.05)


@pytest.mark.parametrize("smoothing", [5.0, None])
def test_a_file_is_gone_through_once_where_smoothing_is_foreseen(tmp_path, monkeypatch, img, smoothing):
    path = tmp_path / "run.nii.gz"
    img.to_filename(path)
    passes = []
    monkeypatch.setattr("glmwidgets.runs.reader.each_volume", lambda one: passes.append(1) or each_volume(one))
    mask = np.zeros(img.shape[:3], bool)
    mask[1:4] = True
    reader, usual = Reader(nib.load(path)), Reader(nib.load(path))
    domain = reader.domain.within(mask)
    with foreseen(smoothing):
        reader.look(mask)
    assert np.array_equal(reader.series(domain), usual.series(domain))
    assert np.array_equal(reader.series(domain, smoothing), usual.series(domain, smoothing))
    assert len(passes) == (3 if smoothing else 2)  # of which this reader's is one
    part = reader.domain.within(mask & (np.indices(mask.shape)[1] > 1))
    assert np.array_equal(reader.series(part, 5.0), usual.series(part, 5.0))


@pytest.mark.parametrize("smoothing", [None, 6.0])
def test_what_stops_a_reading_is_raised_and_leaves_no_thread_behind(tmp_path, monkeypatch, smoothing):
    """Whichever thread it befalls: that which reads, one that smooths or writes, or the one that waits."""
    data = np.random.default_rng(0).normal(100, 20, (5, 6, 4, 90)).astype(np.int16)
    path = tmp_path / "run.nii.gz"
    nib.save(nib.Nifti1Image(data, AFFINE), path)
    whole = path.read_bytes()

    def reading():
        reader = Reader(nib.load(path))
        return reader, lambda: reader.series(reader.domain, smoothing)

    before = threading.active_count()
    _, read = reading()
    wanted = np.asarray(read())

    def cancelled(reader, n, mean):
        raise KeyboardInterrupt

    with watched(cancelled), pytest.raises(KeyboardInterrupt):
        reading()[1]()

    def full(rows, number, row):
        raise OSError("no space left on device")

    def broken(*how):
        raise ZeroDivisionError

    for where, instead, error in (
        ("glmwidgets.runs.reader.Rows.put", full, OSError),
        ("glmwidgets.runs.reader.voxel_taker", lambda *how: broken, ZeroDivisionError),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(where, instead)
            with pytest.raises(error):
                reading()[1]()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="damaged or cut short"):
        reading()[1]()
    assert threading.active_count() == before

    path.write_bytes(whole)
    _, read = reading()
    with watched(cancelled), pytest.raises(KeyboardInterrupt):
        read()
    np.testing.assert_array_equal(np.asarray(read()), wanted)


def ball(shape, radius):
    return sum((axis - (n - 1) / 2) ** 2 for axis, n in zip(np.indices(shape), shape, strict=True)) <= radius**2


@pytest.mark.parametrize("slope", [None, 0.37])
@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64, np.uint8, ">i2"])
def test_a_run_that_is_looked_at_is_smoothed_without_its_file(tmp_path, monkeypatch, dtype, slope):
    """Bit for bit what the whole volumes give, from the voxels that were kept around the mask."""
    monkeypatch.setattr("glmwidgets.files.scratch.ON_DISK", 0)
    passes = []
    monkeypatch.setattr("glmwidgets.runs.reader.each_volume", lambda one: passes.append(1) or each_volume(one))
    data = np.random.default_rng(0).normal(100, 20, (30, 26, 17, 19)).astype(dtype)
    if data.dtype.kind == "f":
        data[0, 0, 0], data[14, 12, 9, 3] = np.inf, np.nan
    path = tmp_path / "run.nii.gz"
    img = nib.Nifti1Image(np.asfortranarray(data), AFFINE)
    img.to_filename(path)
    if slope is not None:
        raw = bytearray(gzip.decompress(path.read_bytes()))
        raw[112:120] = np.array([slope, 3], f"{'>' if data.dtype.byteorder == '>' else '<'}f4").tobytes()
        path.write_bytes(gzip.compress(bytes(raw)))
    whole = np.asfortranarray(np.asanyarray(nib.load(path).dataobj))
    reader = Reader(nib.load(path))
    mask = ball(data.shape[:3], 5)
    mask[2, 12, 8] = True  # what it depends on is mirrored at a face
    reader.look(mask)
    domain = reader.domain.within(mask)
    np.testing.assert_array_equal(np.asarray(reader.series(domain)), voxel_series(whole, mask))
    fewer = reader.domain.within(mask & (np.arange(17) > 7))
    for some in (domain, fewer):
        for fwhm in (4.0, 8.0, (3.0, None, 6.0)):
            expected = masked_series(whole, some.mask, AFFINE, fwhm)
            np.testing.assert_array_equal(np.asarray(reader.series(some, fwhm)), expected)
    known = reader.series(domain, 8.0)
    np.testing.assert_array_equal(known.mean(), Series.of(np.asarray(known)).then(lambda b, _: b, order="F").mean())
    assert passes == [1]
    again = pickle.loads(pickle.dumps(reader))
    for wide in (reader, again):
        np.testing.assert_array_equal(np.asarray(wide.series(domain, 20.0)), masked_series(whole, mask, AFFINE, 20.0))
    assert passes == [1, 1, 1]


@pytest.mark.parametrize("why", ["small", "no disk", "no memory", "plain", "foreseen", "estimator"])
def test_voxels_around_a_mask_are_kept_only_where_that_serves(tmp_path, monkeypatch, img, why):
    """Elsewhere the image is read again."""
    passes = []
    monkeypatch.setattr("glmwidgets.runs.reader.each_volume", lambda one: passes.append(1) or each_volume(one))
    monkeypatch.setattr("glmwidgets.files.scratch.ON_DISK", 2**20 if why == "small" else 0)
    if why == "no disk":
        monkeypatch.setattr("glmwidgets.files.scratch.MOST_OF_DISK", 0)
    if why == "no memory":
        monkeypatch.setattr("glmwidgets.runs.around.available_memory", lambda: 1000)
    path = tmp_path / ("run.nii" if why == "plain" else "run.nii.gz")
    img.to_filename(path)
    reader = Reader(nib.load(path))
    domain = reader.domain.within(ball(img.shape[:3], 2))
    if why == "foreseen":
        with foreseen(None):
            reader.look(domain.mask)
    elif why != "estimator":
        reader.look(domain.mask)
    reader.series(domain)
    expected = masked_series(np.asarray(img.dataobj), domain.mask, AFFINE, 6.0)
    np.testing.assert_array_equal(np.asarray(reader.series(domain, 6.0)), expected)
    assert passes == [1, 1]
