"""Five documents of the field as programs: only what they import is ours, and they print the figures that they show.

Two of them run on the real run that they were written for, and are skipped without it; the others on made data of the
same shape.
"""

import os
from inspect import signature
from itertools import product

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from glmwidgets import images as image
from glmwidgets import images as masking
from glmwidgets import report as plotting
from glmwidgets.datasets.fetch import DesignedRuns, LocalizerMaps
from glmwidgets.datasets.run_files import FoundRun
from glmwidgets.images import concat_imgs, get_data, math_img, mean_img
from glmwidgets.models import (
    FirstLevelModel,
    NiftiSpheresMasker,
    SecondLevelModel,
    compute_fixed_effects,
    get_clusters_table,
    map_threshold,
    non_parametric_inference,
)
from glmwidgets.report import plot_anat, plot_contrast_matrix, plot_design_matrix, plot_img, plot_stat_map, show

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def on_paper():
    plt.switch_backend("agg")
    yield
    plt.close("all")


# Predicted series and residuals ---------------------------------------------------------------------------------------


def test_predicted_series_and_residuals(auditory_dir, capsys):
    subject = FoundRun(
        bold=auditory_dir / "sub-01_task-auditory_bold.nii.gz", events=auditory_dir / "bids84_events.tsv", t_r=7.0
    )
    # The document's files begin with the thirteenth scan of this one.
    scans = image.index_img(subject.func[0], slice(12, None))
    mean = image.mean_img(scans)
    mask = masking.compute_epi_mask(mean)
    scans = image.smooth_img(image.clean_img(scans, standardize=None), 5.0)
    events = pd.read_csv(subject.events, sep="\t")

    model = FirstLevelModel(
        t_r=subject.t_r, drift_model="cosine", signal_scaling=False, mask_img=mask, minimize_memory=False, verbose=1
    )
    model = model.fit(scans, events)
    assert "[FirstLevelModel]" in capsys.readouterr().out
    z_map, threshold = model.compute_contrast("listening"), 3.1
    plot_stat_map(z_map, bg_img=mean, threshold=threshold, title=f"listening, |Z| > {threshold}")
    show()

    table = get_clusters_table(z_map, stat_threshold=threshold, cluster_threshold=20)
    table.set_index("Cluster ID", drop=True)
    assert "[63 rows x 6 columns]" in repr(table)
    assert table.head(5)["Peak Stat"].tolist() == pytest.approx([11.54391, 10.497958, 10.118978, 9.754835, 11.0886])
    assert table.tail(5)["Cluster ID"].tolist() == [21, "21a", "21b", 22, "22a"]
    coords = table.loc[range(1, 7), ["X", "Y", "Z"]].to_numpy()
    np.testing.assert_array_equal(
        coords, [[-51, -12, 39], [-39, -12, 39], [-63, 12, 33], [60, 0, 36], [66, 12, 27], [60, -18, 30]]
    )

    masker = NiftiSpheresMasker(coords, verbose=1)
    measured = masker.fit_transform(scans)
    predicted = masker.fit_transform(model.predicted[0])
    assert measured.shape == predicted.shape == (84, 6)
    assert all(np.corrcoef(measured[:, i], predicted[:, i])[0, 1] > 0.7 for i in range(6))
    assert "<img" in masker.generate_report().get_standalone()

    colours = ["blue", "navy", "purple", "magenta", "olive", "teal"]
    figure, axes = plt.subplots(2, 6)
    for i, colour in enumerate(colours):
        axes[0, i].plot(measured[:, i], c=colour, lw=2)
        axes[0, i].plot(predicted[:, i], c="r", ls="--", lw=2)
        at = {"cut_coords": [coords[i][2]], "display_mode": "z", "figure": figure, "axes": axes[1, i]}
        drawn = plot_stat_map(z_map, threshold=3.1, colorbar=False, bg_img=mean, **at)
        drawn.add_markers([coords[i]], colour, 300)
        (panel,) = drawn.axes.values()
        np.testing.assert_array_equal(panel.collections[-1].get_offsets(), [coords[i][:2]])
    figure.set_size_inches(24, 14)
    show()

    # What the document prints is measured less whitened prediction; see "Where we differ on purpose".
    means = (measured - masker.fit_transform(model.whitened_predicted[0])).mean(axis=0)
    for mean_residual in means:
        print(f"Mean residuals: {mean_residual}")
    np.testing.assert_allclose(means, [0.0188694, 0.0457560, 0, -0.1304239, -0.0149990, 0.0495563], atol=5e-6)
    residuals = masker.fit_transform(model.residuals[0])
    np.testing.assert_allclose(residuals, measured - predicted, atol=1e-9)

    look = {"bg_img": mean, "display_mode": "z", "cut_coords": 7, "cmap": "inferno", "vmin": 0, "symmetric_cbar": False}
    plot_stat_map(model.r_square[0], threshold=0.1, title="R-squared", **look)
    z_of_f = model.compute_contrast("listening", stat_type="F", output_type="z_score")
    plot_stat_map(z_of_f, threshold=threshold, title=f"listening, F, Z > {threshold}", **look)
    show()


