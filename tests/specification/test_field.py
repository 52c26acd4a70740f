"""What is known of each setting: all that applies is there, and names what exists elsewhere."""

import dataclasses
import inspect

import nilearn.glm
import nilearn.glm.first_level
import nilearn.reporting
import pytest

import glmwidgets.models as ours
from glmwidgets.specification.field import Field, SettingsError
from glmwidgets.specification.fixed import FixedSettings
from glmwidgets.specification.group import GroupSettings
from glmwidgets.specification.model import Model
from glmwidgets.specification.question import Question
from glmwidgets.specification.settings import Settings, View

TREES = (Settings, FixedSettings, GroupSettings)
ALL = [(tree, path) for tree in TREES for path in tree.known()]

#: Settings that no option writes: what is given as the argument itself, what is edited by hand, a list that is at hand.
NO_OPTION = {
    "inputs.said_by",
    "inputs.frame_times",
    *("inputs.bold", "inputs.anatomical", "events.table", "events.shift", "events.modulated", "events.modulated_by"),
    *("contrast.names", "contrast.expressions", "contrast.active"),
    *("design.source", "design.shifted", "design.orthogonalised"),
    *("data.t_r", "data.slice_time_ref"),  # --t-r and --slice-time-ref say with what a run is opened
}
#: Parameters of the estimator that say where and how loudly to compute, or that only scripts have.
NO_SETTING = {
    *("target_affine", "target_shape", "memory", "memory_level", "verbose", "n_jobs"),
    *("minimize_memory", "subject_label", "random_state", "precision"),
}


def callables(of):
    """A function or class of the package by its name, and nilearn's of the same name."""
    name, _, method = of.partition(".")
    places = (nilearn.glm.first_level, nilearn.glm.second_level, nilearn.glm, nilearn.reporting)
    theirs = next((getattr(place, name) for place in places if hasattr(place, name)), None)
    mine = getattr(ours, name)
    return (getattr(mine, method), getattr(theirs, method)) if method else (mine, theirs)


@pytest.mark.parametrize(("tree", "path"), ALL)
def test_a_setting_has_a_name_and_words_for_its_default(tree, path):
    known = tree.field(path)
    assert isinstance(known, Field)
    assert known.label
    value = tree().get(path)
    assert known.words(value)
    if known.unit and known.say is None and value is not None:
        assert known.words(value).endswith(known.unit)


@pytest.mark.parametrize("path", [path for path in Settings.known() if Settings.matters(path)])
def test_what_the_command_line_asks_for(path):
    options = Settings.field(path).options
    assert bool(options) == (path not in NO_OPTION)
    for option in options:
        assert option.flag.startswith("--")
        assert option.help


def test_no_option_stands_for_two_settings():
    flags = [option.flag for known in Settings.known().values() for option in known.options]
    assert len(flags) == len(set(flags))


@pytest.mark.parametrize(("tree", "path"), [pair for pair in ALL if pair[0].field(pair[1]).argument])
def test_an_argument_exists_here_and_in_nilearn(tree, path):
    argument = tree.field(path).argument
    mine, theirs = map(lambda f: f and inspect.signature(f).parameters, callables(argument.of))
    assert argument.name in mine or "options" in mine  # which are handed on
    if argument.theirs is not None and theirs is not None:
        assert argument.theirs in theirs


def test_every_parameter_of_the_estimator_is_a_setting_or_none():
    settings = {
        known.argument.name
        for known in Settings.known().values()
        if known.argument is not None and known.argument.of == "FirstLevelModel"
    }
    assert settings | NO_SETTING == set(inspect.signature(ours.FirstLevelModel).parameters)
    assert not settings & NO_SETTING


@pytest.mark.parametrize("path", [p for p in Model.known() if Model.field(p).argument])
def test_an_argument_comes_back_as_the_setting(path):
    known = Model.field(path)
    for value in (Model().get(path), *known.alternatives):
        assert known.argument.back(known.argument.to(value)) == value


@pytest.mark.parametrize("path", [*Model.known(), *Question.known()])
def test_what_has_no_argument_is_told_in_words_or_by_a_stats_model(path):
    known = Settings.field(path)
    told = known.argument is not None or known.bids or known.said is not None
    assert told or path in {"events.modulated_by", "contrast.active"}


@pytest.mark.parametrize(("tree", "path"), ALL)
def test_what_a_setting_needs_can_be_had(tree, path):
    for need in tree.field(path).needs:
        values = list(need.values())
        assert values
        wanted = next(value for value in values if value is None or tree.field(need.path).closed or value in values)
        assert need.path in tree.known()
        if need.path == "design.hrf_model":
            wanted = "fir"
        assert need.met(tree().updated({need.path: wanted}))


@pytest.mark.parametrize(("tree", "path"), [pair for pair in ALL if pair[0].field(pair[1]).alternatives])
def test_alternatives_can_be_chosen(tree, path):
    known = tree.field(path)
    assert len(set(known.alternatives)) == len(known.alternatives) > 1
    for value in known.alternatives:
        assert tree().updated({path: value}).get(path) == value


@pytest.mark.parametrize(("tree", "path"), [pair for pair in ALL if pair[0].field(pair[1]).choices is not None])
def test_choices_are_closed_or_owned(tree, path):
    wrong = ("no such",) if isinstance(tree().get(path), tuple) else "no such"
    with pytest.raises(SettingsError) as caught:
        tree().updated({path: wrong})
    assert caught.value.path == path


def test_a_setting_without_effect_is_known():
    settings = Settings()
    without = [path for path, known in Settings.known().items() if known.lacking(settings)]
    given = ["design.left_out", "design.shifted", "design.orthogonalised"]
    assert without == ["design.fir_delays", "design.drift_order", *given, "threshold.value", "threshold.share"]
    changed = settings.updated({"design.drift_model": "polynomial", "noise.model": "ols", "inputs.mask": "mask.nii"})
    now = {path for path, known in Settings.known().items() if known.lacking(changed)}
    assert now == {
        *("data.mask_cut", "data.whole_field", "design.fir_delays", "design.high_pass"),
        *("noise.pooling", "noise.bins", "threshold.value", "threshold.share"),
        *given,
    }
    made = {path for path, known in Settings.known().items() if known.argument and path.startswith("design.")}
    elsewhere = settings.updated({"design.source": "given"})
    assert made <= {path for path, known in Settings.known().items() if known.lacking(elsewhere)}


def test_the_tree_is_a_model_a_question_and_a_view():
    settings = Settings().updated({"noise.model": "ols", "map.view": "glass"})
    assert settings.part(Model).noise.model == "ols"
    assert settings.part(View).map.view == "glass"
    parts = {group.name for kind in (Model, Question, View) for group in dataclasses.fields(kind)}
    assert parts | {"inputs"} == {group.name for group in dataclasses.fields(Settings)}
    assert Settings.paths()[0] == "inputs.bold"  # and in the order in which a person thinks of them
