"""The digest of a training set changes with its tokens, prompts and soft targets."""

from dataclasses import replace

import numpy as np
import pytest
from languages import byte_level, encode
from tiny import chats, soft_targets

from conch_dna.align.aligned_targets import align_answers
from conch_dna.align.vocabulary_map import vocabulary_map
from conch_dna.data.tokens import encode_chat
from conch_dna.losses.cross_tokenizer import CrossTargets
from conch_dna.train.training_set import TrainingSet

TOKENIZER = byte_level()
EXAMPLES = [encode_chat(TOKENIZER, chat) for chat in chats(3)]


def changed(targets, field):
    first = targets[0]
    array = getattr(first, field).copy()
    array.flat[-1] += 1
    return [replace(first, **{field: array}), *targets[1:]]


def test_equal_training_sets_have_the_same_digest():
    one = TrainingSet("a", EXAMPLES, soft_targets(EXAMPLES))
    assert one.digest == TrainingSet("a", EXAMPLES, soft_targets(EXAMPLES)).digest
    assert one.digest != TrainingSet("a", EXAMPLES).digest != TrainingSet("a", EXAMPLES[:2]).digest


@pytest.mark.parametrize("field", ["ids", "log_probs", "tail"])
def test_a_changed_figure_of_the_soft_targets_changes_the_digest(field):
    targets = soft_targets(EXAMPLES)
    one, other = (TrainingSet("a", EXAMPLES, each) for each in (targets, changed(targets, field)))
    assert one.digest != other.digest
    assert TrainingSet("a", EXAMPLES, validation=one).digest != TrainingSet("a", EXAMPLES, validation=other).digest


def test_a_changed_figure_of_cross_tokenizer_targets_changes_the_digest():
    answers = [encode(TOKENIZER, chat[-1]["content"]) for chat in chats(3)]
    targets = soft_targets(EXAMPLES)
    between = vocabulary_map(TOKENIZER, TOKENIZER)

    def digest(kind, targets, moved=0.0):
        aligned = align_answers([e.answer_ids for e in EXAMPLES], answers, targets, TOKENIZER, TOKENIZER)
        aligned[0] = replace(aligned[0], said_R=aligned[0].said_R + np.float32(moved))
        return TrainingSet("a", EXAMPLES, CrossTargets(kind, aligned, between)).digest

    targets = [replace(t, chosen=t.log_probs[:, 0]) for t in targets]
    found = [
        digest("gold", targets),
        digest("uld", targets),
        digest("gold", changed(targets, "tail")),
        digest("gold", targets, 0.5),
    ]
    assert len({*found, TrainingSet("a", EXAMPLES, targets).digest}) == 5
    assert digest("gold", targets) == found[0]
