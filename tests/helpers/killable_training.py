"""Deterministic training in a process that tests can kill: ``python killable_training.py MODEL FOLDER STEPS``."""

import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from tiny import chats, soft_targets

from conch_dna.config import DistillConfig
from conch_dna.data.tokens import encode_chat
from conch_dna.models.load import load
from conch_dna.plugin.manager import load_plugins
from conch_dna.train.training_set import TrainingSet
from conch_dna.util import interrupts


def run(model, folder, steps):
    """Train, or resume the training in ``folder``; return the reports."""
    base = load(str(model))  # selects the fast BLAS, which must happen before the first import of mlx
    from recipe_runs import train  # imports mlx

    examples = [encode_chat(base.tokenizer, chat) for chat in chats(8)]
    config = DistillConfig(steps=steps, batch_size=2, checkpoint_every=3, dropout=0.1, rank=2, learning_rate=0.01)
    training_set = TrainingSet("debug", examples, soft_targets(examples))
    identity = {"settings": config.flat(), "base": base.digest}
    host = load_plugins(strict=True, block=[])
    return train(base, config, host, training_set, identity, folder)


if __name__ == "__main__":
    # A shell that runs the tests in the background makes them, and this process, ignore Ctrl-C.
    interrupts.listen(signal.SIGINT)
    run(sys.argv[1], sys.argv[2], int(sys.argv[3]))
