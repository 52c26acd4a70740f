"""The report says what was computed: its words and numbers are read back from the page."""

import base64
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import glmwidgets
from glmwidgets.glm.fit.whiteness import residual_whiteness
from glmwidgets.models import FirstLevelModel
from glmwidgets.report.figures.embed import Picture
from glmwidgets.report.page import sections
from glmwidgets.report.page.html import Report, analysis_report, glm_report, session_report
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.analysis import Analysis

HOSTILE = "<script>alert(\"x\")</script> & 'co'"


class Page(HTMLParser):
    """Text of a page by section, its tables, and every tag and attribute in it."""

    VOID = ("meta", "img", "br", "link", "input", "hr")

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.open = [], [], []
        self.text, self.section, self.tables, self.cell = {}, "top", {}, None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        self.attributes.append(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "section":
            self.section = attrs["id"]
        if tag == "table":
            self.table = self.tables.setdefault((self.section, attrs["class"]), [])
        if tag == "tr":
            self.table.append([])
        if tag in ("td", "th"):
            self.cell = ""

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag in ("td", "th"):
            self.table[-1].append(self.cell)
            self.cell = None

    def handle_data(self, data):
        if self.open and self.open[-1] in ("style",):
            return
        if self.cell is not None:
            self.cell += data
        self.text[self.section] = self.text.get(self.section, "") + data


def _check_self_contained(report):
    """No script, and nothing that a browser would fetch; every tag closed."""
    page = Page(report.html)
    assert page.open == []
    assert "script" not in page.tags
    assert not {"link", "iframe", "object", "embed"} & set(page.tags)
    for attrs in page.attributes:
        assert not any(name.startswith("on") for name in attrs)
        assert attrs.get("src", "data:image/").startswith("data:image/")
        assert attrs.get("href", "#").startswith("#")
    style = re.search(r"<style>(.*?)</style>", report.html, re.S)[1]
    assert "url(" not in style
    assert "@import" not in style
    return page


@pytest.fixture
def words(monkeypatch):
    """Reports without their figures, which take nearly all the time: for tests of what is said."""

    for name in [name for name in vars(sections) if name.startswith("plot_")]:
        monkeypatch.setattr(sections, name, lambda *args, **options: None)
    monkeypatch.setattr(
        sections, "picture", lambda figure, alt, caption="", **_: Picture("data:image/", alt, 1, caption)
    )


@pytest.fixture
def report(session):
    session.update({"threshold.alpha": 0.001, "threshold.cluster_size": 3, "contrast.expression": "face"})
    return session_report(session)


def _numbers(row):
    return [float(cell.replace("\N{MINUS SIGN}", "-").replace(",", "")) for cell in row if cell]


def test_the_page_is_complete_in_itself_and_has_every_part(report):
    page = _check_self_contained(report)
    assert {"contrast-1", "fit", "design", "mask", "methods", "parameters"} <= set(page.text)
    images = [attrs for attrs in page.attributes if "alt" in attrs]
    assert len(images) >= 9
    assert all(attrs["alt"] for attrs in images)
    for attrs in images:
        data = base64.b64decode(attrs["src"].partition(",")[2])
        assert data.startswith(b"\x89PNG") or b"<svg" in data


def test_clusters_of_the_session_stand_in_the_table(words, session, report):
    table = Page(report.html).tables["contrast-1", "clusters"][1:]
    clusters = session.clusters.found
    mains = [row for row in table if row[0].isdigit()]
    assert [int(row[0]) for row in mains] == [cluster.label for cluster in clusters]
    for row, cluster in zip(mains, clusters, strict=True):
        x, y, z, stat, voxels, volume = _numbers(row[1:])
        assert (x, y, z) == tuple(round(mm) for mm in cluster.peaks[0].xyz)
        assert stat == pytest.approx(cluster.peaks[0].stat, abs=0.005)
        assert voxels == cluster.n_voxels
        assert volume == pytest.approx(cluster.volume, abs=0.5)


def test_words_name_the_threshold_its_method_sides_and_degrees_of_freedom(words, session, report):
    text = Page(report.html).text
    dof = session.result.fit.dof
    assert f"a t test with {dof} degrees of freedom" in text["contrast-1"]
    # 3.29 is the two-sided height of p = .001
    assert "|z| above 3.29 (uncorrected p below 0.001; two-sided" in text["contrast-1"]
    assert "fewer than 3 voxels are left out" in text["contrast-1"]
    for part in (f"glmwidgets {glmwidgets.__version__}", "80 scans", "“spm”", "AR(1)", "0.01 Hz", "trans_x, rot_z"):
        assert part in text["methods"]


def test_one_sided_and_family_wise_thresholds_are_said_as_such(words, session):
    session.update({"threshold.two_sided": False, "threshold.height_control": "bonferroni", "threshold.alpha": 0.05})
    text = Page(session_report(session).html).text["contrast-1"]
    n = session.result.z.size
    assert f"z above {session.result.threshold:.2f} (family-wise error 0.05 by Bonferroni over {n} voxels" in text
    assert "one-sided, positive effects only" in text


def test_all_settings_are_listed(words, session, report):
    rows = dict(Page(report.html).tables["parameters", "parameters"])
    assert rows["HRF (design.hrf_model)"] == "spm"
    assert rows["smallest cluster (threshold.cluster_size)"] == "3 voxels"
    assert rows["order of drift (design.drift_order)"] == "1 (without effect here)"  # the drift is of cosines
    assert rows["contrast (contrast.expression)"] == "face"
    assert rows["image (inputs.bold)"] == rows["names of the contrasts (contrast.names)"] == "–"
    assert len(rows) == sum(len(group) for group in session.settings.to_dict(views=False).values())


def test_a_table_of_one_cluster_is_a_table(words, session):
    session.update({"contrast.expression": "face", "threshold.height_control": "fixed", "threshold.value": 6.0})
    session.update({"threshold.cluster_size": 0, "threshold.two_sided": False})
    z = session.result.z
    session.update({"threshold.value": float(np.sort(z)[-2] + 1e-6)})  # the highest voxel alone
    page = Page(session_report(session).html)
    assert len(page.tables["contrast-1", "clusters"]) == 2
    assert "1 cluster with 1 voxel;" in page.text["contrast-1"]


def test_an_empty_map_says_what_came_nearest(session):
    session.update({"contrast.expression": "house", "threshold.height_control": "fixed", "threshold.value": 12.0})
    page = _check_self_contained(session_report(session))
    assert ("contrast-1", "clusters") not in page.tables
    top = np.abs(session.result.z).max()
    assert f"No voxel passes the threshold. The largest z is {top:.2f}." in page.text["contrast-1"]
    assert "Measured and predicted where z is largest" in page.text["contrast-1"]


def test_voxels_in_too_small_clusters_are_told_from_none(words, session):
    session.update({"contrast.expression": "face", "threshold.cluster_size": 400})
    text = Page(session_report(session).html).text["contrast-1"]
    assert "Voxels pass the threshold, but none in a cluster of 400 voxels or more." in text


def test_every_contrast_of_the_list_has_its_section(words, session):
    session.update(
        {"contrast.names": ["Faces", ""], "contrast.expressions": ["face", "face - house"], "contrast.active": 1}
    )
    text = Page(session_report(session).html).text
    assert text["contrast-1"].strip().startswith("Faces")
    assert text["contrast-2"].strip().startswith("face - house")


def test_whatever_a_person_typed_is_escaped(run):
    events = run.events.assign(trial_type=run.events["trial_type"].replace({"face": HOSTILE}))
    confounds = run.confounds.rename(columns={"trans_x": "<img src=x onerror=alert(1)>"})
    hostile = open_run(run.img, events, 2.0, confounds=confounds, mask=run.mask_img)
    analysis = Analysis(hostile)
    settings = analysis.default_settings()
    assert "<script>" in settings.contrast.expression
    result = analysis.result(settings)
    entry = SimpleNamespace(number=1, time="<b>", words=HOSTILE, maps=1, role="")
    ledger = SimpleNamespace(n_models=1, n_contrasts=1, entries=(entry,))
    page = _check_self_contained(analysis_report(analysis, result, title=HOSTILE, ledger=ledger))
    assert HOSTILE in page.text["top"]
    assert HOSTILE in page.text["methods"]
    assert HOSTILE in page.text["ledger"]
    assert {"b"} & set(page.tags) == set()
    # SVG pictures hold names in comments: they are not run in an <img>, and must not end early either.
    for attrs in page.attributes:
        if attrs.get("src", "").startswith("data:image/svg"):
            svg = base64.b64decode(attrs["src"].partition(",")[2]).decode()
            assert "<script" not in svg.replace("&lt;", "")


def test_the_ledger_is_counted_and_its_last_steps_are_listed(words, session):
    session.update({"design.hrf_model": "glover"})
    page = Page(session_report(session).html)
    assert "2 models and 2 contrasts were looked at" in page.text["ledger"]
    assert "do not correct for that choice" in page.text["ledger"]
    rows = page.tables["ledger", "ledger"][1:]
    assert [row[2] for row in rows] == [entry.words for entry in session.ledger.entries]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row[1]) for row in rows)


