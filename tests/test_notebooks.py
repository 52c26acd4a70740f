"""Every notebook runs from top to bottom, as with Run All Cells, and reaches what it says."""

from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))

# What must be true at the end of a notebook, in its own words. ``real``: only of the real data.
REACHED = {
    "01_single_run": """
        assert n_drifts == 13 and design.shape == (96, 16)
        if run.is_real:
            assert model.n_elements_ == 62073
            assert [round(thresholds[name], 3) for name in ("fpr", "bonferroni", "fdr")] == [3.090, 4.797, 2.758]
            # heights as published, to the digits that the page prints
            for name, row in {**published, "1b": (-63, 0, 42, 8.44), "1c": (-48, -15, 39, 8.364058)}.items():
                digits = len(str(row[3]).partition(".")[2])
                assert tuple(rows.loc[name])[:3] == row[:3], name
                assert abs(rows.loc[name, "Peak Stat"] - row[3]) < 10.0**-digits, name
            sizes = table.set_index(table["Cluster ID"].astype(str))["Cluster Size (mm3)"]
            assert [sizes[name] for name in ("1", "2", "3", "4")] == [4590, 1755, 999, 1296]
        explorer.session.wait_until_idle(60)
        import numpy as np
        # the explorer's map of the same model is the model's map
        inside = explorer.session.result.mask
        assert np.abs(explorer.session.result.z - z_map.get_fdata()[inside]).max() < 1e-6
    """,
    "02_predicted_and_residuals": """
        assert img.shape[3] == 84 and events["onset"].tolist() == [42.0 + 84 * i for i in range(7)]
        assert in_units.right.startswith("Yes")
        if run.is_real:
            assert table.shape == (63, 6)
            assert owners.nunique() == 2
            keep = table.set_index(table["Cluster ID"].astype(str))
            for name, (x, y, z, height) in {
                "1": (-60, -6, 42, 11.543910), "1a": (-51, -12, 39, 10.497958), "1c": (-63, 12, 33, 9.754835),
                "2": (60, 0, 36, 11.088600), "21": (27, -72, 27, 4.422543), "22a": (-33, -18, 72, 3.791863),
            }.items():
                assert tuple(keep.loc[name, ["X", "Y", "Z"]]) == (x, y, z), name
                assert abs(keep.loc[name, "Peak Stat"] - height) < 2e-6, name
            assert keep.loc["1", "Cluster Size (mm3)"] == 20196
            assert [tuple(p) for p in peaks] == [
                (-51, -12, 39), (-39, -12, 39), (-63, 12, 33), (60, 0, 36), (66, 12, 27), (60, -18, 30),
            ]
    """,
    "03_two_runs": """
        assert difference < 1e-6
        assert len(z_maps) == 8 and len(list(folder.glob("*_z_map.nii.gz"))) == 8
        page = (folder / "report.html").read_text()
        assert all(name in page for name in contrasts) and 'src="http' not in page
        assert peak["both"].get_fdata().max() > min(peak[name].get_fdata().max() for name in ("run 1", "run 2"))
        assert mirror.right == "Only in sign"
        explorer.session.wait_until_idle(60)
        assert explorer.session.status.state == "idle" and explorer.session.result is not None
    """,
    "04_parameters": """
        import numpy as np
        assert half < 1 and high[0.15] < 0.5 * high[0.01]
        assert np.ptp(units.loc[["signal_scaling=0", "signal_scaling=False"], "mean z"]) == 0
        assert ols_sd > 1.05
    """,
    "05_group": """
        if group.is_real:
            assert n == 30 and round(float(t_map.get_fdata().max()), 2) == 7.25
            assert tuple(np.rint(peak)) == (-7, 24, 54)
        else:
            found = bonferroni[inside] > -np.log10(0.05)
            assert found.sum() > 10 and (found & group.truth[inside]).mean() / found.mean() > 0.9
        assert n_found["permutation, voxels"] >= n_found["Bonferroni, voxels"]
    """,
    "06_study": """
        assert {f"sub-{number:02d}" for number in planted} <= set(odd)
        assert len(odd) <= len(planted) + 1
        assert session.result.used == tuple(i for i in range(14) if i not in (2, 6))
        assert after > before
    """,
    "10_convolution_and_hrf": """
        assert explained(0)[1]["spm"] > 0.999 and explained(2)[1]["spm + derivative"] > explained(2)[1]["spm"] + 0.2
        assert swing[1] > 5 * swing[0]
    """,
    "11_noise_and_false_positives": """
        assert table.loc["ols", "from"] > 10 and "ar1-reml" not in table.index[table["from"] > 6]
        assert (table["to"] - table["from"]).min() > 2 * naive * 0.9
        assert verdicts["ols"].share > 0.5 and verdicts["arma11"].white
        assert white.right == "Next to nothing"
    """,
    "12_collinearity_and_efficiency": """
        assert possible == ["task - rest"]
        assert best_order.right == "blocks of five"
        spreads = [scatter(delay, 0.0)[0]["estimates"][1].std() for delay in (0.5, 2.0, 5.0)]
        assert spreads[0] > spreads[1] > spreads[2]
    """,
    "13_thresholds_and_multiple_comparisons": """
        assert truth.counts["false"] < 0.25 * truth.counts["true"]
        session.update({"threshold.height_control": "fixed", "threshold.value": 2.0})
        session.wait_until_idle(60)
        lenient = dict(truth.counts)
        assert lenient["false"] > lenient["true"]
        session.update({"threshold.value": 5.0})
        session.wait_until_idle(60)
        assert truth.counts["false"] <= 2 < lenient["false"] and truth.counts["true"] < lenient["true"]
        assert judgements.loc["bonferroni 0.05", "false"] <= judgements.loc["fdr 0.05", "false"]
        assert here.loc["blob", "lower"] > 0 and here.loc["blob", "circular"] != "no"
        for honest in (here.loc["right Market"], there.loc["blob"], there.loc["right Market"]):
            assert honest["lower"] < 0 < honest["upper"] and honest["circular"] == "no"
    """,
    "14_break_it": """
        import re
        lags = {cases[k].was: [int(n) for n in re.findall(r"[+-]\\d+", delay(k)[1])] for k in LETTERS}
        assert set(lags["late triggers"]) <= {2, 3}
        assert lags["wrong TR"][0] == 0 and lags["wrong TR"][2] >= 2
        assert all(lags[name] == [0, 0, 0] for name in lags if name not in ("late triggers", "wrong TR"))
        odd = {cases[k].was for k in LETTERS if not whiteness[k].white}
        assert odd == {"no high-pass", "AR ignored"}
        moving = {cases[k].was for k in LETTERS if "0.9" in motion(k, "motor_right", "trans_z")[1]}
        assert moving == {"motion locked to the task"}
        choose.value = "D"
        assert place.children == (opened["D"],)
    """,
}

