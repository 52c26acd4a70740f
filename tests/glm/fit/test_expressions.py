"""Contrast expressions: read right, refused clearly, and never executed."""

import ast
import builtins
import operator
import pickle
import time
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nilearn.glm.contrasts import expression_to_contrast_vector
from numpy.testing import assert_array_equal

from glmwidgets.glm.fit.expressions import contrast_vector, expression_from_vector, parse_expression
from glmwidgets.glm.fit.grammar import ExpressionError, is_f_test, quote_name

COLUMNS = ["face", "house", "1back", "left hand", "go/nogo", "a-b", "cond.2", "2", "drift_1", "constant"]


def weights(**named):
    return np.array([named.get(name, 0.0) for name in COLUMNS])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("face", {"face": 1}),
        ("  face - house ", {"face": 1, "house": -1}),
        ("-face", {"face": -1}),
        ("face - -house", {"face": 1, "house": 1}),
        ("2 * face - 0.5 * house", {"face": 2, "house": -0.5}),
        ("face*1e1/4", {"face": 2.5}),
        ("(face + house) / 2 - 1back", {"face": 0.5, "house": 0.5, "1back": -1}),
        ("(1 + 2) * -(face - 2 * (house - face))", {"face": -9, "house": 6}),
        ("face + face", {"face": 2}),
        ('"left hand" - face', {"left hand": 1, "face": -1}),
        ("'go/nogo' - '1back'", {"go/nogo": 1, "1back": -1}),
        ("left hand", {"left hand": 1}),
        ("a-b", {"a-b": 1}),
        ("'a-b' - face", {"a-b": 1, "face": -1}),
        ("cond.2 - face", {"cond.2": 1, "face": -1}),
        ("2*'2'", {"2": 2}),
        ("2", {"2": 1}),
        ("face\n", {"face": 1}),
        ("face;", {"face": 1}),
        ("(" * 50 + "face" + ")" * 50, {"face": 1}),
        ("-" * 9999 + "face", {"face": -1}),
    ],
)
def test_expression_gives_the_weights_it_says(text, expected):
    assert_array_equal(parse_expression(text, COLUMNS), weights(**expected))


def test_no_weight_is_a_negative_zero():
    assert not np.signbit(parse_expression("-(face - house) * -1", COLUMNS)[2:]).any()


def test_the_intercept_of_a_group_is_among_the_columns_that_may_be_meant():
    with pytest.raises(ExpressionError, match=r"did you mean 'intercept'\? The columns are: intercept, age"):
        contrast_vector("interceptt", ["intercept", "age"])


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("", 0, "empty"),
        (" \n ; ", 0, "empty"),
        ("face - huose", 7, "no column named 'huose'; did you mean 'house'?"),
        ("Face", 0, "did you mean 'face'?"),
        ("sound - face", 0, "no column named 'sound'. The columns are: face, house, 1back"),
        ("2face", 0, "did you mean 2*face?"),
        ("left hand - face", 0, "the column 'left hand' must be in quotes: \"left hand\""),
        ("face - go/nogo", 7, 'must be in quotes: "go/nogo"'),
        ("face * house", 5, "a column cannot be multiplied with a column"),
        ("1 / face", 2, "nothing can be divided by a column"),
        ("face / (house - house)", 5, "nothing can be divided by a column"),
        ("face / (1 - 1)", 5, "division by zero"),
        ("face + 1", 5, "a number cannot be added to a column"),
        ("1 - face", 2, "a number cannot be added to a column"),
        ("3 - 1", 0, "'3 - 1' names no column"),
        ("1 - 2", 0, "the column '2' must be in quotes: \"2\""),
        ("face - face", 0, "every weight of the contrast is zero"),
        ("1e308 * 1e308 * face", 0, "not finite"),
        ("face house", 5, "an operator (+ - * /) is missing before 'house'"),
        ("2 (face)", 2, "an operator"),
        ("face -", 6, "a name or a number is missing after '-'"),
        ("* face", 0, "a name or a number is missing before '*'"),
        ("(face - house", 0, "the bracket is never closed"),
        ("face)", 4, "the bracket was never opened"),
        ("()", 1, "is missing before ')'"),
        ("face - 'left hand", 7, "the quote that opens at character 8 is never closed"),
        ("face ** 2", 6, "a name or a number is missing before '*'"),
        ("face > house", 5, "'>' at character 6 is not part of a contrast expression"),
        ("face − house", 5, "write - instead"),
        ("(" * 51 + "face" + ")" * 51, 50, "more than 50 brackets"),
    ],
)
def test_what_is_no_contrast_is_refused_in_words_and_in_place(text, position, words):
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text, COLUMNS)
    assert words in str(caught.value)
    assert caught.value.position == position


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("face - huose", "face - house"),
        ("2face - house", "2*face - house"),
        ("face - left hand", 'face - "left hand"'),
        ("face − house", "face - house"),
        ("face > house", "face - house"),
        ("face vs house", "face - house"),
        ("face versus house", "face - house"),
        ("'left hamd' - face", '"left hand" - face'),
    ],
)
def test_the_suggestion_stands_in_for_the_token(text, mended):
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text, COLUMNS)
    error = caught.value
    end = error.position + len(error.token)
    assert text[: error.position] + error.suggestion + text[end:] == mended
    parse_expression(mended, COLUMNS)


