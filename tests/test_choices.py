"""A choice that a person adds to a table is told as it was made wherever an analysis is told; others are refused."""

import importlib
import pkgutil
import runpy
from dataclasses import dataclass, field
from typing import Any

import ipywidgets as W
import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from ipywidgets.widgets import widget as live_widgets
from scipy.special import ndtri

import glmwidgets
from glmwidgets.cli import main
from glmwidgets.datasets.broken import broken_run
from glmwidgets.glm.choices import Choices
from glmwidgets.glm.design.drift import Drift, drift_row
from glmwidgets.glm.design.matrix import make_first_level_design_matrix
from glmwidgets.glm.fit.contrasts import Contrast, compute_contrast
from glmwidgets.glm.fit.partition import partition
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.fit.statistics import Statistic
from glmwidgets.glm.group.fit import GROUP_ESTIMATORS, fit_group
from glmwidgets.glm.inference.cluster_p import CLUSTER_TESTS
from glmwidgets.glm.inference.heights import Threshold, threshold_method
from glmwidgets.glm.inference.random_fields import CLUSTER_METHODS, RandomField
from glmwidgets.glm.inference.smoothness import (
    Smoothness,
    SmoothnessMethod,
    neighbour_pairs,
    smoothness_of_residuals,
)
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.moments.scaling import Scaling, Standard, scaling_row, series_unit, standardize_signal
from glmwidgets.glm.noise.ar1 import AR1Precision
from glmwidgets.glm.noise.models import NoiseModel, NoiseParameter, noise_model_row
from glmwidgets.glm.noise.pooling import Pooling, neighbour_matrix
from glmwidgets.glm.noise.products import NoiseFit, lagged_products
from glmwidgets.glm.permutation.exchangeability import draw_rearrangements
from glmwidgets.glm.response.curves import gamma_density
from glmwidgets.glm.response.handles import GammaShape, dragged
from glmwidgets.glm.response.kernels import sampled
from glmwidgets.glm.response.table import HRF
from glmwidgets.images.clean import clean_series
from glmwidgets.images.resample import resample_img
from glmwidgets.models.first_level import FirstLevelModel
from glmwidgets.models.permutation_inference import non_parametric_inference
from glmwidgets.models.second_level import SecondLevelModel
from glmwidgets.panels.group.explorer import GroupExplorer
from glmwidgets.panels.run.explorer import Explorer
from glmwidgets.panels.runs.explorer import RunsExplorer
from glmwidgets.panels.shared.commands import commands_of, panels_of
from glmwidgets.regions.labels import Label
from glmwidgets.regions.tables import LabelFormat, parse_labels
from glmwidgets.report.exports.script import write_script
from glmwidgets.report.exports.stats_model import write_stats_model
from glmwidgets.report.exports.stats_model_read import read_stats_model
from glmwidgets.report.figures.cuts import find_cut_slices
from glmwidgets.report.page.methods import methods_text
from glmwidgets.report.page.subject import study_of_model, study_of_result
from glmwidgets.runs.backgrounds import Background
from glmwidgets.runs.bids_confounds import STRATEGIES, load_confounds
from glmwidgets.session.core.lessons import Lesson
from glmwidgets.session.core.reasons import Reason
from glmwidgets.session.group.data import open_group
from glmwidgets.session.group.session import GroupSession
from glmwidgets.session.group.tests import TESTS, GroupTest
from glmwidgets.session.several.runs import RunSet
from glmwidgets.session.single.analysis import Analysis
from glmwidgets.specification.fixed import Weighting
from glmwidgets.specification.search import Search, search_region
from glmwidgets.specification.series import CarpetOrder
from glmwidgets.specification.settings import Settings
from glmwidgets.specification.words import describe_changes
from glmwidgets.study.across_runs import Seen, Together
from glmwidgets.study.exclusions import parse_rule
from glmwidgets.study.figure import Figure
from glmwidgets.study.figures import figures_of
from glmwidgets.study.gather import definitions
from glmwidgets.study.index import StudyRun
from glmwidgets.study.refit import RunRefit, StudyAnswer

