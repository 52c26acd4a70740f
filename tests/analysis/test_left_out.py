"""A contrast of an event type that is left out of the model says so at every door, and how to bring it back."""

import nibabel as nib
import pytest

from glmwidgets.analysis.left_out import left_out_types, naming_left_out
from glmwidgets.cli import main
from glmwidgets.glm.fit.expressions import contrast_vector
from glmwidgets.glm.fit.grammar import ExpressionError
from glmwidgets.specification.settings import DesignSettings

SAID = "the event type 'house' is left out of the model"
NOTEBOOK = f"{SAID}; it is unticked under Events: tick it to bring it back"


def test_the_session_says_it_of_the_contrast_and_of_others_in_the_list(session):
    assert session.update({"contrast.expression": "face - house"})
    assert session.update({"design.conditions": ("face",)})
    assert (session.status.stage, session.status.message) == ("contrast", NOTEBOOK)
    assert session.status.suggestion == ""
    assert session.update({"contrast.expression": "face"})
    assert session.status.state == "idle"
    assert session.result.book.verdict("house_derivative").message == NOTEBOOK
    assert "no column named 'hose'" in session.result.book.verdict("hose").message
    assert session.update({"contrast.expression": "face - house", "design.conditions": None})
    assert session.status.state == "idle"


def test_the_terminal_names_the_option(run, tmp_path, capsys):
    nib.save(run.img, tmp_path / "bold.nii.gz")
    nib.save(run.mask_img, tmp_path / "mask.nii.gz")
    run.events.to_csv(tmp_path / "events.tsv", sep="\t", index=False)
    words = ["fit", tmp_path / "bold.nii.gz", "--events", tmp_path / "events.tsv", "--mask", tmp_path / "mask.nii.gz"]
    words = [*map(str, words), "--condition", "face"]
    assert main([*words, "--contrast", "face - house", "--out", str(tmp_path / "out")]) == 2
    assert f"{SAID}; add --condition house to bring it back" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("a - house", "the event type 'house' is left out"),
        ("house_delay_2", "the event type 'house' is left out"),
        ("'left hand' - house", "the event types 'left hand', 'house' are left out"),
        ("left hand", "the event type 'left hand' is left out"),
        ("hous - a", "no column named 'hous'"),
        ("a +", "is missing after"),
    ],
)
def test_only_what_is_left_out_is_called_so(expression, said):
    left_out = ["house", "left hand"]
    with pytest.raises(ExpressionError, match=said), naming_left_out(expression, left_out):
        contrast_vector(expression, ["a", "b", "constant"])


def test_a_design_that_was_given_leaves_nothing_out(run):
    assert left_out_types(DesignSettings(conditions=("face",)), run.events) == ("house",)
    assert left_out_types(DesignSettings(conditions=("face",), source="given"), run.events) == ()