def test_error_survives_the_way_to_another_process():
    with pytest.raises(ExpressionError) as caught:
        parse_expression("face - huose", COLUMNS)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.position, copy.suggestion) == (str(caught.value), 7, "house")


def test_message_lists_task_columns_and_not_more_than_a_dozen():
    columns = [f"event{i:02d}" for i in range(20)] + ["drift_1", "constant"]
    with pytest.raises(ExpressionError, match=r"event00, .*event11 and 8 more$"):
        parse_expression("nothing_like_it", columns)


def test_same_weights_as_nilearn_where_it_can_read_the_text():
    columns = ["face", "house", "object", "constant"]
    for text in ["face", "face - house", "face - (house + object) / 2", "-1.5*face + house*2", "-(face - house)"]:
        expected = expression_to_contrast_vector(text, columns)
        assert_array_equal(parse_expression(text, columns), expected)


# What reaches `contrast_vector` besides one expression --------------------------------------------------------------


@pytest.mark.parametrize(
    "definition",
    [
        "face; house - face",
        "face\nhouse - face\n",
        "face, house - face",
        ["face", "house - face"],
        ("face", {"house": 1, "face": -1}),
        [{"face": 1}, {"house": 1, "face": -1}],
        [[1, 0, 0], [-1, 1, 0]],
        np.array([[1, 0, 0], [-1, 1, 0]]),
    ],
)
def test_every_way_to_write_the_rows_of_an_f_contrast(definition):
    rows = contrast_vector(definition, ["face", "house", "constant"])
    assert rows.dtype == np.float64
    assert_array_equal(rows, [[1, 0, 0], [-1, 1, 0]])


def test_list_of_one_expression_is_an_f_contrast_of_one_row():
    assert contrast_vector(["face"], COLUMNS).shape == (1, len(COLUMNS))


def test_columns_may_come_as_a_pandas_index_and_with_names_that_are_numbers():
    assert_array_equal(contrast_vector("'1' - '2'", pd.Index([1, 2])), [1, -1])


def test_weights_are_copied():
    given_weights = np.array([1.0, -1.0])
    contrast_vector(given_weights, ["a", "b"])[0] = 7
    assert_array_equal(given_weights, [1, -1])


def test_short_vector_is_padded_with_a_warning_that_names_both_lengths():
    with pytest.warns(UserWarning, match=r"should be of length P=4 .* but has length 2: zeros were added"):
        assert_array_equal(contrast_vector([1, -1], list("abcd")), [1, -1, 0, 0])
    with pytest.warns(UserWarning, match=r"P=3 .* length 2"):
        assert_array_equal(contrast_vector(np.eye(2), list("abc")), [[1, 0, 0], [0, 1, 0]])
    with pytest.raises(ValueError, match=r"P=4 .* length 2: give the missing"):
        contrast_vector([1, -1], list("abcd"), pad=False)