# Rows that are added, one in each table -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Added:
    """A row, and how it is chosen and told."""

    table: str
    name: str
    row: Any
    setting: str = ""
    #: Other settings that are changed with it.
    beside: dict = field(default_factory=dict)
    #: Its words in a methods text, after "noise pooled" or another verb in a ledger, and in a menu.
    methods: str = ""
    ledger: str = ""
    menu: str = ""
    #: The option of the command line that takes it.
    flag: str = ""


def legendre(frame_times, high_pass, drift_order):
    """Legendre polynomials on the run, as docs/extending.md adds them."""
    x = np.interp(frame_times, [frame_times[0], frame_times[-1]], [-1, 1])
    return np.polynomial.legendre.legvander(x, drift_order)[:, 1:]


def known_rho(moments, basis):
    """First-order autoregression with rho = 0.3 in every voxel."""
    parts = lagged_products(moments, basis, order=1)
    precision = AR1Precision(basis, np.full(moments.n_voxels, 0.3), ends=(0, -1))
    coefficients, rss = precision.estimate(parts)
    return NoiseFit(coefficients + parts.taken, rss, precision.covariance, {"rho": precision.rho})


def sidak(z_values, alpha, two_sided):
    """``P(Z > threshold) = 1 - (1 - alpha)^(1/n)``; half of it on each side."""
    one = 1 - (1 - alpha) ** (1 / z_values.size)
    return -ndtri(one / 2 if two_sided else one)


def twice_around(curves, usable, neighbours):
    """The mean over neighbours of neighbours."""
    wide = neighbours @ neighbours
    share = wide @ usable.astype(float)
    return np.divide((wide @ curves.T).T, share, out=np.zeros_like(curves), where=share > 0)


def boynton(t_r, oversampling):
    return sampled(lambda t: gamma_density(np.asarray(t) - 2.05, 3, 1.08), t_r, oversampling)


#: Of the model of a run and what is asked of it: told by texts, scripts, Stats Models and the command line.
MODEL_ROWS = [
    Added(
        "HRFS",
        "boynton",
        HRF("boynton", "Boynton", "A delayed gamma.", "g(t - delay; 3, tau)", "Boynton et al. 1996", boynton),
        "design.hrf_model",
        methods="boynton",
        ledger="HRF spm → boynton",
        menu="Boynton",
        flag="--hrf",
    ),
    Added(
        "DRIFTS",
        "legendre",
        Drift("legendre", "Legendre", "Legendre polynomials up to an order.", legendre, setting="drift_order"),
        "design.drift_model",
        beside={"design.drift_order": 3},
        methods="Legendre",
        ledger="drift cosine → legendre",
        menu="Legendre",
        flag="--drift",
    ),
    Added(
        "NOISE_MODELS",
        "known",
        NoiseModel(
            "known",
            "AR(1), known",
            "First-order autoregression of known rho.",
            "If rho is 0.3.",
            known_rho,
            parameters=(NoiseParameter("rho", "ρ", "phi", is_lag_one=True, estimated=False),),
        ),
        "noise.model",
        methods="AR(1), known",
        ledger="→ AR(1), known",
        menu="AR(1), known",
        flag="--noise",
    ),
    Added(
        "POOLINGS",
        "twice",
        Pooling("shared two steps around", "two steps around", "those within two steps", twice_around, True),
        "noise.pooling",
        beside={"noise.model": "ar1-reml"},
        methods="with those within two steps",
        ledger="noise pooled each voxel's own → two steps around",
        menu="shared two steps around",
        flag="--pooling",
    ),
    Added(
        "SCALINGS",
        "median",
        Scaling("median", "median", "% of each voxel's median", lambda y: np.median(y, axis=0)),
        "data.signal_scaling",
        methods="percent of each voxel's median",
        ledger="→ % of each voxel's median",
        menu="% of each voxel's median",
        flag="--scaling",
    ),
    Added(
        "THRESHOLDS",
        "sidak",
        Threshold(sidak, "Šidák", "The chance that even one of independent voxels without effect passes is alpha."),
        "threshold.height_control",
        beside={"threshold.alpha": 0.05},
        methods="Šidák, alpha 0.05",
        ledger="threshold p, uncorrected → Šidák",
        menu="Šidák",
        flag="--threshold",
    ),
]

