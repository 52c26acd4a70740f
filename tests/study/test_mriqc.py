"""Metrics of MRIQC: found beside the image and in derivatives, told from a sidecar of the raw run, judged as ratios."""

import json

import numpy as np
import pandas as pd

from glmwidgets.runs.run import Provenance
from glmwidgets.study import FIGURES, QCTable, StudyRun
from glmwidgets.study.across_runs import Seen
from glmwidgets.study.mriqc import MRIQC, iqms_of

IQMS = {"aor": 0.01, "aqi": 0.02, "tsnr": 50.0, "fd_mean": 0.12, "provenance": {"version": "24.0"}, "bids_meta": {}}


def seen(bold):
    return Seen(0, StudyRun("a", "1", inputs=Provenance(bold=str(bold))), None, None, "", None)


def test_metrics_are_found_by_the_entities_of_the_raw_run(tmp_path):
    raw = tmp_path / "sub-1" / "ses-2" / "func" / "sub-1_ses-2_task-a_run-1_bold.nii.gz"
    raw.parent.mkdir(parents=True)
    raw.with_name("sub-1_ses-2_task-a_run-1_bold.json").write_text(json.dumps({"RepetitionTime": 2.0}))
    assert iqms_of(str(raw)) == {}
    place = tmp_path / "derivatives" / "mriqc" / "sub-1" / "ses-2" / "func"
    place.mkdir(parents=True)
    (place / "sub-1_ses-2_task-a_run-1_bold.json").write_text(json.dumps(IQMS))
    prep = tmp_path / "derivatives" / "fmriprep" / "sub-1" / "ses-2" / "func"
    prep = prep / "sub-1_ses-2_task-a_run-1_space-MNI152NLin6Asym_res-2_desc-preproc_bold.nii.gz"
    iqms_of.cache_clear()
    for bold in (raw, prep):
        assert iqms_of(str(bold)) == {"aor": 0.01, "aqi": 0.02, "tsnr": 50.0, "fd_mean": 0.12}
    values = {row.key: row.of(seen(prep)) for row in MRIQC}
    assert values["mriqc_fd_mean"] == 0.12
    assert np.isnan(values["mriqc_gcor"])
    assert iqms_of(str(prep).replace("run-1", "run-2")) == {}
    (place / "sub-1_ses-2_task-a_run-2_bold.json").write_text("{")
    iqms_of.cache_clear()
    assert iqms_of(str(prep).replace("run-1", "run-2")) == {}


def test_a_run_that_mriqc_has_something_against_is_said():
    values = pd.DataFrame(np.nan, index=range(12), columns=list(FIGURES))
    values["mriqc_aor"] = 0.01 + 0.0005 * np.arange(12)
    values.loc[7, "mriqc_aor"] = 0.2
    table = QCTable(values, tuple(map(str, range(12))))
    assert np.flatnonzero(table.unusual["mriqc_aor"]).tolist() == [7]
    assert table.said(7) == ["Share of outliers (MRIQC) is 0.2, and 0.0128 is usual"]