@pytest.mark.parametrize(
    ("definition", "error", "words"),
    [
        ([1, 0, 0], ValueError, "P=2 .* length 3"),
        ([0, 0], ValueError, "every weight of the contrast is zero"),
        ([1, np.nan], ValueError, "not finite"),
        ([1, np.inf], ValueError, "not finite"),
        ([[1, 0], [0, 0]], ValueError, "every weight of row 2 of the contrast is zero"),
        (np.zeros((1, 2, 3)), ValueError, r"\(1, 2, 3\)"),
        ([], ValueError, "shape"),
        (1.0, ValueError, "shape"),
        (None, ValueError, "shape"),
        (object(), TypeError, "none of them"),
        ([[1], [1, 2]], TypeError, "none of them"),
        ({"a": 1, "c": 1}, ExpressionError, "no column named 'c'"),
        ({"a": "much"}, TypeError, "weight of column 'a' must be a number"),
        ({}, ValueError, "zero"),
        (["a", "a; b"], ValueError, "row 2 of the contrast must be one expression"),
        (["a", [1, 2, 3]], ValueError, "length 3"),
    ],
)
def test_numbers_that_are_no_contrast(definition, error, words):
    with pytest.raises(error, match=words):
        contrast_vector(definition, ["a", "b"])


def test_several_rows_are_not_one_expression():
    with pytest.raises(ExpressionError, match="holds 2 rows"):
        parse_expression("face; house", COLUMNS)


def test_duplicated_columns_are_named():
    with pytest.raises(ValueError, match="more than once: face"):
        contrast_vector("face", ["face", "house", "face"])


# Properties -----------------------------------------------------------------------------------------------------------

OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def by_python_grammar(text, columns):
    """The same language by other means: Python's own parser and numpy, on the nodes that are allowed."""

    def value(node):
        if isinstance(node, ast.Expression):
            return value(node.body)
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            return float(node.value)
        if isinstance(node, ast.Name) and node.id in columns:
            return np.eye(len(columns))[columns.index(node.id)]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.UAdd, ast.USub)):
            return value(node.operand) * (-1 if isinstance(node.op, ast.USub) else 1)
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            left, right = value(node.left), value(node.right)
            kinds = np.ndim(left), np.ndim(right)
            allowed = kinds[0] == kinds[1] if isinstance(node.op, (ast.Add, ast.Sub)) else kinds != (1, 1)
            if not allowed or (isinstance(node.op, ast.Div) and kinds[1] == 1):
                raise ValueError("not linear")
            return OPERATORS[type(node.op)](left, right)
        raise ValueError("not allowed")

    with np.errstate(all="ignore"):
        result = value(ast.parse(text.strip(), mode="eval"))
    if np.ndim(result) == 0 or not np.isfinite(result).all() or not np.any(result):
        raise ValueError("no contrast")
    return result


PIECES = ["a", "b", "face_2", "c", "unknown", "1", "2.5", ".5", "3e-2", "1e300", "+", "-", "*", "/", "(", ")", " "]


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join))
@example("a*b")
@example("a--b")
@example("a**b")
@example("a//2")
@example("1e300*1e300*a")
def test_reads_and_refuses_exactly_what_an_independent_reader_does(text):
    columns = ["a", "b", "face_2", "c"]
    try:
        expected = by_python_grammar(text, columns)
    except (SyntaxError, ValueError, ZeroDivisionError):
        with pytest.raises(ExpressionError):
            parse_expression(text, columns)
    else:
        assert_array_equal(parse_expression(text, columns), expected)


def nested(leaves):
    return st.one_of(
        st.tuples(leaves, st.sampled_from([" + ", "-"]), leaves).map("".join).map("({})".format),
        st.tuples(st.sampled_from(["2", "0.25", "-3"]), st.just("*"), leaves).map("".join),
        leaves.map("-{}".format),
        st.tuples(leaves, st.sampled_from(["/3", " * (1 + 1)"])).map("".join),
    )


