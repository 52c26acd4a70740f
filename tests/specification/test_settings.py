"""The settings tree: what it refuses, what it keeps, and that JSON brings it back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmwidgets.glm.design.drift import DRIFTS
from glmwidgets.glm.inference.heights import THRESHOLDS
from glmwidgets.specification.settings import Settings, SettingsError


@given(
    drift=st.sampled_from(sorted(DRIFTS)),
    high_pass=st.floats(0, 1),
    conditions=st.none() | st.lists(st.text(max_size=12), max_size=4).map(tuple),
    expression=st.text(max_size=40),
    height=st.sampled_from(sorted(THRESHOLDS)),
    two_sided=st.booleans(),
    size=st.integers(0, 500),
)
def test_json_brings_every_tree_back(drift, high_pass, conditions, expression, height, two_sided, size):
    settings = Settings().updated(
        {
            "design.drift_model": drift,
            "design.high_pass": high_pass,
            "design.conditions": conditions,
            "contrast.expression": expression,
            "threshold.height_control": height,
            "threshold.two_sided": two_sided,
            "threshold.cluster_size": size,
        }
    )
    assert Settings.from_json(settings.to_json()) == settings
    assert hash(Settings.from_json(settings.to_json())) == hash(settings)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("design.hrf_model", "spn", "did you mean 'spm'"),
        ("design.drift_model", "spline", "must be one of"),
        ("design.high_pass", -0.1, "must be at least 0"),
        ("design.high_pass", float("nan"), "must be at least 0"),
        ("design.high_pass", "fast", "must be a number"),
        ("design.fir_delays", [], "at least one delay"),
        ("design.fir_delays", [0.5], "must be a list"),
        ("design.conditions", "face", "must be"),
        ("noise.model", "ar0", "noise_model must be one of"),
        ("data.smoothing_fwhm", -1, "must be at least 0"),
        ("data.signal_scaling", "percent", "must be one of"),
        ("threshold.alpha", 0, "must be above 0"),
        ("threshold.alpha", True, "must be a number"),
        ("threshold.cluster_size", 2.5, "must be a whole number"),
        ("threshold.two_sided", 1, "must be true or false"),
        ("inputs.t_r", 0, "must be above 0"),
        ("design.hrf_model", None, "cannot be empty"),
        ("design.hrf", "spm", "there is no such setting"),
        ("colour.map", "hot", "there is no such setting"),
    ],
)
def test_refused_values_are_named(path, value, said):
    before = Settings()
    with pytest.raises(SettingsError, match=said) as caught:
        before.updated({path: value})
    assert caught.value.path == path
    assert str(caught.value).startswith(f"{path}:")


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("contrast", "contrast.expression"),
        ("contrasts", "contrast.expression"),
        ("contrast.contrast", "contrast.expression"),
        ("contrast.expresion", "contrast.expression"),
        ("contrast.two_sided", "threshold.two_sided"),
        ("noise", "noise.model"),
        ("threshold", "threshold.height_control"),
        ("alpha", "threshold.alpha"),
        ("fwhm", "data.smoothing_fwhm"),
        ("design.drift", "design.drift_model"),
        ("desing.hrf_model", "design.hrf_model"),
        ("confounds", "design.confounds"),  # those of the data that are open cannot be set
        ("colour.map", "map.colormap"),
        ("xyz", None),
    ],
)
def test_a_path_that_is_no_setting_is_answered_by_one_of_the_right_group(path, meant):
    with pytest.raises(SettingsError, match="there is no such setting") as caught:
        Settings().updated({path: 1})
    assert caught.value.advice == (f"did you mean {meant!r}?" if meant else "")


def test_files_that_are_no_settings(tmp_path):
    with pytest.raises(FileNotFoundError, match="no settings file"):
        Settings.load(tmp_path / "none.json")
    for text, said in [
        ("{", "not valid JSON"),
        ("[]", "not a settings file"),
        ('{"format": "other"}', "not a settings file"),
        ('{"format": "glmwidgets settings", "version": 99}', "of version 99"),
        ('{"format": "glmwidgets settings", "version": 1, "design": 3}', "must be a group"),
    ]:
        (tmp_path / "s.json").write_text(text)
        with pytest.raises(ValueError, match=said):
            Settings.load(tmp_path / "s.json")


def test_a_partial_file_keeps_the_defaults_and_what_files_meant_before_they_could_say():
    tree = {"format": "glmwidgets settings", "version": 1, "design": {"hrf_model": "glover"}}
    settings = Settings.from_json(json.dumps(tree))
    changes = {"design.hrf_model": ("spm", "glover"), "design.convolution": ("exact", "grid")}
    assert settings.changes_from(Settings()) == changes


def test_a_list_of_contrasts_has_one_active():
    listed = {"contrast.names": ("faces", ""), "contrast.expressions": ("face - house", "face; house")}
    settings = Settings().updated(listed)
    assert settings.contrast.expression == "face - house"
    second = settings.updated({"contrast.active": 1})
    assert second.contrast.expression == "face; house"
    typed = second.updated({"contrast.expression": "house"})
    assert typed.contrast.listed == (("faces", "face - house"), ("", "house"))
    # A name that was the expression itself follows it, half typed or whole; one that a person gave stays.
    named = Settings().updated({"contrast.names": ("left hand", "mine"), "contrast.expressions": ('"left hand"', "f")})
    for text in ('"left hand" -', '"left hand" - f'):
        named = named.updated({"contrast.expression": text})
        assert named.contrast.listed == ((text, text), ("mine", "f"))
    named = named.updated({"contrast.active": 1}).updated({"contrast.expression": "g"})
    assert named.contrast.names == ('"left hand" - f', "mine")
    assert Settings.from_json(typed.to_json()) == typed
    assert Settings().contrast.listed == (("", ""),)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"contrast.names": ("a",)}, "must be as many as expressions"),
        ({"contrast.names": ("a",), "contrast.expressions": ("face",), "contrast.active": 1}, "at most 0"),
        ({"contrast.active": 1}, "contrast.active: must be at least 0 and at most 0"),
    ],
)
def test_lists_of_contrasts_that_do_not_hang_together(changes, said):
    with pytest.raises(SettingsError, match=said):
        Settings().updated(changes)


def test_how_one_looks_is_no_part_of_the_analysis():
    settings, seen = Settings(), Settings().updated({"series.place": "sphere", "series.radius": 9.0})
    assert settings != seen
    assert settings.same_analysis(seen)
    assert not settings.same_analysis(Settings().updated({"noise.model": "ols"}))
    assert Settings().updated({"noise.model": "ols"}).seen_as(seen).series == seen.series
    assert Settings.from_json(seen.to_json()) == seen
    assert "series" not in seen.to_dict(views=False)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("series.lines", ("data", "noise"), "must be one of"),
        ("series.place", "lobe", "must be one of"),
        ("series.radius", -1.0, "must be at least 0"),
        ("series.pins", tuple("abcdefg"), "at most 6"),
    ],
)
def test_a_view_that_cannot_be_is_refused(path, value, said):
    with pytest.raises(SettingsError, match=said):
        Settings().updated({path: value})
