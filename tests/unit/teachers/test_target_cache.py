"""A teacher scores each answer once, unless its shard is damaged."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from conch_dna.data.target_files import read
from conch_dna.errors import TeacherError
from conch_dna.plugin.protocols import Targets
from conch_dna.records import Message, Prompt
from conch_dna.teachers.target_cache import GROUP, TargetCache


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


def shards_of(cache, teacher="t1"):
    return sorted(cache.shards(teacher).folder.glob("*.safetensors"))


def flip(path):
    raw = bytearray(path.read_bytes())
    raw[-20] ^= 1
    path.write_bytes(raw)


def cut(path):
    path.write_bytes(path.read_bytes()[:-3])


@pytest.mark.parametrize(
    ("damage", "aside"),
    [
        (flip, 1), (cut, 1), (lambda path: path.write_bytes(b""), 1), (lambda path: path.write_bytes(b"{}" * 40), 1),
        (Path.unlink, 0), (lambda path: path.write_bytes(path.with_name("00000002.safetensors").read_bytes()), 0),
    ],
    ids=["a bit flipped", "cut short", "emptied", "not a safetensors file", "gone", "of other answers"],
)  # fmt: skip
def test_a_damaged_shard_is_moved_aside_and_its_answers_scored_again(cache, damage, aside):
    found = fill(cache, CountingTeacher())
    first, second = shards_of(cache)
    untouched = second.read_bytes()
    damage(first)
    again = CountingTeacher()
    assert_same(fill(cache, again), found)
    assert again.asked == [[p.text for p in PROMPTS[:GROUP]]]
    assert second.read_bytes() == untouched
    assert len(list((first.parent / "damaged").glob("*"))) == aside
    assert_same(fill(cache, silent := CountingTeacher()), found)
    assert silent.asked == []


def test_a_group_of_which_something_is_missing_is_scored_whole_and_what_was_there_stays(cache):
    """A live teacher's last bits depend on the batch; here they depend on it by a lot."""

    class BatchTeacher(CountingTeacher):
        def score(self, prompts, answers, top_k):
            found = super().score(prompts, answers, top_k)
            return [Targets(t.ids, t.log_probs - len(prompts) * np.arange(top_k, dtype=np.float32), t.tail)
                    for t in found]  # fmt: skip

    one = cache.fill(BatchTeacher(), PROMPTS[3:4], ANSWERS[3:4], 4, lambda _: None)
    teacher = BatchTeacher()
    found = fill(cache, teacher)
    assert [len(group) for group in teacher.asked] == [GROUP, 3]
    assert_same(found[3:4], one)
    assert (found[3].log_probs[0, 1] - found[2].log_probs[0, 1]) > 5
    assert_same(fill(cache, BatchTeacher()), found)


def test_the_first_fill_gives_what_every_later_one_gives(cache):
    """The codec is lossy, so the teacher's own figures are never handed out."""
    teacher = CountingTeacher()
    raw = teacher.score(PROMPTS, ANSWERS, 4)
    found = fill(cache, CountingTeacher())
    assert_same(found, fill(cache, CountingTeacher()))
    assert any(not np.array_equal(a.tail, b.tail) for a, b in zip(raw, found, strict=True))


def test_the_same_answer_twice_in_one_request_is_one_entry(cache):
    found = cache.fill(CountingTeacher(), PROMPTS[:1] * 3, ANSWERS[:1] * 3, 4, lambda _: None)
    assert_same(found[:1] * 3, found)


def test_a_failed_write_leaves_no_half_file(cache, monkeypatch):
    def no_space(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        with pytest.raises(OSError, match="No space"):
            fill(cache, CountingTeacher())
    folder = cache.shards("t1").folder
    assert [path.name for path in folder.iterdir()] == [".lock"]
    fill(cache, again := CountingTeacher())
    assert sum(map(len, again.asked)) == len(PROMPTS)


WRITER = """
import sys, time
sys.path[:0] = [{here!r}]
from test_target_cache import ANSWERS, PROMPTS, CountingTeacher
from conch_dna.teachers.target_cache import TargetCache
class Slow(CountingTeacher):
    def score(self, prompts, answers, top_k):
        time.sleep({pause})
        return super().score(prompts, answers, top_k)
print("started", flush=True)
TargetCache(__import__("pathlib").Path({root!r})).fill(Slow(), PROMPTS * {times}, [
    (*a, i) for i, a in enumerate(ANSWERS * {times})], 4, lambda n: print(n, flush=True))
"""


def writer(cache, *, pause=0.0, times=4):
    here = str(Path(__file__).parent)
    code = WRITER.format(here=here, pause=pause, root=str(cache.root), times=times)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def read_back(cache, times):
    asked = CountingTeacher()
    answers = [(*a, i) for i, a in enumerate(ANSWERS * times)]
    found = cache.fill(asked, PROMPTS * times, answers, 4, lambda _: None)
    return found, sum(map(len, asked.asked))


@pytest.mark.integration
def test_two_writers_at_once_store_every_answer_once(cache):
    both = [writer(cache, pause=0.02) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    for process in both:
        process.stdout.close()
    found, asked = read_back(cache, 4)
    assert (len(found), asked) == (4 * len(PROMPTS), 0)
    keys = [key for path in shards_of(cache) for key in read(path).blobs]
    assert len(keys) == len(set(keys)) == len(found)


@pytest.mark.faults
@pytest.mark.parametrize("groups", [1, 2])
def test_a_killed_writer_loses_the_group_in_hand_and_no_more(cache, tmp_path, groups):
    process = writer(cache, pause=0.1)
    for _ in range(1 + groups):  # the word that it started, and each group that is stored
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    process.stdout.close()
    found, asked = read_back(cache, 4)
    assert asked <= 4 * len(PROMPTS) - groups * GROUP
    undisturbed, _ = read_back(TargetCache(tmp_path / "other"), 4)
    assert_same(found, undisturbed)


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
