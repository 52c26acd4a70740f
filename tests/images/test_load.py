"""Reading images: what is read equals what nibabel reads, and whatever is wrong is said with the file's name."""

import gzip
import re
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from glmwidgets.images.load import header_t_r, image_data, image_name, load_image, load_run
from glmwidgets.images.volumes import concat_imgs

AFFINE = np.array([[-3.0, 0, 0, 60], [0, 3, 0, -70], [0, 0, 4, -40], [0, 0, 0, 1]])


def write(path, data, t_r=2.0, slope=None, unit="sec"):
    img = nib.Nifti1Image(data, AFFINE)
    img.header.set_xyzt_units("mm", unit)
    if data.ndim == 4:
        img.header.set_zooms((3, 3, 4, t_r))
    if slope:
        img.header.set_slope_inter(*slope)
    nib.save(img, path)
    return path


@pytest.fixture
def ints():
    return np.random.default_rng(0).integers(0, 3000, (7, 6, 5, 12)).astype(np.int16)


@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, ">i2", np.int32, np.float32, np.float64])
def test_data_are_those_that_nibabel_reads(tmp_path, ints, ending, dtype):
    data = (ints % 200).astype(dtype)
    path = write(tmp_path / f"run.{ending}", data)
    read = image_data(load_image(path))
    assert read.dtype.newbyteorder("=") == np.dtype(dtype).newbyteorder("=")
    assert read.flags.f_contiguous
    np.testing.assert_array_equal(read, np.asanyarray(nib.load(path).dataobj))


def test_scale_factor_gives_float64_as_nibabel_does(tmp_path, ints):
    path = write(tmp_path / "run.nii.gz", ints)
    img = nib.load(path)
    raw = bytearray(gzip.decompress(path.read_bytes()))
    img.header["scl_slope"], img.header["scl_inter"] = 0.37, 5.0
    raw[:348] = img.header.binaryblock
    path.write_bytes(gzip.compress(bytes(raw)))
    read = image_data(load_image(path))
    expected = np.asanyarray(nib.load(path).dataobj)
    assert read.dtype == expected.dtype == np.float64
    assert expected.max() != ints.max()
    np.testing.assert_array_equal(read, expected)


def test_standard_library_reads_the_same_as_the_faster_decompressor(tmp_path, ints, monkeypatch):
    path = write(tmp_path / "run.nii.gz", ints)
    monkeypatch.setitem(__import__("sys").modules, "isal", None)
    np.testing.assert_array_equal(image_data(load_image(path)), ints)


def test_several_gzip_members_are_one_file(tmp_path, ints):
    path = write(tmp_path / "run.nii.gz", ints)
    raw = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(raw[:1000]) + gzip.compress(raw[1000:]))
    np.testing.assert_array_equal(image_data(load_image(path)), ints)


def test_padding_after_the_end_is_no_damage(tmp_path, ints):
    path = write(tmp_path / "run.nii.gz", ints)
    path.write_bytes(path.read_bytes() + bytes(512))
    np.testing.assert_array_equal(image_data(load_image(path)), ints)


def test_pair_of_files_keeps_its_time_and_other_formats_their_place(tmp_path, ints):
    pair = nib.Nifti1Pair(ints, AFFINE)
    pair.header.set_xyzt_units("mm", "sec")
    pair.header.set_zooms((3, 3, 4, 2.5))
    nib.save(pair, tmp_path / "run.img")
    img, t_r = load_run(tmp_path / "run.img")
    assert t_r == 2.5
    np.testing.assert_array_equal(image_data(img), ints)
    nib.save(nib.MGHImage(ints.astype(np.float32), AFFINE), tmp_path / "run.mgz")
    img, _ = load_run(tmp_path / "run.mgz", t_r=2)
    np.testing.assert_array_equal(image_data(img), ints)
    np.testing.assert_allclose(img.affine, AFFINE, atol=1e-5)


def test_surfaces_are_no_volumes(tmp_path):
    surface = nib.gifti.GiftiImage(darrays=[nib.gifti.GiftiDataArray(np.zeros(10, np.float32))])
    nib.save(surface, tmp_path / "left.func.gii")
    with pytest.raises(ValueError, match=r"left\.func\.gii is a GiftiImage, not an image of volumes"):
        load_image(tmp_path / "left.func.gii")