def test_a_verdict_on_the_residuals_is_told(words, session):
    page = Page(session_report(session, whiteness="31 % of voxels are <not> white.").html)
    assert "31 % of voxels are <not> white." in page.text["fit"]


def test_the_verdict_is_made_where_none_is_given(words, session):
    said = residual_whiteness(session.result.fit, 2.0).verdict
    assert said in Page(session_report(session).html).text["fit"]
    assert "expected by chance" not in Page(session_report(session, whiteness=False).html).text["fit"]
    session.update({"noise.model": "ar1-reml", "noise.pooling": "global"})
    assert residual_whiteness(session.result.fit, 2.0, pooled=True).verdict in session_report(session).html


def test_two_runs_of_a_model(run):
    events, img = run.events[["onset", "duration", "trial_type"]], run.img
    model = FirstLevelModel(t_r=2.0, mask_img=run.mask_img, minimize_memory=False, noise_model="ols")
    model.fit([img, img], [events, events])
    report = model.generate_report({"Faces": "face", "any": "face; house"}, height_control="fdr", alpha=0.05)
    page = _check_self_contained(report)
    dof = sum(fit.dof for fit in model.fits_)
    assert f"a t test with {dof} degrees of freedom" in page.text["contrast-1"]
    assert "false discovery rate 0.05; two-sided" in page.text["contrast-1"]
    assert "fixed effects" in page.text["methods"]
    assert [row[0] for row in page.tables["contrast-1", "asked"][1:]] == ["run 1", "run 2"]
    assert page.text["fit"].count("run 1: residuals") == page.text["fit"].count("run 2: residuals") == 1
    assert "run 2" in page.text["design"]