#: Of how a result is looked at: menus and saved sessions have them.
VIEW_ROWS = [
    Added(
        "STATISTICS",
        "at_least",
        Statistic("effect at least", "≥", "What the effect is at least.", lambda of: of.contrast.effect[0] - 1),
        "map.statistic",
        menu="effect at least",
    ),
    Added(
        "BACKGROUNDS",
        "last",
        Background("last scan", lambda run: run.reader.scan(-1)),
        "map.background",
        menu="last scan",
    ),
    Added("ORDERS", "effect", CarpetOrder("by effect", lambda result: result.z), "series.order", menu="rows by effect"),
]

WEIGHTING = Added(
    "WEIGHTINGS",
    "first",
    Weighting("the first run alone", lambda contrasts, dof_method: contrasts[0]),
    "runs.weighting",
    ledger="→ the first run alone",
    menu="the first run alone",
)
ESTIMATOR = Added(
    "GROUP_ESTIMATORS",
    "ols_again",
    GROUP_ESTIMATORS["ols"]._replace(said="least squares once more"),
    methods="least squares once more",
)
TEST = Added("TESTS", "sign", GroupTest("sign", "is the mean above zero?", TESTS["one_sample"].changes), menu="sign")
STRATEGY = Added("STRATEGIES", "six", STRATEGIES["motion"], flag="--strategy")

#: Of what the explorer's search finds, by their keys there.
FOUND_ROWS = [
    Added("LESSONS", "15_rivers", Lesson("Rivers", "How rivers run."), menu="lesson 15_rivers"),
    Added("REASONS", "river", Reason("Why is there a river?", lambda facts: None, "04_parameters"), menu="why river"),
]

#: Of the engine, and of files: told by what they answer.
SMOOTH = Added(
    "SMOOTHNESS",
    "rough",
    SmoothnessMethod("rough", lambda correlations: Smoothness((1.0, 1.0, 1.0), 1.0), "nobody"),
    "threshold.smoothness",
    flag="--smoothness",
)
TEST_OF_CLUSTERS = Added(
    "CLUSTER_TESTS",
    "always",
    CLUSTER_TESTS["rft"]._replace(
        label="always there",
        phrase="a p of one",
        size_p=lambda size, forming, field, table: (np.ones(size.shape), np.ones(size.shape)),
    ),
    "threshold.cluster_p",
    methods="P values of clusters are by a p of one",
    ledger="p of clusters no p of clusters → always there",
    menu="always there",
    flag="--cluster-p",
)
SEARCH = Added(
    "SEARCHES",
    "left",
    Search("left of {} mm", float, lambda rest, domain: np.indices(domain.shape)[0] < float(rest), "left X"),
)
SIZES = Added("CLUSTER_METHODS", "none", CLUSTER_METHODS["spm"]._replace(clusters=lambda field, z: 0 * z))
FORMAT = Added(
    "FORMATS",
    "rivers",
    LabelFormat("rivers", lambda text: text.startswith("rivers"), lambda text, name: [Label(7, text.split()[1])]),
)
STANDARD = Added(
    "STANDARDS", "sign", Standard("sign", "replaced by their signs", lambda y, centred: np.sign(y - y.mean(axis=0)))
)

FIGURE = Added(
    "FIGURES",
    "rivers",
    Figure("rivers", "number of rivers", "rivers", "input", "Rivers that a map shows.", lambda seen: 3.0, side="high"),
)


def _tables():
    """Every table of choices of the package, by the name it has in its module."""
    found = {}
    for module in pkgutil.walk_packages(glmwidgets.__path__, "glmwidgets."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Choices):
                found[name] = value
    return found


EVERY_ROW = [
    *MODEL_ROWS,
    *VIEW_ROWS,
    *FOUND_ROWS,
    WEIGHTING,
    ESTIMATOR,
    TEST,
    STRATEGY,
    SMOOTH,
    TEST_OF_CLUSTERS,
    SEARCH,
    SIZES,
    FORMAT,
    STANDARD,
    FIGURE,
]