def test_names_in_messages():
    assert image_name(nib.Nifti1Image(np.zeros((2, 3, 4)), AFFINE)) == "the image in memory of shape (2, 3, 4)"
    assert image_name(["a.nii", "b.nii"]) == "the list of 2 images"
    assert image_name(3.0) == "an object of type float"


def test_run_is_in_memory_and_keeps_place_name_and_time(tmp_path, ints):
    path = write(tmp_path / "run.nii.gz", ints, t_r=0.72)
    img, t_r = load_run(path)
    path.unlink()
    np.testing.assert_array_equal(image_data(img), ints)
    assert t_r == 0.72
    assert img.get_filename() == str(path)
    np.testing.assert_array_equal(img.affine, AFFINE)
    assert img.header.get_zooms()[3] == np.float32(0.72)


def test_saved_again_a_scaled_run_keeps_its_values(tmp_path, ints):
    path = write(tmp_path / "run.nii.gz", ints.astype(np.float64) * 0.1)
    img, _ = load_run(path)
    nib.save(img, tmp_path / "again.nii.gz")
    np.testing.assert_array_equal(nib.load(tmp_path / "again.nii.gz").get_fdata(), ints * 0.1)


def test_missing_file_suggests_its_neighbours(tmp_path, ints):
    write(tmp_path / "sub-01_bold.nii.gz", ints)
    with pytest.raises(FileNotFoundError, match=r"sub-01_bld\.nii\.gz; did you mean sub-01_bold\.nii\.gz\?"):
        load_image(tmp_path / "sub-01_bld.nii.gz")
    with pytest.raises(FileNotFoundError, match="its folder does not exist"):
        load_image(tmp_path / "nowhere" / "bold.nii.gz")


def test_folder_and_array_and_table_are_no_images(tmp_path):
    with pytest.raises(ValueError, match="is a folder"):
        load_image(tmp_path)
    with pytest.raises(TypeError, match=r"not ndarray; an array has no place in space"):
        load_image(np.zeros((2, 2, 2)))
    with pytest.raises(TypeError, match="not int"):
        load_image(3)


@pytest.mark.parametrize("keep", [0.0, 40, 300, 0.3, 0.7, 0.99, -5])
def test_truncated_file_is_called_so_by_name(audiovisual_dir, tmp_path, keep):
    whole = (audiovisual_dir / "av_5slices_45vols_bold.nii.gz").read_bytes()
    path = tmp_path / "cut_bold.nii.gz"
    path.write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    with pytest.raises(ValueError, match=rf"{re.escape(str(path))} is (damaged or cut short|empty)"):
        load_run(path)


def test_truncated_uncompressed_file_is_called_so_by_name(tmp_path, ints):
    path = write(tmp_path / "cut.nii", ints)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(ValueError, match=r"cut\.nii is damaged or cut short: its header promises 12 volumes"):
        load_run(path)


@pytest.mark.parametrize("faster", [True, False])
@pytest.mark.parametrize("where", [0.5, -6])
def test_flipped_bit_is_found(tmp_path, monkeypatch, faster, where):
    """In the middle of the data, and in the checksum at their end."""
    if faster:
        pytest.importorskip("isal")
    else:
        monkeypatch.setitem(__import__("sys").modules, "isal", None)
    noise = np.random.default_rng(1).integers(-30000, 30000, (9, 9, 9, 40)).astype(np.int16)
    path = write(tmp_path / "flipped.nii.gz", noise)
    img = load_image(path)
    raw = bytearray(path.read_bytes())
    raw[int(where * len(raw)) if isinstance(where, float) else where] ^= 0x10
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=r"flipped\.nii\.gz is damaged or cut short: its header promises 40 volumes"):
        image_data(img)
    with pytest.raises(ValueError, match=r"flipped\.nii\.gz is damaged"):
        load_run(path)


@pytest.mark.parametrize("faster", [True, False])
@pytest.mark.parametrize("cut", [1, 9, 2000])
def test_cut_after_the_header_was_read(tmp_path, ints, monkeypatch, faster, cut):
    if faster:
        pytest.importorskip("isal")
    else:
        monkeypatch.setitem(__import__("sys").modules, "isal", None)
    path = write(tmp_path / "cut.nii.gz", ints)
    img = load_image(path)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(ValueError, match=r"cut\.nii\.gz is damaged or cut short"):
        image_data(img)


def test_not_compressed_though_named_so(tmp_path, ints):
    shutil.copy(write(tmp_path / "run.nii", ints), tmp_path / "run.nii.gz")
    with pytest.raises(ValueError, match=r"is not compressed, though its name ends in \.gz: rename it to run\.nii"):
        load_image(tmp_path / "run.nii.gz")


