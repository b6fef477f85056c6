"""Soft targets of recorded answers: exact, compact, and refused when damaged."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import targets_of

from conch_dna.data.codec import encode
from conch_dna.data.target_files import TargetFile, dump, read
from conch_dna.domains.soft_recordings import read_soft, write_soft
from conch_dna.errors import DataError
from conch_dna.records import SoftToken

ANSWERS = {
    "a" * 64: (
        SoftToken(piece="Hé", choices=(("Hé", -0.1), (None, -2.5), ("\x9a", -6.0))),
        SoftToken(piece=None, choices=((None, -0.01),)),
    ),
    "b" * 64: (SoftToken(piece="x", choices=(("y", -0.5), ("x", -1.2))), SoftToken(piece=None, choices=((None, 0.0),))),
}


def near(found, wanted):
    assert [t.piece for t in found] == [t.piece for t in wanted]
    for ours, theirs in zip(found, wanted, strict=True):
        a, b = dict(ours.choices), dict(theirs.choices)
        assert a.keys() == b.keys()
        assert next(iter(a)) == next(iter(b))
        assert all(abs(math.exp(a[p]) - math.exp(b[p])) < 0.02 for p in a)


def test_what_was_written_is_read(tmp_path):
    write_soft(tmp_path / "x", ANSWERS)
    found = read_soft(tmp_path / "x")
    assert list(found) == list(ANSWERS)
    for digest, tokens in ANSWERS.items():
        near(found[digest], tokens)


masses = st.lists(st.floats(0.01, 1.0), min_size=1, max_size=5)
pieces = st.lists(st.one_of(st.none(), st.binary(min_size=1, max_size=3)), min_size=1, max_size=5, unique=True)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.tuples(pieces, masses), min_size=1, max_size=4), min_size=1, max_size=4))
def test_any_tokens_come_back(tmp_path_factory, answers):
    path = tmp_path_factory.mktemp("soft") / "x"
    given_ = {}
    for number, rows in enumerate(answers):
        tokens = []
        for names, weights in rows:
            size = min(len(names), len(weights))
            share = np.sort(np.array(weights[:size]) + np.arange(size) * 0.3)[::-1]  # no two alike
            share = 0.98 * share / share.sum()
            texts = [None if n is None else n.decode("latin-1") for n in names[:size]]
            tokens.append(SoftToken(piece=texts[-1], choices=tuple(zip(texts, np.log(share).tolist(), strict=True))))
        given_[f"{number:064d}"] = tuple(tokens)
    write_soft(path, given_)
    found = read_soft(path)
    for digest, tokens in given_.items():
        near(found[digest], tokens)


def test_it_takes_less_than_48_bytes_a_token_of_16_choices(tmp_path):
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(4000)]
    tokens = []
    for _ in range(2000):
        names = rng.choice(4000, 16, replace=False)
        share = np.sort(rng.dirichlet(np.full(17, 0.1)))[:0:-1] + 1e-6
        named = [words[i] for i in names]
        tokens.append(SoftToken(piece=named[0], choices=tuple(zip(named, np.log(share).tolist(), strict=True))))
    write_soft(tmp_path / "x", {"a" * 64: tokens})
    assert (tmp_path / "x").stat().st_size < 2000 * 48 + 4000 * 10


def test_a_file_of_other_targets_is_refused_by_name(tmp_path):
    targets = targets_of(np.zeros((1, 9)), 3)
    (tmp_path / "x").write_bytes(dump(TargetFile({}, {"0" * 64: encode(targets)})))
    with pytest.raises(DataError, match="x: contains no recorded answers"):
        read_soft(tmp_path / "x")


def test_a_file_with_fewer_tokens_than_places_is_refused(tmp_path):
    write_soft(tmp_path / "x", ANSWERS)
    content = read(tmp_path / "x")
    (tmp_path / "x").write_bytes(dump(TargetFile(content.about, content.blobs, content.tokens[:-1])))
    with pytest.raises(DataError, match="x: contains no recorded answers"):
        read_soft(tmp_path / "x")
