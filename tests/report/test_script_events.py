"""A script of an analysis with edited events gives the maps that were on screen, in both dialects."""

import nibabel as nib
import numpy as np
import pytest

from glmwidgets.datasets import simulate_run
from glmwidgets.glm.events.cells import add_event, edit_cell
from glmwidgets.glm.events.edits import rename_types
from glmwidgets.report.exports.script import write_script
from glmwidgets.report.exports.stats_model import stats_model
from glmwidgets.report.page.html import session_report
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.session import Session


@pytest.fixture(scope="module")
def edited(tmp_path_factory):
    """A session of a simulated run: a type renamed, an event moved, one more, a shift and a modulator."""
    folder = tmp_path_factory.mktemp("run")
    made = simulate_run(n_scans=60)
    bold, events = folder / "bold.nii.gz", folder / "events.tsv"
    made.img.to_filename(bold)
    table = made.events.assign(rt=np.linspace(0.4, 0.9, len(made.events)) ** 2)
    table.to_csv(events, sep="\t", index=False)
    session = Session(open_run(bold, events, made.t_r), synchronous=True)
    first, *_ = session.conditions
    session.update({"contrast.expression": first, "noise.model": "ar1"})
    source = session.analysis.event_source
    table = rename_types(session.run.events, {first: 'odd "name" - one'})
    table = add_event(edit_cell(table, 1, "onset", "17.123456789"), 50.0, 1.0, session.conditions[-1])
    session.update(source.changes(session.settings, table.assign(rt=table["rt"].astype(float).fillna(0.5))))
    session.update(source.with_modulator(session.settings, session.conditions[0], "rt"))
    session.update({"events.shift": 0.3})
    assert session.status.state == "idle", session.status.message
    yield session
    session.close()


def map_of(path):
    (z,) = (path.parent / f"{path.stem}_results").glob("*_z_score.nii.gz")
    return np.asarray(nib.load(z).dataobj)


def test_our_own_dialect_repeats_it_bit_for_bit(edited, run_script, tmp_path):
    run_script(path := write_script(edited, tmp_path / "analysis.py"))
    z = map_of(path)
    # a fresh analysis: a live one has summed the same products in another order
    result = type(edited.analysis)(edited.run).result(edited.settings)
    np.testing.assert_array_equal(z[result.mask], result.z)
    assert (tmp_path / "analysis_events.tsv").exists()


def test_nilearn_gives_the_same_z(edited, run_script, tmp_path):
    run_script(path := write_script(edited, tmp_path / "theirs.py", dialect="nilearn"), afresh=True)
    np.testing.assert_allclose(map_of(path)[edited.result.mask], edited.result.z, atol=1e-6)


def test_report_and_stats_model_speak_of_the_edited_events(edited):
    page = session_report(edited).get_standalone()
    assert "odd &#34;name&#34;" in page or "odd &quot;name&quot;" in page
    document = stats_model(edited)
    assert "edited" in document["Description"]
    assert any("odd" in str(name) for name in document["Nodes"][0]["Model"]["X"])
