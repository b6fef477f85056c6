"""The identity of what is trained on: a resumed run refuses other tokens, prompts and soft targets."""

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


def test_the_same_material_made_again_is_the_same():
    one = TrainingSet("a", EXAMPLES, soft_targets(EXAMPLES))
    assert one.digest == TrainingSet("a", EXAMPLES, soft_targets(EXAMPLES)).digest
    assert one.digest != TrainingSet("a", EXAMPLES).digest != TrainingSet("a", EXAMPLES[:2]).digest


@pytest.mark.parametrize("field", ["ids", "log_probs", "tail"])
def test_one_figure_of_the_soft_targets_makes_another(field):
    targets = soft_targets(EXAMPLES)
    one, other = (TrainingSet("a", EXAMPLES, each) for each in (targets, changed(targets, field)))
    assert one.digest != other.digest
    assert TrainingSet("a", EXAMPLES, validation=one).digest != TrainingSet("a", EXAMPLES, validation=other).digest


def test_so_it_is_with_targets_in_the_teachers_own_tokens():
    answers = [encode(TOKENIZER, chat[-1]["content"]) for chat in chats(3)]
    targets = soft_targets(EXAMPLES)
    between = vocabulary_map(TOKENIZER, TOKENIZER)

    def digest(kind, targets, moved=0.0):
        aligned = align_answers([e.answer_ids for e in EXAMPLES], answers, targets, TOKENIZER, TOKENIZER)
        aligned[0] = replace(aligned[0], said_R=aligned[0].said_R + np.float32(moved))
        return TrainingSet("a", EXAMPLES, CrossTargets(kind, aligned, between)).digest

    told = [replace(t, chosen=t.log_probs[:, 0]) for t in targets]
    found = [
        digest("gold", told),
        digest("uld", told),
        digest("gold", changed(told, "tail")),
        digest("gold", told, 0.5),
    ]
    assert len({*found, TrainingSet("a", EXAMPLES, told).digest}) == 5
    assert digest("gold", told) == found[0]
