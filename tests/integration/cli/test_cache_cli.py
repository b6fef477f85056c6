"""``conch cache`` tells what is stored, finds what is damaged, and deletes only what it should."""

import json
import os
import time

import numpy as np
import pytest
from projects import here

from conch_dna.plugin.protocols import Targets
from conch_dna.records import Completion, Message, Prompt, Sampling
from conch_dna.teachers.answer_cache import CompletionCache
from conch_dna.teachers.target_cache import TargetCache
from conch_dna.util.cache_lock import writing

PROMPTS = [Prompt(messages=(Message(role="user", content=f"say {i}"),)) for i in range(20)]
DAY = 86_400


class Formula:
    def __init__(self, fingerprint):
        self.fingerprint, self.asked = fingerprint, 0

    def score(self, prompts, answers, top_k):
        self.asked += len(prompts)
        return [Targets(np.tile(np.arange(top_k, dtype=np.int32), (len(a), 1)),
                        np.full((len(a), top_k), np.log(0.9 / top_k), np.float32),
                        np.full(len(a), np.log(0.1), np.float32)) for a in answers]  # fmt: skip


@pytest.fixture
def cache(own_cache):
    """Twenty answers of one teacher with targets of 3 tokens each, and one answer of another."""
    for i, prompt in enumerate(PROMPTS):
        stored = Completion(prompt=prompt.digest, text="x", teacher="mlx:one", sampling=Sampling())
        CompletionCache(own_cache / "completions").put(f"{i:02x}" * 32, stored)
    other = Completion(prompt="p", text="x", teacher="llamacpp:two", sampling=Sampling())
    CompletionCache(own_cache / "completions").put("ff" * 32, other)
    for name in ("mlx:one", "mlx:three"):
        TargetCache(own_cache / "targets").fill(Formula(name), PROMPTS, [(1, 2, 3)] * 20, 4, lambda _: None)
    return own_cache


def run(cache, *arguments):
    return here(cache.parent, "cache", *arguments)


def shards(cache):
    return sorted((cache / "targets").glob("*/*.safetensors"))


def test_an_empty_cache_is_intact_and_has_nothing_to_free(own_cache):
    assert json.loads(run(own_cache, "stats", "--json").stdout)["teachers"] == []
    assert run(own_cache, "verify").stdout == "0 files are intact, 0 damaged\n"
    assert run(own_cache, "gc").stdout == "0 files, 0 bytes freed\n"


def test_stats_count_by_teacher_with_bytes_per_token(cache):
    rows = {row["teacher"]: row for row in json.loads(run(cache, "stats", "--json").stdout)["teachers"]}
    assert list(rows) == ["llamacpp:two", "mlx:one", "mlx:three"]
    one = rows["mlx:one"]
    assert (one["completions"], one["targets"], one["target_tokens"]) == (20, 20, 60)
    held = sum(row["target_bytes"] for row in rows.values())
    assert held == sum(path.stat().st_size for path in shards(cache))
    assert one["bytes_a_token"] == one["target_bytes"] / 60
    shown = run(cache, "stats").stdout
    assert "mlx:one\n  20 answers, " in shown
    assert "soft targets of 20 answers, 60 tokens, " in shown


def test_verify_names_what_is_damaged_and_changes_nothing(cache):
    assert (run(cache, "verify").exit_code, run(cache, "verify").stdout) == (0, "25 files are intact, 0 damaged\n")
    bad = shards(cache)[0]
    raw = bytearray(bad.read_bytes())
    raw[-9] ^= 1
    bad.write_bytes(raw)
    (cache / "completions/03" / ("03" * 32 + ".json")).write_text("{")
    result = run(cache, "verify")
    assert result.exit_code == 1
    assert f"{bad}: is damaged: its checksum differs" in result.stdout
    assert "23 files are intact, 2 damaged" in result.stdout
    result = run(cache, "verify", "--json")
    assert result.exit_code == 1
    assert {fault["kind"] for fault in json.loads(result.stdout)["damaged"]} == {"completions", "targets"}
    assert "2 files, " in run(cache, "gc").stdout
    assert not bad.exists()
    assert run(cache, "verify").stdout == "23 files are intact, 0 damaged\n"


