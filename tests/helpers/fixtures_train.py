"""Fixtures of training: the plug-ins, settings, a training set, and a function that trains on it."""

import pytest
from recipe_runs import train
from tiny import chats, soft_targets

from conch_dna.config import DistillConfig
from conch_dna.data.tokens import encode_chat
from conch_dna.models.load import load
from conch_dna.plugin.manager import load_plugins
from conch_dna.train.training_set import TrainingSet


@pytest.fixture(scope="session")
def host():
    return load_plugins(strict=True, block=[])


@pytest.fixture
def config():
    """Six steps of two times two examples, with dropout, and a checkpoint every two."""
    return DistillConfig(
        steps=6, batch_size=2, accumulation=2, checkpoint_every=2, dropout=0.2, rank=4, warmup=2,
        learning_rate=0.01, temperature=2.0,
    )  # fmt: skip


@pytest.fixture
def training_set(tiny_model):
    """Eleven examples with soft targets."""
    examples = [encode_chat(tiny_model.tokenizer, chat) for chat in chats(11)]
    return TrainingSet("debug", examples, soft_targets(examples))


IDENTITY = {"base": "sha256:base", "teacher": "t1", "data": "d1", "settings": {"rank": 4, "steps": 6}}


@pytest.fixture
def run_training(tiny_folder, host, config, training_set, tmp_path, monkeypatch):
    """Return a function that trains a fresh model object and returns the reports."""
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))

    def run(folder, *, on_step=print, config=config, training_set=training_set, identity=None):
        base = load(str(tiny_folder))
        return train(base, config, host, training_set, identity or IDENTITY, tmp_path / folder, on_step)

    return run