# Two runs in their own space ------------------------------------------------------------------------------------------


@pytest.fixture
def two_runs(tmp_path):
    """Two runs with 13 numbered columns in a numpy file each, as the document's data set has them."""
    rng = np.random.default_rng(0)
    affine = nib.affines.from_matvec(np.diag([4.0, 4, 4]), [-150.0, -150, 30])
    mask = np.zeros((12, 13, 9), np.uint8)
    mask[2:10, 2:11, 1:8] = 1
    nib.Nifti1Image(mask, affine).to_filename(tmp_path / "mask.nii.gz")
    designs, files = [], []
    for run in (1, 2):
        task = (rng.random((120, 4)) < 0.2).astype(float)
        task = np.array([np.convolve(column, [0, 0.4, 1, 0.7, 0.2])[:120] for column in task.T]).T
        drifts = np.cos(np.pi * np.outer(np.arange(120) + 0.5, np.arange(8)) / 120)
        x = np.column_stack([task, rng.normal(size=120), drifts])
        np.savez(tmp_path / f"run{run}.npz", X=x)
        files.append(tmp_path / f"run{run}.npz")
        designs.append(pd.DataFrame(x))
        data = 100 + rng.normal(0, 3, (*mask.shape, 120))
        data[4:7, 4:7, 3:6] += x[:, :4] @ [0, 0, 6, 6]
        nib.Nifti1Image(data.astype(np.float32), affine).to_filename(tmp_path / f"run{run}.nii.gz")
    runs = [tmp_path / f"run{run}.nii.gz" for run in (1, 2)]
    return DesignedRuns(runs, designs, tmp_path / "mask.nii.gz", files)