def test_gc_alone_deletes_what_a_killed_process_left_and_nothing_else(cache):
    folder = shards(cache)[0].parent
    (folder / ".00000003.safetensors.abc").write_bytes(b"12345")
    (cache / "targets/ab").mkdir()
    (cache / "targets/ab" / ("ab" * 32 + ".safetensors")).write_bytes(b"of an earlier format")
    (cache / "completions/03/.x.json.abc").write_bytes(b"1")
    (cache / "targets/.writers/77-dead.lock").touch()
    assert "3 files, 26 bytes would be freed" in run(cache, "gc", "--dry-run").stdout
    assert run(cache, "gc").stdout == "3 files, 26 bytes freed\n"
    assert run(cache, "verify").stdout == "25 files are intact, 0 damaged\n"
    assert not (cache / "targets/.writers/77-dead.lock").exists()


def test_gc_of_a_teacher_takes_all_of_that_one(cache):
    result = run(cache, "gc", "--teacher", "mlx:o")
    assert result.stdout.startswith("22 files, ")
    rows = json.loads(run(cache, "stats", "--json").stdout)["teachers"]
    assert [row["teacher"] for row in rows] == ["llamacpp:two", "mlx:three"]
    unknown = run(cache, "gc", "--teacher", "mlx:o")
    assert (unknown.exit_code, "allowed: llamacpp:two, mlx:three" in unknown.stderr) == (1, True)


def test_gc_by_age_spares_what_was_read_since(cache):
    for path in (*shards(cache), *(cache / "completions").glob("*/*.json")):
        os.utime(path, (time.time() - 40 * DAY,) * 2)
    TargetCache(cache / "targets").fill(Formula("mlx:one"), PROMPTS[:1], [(1, 2, 3)], 4, lambda _: None)
    CompletionCache(cache / "completions").get("ff" * 32)
    assert run(cache, "gc", "--older-than", "50").stdout == "0 files, 0 bytes freed\n"
    assert run(cache, "gc", "--older-than", "30", "--teacher", "mlx:three").stdout.startswith("2 files, ")
    assert run(cache, "gc", "--older-than", "30").stdout.startswith("21 files, ")
    assert len(shards(cache)) == 1
    assert len(list((cache / "completions").glob("*/*.json"))) == 1


def test_gc_is_refused_while_another_process_writes(cache):
    with writing(cache / "targets"):
        result = run(cache, "gc", "--teacher", "mlx:one")
    assert (result.exit_code, "another process is writing" in result.stderr) == (1, True)
    assert run(cache, "verify").stdout == "25 files are intact, 0 damaged\n"
    assert run(cache, "gc", "--teacher", "mlx:one").exit_code == 0


def test_answers_and_targets_of_another_key_are_not_used_until_they_are_trusted(cache, monkeypatch):
    """A cache that was copied, or filled by someone else, teaches nothing."""
    answers, key, targets = CompletionCache(cache / "completions"), "00" * 32, cache / "targets"

    def asked():
        teacher = Formula("mlx:one")
        TargetCache(targets).fill(teacher, PROMPTS, [(1, 2, 3)] * 20, 4, lambda _: None)
        return teacher.asked

    assert (answers.get(key).text, asked()) == ("x", 0)
    monkeypatch.setenv("CONCH_CACHE_KEY", "another")
    assert answers.get(key) is None
    verified = run(cache, "verify")
    assert verified.exit_code == 1
    assert verified.stdout.startswith("25 files are intact, 0 damaged\n25 lack the seal of your key")
    assert run(cache, "trust").stdout == "25 files are used from now on\n"
    assert (answers.get(key).text, asked()) == ("x", 0)
    assert json.loads(run(cache, "verify", "--json").stdout) == {"files": 25, "damaged": [], "foreign": 0}
    monkeypatch.setenv("CONCH_CACHE_KEY", "a third")
    assert asked() == 20
