"""What is written is what was computed, under the field's names, and of one piece."""

import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from glmwidgets.glm.fit.grammar import quote_name
from glmwidgets.glm.moments.scaling import effect_unit
from glmwidgets.models import FirstLevelModel, get_clusters_table
from glmwidgets.report.exports.bids_derivatives import save_glm_to_bids
from glmwidgets.report.page.subject import study_of_model, study_of_result


@pytest.fixture
def fitted(run, tmp_path):
    path = tmp_path / "sub-01_task-faces_run-1_desc-preproc_bold.nii.gz"
    run.img.to_filename(path)
    model = FirstLevelModel(t_r=2.0, mask_img=run.mask_img, minimize_memory=False)
    return model.fit(str(path), run.events)


def _data(path):
    return nib.load(path).get_fdata()


def test_maps_stand_under_the_names_of_the_field(fitted, tmp_path):
    out = tmp_path / "out"
    written = save_glm_to_bids(fitted, {"Faces": "face", "f - h": "face; house"}, out, report=False)
    head = "sub-01_task-faces_run-1_"
    assert {path.name for path in written} == {path.name for path in out.iterdir()}
    assert {path.name for path in written} == {
        "dataset_description.json",
        *(f"{head}contrast-Faces_stat-{stat}_statmap.nii.gz" for stat in ("effect", "variance", "t", "z", "p")),
        *(f"{head}contrast-fMinusH_stat-{stat}_statmap.nii.gz" for stat in ("effect", "variance", "F", "z", "p")),
        *(
            f"{head}contrast-{name}_clusters.{end}"
            for name in ("Faces", "fMinusH")
            for end in ("tsv", "json", "nii.gz")
        ),
        *(f"{head}{name}" for name in ("mask.nii.gz", "statmap.json", "design.tsv", "design.json")),
        *(f"{head}stat-{name}_statmap.nii.gz" for name in ("rsquared", "errorts")),
    }
    maps = fitted.compute_contrast("face", output_type="all")
    names = {"effect": "effect_size", "variance": "effect_variance", "t": "stat", "z": "z_score", "p": "p_value"}
    mask = fitted.masker_.mask_
    for stat, name in names.items():
        found = _data(out / f"{head}contrast-Faces_stat-{stat}_statmap.nii.gz")
        expected = maps[name].get_fdata()[mask]
        if stat == "p":  # of both sides, as the threshold
            expected = 2 * np.minimum(expected, 1 - expected)
        np.testing.assert_allclose(found[mask], expected, rtol=1e-9 if stat == "p" else 0, atol=0)
    np.testing.assert_array_equal(
        _data(out / f"{head}stat-errorts_statmap.nii.gz")[mask], fitted.residuals_[0].get_fdata()[mask]
    )
    np.testing.assert_array_equal(_data(out / f"{head}stat-rsquared_statmap.nii.gz"), fitted.r_square_[0].get_fdata())


def test_clusters_are_those_of_the_z_map(fitted, tmp_path):
    save_glm_to_bids(fitted, "face", tmp_path / "out", prefix="sub-01", report=False, cluster_threshold=3)
    table = pd.read_csv(tmp_path / "out" / "sub-01_contrast-face_clusters.tsv", sep="\t", dtype={"Cluster ID": str})
    z = fitted.compute_contrast("face")
    # 3.2905 is the two-sided height of p = .001
    expected = get_clusters_table(z, 3.2905267314919255, cluster_threshold=3, two_sided=True)
    assert table["Peak Stat"].tolist() == pytest.approx(expected["Peak Stat"].tolist())
    assert table["Peak Stat"].max() == pytest.approx(z.get_fdata().max())
    said = json.loads((tmp_path / "out" / "sub-01_contrast-face_clusters.json").read_text())
    assert said["Threshold Z"] == pytest.approx(3.2905267314919255)
    assert said["Two-sided"] is True
    labels = _data(tmp_path / "out" / "sub-01_contrast-face_clusters.nii.gz")
    assert set(np.unique(labels)) == {0, *(int(name) for name in table["Cluster ID"] if name.isdigit())}


def test_the_design_and_the_model_are_told(fitted, run, tmp_path):
    out = tmp_path / "out"
    save_glm_to_bids(fitted, "face - house", out, prefix="", report=False)
    design = pd.read_csv(out / "design.tsv", sep="\t", dtype=str).astype(float)
    np.testing.assert_array_equal(design.to_numpy(), fitted.design_matrices_[0].to_numpy())
    said = json.loads((out / "statmap.json").read_text())
    assert said["Contrasts"]["faceMinusHouse"]["DegreesOfFreedom"] == fitted.fits_[0].dof
    assert said["Contrasts"]["faceMinusHouse"]["Expression"] == "face - house"
    assert said["Parameters"]["noise_model"] == "ar1"
    description = json.loads((out / "dataset_description.json").read_text())
    assert description["DatasetType"] == "derivative"
    assert description["GeneratedBy"][0]["Name"] == "glmwidgets"


