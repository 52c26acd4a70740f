"""The results sheet holds what the map shows, on one page of paper, and loads nothing."""

import math
import re

import pytest

pytest.importorskip("matplotlib")

from glmwidgets.report.page.sheet import LINES, results_sheet
from glmwidgets.report.page.subject import study_of_session


@pytest.fixture
def sheet(session):
    session.update({"threshold.height_control": "fixed", "threshold.value": 2.0, "contrast.expression": "face - house"})
    return results_sheet(study_of_session(session)).html


def test_it_holds_map_design_clusters_and_threshold(session, sheet):
    assert sheet.count('src="data:image/') == 4
    assert 'src="http' not in sheet
    assert "<h1>face - house</h1>" in sheet
    assert "Design matrix" in sheet
    assert "|z| above 2.00" in sheet
    found = session.clusters.found
    assert f"{len(found)} cluster" in sheet
    rows = re.findall(r"<tr( class=\"sub\")?>(<td>.*?)</tr>", sheet)
    cells = [re.findall(r"<td>(.*?)</td>", row) for _, row in rows]
    assert len(cells) == min(LINES, sum(len(cluster.peaks) for cluster in found))
    own = [row for (sub, _), row in zip(rows, cells, strict=True) if not sub]
    for cluster, bound, row in zip(found, session.clusters.bounds, own, strict=False):
        assert row[:2] == [str(cluster.label), f"{cluster.n_voxels:,}"]
        assert row[3] == f"{math.floor(100 * bound + 1e-9)} %"
        assert row[4] == f"{cluster.peaks[0].stat:.2f}".replace("-", "−")


def test_what_is_typed_stays_text(session):
    session.update({"contrast.names": ("<script>x</script>",), "contrast.expressions": ("face",)})
    page = results_sheet(study_of_session(session)).html
    assert "<script" not in page


def test_without_a_cluster_it_says_so(session):
    session.update({"threshold.height_control": "fixed", "threshold.value": 50.0})
    page = results_sheet(study_of_session(session)).html
    assert "No cluster passes." in page
    assert "<td>" not in page
