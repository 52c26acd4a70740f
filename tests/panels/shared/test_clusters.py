"""The table of clusters without a browser."""

import numpy as np
import pytest

pytest.importorskip("bqplot")
pytest.importorskip("anywidget")

from glmwidgets.analysis.cluster_table import cluster_tsv
from glmwidgets.panels.shared import clusters as module
from glmwidgets.panels.shared.clusters import ClustersPanel
from glmwidgets.panels.shared.crosshair import CrosshairPanel

LOW = {"threshold.height_control": "fixed", "threshold.value": 1.5, "threshold.cluster_size": 2}


@pytest.fixture
def panel(session):
    session.update(LOW)
    return ClustersPanel(session)


def test_rows_are_the_clusters_with_their_bounds(panel):
    clusters, rows = panel.session.clusters, panel.table.rows
    heads = [row["cells"] for row in rows if not row["sub"]]
    assert len(heads) == len(clusters.found)
    for cells, cluster, bound in zip(heads, clusters.found, clusters.bounds, strict=True):
        name, x, y, z, peak, voxels, volume, share = cells
        assert name == str(cluster.label)
        assert (x, y, z) == cluster.peaks[0].xyz
        assert (peak, voxels, volume) == (cluster.peaks[0].stat, cluster.n_voxels, cluster.volume)
        assert share == f"≥ {int(100 * bound + 1e-9)} %"
    assert len(panel.table.columns) == len(rows[0]["cells"])
    assert f"k ≥ 2 · {len(heads)} clusters" in panel._head.value


def test_a_picked_row_jumps_and_flashes_its_cluster(session):
    session.update(LOW)
    seen = []
    panel = ClustersPanel(session, flash=seen.append)
    panel.table._handle_custom_msg({"kind": "pick", "row": 1}, [])
    cluster, peak = panel._peaks[1]
    assert session.cursor == peak.ijk
    np.testing.assert_array_equal(seen[0], session.clusters.labels == cluster.label)
    assert panel.table.here == 1


def test_saved_anywhere(panel, tmp_path):
    assert panel.save_tsv(tmp_path / "other.tsv").read_text() == cluster_tsv(panel.session.clusters)
    with pytest.raises(FileNotFoundError, match="its folder does not exist"):
        panel.save_tsv(tmp_path / "nowhere" / "clusters.tsv")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["other.tsv"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"threshold.value": 50.0}, r"No voxel passes \|z\| > 50.00; the highest is \d+\.\d\d\."),
        ({"threshold.value": 50.0, "threshold.two_sided": False}, r"No voxel passes z > 50.00"),
        ({"threshold.cluster_size": 400}, r"No cluster of 400 voxels or more over \|z\| > 1.50; the highest is"),
        ({"threshold.value": 0.0}, "No threshold is set: every voxel is shown, and there are no clusters."),
        (
            {"contrast.expression": "drift_1", "threshold.height_control": "fdr", "threshold.alpha": 1e-9},
            "No threshold keeps the chosen error rate; the highest is",
        ),
    ],
)
def test_an_empty_table_says_why(panel, changes, words):
    import re

    panel.session.update(changes)
    assert panel.table.rows == []
    assert re.match(words, panel.table.empty)
    panel.session.update({**LOW, "threshold.two_sided": True, "contrast.expression": "face"})
    assert panel.table.rows
    assert panel.table.empty == ""


def test_more_than_a_page_is_good_for_are_in_the_file_only(session, monkeypatch):
    monkeypatch.setattr(module, "MOST_LISTED", 2)
    session.update(LOW)
    panel, found = ClustersPanel(session), session.clusters.found
    assert len(found) > 2
    assert {row["cells"][0][0] for row in panel.table.rows} == {"1", "2"}
    assert "the first 2 are listed" in panel._head.value
    assert cluster_tsv(session.clusters).count("\n") == 1 + sum(len(c.peaks) for c in found)


def test_the_crosshair_names_its_cluster_and_the_statistic_shown(session):
    session.update(LOW)
    crosshair, clusters = CrosshairPanel(session), session.clusters
    session.move_to(clusters.found[0].peaks[0].ijk)
    assert f"1, {clusters.found[0].n_voxels} voxels" in crosshair._values.value
    assert f"at least {int(100 * clusters.bounds[0])} % of it" in crosshair._values.value
    assert "tSNR" not in crosshair._values.value
    session.update({"map.statistic": "tsnr"})
    assert "tSNR" in crosshair._values.value
    session.update({"threshold.value": 50.0})
    assert "none" in crosshair._values.value
