"""Images that cannot be right, at every door that takes one: a sentence within seconds, and no memory for it."""

import gzip
import os
import re
import time
import tracemalloc
import zlib

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

import glmwidgets as gw
from glmwidgets.files.memory import available_memory, human_bytes, need_memory
from glmwidgets.images.coordinates import peak_mm
from glmwidgets.images.load import image_data, load_image, load_run, load_volume
from glmwidgets.images.mask import match_mask
from glmwidgets.images.mean import mean_img
from glmwidgets.images.resample import resample_img
from glmwidgets.images.smooth import smooth_img
from glmwidgets.images.volumes import concat_imgs
from glmwidgets.models import FirstLevelModel, SecondLevelModel, get_clusters_table, threshold_stats_img

A = np.diag([3.0, 3, 3, 1])
SHAPE = (6, 6, 4)
#: Longest that a refusal may take, in seconds; and bytes that it may take on the way.
SECONDS, BYTES = 5.0, 2**28


def image(shape=(*SHAPE, 20), affine=A):
    img = nib.Nifti1Image(np.random.default_rng(0).normal(1000, 10, shape).astype(np.float32), affine)
    if len(shape) == 4:
        img.header.set_zooms((3, 3, 3, 2.0))
        img.header.set_xyzt_units("mm", "sec")
    return img


def header(path, **fields):
    """A sound run on disk, of which fields of the header hold other values."""
    content = bytearray(image().to_bytes())
    made = nib.Nifti1Header(bytes(content[:348]), check=False)
    for name, value in fields.items():
        made[name] = value
    content[:348] = made.binaryblock
    path.write_bytes(gzip.compress(bytes(content), 1) if path.suffix == ".gz" else bytes(content))
    return path


def pixdim(index, value):
    made = np.array(image().header["pixdim"])
    made[index] = value
    return made


def dim(*numbers):
    return np.array([len(numbers), *numbers, *[1] * (7 - len(numbers))], np.int16)


def affine_of(path, **entries):
    values = {f"srow_{axis}": A[i].copy() for i, axis in enumerate("xyz")}
    values.update(entries)
    return header(path, sform_code=1, **values)


def pair(path):
    """A header and, missing beside it, the file of its voxels."""
    nib.save(nib.Nifti1Pair(np.ones((2, 2, 2, 9), np.int16), A), path.with_suffix(".hdr"))
    path.with_suffix(".img").unlink()
    return path.with_suffix(".hdr")


def bomb(path, promised, content):
    """A few kilobytes that open to more than anybody has: zeros, behind a header that promises some or all of them."""
    made = image((2, 2, 2, 3)).header.copy()
    made["dim"] = promised
    made["vox_offset"] = 352
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    with path.open("wb") as file:
        file.write(squeeze.compress(made.binaryblock + bytes(4)))
        zeros = bytes(2**22)
        for _ in range(content // len(zeros)):
            file.write(squeeze.compress(zeros))
        file.write(squeeze.flush())
    return path


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def linked(path, target):
    path.symlink_to(target)
    return path


def piped(path):
    os.mkfifo(path)
    return path


def values(path, change):
    data = np.random.default_rng(0).normal(1000, 10, (*SHAPE, 20)).astype(np.float32)
    img = nib.Nifti1Image(change(data), A)
    img.header.set_zooms((3, 3, 3, 2.0))
    img.header.set_xyzt_units("mm", "sec")
    nib.save(img, path)
    return path


def put(index, value):
    def change(data):
        data[index] = value
        return data

    return change


SOUND = image().to_bytes()
NAN, INF = np.nan, np.inf
COLOURS = np.zeros((*SHAPE, 3), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])

