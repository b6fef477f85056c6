"""A checkpoint is intact or skipped, and belongs to one base, teacher, data set and settings."""

import json

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.utils import tree_flatten, tree_unflatten

from conch_dna.config import DistillConfig
from conch_dna.errors import CheckpointError
from conch_dna.records import digest_of
from conch_dna.registry.adapter import read_adapter
from conch_dna.train import checkpoint, lora
from conch_dna.train.checkpoint import Keep, State
from conch_dna.train.ema import Ema

CONFIG = DistillConfig(rank=2, layers=1)
IDENTITY = {"base": "b1", "teacher": "t1", "data": "d1", "settings": {"rank": 2, "keys": ["a"]}}


@pytest.fixture
def root(tmp_path):
    return tmp_path / "checkpoints"


class Buffer:
    """A source whose state is one array."""

    def __init__(self):
        self.rollouts = np.zeros(3, np.int32)

    def state(self):
        return {"rollouts": self.rollouts}

    def restore(self, arrays):
        self.rollouts = arrays["rollouts"]


@pytest.fixture
def state(tiny_model):
    with lora.attached(tiny_model.model, CONFIG):
        optimizer = optim.AdamW(learning_rate=0.1)
        optimizer.init(tiny_model.model.trainable_parameters())
        yield State(tiny_model.model, optimizer, Buffer(), lora.adapter_config(tiny_model.model, CONFIG), Ema(0.9))


def move(state):
    """Apply one update with random gradients."""
    grad = {name: mx.ones_like(value) for name, value in lora.weights(state.model).items()}
    state.optimizer.update(state.model, tree_unflatten(list(grad.items())))
    mx.eval(state.model.parameters(), state.optimizer.state)
    state.average.update(lora.weights(state.model))
    state.source.rollouts = state.source.rollouts + 1


def values(state):
    found = {**lora.weights(state.model), **dict(tree_flatten(state.optimizer.state)), **state.source.state()}
    found |= {f"average {name}": value for name, value in state.average.arrays().items()}
    return {name: np.array(value) for name, value in found.items()}


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k]) for k in one)


def save_steps(root, state, steps, keep=5, best=0, losses=()):
    kept = {}
    for step, loss in zip(steps, losses or [1.0] * len(steps), strict=True):
        move(state)
        state.validation[step] = loss
        checkpoint.save(root, step, state, IDENTITY, Keep(keep, best))
        kept[step] = values(state)
    return kept


def test_restore_returns_the_saved_state(root, state):
    kept = save_steps(root, state, [2, 4])
    move(state)
    assert checkpoint.restore(root, state, IDENTITY) == 4
    assert same(values(state), kept[4])
    assert state.average.steps == 4


def test_a_checkpoint_is_an_adapter(root, state, tiny_model):
    move(state)
    folder = checkpoint.save(root, 2, state, IDENTITY, Keep(5))
    lora.save_adapter(state.model, CONFIG, root.parent / "adapter")
    found, saved = read_adapter(folder), read_adapter(root.parent / "adapter")
    assert (found.config, found.digest) == (saved.config, saved.digest)
    assert found.weights.keys() == saved.weights.keys()


def test_a_checkpoint_of_0_1_is_restored(root, state):
    kept = save_steps(root, state, [2])
    folder = root / "000002"
    (folder / "adapters.safetensors").rename(folder / "adapter.safetensors")
    (folder / "adapter_config.json").unlink()
    about = json.loads((folder / "state.json").read_text())
    about["sha256"]["adapter.safetensors"] = about["sha256"].pop("adapters.safetensors")
    del about["sha256"]["adapter_config.json"], about["digest"]
    (folder / "state.json").write_text(json.dumps({**about, "digest": digest_of(about)}))
    move(state)
    assert checkpoint.restore(root, state, IDENTITY) == 2
    assert same(values(state), kept[2])


def test_the_best_checkpoints_are_kept_besides_the_newest(root, state):
    kept = save_steps(root, state, [2, 4, 6, 8, 10], keep=1, best=2, losses=[3.0, 1.0, 2.0, 1.0, 5.0])
    assert sorted(int(p.name) for p in root.iterdir()) == [4, 8, 10]
    checkpoint.load_step(root, 4, state)
    assert same(values(state), kept[4])
    fresh = State(state.model, state.optimizer, state.source, state.adapter, state.average)
    assert checkpoint.restore(root, fresh, IDENTITY) == 10
    assert fresh.validation == {2: 3.0, 4: 1.0, 6: 2.0, 8: 1.0, 10: 5.0}
    assert checkpoint.best_steps(fresh.validation)[:2] == [4, 8], "on ties the earlier step comes first"


