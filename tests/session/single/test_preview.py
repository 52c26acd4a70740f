"""The preview: what it paints ahead is what the whole map will say."""

import contextlib

import numpy as np
import pytest

from glmwidgets.analysis import steps
from glmwidgets.glm import parallel
from glmwidgets.glm.parallel import side_by_side
from glmwidgets.session.core import live as live_session
from glmwidgets.session.core import scheduler
from glmwidgets.session.single import preview
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
    ahead, result = seen[0][1], seen[1][1]
    where = np.argwhere(result.mask)[ahead.voxels]
    assert all((where == (3, 4, 2)).any(axis=1))
    assert len(where) == ((np.argwhere(result.mask) == (3, 4, 2)).any(axis=1)).sum()
    np.testing.assert_allclose(ahead.z, result.z[ahead.voxels], atol=1e-10)


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


def _drag(live):
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

    live.observe_locked(go_on, ["preview", "result"])
    live.update({"design.hrf_model": "gamma(7, 16, 1, 1, 0.167)"})
    assert live.wait_until_idle(60)
    return seen


def test_a_hand_that_drags_sees_slices_and_waits_for_no_whole_brain(live, monkeypatch):
    monkeypatch.setattr(scheduler, "NOW_AND_THEN", 1e6)
    seen = _drag(live)
    assert [model for name, model in seen if name == "preview"][-1] == "glover + derivative"
    assert len(seen) == 5
    assert [model for name, model in seen if name == "result"] == ["glover + derivative"]


def test_the_whole_brain_follows_a_long_drag_now_and_then(live, monkeypatch):
    monkeypatch.setattr(scheduler, "NOW_AND_THEN", -1.0)
    live._seconds = {"series": 0.1, "fit": 0.1}
    seen = _drag(live)
    assert ("result", "gamma(7, 16, 1, 1, 0.167)") in seen
    assert seen[-1] == ("result", "glover + derivative")


def test_but_not_where_it_takes_long(live, monkeypatch):
    monkeypatch.setattr(scheduler, "NOW_AND_THEN", -1.0)
    monkeypatch.setattr(live_session, "PATIENCE", -1.0)
    seen = _drag(live)
    assert [model for name, model in seen if name == "result"] == ["glover + derivative"]


def test_a_whole_brain_gives_way_between_its_blocks(live, monkeypatch):
    """A movement that comes while it is fitted is answered before the next block, and its own whole brain follows."""
    live._previewer, seen, fitted = Previewer(live.analysis, large=0), [], []
    fit_of = steps.fit_of

    def fit(settings, moments, *more):
        def work(block):
            fitted.append((live.settings.design.hrf_model, block))
            if block == 0 and live.settings.design.hrf_model == "glover":
                live.update({"design.hrf_model": "fir"})

        side_by_side(work, range(3))
        return fit_of(settings, moments, *more)

    monkeypatch.setattr(parallel, "_threads", lambda: 1)
    monkeypatch.setattr(steps, "fit_of", fit)
    live.observe_locked(
        lambda change: seen.append((change["name"], change["new"].settings.design.hrf_model)), ["preview", "result"]
    )
    live.update({"design.hrf_model": "glover"})
    assert live.wait_until_idle(60)
    assert fitted == [("glover", 0), *(("fir", block) for block in range(3))]
    assert seen == [("preview", "glover"), ("preview", "fir"), ("result", "fir")]
    assert live.is_current
    assert live.clusters is not None


def test_visible_slices_are_fitted_on_one_thread(eager, monkeypatch):
    session, _ = eager
    inside, seen, fit_of = [], [], preview.fit_of

    @contextlib.contextmanager
    def one_thread():
        inside.append(True)
        yield
        inside.pop()

    monkeypatch.setattr(preview, "one_thread", one_thread)
    monkeypatch.setattr(preview, "fit_of", lambda *given: seen.append(bool(inside)) or fit_of(*given))
    session.update({"design.hrf_model": "glover"})
    assert seen == [True]
