"""What Binder installs fits what the package asks for. `binder/check` installs it and runs the tour in it."""

import importlib.metadata
import json
import re
from pathlib import Path

import pytest

packaging = pytest.importorskip("packaging.requirements", reason="comes with pytest")

BINDER = Path(__file__).parents[1] / "binder"
if not BINDER.is_dir():
    pytest.skip("binder/ is part of the repository, not of the package", allow_module_level=True)

PYTHON = (BINDER / "runtime.txt").read_text(encoding="utf-8").strip().removeprefix("python-")


def name_of(requirement):
    return re.sub(r"[-_.]+", "-", requirement.name).lower()


@pytest.fixture(scope="module")
def pins():
    """Requirement by name."""
    lines = (BINDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    found = [packaging.Requirement(line) for line in lines if line and not line.startswith("#")]
    return {name_of(requirement): requirement for requirement in found}


def version(pin):
    (one,) = pin.specifier
    assert one.operator == "==", f"{pin} is no exact version"
    return one.version


def test_every_version_is_exact_and_named_once(pins):
    lines = (BINDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert len(pins) == sum(bool(line) and not line.startswith("#") for line in lines)
    assert all(version(pin) for pin in pins.values())
    assert "glmwidgets" not in pins  # postBuild installs the clone itself


@pytest.mark.parametrize("extra", ["", "lab"])
def test_versions_satisfy_what_the_package_asks_for(pins, extra):
    environment = {"extra": extra, "python_version": PYTHON, "python_full_version": f"{PYTHON}.0"}
    asked = [packaging.Requirement(text) for text in importlib.metadata.requires("glmwidgets")]
    asked = [each for each in asked if each.marker is None or each.marker.evaluate(environment)]
    assert asked
    for requirement in asked:
        pin = pins.get(name_of(requirement))
        assert pin is not None, f"{requirement.name} is not in binder/requirements.txt"
        assert requirement.specifier.contains(version(pin)), f"{pin} is not {requirement}"


def test_python_is_one_that_the_package_runs_on():
    classifiers = importlib.metadata.metadata("glmwidgets").get_all("Classifier")
    assert f"Programming Language :: Python :: {PYTHON}" in classifiers


def test_the_question_about_news_is_answered_as_in_the_demo():
    from glmwidgets.cli.lab import LAB_SETTINGS

    assert json.loads((BINDER / "overrides.json").read_text(encoding="utf-8")) == LAB_SETTINGS
    assert "overrides.json" in (BINDER / "postBuild").read_text(encoding="utf-8")


@pytest.mark.parametrize("script", ["postBuild", "check"])
def test_scripts_can_be_run(script):
    assert (BINDER / script).stat().st_mode & 0o111
    assert (BINDER / script).read_text(encoding="utf-8").startswith("#!/usr/bin/env bash\n")
