"""Batches are a pure function of seed and step, and labels never leave their targets."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from conch_dna.data.batches import PAD_TO, collate, step_examples
from conch_dna.data.tokens import Example
from conch_dna.interfaces import Targets

COUNTS = {"count": st.integers(1, 40), "per_step": st.integers(1, 50), "seed": st.integers(0, 2**40)}


@settings(max_examples=80, deadline=None)
@given(**COUNTS)
def test_every_example_comes_once_an_epoch(count, per_step, seed):
    steps = 3 * count // per_step + 1
    seen = [i for step in range(steps) for i in step_examples(count, per_step, seed, step)]
    for start in range(0, len(seen) - count + 1, count):
        assert sorted(seen[start : start + count]) == list(range(count))


@settings(max_examples=80, deadline=None)
@given(**COUNTS, steps=st.lists(st.integers(0, 500), min_size=1, max_size=5))
def test_a_step_hangs_on_seed_and_number_alone(count, per_step, seed, steps):
    """Asked for in any order, between any others, it is the same."""
    first = [step_examples(count, per_step, seed, step) for step in steps]
    again = [step_examples(count, per_step, seed, step) for step in reversed(steps)]
    assert first == again[::-1]


def test_seeds_and_epochs_have_orders_of_their_own():
    orders = [tuple(step_examples(30, 30, seed, epoch)) for seed in range(3) for epoch in range(3)]
    assert len(set(orders)) == 9


@st.composite
def tasks(draw):
    """Examples whose targets carry the label in their first column, so that a shift shows."""
    examples, targets = [], []
    for _ in range(draw(st.integers(1, 6))):
        ids = draw(st.lists(st.integers(0, 9), min_size=3, max_size=40))
        start = draw(st.integers(1, len(ids) - 1))
        end = draw(st.integers(start, len(ids) - 1))
        earlier = draw(st.lists(st.integers(1, start), max_size=2))
        trained = tuple(start <= i <= end or (i in earlier and i < start) for i in range(len(ids)))
        example = Example(tuple(ids), trained, start, 0)
        answer = np.array(example.answer_ids, np.int32)
        assert len(answer) == end - start + 1
        examples.append(example)
        log_probs = np.stack([np.arange(len(answer)), np.full(len(answer), len(examples))], axis=1)
        targets.append(Targets(np.stack([answer, answer + 1], axis=1), log_probs.astype(np.float32), answer * 1.0))
    return examples, targets


@settings(max_examples=100, deadline=None)
@given(task=tasks(), data=st.data())
def test_targets_stay_beside_their_labels(task, data):
    examples, targets = task
    picks = data.draw(st.permutations(range(len(examples))))
    batch = collate(examples, picks, targets)
    assert (batch.targets.ids[:, 0] == batch.labels_N).all()
    assert (batch.targets.log_probs[:, 1].astype(int) - 1 == np.array(picks)[batch.rows_N]).all()
    starts = np.array([examples[i].answer_start for i in picks])
    assert (batch.targets.log_probs[:, 0].astype(int) == batch.cols_N + 1 - starts[batch.rows_N]).all()
    assert len(batch.labels_N) == len(batch.targets.ids) == len(batch.targets.tail)


@settings(max_examples=60, deadline=None)
@given(task=tasks())
def test_a_label_is_the_token_after_its_place(task):
    examples, _ = task
    batch = collate(examples, range(len(examples)))
    assert (batch.ids_BT[batch.rows_N, batch.cols_N + 1] == batch.labels_N).all()
    assert batch.ids_BT.shape[1] % PAD_TO == 0
    assert batch.ids_BT.shape[1] - max(len(e.ids) for e in examples) < PAD_TO
    for row, example in zip(batch.ids_BT, examples, strict=True):
        assert tuple(row[: len(example.ids)]) == example.ids
        assert not row[len(example.ids) :].any()


def test_the_names_say_which_examples_these_are():
    examples = [Example((1, 2, 3), (False, True, True), 1, 1)] * 4
    assert collate(examples, [3, 1]).names == (3, 1)
