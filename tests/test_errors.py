"""Every error of the package: its fields, what each door is told, and the way to another process and back."""

import concurrent.futures
import importlib
import inspect
import multiprocessing
import pickle
import pkgutil
from dataclasses import replace

import pytest

import glmwidgets
from glmwidgets.cli import CommandError
from glmwidgets.datasets.download import DownloadError
from glmwidgets.execution.lanes import LaneDied
from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.errors import (
    DOORS,
    GlmwidgetsError,
    InputError,
    KindError,
    MissingFileError,
    NoFreedomError,
    NotEstimableError,
    about,
    told,
)
from glmwidgets.glm.fit.grammar import ExpressionError
from glmwidgets.glm.fit.statistics import NotHere
from glmwidgets.models.base import NotFittedError
from glmwidgets.runs.bids import BidsQuestion
from glmwidgets.session.core.declared import UndeclaredRead
from glmwidgets.session.core.graph import StageError
from glmwidgets.session.core.scheduler import Superseded
from glmwidgets.session.core.waiting import NoResult
from glmwidgets.specification.field import SettingsError

ADVICE = {"function": "give t_r=", "terminal": "give --t-r"}


class Stubborn(ValueError):
    """What pickle makes again only to fail."""

    def __init__(self, one, other):
        super().__init__(f"{one} and {other}")


EXAMPLES = [
    GlmwidgetsError("wrong", advice=ADVICE, where="events.tsv, row 3"),
    InputError("wrong", advice=ADVICE, where="t_r"),
    KindError("no table", advice="give a table"),
    MissingFileError("no file", advice="look elsewhere"),
    NotEstimableError("cannot be told", advice="ask less"),
    NoFreedomError("60 columns for 60 scans", advice="ask less"),
    ExpressionError("no column", position=3, token="fase", suggestion="face", advice="The columns are: face"),
    BidsQuestion("which one?", ["run=1", "run=2"], ADVICE),
    DownloadError("broke off", advice="call again"),
    NotFittedError("not fitted"),
    SettingsError("design.high_pass", "must be at least 0", ADVICE),
    StageError("contrast", ExpressionError("no column", position=3, advice="The columns are: face")),
    NotHere("an F test has none"),
    NoResult("the mask is empty", "mask", "mend that first"),
    CommandError("cannot listen", advice="choose another with --port"),
    UndeclaredRead("design", "noise.model"),
    Superseded(),
    LaneDied(),
]


def classes_defined():
    found = set()
    for module in pkgutil.walk_packages(glmwidgets.__path__, "glmwidgets."):
        if not module.name.endswith("__main__"):
            inside = vars(importlib.import_module(module.name)).values()
            found |= {one for one in inside if inspect.isclass(one) and issubclass(one, BaseException)}
    return {one for one in found if one.__module__.startswith("glmwidgets") and not issubclass(one, Warning)}


def fields(error):
    return {name: repr(value) for name, value in vars(error).items()}


def test_every_error_class_has_an_example_and_derives_from_one():
    assert {type(example) for example in EXAMPLES} == classes_defined()
    # What stops a job from within is no error.
    assert all(issubclass(one, GlmwidgetsError) for one in classes_defined() - {Superseded})


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_errors_survive_pickling_with_all_their_fields(error, protocol):
    again = pickle.loads(pickle.dumps(error, protocol))
    assert type(again) is type(error)
    assert (str(again), again.args, fields(again)) == (str(error), error.args, fields(error))
    if isinstance(error, GlmwidgetsError):
        assert [again.said(door) for door in DOORS] == [error.said(door) for door in DOORS]


def fail_at_a_stage(cause):
    raise StageError("fit", cause)


def fail_at_one_that_does_not_travel():
    raise StageError("fit", Stubborn("this", "that"))


def test_an_error_of_a_stage_reaches_the_parent_process():
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        with pytest.raises(StageError, match="must be at least 0") as raised:
            pool.submit(fail_at_a_stage, SettingsError("design.high_pass", "must be at least 0")).result(timeout=120)
        assert raised.value.stage == "fit"
        assert raised.value.cause.path == "design.high_pass"
        with pytest.raises(StageError, match="this and that"):
            pool.submit(fail_at_one_that_does_not_travel).result(timeout=120)


def test_each_door_is_told_what_can_be_done_there():
    error = SettingsError("inputs.t_r", "must be above 0", ADVICE)
    assert str(error) == "inputs.t_r: must be above 0; give t_r="
    assert error.said("terminal", place=False) == "must be above 0; give --t-r"
    assert told(error, "notebook") == "inputs.t_r: must be above 0"
    assert (error.path, error.where, error.advice) == ("inputs.t_r", "inputs.t_r", "give t_r=")


def test_errors_are_still_of_the_types_that_callers_catch():
    for kind in (InputError, SettingsError, BidsQuestion, ExpressionError, NotEstimableError, NotFittedError):
        assert issubclass(kind, ValueError)
    assert issubclass(MissingFileError, FileNotFoundError)
    assert issubclass(DownloadError, OSError)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("T", "stat_type must be one of 't', 'F', None, not 'T'; did you mean 't'?"),
        ("f", "did you mean 'F'"),
        ("foo", "not 'foo'$"),
        (True, "not True"),
        ([1, 2], r"not \[1, 2\]"),
    ],
)
def test_an_unknown_choice_is_refused_with_the_nearest(value, message):
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        check_choice("stat_type", value, ("t", "F", None))
    assert check_choice("stat_type", "t", ("t", "F", None)) == "t"


def test_an_error_of_one_run_of_several_keeps_its_advice_and_its_place(two_runs):
    from glmwidgets.session.several.runs import RunSet

    runs = RunSet([replace(two_runs[0], confounds=None), two_runs[1]], synchronous=True)
    runs.sessions[0].update({"design.scrub_fd": 0.5})
    runs.show(2)
    status = runs.fixed.status
    assert status.state == "error"
    assert status.message.startswith("run 1: the run has no confounds")
    assert status.message.endswith("open it with confounds=")
    assert about("run 2", MissingFileError("no file")).where == "run 2"
    assert str(about("run 2", about("row 3", ValueError("no number")))) == "run 2: row 3: no number"
    assert isinstance(about("run 2", FileNotFoundError("x")), FileNotFoundError)
    runs.close()
