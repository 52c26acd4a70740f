"""The preview: what it paints ahead is what the whole map will say."""

import math

import numpy as np
import pytest

from glmwidgets.session.single.preview import Previewer


@pytest.fixture
def eager(session):
    """A session that previews runs of any size, and what it published."""
    session._previewer = Previewer(session.analysis, large=0)
    seen = []
    session.observe_locked(lambda change: seen.append((change["name"], change["new"])), ["preview", "result"])
    return session, seen


def test_the_planes_through_the_crosshair_come_first_and_agree(eager):
    session, seen = eager
    session.move_to((3, 4, 2))
    session.update({"design.hrf_model": "glover"})
    assert [name for name, _ in seen] == ["preview", "result"]
    preview, result = seen[0][1], seen[1][1]
    where = np.argwhere(result.mask)[preview.voxels]
    assert all((where == (3, 4, 2)).any(axis=1))
    assert len(where) == ((np.argwhere(result.mask) == (3, 4, 2)).any(axis=1)).sum()
    np.testing.assert_allclose(preview.z, result.z[preview.voxels], atol=1e-10)


def test_no_preview_of_what_is_at_hand_or_cannot_be(eager):
    session, seen = eager
    session.update({"threshold.cluster_size": 3})
    session.update({"contrast.expression": "house"})
    session.update({"contrast.expression": "nothing", "noise.model": "ols"})
    assert "preview" not in [name for name, _ in seen]


def test_a_small_run_has_none(session):
    seen = []
    session.observe_locked(seen.append, "preview")
    session.update({"noise.model": "ols"})
    assert seen == []


def _drag(live, shown_at):
    """Ask for more as soon as the first slices are there, as a hand does; what was published since."""
    live._previewer = Previewer(live.analysis, large=0)
    live.update({"noise.model": "ols"})
    assert live.wait_until_idle(60)
    seen, rest = [], iter(["glover", "spm + derivative", "glover + derivative"])

    def go_on(change):
        seen.append((change["name"], change["new"].settings.design.hrf_model))
        if change["name"] == "preview":
            for model in rest:
                live.update({"design.hrf_model": model})
                break

    live._shown_at = shown_at
    live.observe_locked(go_on, ["preview", "result"])
    live.update({"design.hrf_model": "gamma(7, 16, 1, 1, 0.167)"})
    assert live.wait_until_idle(60)
    return seen


def test_a_hand_that_drags_sees_slices_and_waits_for_no_whole_brain(live):
    seen = _drag(live, shown_at=math.inf)
    assert [model for name, model in seen if name == "preview"][-1] == "glover + derivative"
    assert len(seen) == 5
    assert [model for name, model in seen if name == "result"] == ["glover + derivative"]


def test_the_whole_brain_follows_a_long_drag_now_and_then(live):
    seen = _drag(live, shown_at=-math.inf)
    assert ("result", "gamma(7, 16, 1, 1, 0.167)") in seen