def test_text_is_not_an_image(tmp_path):
    (tmp_path / "events.nii").write_text("onset\tduration\n")
    with pytest.raises(ValueError, match=r"events\.nii is not a NIfTI image"):
        load_image(tmp_path / "events.nii")


def test_dimensions_and_number_of_scans(tmp_path, ints):
    with pytest.raises(ValueError, match=r"mean\.nii is one 3-D volume; a run is a 4-D image"):
        load_run(write(tmp_path / "mean.nii", ints[..., 0]), t_r=2)
    with pytest.raises(ValueError, match="has 2 scans; a model needs at least 3"):
        load_run(write(tmp_path / "short.nii", ints[..., :2]))
    with pytest.raises(ValueError, match="of 5 dimensions"):
        load_run(nib.Nifti1Image(np.stack([ints, ints], -1), AFFINE), t_r=2)


@pytest.mark.parametrize(
    ("t_r", "unit", "expected"),
    [
        (2.0, "sec", 2.0),
        (2500.0, "msec", 2.5),
        (720000.0, "usec", 0.72),
        (1.5, "unknown", 1.5),
        (1.0, "sec", 1.0),
        # 1 without a unit is what software writes that does not know
        (1.0, "unknown", None),
        (0.0, "sec", None),
        (2000.0, "sec", None),
        (2.0, "hz", None),
    ],
)
def test_time_between_scans_by_the_header(tmp_path, ints, t_r, unit, expected):
    path = write(tmp_path / "run.nii", ints, t_r=t_r, unit=unit)
    assert header_t_r(load_image(path)) == expected
    if expected is None:
        with pytest.raises(ValueError, match=r"run\.nii holds .*give it in seconds, such as t_r=2\.0"):
            load_run(path)
    else:
        assert load_run(path)[1] == expected


def test_real_headers_hold_their_time(auditory_dir, visloc_dir, audiovisual_dir):
    for folder, t_r in ((auditory_dir, 7.0), (visloc_dir, 2.0), (audiovisual_dir, 3.0)):
        assert header_t_r(load_image(next(folder.glob("*bold.nii.gz")))) == t_r


def test_given_time_is_checked_and_wins(tmp_path, ints):
    path = write(tmp_path / "run.nii", ints, t_r=2.0)
    with pytest.warns(UserWarning, match=r"t_r=7 s was given, and the header of .*run\.nii says 2 s; 7 s is used"):
        assert load_run(path, t_r=7)[1] == 7.0
    with pytest.raises(ValueError, match="positive number of seconds"):
        load_run(path, t_r=0)
    with pytest.raises(ValueError, match="looks like milliseconds"):
        load_run(path, t_r=2000)


def test_bad_volumes_are_counted_and_named(tmp_path, ints):
    constant = ints.copy()
    constant[..., [3, 7]] = 0
    path = write(tmp_path / "gap.nii.gz", constant)
    with pytest.raises(ValueError, match=r"gap\.nii\.gz holds the same value .* in 2 of its 12 volumes .*: 3, 7;"):
        load_run(path)
    used = np.ones(12, bool)
    used[[3, 7]] = False
    assert load_run(path, sample_mask=used)[0].shape[3] == 12
    assert load_run(path, sample_mask=np.flatnonzero(used))[0].shape[3] == 12
    with pytest.raises(ValueError, match="sample_mask does not fit the 12 scans"):
        load_run(path, sample_mask=[3, 12])
    nan = ints.astype(np.float32)
    nan[..., 11] = np.nan
    with pytest.raises(ValueError, match=r"nothing but NaN in 1 of its 12 volumes \(counted from 0\): 11;"):
        load_run(nib.Nifti1Image(nan, AFFINE), t_r=2)
    with pytest.raises(ValueError, match="in all of its 12 volumes"):
        load_run(nib.Nifti1Image(np.zeros_like(ints), AFFINE), t_r=2)


def test_volume_with_a_flat_middle_is_sound(ints):
    ints[:, :, 2] = 5
    assert load_run(nib.Nifti1Image(ints, AFFINE), t_r=2)[1] == 2