def test_every_table_has_a_row_here():
    assert set(_tables()) == {added.table for added in EVERY_ROW}


@pytest.fixture
def added(request):
    """A row, which is in its table for as long as a test takes."""
    table = _tables()[request.param.table]
    table[request.param.name] = request.param.row
    yield request.param
    del table[request.param.name]


def each(rows):
    return pytest.mark.parametrize("added", rows, indirect=True, ids=lambda added: added.table)


@pytest.fixture
def chosen(added, session):
    """The session with that row chosen, and its settings before."""
    assert session.update({"contrast.expression": "face"})
    before = session.settings
    assert session.update({added.setting: added.name, **added.beside}), session.error
    return session, before


@each([*MODEL_ROWS, *VIEW_ROWS, TEST_OF_CLUSTERS])
def test_settings_hold_it_and_keep_it(added, chosen):
    session, before = chosen
    assert session.result is not None
    assert type(before).from_json(session.settings.to_json()) == session.settings


@each([*MODEL_ROWS, TEST_OF_CLUSTERS])
def test_the_ledger_says_what_changed(added, chosen):
    session, before = chosen
    assert added.ledger in describe_changes(session.settings, before)
    assert added.ledger.split("→")[-1].strip() in session.ledger.entries[-1].words


@each([*MODEL_ROWS, TEST_OF_CLUSTERS])
def test_the_methods_text_tells_of_it(added, chosen):
    session, _ = chosen
    methods = methods_text(study_of_result(session.analysis, session.result, session.clusters))
    assert added.methods in methods
    assert "No drift" not in methods


def afresh(run, settings):
    """The map of an analysis that has seen no other model."""
    return Analysis(run).result(settings).z


@each([*MODEL_ROWS, TEST_OF_CLUSTERS])
def test_the_script_repeats_the_map_bit_for_bit(added, chosen, tmp_path, monkeypatch, capsys):
    session, _ = chosen
    monkeypatch.chdir(tmp_path)  # results lie where a script is run
    path = write_script(session, tmp_path / "analysis.py")
    # What has to be added first, for a reader who has not.
    assert f"{added.table}[{added.name!r}]" in path.read_text().split("import")[0]
    runpy.run_path(str(path))
    z = np.asarray(nib.load(tmp_path / "analysis_results" / "face_z_score.nii.gz").dataobj)[session.result.mask]
    np.testing.assert_array_equal(z, session.result.z)
    assert f"z above {session.result.threshold:.3f}" in capsys.readouterr().out


@each(MODEL_ROWS)
def test_the_script_for_nilearn_runs_and_says_what_differs(added, chosen, tmp_path, monkeypatch):
    session, _ = chosen
    monkeypatch.chdir(tmp_path)
    path = write_script(session, tmp_path / "theirs.py", "nilearn")
    head, code = path.read_text().split("\nfrom pathlib" if "\nfrom pathlib" in path.read_text() else "\nimport", 1)
    assert repr(added.name) in head
    assert added.name not in code
    runpy.run_path(str(path))
    (written,) = (tmp_path / "theirs_results").glob("*z_score*")
    if "the maps differ" not in head and "so that maps differ" not in head:
        z = np.asarray(nib.load(written).dataobj)[session.result.mask]
        np.testing.assert_allclose(z, session.result.z, atol=1e-6)


@each([added for added in MODEL_ROWS if added.table != "THRESHOLDS"])  # the format has none
def test_a_stats_model_holds_it(added, chosen, tmp_path):
    session, _ = chosen
    path = write_stats_model(tmp_path / "model-x_smdl.json", session)
    assert f"{added.table}[{added.name!r}]" in path.read_text()
    settings = read_stats_model(path).settings()
    assert settings.get(added.setting) == added.name
    np.testing.assert_array_equal(afresh(session.run, settings), afresh(session.run, session.settings))


