"""What is asked as a short text and as a hash: what comes back, how long it is, what is refused."""

import base64
import json
import subprocess
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmwidgets.glm.design.drift import DRIFTS
from glmwidgets.glm.inference.heights import THRESHOLDS
from glmwidgets.specification.encoding import LONGEST, decode, digest, encode
from glmwidgets.specification.group import GroupSettings
from glmwidgets.specification.model import Model
from glmwidgets.specification.settings import Settings, SettingsError

URL_SAFE = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(
    drift=st.sampled_from(sorted(DRIFTS)),
    high_pass=st.floats(0, 1),
    conditions=st.none() | st.lists(st.text(max_size=12), max_size=4).map(tuple),
    expression=st.text(max_size=40),
    height=st.sampled_from(sorted(THRESHOLDS)),
    way=st.sampled_from(["exact", "grid", None]),
    opacity=st.floats(0, 1),
)
def test_every_tree_comes_back_bit_for_bit(drift, high_pass, conditions, expression, height, way, opacity):
    settings = Settings().updated(
        {
            "design.drift_model": drift,
            "design.high_pass": high_pass,
            "design.conditions": conditions,
            "design.convolution": way,
            "contrast.expression": expression,
            "threshold.height_control": height,
            "map.opacity": opacity,
        }
    )
    text = encode(settings)
    assert decode(text) == settings
    assert set(text) <= URL_SAFE
    assert len(text) < 700


def test_a_group_comes_back():
    table = {"table.maps": [f"sub-{i:02d}" for i in range(40)], "table.names": ["age"], "table.kinds": ["number"]}
    table["table.cells"] = [[str(20 + i % 9) for i in range(40)]]
    settings = GroupSettings().updated({**table, "design.terms": ["age"]})
    assert decode(encode(settings), GroupSettings) == settings
    assert len(encode(settings)) < LONGEST


def test_which_run_it_is_does_not_travel():
    settings = Settings().updated({"inputs.bold": "/home/someone/sub-01_bold.nii.gz", "noise.model": "ols"})
    assert decode(encode(settings)) == Settings().updated({"noise.model": "ols"})


def test_a_text_without_a_setting_means_what_files_meant_before_it():
    older = "1" + base64.urlsafe_b64encode(zlib.compress(b'{"noise.model":"ols"}')).decode().rstrip("=")
    assert decode(older) == Settings.from_dict({"noise": {"model": "ols"}})
    assert decode(older).design.convolution == "grid"


def test_what_is_too_long_is_said():
    table = (
        "onset\tduration\ttrial_type",
        *(f"{i * 7.3131:.4f}\t{i % 13}.{i % 7}\tkind{i * 7919 % 251}" for i in range(400)),
    )
    with pytest.raises(ValueError, match=r"more than 2,000; the longest is events.table; save the session"):
        encode(Settings().updated({"events.table": table}))


@pytest.mark.parametrize(
    "text",
    [
        *("", "1", "2eJyr", "1spm", "1eJyrVkpJLE", "x" * 5000, "1" + "A" * 3000, "ü", "1!!!!"),
        "1" + base64.urlsafe_b64encode(zlib.compress(b"[1]")).decode(),
        "1" + base64.urlsafe_b64encode(zlib.compress(b"[" * 100_000)).decode().rstrip("="),
        "1" + base64.urlsafe_b64encode(zlib.compress(b" " * 50_000_000, 9)[:1400]).decode().rstrip("="),
    ],
)
def test_what_is_no_state_is_refused(text):
    with pytest.raises(ValueError, match="is not a state of settings; copy the whole text"):
        decode(text)


@pytest.mark.parametrize(("path", "value"), [("design.hrf_model", "spn"), ("design.hrf", "spm"), ("map.opacity", 7)])
def test_a_state_with_a_wrong_setting_names_it(path, value):
    text = "1" + base64.urlsafe_b64encode(zlib.compress(json.dumps({path: value}).encode())).decode().rstrip("=")
    with pytest.raises(SettingsError) as caught:
        decode(text)
    assert caught.value.path == path


def test_the_hash_is_of_the_question_and_not_of_the_view():
    settings = Settings().updated({"design.high_pass": 0.1})
    assert digest(settings) == digest(settings.updated({"map.opacity": 0.5, "series.unit": "signal"}))
    assert digest(settings) != digest(settings.updated({"design.high_pass": 0.1 + 2e-17 * 4}))
    assert digest(settings.part(Model)) == digest(settings.part(Model).to_dict(origins=False))
    by_evidence = settings.updated({"noise.choice": "evidence"})
    assert digest(by_evidence) == digest(settings)


def test_the_hash_is_the_same_in_another_process_and_in_any_order():
    values = {"b": [1.5, -0.0, None, True], "a": {"y": "ü", "x": 3}}
    code = (
        "from glmwidgets.specification.encoding import digest;"
        "print(digest({'a': {'x': 3, 'y': 'ü'}, 'b': (1.5, 0.0, None, True)}))"
    )
    words = [sys.executable, "-X", "utf8", "-c", code]
    done = subprocess.run(words, capture_output=True, check=True, encoding="utf-8")
    assert done.stdout.strip() == digest(values)
    assert digest({"a": 1}) != digest({"a": 1.0}) != digest({"a": "0x1.0000000000000p+0 "})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none_have_no_hash(value):
    with pytest.raises(ValueError, match="has no hash"):
        digest({"a": [value]})
