"""Slots stay with their rows through every operation on a batch, and each call adds the deltas of its rows' slots."""

import copy

import mlx.core as mx
import pytest
from architectures import build
from hypothesis import given
from hypothesis import strategies as st
from mlx_lm.generate import BatchGenerator

from conch_dna.runtime.neuron_layers import DeltaSwitch
from conch_dna.runtime.slot_cache import SlotCache, SlottedModel

ROW = st.tuples(st.integers(0, 8), st.integers(0, 9))  # its slot, and how many tokens to come are the base's
MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("extend"), st.lists(ROW, min_size=1, max_size=4)),
        st.tuples(st.just("filter"), st.lists(st.booleans(), min_size=40, max_size=40)),
        st.tuples(st.just("split"), st.lists(st.booleans(), min_size=40, max_size=40)),
        st.tuples(st.just("pad"), st.none()),
        st.tuples(st.just("read"), st.integers(1, 4)),
    ),
    max_size=8,
)


def merged(rows):
    return SlotCache.merge([SlotCache([slot], [context]) for slot, context in rows])


def held(cache):
    return list(zip(cache.slots, cache.contexts, strict=True))


@given(st.lists(ROW, min_size=1, max_size=5), MOVES)
def test_the_rows_keep_their_slots_through_every_move(first, moves):
    cache, rows = merged(first), list(first)
    for move, value in moves:
        if move == "extend":
            cache.extend(merged(value))
            rows += value
        elif move == "read":
            cache.advance(value)
            rows = [(slot, max(0, context - value)) for slot, context in rows]
        elif move == "pad":
            cache.prepare(lengths=[1] * len(rows), right_padding=[0] * len(rows))
            cache.finalize()
        else:
            keep = [n for n, kept in enumerate(value[: len(rows)]) if kept]
            if move == "split":  # a copy keeps the others, as a prompt batch does
                other = copy.deepcopy(cache)
                left = [n for n in range(len(rows)) if n not in keep]
                other.filter(left)
                assert held(other) == [rows[n] for n in left]
            cache.filter(keep)
            rows = [rows[n] for n in keep]
        assert held(cache) == rows
        assert [held(cache.extract(n)) for n in range(len(rows))] == [[row] for row in rows]
        assert cache.now == [0 if context else slot for slot, context in rows]
        mx.eval([cache.state])
        assert cache.nbytes == 0


class Noting:
    """A model that records the active delta of each call."""

    def __init__(self, switch):
        self.model, self.switch, self.seen = build("llama"), switch, []
        self.layers = self.model.layers

    def __call__(self, ids, cache):
        self.seen.append((ids.shape, self.switch.delta, len(cache)))
        return self.model(ids, cache=cache)


@pytest.fixture
def slotted():
    switch = DeltaSwitch()
    noting = Noting(switch)
    return SlottedModel(noting, switch, tuple), noting


def test_a_call_adds_what_its_rows_slots_say_and_nothing_after_it(slotted):
    model, noting = slotted
    cache = model.cache_for(3)
    logits = model(mx.array([[1, 2]]), cache)
    assert logits.shape == (1, 2, 64)
    assert noting.seen == [((1, 2), (3,), 2)]
    assert noting.switch.delta is None
    assert cache[0].offset == 2


def test_nothing_stays_added_after_a_call_that_failed(slotted):
    model, noting = slotted
    with pytest.raises(ValueError, match="integral"):
        model(mx.zeros((1, 2, 3, 4)), model.cache_for(5))
    assert noting.switch.delta is None


def test_in_a_generator_every_call_has_its_own_rows(slotted):
    model, noting = slotted
    generator = BatchGenerator(model, max_tokens=6, completion_batch_size=3, prefill_batch_size=2)
    generator.insert([[1, 2, 3], [4], [5, 6]], max_tokens=[2, 6, 5], caches=[model.cache_for(n) for n in (1, 2, 3)])
    steps = 0
    while generator.next_generated():
        steps += 1
        if steps == 2:
            generator.insert([[7, 8]], max_tokens=[2], caches=[model.cache_for(4)])
    generator.close()
    added = [delta for _, delta, _ in noting.seen]
    assert all(len(delta) == shape[0] for shape, delta, _ in noting.seen)
    assert {slot for delta in added for slot in delta} == {1, 2, 3, 4}
    assert max(map(len, added)) == 3


def test_a_row_is_the_base_s_until_its_context_is_read_however_long_its_neighbours_are(slotted):
    model, noting = slotted
    generator = BatchGenerator(model, max_tokens=2, completion_batch_size=4, prefill_batch_size=4, prefill_step_size=4)
    contexts = [[1] * 10, [2] * 3, [3] * 4, []]
    generator.insert_segments(
        [[context, [4, 5, 6]] for context in contexts],
        caches=[model.cache_for(slot, context=len(context)) for slot, context in enumerate(contexts, 1)],
    )
    while generator.next_generated():
        pass
    generator.close()
    # Reading 10 takes calls of 4, 4 and 2; a row that has read its prompt goes on to its answer at once.
    added = [delta for shape, delta, _ in noting.seen if shape[1] > 1]
    assert added[0] == (0, 0, 0, 4)
    first = [delta[0] for delta in added if delta[0] in {0, 1}]
    assert first == [0, 0, 0, 1]
