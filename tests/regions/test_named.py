"""Names of peaks and clusters: in the estimators' table, the explorer, its file, the report and the script."""

import io
import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from glmwidgets.analysis.cluster_table import OF_ATLAS, cluster_columns, cluster_table, cluster_tsv, on_screen
from glmwidgets.models import get_clusters_table
from glmwidgets.regions import open_atlas
from glmwidgets.regions.named import kept_atlas

LOW = {"threshold.height_control": "fixed", "threshold.value": 1.5, "threshold.cluster_size": 2}
AFFINE = np.diag([2.0, 2, 2, 1])
NAMES = {3: "pond", 700: 'the "old" mill'}


def halves(session, folder, name="tpl-made_dseg"):
    """An atlas of two halves on a grid of its own, flipped and finer than the session's."""
    shape = tuple(2 * n for n in session.shape)
    affine = session.affine @ np.diag([-0.5, 0.5, 0.5, 1])
    affine[:3, 3] = session.mm((session.shape[0] - 1, 0, 0)) + session.affine[:3, :3] @ [0.25, -0.25, -0.25]
    values = np.where(np.arange(shape[0])[:, None, None] < shape[0] // 2, 700, 3) * np.ones(shape, int)
    path = folder / f"{name}.nii.gz"
    nib.save(nib.Nifti1Image(values.astype(np.int16), affine), path)
    rows = "".join(f"{number}\t{label}\n" for number, label in NAMES.items())
    (folder / f"{name}.tsv").write_text("index\tname\n" + rows)
    return path


def right_half(session, i):
    return NAMES[700] if i >= session.shape[0] / 2 else NAMES[3]


def test_the_estimators_table_names_peaks_and_shares():
    z = np.array([5.0, 4.0, 3.5, 3.2, 0.0, -4.0]).reshape(6, 1, 1)
    labels = np.array([0, 700, 700, 3, 3, 3], np.int16).reshape(6, 1, 1)
    atlas = open_atlas(nib.Nifti1Image(labels, AFFINE), NAMES, space="MNI152NLin6Asym")
    table = get_clusters_table(nib.Nifti1Image(z, AFFINE), 3, two_sided=True, atlas=atlas)
    assert table["Region"].tolist() == ['no region; nearest the "old" mill, 2.0 mm', "pond"]
    assert table["Regions of cluster"].tolist() == ['the "old" mill 50 %, pond 25 %, unlabelled 25 %', "pond 100 %"]
    assert table.attrs["names"] == "names may be wrong: it is not known which space the map is in"
    with pytest.raises(ValueError, match="names of regions are of this package's clusters"):
        get_clusters_table(nib.Nifti1Image(z, AFFINE), 3, compat="nilearn", atlas=atlas)
    none = get_clusters_table(nib.Nifti1Image(z, AFFINE), 9, atlas=atlas)
    assert len(none) == 0
    assert "Region" in none


def test_the_explorers_table_and_its_file_name_every_peak(session, tmp_path):
    session.update({**LOW, "threshold.atlas": str(halves(session, tmp_path))})
    clusters = session.clusters
    table = cluster_table(clusters)
    peaks = [(rank, peak) for cluster in clusters.found for rank, peak in enumerate(cluster.peaks)]
    assert table["region"].tolist() == [right_half(session, peak.ijk[0]) for _, peak in peaks]
    for cluster, shares in zip(clusters.found, clusters.names.shares, strict=True):
        i = np.argwhere(clusters.labels == cluster.label)[:, 0]
        right = 100 * np.mean(i >= session.shape[0] / 2)
        expected = {NAMES[700]: right, NAMES[3]: 100 - right}
        assert dict(shares.regions) == pytest.approx({name: p for name, p in expected.items() if p >= 5})
    read = pd.read_csv(io.StringIO(cluster_tsv(clusters)), sep="\t", na_values="n/a", dtype={"cluster_id": str})
    assert list(read.columns)[-2:] == list(OF_ATLAS)
    assert read["region"].tolist() == table["region"].tolist()
    assert read["regions"].isna().tolist() == [rank > 0 for rank, _ in peaks]
    assert clusters.names.said == ("names may be wrong: it is not known which space the map is in",)


def test_names_move_no_number_and_no_look(session, tmp_path):
    session.update(LOW)
    before, z = cluster_table(session.clusters), session.result.z
    session.update({"threshold.atlas": str(halves(session, tmp_path))})
    assert session.result.z is z
    pd.testing.assert_frame_equal(cluster_table(session.clusters)[list(before)], before)
    session.update({"threshold.atlas": ""})
    assert list(cluster_table(session.clusters)) == list(before)


def test_an_atlas_that_is_not_there_leaves_the_clusters_and_says_so(session, tmp_path):
    session.update({**LOW, "threshold.atlas": str(tmp_path / "lost.nii.gz")})
    assert session.clusters.found
    assert session.status.state == "idle"
    (said,) = session.clusters.names.said
    assert said.startswith("no names of regions: ")
    assert "lost.nii.gz" in said
    assert "region" not in cluster_table(session.clusters)


def test_an_atlas_is_opened_once_until_its_file_changes(session, tmp_path):
    path = halves(session, tmp_path)
    first = kept_atlas(path)
    assert kept_atlas(str(path)) is first
    nib.save(nib.Nifti1Image(np.full((2, 2, 2), 3, np.int16), AFFINE), path)
    assert kept_atlas(path).shape == (2, 2, 2)


def test_columns_on_screen_have_the_order_of_their_cells():
    names = ["cluster_id", "x", "y", "z", "peak_z", "n_voxels", "volume_mm3", "true_share", "region", "regions"]
    assert on_screen(names) == ["cluster_id", "region", "x", "y", "z", "peak_z", "n_voxels", "true_share"]
    labels = [column["label"] for column in cluster_columns(27.0, names)]
    assert labels == ["#", "region", "x", "y", "z", "peak", "voxels", "active"]


def test_panels_say_the_region(session, tmp_path):
    pytest.importorskip("anywidget")
    from glmwidgets.panels.shared.clusters import ClustersPanel
    from glmwidgets.panels.shared.crosshair import CrosshairPanel

    session.update({**LOW, "threshold.atlas": str(halves(session, tmp_path))})
    panel, crosshair = ClustersPanel(session), CrosshairPanel(session)
    heads = [row for row in panel.table.rows if not row["sub"]]
    for row, cluster, shares in zip(heads, session.clusters.found, session.clusters.names.shares, strict=True):
        assert row["cells"][1] == right_half(session, cluster.peaks[0].ijk[0])
        assert row["title"] == f"cluster {cluster.label}: {shares}"
        assert len(row["cells"]) == len(panel.table.columns)
    assert "not known which space the map is in" in panel._noise.value
    session.move_to((0, 1, 1))
    assert '<td>region</td><td class="glmw-region" title="pond">pond</td>' in crosshair._values.value
    session.move_to((session.shape[0] - 1, 1, 1))
    assert "the &quot;old&quot; mill" in crosshair._values.value
    session.update({"threshold.atlas": ""})
    assert "<td>region</td>" not in crosshair._values.value


def test_the_terminal_names_the_peaks(session, tmp_path):
    from glmwidgets.report.page.words import summary

    session.update({**LOW, "threshold.atlas": str(halves(session, tmp_path))})
    lines = summary(session.analysis.run, session.result, session.clusters).splitlines()
    named = [line for line in lines if " at (" in line]
    peaks = [cluster.peaks[0] for cluster in session.clusters.found[: len(named)]]
    assert [line.rpartition("mm3, ")[2] for line in named] == [right_half(session, peak.ijk[0]) for peak in peaks]
    assert named


def test_report_and_script_have_the_names(session, tmp_path):
    from glmwidgets.report.exports.script import script_text
    from glmwidgets.report.page.sections import _cluster_table
    from glmwidgets.report.page.subject import study_of_result

    path = str(halves(session, tmp_path))
    session.update({**LOW, "threshold.atlas": path})
    (facts,) = study_of_result(session.analysis, session.result, session.clusters).contrasts
    table = _cluster_table(facts)
    assert table.head[-2:] == ("Region", "Regions of cluster")
    assert [row[-2:] for row in table.rows] == session.clusters.names.rows()
    assert table.words == (0, 7, 8)
    assert f"atlas={path!r}" in script_text(session)
    assert f"atlas={path!r}: nilearn's table has no names" in script_text(session, "nilearn")
    assert "Regions are those of the atlas" in table.caption
    assert "not known which space" in table.caption


def test_the_bids_output_has_the_names_and_tells_of_the_atlas(session, tmp_path):
    from glmwidgets.report.exports.bids_derivatives import _cluster_facts, _cluster_table
    from glmwidgets.report.page.subject import study_of_result

    session.update({**LOW, "threshold.atlas": str(halves(session, tmp_path))})
    (facts,) = study_of_result(session.analysis, session.result, session.clusters).contrasts
    table, told = _cluster_table(facts), _cluster_facts(facts)
    assert list(zip(table["Region"], table["Regions of cluster"], strict=True)) == session.clusters.names.rows()
    assert set(table) <= set(told)
    assert told["Atlas"]["Space"] == "made"
    assert told["Names, remarks"] == ["names may be wrong: it is not known which space the map is in"]
    json.dumps(told)
