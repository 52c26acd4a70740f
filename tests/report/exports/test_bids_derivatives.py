"""What is written is what was computed, under the field's names, and of one piece."""

import json
import warnings

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.glm._base import _clean_contrast_name
from nilearn.glm.first_level import FirstLevelModel as ReferenceModel
from nilearn.interfaces.bids import save_glm_to_bids as reference_save
from scipy.stats import t as student

from glmwidgets.files.names import camel
from glmwidgets.glm.fit.grammar import quote_name
from glmwidgets.glm.moments.scaling import effect_unit
from glmwidgets.models import FirstLevelModel, SecondLevelModel, get_clusters_table
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
    assert save_glm_to_bids(fitted, {"Faces": "face", "f - h": "face; house"}, out_dir=out, report=False) is fitted
    head = "sub-01_task-faces_run-1_"
    assert {path.name for path in out.iterdir()} == {"dataset_description.json", "sub-01"}
    out = out / "sub-01"
    assert {path.name for path in out.iterdir()} == {
        *(f"{head}contrast-Faces_stat-{stat}_statmap.nii.gz" for stat in ("effect", "variance", "t", "z", "p")),
        *(f"{head}contrast-fMinusH_stat-{stat}_statmap.nii.gz" for stat in ("effect", "variance", "F", "z", "p")),
        *(
            f"{head}contrast-{name}_clusters.{end}"
            for name in ("Faces", "fMinusH")
            for end in ("tsv", "json", "nii.gz")
        ),
        *(f"{head}{name}" for name in ("mask.nii.gz", "statmap.json", "design.tsv", "design.json")),
        *(f"{head}stat-{name}_statmap.nii.gz" for name in ("rsquared", "errorts")),
        *(f"{head}{name}design.png" for name in ("", "corr", "contrast-Faces_", "contrast-fMinusH_")),
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
    save_glm_to_bids(fitted, "face", out_dir=tmp_path / "out", prefix="sub-01", report=False, cluster_threshold=3)
    table = pd.read_csv(
        tmp_path / "out" / "sub-01" / "sub-01_contrast-face_clusters.tsv", sep="\t", dtype={"Cluster ID": str}
    )
    z = fitted.compute_contrast("face")
    # 3.2905 is the two-sided height of p = .001
    expected = get_clusters_table(z, 3.2905267314919255, cluster_threshold=3, two_sided=True)
    assert table["Peak Stat"].tolist() == pytest.approx(expected["Peak Stat"].tolist())
    assert table["Peak Stat"].max() == pytest.approx(z.get_fdata().max())
    said = json.loads((tmp_path / "out" / "sub-01" / "sub-01_contrast-face_clusters.json").read_text())
    assert said["Threshold Z"] == pytest.approx(3.2905267314919255)
    assert said["Two-sided"] is True
    labels = _data(tmp_path / "out" / "sub-01" / "sub-01_contrast-face_clusters.nii.gz")
    assert set(np.unique(labels)) == {0, *(int(name) for name in table["Cluster ID"] if name.isdigit())}


def test_the_design_and_the_model_are_told(fitted, run, tmp_path):
    out = tmp_path / "out"
    save_glm_to_bids(fitted, "face - house", out_dir=out, prefix="", report=False)
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
    save_glm_to_bids(model, "face", out_dir=tmp_path, prefix="", report=False)
    said = json.loads((tmp_path / "statmap.json").read_text(encoding="utf-8"))
    assert said["Statistics"]["effect"] == f"effect size, in {effects}"


def test_a_report_of_a_session_tells_the_unit_that_is_on_screen(session):
    for scaling in ("voxel", "none"):
        session.update({"data.signal_scaling": scaling})
        unit = study_of_result(session.analysis, session.result).model.unit
        assert effect_unit(unit) == session.unit


def test_two_runs_have_a_design_each(run, tmp_path):
    model = FirstLevelModel(t_r=2.0, mask_img=run.mask_img).fit([run.img] * 2, [run.events] * 2)
    save_glm_to_bids(model, "face", out_dir=tmp_path, prefix="sub-1", report=False, pictures=False)
    names = {path.name for path in (tmp_path / "sub-1").iterdir()}
    assert {f"sub-1_run-{i}_design.{end}" for i in (1, 2) for end in ("tsv", "json")} <= names
    assert {f"sub-1_run-{i}_stat-rsquared_statmap.nii.gz" for i in (1, 2)} <= names
    assert not any(name.endswith(".png") for name in names)
    assert not any("errorts" in name for name in names)  # the series were let go of


def test_a_session_is_written_with_its_report_and_settings(session, tmp_path):
    save_glm_to_bids(session, out_dir=tmp_path / "out", prefix="sub-01_task-x")
    assert "sub-01_task-x_report.html" in {path.name for path in (tmp_path / "out" / "sub-01").iterdir()}
    page = (tmp_path / "out" / "sub-01" / "sub-01_task-x_report.html").read_text(encoding="utf-8")
    assert page.rstrip().endswith("</html>")
    said = json.loads((tmp_path / "out" / "sub-01" / "sub-01_task-x_statmap.json").read_text())
    assert said["Settings"]["noise"]["model"] == session.settings.noise.model
    z = _data(tmp_path / "out" / "sub-01" / "sub-01_task-x_contrast-face_stat-z_statmap.nii.gz")
    np.testing.assert_array_equal(z[session.result.mask], session.result.z)


def test_it_is_written_whole_or_not_at_all(fitted, tmp_path, monkeypatch):
    out = tmp_path / "out"
    save_glm_to_bids(fitted, "face", out_dir=out, report=False)
    (out / "sub-01" / "notes.txt").write_text("mine")
    before = {path.name: path.read_bytes() for path in out.rglob("*.*")}

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("glmwidgets.report.exports.bids_derivatives.table_of_clusters", fail)
    with pytest.raises(OSError, match="disk full"):
        save_glm_to_bids(fitted, "house", out_dir=out, report=False)
    assert {path.name: path.read_bytes() for path in out.rglob("*.*")} == before


def test_names_that_collide_or_are_hostile_make_files_of_their_own(fitted, tmp_path):
    contrasts = {"../../evil": "face", "a b": "face", "a_b": "house", "A-B": quote_name("face") + "- house"}
    out = tmp_path / "out"
    save_glm_to_bids(fitted, contrasts, out_dir=out, prefix="sub-01", report=False)
    written = [path for path in tmp_path.rglob("*.*") if not path.name.endswith("bold.nii.gz")]
    assert all(path.parent in (out, out / "sub-01") for path in written)
    assert len({path.name.lower() for path in written if "_stat-z_" in path.name}) == 4
    for prefix in ("../x", "a/b", "<script>"):
        with pytest.raises(ValueError, match="letters, digits"):
            save_glm_to_bids(fitted, "face", out_dir=out, prefix=prefix, report=False)


def test_a_description_of_others_is_kept(fitted, tmp_path):
    path = tmp_path / "out" / "dataset_description.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"Name": "Mine", "GeneratedBy": [{"Name": "fMRIPrep"}]}))
    for _ in range(2):
        save_glm_to_bids(fitted, "face", out_dir=path.parent, report=False, pictures=False)
    description = json.loads(path.read_text())
    assert description["Name"] == "Mine"
    assert [by["Name"] for by in description["GeneratedBy"]] == ["fMRIPrep", "glmwidgets"]
    with pytest.raises(ValueError, match="at least one contrast"):
        save_glm_to_bids(fitted, None, out_dir=tmp_path / "other", report=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "dataset_description.json is not valid JSON"),
        ("", "dataset_description.json is empty"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": 1' + "0" * 5_000 + "}", "not valid JSON"),
        ("[]", "one JSON object"),
        ('[["Name", "Mine"]]', "one JSON object"),
        ('{"GeneratedBy": null}', "GeneratedBy .* list of objects"),
        ('{"GeneratedBy": {"Name": "fMRIPrep"}}', "GeneratedBy .* list of objects"),
        ('{"GeneratedBy": ["fMRIPrep"]}', "GeneratedBy .* list of objects"),
    ],
)
def test_a_broken_description_of_others_is_named_and_stays(fitted, tmp_path, text, message):
    path = tmp_path / "out" / "dataset_description.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        save_glm_to_bids(fitted, "face", out_dir=path.parent, report=False, pictures=False)
    assert path.read_text() == text
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_description_with_a_byte_order_mark_is_read(fitted, tmp_path):
    path = tmp_path / "out" / "dataset_description.json"
    path.parent.mkdir()
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps({"Name": "Mine"}).encode())
    save_glm_to_bids(fitted, "face", out_dir=path.parent, report=False, pictures=False)
    assert json.loads(path.read_text())["Name"] == "Mine"


