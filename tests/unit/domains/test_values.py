"""A rewritten request says the values of the original, and no others."""

import pytest

from conch_dna.domains.values import fault_of_rewriting, to_keep, values
from conch_dna.records import FunctionCall, Reference


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('Close ticket T-9619 with the note "bring a warm jacket".', {"T-9619", "bring a warm jacket"}),
        ("I wonder, where in the sky over Leeds is Mars?", {"Leeds", "Mars"}),
        ("My sister Ines moved to Graz. Save it as notes/summary.txt.", {"Ines", "Graz", "notes/summary.txt"}),
        ("Emma buys 2 containers for Emma's dogs at 9:30.", {"Emma", "2", "9:30"}),
        ("i'm at mia@example.org on 2026-04-02, ok?", {"mia@example.org", "2026-04-02"}),
        ("I'd say I am fine. OK?", set()),
        ("Set \u201cdeep work\u201d to 22.5 degrees", {"deep work", "22.5"}),
    ],
)
def test_values_are_what_no_other_words_can_say(text, found):
    assert values(text) == found


ORIGINAL = "Book 3 seats for Seven Lanterns on 2026-04-10, please."
CALL = Reference(calls=(FunctionCall(name="book", arguments={"title": "Seven Lanterns", "row": "seats"}),))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("can I get 3 seats for seven lanterns, 2026-04-10?", ""),
        ("Get 3 seats for Seven Lanterns.", "a value is lost: 2026-04-10"),
        ("Get 3 seats for Seven Lanterns in Oslo on 2026-04-10.", "a value is new: Oslo"),
        ("Get 3 places for Seven Lanterns on 2026-04-10.", "a value is lost: seats"),
        ("book 3 seats for seven lanterns on 2026-04-10 please!", "the same words"),
        ("Book 3 seats for Seven Lanterns\non 2026-04-10, please.", "not one line of text"),
        ("Get 13 seats for Seven Lanterns on 2026-04-10.", "a value is lost: 3"),
        ("Get 3 seats at 3.5 each for Seven Lanterns on 2026-04-10.", "a value is new: 3.5"),
        ("", "not one line of text"),
        ("3 seats for Seven Lanterns on 2026-04-10 " + "and so on " * 10, "much longer"),
    ],
)
def test_a_rewriting_keeps_every_value_and_adds_none(text, fault):
    assert fault_of_rewriting(ORIGINAL, text, CALL) == fault


def test_texts_to_keep_stand_in_their_order_with_those_of_the_right_answer():
    assert to_keep(ORIGINAL, CALL) == ["3", "seats", "Seven Lanterns", "2026-04-10"]
