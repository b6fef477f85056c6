"""A course of training to be killed: ``python course.py MODEL FOLDER STEPS``, the same every time it is started."""

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


def take(model, folder, steps):
    """Train, going on from whatever is in ``folder``; returns the reports."""
    base = load(str(model))  # switches the fast BLAS on, before the first import of mlx
    from lessons import learn

    examples = [encode_chat(base.tokenizer, chat) for chat in chats(8)]
    config = DistillConfig(steps=steps, batch_size=2, checkpoint_every=3, dropout=0.1, rank=2, learning_rate=0.01)
    material = TrainingSet("debug", examples, soft_targets(examples))
    identity = {"settings": config.flat(), "base": base.digest}
    host = load_plugins(strict=True, block=[])
    return learn(base, config, host, material, identity, folder)


if __name__ == "__main__":
    # Whoever starts the tests in the background of a shell has them, and this, ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    take(sys.argv[1], sys.argv[2], int(sys.argv[3]))
