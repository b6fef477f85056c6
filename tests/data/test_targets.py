"""What a teacher has scored once is never asked again, unless its file is damaged."""

import numpy as np
import pytest

from conch_dna.data.targets import GROUP, TargetCache
from conch_dna.errors import TeacherError
from conch_dna.interfaces import Targets
from conch_dna.records import Message, Prompt


class CountingTeacher:
    """Scores by a formula, and remembers what it was asked."""

    capabilities = frozenset({"text", "top_k"})

    def __init__(self, fingerprint="t1", fault=None):
        self.fingerprint, self.fault, self.asked = fingerprint, fault, []

    def score(self, prompts, answers, top_k):
        self.asked.append([p.text for p in prompts])
        found = []
        for prompt, answer in zip(prompts, answers, strict=True):
            ids = np.arange(len(answer) * top_k, dtype=np.int32).reshape(-1, top_k) + len(prompt.text)
            log_probs = np.full((len(answer), top_k), np.log(0.9 / top_k), np.float32)
            found.append(Targets(ids, log_probs, np.full(len(answer), np.log(0.1), np.float32)))
        return self.fault(found) if self.fault else found


PROMPTS = [Prompt(messages=(Message(role="user", content="x" * i),)) for i in range(1, GROUP + 4)]
ANSWERS = [tuple(range(1, 2 + i % 3)) for i in range(len(PROMPTS))]


@pytest.fixture
def cache(tmp_path):
    return TargetCache(tmp_path / "targets")


def fill(cache, teacher, top_k=4, answers=ANSWERS):
    counted = []
    found = cache.fill(teacher, PROMPTS, answers, top_k, counted.append)
    assert sum(counted) == len(PROMPTS), "progress hears of each once"
    return found


def assert_same(one, other):
    for a, b in zip(one, other, strict=True):
        assert np.array_equal(a.ids, b.ids)
        assert np.array_equal(a.log_probs, b.log_probs)
        assert np.array_equal(a.tail, b.tail)


def test_a_second_fill_asks_no_teacher(cache):
    first, second = CountingTeacher(), CountingTeacher()
    found = fill(cache, first)
    assert [len(group) for group in first.asked] == [GROUP, 3]
    assert_same(fill(cache, second), found)
    assert second.asked == []


@pytest.mark.parametrize("damage", ["cut short", "emptied", "not a safetensors file", "gone", "of another answer"])
def test_a_damaged_file_is_made_anew(cache, damage):
    found = fill(cache, CountingTeacher())
    path = cache._path("t1", PROMPTS[4], ANSWERS[4], 4)
    sound = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "of another answer":
        path.write_bytes(cache._path("t1", PROMPTS[3], ANSWERS[3], 4).read_bytes())
    else:
        path.write_bytes({"cut short": sound[:-3], "emptied": b"", "not a safetensors file": b"{}" * 40}[damage])
    again = CountingTeacher()
    assert_same(fill(cache, again), found)
    assert again.asked == [[PROMPTS[4].text]]
    assert path.read_bytes() == sound


@pytest.mark.parametrize("change", ["teacher", "k", "answer"])
def test_another_teacher_answer_or_k_is_another_entry(cache, change):
    fill(cache, CountingTeacher())
    other = CountingTeacher("t2" if change == "teacher" else "t1")
    answers = [(*a[:-1], a[-1] + 1) for a in ANSWERS] if change == "answer" else ANSWERS
    fill(cache, other, 5 if change == "k" else 4, answers)
    assert sum(map(len, other.asked)) == len(PROMPTS)


def test_what_was_scored_before_a_fault_is_kept(cache):
    def fails_later(found):
        if len(found) < GROUP:
            raise TeacherError("gone")
        return found

    with pytest.raises(TeacherError):
        fill(cache, CountingTeacher(fault=fails_later))
    again = CountingTeacher()
    fill(cache, again)
    assert [len(group) for group in again.asked] == [3]


def short(found):
    first = found[0]
    return [Targets(first.ids[:0], first.log_probs[:0], first.tail[:0]), *found[1:]]


def not_a_number(found):
    found[0].log_probs[0, 0] = np.nan
    return found


def certain(found):
    found[0].tail[:] = np.nan
    return found


@pytest.mark.parametrize("fault", [short, not_a_number, certain, lambda found: found[1:]],
                         ids=["too short", "not finite", "tail not finite", "one missing"])  # fmt: skip
def test_a_signal_that_cannot_be_trained_on_is_refused_and_not_stored(cache, fault):
    with pytest.raises(TeacherError, match="soft targets"):
        fill(cache, CountingTeacher(fault=fault))
    fill(cache, again := CountingTeacher())
    assert PROMPTS[0].text in again.asked[0]