def test_two_runs_of_one_participant(two_runs, tmp_path, capsys):
    data = two_runs
    imgs = [data["func1"], data["func2"]]
    mean = mean_img(imgs[0], copy_header=True)
    design_matrices = [pd.DataFrame(np.load(file)["X"]) for file in (data["design_matrix1"], data["design_matrix2"])]
    assert [x.shape[1] for x in design_matrices] == [13, 13]
    model = FirstLevelModel(mask_img=data["mask"], smoothing_fwhm=5, minimize_memory=True)
    look = {"bg_img": mean, "threshold": 3.0, "cut_coords": [-129, -126, 49]}

    by_run = []
    for number, weights in enumerate(([[-1, -1, 1, 1]], np.array([[-1, -1, 1, 1]]))):
        fitted = model.fit(imgs[number], design_matrices=design_matrices[number])
        by_run.append(fitted.compute_contrast(weights, output_type="all"))
        display = plotting.plot_stat_map(by_run[-1]["z_score"], title=f"DSt_minus_SSt, run {number + 1}", **look)
        assert set(display.axes) == {"x", "y", "z"}

    # The document takes three maps; today's nilearn and we give the z scores, too, unless they are not wanted.
    of = {name: [maps[name] for maps in by_run] for name in ("effect_size", "effect_variance")}
    effect, variance, stat = compute_fixed_effects(*of.values(), data["mask"], return_z_score=False)
    plotting.plot_stat_map(stat, title="DSt_minus_SSt, fixed effects", **look)
    inside = get_data(nib.load(data["mask"])) > 0
    t = (get_data(effect) / np.sqrt(np.where(inside, get_data(variance), 1)))[inside]
    np.testing.assert_allclose(get_data(stat)[inside], t, rtol=1e-6)

    together = model.fit(imgs, design_matrices=design_matrices)
    z_map = together.compute_contrast([np.array([[-1, -1, 1, 1]])] * 2, output_type="z_score")
    plotting.plot_stat_map(z_map, title="DSt_minus_SSt, fixed effects", **look)
    plotting.show()
    both = together.compute_contrast([np.array([[-1, -1, 1, 1]])] * 2, output_type="stat")
    np.testing.assert_allclose(get_data(both)[inside], get_data(stat)[inside], rtol=1e-5)
    assert get_data(z_map).max() > max(get_data(maps["z_score"]).max() for maps in by_run)

    contrasts = {
        "SStSSp_minus_DStDSp": np.array([[1, 0, 0, -1]]),
        "DStDSp_minus_SStSSp": np.array([[-1, 0, 0, 1]]),
        "DSt_minus_SSt": np.array([[-1, -1, 1, 1]]),
        "DSp_minus_SSp": np.array([[-1, 1, -1, 1]]),
        "DSt_minus_SSt_for_DSp": np.array([[0, -1, 0, 1]]),
        "DSp_minus_SSp_for_DSt": np.array([[0, 0, -1, 1]]),
        "Deactivation": np.array([[-1, -1, -1, -1, 4]]),
        "Effects_of_interest": np.eye(design_matrices[0].shape[1])[:5, :],
    }
    maps = {}
    for number, (name, weights) in enumerate(contrasts.items()):
        print(f"  Contrast {number + 1:02g} out of {len(contrasts)}: {name}")
        maps[name] = model.compute_contrast(weights, output_type="z_score")
        maps[name].to_filename(tmp_path / f"{name}_z_map.nii.gz")
    assert "Contrast 08 out of 8: Effects_of_interest" in capsys.readouterr().out
    np.testing.assert_allclose(get_data(maps["DStDSp_minus_SStSSp"]), -get_data(maps["SStSSp_minus_DStDSp"]), atol=1e-9)
    report = together.generate_report(contrasts, bg_img=mean, title="two-runs fMRI model fitting")
    assert all(name in report.get_standalone() for name in contrasts)
    assert report.save_as_html(tmp_path / "report.html").stat().st_size > 10_000


# The page of the model ------------------------------------------------------------------------------------------------


def test_the_model_has_what_its_page_says():
    said = {
        **{"t_r": None, "slice_time_ref": 0.0, "hrf_model": "glover", "drift_model": "cosine", "high_pass": 0.01},
        **{"drift_order": 1, "fir_delays": None, "min_onset": -24, "mask_img": None, "target_affine": None},
        **{"target_shape": None, "smoothing_fwhm": None, "memory": None, "memory_level": 1, "standardize": False},
        **{"signal_scaling": 0, "noise_model": "ar1", "verbose": 0, "n_jobs": 1, "minimize_memory": True},
        **{"subject_label": None, "random_state": None},
    }
    arguments = signature(FirstLevelModel).parameters
    assert list(arguments)[: len(said)] == list(said)
    assert {name: arguments[name].default for name in said} == said
    fit = signature(FirstLevelModel.fit).parameters
    assert list(fit)[1:7] == ["run_imgs", "events", "confounds", "sample_masks", "design_matrices", "bins"]
    assert fit["bins"].default == 100
    asked = signature(FirstLevelModel.compute_contrast).parameters
    assert list(asked)[1:4] == ["contrast_def", "stat_type", "output_type"]
    assert asked["output_type"].default == "z_score"
    methods = ["fit", "compute_contrast", "generate_report", "get_params", "set_params"]
    assert all(callable(getattr(FirstLevelModel, name)) for name in methods)
    model = FirstLevelModel(**said)
    assert model.get_params(deep=False).items() >= said.items()
    assert model.set_params(noise_model="ols") is model


# One run of one participant -------------------------------------------------------------------------------------------


