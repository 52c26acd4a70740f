#!/usr/bin/env bash
# nibabel 5.4.2: as_closest_canonical turns the slices of a run over but not their order in the header.
#
# The header of a run whose slices go from the top down says that the first slice of the array was taken first. In the
# canonical image the array runs from the bottom up and its first slice was taken last; the header goes on saying that
# it was first. Each slice's data is beside the time of its mirror image, up to a TR off. The axis itself is tracked
# where axes are exchanged (get_dim_info), so one expects the same of the order. Guess beforehand: ascending becomes
# descending.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet nibabel==5.4.2 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import nibabel as nib, numpy as np
def times(image):
    return [round(float(t), 1) for t in image.header.get_slice_times()]
data = np.zeros((4, 4, 6, 3), dtype="i2")
data[:] = np.arange(6)[:, None]  # each slice holds its rank in time
run = nib.Nifti1Image(data, np.diag([2, 2, -2, 1]))
run.header.set_dim_info(freq=0, phase=1, slice=2)
run.header["slice_start"], run.header["slice_end"], run.header["slice_code"] = 0, 5, 1
run.header.set_slice_duration(0.5)
turned = nib.as_closest_canonical(run)
print("nibabel", nib.__version__)
for name, image in (("as acquired", run), ("canonical  ", turned)):
    rank = np.asarray(image.dataobj)[0, 0, :, 0].tolist()
    print(name, "rank of each slice:", rank, "its time by the header:", times(image))
assert np.asarray(turned.dataobj)[0, 0, :, 0].tolist() == [5, 4, 3, 2, 1, 0]
assert times(run) == times(turned) == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
exchanged = nib.Nifti1Image(data, np.array([[0, 0, 2, 0], [2, 0, 0, 0], [0, 2, 0, 0], [0, 0, 0, 1]]))
exchanged.header.set_dim_info(freq=0, phase=1, slice=2)
assert nib.as_closest_canonical(exchanged).header.get_dim_info() == (1, 2, 0)
PY
