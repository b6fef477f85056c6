"""Cache maintenance counts, verifies and removes files; ``test_cache_cli`` covers the command's output."""

import os
import time

import numpy as np
import pytest

from conch_dna.data.shards import DAMAGED
from conch_dna.errors import ConchError, UnknownName
from conch_dna.plugin.protocols import Targets
from conch_dna.records import Completion, Message, Prompt, Sampling
from conch_dna.teachers.answer_cache import CompletionCache
from conch_dna.teachers.cache_maintenance import API, COMPLETIONS, DAY, TARGETS, TeacherStats, collect, stats, stored
from conch_dna.teachers.target_cache import TargetCache

PROMPTS = [Prompt(messages=(Message(role="user", content=f"say {i}"),)) for i in range(3)]


class Sure:
    fingerprint = "mlx:one"

    def score(self, prompts, answers, top_k):
        return [Targets(np.zeros((len(a), 1), np.int32), np.full((len(a), 1), np.log(0.9), np.float32),
                        np.full(len(a), np.log(0.1), np.float32)) for a in answers]  # fmt: skip


@pytest.fixture
def root(tmp_path):
    """Two answers, and targets of three answers with six tokens in all."""
    for i, teacher in enumerate(("mlx:one", "mlx:two")):
        returned = Completion(prompt="p", text="x", teacher=teacher, sampling=Sampling())
        CompletionCache(tmp_path / COMPLETIONS).put(f"{i:02x}" * 32, returned)
    TargetCache(tmp_path / TARGETS).fill(Sure(), PROMPTS, [(1,), (1, 2), (1, 2, 3)], 1, lambda _: None)
    return tmp_path


def test_each_file_is_listed_with_its_teacher_and_content(root):
    found = list(stored(root))
    assert [(s.kind, s.teacher, s.answers, s.tokens, s.fault) for s in found] == [
        (COMPLETIONS, "mlx:one", 1, 0, ""), (COMPLETIONS, "mlx:two", 1, 0, ""), (TARGETS, "mlx:one", 3, 6, ""),
    ]  # fmt: skip
    assert all(s.bytes == s.path.stat().st_size for s in found)


def test_bytes_a_token_count_everything_and_need_a_token(root):
    one, two = stats(root)
    assert (one.teacher, one.targets, one.target_tokens) == ("mlx:one", 3, 6)
    assert one.bytes_a_token == one.target_bytes / 6
    assert (two.completions, two.bytes_a_token) == (1, None)
    assert TeacherStats(teacher="t").bytes_a_token is None


def test_a_shard_moved_aside_is_damaged_and_goes(root):
    (shard,) = (s.path for s in stored(root) if s.kind == TARGETS)
    aside = shard.parent / DAMAGED / shard.name
    aside.parent.mkdir()
    shard.rename(aside)
    assert [s.fault for s in stored(root) if s.kind == TARGETS] == ["was damaged and has been moved aside"]
    assert [s.targets for s in stats(root)] == [0, 0]
    assert [s.path for s in collect(root, dry_run=True)] == [aside]
    assert aside.exists()
    collect(root)
    assert not aside.parent.exists()


def test_age_and_teacher_must_both_hold(root):
    for item in stored(root):
        old = item.teacher == "mlx:one" and item.kind == TARGETS
        os.utime(item.path, (time.time() - 9 * DAY * old,) * 2)
    assert collect(root, older_than=5, teacher="mlx:two", dry_run=True) == []
    assert [s.kind for s in collect(root, older_than=5, teacher="mlx")] == [TARGETS]
    assert [s.kind for s in stored(root)] == [COMPLETIONS] * 2
    with pytest.raises(UnknownName, match="allowed: mlx:one, mlx:two"):
        collect(root, teacher="llama")


def test_nothing_goes_while_a_teacher_is_being_asked(root):
    class Asked(Sure):
        fingerprint = "mlx:three"

        def score(self, prompts, answers, top_k):
            with pytest.raises(ConchError, match="another process is writing"):
                collect(root, teacher="mlx:one")
            return super().score(prompts, answers, top_k)

    TargetCache(root / TARGETS).fill(Asked(), PROMPTS, [(1,)] * 3, 1, lambda _: None)
    assert len(list(stored(root))) == 4


def test_probes_are_looked_at_and_batches_on_their_way_stay(root):
    probes, note = root / API / "probes", root / API / "batches/teacher/one.json"
    for file, text in ((probes / "a.json", '{"capabilities": ["text"]}'), (probes / "b.json", "{"), (note, "{}")):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        os.utime(file, (time.time() - 9 * DAY,) * 2)
    assert {s.path.name: bool(s.fault) for s in stored(root) if s.kind == API} == {"a.json": False, "b.json": True}
    assert [s.teacher for s in stats(root)] == ["mlx:one", "mlx:two"]
    assert [s.path.name for s in collect(root)] == ["b.json"]
    assert [s.path.name for s in collect(root, older_than=5)] == ["a.json"]
    assert note.exists()
