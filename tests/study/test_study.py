"""A study's index, previews and refit, beside the runs themselves."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from glmwidgets.glm.errors import InputError, MissingFileError
from glmwidgets.glm.fit.contrasts import compute_contrast
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.group.fit import fit_group, group_contrast
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.moments.series import Series
from glmwidgets.images.mask import masked_series
from glmwidgets.runs.opening import open_again
from glmwidgets.study import FIGURES, Exclusions, Study, parse_rule
from glmwidgets.study.cells import cells_of, grid_of_mask, standard_grid
from glmwidgets.study.index import runs_of_table
from glmwidgets.study.preview import MOST_BYTES, make_preview, open_whole


def t_of(values):
    return stats.ttest_1samp(values, 0).statistic


def test_a_run_that_lacks_something_is_a_row_with_a_sentence(study):
    assert study.table["name"].tolist() == ["sub-01", "sub-01_run-2", *(f"sub-{n:02d}" for n in range(2, 8))]
    assert study.table["why_not"].tolist()[:-1] == [""] * 7
    assert study.table["why_not"].iloc[-1].startswith("it has no events")


def test_a_table_of_files_is_the_same_study(study, tmp_path):
    table = pd.DataFrame([{"bold": r.inputs.bold, "events": r.inputs.events, "subject": r.subject} for r in study.runs])
    other = Study.of_table(table, tmp_path)
    assert [run.inputs.bold for run in other.runs] == [run.inputs.bold for run in study.runs]
    assert other.contrasts == study.contrasts
    assert other.table["why_not"].iloc[-1].startswith("it has no events")
    gone = Study.of_table(pd.DataFrame({"bold": ["nowhere.nii.gz"]}), tmp_path)
    assert "nowhere.nii.gz" in gone.runs[0].why_not


def test_no_dataset_is_refused(tmp_path):
    with pytest.raises(MissingFileError, match="no dataset"):
        Study.of(tmp_path / "none", tmp_path)
    with pytest.raises(InputError, match="task-other"):
        Study.of(tmp_path, tmp_path, task="other")


def test_what_was_saved_is_opened_again(study):
    study.save()
    again = Study.open(study.folder)
    assert (again.runs, again.model, again.contrasts) == (study.runs, study.model, study.contrasts)


def test_a_preview_holds_the_means_of_its_voxels(study):
    run, preview = open_whole(study.runs[0]), study.preview(0)
    data = np.asanyarray(run.img.dataobj)
    centres = preview.domain.points[:: preview.cells.size // 7]
    ijk = np.argwhere(np.ones(data.shape[:3], bool))
    mm = ijk @ run.img.affine[:3, :3].T + run.img.affine[:3, 3]
    mask = make_preview(run, "MNI", 5000)
    np.testing.assert_array_equal(mask.record["series"], preview.record["series"])
    step = preview.record["scale"].max()
    for centre in centres:
        inside = (np.abs(mm - centre) <= preview.grid.affine[0, 0] / 2).all(axis=1)
        series = data[tuple(ijk[inside].T)]
        own = preview.series()[:, np.flatnonzero((preview.domain.points == centre).all(axis=1))[0]]
        # Cells at the edge of the brain hold some of these voxels only.
        assert (series.min(axis=0) - step <= own).all()
        assert (own <= series.max(axis=0) + step).all()
    assert preview.record.nbytes <= MOST_BYTES


def test_cells_of_a_standard_space_are_symmetric():
    grid = standard_grid("MNI")
    cells = np.arange(grid.size)
    points = grid.domain(cells).points
    np.testing.assert_allclose(points[grid.mirrored(cells)], points * [-1, 1, 1])


def test_cell_means_are_those_of_dense_arithmetic():
    rng = np.random.default_rng(0)

    from glmwidgets.runs.domain import Domain

    data = rng.normal(size=(8, 6, 4)).astype(np.float32)
    domain = Domain.of(nib.Nifti1Image(data, np.diag([-2.0, 2, 2, 1])))
    cells = cells_of(domain, grid_of_mask(domain.mask, domain.affine, 24))
    expected = data.reshape(4, 2, 3, 2, 2, 2).mean(axis=(1, 3, 5)).ravel()
    np.testing.assert_allclose(cells.gather @ data.ravel(), expected, rtol=1e-5)
    # Over several blocks, of a mask that leaves cells out and voxels without a cell.
    domain = Domain.of(nib.Nifti1Image(np.zeros((16, 12, 8)), np.eye(4))).within(rng.random((16, 12, 8)) < 0.7)
    cells, y = cells_of(domain, grid_of_mask(domain.mask, domain.affine, 99)), rng.normal(size=(5, domain.size))
    assert (cells.gather.sum(axis=0) == 0).any()
    np.testing.assert_allclose(cells.means(Series.of(y)), (cells.gather @ y.T).T, rtol=0, atol=1e-14)


def test_a_refit_is_a_fit_of_the_cells(study):
    model = study.model.updated({"design.hrf_model": "glover", "noise.model": "ar1-reml"})
    fit = study.refit(model)
    part, contrast = fit.parts[2], fit.answer("faces - houses").contrasts[2]
    series = study.preview(2).series().astype(np.float64)
    percent = 100 * (series / series.mean(axis=0) - 1)
    dense = compute_contrast(fit_glm(Moments(percent), part.design, "ar1-reml"), "faces - houses")
    np.testing.assert_allclose(contrast.effect, dense.effect, atol=1e-3 * np.abs(dense.effect).max())
    np.testing.assert_allclose(contrast.z_score(), dense.z_score(), atol=2e-3)
    assert fit.parts[7].fitted is None
    assert fit.parts[7].why_not.startswith("it has no events")


def test_the_run_of_a_preview_makes_no_image(study):
    run = study.preview(0).as_run(study.runs[0])
    assert "image" not in vars(run.reader)  # a volume a scan: 300 previews would take 12 GiB


def test_smoothing_is_that_of_the_cells(study):
    changes = {"data.smoothing_fwhm": 9.0, "data.drop_scans": 3, "data.signal_scaling": "grand", "noise.model": "ols"}
    part, preview = study.refit(changes).parts[3], study.preview(3)
    volumes = preview.domain.fill(preview.series())
    series = masked_series(volumes, preview.domain.mask, preview.grid.affine, 9.0)[3:].astype(float)
    dense = fit_glm(Moments(100 * (series / series.mean() - 1)), part.design, "ols")
    np.testing.assert_allclose(part.fit.beta, dense.beta, atol=2e-3 * np.abs(dense.beta).max())
    np.testing.assert_allclose(part.fitted.signal, series.mean(axis=0), rtol=1e-4)


def test_a_model_that_comes_back_gives_the_same(study):
    first = study.refit().answer("faces").z(3)
    contrast, why_not = study.refit({"design.conditions": ("houses",)}).parts[3].contrast("faces")
    assert contrast is None
    assert why_not.startswith("the event type 'faces' is left out of the model")
    study.refit({"design.hrf_model": "glover", "data.signal_scaling": "grand"})
    np.testing.assert_allclose(study.refit().answer("faces").z(3), first, atol=1e-4)


def test_the_group_is_of_participants(study):
    answer = study.refit().answer("faces")
    group = answer.group()
    assert group.subjects == ("01", "02", "03", "04", "05", "06")
    assert group.runs[0] == (0, 1)
    on = [np.isin(answer.parts[i].preview.cells, np.flatnonzero(group.domain.mask)) for i in range(7)]
    effects = [answer.contrasts[i].effect[0][on[i]] for i in range(7)]
    values = np.stack([(effects[0] + effects[1]) / 2, *effects[2:]])
    t = values.mean(axis=0) / (values.std(axis=0, ddof=1) / np.sqrt(6))
    np.testing.assert_allclose(group.contrast.stat(), t, rtol=1e-8, atol=1e-8)
    # By hand: the largest |t| under every choice of signs of the six participants.
    signs = np.array(list(product((1, -1), repeat=6)))
    flipped = signs @ values / 6
    largest = np.abs(flipped / np.sqrt((np.square(values).sum(axis=0) - 6 * flipped**2) / 30)).max(axis=1)
    permuted = group.permuted(1000, seed=0)
    assert permuted.exact
    expected = (largest[:, None] >= np.abs(t) * (1 - 1e-6)).mean(axis=0)
    np.testing.assert_allclose(permuted.p_value("t"), expected, atol=1e-12)
    effect, t = group.without(5)
    others = [np.delete(values[:, 5], i) for i in range(6)]
    np.testing.assert_allclose(effect, [one.mean() for one in others])
    np.testing.assert_allclose(t, [t_of(one) for one in others])
    assert group.said_without(1, 5) == (
        f"at the crosshair the group's effect is {values[:, 5].mean():.3g} (t {t_of(values[:, 5]):.3g}); without "
        f"participant 01, all 2 runs, {values[1:, 5].mean():.3g} (t {t_of(values[1:, 5]):.3g})"
    )
    three = answer.group(used=[0, 2, 3])
    assert three.subjects == ("01", "02", "03")
    assert three.said_without(5, 5) == ""
    with pytest.raises(InputError, match="two participants"):
        answer.group(used=[0, 1])


def test_leaving_a_participant_out_of_a_design_is_a_fit_of_the_others(study):
    group = study.refit().answer("faces").group()
    design = pd.DataFrame({"mean": 1.0, "age": [21.0, 25, 22, 40, 33, 28]})
    group = replace(group, fit=fit_group(group.values, design))
    effect, t = group.without(7)
    for i in range(6):
        rows = np.delete(np.arange(6), i)
        alone = group_contrast(fit_group(group.values[rows][:, [7]], design.iloc[rows]), np.array([[1.0, 0.0]]))
        np.testing.assert_allclose(effect[i], alone.effect[0, 0], rtol=1e-9)
        np.testing.assert_allclose(t[i], alone.stat()[0], rtol=1e-9)


def test_every_figure_has_a_value_and_words(study):
    table = study.qc(study.refit().answer("faces"))
    assert list(table.values) == list(FIGURES)
    assert not table.unusual.iloc[2].any()
    known = table.values.iloc[2].notna()
    # There are no confounds, residuals are tested of whole runs alone, and no place was chosen.
    of_mriqc = {key for key in FIGURES if key.startswith("mriqc_")}
    of_confounds = {"fd_mean", "fd_max", "fd_share", "motion_task"}
    assert set(known.index[~known]) == {*of_confounds, "not_white", "effect_there", "z_there"} | of_mriqc
    assert table.values.iloc[7][list(FIGURES)[5:]].isna().all()
    for row in FIGURES.values():
        assert row.definition.endswith(".")
        assert row.said(1.0, 2.0)


def test_a_damaged_file_of_a_study_is_said(tmp_path):
    with pytest.raises(MissingFileError, match="there is no study"):
        Study.open(tmp_path)
    (tmp_path / "study.json").write_text('{"format": "glmwidgets study", "version": 1, "runs": 3}')
    with pytest.raises(InputError, match=r"study.json cannot be read as a study"):
        Study.open(tmp_path)


def test_previews_are_the_same_by_workers(study, tmp_path):
    other = Study(tmp_path, study.runs[:3], study.model, study.contrasts, cells=study.cells)
    heard = []
    assert other.build_previews(lambda i, why_not: heard.append((i, why_not)), executor="processes", width=2) == {}
    assert sorted(heard) == [(0, ""), (1, ""), (2, "")]
    for i in range(3):
        assert other.preview_path(i).name == study.preview_path(i).name
        np.testing.assert_array_equal(other.preview(i).record, study.preview(i).record)
        assert other.preview(i).facts == study.preview(i).facts


def test_a_file_that_is_gone_costs_its_run_alone(study, tmp_path):
    copies = []
    for run in study.runs[:3]:
        copies.append({"events": run.inputs.events, "bold": str(tmp_path / f"{run.name}.nii.gz"), "name": run.name})
        Path(copies[-1]["bold"]).write_bytes(Path(run.inputs.bold).read_bytes())
    other = Study.of_table(pd.DataFrame(copies), tmp_path / "study", model=study.model, contrasts=["faces"])
    Path(copies[1]["bold"]).unlink()
    (row,) = other.build_previews()
    assert row == 1
    fit = other.refit()
    assert [part.fitted is not None for part in fit.parts] == [True, False, True]
    assert list(other.run("here")) == [1]


def test_events_of_one_run_are_not_given_to_all(study):
    edited = ("onset\tduration\ttrial_type", "1.0\t2.0\tfaces")
    with pytest.raises(InputError, match=r"events.table: edited events belong to one run"):
        study.refit({"events.table": edited})


def test_runs_in_their_own_space_are_fitted_and_not_compared(study, tmp_path):
    rows = []
    for run in study.runs[2:6]:
        img = nib.load(run.inputs.bold)
        own = nib.Nifti1Image(np.asanyarray(img.dataobj), img.affine, img.header)
        own.set_sform(img.affine, "scanner")
        own.set_qform(img.affine, "scanner")
        path = tmp_path / f"{run.name}_bold.nii.gz"
        nib.save(own, path)
        rows.append({"bold": str(path), "events": run.inputs.events, "subject": run.subject})
    other = Study.of_table(pd.DataFrame(rows), tmp_path / "study", contrasts=["faces"])
    assert {run.space for run in other.runs} == {""}
    assert other.build_previews() == {}
    answer = other.refit().answer("faces")
    assert answer.answered == [0, 1, 2, 3]
    found = other.qc(answer).values
    assert found["task_r_square"].notna().all()
    assert found[["map_r", "sides", "coverage"]].isna().all(axis=None)
    with pytest.raises(InputError, match="not in one standard space"):
        answer.group()


def test_a_study_does_not_lie_in_the_data(dataset, tmp_path):
    for place in (dataset, dataset / "sub-01" / "study"):
        with pytest.raises(InputError, match="dataset"):
            Study.of(dataset, place)
        assert not (place / "study.json").exists()
    assert Study.of(dataset, dataset / "derivatives" / "mine").folder.name == "mine"


def test_a_study_is_no_dataset(study, tmp_path):
    study.save()
    with pytest.raises(InputError, match="is the folder of a study, not a dataset"):
        Study.of(study.folder, tmp_path)


def test_participants_are_named_as_on_the_command_line(dataset, tmp_path):
    for how in ({"subject": "sub-02"}, {"subjects": "02"}, {"subjects": ["02"]}):
        assert [run.subject for run in Study.of(dataset, tmp_path, **how).runs] == ["02"]
    with pytest.raises(TypeError, match=r"Study\.of has no argument 'tsk'; did you mean 'task'"):
        Study.of(dataset, tmp_path, tsk="loc")


def test_who_cannot_answer_says_why_there_is_no_group(study):
    with pytest.raises(InputError, match=r"0 can estimate 'faces - hoses': .*houses"):
        study.refit().answer("faces - hoses").group()


def test_a_decision_is_on_a_run_of_the_study(study):
    with pytest.raises(InputError, match=r"a run must be one of .*not 'sub-99'"):
        study.exclude(Exclusions().decided("sub-99", "drop"))
    with pytest.raises(TypeError, match=r'decided\("sub-02", "drop"\)'):
        study.exclude("sub-02")


def test_a_misspelt_figure_is_mended_before_all_are_listed():
    with pytest.raises(InputError) as caught:
        parse_rule("fd_men >= 0.5")
    said = "the rule 'fd_men >= 0.5' names an unknown figure, 'fd_men'; did you mean fd_mean or "
    assert str(caught.value).startswith(said)


def test_what_was_not_tested_by_permutation_is_said(study):
    group = study.refit().answer("faces").group()
    with pytest.raises(ValueError, match="n_perm must be a whole number of at least 1, not '5000'"):
        group.permuted("5000")
    with pytest.raises(InputError, match="a statistic that was tested must be one of 't', not 'size'"):
        group.permuted(20).p_value("size")


def test_a_study_takes_the_clock_that_the_run_s_own_explorer_takes(tmp_path):
    img = nib.Nifti1Image(np.random.default_rng(0).normal(1000, 10, (6, 7, 5, 40)), np.diag([3, 3, 3, 1]))
    img.header.set_xyzt_units("mm", "sec")
    img.header["pixdim"][4] = 1  # as fMRIPrep 23.2.0 writes it
    bold = tmp_path / "sub-1_task-a_desc-preproc_bold.nii.gz"
    nib.save(img, bold)
    (tmp_path / "sub-1_task-a_desc-preproc_bold.json").write_text('{"RepetitionTime": 2.5}')
    events = pd.DataFrame({"onset": [10.0, 40.0], "duration": 10.0, "trial_type": "face"})
    events.to_csv(tmp_path / "events.tsv", sep="\t", index=False)
    (row,) = runs_of_table(pd.DataFrame({"bold": [str(bold)], "events": str(tmp_path / "events.tsv")}))
    with pytest.warns(UserWarning, match=r"gives a TR of 2\.5 s, the image's header 1 s"):
        run = open_again(row.inputs)
    assert row.t_r == run.t_r == 2.5