def test_one_run_of_one_participant(auditory_dir, tmp_path, capsys):
    blocks = {"onset": 42.0 * np.arange(16), "duration": 42.0, "trial_type": ["rest", "active"] * 8}
    pd.DataFrame(blocks).to_csv(tmp_path / "events.tsv", sep="\t", index=False)
    subject = FoundRun(auditory_dir / "sub-01_task-auditory_bold.nii.gz", tmp_path / "events.tsv", t_r=7.0)
    print(subject.func)
    scans = concat_imgs(subject.func)
    mean = mean_img(scans)
    plot_img(image.index_img(scans, 0))
    plot_anat(mean, title="anatomy")
    events = pd.read_table(subject["events"])

    model = FirstLevelModel(
        t_r=7, noise_model="ar1", standardize=False, hrf_model="spm", drift_model="cosine", high_pass=0.01
    )
    model = model.fit(scans, events)
    design = model.design_matrices_[0]
    assert list(design)[:2] == ["active", "rest"]
    outdir = os.path.join(tmp_path, "results")
    os.mkdir(outdir)
    plot_design_matrix(design)
    plot_design_matrix(design, output_file=os.path.join(outdir, "design_matrix.png"))
    plt.plot(design["active"])
    plt.title("Expected Auditory Response")
    plt.show()

    conditions = {
        name: row for name, row in zip(design, np.eye(design.shape[1]), strict=True) if name in blocks["trial_type"]
    }
    difference = conditions["active"] - conditions["rest"]
    plot_contrast_matrix(difference, design_matrix=design)
    effect = model.compute_contrast(difference, output_type="effect_size")
    z_map = model.compute_contrast(difference, output_type="z_score")
    look = {"bg_img": mean, "display_mode": "z", "cut_coords": 3, "black_bg": True}
    plot_stat_map(z_map, threshold=3.0, title="Active minus Rest (Z>3)", **look)
    printed = []
    for alpha, method in ((0.001, "fpr"), (0.05, "bonferroni"), (0.05, "fdr")):
        _, threshold = map_threshold(z_map, alpha=alpha, height_control=method)
        printed.append(f"{threshold:.3f}")
        plot_stat_map(z_map, threshold=threshold, title=f"Active minus Rest ({method})", **look)
    # The last is 2.760 in the document, whose mask was another release's.
    assert printed == ["3.090", "4.797", "2.758"]
    clean, threshold = map_threshold(z_map, alpha=0.05, height_control="fdr", cluster_threshold=10)
    plot_stat_map(clean, threshold=threshold, title="Active minus Rest (fdr, clusters of 10)", **look)
    z_map.to_filename(os.path.join(outdir, "active_vs_rest_z_map.nii.gz"))
    effect.to_filename(os.path.join(outdir, "active_vs_rest_eff_map.nii.gz"))

    # Ours keep their distance, theirs come back; see "Where we differ on purpose".
    table = get_clusters_table(z_map, stat_threshold=threshold, cluster_threshold=20)
    assert len(table) == 34
    table = get_clusters_table(z_map, stat_threshold=threshold, cluster_threshold=20, compat="nilearn")
    print(table)
    assert len(table) == 37
    first = table.set_index("Cluster ID").loc[1]
    assert first[["X", "Y", "Z", "Cluster Size (mm3)"]].tolist() == [-60, -6, 42, 4590]
    assert first["Peak Stat"] == pytest.approx(9.811979, abs=1e-5)
    table.to_csv(os.path.join(outdir, "table.csv"))

    effects_of_interest = np.vstack((conditions["active"], conditions["rest"]))
    plot_contrast_matrix(effects_of_interest, design)
    z_map = model.compute_contrast(effects_of_interest, output_type="z_score")
    clean, threshold = map_threshold(z_map, alpha=0.05, height_control="fdr", cluster_threshold=10)
    plot_stat_map(clean, threshold=threshold, title="Effects of interest (fdr, clusters of 10)", **look)
    show()