@settings(max_examples=200, deadline=None)
@given(st.recursive(st.sampled_from(["a", "b", "c"]), nested, max_leaves=12))
def test_deep_valid_expressions_agree_with_an_independent_reader(text):
    columns = ["a", "b", "c"]
    try:
        expected = by_python_grammar(text, columns)
    except ValueError:  # cancelled to zero
        with pytest.raises(ExpressionError, match="zero"):
            parse_expression(text, columns)
    else:
        assert_array_equal(parse_expression(text, columns), expected)


def test_nothing_is_ever_executed(monkeypatch, tmp_path):
    def forbidden(*arguments, **keywords):
        raise AssertionError("a contrast expression reached the interpreter")

    target = tmp_path / "written.csv"
    attacks = [
        f"face.to_csv('{target}')",
        f"@pd.DataFrame().to_csv('{target}')",
        f"__import__('os').system('touch {target}')",
        "face.__class__.__mro__",
        "face if house else face",
        "lambda: face",
        "[face for _ in (1,)]",
        "face := house",
        "f'{face}'",
        "\\x66ace",
    ]
    for name in ("eval", "exec", "compile", "open", "__import__"):
        monkeypatch.setattr(builtins, name, forbidden)
    outcomes = []
    for attack in attacks:
        try:
            outcomes.append(contrast_vector(attack, COLUMNS))
        except ExpressionError as error:
            outcomes.append(error)
    monkeypatch.undo()
    assert all(isinstance(outcome, ExpressionError) for outcome in outcomes)
    assert not target.exists()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30), st.lists(st.text(max_size=6), min_size=1, max_size=4, unique=True))
def test_any_text_on_any_columns_parses_or_raises_expression_error(text, columns):
    try:
        result = contrast_vector(text, columns)
    except ExpressionError as caught:
        error = caught
        result = None
    if result is None:
        assert 0 <= error.position <= len(text)
    else:
        assert result.shape[-1] == len(columns)
        assert np.isfinite(result).all()
        assert np.any(result, axis=-1).all()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.text(max_size=6), min_size=1, max_size=5, unique=True),
    st.data(),
)
@example(["a", "-a"], None)
@example(["a", "2*a"], None)
def test_vector_to_text_and_back_is_exact(columns, data):
    if data is None:
        vectors = [[-1.0, 0.0], [2.0, 0.0]]
    else:
        number = st.one_of(
            st.sampled_from([0.0, 1.0, -1.0, 1 / 3, -2 / 7, 0.5]), st.floats(allow_nan=False, allow_infinity=False)
        )
        vectors = [data.draw(st.lists(number, min_size=len(columns), max_size=len(columns)).filter(any))]
    for vector in vectors:
        text = expression_from_vector(vector, columns)
        assert_array_equal(contrast_vector(text, columns), vector)


def test_matrix_to_text_and_back():
    rows = [[1, -1, 0], [0, 0.5, -0.5]]
    text = expression_from_vector(rows, ["face", "left hand", "1back"])
    assert text == 'face - "left hand"; 0.5*"left hand" - 0.5*"1back"'
    assert_array_equal(contrast_vector(text, ["face", "left hand", "1back"]), rows)


@given(st.text(max_size=12))
def test_a_quoted_name_is_that_column(name):
    assert_array_equal(parse_expression(f"2*{quote_name(name)} - other_column", [name, "other_column"]), [2, -1])


def test_reading_gives_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ExpressionError):
            parse_expression("1e999*a - 1e999*a", ["a"])


def test_an_event_type_that_is_spread_over_delays_is_their_mean():
    columns = ["a_delay_0", "a_delay_1", "b_delay_0", "b_delay_1", "c_tent_0", "c_tent_1", "d_derivative", "constant"]
    np.testing.assert_array_equal(contrast_vector("a - 2*b", columns)[:4], [0.5, 0.5, -1, -1])
    np.testing.assert_array_equal(contrast_vector("c", columns)[4:6], [0.5, 0.5])
    for name in ("d", "a_delay", "cons", "delay"):
        with pytest.raises(ExpressionError, match=f"no column named '{name}'"):
            contrast_vector(name, columns)
    # A column of the name itself goes before.
    np.testing.assert_array_equal(contrast_vector("a", ["a", *columns[:2]]), [1, 0, 0])