def test_files_are_called_as_nilearn_calls_them(run, tmp_path):
    """Two sessions of one participant, an F test of one row, names in capitals: the same names in the same folders."""
    paths = [tmp_path / f"sub-02_ses-{s}_task-main_run-01_space-MNI_desc-preproc_bold.nii.gz" for s in ("a", "b")]
    for path in paths:
        run.img.to_filename(path)
    contrasts = {"face - house": "face - house", "Effects of interest": np.eye(2)[:1]}
    written = []
    for Model, save in ((FirstLevelModel, save_glm_to_bids), (ReferenceModel, reference_save)):
        out = tmp_path / Model.__module__.partition(".")[0]
        model = Model(t_r=2.0, mask_img=run.mask_img, minimize_memory=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit([str(path) for path in paths], [run.events] * 2)
            types = {"Effects of interest": "F"}
            assert save(model, contrasts, contrast_types=types, out_dir=out, height_control="fpr") is model
        written.append({str(path.relative_to(out)) for path in out.rglob("*.*")})
    ours, theirs = written
    # Theirs are called report.html and statmap.json, whoever they are of.
    own = {"sub-02/sub-02_task-main_space-MNI_report.html", "sub-02/sub-02_task-main_space-MNI_statmap.json"}
    assert theirs - ours == {"sub-02/report.html", "sub-02/statmap.json"}
    assert ours - theirs == own | {name for name in ours if name.endswith("clusters.nii.gz")}
    mask = run.mask_img.get_fdata() > 0
    for name in sorted(ours & theirs):
        kind = name.partition("_stat-")[2].partition("_")[0]
        if kind in ("t", "z", "effect", "variance") and "Interest" not in name:
            values = [_data(tmp_path / where / name)[mask] for where in ("glmwidgets", "nilearn")]
            np.testing.assert_allclose(*values, rtol=1e-5, atol=1e-6 * np.abs(values[1]).max(), err_msg=name)
    # An F test that is asked for is one here; theirs is the t test under that name.
    name = "sub-02/sub-02_task-main_space-MNI_contrast-effectsOfInterest_stat-F_statmap.nii.gz"
    values = [_data(tmp_path / where / name)[mask] for where in ("glmwidgets", "nilearn")]
    np.testing.assert_allclose(values[0], values[1] ** 2, rtol=1e-5)
    assert values[1].min() < 0 <= values[0].min()


def test_a_group_lies_in_its_folder(tmp_path):
    rng = np.random.default_rng(0)
    maps = [nib.Nifti1Image(rng.normal(size=(4, 4, 4)), np.eye(4)) for _ in range(8)]
    design = pd.DataFrame({"age": rng.normal(size=8), "intercept": 1.0})
    model = SecondLevelModel().fit(maps, design_matrix=design)
    save_glm_to_bids(
        model, {"older": [1, 0]}, contrast_types={"older": "F"}, out_dir=tmp_path, prefix="task-x", report=False
    )
    names = {path.name for path in (tmp_path / "group").iterdir()}
    assert {
        f"task-x_{name}"
        for name in ("contrast-older_stat-F_statmap.nii.gz", "design.png", "stat-rsquared_statmap.nii.gz")
    } <= names
    rest = _data(tmp_path / "group" / "task-x_stat-errorts_statmap.nii.gz")
    np.testing.assert_allclose(rest, model.residuals.get_fdata(), atol=1e-12)


def test_what_is_asked_wrongly_is_said(fitted, tmp_path):
    with pytest.raises(ValueError, match=r"an option of save_glm_to_bids must be one of .*, not 'foo'"):
        save_glm_to_bids(fitted, "face", out_dir=tmp_path, foo=1)
    with pytest.raises(TypeError, match="must be text, but one is 5"):
        save_glm_to_bids(fitted, {5: "face"}, out_dir=tmp_path)
    with pytest.raises(TypeError, match=r"the contrast 'faces' is 5: it must be an expression in the design's columns"):
        save_glm_to_bids(fitted, {"faces": 5, "all": "face"}, out_dir=tmp_path)
    with pytest.raises(TypeError, match="name a folder with out_dir="):
        save_glm_to_bids(fitted, "face", tmp_path)
    with pytest.raises(ValueError, match="a contrast of contrast_types must be one of 'face', not 'house'"):
        save_glm_to_bids(fitted, "face", contrast_types={"house": "F"}, out_dir=tmp_path)


@pytest.mark.parametrize(
    "name", ["AAA - BBB", "effects of interest", "a_b", "a>b", "left+right", "x1y - Z", "-a", "é - b", "(a + b) / 2"]
)
def test_labels_of_contrasts_are_nilearns(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert camel(name) == _clean_contrast_name(name.replace("é", "e"))


def test_degrees_of_freedom_of_each_voxel_are_a_map_and_said(run, tmp_path):
    """z and p are those of t with the map's degrees of freedom, not with scans minus rank of the design."""
    model = FirstLevelModel(t_r=2.0, mask_img=run.mask_img, noise_model="ar-auto").fit(run.img, run.events)
    save_glm_to_bids(model, "face", out_dir=tmp_path, prefix="sub-01", report=False)
    mask, stem = model.masker_.mask_, tmp_path / "sub-01"
    t, p, dof = (_data(stem / f"sub-01_contrast-face_stat-{stat}_statmap.nii.gz")[mask] for stat in ("t", "p", "dof"))
    np.testing.assert_allclose(p, 2 * student.sf(np.abs(t), dof), rtol=1e-6)
    left = model.fits_[0].dof
    assert (dof < left).all()
    said = json.loads((stem / "sub-01_statmap.json").read_text())["Contrasts"]["face"]
    low, high = np.quantile(dof, (0.05, 0.95))
    assert f"Satterthwaite's effective degrees of freedom {low:.0f} to {high:.0f} of {left}" in said["Test"]
    assert said["DegreesOfFreedom"] == pytest.approx(np.median(dof))