def test_loading_a_damaged_best_checkpoint_is_refused(root, state):
    save_steps(root, state, [2, 4])
    (root / "000002/average.safetensors").unlink()
    with pytest.raises(CheckpointError, match="is missing or damaged"):
        checkpoint.load_step(root, 2, state)


def test_restore_without_checkpoints_changes_nothing(root, state):
    before = values(state)
    assert checkpoint.restore(root / "none", state, IDENTITY) == 0
    assert same(values(state), before)


def test_the_newest_checkpoints_are_kept_in_numeric_order(root, state):
    save_steps(root, state, [9, 10, 999_999, 1_000_000], keep=2)
    assert sorted(p.name for p in root.iterdir()) == ["1000000", "999999"]
    assert checkpoint.restore(root, state, IDENTITY) == 1_000_000


FILES = [
    "adapters.safetensors", "adapter_config.json", "optimizer.safetensors", "average.safetensors", "source.safetensors",
    "state.json",
]  # fmt: skip


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["cut short", "a flipped bit", "gone"])
def test_a_damaged_checkpoint_is_skipped_for_the_previous_one(root, state, name, damage):
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
    move(state)
    assert checkpoint.restore(root, state, IDENTITY) == 2
    assert same(values(state), kept[2])


def test_a_damaged_checkpoint_is_written_again_at_its_step(root, state):
    save_steps(root, state, [2, 4])
    (root / "000004/state.json").write_text("{")
    checkpoint.save(root, 4, state, IDENTITY, Keep(5))
    assert checkpoint.restore(root, state, IDENTITY) == 4


def test_an_intact_checkpoint_is_never_rewritten(root, state):
    save_steps(root, state, [2])
    before = (root / "000002").stat().st_ino
    checkpoint.save(root, 2, state, IDENTITY, Keep(1))
    assert (root / "000002").stat().st_ino == before


def test_checkpoints_are_removed_also_where_the_newest_was_there_before(root, state):
    save_steps(root, state, [2, 4])
    checkpoint.save(root, 4, state, IDENTITY, Keep(1))
    assert [path.name for path in root.iterdir()] == ["000004"]


def test_a_half_written_checkpoint_is_ignored(root, state):
    save_steps(root, state, [2])
    (root / ".000004.abc").mkdir()
    (root / ".000004.abc/state.json").write_text(json.dumps({"step": 4}))
    assert checkpoint.restore(root, state, IDENTITY) == 2


def test_another_identity_is_refused_with_every_difference(root, state):
    save_steps(root, state, [2])
    move(state)
    before = values(state)
    other = {"base": "b2", "teacher": "t2", "data": "d2", "settings": {"rank": 4, "keys": ["a"], "new": 1}}
    with pytest.raises(CheckpointError) as caught:
        checkpoint.restore(root, state, other)
    for part in ("base = b1, now b2", "teacher = t1, now t2", "data = d1, now d2", "settings.rank = 2, now 4"):
        assert part in str(caught.value)
    assert "settings.new = None, now 1" in str(caught.value)
    assert "settings.keys" not in str(caught.value)
    assert same(values(state), before), "a refused resume changes nothing"


def test_a_setting_that_the_checkpoint_lacks_has_its_default(root, state):
    checkpoint.save(root, 2, state, IDENTITY, Keep(1))
    for rate, fits in ((0.0, True), (0.1, False)):
        newer = {**IDENTITY, "settings": {**IDENTITY["settings"], "dropout": rate}}
        if fits:
            assert checkpoint.restore(root, state, newer) == 2
            continue
        with pytest.raises(CheckpointError, match=r"settings\.dropout = 0\.0, now 0\.1"):
            checkpoint.restore(root, state, newer)


def test_tuples_and_lists_are_the_same_identity():
    assert checkpoint.differences({"keys": ["a", "b"]}, {"keys": ("a", "b")}) == []


def test_a_checkpoint_after_the_last_allowed_step_is_skipped_but_its_identity_is_checked(root, state):
    kept = save_steps(root, state, [2, 4])
    assert checkpoint.restore(root, state, IDENTITY, most=3) == 2
    assert same(values(state), kept[2])
    with pytest.raises(CheckpointError, match="was made with base = b1, now b2"):
        checkpoint.restore(root, state, {**IDENTITY, "base": "b2"}, most=0)


def test_a_changed_figure_in_the_state_counts_as_damage(root, state):
    save_steps(root, state, [2, 4], losses=[1.5, 1.25])
    file = root / "000004/state.json"
    file.write_text(file.read_text().replace("1.25", "2.25"))
    assert checkpoint.restore(root, state, IDENTITY) == 2
