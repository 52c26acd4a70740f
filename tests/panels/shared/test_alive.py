"""A page that stays alive without a kernel holds everything that it shows, and the session's own numbers."""

import base64
import json
import re
import zlib

import numpy as np
import pytest

pytest.importorskip("ipywidgets")
pytest.importorskip("matplotlib")

from glmwidgets.glm.errors import InputError
from glmwidgets.panels.parts.slices import SliceViewer
from glmwidgets.panels.run.explorer import Explorer
from glmwidgets.session.single.session import Session


@pytest.fixture
def explorer(run):
    made = Explorer(Session(run, {"threshold.alpha": 0.01}, synchronous=True))
    yield made
    made.close()


def held_in(page):
    """What a page holds, with its bytes where they stand."""
    text = page.read_text(encoding="utf-8")
    tree, pieces = (
        zlib.decompress(base64.b64decode(re.search(f'<script id="glmw-{name}" type="text/plain">(.*?)<', text)[1]))
        for name in ("page", "bytes")
    )

    def put(value):
        place = value.get("bytes")
        return pieces[place[0] : sum(place)] if place else value

    return json.loads(tree, object_hook=put)


def test_it_holds_the_whole_map_and_the_numbers_of_each_threshold(explorer, tmp_path):
    session, viewer = explorer.session, explorer.map.viewer
    viewer.set_map(session.result.searched.z)  # of which the page has seen the planes in sight, no more
    assert viewer._planes["serial"] > viewer._map["serial"]
    held = held_in(explorer.save_html(tmp_path / "alive.html"))
    shown = held["widgets"]["viewer"]["state"]
    packed = np.frombuffer(shown["_map"]["values"], np.float32)
    np.testing.assert_array_equal(np.sort(packed), np.sort(session.result.searched.z.astype(np.float32)))
    assert shown["_planes"]["planes"] == []
    rates = held["threshold"]["rates"]
    z = np.abs(session.result.searched.values)
    for height in (0.0, 2.33, 3.1):
        row = rates["rows"][round(height / rates["step"])]
        assert row["n"] == f"{np.count_nonzero(z >= height):,} voxels"
    assert rates["rows"][310]["p"] == ".0019"  # of |z| > 3.1, from a table of the normal distribution
    assert held["peaks"] == [list(ijk) for ijk in explorer.clusters.peaks]


def test_it_asks_nothing_of_a_network_and_runs_no_foreign_word(explorer, tmp_path):
    explorer.session.run.__dict__["name"] = "<script>alert(1)</script>"
    text = explorer.save_html(tmp_path / "alive.html").read_text(encoding="utf-8")
    without_names = re.sub(r'xmlns(:\w+)?="[^"]*"', "", text)
    assert not re.search(r'(src|href)="(?!data:)', without_names)
    assert "default-src 'none'" in text
    assert "<script>alert" not in text
    assert text.count("<script") == text.count("</script>")


def test_each_choice_of_a_menu_is_one_that_the_viewer_takes(explorer, tmp_path):
    held = held_in(explorer.save_html(tmp_path / "alive.html"))
    traits = SliceViewer.class_traits()
    for control in held["controls"]:
        assert 0 <= control["chosen"] < len(control["options"])
        for _, sets in control["options"]:
            assert set(sets) <= set(traits)
            for name, value in sets.items():
                if not name.startswith("_"):
                    setattr(explorer.map.viewer, name, value)
    assert {"view", "colours", "background"} <= {control["label"] for control in held["controls"]}


def test_it_is_never_written_over_an_input_or_unasked(explorer, tmp_path):
    from glmwidgets.files.writing import noted

    given = tmp_path / "events.tsv"
    given.write_text("mine")
    noted(given)
    with pytest.raises(FileExistsError, match="it was read as an input"):
        explorer.save_html(given, overwrite=True)
    other = tmp_path / "other.html"
    other.write_text("mine")
    with pytest.raises(FileExistsError, match="it exists"):
        explorer.save_html(other)
    assert (given.read_text(), other.read_text()) == ("mine", "mine")
    explorer.save_html(explorer.save_html(tmp_path / "alive.html"))  # its own page it may replace


def test_what_is_not_there_yet_is_said(explorer, tmp_path):
    clusters, explorer.session.clusters = explorer.session.clusters, None
    # Who holds the lock cannot wait for it.
    with explorer.session.lock, pytest.raises(InputError, match="wait until the explorer is up to date"):
        explorer.save_html(tmp_path / "alive.html")
    assert explorer.session.current_result(60) is explorer.session.result
    assert explorer.session.clusters is not clusters
    explorer.session.update({"contrast.expression": "nothing"})
    with pytest.raises(InputError, match="the current settings have no result: no column named 'nothing'"):
        explorer.save_html(tmp_path / "alive.html")
    assert list(tmp_path.iterdir()) == []
