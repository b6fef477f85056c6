"""Batches are a pure function of seed and step."""

import numpy as np
import pytest

from conch_dna.config import DistillConfig
from conch_dna.data.tokens import Example
from conch_dna.train.sources import FixedSource

# Example i says token i, i + 1 times.
EXAMPLES = [Example((99, *[i] * (i + 1)), (False, *[True] * (i + 1)), 1, i + 1) for i in range(7)]


def source(seed=0, targets=None, **settings):
    return FixedSource(EXAMPLES, targets, DistillConfig(batch_size=2, accumulation=3, seed=seed, **settings))


def names(source, step):
    return [batch.names for batch in source.batches(step)]


def test_a_step_has_accumulation_passes_of_batch_size_examples():
    batches = source().batches(0)
    assert [len(batch.names) for batch in batches] == [2, 2, 2]
    for batch in batches:
        assert [batch.labels_N[batch.rows_N == row].tolist() for row in (0, 1)] == [[i] * (i + 1) for i in batch.names]


def test_the_batches_of_a_step_do_not_depend_on_earlier_calls():
    one, other = source(), source()
    later = names(one, 5)
    assert [names(other, step) for step in range(6)][5] == later
    assert names(source(seed=1), 5) != later


def test_every_example_is_used_equally_often():
    seen = np.concatenate([np.ravel(names(source(), step)) for step in range(7)])
    assert np.bincount(seen).tolist() == [6] * 7


def test_batches_have_the_targets_of_their_examples():
    batches = source(targets=lambda picks: ("the loss of", *picks)).batches(2)
    assert [batch.targets for batch in batches] == [("the loss of", *batch.names) for batch in batches]


@pytest.mark.parametrize("arrays", [{}, {"x": np.ones(3)}], ids=["its own", "another's"])
def test_a_resume_needs_no_state(arrays):
    one = source()
    before = names(one, 3)
    assert one.state() == {}
    one.restore(arrays)
    assert names(one, 3) == before


def test_examples_in_order_are_taken_as_they_come_again_and_again():
    config = DistillConfig(batch_size=2)
    source = FixedSource(EXAMPLES[:3], None, config, in_order=True)
    assert [batch.names for step in range(3) for batch in source.batches(step)] == [(0, 1), (2, 0), (1, 2)]
