"""The codec is compact and deterministic, and its distributions are close to the original ones."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tiers import thin
from tiny import targets_of

from conch_dna.data.codec import FINEST, NEAR, PREFIX, added_kl, decode, encode, positions, row_bits
from conch_dna.errors import DataError
from conch_dna.plugin.protocols import Targets


def random_targets(length, k, vocabulary, seed, spread, chosen=False):
    rng = np.random.default_rng(seed)
    made = targets_of(rng.normal(size=(length, vocabulary)) * spread, k)
    own = made.log_probs[np.arange(length), rng.integers(0, k, length)] if chosen else None
    return Targets(made.ids, made.log_probs, made.tail, own)


def assert_equal(one, other):
    for name in ("ids", "log_probs", "tail", "chosen"):
        a, b = getattr(one, name), getattr(other, name)
        assert (a is None) == (b is None)
        assert a is None or (a.dtype == b.dtype and np.array_equal(a, b)), name


def assert_sound(found, given_):
    assert (found.ids.dtype, found.log_probs.dtype, found.tail.dtype) == (np.int32, np.float32, np.float32)
    assert np.array_equal(np.sort(found.ids, axis=1), np.sort(given_.ids, axis=1))
    top = given_.ids[np.arange(len(given_.ids)), given_.log_probs.argmax(axis=1)]
    assert np.array_equal(found.ids[:, 0], top), "the teacher's first choice stays the first"
    assert (np.diff(found.log_probs, axis=1) <= 0).all()
    mass = np.exp(found.log_probs.astype(np.float64)).sum(axis=1) + np.exp(found.tail.astype(np.float64))
    assert (mass <= 1 + 1e-12).all()
    assert mass == pytest.approx(1, abs=2e-5)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 9), st.integers(1, 40), st.integers(0, 2**30), st.sampled_from([0.0, 0.01, 1.0, 3.0, 12.0, 300.0]),
    st.booleans(),
)  # fmt: skip
@example(5, 38, 5483, 300.0, False)  # a row whose lowest values round to a grid point beyond FARTHEST
def test_any_decoded_distribution_is_valid_and_is_coded_again_without_change(length, k, seed, spread, chosen):
    raw = random_targets(length, k, 41 + k, seed, spread, chosen)
    blob = encode(raw)
    found = decode(blob)
    assert_sound(found, raw)
    assert encode(found) == blob
    assert_equal(decode(blob), found)
    assert positions(blob) == length
    if chosen:
        near = np.maximum(raw.chosen, -32)
        assert np.abs(found.chosen - near).max() <= 1 / 2048


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1e4, 0, width=32), min_size=1, max_size=12), st.floats(-1e4, 0), st.integers(0, 2**31 - 13))
def test_log_probabilities_of_any_kind_are_made_a_distribution(values, tail, first):
    ids = first + np.random.default_rng(len(values)).permutation(len(values))
    raw = Targets(ids[None].astype(np.int32), np.array([values], np.float32), np.array([tail], np.float32))
    blob = encode(raw)
    assert_sound(decode(blob), raw)
    assert encode(decode(blob)) == blob


@pytest.mark.parametrize("log_probs", [[-1.0, -1.0, -1.0, -1.0], [-1.001, -1.0, -1.002, -1.0005]])
def test_ties_and_near_ties_keep_the_first_choice(log_probs):
    raw = Targets(np.array([[9, 7, 5, 3]], np.int32), np.array([log_probs], np.float32), np.full(1, -9, np.float32))
    assert decode(encode(raw)).ids[0, 0] == raw.ids[0, np.argmax(log_probs)]


def test_no_tail_at_all_stays_none_and_a_tail_that_is_nearly_all_leaves_the_ids_theirs():
    whole = targets_of(np.array([[3.0, 1.0, 0.0]]), 3)
    assert np.isneginf(whole.tail).all()
    assert np.isneginf(decode(encode(whole)).tail).all()
    flat = targets_of(np.zeros((2, 50_000)), 4)
    found = decode(encode(flat))
    assert np.abs(found.log_probs - np.log(1 / 50_000)).max() < 0.01
    assert added_kl(flat, found).max() < 1e-9


@pytest.mark.parametrize(
    ("k", "vocabulary", "spread", "bytes_", "mean", "most"),
    thin(
        [
            (16, 49_152, 4.0, 42, NEAR, NEAR * 1.5),
            (64, 49_152, 4.0, 127, 2e-3, 6e-3),
            (64, 151_936, 6.0, 127, 8e-3, 1.5e-2),
            (64, 151_936, 4.0, 127, 8e-3, 1.5e-2),
            (64, 151_936, 1.5, 127, 1e-3, 1.5e-2),
            (128, 151_936, 4.0, 255, 2e-3, 6e-3),
        ]
    ),
    ids=["k 16", "k 64, small vocabulary", "peaked", "between", "flat", "k 128"],
)
def test_a_token_takes_few_bytes_and_the_added_divergence_is_small(k, vocabulary, spread, bytes_, mean, most):
    raw = random_targets(24, k, vocabulary, 0, spread)
    blob = encode(raw)
    added = added_kl(raw, decode(blob))
    assert len(blob) / 24 < bytes_
    assert (added > -1e-6).all()
    assert added.mean() < mean
    assert added.max() < most


def test_where_bits_are_free_every_row_is_near_and_log_probabilities_keep_to_the_grid():
    raw = random_targets(200, 24, 400, 1, 3.0)
    found = decode(encode(raw))
    assert len(encode(raw)) * 8 / 200 < row_bits(24)
    assert added_kl(raw, found).max() < NEAR * 1.2
    at = np.argsort(raw.ids, axis=1), np.argsort(found.ids, axis=1)
    a, b = (np.take_along_axis(t.log_probs, o, axis=1) for t, o in zip((raw, found), at, strict=True))
    distance = raw.log_probs[:, :1] - a
    assert (np.abs(a - b) <= (2 + distance) / 8 + 0.1).all()


def test_added_kl_is_the_plain_formula():
    raw = targets_of(np.array([[2.0, 1.0, 0.0, -1.0]]), 2)
    other = Targets(raw.ids[:, ::-1], np.log(np.array([[0.3, 0.5]], np.float32)), np.log(np.array([0.2], np.float32)))
    p, q = np.exp([*raw.log_probs[0], raw.tail[0]]), [0.5, 0.3, 0.2]
    assert added_kl(raw, other)[0] == pytest.approx((p * np.log(p / q)).sum(), rel=1e-5)


def test_an_answer_without_tokens_is_allowed():
    none = Targets(np.zeros((0, 4), np.int32), np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
    assert decode(encode(none)).ids.shape == (0, 4)


def broken(**change):
    whole = {"ids": np.array([[4, 2]]), "log_probs": np.array([[-1.0, -2.0]]), "tail": np.array([-1.0])}
    return Targets(**{name: np.asarray(value) for name, value in {**whole, **change}.items()})


@pytest.mark.parametrize(
    "bad",
    [
        broken(log_probs=[[np.nan, -2.0]]), broken(log_probs=[[-np.inf, -2.0]]), broken(tail=[np.nan]),
        broken(tail=[np.inf]), broken(ids=[[4, 4]]), broken(ids=[[-1, 4]]), broken(tail=[-1.0, -1.0]),
        broken(log_probs=[[-1.0]]), broken(ids=[4, 2]), broken(chosen=[np.nan]), broken(chosen=[-1.0, -1.0]),
        broken(ids=np.zeros((1, 0)), log_probs=np.zeros((1, 0))),
    ],
)  # fmt: skip
def test_arrays_that_are_not_distributions_are_refused(bad):
    with pytest.raises(DataError, match="soft targets"):
        encode(bad)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_damaged_code_is_refused_or_gives_something_sound(data):
    blob = encode(random_targets(3, 5, 60, 3, 2.0, chosen=True))
    place = data.draw(st.integers(0, 8 * len(blob) - 1))
    bad = bytearray(blob)
    bad[place // 8] ^= 1 << place % 8
    bad = bytes(bad[: data.draw(st.sampled_from([len(blob), len(blob), len(blob) - 1, PREFIX.size, 3]))])
    try:
        found = decode(bad)
    except DataError:
        return
    assert (found.ids >= 0).all()
    assert np.isfinite(found.log_probs).all()
    assert not np.isnan(found.tail).any()


def test_a_code_that_is_cut_or_too_long_is_refused():
    blob = encode(random_targets(3, 5, 60, 3, 2.0))
    for bad in (*(blob[:size] for size in range(len(blob))), blob + b"\0"):
        with pytest.raises(DataError, match="soft targets"):
            decode(bad)


def test_the_finest_grid_alone_would_be_near_enough():
    """A step of 2 ** -FINEST at the top costs less than NEAR, so that trying finer ones would be in vain."""
    assert (2 * 2**-FINEST) ** 2 / 24 < NEAR