@each([*MODEL_ROWS, *VIEW_ROWS, TEST_OF_CLUSTERS])
def test_a_menu_offers_it_and_shows_it(added, chosen):
    session, before = chosen
    explorer = Explorer(session)
    try:
        # Menus are made, or told to a page, when they are asked for.
        explorer.map.view.value = True
        session.update({"series.tab": "carpet"})
        for panel in panels_of(explorer).values():
            panel.unfold()
        (menu,) = [each for each in _dropdowns() if (added.menu, added.name) in _options(each)]
        assert menu.value == added.name
        menu.value = next(value for _, value in _options(menu) if value == before.get(added.setting) or value)
        assert session.settings.get(added.setting) != added.name
        menu.value = added.name
        assert session.settings.get(added.setting) == added.name
    finally:
        explorer.close()


def _dropdowns():
    return [each for each in live_widgets._instances.values() if isinstance(each, W.Dropdown)]


def _options(menu):
    return [each if isinstance(each, tuple) else (each, each) for each in menu.options]


@each([added for added in EVERY_ROW if added.flag])
def test_the_help_of_the_command_line_names_it(added, capsys):
    with pytest.raises(SystemExit):
        main(["fit", "--help"])
    option = capsys.readouterr().out.split(f"\n  {added.flag} ", 1)[1].split("\n  --", 1)[0]
    assert added.name in option


@each(MODEL_ROWS)
def test_the_command_line_takes_it(added, run, tmp_path):
    nib.save(run.img, tmp_path / "bold.nii.gz")
    nib.save(run.mask_img, tmp_path / "mask.nii.gz")
    run.events.to_csv(tmp_path / "events.tsv", sep="\t", index=False)
    words = [tmp_path / "bold.nii.gz", "--events", tmp_path / "events.tsv", "--mask", tmp_path / "mask.nii.gz"]
    words += ["--contrast", "face", "--out", tmp_path / "out", added.flag, added.name]
    words += ["--noise", "ar1-reml"] if added.table == "POOLINGS" else []
    assert main(["fit", *map(str, words)]) == 0
    assert Settings.load(tmp_path / "out" / "settings.json").get(added.setting) == added.name


