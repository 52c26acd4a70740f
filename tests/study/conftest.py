"""A small dataset of several participants as raw BIDS, and the study of it with its previews made."""

import json

import nibabel as nib
import pytest

from glmwidgets.datasets.simulate import simulate_run
from glmwidgets.study import Study

N_SUBJECTS, N_SCANS = 6, 60


def write_run(root, subject, run, simulated, t_r=None):
    """Put a simulated run into a dataset; returns the path of its image without its ending."""
    folder = root / f"sub-{subject}" / "func"
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"sub-{subject}_task-loc{f'_run-{run}' if run else ''}"
    nib.save(simulated.img, folder / f"{stem}_bold.nii.gz")
    simulated.events.to_csv(folder / f"{stem}_events.tsv", sep="\t", index=False)
    (folder / f"{stem}_bold.json").write_text(json.dumps({"RepetitionTime": t_r or simulated.t_r}))
    return folder / stem


def simulated(seed, n_scans=N_SCANS, **how):
    return simulate_run("small", shape=(16, 19, 15), n_scans=n_scans, seed=seed, **how)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("bids")
    for number in range(1, N_SUBJECTS + 1):
        write_run(root, f"{number:02d}", "", simulated(number))
    write_run(root, "01", "2", simulated(101))
    lacking = write_run(root, "07", "", simulated(7))
    lacking.with_name(f"{lacking.name}_events.tsv").unlink()
    return root


@pytest.fixture(scope="session")
def study(dataset, tmp_path_factory):
    study = Study.of(dataset, tmp_path_factory.mktemp("study"), task="loc")
    assert set(study.build_previews()) == {7}
    return study
