"""The bundled extractors take the last answer that a text has, and are not held up by hostile texts or patterns."""

import json
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conch_dna.errors import DataError
from conch_dna.plugin.manager import load_plugins

CATALOG = load_plugins(strict=True).catalog
WORDS = st.text(string.ascii_letters + string.digits + " .,:'\n", min_size=1, max_size=40)
PLAIN = st.none() | st.booleans() | st.integers() | WORDS
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner), max_leaves=8)


def extractor(kind, **options):
    return CATALOG.get("extractors", kind)(**options)


def test_the_four_kinds_are_bundled():
    assert CATALOG.names("extractors") == ("json", "last_line", "regex", "xml")


@pytest.mark.parametrize(
    ("pattern", "text", "answer"),
    [
        (r"#### (.+)", "3 + 4 = 7\n#### 6\nNo, wait.\n#### 7", "7"),
        (r"(?i)answer:\s*(?:about )?(?P<answer>\d+)", "ANSWER: about 42 kg", "42"),
        (r"\d+", "1, 2 and 30", "30"),
        (r"(?s)BEGIN(.*?)END", "BEGIN\na\nb END", "\na\nb "),
        (r"(a)|(b)", "a b", None),
        (r"#### (.+)", "no mark", None),
    ],
    ids=["last match", "named group", "no group", "several lines", "group without part", "none"],
)
def test_a_pattern(pattern, text, answer):
    assert extractor("regex", pattern=pattern)(text) == answer


def test_a_pattern_that_backtracks_is_refused_with_its_text_and_never_called_missing():
    begun = time.perf_counter()
    with pytest.raises(DataError, match=r"\[extract\] pattern: takes over 1 s for 4600 characters"):
        extractor("regex", pattern=r"(?:a|aa)+c")(("a" * 22 + "b") * 200)
    assert time.perf_counter() - begun < 20


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<answer>4</answer> no: <answer>5</answer>", "5"),
        ('Well. <answer lang="en">a < b && c</answer> Done.', "a < b && c"),
        ("<answer>\nline\nline\n</answer>", "\nline\nline\n"),
        ("<think>an <answer> tag</think><answer>yes</answer>", "yes"),
        ("<answer>first</answer> and <answer>cut o", "first"),
        ("<answers>no</answers>", None),
        ("</answer><answer>", None),
        ("nothing", None),
    ],
    ids=["last", "attribute and signs", "lines", "named before", "unclosed", "another tag", "reversed", "none"],
)
def test_a_tag(text, answer):
    assert extractor("xml", tag="answer")(text) == answer


@given(WORDS, WORDS, WORDS)
def test_the_content_of_the_last_tag_is_returned(before, inside, after):
    assert extractor("xml", tag="a")(f"{before}<a>{before}</a>{after}<a>{inside}</a>{after}") == inside


@pytest.mark.parametrize(
    ("path", "text", "answer"),
    [
        ("$.answer", '{"answer": "Oslo"}', "Oslo"),
        ("$.answer", 'I think:\n```json\n{"why": "…", "answer": {"x": [1, true]}}\n```\nDone.', '{"x": [1, true]}'),
        ("$.answer", '{"answer": 1} or rather {"answer": 2.5}, as in {"note": 0}', "2.5"),
        ("$.steps[*].result", '{"steps": [{"result": "a"}, {"result": "b"}]}', "b"),
        ("$.answer", '{"answer": null}', None),
        ("$.answer", '{"answer": NaN}', None),
        ("$.answer", '{"answer": "cut o', None),
        ("$.answer", "{oops} [1", None),
        ("$.a[0].b", '{"a": 5}', None),
    ],
    ids=[
        "alone",
        "fenced",
        "last object",
        "several",
        "null",
        "not a number",
        "cut off",
        "no JSON",
        "another shape",
    ],
)
def test_a_json_path(path, text, answer):
    assert extractor("json", path=path)(text) == answer


@given(WORDS, VALUES)
def test_any_value_comes_back(before, value):
    found = extractor("json", path="$.answer")(f"{before}{json.dumps({'other': [before], 'answer': value})} {before}")
    if value is None:
        assert found is None
    else:
        assert found == (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


@pytest.mark.parametrize(
    "text",
    ["[" * 16_000, '{"a":' * 4000, "[1," * 5000, "[" * 990 + "]" * 990, '{"a": "' + "[" * 99_000, "[[1,2]," * 9000],
    ids=lambda text: text[:9],
)
def test_deep_or_broken_json_is_not_an_answer_and_is_rejected_quickly(text):
    begun = time.process_time()
    assert extractor("json", path="$..answer")(text) is None
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("text", "answer"), [("a\n\n b \n\n", "b"), ("one", "one"), (" \n\t", None)], ids=["last", "only", "blank"]
)
def test_the_last_line(text, answer):
    assert extractor("last_line")(text) == answer


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("regex", {"pattern": "(a"}, r"pattern: not a regular expression: missing \)"),
        ("regex", {"pattern": 3}, "pattern: not a text; got 3"),
        ("xml", {"tag": "a b"}, "tag: not the name of a tag; got a b"),
        ("xml", {"tag": None}, "tag: not the name of a tag"),
        ("json", {"path": "$["}, "path: not a JSONPath"),
        ("json", {"path": 1}, "path: not a text; got 1"),
    ],
    ids=str,
)
def test_wrong_options_are_refused_when_it_is_built(kind, options, message):
    with pytest.raises(DataError, match=message):
        extractor(kind, **options)
