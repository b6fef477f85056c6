"""A checkpoint is whole or passed over, and belongs to the base, teacher, data and settings that made it."""

import json

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.utils import tree_flatten, tree_unflatten

from conch_dna.config import DistillConfig
from conch_dna.errors import CheckpointError
from conch_dna.train import checkpoint, lora

IDENTITY = {"base": "b1", "teacher": "t1", "data": "d1", "settings": {"rank": 2, "keys": ["a"]}}


@pytest.fixture
def root(tmp_path):
    return tmp_path / "checkpoints"


@pytest.fixture
def state(tiny_model):
    with lora.attached(tiny_model.model, DistillConfig(rank=2, layers=1)):
        optimizer = optim.AdamW(learning_rate=0.1)
        optimizer.init(tiny_model.model.trainable_parameters())
        yield tiny_model.model, optimizer


def move(model, optimizer):
    """Take one update with made-up gradients."""
    grad = {name: mx.ones_like(value) for name, value in lora.weights(model).items()}
    optimizer.update(model, tree_unflatten(list(grad.items())))
    mx.eval(model.parameters(), optimizer.state)


def values(model, optimizer):
    found = {**lora.weights(model), **dict(tree_flatten(optimizer.state))}
    return {name: np.array(value) for name, value in found.items()}


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k]) for k in one)


def save_steps(root, state, steps, keep=5):
    kept = {}
    for step in steps:
        move(*state)
        checkpoint.save(root, step, *state, IDENTITY, keep)
        kept[step] = values(*state)
    return kept


def test_what_was_saved_comes_back(root, state):
    kept = save_steps(root, state, [2, 4])
    move(*state)
    assert checkpoint.restore(root, *state, IDENTITY) == 4
    assert same(values(*state), kept[4])


def test_there_may_be_none(root, state):
    before = values(*state)
    assert checkpoint.restore(root / "none", *state, IDENTITY) == 0
    assert same(values(*state), before)


def test_only_the_newest_are_kept_by_number_not_by_name(root, state):
    save_steps(root, state, [9, 10, 999_999, 1_000_000], keep=2)
    assert sorted(p.name for p in root.iterdir()) == ["1000000", "999999"]
    assert checkpoint.restore(root, *state, IDENTITY) == 1_000_000


@pytest.mark.parametrize("name", ["adapter.safetensors", "optimizer.safetensors", "state.json"])
@pytest.mark.parametrize("damage", ["cut short", "a flipped bit", "gone"])
def test_a_damaged_one_is_passed_over_for_the_one_before(root, state, name, damage):
    kept = save_steps(root, state, [2, 4])
    file = root / "000004" / name
    data = bytearray(file.read_bytes())
    if damage == "gone":
        file.unlink()
    elif damage == "cut short":
        file.write_bytes(data[: len(data) // 2])
    else:
        data[1 if name == "state.json" else -1] ^= 0x55
        file.write_bytes(data)
    move(*state)
    assert checkpoint.restore(root, *state, IDENTITY) == 2
    assert same(values(*state), kept[2])


def test_a_damaged_one_is_written_anew_when_its_step_comes_again(root, state):
    save_steps(root, state, [2, 4])
    (root / "000004/state.json").write_text("{")
    checkpoint.save(root, 4, *state, IDENTITY, 5)
    assert checkpoint.restore(root, *state, IDENTITY) == 4


def test_a_sound_one_is_never_taken_away_to_be_written_again(root, state):
    save_steps(root, state, [2])
    before = (root / "000002").stat().st_ino
    checkpoint.save(root, 2, *state, IDENTITY, 1)
    assert (root / "000002").stat().st_ino == before


def test_what_a_kill_left_half_written_is_not_seen(root, state):
    save_steps(root, state, [2])
    (root / ".000004.abc").mkdir()
    (root / ".000004.abc/state.json").write_text(json.dumps({"step": 4}))
    assert checkpoint.restore(root, *state, IDENTITY) == 2


def test_another_origin_is_refused_and_every_difference_named(root, state):
    save_steps(root, state, [2])
    move(*state)
    before = values(*state)
    other = {"base": "b2", "teacher": "t2", "data": "d2", "settings": {"rank": 4, "keys": ["a"], "new": 1}}
    with pytest.raises(CheckpointError) as caught:
        checkpoint.restore(root, *state, other)
    for part in ("base = b1, now b2", "teacher = t1, now t2", "data = d1, now d2", "settings.rank = 2, now 4"):
        assert part in str(caught.value)
    assert "settings.new = None, now 1" in str(caught.value)
    assert "settings.keys" not in str(caught.value)
    assert same(values(*state), before), "nothing may have been changed"


def test_tuples_and_lists_are_the_same_identity():
    assert checkpoint.differences({"keys": ["a", "b"]}, {"keys": ("a", "b")}) == []