def test_an_f_test_by_name():
    columns = ["a", "b", "constant"]
    np.testing.assert_array_equal(contrast_vector("F(a - b)", columns), [1, -1, 0])
    np.testing.assert_array_equal(contrast_vector(" F ( a; b )", columns), [[1, 0, 0], [0, 1, 0]])
    for text, said in {
        "F(a": "the bracket is never closed",
        "F(a) - b": "nothing can follow the bracket",
        "F()": "the contrast is empty",
        "a - F(b)": "no column named 'F'",
    }.items():
        with pytest.raises(ExpressionError, match=said):
            contrast_vector(text, columns)
    # A column that is called so is a column.
    np.testing.assert_array_equal(contrast_vector("F", [*columns, "F"]), [0, 0, 0, 1])
    np.testing.assert_array_equal(contrast_vector("F - a", [*columns, "F"]), [-1, 0, 0, 1])
    assert not is_f_test("F(a)", ["F(a)"])


def test_backticks_of_pandas_are_quotes():
    columns = ["left hand", "a`b", "rest"]
    assert_array_equal(contrast_vector("`left hand` - rest", columns), [1, 0, -1])
    assert_array_equal(contrast_vector("`a``b` / 2", columns), [0, 0.5, 0])
    with pytest.raises(ExpressionError, match="no column named 'right hand'"):
        contrast_vector("`right hand`", columns)


def test_weights_are_typed_as_numbers():
    columns = ["face", "house", "left hand", "constant"]
    for text in ("[1 -1 0 0]", "1 -1 0 0", "1, -1, 0, 0", "[1, -1.0, 0, 0e0]", " [ 2/2 -1 .0 0 ] ", "F([1 -1 0 0])"):
        assert_array_equal(contrast_vector(text, columns), [1, -1, 0, 0])
    for text in ("1 0 0 0; 0 1 0 0", "[[1, 0, 0, 0], [0, 1, 0, 0]]", "[1 0 0 0; 0 1 0 0]", "[1 0 0 0]\n[0 1 0 0]"):
        assert_array_equal(contrast_vector(text, columns), [[1, 0, 0, 0], [0, 1, 0, 0]])
    for text, said in {
        "[1 -1]": "2 weights for 4 columns; give one for each of face, house, left hand, constant",
        "1 0 0 0; 0 1 0": "row 2: 3 weights for 4 columns",
        "[0 0 0 0]": "nothing to test",
        "[1 -1 0 0": "does not close them",
        "[1 face 0 0]": "weights are numbers.*'1 face 0 0' is something else",
        "[1 0 0 0] + face": "has more beside",
        "[1/0 0 0 0]": "division by zero",
        "[1e999 0 0 0]": "not finite",
        "[open('x') 0 0 0]": "weights are numbers",
        "1 - 2": "names no column: it is a number",
    }.items():
        with pytest.raises(ExpressionError, match=said):
            contrast_vector(text, columns)
    # A column that is called so is a column, and a single number is weights in brackets alone.
    assert_array_equal(contrast_vector("1 -1", ["a", "1 -1"]), [0, 1])
    assert_array_equal(contrast_vector("[2]", ["a"]), [2])
    with pytest.raises(ExpressionError, match=r"2 weights for 40 columns; give one for each of .*c11 and 28 more"):
        contrast_vector("1 -1", [f"c{i}" for i in range(40)])


def test_long_texts_of_numbers_are_read_at_once():
    start = time.process_time()
    for text in ("1" * 100_000, "1 " * 100_000 + "x", "[" * 50_000, "1" + " " * 100_000 + "x", "1/" * 50_000):
        with pytest.raises(ExpressionError):
            contrast_vector(text, ["a", "b"])
    assert time.process_time() - start < 5
