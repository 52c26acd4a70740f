"""Clusters with their all-resolutions bounds, and the table that is saved."""

import io

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from glmwidgets.analysis.cluster_table import COLUMNS, cluster_table, cluster_tsv

LOW = {
    "threshold.height_control": "fixed",
    "threshold.value": 1.2,
    "threshold.cluster_size": 2,
    "threshold.min_distance": 4.0,
}


def true_share(z_members, z_all, alpha):
    """The bound by its definition: closed testing with Simes' local tests, through Hommel's h (slow, one sign)."""
    p_all, p = np.sort(stats.norm.sf(z_all)), stats.norm.sf(z_members)
    n = p_all.size
    h = max(
        (i for i in range(1, n + 1) if (p_all[n - i :] > np.arange(1, i + 1) * alpha / i).all()),
        default=0,
    )
    best = max(1 - u + np.sum(h * p <= u * alpha) for u in range(1, p.size + 1))
    return max(0, best) / p.size


@pytest.mark.parametrize("two_sided", [True, False])
def test_bounds_follow_their_definition(session, two_sided):
    session.update({**LOW, "threshold.two_sided": two_sided})
    clusters, result = session.clusters, session.result
    assert len(clusters.found) > 2
    z_map = result.volume(result.z)
    for cluster, bound in zip(clusters.found, clusters.bounds, strict=True):
        members = cluster.sign * z_map[clusters.labels == cluster.label]
        expected = true_share(members, cluster.sign * result.z, 0.05 / (2 if two_sided else 1))
        assert bound == pytest.approx(expected, abs=1e-12)
    assert clusters.bounds.max() > 0


def test_bounds_do_not_wait_for_the_whole_mask_again(session):
    """Hommel's value belongs to the contrast: a threshold that moves leaves it."""
    timings = {}
    session.update(LOW)
    settings = session.settings.updated({"threshold.value": 1.4})
    session.analysis.graph.get("threshold", settings)
    session.analysis.clusters(settings, timings)
    assert set(timings) == {"clusters", "bounds"}


def test_no_threshold_has_no_clusters(session):
    session.update({"threshold.height_control": "fixed", "threshold.value": 0.0})
    assert session.clusters.found == ()
    assert session.clusters.bounds.shape == (0,)
    assert not session.clusters.labels.any()


def test_the_file_holds_the_numbers_of_the_table(session):
    session.update(LOW)
    table, text = cluster_table(session.clusters), cluster_tsv(session.clusters)
    read = pd.read_csv(io.StringIO(text), sep="\t", na_values="n/a", dtype={"cluster_id": str})
    assert list(read.columns) == list(table.columns) == list(COLUMNS)
    assert len(read) == sum(len(cluster.peaks) for cluster in session.clusters.found)
    assert read["cluster_id"].tolist() == table["cluster_id"].tolist()
    for name, within in {"x": 0.005, "peak_z": 5e-5, "n_voxels": 0, "volume_mm3": 0.005, "true_share": 5e-5}.items():
        np.testing.assert_allclose(read[name], table[name], atol=within, rtol=0)
    sub = table["cluster_id"].str.contains("[a-z]")
    assert sub.any()
    assert read.loc[sub, ["n_voxels", "volume_mm3", "true_share"]].isna().all().all()
    assert "nan" not in text


def test_an_empty_table_has_its_heading(session):
    session.update({"threshold.height_control": "fixed", "threshold.value": 50.0})
    assert cluster_tsv(session.clusters) == "\t".join(COLUMNS) + "\n"