def test_list_of_volumes_is_a_run(tmp_path, ints):
    paths = [write(tmp_path / f"vol{t}.nii", ints[..., t]) for t in range(12)]
    img, t_r = load_run(paths, t_r=2)
    assert t_r == 2
    assert image_data(img).dtype == np.int16
    np.testing.assert_array_equal(image_data(img), ints)
    with pytest.raises(ValueError, match="no time between scans"):
        load_run(paths)


def test_concat_keeps_the_time_of_4d_images_and_names_a_stranger(tmp_path, ints):
    first, second = (load_image(write(tmp_path / f"{n}.nii", ints)) for n in "ab")
    joined = concat_imgs([first, second])
    assert joined.shape == (7, 6, 5, 24)
    assert header_t_r(joined) == 2.0
    stranger = nib.Nifti1Image(ints, AFFINE + 0.5)
    stranger.set_filename("stranger.nii")
    with pytest.raises(ValueError, match=r"image 1 \(stranger\.nii\) lies on another grid than the first \(.*a\.nii\)"):
        concat_imgs([first, stranger])
    with pytest.raises(ValueError, match="list is empty"):
        concat_imgs([])
    with pytest.raises(ValueError, match=r"image 0 .* has 5 dimensions; 3 or 4 are needed"):
        concat_imgs([nib.Nifti1Image(np.stack([ints, ints], -1), AFFINE)])


def test_images_of_other_grids_are_brought_to_the_first_ones_where_asked():
    first = nib.Nifti1Image(np.ones((4, 4, 4), np.int16), np.diag([2.0, 2, 2, 1]))
    fine = nib.Nifti1Image(np.full((8, 8, 8), 3, np.int16), np.eye(4))
    joined = concat_imgs([first, fine], dtype="float32", auto_resample=True)
    assert joined.shape == (4, 4, 4, 2)
    assert joined.get_data_dtype() == np.float32
    np.testing.assert_allclose(joined.get_fdata()[1:3, 1:3, 1:3, 1], 3)
    with pytest.raises(ValueError, match=r"image 0 .* has 3 dimensions; 4 are needed"):
        concat_imgs([first], ensure_ndim=4)


def test_a_format_whose_reader_is_not_installed_names_what_to_install(tmp_path, ints, monkeypatch):
    def needs(*_):
        raise ModuleNotFoundError("No module named 'h5py'", name="h5py")

    path = write(tmp_path / "run.mnc.nii", ints)
    monkeypatch.setattr(nib, "load", needs)
    with pytest.raises(ValueError, match=r"run\.mnc\.nii cannot be read without h5py: pip install h5py"):
        load_image(path)


def test_other_formats_are_refused_with_what_converts_them(tmp_path, ints):
    dicom = b"\0" * 128 + b"DICM" + b"\0" * 300
    series = tmp_path / "series" / "0001"
    series.mkdir(parents=True)
    written = {"IM_0001.dcm": dicom, "IM_0001": dicom, "old.IMA": b"\0" * 300, "series/0001/IM_0001": dicom}
    for name, content in written.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=rf"{name} is a DICOM file .*: convert its series with dcm2niix"):
            load_image(tmp_path / name)
    for folder in (series, series.parent):
        with pytest.raises(ValueError, match=rf"{folder} is a folder of DICOM files.*: convert it with dcm2niix"):
            load_image(folder)
    for name, content in {"one.mnc": b"CDF\x01" + b"\0" * 300, "bold.mnc.gz": gzip.compress(b"CDF\x01")}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=rf"{name} is a MINC file that cannot be read: convert it with mnc2nii"):
            load_image(tmp_path / name)
    write(series / "bold.nii", ints)
    with pytest.raises(ValueError, match="is a folder, not an image: name a"):
        load_image(series)


def test_minc_2_without_its_reader_names_the_reader_and_what_converts(tmp_path, monkeypatch):
    def needs(*_):
        raise ModuleNotFoundError("No module named 'h5py'", name="h5py")

    path = tmp_path / "bold.mnc"
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    monkeypatch.setattr(nib, "load", needs)
    with pytest.raises(ValueError, match=r"bold\.mnc cannot be read without h5py: pip install h5py, or convert it"):
        load_image(path)


def test_a_missing_image_is_told_with_the_folder_that_was_looked_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError) as caught:
        load_image("bold.nii.gz")
    assert str(caught.value) == f"no such image: bold.nii.gz in {Path.cwd()}"
    with pytest.raises(FileNotFoundError) as caught:
        load_image(tmp_path / "bold.nii.gz")
    assert str(caught.value) == f"no such image: {tmp_path / 'bold.nii.gz'}"