# Every plot drawn without an error, every question answered rightly by its own answer and wrongly by another.
SOUND = """
from glmwidgets.panels.lessons.live import LivePlot
from glmwidgets.panels.lessons.question import Choice, Estimate, Question

_mine = [*globals().values()]
_asked = {id(q): q for v in _mine for q in (v.values() if isinstance(v, dict) else [v]) if isinstance(q, Question)}
for _plot in {id(v): v for v in _mine if isinstance(v, LivePlot)}.values():
    assert not _plot.error, _plot.error
for _q in _asked.values():
    _q.control.value = _q.right
    assert _q.is_right, _q
    _q.control.value = next(a for a in _q.answers if a != _q.right) if isinstance(_q, Choice) else str(_q.number + 9e9)
    assert _q.is_right is False, _q
print("questions:", len(_asked))
"""


# What a kernel is told before a notebook: to forget the one before, and what is so on the machine now.
ANEW = """
import os
from contextlib import suppress
with suppress(ImportError):
    from ipywidgets import Widget
    Widget.close_all()
get_ipython().run_line_magic("reset", "-f")
import os
os.chdir({folder!r})
os.environ.update({environment!r})
del os
"""


@pytest.fixture(scope="module")
def kernel():
    """One kernel for all notebooks, as its imports take longer than most of them; each begins with no names."""
    pytest.importorskip("nbclient", reason="comes with JupyterLab, of the extra lab")
    from jupyter_client.manager import KernelManager

    kernel = KernelManager(client_class="jupyter_client.asynchronous.AsyncKernelClient")
    kernel.start_kernel()
    yield kernel
    kernel.shutdown_kernel(now=True)


def run_notebook(kernel, path, folder, environment, checks=""):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.read(path, as_version=4)
    anew = nbformat.v4.new_code_cell(ANEW.format(folder=str(folder), environment=environment))
    notebook.cells = [anew, *notebook.cells, *map(nbformat.v4.new_code_cell, (SOUND, checks))]
    # A cell that raises is an error of the client, with the cell and its traceback.
    nbclient.NotebookClient(notebook, km=kernel, timeout=300).execute()
    streams = [o for cell in notebook.cells for o in cell.get("outputs", []) if o["output_type"] == "stream"]
    complaints = [stream["text"] for stream in streams if stream["name"] == "stderr"]
    assert complaints == []
    return "".join(stream["text"] for stream in streams)


def dedented(checks):
    return "\n".join(line[8:] for line in checks.splitlines())


@pytest.fixture
def offline(tmp_path):
    """No network, and an empty folder of data."""
    dead = "http://127.0.0.1:9"
    return {"http_proxy": dead, "https_proxy": dead, "no_proxy": "", "GLMWIDGETS_DOWNLOADS": str(tmp_path / "none")}


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs_and_reaches_what_it_says(kernel, path, tmp_path, offline, data_dir):
    """On the real data where they are; the tables that were published are then met."""
    environment = {**offline, "GLMWIDGETS_DOWNLOADS": str(data_dir)} if data_dir else offline
    said = run_notebook(kernel, path, tmp_path, environment, dedented(REACHED.get(path.stem, "")))
    if path.stem != "00_tour":
        assert int(said.rpartition("questions: ")[2]) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("stem", ["01_single_run", "02_predicted_and_residuals", "05_group"])
def test_the_notebook_runs_without_data_and_network(kernel, stem, tmp_path, offline):
    path = next(p for p in NOTEBOOKS if p.stem == stem)
    said = run_notebook(kernel, path, tmp_path, offline, dedented(REACHED[stem]))
    assert "Simulated, because" in said
    assert "put it in" in said
