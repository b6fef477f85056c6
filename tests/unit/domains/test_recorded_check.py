"""Recorded answers are checked through the domain's extractor."""

import json

import pytest
from projects import write_domain

from conch_dna.domains.domain import load_domain
from conch_dna.domains.recorded_check import check_recorded
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Completion, Sampling

HOST = load_plugins(strict=True, block=[])


@pytest.fixture
def found(tmp_path):
    def checked(table, texts=("one of them #### 4", "two of them #### 5", "none"), extracted=None):
        folder = write_domain(tmp_path / "tiny", 4)
        with (folder / "domain.toml").open("a") as file:
            file.write(table)
        lines = [
            Completion(
                prompt=str(i), text=text, teacher="t", sampling=Sampling(), extracted=extracted
            ).model_dump_json()
            for i, text in enumerate(texts)
        ]
        (folder / "recorded").mkdir(exist_ok=True)
        (folder / "recorded/big.jsonl").write_text("\n".join([*lines, "{", json.dumps({})]) + "\n")
        return check_recorded(HOST, load_domain(folder))

    return checked


def extract(pattern):
    return f'[length]\nmin = 3\nmax = 9\n[extract]\nkind = "regex"\npattern = "{pattern}"\n'


def test_whole_answers_of_the_stated_length_are_sound(found):
    assert found("[length]\nmin = 1\nmax = 9\n") == ([], [])


def test_a_pattern_that_no_answer_has_is_a_fault(found):
    (fault,), warnings = found(extract("== (.+)"))
    assert "big.jsonl: [extract] finds no final answer in any of 3 recorded answers" in fault
    assert not warnings


def test_final_answers_that_are_not_as_long_as_the_domain_says_are_warned_of(found):
    faults, (warning,) = found(extract("#### (.+)"))
    assert not faults
    assert "big.jsonl: 2 of 2 final answers are outside [length], 3 to 9 words" in warning


def test_faults_of_other_checks_are_not_repeated(found):
    assert found(extract("("), texts=("x",)) == ([], [])
    assert found(extract("x"), texts=("x",), extracted="another") == ([], [])