@pytest.mark.parametrize(
    ("choices", "series", "effects"),
    [
        ({}, "% signal", "% × regressor"),
        ({"signal_scaling": (0, 1)}, "% signal", "% × regressor"),
        ({"signal_scaling": False}, "", "units of the data"),
        ({"standardize": True}, "sd", "sd × regressor"),
    ],
)
def test_series_and_effects_have_the_unit_that_the_model_gave_them(run, tmp_path, choices, series, effects):
    model = FirstLevelModel(t_r=2.0, mask_img=run.mask_img, **choices).fit(run.img, run.events)
    assert study_of_model(model, "face").model.unit == series
    save_glm_to_bids(model, "face", tmp_path, prefix="", report=False)
    said = json.loads((tmp_path / "statmap.json").read_text(encoding="utf-8"))
    assert said["Statistics"]["effect"] == f"effect size, in {effects}"


def test_a_report_of_a_session_tells_the_unit_that_is_on_screen(session):
    for scaling in ("voxel", "none"):
        session.update({"data.signal_scaling": scaling})
        unit = study_of_result(session.analysis, session.result).model.unit
        assert effect_unit(unit) == session.unit


def test_two_runs_have_a_design_each(run, tmp_path):
    model = FirstLevelModel(t_r=2.0, mask_img=run.mask_img).fit([run.img] * 2, [run.events] * 2)
    names = {path.name for path in save_glm_to_bids(model, "face", tmp_path, prefix="sub-1", report=False)}
    assert {f"sub-1_run-{i}_design.{end}" for i in (1, 2) for end in ("tsv", "json")} <= names
    assert not any("errorts" in name for name in names)  # the series were let go of


def test_a_session_is_written_with_its_report_and_settings(session, tmp_path):
    written = save_glm_to_bids(session, out_dir=tmp_path / "out", prefix="sub-01_task-x")
    names = {path.name for path in written}
    assert "sub-01_task-x_report.html" in names
    page = (tmp_path / "out" / "sub-01_task-x_report.html").read_text(encoding="utf-8")
    assert page.rstrip().endswith("</html>")
    said = json.loads((tmp_path / "out" / "sub-01_task-x_statmap.json").read_text())
    assert said["Settings"]["noise"]["model"] == session.settings.noise.model
    z = _data(tmp_path / "out" / "sub-01_task-x_contrast-face_stat-z_statmap.nii.gz")
    np.testing.assert_array_equal(z[session.result.mask], session.result.z)


def test_it_is_written_whole_or_not_at_all(fitted, tmp_path, monkeypatch):
    out = tmp_path / "out"
    save_glm_to_bids(fitted, "face", out, report=False)
    (out / "notes.txt").write_text("mine")
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("glmwidgets.report.exports.bids_derivatives.table_of_clusters", fail)
    with pytest.raises(OSError, match="disk full"):
        save_glm_to_bids(fitted, "house", out, report=False)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_names_that_collide_or_are_hostile_make_files_of_their_own(fitted, tmp_path):
    contrasts = {"../../evil": "face", "a b": "face", "a_b": "house", "A-B": quote_name("face") + "- house"}
    out = tmp_path / "out"
    written = save_glm_to_bids(fitted, contrasts, out, prefix="sub-01", report=False)
    assert all(path.parent == out for path in written)
    assert len({path.name.lower() for path in written if "_stat-z_" in path.name}) == 4
    for prefix in ("../x", "a/b", "<script>"):
        with pytest.raises(ValueError, match="letters, digits"):
            save_glm_to_bids(fitted, "face", out, prefix=prefix, report=False)


def test_a_description_of_others_is_kept(fitted, tmp_path):
    path = tmp_path / "out" / "dataset_description.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"Name": "Mine", "GeneratedBy": [{"Name": "fMRIPrep"}]}))
    for _ in range(2):
        save_glm_to_bids(fitted, "face", path.parent, report=False)
    description = json.loads(path.read_text())
    assert description["Name"] == "Mine"
    assert [by["Name"] for by in description["GeneratedBy"]] == ["fMRIPrep", "glmwidgets"]
    path.write_text("{")
    with pytest.raises(ValueError, match="not valid JSON"):
        save_glm_to_bids(fitted, "face", path.parent, report=False)
    with pytest.raises(ValueError, match="at least one contrast"):
        save_glm_to_bids(fitted, None, tmp_path / "other", report=False)
