"""Reports as conventional scripts ask for them: by position, in a browser, of a size, on the template, folded."""

import re
import webbrowser

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from glmwidgets.datasets import fetch
from glmwidgets.datasets.download import Remote
from glmwidgets.models import FirstLevelModel, SecondLevelModel
from glmwidgets.report.figures.embed import Picture
from glmwidgets.report.page import sections
from glmwidgets.report.page.html import glm_report, make_glm_report

SHAPE, N = (24, 24, 8), 30


@pytest.fixture(autouse=True)
def words(monkeypatch):
    """Reports without their figures, which take nearly all the time."""

    for name in [name for name in vars(sections) if name.startswith("plot_")]:
        monkeypatch.setattr(sections, name, lambda *args, **options: None)
    monkeypatch.setattr(sections, "picture", lambda figure, alt, caption="", **_: Picture("data:", alt, 1, caption))
    monkeypatch.setattr(sections, "map_picture", lambda *args: Picture("data:", "map", 1))
    monkeypatch.setattr(sections, "r_square_picture", lambda *args: Picture("data:", "R²", 1))


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(0)
    x = np.arange(N) % 10 < 5
    data = rng.normal(0, 1, (*SHAPE, N)) + 100
    # Every third voxel of every third slice is a cluster of its own.
    data[1::3, 1::3, 1::3] += 6 * x
    img = nib.Nifti1Image(data.astype(np.float32), np.diag([3.0, 3, 3, 1]))
    mask = nib.Nifti1Image(np.ones(SHAPE, np.uint8), img.affine)
    design = pd.DataFrame({"task": x.astype(float), "other": rng.normal(size=N), "constant": 1.0})
    return FirstLevelModel(mask_img=mask, noise_model="ols").fit(img, design_matrices=design)


def test_titles_are_given_by_position_or_made_of_the_contrasts(model):
    assert "<h1>my study</h1>" in model.generate_report(["task"], "my study").html
    assert "<h1>my study</h1>" in model.generate_report("task", None, "my study").html
    assert model.generate_report({"A": "task", "B": "other"}).title == "GLM report: A, B"
    many = {str(i): "task" for i in range(5)}
    assert model.generate_report(many).title == "GLM report: 0, 1, 2 and 2 more"
    assert model.generate_report().title.startswith("GLM report: ")
    with pytest.warns(UserWarning, match="first_level_contrast has no effect"):
        glm_report(model, "task", np.array([1, 0]))
    with pytest.warns(UserWarning, match="cut_coords has no effect on a glass brain"):
        make_glm_report(model, "task", plot_type="glass", cut_coords=[0])
    maps = [model.compute_contrast("task", output_type="effect_size")] * 3
    noise = np.random.default_rng(1).normal(size=(3, *SHAPE))
    maps = [nib.Nifti1Image(img.get_fdata() + one, img.affine) for img, one in zip(maps, noise, strict=True)]
    group = SecondLevelModel(mask_img=model.mask_img_).fit(maps, design_matrix=pd.DataFrame({"intercept": [1.0] * 3}))
    assert group.generate_report("intercept", title="group").title == "group"


def test_a_report_has_a_size_and_opens_in_a_browser(model, monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    report = model.generate_report("task", report_dims=(1600, 800))
    assert (report.width, report.height) == (1600, 800)
    assert 'width="1600" height="800"' in report._repr_html_()
    report.width = 900
    assert 'width="900" height="800"' in report.get_iframe()
    assert 'width="1" height="2"' in report.resize(1, 2).get_iframe()
    path = report.open_in_browser(tmp_path / "report.html")
    assert path.read_text(encoding="utf-8") == report.get_standalone()
    other = report.open_in_browser()
    assert opened == [path.as_uri(), other.as_uri()]
    assert other != path


def test_rows_of_long_tables_are_folded(model):
    html = model.generate_report("task", two_sided=False, alpha=1e-4).html
    _, table = re.split(r"<h3>Clusters</h3>", html)
    table = table.partition("<h3>")[0]
    seen, folded = table.split("<details>")
    rows = [part.count("<tr><td") for part in (seen, folded)]
    assert rows[0] == 12
    assert rows[1] > 100
    assert f"<summary>{rows[1]} more rows</summary>" in folded
    few = model.generate_report("task", two_sided=False, alpha=1e-4, cluster_threshold=3).html
    assert "<details>" not in few


def test_without_a_network_the_report_says_that_there_is_no_template(model, monkeypatch, tmp_path):
    monkeypatch.setenv("GLMWIDGETS_DOWNLOADS", str(tmp_path))
    row = fetch.DATASETS["mni152"]
    away = type(row)(row.name, row.about, row.page, (Remote("t.nii.gz", "http://127.0.0.1:9/t.nii.gz"),))
    monkeypatch.setitem(fetch.DATASETS, "mni152", away)
    with pytest.warns(UserWarning, match="maps are not drawn on the template that was asked for"):
        html = model.generate_report("task", bg_img="MNI152TEMPLATE").html
    assert (
        "Maps are not drawn on the template that was asked for: http://127.0.0.1:9/t.nii.gz cannot be reached" in html
    )


def test_an_atlas_names_the_regions_of_runs_and_groups(model, tmp_path):
    values = np.where(np.arange(SHAPE[0]) < 12, 3, 7)[:, None, None] * np.ones(SHAPE, int)
    path = tmp_path / "tpl-made_dseg.nii.gz"
    nib.save(nib.Nifti1Image(values.astype(np.int16), np.diag([3.0, 3, 3, 1])), path)
    path.with_name("tpl-made_dseg.tsv").write_text("index\tname\n3\tpond\n7\tmill\n")
    rng = np.random.default_rng(0)
    maps = [tmp_path / f"sub-{i}_space-made_z.nii.gz" for i in range(6)]
    for one in maps:
        data = rng.normal(size=SHAPE)
        data[2:5, 2:5, 2:5] += 20
        nib.save(nib.Nifti1Image(data, np.diag([3.0, 3, 3, 1])), one)
    group = SecondLevelModel().fit([str(one) for one in maps], design_matrix=pd.DataFrame({"intercept": np.ones(6)}))
    for fitted, contrast in ((model, "task"), (group, "intercept")):
        html = fitted.generate_report(contrast, atlas=path, cluster_threshold=0).html
        assert ">Regions of cluster</th>" in html
        assert re.search(r">pond</td><td[^>]*>pond 100 %</td>", html)
        assert "Regions are those of the atlas tpl-made_dseg." in html
        # Only the names of the group's files say which space they are in.
        assert ("not known which space the map is in" in html) == (fitted is model)
    assert "Regions of cluster" not in model.generate_report("task").html
    with pytest.raises(FileNotFoundError, match="nowhere"):
        model.generate_report("task", atlas=tmp_path / "nowhere.nii")


def test_a_report_without_contrasts_says_so(model):
    assert "There is no map of a statistic without a contrast" in model.generate_report().html
    assert "There is no map of a statistic without a contrast" not in model.generate_report("task").html