def test_an_f_test_has_one_side_and_two_numbers_of_degrees_of_freedom(run):
    model = FirstLevelModel(t_r=2.0, mask_img=run.mask_img).fit(run.img, run.events)
    page = Page(glm_report(model, "face; house", plot_type="glass").html)
    assert f"an F test with 2 and {model.fits_[0].dof} degrees of freedom" in page.text["contrast-1"]
    # 3.09 is the height of one tail; the z score of an F has only one
    assert "z above 3.09 (uncorrected p below 0.001; of the upper tail of F" in page.text["contrast-1"]
    assert "|z|" not in page.text["contrast-1"]


def test_series_that_were_let_go_of_are_said_to_be(words, run):
    model = FirstLevelModel(t_r=2.0, mask_img=run.mask_img).fit(run.img, run.events)
    page = Page(model.generate_report("face").html)
    assert "minimize_memory=False" in page.text["contrast-1"]
    assert "Measured and predicted" not in page.text["contrast-1"]


def test_diagnostics_are_those_of_the_engine(words, session, report):
    from glmwidgets.glm.design.collinearity import variance_inflation
    from glmwidgets.glm.design.diagnostics import efficiency

    page, design = Page(report.html), session.result.design
    ((estimable, value, inflation),) = page.tables["contrast-1", "asked"][1:]
    weights = np.array([name == "face" for name in design.columns], dtype=float)
    assert estimable == "yes"
    # three digits are written
    assert float(value) == pytest.approx(efficiency(design, weights), rel=5e-3)
    factors = dict(zip(design.columns, variance_inflation(design), strict=True))
    assert float(inflation) == pytest.approx(factors["face"], rel=5e-3)
    written = {row[0]: float(row[1]) for row in page.tables["design", "columns"][1:]}
    assert written == pytest.approx({name: factors[name] for name in ("face", "house")}, rel=5e-3)


def test_what_is_wrong_with_the_design_is_said(words, run):
    twins = run.events[run.events["trial_type"] == "face"].assign(trial_type="twin", duration=8.5)
    analysis = Analysis(open_run(run.img, pd.concat([run.events, twins]), 2.0, mask=run.mask_img))
    settings = analysis.default_settings().updated({"contrast.expression": "twin - face"})
    text = Page(analysis_report(analysis, analysis.result(settings)).html).text["design"]
    assert "twin" in text
    assert "their effects are hard to tell apart" in text


def test_a_group_report(wager_dir):
    from glmwidgets.models.second_level import SecondLevelModel

    maps = sorted(str(path) for path in wager_dir.glob("sub-*_con.nii.gz"))[:12]
    design = pd.DataFrame({"intercept": np.ones(12)})
    model = SecondLevelModel(mask_img=str(wager_dir / "group_mask.nii.gz")).fit(maps, design_matrix=design)
    page = _check_self_contained(model.generate_report("intercept"))
    assert "a t test with 11 degrees of freedom" in page.text["contrast-1"]
    assert "12 maps" in page.text["methods"]


def test_a_report_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    report = Report("<!DOCTYPE html><p>é</p>", "x")
    path = report.save_as_html(tmp_path / "report.html")
    assert path.read_text(encoding="utf-8") == report.html
    with pytest.raises(FileNotFoundError, match="folder does not exist"):
        report.save_as_html(tmp_path / "missing" / "report.html")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        Report("other", "x").save_as_html(path, overwrite=True)
    assert path.read_text(encoding="utf-8") == report.html
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_in_a_notebook_the_page_keeps_to_its_frame():
    shown = Report('<p class="a">&amp;"</p>', HOSTILE)._repr_html_()
    parsed = Page(shown)
    assert parsed.tags == ["iframe"]
    assert parsed.attributes[0]["srcdoc"] == '<p class="a">&amp;"</p>'
    assert parsed.attributes[0]["title"] == HOSTILE
