"""What one sees of an object at a prompt is a line, whatever it holds."""

import glmwidgets as gw
from glmwidgets.datasets import simulate_run


def test_a_run_and_what_it_says_are_a_line_each():
    simulated = simulate_run("small", shape=(12, 14, 11), n_scans=60)
    run = gw.open_run(simulated)
    session = gw.Session(run, synchronous=True)
    session.refresh()
    asked = session.settings.contrast.expression
    assert repr(simulated).startswith("SimulatedRun(60 scans, TR 2 s; faces, houses")
    assert repr(run).startswith("<Run run: 12 × 14 × 11 voxels, 60 scans, TR 2 s; faces, houses")
    assert repr(session.result).startswith(f"<RunAnswer to {asked!r}: {session.result.z.size:,} voxels, threshold z ")
    assert repr(session.result.fitted).startswith("<Fitted run: 60 rows, faces, houses")
    for one in (simulated, run, session.result, session.result.fitted):
        assert len(repr(one)) < 200
        assert "\n" not in repr(one)
    session.close()