# A group --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def button_presses(tmp_path):
    """Maps of left against right of 16 participants, as the document's data set has them, in 8 mm."""
    rng = np.random.default_rng(0)
    affine = nib.affines.from_matvec(np.diag([8.0, 8, 8]), [-76.0, -112, -60])
    brain = np.zeros((20, 25, 19), bool)
    brain[2:18, 2:23, 2:17] = True
    files = {"cmaps": [], "tmaps": []}
    for kind, number in product(files, range(16)):
        data = np.where(brain, rng.normal(size=brain.shape), 0)
        data[13:16, 11:13, 12:15] += 3  # the right hand area
        data[4:7, 11:13, 12:15] -= 3
        made = nib.Nifti1Image(data.astype(np.float32), affine)
        made.set_sform(affine, "mni")
        files[kind].append(tmp_path / f"sub-S{number + 1:02}_{kind}.nii.gz")
        made.to_filename(files[kind][-1])
    participants = pd.DataFrame({"participant_id": [f"S{number + 1:02}" for number in range(16)]})
    return LocalizerMaps(files, participants)


def test_one_sample_of_a_group(button_presses):
    data = button_presses
    subjects = data["ext_vars"]["participant_id"].tolist()
    figure, axes = plt.subplots(nrows=4, ncols=4, figsize=(8, 8))
    for number, t_map in enumerate(data["tmaps"]):
        place = axes[int(number / 4), int(number % 4)]
        look = {"colorbar": False, "threshold": 2.0, "plot_abs": False, "display_mode": "z"}
        plotting.plot_glass_brain(t_map, title=subjects[number], axes=place, **look)
    figure.suptitle("subjects t_map left-right button press")
    plt.show()
    assert [place.get_title(loc="left") for place in axes.ravel()] == subjects

    maps = data["cmaps"]
    design_matrix = pd.DataFrame([1] * len(maps), columns=["intercept"])
    model = SecondLevelModel(smoothing_fwhm=8.0, n_jobs=2)
    model = model.fit(maps, design_matrix=design_matrix)
    z_map = model.compute_contrast(second_level_contrast="intercept", output_type="z_score")
    p001 = norm.isf(0.001)
    at = {"display_mode": "z", "plot_abs": False, "figure": plt.figure(figsize=(5, 5))}
    display = plotting.plot_glass_brain(z_map, threshold=p001, colorbar=True, title="group (unc p<0.001)", **at)
    plotting.show()
    assert display.figure is at["figure"]

    p_val = model.compute_contrast(output_type="p_value")
    n_voxels = np.sum(get_data(model.masker_.mask_img_))
    with np.errstate(divide="ignore"):
        neg_log_pval = math_img(f"-np.log10(np.minimum(1, img * {n_voxels!s}))", img=p_val)
    permuted = non_parametric_inference(
        maps,
        design_matrix=design_matrix,
        model_intercept=True,
        n_perm=500,
        two_sided_test=False,
        smoothing_fwhm=8.0,
        n_jobs=1,
        threshold=0.001,
        random_state=0,
    )
    # No p can be smaller than one of 501 arrangements.
    for name in ("logp_max_t", "logp_max_size", "logp_max_mass"):
        assert get_data(permuted[name]).max() == pytest.approx(np.log10(501))
    images = [neg_log_pval, *(permuted[f"logp_max_{name}"] for name in ("t", "size", "mass"))]
    titles = ["Parametric Test", "Permutation\n(voxels)", "Permutation\n(cluster size)", "Permutation\n(cluster mass)"]
    figure, axes = plt.subplots(figsize=(8, 8), nrows=2, ncols=2)
    for number, (row, column) in enumerate(product(range(2), range(2))):
        look = {"colorbar": True, "vmax": 2.69, "display_mode": "z", "plot_abs": False, "cut_coords": [0]}
        given = {"threshold": 1, "figure": figure, "axes": axes[row, column]}
        drawn = plotting.plot_glass_brain(images[number], **look, **given)
        axes[row, column].set_title(titles[number])
        (panel,) = drawn.axes.values()
        there = np.asarray(panel.images[-1].get_alpha()) > 0
        assert 0 < there.mean() < 0.2  # what is infinite outside the brain is not drawn as found
    figure.suptitle("Group left-right button press")
    plt.show()
