"""The split is stable, disjoint, and unmoved by prompts that are added."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conch_dna.data.splits import assert_disjoint, position, shortage, split
from conch_dna.errors import DataError
from conch_dna.records import Message, Prompt, Reference

QUICK = settings(max_examples=50, deadline=None, database=None)


def prompts(*contents):
    return [Prompt(messages=(Message(role="user", content=str(content)),)) for content in contents]


MANY = prompts(*range(400))


def test_the_places_are_the_same_for_ever():
    assert position("a") == 0.2831332440436951


@given(st.text())
@QUICK
def test_every_place_is_in_the_unit_interval(digest):
    assert 0.0 <= position(digest) < 1.0


def test_both_parts_together_are_all_prompts_and_have_none_in_common():
    train, held_out = split(MANY, 0.15)
    digests = [{prompt.digest for prompt in part} for part in (train, held_out)]
    assert not digests[0] & digests[1]
    assert digests[0] | digests[1] == {prompt.digest for prompt in MANY}
    assert_disjoint(digests[0], digests[1])


def test_the_held_out_share_is_near_the_one_asked_for():
    assert len(split(MANY, 0.15).held_out) / len(MANY) == pytest.approx(0.15, abs=0.05)


@given(st.permutations(range(40)))
@QUICK
def test_the_order_given_does_not_matter(order):
    assert split(prompts(*order), 0.3) == split(prompts(*range(40)), 0.3)


@given(st.sets(st.integers(1000, 9999), max_size=50))
@QUICK
def test_adding_prompts_moves_none(added):
    before = split(prompts(*range(60)), 0.25)
    after = split(prompts(*range(60), *added), 0.25)
    assert set(before.train) <= set(after.train)
    assert set(before.held_out) <= set(after.held_out)


def test_a_larger_share_only_takes_from_training():
    assert set(split(MANY, 0.1).held_out) < set(split(MANY, 0.3).held_out)


def test_reference_and_source_do_not_move_a_prompt():
    changed = [p.model_copy(update={"reference": Reference(answer="4"), "source": "x"}) for p in MANY]
    kept, moved = split(MANY, 0.15).held_out, split(changed, 0.15).held_out
    assert [prompt.digest for prompt in kept] == [prompt.digest for prompt in moved]


@pytest.mark.parametrize(("given_prompts", "share"), [([], 0.5), (prompts(1), 0.5), (MANY, 0.0), (MANY, 1.0)])
def test_an_empty_part_is_refused(given_prompts, share):
    with pytest.raises(DataError, match=r"too few (held-out|training) prompts"):
        split(given_prompts, share)


@pytest.mark.parametrize(
    ("counts", "least", "next_step"),
    [
        ((9, 1), 1, "Add prompts or raise held_out"), ((0, 9), 1, "Add prompts or lower held_out"),
        ((1, 2), 2, "Add prompts or lower held_out"), ((1, 2), 1, None),
    ],
    ids=["one held out", "none to train on", "none to set apart", "enough"],
)  # fmt: skip
def test_a_shortage_is_reported_with_its_fix(counts, least, next_step):
    found = shortage(*counts, 0.1, least)
    assert (found and found.next_step) == next_step
    if found:
        assert f"got {counts[0]} for training and {counts[1]} held out, at held_out = 0.1" in str(found)
        assert f"allowed: at least {least} for training and 2 held out" in str(found)


def test_a_prompt_in_both_parts_is_refused():
    with pytest.raises(DataError, match=r"1 held-out prompt\(s\) were trained on; got b"):
        assert_disjoint(["a", "b"], ["b", "c"])