#: What is wrong with a run: how its file is made, and what the message must say.
RUNS = {
    # Headers
    "affine of NaN": (lambda p: affine_of(p, srow_x=[NAN, 0, 0, 0]), "does not say where its voxels are"),
    "infinite affine": (lambda p: affine_of(p, srow_y=[0, INF, 0, 0]), "does not say where its voxels are"),
    "affine of zeros": (
        lambda p: affine_of(p, srow_x=[0] * 4, srow_y=[0] * 4, srow_z=[0] * 4),
        "they have no volume",
    ),
    "two axes in one direction": (lambda p: affine_of(p, srow_y=[3, 0, 0, 0]), "they have no volume"),
    "an axis without length": (lambda p: affine_of(p, srow_z=[0, 0, 0, 0]), "they have no volume"),
    "an affine that is nearly flat": (
        lambda p: affine_of(p, srow_x=[3, 3, 0, 0], srow_y=[0, 1e-6, 0, 0]),
        "they have no volume",
    ),
    "voxel size NaN": (lambda p: header(p, pixdim=pixdim(1, NAN)), "voxel sizes hold NaN"),
    "voxel size infinite": (lambda p: header(p, pixdim=pixdim(3, INF)), "voxel sizes hold NaN"),
    "voxel size NaN in a compressed file": (
        lambda p: header(p.with_suffix(".nii.gz"), pixdim=pixdim(2, NAN)),
        "hold NaN",
    ),
    "time step NaN": (lambda p: header(p, pixdim=pixdim(4, NAN)), "holds nan as time between scans"),
    "time step infinite": (lambda p: header(p, pixdim=pixdim(4, INF)), "holds inf as time between scans"),
    "time step negative": (lambda p: header(p, pixdim=pixdim(4, -2)), "time between scans"),
    "time step 0": (lambda p: header(p, pixdim=pixdim(4, 0)), "no time between scans"),
    "time step of a picosecond": (lambda p: header(p, pixdim=pixdim(4, 1e-12)), "as time between scans"),
    "unit codes that mean nothing": (
        lambda p: header(p, xyzt_units=63, pixdim=pixdim(4, 1.0)),
        "no time between scans",
    ),
    "slope infinite": (lambda p: header(p, scl_slope=INF), "infinite scale factor"),
    "slope infinite, compressed": (lambda p: header(p.with_suffix(".nii.gz"), scl_slope=-INF), "infinite scale factor"),
    "intercept infinite": (lambda p: header(p, scl_slope=1, scl_inter=INF), "infinite|cannot be read|not a NIfTI"),
    "intercept NaN": (lambda p: header(p, scl_slope=1, scl_inter=NAN), "is not a NIfTI image that can be read"),
    "no scan": (lambda p: header(p, dim=dim(6, 6, 4, 0)), "holds no voxel"),
    "no plane": (lambda p: header(p, dim=dim(6, 0, 4, 20)), "holds no voxel"),
    "a negative number of voxels": (lambda p: header(p, dim=dim(6, -6, 4, 20)), "holds no voxel"),
    "two scans": (lambda p: header(p, dim=dim(6, 6, 4, 2)), "has 2 scans; a model needs at least 3"),
    "one volume": (lambda p: header(p, dim=dim(6, 6, 4)), "one 3-D volume"),
    "two series": (lambda p: header(p, dim=dim(6, 6, 4, 10, 2)), "an image of 5 dimensions"),
    "eight axes": (lambda p: header(p, dim=np.array([9, 6, 6, 4, 20, 1, 1, 1], np.int16)), "bold"),
    "more voxels than the file has": (lambda p: header(p, dim=dim(6, 6, 4, 200)), "is damaged or cut short"),
    "more voxels than there is memory": (lambda p: header(p, dim=dim(32767, 32767, 32767, 20)), "of memory, and"),
    "more, compressed": (
        lambda p: header(p.with_suffix(".nii.gz"), dim=dim(32767, 32767, 32767, 20)),
        "of memory, and",
    ),
    "a type that does not exist": (lambda p: header(p, datatype=7), "is not a NIfTI image that can be read"),
    "a type of one bit": (lambda p: header(p, datatype=1), "is not a NIfTI image that can be read"),
    "voxels before the file": (lambda p: header(p, vox_offset=-5), "bold"),
    "voxels at NaN": (lambda p: header(p, vox_offset=NAN), "bold"),
    "voxels far behind the file": (lambda p: header(p, vox_offset=1e9), "bold"),
    "a magic word of another format": (lambda p: header(p, magic=b"n+9"), "bold"),
    # Files
    "nothing": (lambda p: written(p, b""), "is empty"),
    "a header without its voxels": (pair, "its voxels are in bold.img, which is missing"),
    "half a header": (lambda p: written(p, SOUND[:200]), "is not a NIfTI image that can be read"),
    "half the voxels": (lambda p: written(p, SOUND[:2000]), "is damaged or cut short"),
    "half of a compressed file": (
        lambda p: written(p.with_suffix(".nii.gz"), gzip.compress(SOUND)[:3000]),
        "is damaged or cut short",
    ),
    "text": (lambda p: written(p, "onset\tduration\n1\t2\n"), "is not a NIfTI image that can be read"),
    "a web page": (lambda p: written(p, "<html>Sign in</html>"), "is a web page"),
    "a pointer of git-annex": (lambda p: written(p, "/annex/objects/MD5E-s1--0.nii\n"), "git annex get"),
    "a pointer of Git LFS": (lambda p: written(p, "version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"),
    "random bytes": (lambda p: written(p, np.random.default_rng(1).bytes(5000)), "is not a NIfTI image"),
    "compressed, not named so": (lambda p: written(p, gzip.compress(SOUND)), "rename it to bold.nii.gz"),
    "named compressed, and not": (lambda p: written(p.with_suffix(".nii.gz"), SOUND), "rename it to bold.nii"),
    "compressed random bytes": (
        lambda p: written(p.with_suffix(".nii.gz"), gzip.compress(np.random.default_rng(1).bytes(5000))),
        "is not a NIfTI image",
    ),
    "a link of git-annex": (lambda p: linked(p, "../.git/annex/objects/a/b/c.nii"), "git annex get"),
    "a link to nothing": (lambda p: linked(p, "gone.nii"), "is a broken link"),
    "a link to itself": (lambda p: linked(p, p.name), "is a broken link"),
    "a pipe": (piped, "is a pipe or a device"),
    "a device": (lambda p: linked(p, "/dev/zero"), "is a pipe or a device"),
    "a folder": (lambda p: p.mkdir() or p, "is a folder"),
    "no file": (lambda p: p, "no such image"),
    "a name with a zero byte": (lambda p: f"{p}\0x", "no such image|null"),
    # What decompresses to more than anybody has
    "a bomb that its header promises": (
        lambda p: bomb(p.with_suffix(".nii.gz"), dim(32767, 32767, 32767, 3), 2**24),
        "of memory, and",
    ),
    "a bomb behind a small image": (
        lambda p: bomb(p.with_suffix(".nii.gz"), dim(2, 2, 2, 3), 2**27),
        "after the .* that its header promises",
    ),
    # Voxels
    "all zeros": (lambda p: values(p, np.zeros_like), "the same value in every voxel in all"),
    "all NaN": (lambda p: values(p, lambda data: data * NAN), "nothing but NaN in all"),
    "a scan of zeros": (lambda p: values(p, put(np.s_[..., 7], 0)), "in 1 of its 20 volumes .*: 7"),
    "a scan of NaN": (lambda p: values(p, put(np.s_[..., 0], NAN)), "nothing but NaN in 1 of its 20 volumes"),
    "colours": (lambda p: values(p, lambda data: COLOURS), "are colours"),
}


def timed(call):
    tracemalloc.start()
    start = time.perf_counter()
    try:
        with pytest.raises((ValueError, OSError)) as caught:
            call()
        return str(caught.value), time.perf_counter() - start, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("what", RUNS)
@pytest.mark.filterwarnings("ignore")
def test_bad_run_is_refused_in_words_and_in_time(tmp_path, what):
    make, wanted = RUNS[what]
    path = make(tmp_path / "bold.nii")
    for door in (load_run, gw.open_run):
        said, seconds, taken = timed(lambda door=door: door(path))
        assert re.search(wanted, said), said
        assert "bold" in said
        assert seconds < SECONDS
        assert taken < BYTES


EVENTS = pd.DataFrame({"onset": [4.0, 20], "duration": 4.0, "trial_type": "a"})


def flat():
    made = image(SHAPE).header.copy()
    made["srow_y"] = 0
    return nib.Nifti1Image(np.zeros(SHAPE, np.float32), None, made)


FLAT = flat()
SOUND_RUN, SOUND_MAP = image(), image(SHAPE)
WHOLE = nib.Nifti1Image(np.ones(SHAPE, np.uint8), A)

#: Calls with an image or a number that cannot be right, and what the message must say.
CALLS = {
    "smoothing wider than the volume": (lambda: smooth_img(SOUND_RUN, 1e9), "smoothing is wider than the volume"),
    "smoothing of NaN": (lambda: smooth_img(SOUND_RUN, NAN), "smoothing must be one width"),
    "smoothing below 0": (lambda: smooth_img(SOUND_RUN, -1), "smoothing must be one width"),
    "smoothing of four axes": (lambda: smooth_img(SOUND_RUN, [1, 1, 1, 1]), "smoothing must be one width"),
    "a model smoothed wider than the volume": (
        lambda: FirstLevelModel(mask_img=WHOLE, smoothing_fwhm=1e6).fit(SOUND_RUN, EVENTS),
        "smoothing_fwhm must be at least 0 and at most 50",
    ),
    "an explorer smoothed out of bounds": (
        lambda: gw.Settings().updated({"data.smoothing_fwhm": 1e6}),
        "smoothing_fwhm",
    ),
    "a flat image to smooth": (lambda: smooth_img(FLAT, 3), "does not say where its voxels are"),
    "a flat mask": (lambda: match_mask(FLAT, SOUND_RUN), "does not say where its voxels are"),
    "a flat map": (lambda: get_clusters_table(FLAT, 3.0), "does not say where its voxels are"),
    "a flat anatomical": (lambda: gw.open_run(SOUND_RUN, anatomical=FLAT), "does not say where its voxels are"),
    "flat maps of a group": (lambda: SecondLevelModel().fit([FLAT] * 3), "does not say where its voxels are"),
    "a mask of zeros": (lambda: match_mask(nib.Nifti1Image(np.zeros(SHAPE, np.uint8), A), SOUND_RUN), "holds no voxel"),
    "a mask of NaN": (lambda: match_mask(nib.Nifti1Image(np.full(SHAPE, NAN), A), SOUND_RUN), "holds no voxel"),
    "a mask of many values": (lambda: match_mask(SOUND_MAP, SOUND_RUN), "threshold it first"),
    "a mask of scans": (lambda: match_mask(SOUND_RUN, SOUND_RUN), "a mask is one 3-D volume"),
    "a grid that is flat": (lambda: resample_img(SOUND_MAP, np.zeros((3, 3))), "must be an invertible array"),
    "a grid beside the image": (
        lambda: resample_img(SOUND_MAP, np.array([[1, 0, 0, 900], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])),
        "contains no part of",
    ),
    "a grid without voxels": (lambda: resample_img(SOUND_MAP, A, (0, 3, 3)), "three numbers of voxels"),
    "a grid of NaN": (lambda: resample_img(SOUND_MAP, np.full((4, 4), NAN)), "target_affine must be"),
    "a map of NaN to resample": (
        lambda: resample_img(nib.Nifti1Image(np.full(SHAPE, NAN), A), 2 * A[:3, :3]),
        "nothing but NaN",
    ),
    "a map of NaN with a peak": (lambda: peak_mm(nib.Nifti1Image(np.full(SHAPE, NAN), A)), "no finite value"),
    "no images": (lambda: concat_imgs([]), "list is empty"),
    "no images to take the mean of": (lambda: mean_img([]), "list is empty"),
    "a run where a map is wanted": (lambda: threshold_stats_img(SOUND_RUN), "a statistical map is one 3-D volume"),
    "a TR of a microsecond": (lambda: gw.open_run(SOUND_RUN, t_r=1e-6), "must be in seconds"),
    "a TR of an hour": (lambda: gw.open_run(SOUND_RUN, t_r=3600), "looks like milliseconds"),
    "a TR of NaN": (lambda: gw.open_run(SOUND_RUN, t_r=NAN), "positive number of seconds"),
    "a TR of 0": (lambda: gw.open_run(SOUND_RUN, t_r=0), "positive number of seconds"),
    "a TR below 0": (lambda: gw.open_run(SOUND_RUN, t_r=-2), "positive number of seconds"),
    "a reference beyond the scan": (lambda: gw.open_run(SOUND_RUN, slice_time_ref=1.5), "slice_time_ref must be"),
    "a reference of NaN": (lambda: gw.open_run(SOUND_RUN, slice_time_ref=NAN), "slice_time_ref must be"),
}


@pytest.mark.parametrize("what", CALLS)
@pytest.mark.filterwarnings("ignore")
def test_bad_call_is_refused_in_words_and_in_time(what):
    call, wanted = CALLS[what]
    said, seconds, taken = timed(call)
    assert wanted in said, said
    assert seconds < SECONDS
    assert taken < BYTES


def test_sound_images_are_none_of_these(tmp_path):
    for name, content in (("bold.nii", SOUND), ("bold.nii.gz", gzip.compress(SOUND))):
        run, t_r = load_run(written(tmp_path / name, content))
        assert (run.shape, t_r) == ((*SHAPE, 20), 2.0)
    assert load_volume(SOUND_MAP).shape == SHAPE
    zeros = bomb(tmp_path / "zeros.nii.gz", dim(64, 64, 32, 16), 2**23)
    assert not image_data(load_image(zeros)).any()


def test_memory_that_there_is():
    assert available_memory() > 2**20
    need_memory(1, "nothing")
    with pytest.raises(ValueError, match=r"a map would need 1,048,576\.0 GiB of memory, and .* are available"):
        need_memory(2**50, "a map")
    assert [human_bytes(n) for n in (1000, 2**20, 3 * 2**30)] == ["0.0 MiB", "1.0 MiB", "3.0 GiB"]
