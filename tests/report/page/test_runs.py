"""The report of a study: who is in, each run's small map, the group's map; nothing is loaded from elsewhere."""

import base64
import hashlib
import re
from io import BytesIO

import matplotlib.image
import numpy as np
import pytest

from glmwidgets.datasets import write_study
from glmwidgets.panels.parts.wall import MapWall
from glmwidgets.panels.study import StudyExplorer
from glmwidgets.report.figures.thumbnails import box_of, thumbnail
from glmwidgets.report.page.runs import study_report, study_session_report
from glmwidgets.session.core.waiting import NoResult
from glmwidgets.session.study import StudySession
from glmwidgets.study import Exclusions, Study
from glmwidgets.web.palettes import lookup_table

N = 5


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    root = write_study(tmp_path_factory.mktemp("bids"), N, shape=(16, 19, 15), n_scans=50)
    contrasts = ["faces - houses", ("any", "faces; houses")]
    study = Study.of(root, tmp_path_factory.mktemp("study"), contrasts=contrasts)
    study.build_previews()
    chosen = Exclusions().with_rule("fd_max ge 1000").decided("sub-03", "drop", "<b>asleep</b>", "AB")
    study.exclude(chosen.decided("sub-04", "look", "odd"))
    return study


def tiles(html):
    return re.findall(r'<img src="(data:image/png;base64,[^"]+)" alt="Map of ([^"]+)" loading="lazy"', html)


def pixels(src):
    return matplotlib.image.imread(BytesIO(base64.b64decode(src.partition(",")[2])))


def test_a_page_says_who_is_in_and_shows_every_run(study):
    html = study_report(study, title="three & more").html
    assert "<h1>three &amp; more</h1>" in html
    assert "1 of 5 runs left out: 1 by hand (AB): &lt;b&gt;asleep&lt;/b&gt;" in html
    assert "<b>asleep" not in html
    assert "to be looked at again" in html
    assert "Largest framewise displacement at least 1000 mm (fd_max ge 1000)" in html
    assert [name for _, name in tiles(html)] == [f"sub-0{n}" for n in range(1, 6)]
    assert "previews, each of some 5,000 cells" in html
    assert "The group has no map of this contrast: an F contrast has no direction" in html
    assert "t test with 3 degrees of freedom" in html
    assert "fitted to each of 4 runs of 50 scans, of 4 participants" in html
    assert not re.search(r'(src|href)="(?!data:|#)', html)
    # The one script of the page, which sorts the table, is the one that the page's own policy lets run.
    (code,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    allowed = f"sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}"
    assert f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src '{allowed}'" in html
    usual = study.qc(study.refit().answer("faces - houses")).values["tsnr"]
    for value in usual:
        assert f"<td>{float(f'{value:.3g}'):g}</td>" in html


def test_the_page_is_of_whole_runs_once_those_that_are_in_are_fitted(study):
    assert study.run("here", rows=[0, 1, 3, 4]) == {}
    assert "The group's maps above are of whole runs." in study_report(study).html.replace("&#39;", "'")


def test_an_explorer_s_report_is_of_what_is_on_screen(study):
    session = StudySession(study, {"design.hrf_model": "glover"}, synchronous=True)
    session.update({"contrast.expression": "tones - hoses"})
    with pytest.raises(NoResult, match="the current settings have no result: no column named 'hoses'"):
        study_session_report(session)
    session.undo()
    session.decide(range(1, 5), "drop")
    assert "a group needs two participants or more" in study_session_report(session).html
    session.undo()
    session.decide([0], "drop", "moved", "CD")
    html = study_session_report(session).html
    assert "2 of 5 runs left out" in html
    assert "“glover”" in html
    assert "1 model and 2 contrasts were looked at" in html  # among all runs, and without one
    assert '<td class="word">decisions 2 by hand → 3 by hand</td>' in html
    assert "sign flip" not in html
    session.permute()
    assert "Tested by 7 sign flips, all there are" in study_session_report(session).html  # of three participants
    session.close()


def test_a_thumbnail_has_the_colours_of_the_wall():
    """The same numbers as levelColour of web/wall_layout.js gives."""
    z = np.full((6, 5, 4), np.nan)
    z[1:5, 1:4, 1:3] = 0
    z[2, 2, 1], z[3, 2, 1] = 6.0, -1.5
    box = box_of(np.isfinite(z))
    seen = np.rint(255 * pixels(thumbnail(z, np.diag([2.0, 2, 2, 1]), (4, 4, 2), 3.0, 12.0, box)))
    axial = seen[:, :4]
    colours = lookup_table("warm-cold", two_sided=True)
    brain = MapWall().brain
    assert axial[1, 1].tolist() == [*colours[1, 128].tolist(), 255]
    assert axial[1, 2].tolist() == [*np.rint(0.0625 * colours[0, 32] + 0.9375 * brain).tolist(), 255]
    assert axial[0, 0].tolist() == [brain, brain, brain, 255]
    assert seen.shape == (3, 4 + 1 + 4 + 1 + 3, 4)
    assert seen[0, 4, 3] == 0
    # A grid that runs from right to left shows the left on the left all the same.
    other = thumbnail(
        z[::-1], np.diag([-2.0, 2, 2, 1]) + np.array([[0, 0, 0, 10.0], *np.zeros((3, 4))]), (4, 4, 2), 3.0
    )
    np.testing.assert_array_equal(pixels(other), pixels(thumbnail(z, np.diag([2.0, 2, 2, 1]), (4, 4, 2), 3.0)))
    # In the radiological convention the left is on the right, but for the cut between left and right.
    turned = np.rint(255 * pixels(thumbnail(z, np.diag([2.0, 2, 2, 1]), (4, 4, 2), 3.0, 12.0, box, radiological=True)))
    np.testing.assert_array_equal(turned[:, :4], axial[:, ::-1])
    np.testing.assert_array_equal(turned[:, -3:], seen[:, -3:])


def test_small_maps_of_a_report_are_painted_as_the_explorer_paints_them(study):
    """Each pixel of the axial cuts: of the wall at the same slice, under the same threshold, ending at the same z."""
    explorer = StudyExplorer(StudySession(study, synchronous=True))
    session, wall = explorer.session, explorer.wall.wall
    session.update({"map.colormap": "orange-purple", "threshold.alpha": 0.01})
    session.move_to(session._peak(session.result))
    z = np.full((N, *session.shape), np.nan)
    z.reshape(N, -1)[:, np.frombuffer(wall.cells, np.int32)] = explorer.wall._z
    lut = np.frombuffer(wall.lut, np.uint8).reshape(2, 256, 3)
    sources = [src for src, _ in tiles(study_session_report(session).html)]
    box = box_of(session.domain.mask)
    for cut, src in zip(z[:, :, :, wall.slice], sources, strict=True):
        cut = np.rot90(cut[tuple(slice(*ends) for ends in box[:2])])
        share = np.minimum(1, np.abs(cut) / wall.threshold)
        weight = np.where(share < 1, 0.5 * share**3, 1)[..., None]
        step = np.minimum(255, np.rint(255 * np.abs(np.nan_to_num(cut)) / wall.full)).astype(int)
        expected = weight * lut[(cut > 0).astype(int), step] + (1 - weight) * wall.brain
        known = np.isfinite(cut)
        seen = 255 * pixels(src)[-len(cut) :, : cut.shape[1]]
        np.testing.assert_array_equal(seen[..., 3] > 0, known)
        # A level of a colour: of rounding.
        np.testing.assert_allclose(seen[known][:, :3], expected[known], atol=1)
    explorer.close()
