"""Batches are a pure function of seed and step, and labels never leave their targets."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlx.utils import tree_flatten
from tiny import chats, soft_targets

from conch_dna.config import DistillConfig
from conch_dna.data.batches import PAD_TO, check_budget, collate, cut, of_like_length, step_examples
from conch_dna.data.tokens import Example, encode_chat
from conch_dna.errors import ConfigError
from conch_dna.losses.fused import Objective
from conch_dna.models.head import split
from conch_dna.plugin.manager import load_plugins
from conch_dna.plugin.protocols import Targets
from conch_dna.train import lora
from conch_dna.train.loop import Trainee, gradients

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


def example_of(length):
    return Example((1,) * length, (False, *[True] * (length - 1)), 1, 1)


@settings(max_examples=100, deadline=None)
@given(
    lengths=st.lists(st.integers(2, 200), min_size=1, max_size=30),
    budget=st.integers(208, 900),
    data=st.data(),
)
def test_passes_hold_similar_lengths_within_the_budget(lengths, budget, data):
    examples = [example_of(length) for length in lengths]
    picks = data.draw(st.lists(st.integers(0, len(lengths) - 1), min_size=1, max_size=40))
    config = DistillConfig(token_budget=budget)
    passes = cut(examples, picks, config)
    assert sorted(i for some in passes for i in some) == sorted(picks), "every pick once, repeated ones as often"
    sizes = [collate(examples, some).ids_BT.size for some in passes]
    assert max(sizes) <= budget
    spans = [[lengths[i] for i in some] for some in passes]
    assert all(min(before) >= max(after) for before, after in pairwise(spans)), "no pass overlaps another in length"
    for some, after in pairwise(passes):
        wider = collate(examples, [*some, after[0]]).ids_BT.size
        assert wider > budget, "a pass ends only where one more example would not fit"
    assert cut(examples, picks, config) == passes


def test_without_a_budget_passes_are_cut_by_count_in_their_order():
    examples = [example_of(length) for length in (9, 3, 30, 7, 5)]
    config = DistillConfig(batch_size=2)
    assert cut(examples, [4, 2, 0, 1, 3], config) == [[4, 2], [0, 1], [3]]


def test_what_goes_together_goes_through_one_pass():
    examples = [example_of(length) for length in (9, 90, 30, 7, 5, 5)]  # three pairs
    assert cut(examples, [2, 0, 1], DistillConfig(batch_size=2), 2) == [[4, 5, 0, 1], [2, 3]]
    assert cut(examples, [2, 0, 1], DistillConfig(token_budget=200), 2) == [[0, 1], [2, 3, 4, 5]]
    check_budget({"pair": 96}, DistillConfig(token_budget=192), 2)
    with pytest.raises(ConfigError, match=r"allowed: at least 192\. Raise it, or lower max_length to 80"):
        check_budget({"pair": 96}, DistillConfig(token_budget=191), 2)


@pytest.mark.parametrize("length", [97, 111], ids=["its padding", "its tokens"])
def test_an_example_over_the_budget_is_refused_by_name(length):
    config = DistillConfig(token_budget=100)
    check_budget({"short": 5, "fits": 96}, config)
    check_budget({"long": 5000}, DistillConfig())
    with pytest.raises(ConfigError) as caught:
        check_budget({"short": 5, "prompt 1a2b": length}, config)
    start = "token_budget: prompt 1a2b does not fit into a forward pass; got 100; allowed: at least 112. "
    assert str(caught.value) == start + "Raise it, or lower max_length to 96"


@pytest.mark.parametrize("soft", [False, True], ids=["text", "soft targets"])
def test_loss_and_gradient_do_not_depend_on_the_cut(tiny_model, soft):
    """Between one pass for all, passes by count and passes by budget."""
    examples = [encode_chat(tiny_model.tokenizer, chat) for chat in chats(7, words=(1, 25))]
    targets = soft_targets(examples) if soft else None
    loss = load_plugins(strict=True, block=[]).catalog.get("losses", "forward_kl")
    objective = Objective(loss, 2.0, t_squared=True, alpha=0.7) if soft else Objective()
    picks = [3, 0, 6, 2, 5, 1, 4]
    found = []
    with lora.attached(tiny_model.model, DistillConfig(rank=2)):
        body, head = split(tiny_model.model)
        for settings_ in ({"batch_size": 7}, {"batch_size": 2}, {"token_budget": 200}, {"token_budget": 350}):
            passes = cut(examples, picks, DistillConfig(**settings_))
            batches = [collate(examples, some, targets) for some in passes]
            grad, sums, tokens = gradients(Trainee(tiny_model.model, body, head, None), batches, objective)
            found.append((len(batches), tokens, sums[0], {n: np.array(g) for n, g in tree_flatten(grad)}))
    _, tokens, total, grad = found[0]
    assert len({passes for passes, *_ in found}) == 4, "four different cuts"
    for _, other_tokens, other_total, other_grad in found[1:]:
        assert other_tokens == tokens
        assert other_total == pytest.approx(total, rel=1e-5)
        for name, value in grad.items():
            np.testing.assert_allclose(other_grad[name], value, rtol=1e-3, atol=2e-5 * np.abs(value).max() + 1e-9)


def test_neighbours_have_similar_lengths_and_nothing_is_lost():
    lengths = np.random.default_rng(0).integers(20, 300, 4 * 50).tolist()
    places = of_like_length(lengths, 4, seed=1)
    assert sorted(places) == list(range(len(lengths)))
    assert places == of_like_length(lengths, 4, seed=1) != of_like_length(lengths, 4, seed=2)

    def waste(order):
        groups = [[lengths[i] for i in order[at : at + 4]] for at in range(0, len(order), 4)]
        return sum(4 * max(group) - sum(group) for group in groups) / sum(lengths)

    assert waste(range(len(lengths))) > 0.4
    assert waste(places) < 0.1
    halves = [np.mean([lengths[i] for i in half]) for half in (places[:96], places[96:])]
    assert halves[0] == pytest.approx(halves[1], rel=0.25)