@each([WEIGHTING])
def test_runs_are_combined_by_it(added, two_runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    explorer = RunsExplorer(RunSet(two_runs, {"noise.model": "ar1", "contrast.expression": "face"}, synchronous=True))
    try:
        explorer.go_to(2)
        session = explorer.session
        before = session.settings
        (menu,) = [each for each in _dropdowns() if (added.menu, added.name) in _options(each)]
        menu.value = added.name
        assert session.settings.runs.weighting == added.name
        assert added.ledger in describe_changes(session.settings, before)
        explorer.script(tmp_path / "both.py")
        assert "WEIGHTINGS['first']" in (tmp_path / "both.py").read_text().split("import")[0]
        runpy.run_path("both.py")
        z = np.asarray(nib.load(tmp_path / "both_results" / "face_z_score.nii.gz").dataobj)
        np.testing.assert_array_equal(z[session.result.mask], session.result.z)
    finally:
        explorer.close()


@each([ESTIMATOR])
def test_a_group_is_estimated_by_it(added):
    model, own = (SecondLevelModel(estimator=name).fit(_maps()) for name in (added.name, "ols"))
    np.testing.assert_array_equal(model.contrast().stat(), own.contrast().stat())
    assert added.methods in methods_text(study_of_model(model, None))


@each(FOUND_ROWS)
def test_the_search_finds_it(added, session):
    explorer = Explorer(session)
    try:
        assert added.menu in {command.key for command in commands_of(explorer)}
    finally:
        explorer.close()


@each([SMOOTH])
def test_smoothness_is_estimated_by_it(added):
    pairs = neighbour_pairs(np.ones((3, 3, 3), bool))
    residuals = np.random.default_rng(0).standard_normal((9, 27))
    assert smoothness_of_residuals(residuals, pairs, added.name) == Smoothness((1.0, 1.0, 1.0), 1.0)


@each([SEARCH])
def test_a_region_is_searched_by_it(added, session):
    assert session.update({"threshold.search": "left 5"}), session.error
    result = session.result
    assert result.searched.values.size == (search_region("left 5", result.domain) & result.mask).sum()
    assert "left of 5 mm" in methods_text(study_of_result(session.analysis, result, session.clusters))
    with pytest.raises(ValueError, match="could not convert"):
        Settings().updated({"threshold.search": "left side"})


@each([SIZES])
def test_clusters_are_expected_by_it(added):
    field = RandomField((1, 6, 12, 8), 27.0, 1000, method=added.name)
    assert field.peak_p(3.0) == 0


@each([FORMAT])
def test_a_table_of_names_is_read_by_it(added):
    assert parse_labels("rivers Thames")[7].name == "Thames"


@each([STANDARD])
def test_series_are_brought_to_it(added):
    y = np.array([[1.0], [2.0], [6.0]])
    assert standardize_signal(y, added.name).ravel().tolist() == [-1, -1, 1]
    assert series_unit(0, added.name) == "sign"


@each([TEST])
def test_a_button_asks_for_it(added):
    explorer = GroupExplorer(GroupSession(open_group(_maps()), synchronous=True))
    try:
        explorer.model.tests[added.name].click()
        assert explorer.session.settings.contrast.expression == "intercept"
    finally:
        explorer.close()


# What an added drift is made of --------------------------------------------------------------------------------------


@each([added for added in MODEL_ROWS if added.table == "DRIFTS"])
def test_its_columns_are_in_the_design(added, chosen):
    session, _ = chosen
    result = session.result
    assert [name for name in result.design.columns if name.startswith("drift")] == ["drift_1", "drift_2", "drift_3"]
    # An independent account of the space that the columns span: powers of time up to the third.
    powers = np.vander(np.linspace(-1, 1, len(result.design)), 4)
    drifts = result.design.filter(regex="drift|constant").to_numpy()
    assert np.linalg.matrix_rank(np.hstack([powers, drifts])) == 4


# Choices that nobody knows ------------------------------------------------------------------------------------------


def _refused(call, name, meant=None):
    """That a call is refused with the argument, what there is, and the nearest spelling."""
    with pytest.raises(ValueError, match=rf"^{name} must be .*, not ") as raised:
        call()
    if meant is not None:
        assert f"did you mean {meant!r}?" in str(raised.value)


def _maps(n=8):
    rng = np.random.default_rng(0)
    return [nib.Nifti1Image(rng.standard_normal((4, 4, 4)) + 1, np.eye(4)) for _ in range(n)]


@pytest.mark.parametrize(("stat_type", "meant"), [("T", "t"), ("f", "F"), ("foo", None), ("", None), (1, None)])
def test_a_test_of_an_unknown_kind_is_no_f_test(stat_type, meant):
    model = SecondLevelModel().fit(_maps())
    _refused(lambda: model.compute_contrast(second_level_stat_type=stat_type), "second_level_stat_type", meant)
    _refused(lambda: model.contrast(stat_type=stat_type), "stat_type", meant)
    _refused(
        lambda: non_parametric_inference(_maps(), second_level_stat_type=stat_type), "second_level_stat_type", meant
    )
    _refused(lambda: partition(np.ones((5, 1)), [1.0], stat_type), "stat_type", meant)
    _refused(lambda: Contrast(np.ones((1, 2)), np.ones((1, 1, 2)), 3.0, stat_type), "stat_type", meant)
    fit = fit_glm(Moments(np.random.default_rng(0).normal(size=(20, 3))), np.ones((20, 1)))
    _refused(lambda: compute_contrast(fit, [1.0], stat_type), "stat_type", meant)


def test_the_reference_refuses_an_unknown_kind_of_test_with_the_same_type():
    reference = pytest.importorskip("nilearn.glm.second_level").SecondLevelModel
    fitted = reference(mask_img=nib.Nifti1Image(np.ones((4, 4, 4), np.uint8), np.eye(4))).fit(
        _maps(), design_matrix=pd.DataFrame({"intercept": np.ones(8)})
    )
    with pytest.raises(ValueError, match="foo"):
        fitted.compute_contrast(second_level_stat_type="foo")


def _runs(n):
    rng = np.random.default_rng(1)
    events = pd.DataFrame({"onset": [4.0, 30.0, 56.0, 82.0], "duration": 8.0, "trial_type": ["a", "b"] * 2})
    imgs = [nib.Nifti1Image((100 + rng.standard_normal((3, 3, 3, 50))).astype(np.float32), np.eye(4)) for _ in range(n)]
    return FirstLevelModel(t_r=2.0, mask_img=False, noise_model="ols").fit(imgs, [events] * n)


def test_two_contrasts_for_three_runs_are_no_f_test():
    model = _runs(3)
    n_columns = len(model.design_matrices_[0].columns)
    two = [np.eye(n_columns)[0], np.eye(n_columns)[1]]
    for given in (two, ["a", "b"], [list(row) for row in two]):
        with pytest.raises(ValueError, match="2 contrasts were given for 3 runs"):
            model.compute_contrast(given)
    one = model.compute_contrast(["a"], output_type="stat").get_fdata()
    np.testing.assert_array_equal(one, model.compute_contrast("a", output_type="stat").get_fdata())
    # The rows of an F test are asked for as what they are.
    asked = model.compute_contrast(np.array(two), output_type="stat").get_fdata()
    np.testing.assert_allclose(asked, model.compute_contrast("a; b", output_type="stat").get_fdata(), rtol=1e-10)


def test_a_choice_that_one_run_does_not_need_is_refused_all_the_same():
    model = _runs(1)
    _refused(lambda: model.compute_contrast("a", f_method="Wald"), "f_method", "wald")
    _refused(lambda: model.compute_contrast("a", missing="skpi"), "missing", "skip")
    _refused(lambda: model.compute_contrast("a", stat_type="T"), "stat_type", "t")
    _refused(lambda: model.compute_contrast("a", output_type="zscore"), "output_type", "z_score")


@pytest.mark.parametrize(
    ("call", "name", "meant"),
    [
        (lambda: drift_row("cosin"), "drift_model", "cosine"),
        (lambda: threshold_method("FDR"), "height_control", "fdr"),
        (lambda: Moments(np.ones((3, 2)), precision="float_32"), "precision", "float32"),
        (lambda: neighbour_matrix(np.ones((2, 2, 2), bool), 4), "connectivity", None),
        (lambda: fit_group(np.ones((3, 2)), np.ones((3, 1)), "OLS"), "estimator", "ols"),
        (lambda: draw_rearrangements(None, 5, scheme="signflip"), "scheme", "sign_flip"),
        (lambda: dragged(GammaShape(), "peek", 1.0, 1.0), "handle", "peak"),
        (lambda: make_first_level_design_matrix(np.arange(9.0), outside="Warn"), "outside", "warn"),
        (lambda: clean_series(np.ones((5, 2)), standardize="zscore"), "standardize", "zscore_sample"),
        (lambda: resample_img(_maps(1)[0], np.eye(3), interpolation="cubic"), "interpolation", None),
        (lambda: noise_model_row("AR1"), "noise_model", "ar1"),
        (lambda: scaling_row("voxels"), "signal_scaling", "voxel"),
        (lambda: find_cut_slices(_maps(1)[0], "X"), "direction", "x"),
        (lambda: load_confounds("confounds.tsv", "motions"), "strategy", "motion"),
        (lambda: broken_run("wrong tr"), "what", "wrong TR"),
    ],
)
def test_a_misspelt_choice_is_refused_with_the_nearest(call, name, meant):
    _refused(call, name, meant)


@each([FIGURE])
def test_a_figure_is_in_the_table_its_definitions_and_rules(added):
    part = RunRefit(0, "run", why_not="not made yet")
    together = Together(StudyAnswer("a", (part,), (None,), ("not made yet",), ("01",)))
    assert figures_of(Seen(0, StudyRun("run", "01"), part, None, "a", together))[added.name] == 3
    assert definitions()[added.name]["Description"] == "Rivers that a map shows."
    assert parse_rule("rivers ge 2").said == "number of rivers at least 2 rivers"
