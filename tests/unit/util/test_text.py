"""Words, lines and fenced code of a text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conch_dna.util.text import fenced_code, is_utf8, lines, strict_json, words


def test_words_have_neither_case_nor_marks():
    assert words("It's \u201cFINE\u201d, 3.5 times -- na\u00efve!") == ["it's", "fine", "3", "5", "times", "na\u00efve"]


def test_lines_are_stripped_and_never_empty():
    assert lines(" a \n\n \t\nb\r\n") == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "code", "closed"),
    [
        ("```python\nx = 1\n```", "x = 1\n", True),
        ("Bug: none.\n  ``` Python\nx = 1\n  ```\nDone.", "x = 1\n", True),
        ("```\nx = 1\n```\n```python\ny = 2\n```", "x = 1\n", True),
        ("```py\nx = '```'\n```", "x = '```'\n", True),
        ("```python\nx = 1", "x = 1", False),
        ("```python\n```", "", True),
        ("```text\nValueError\n\n```python\nx = 1\n```", "x = 1\n", True),
        ("It says:\n```text\nValueError\n```\nFixed:\n```python\nx = 1\n```", "x = 1\n", True),
    ],
    ids=[
        "plain", "indented", "first-of-two", "marks-in-code", "broken-off", "empty", "after-an-open-block",
        "after-an-output",
    ],
)  # fmt: skip
def test_fenced_code_is_found(text, code, closed):
    assert fenced_code(text) == (code, closed)


@pytest.mark.parametrize("text", ["", "x = 1", "```json\n{}", "`x = 1`", "see ```python\nx", "```json\n{}\n```\nx\n"])
def test_other_text_has_no_fenced_code(text):
    assert fenced_code(text) is None


@given(st.text())
@settings(max_examples=100, deadline=None, database=None)
def test_what_can_be_encoded_is_utf8(text):
    assert is_utf8(text)
    assert not is_utf8(f"{text}\ud800")


@pytest.mark.parametrize("text", ["NaN", '{"a": [-Infinity]}', "{", ""])
def test_what_json_does_not_have_is_refused(text):
    with pytest.raises(ValueError, match=r"is not a JSON value|Expecting"):
        strict_json(text)
    assert strict_json('{"a": [1e3, null]}') == {"a": [1000.0, None]}
