"""A request is matched with tools by the words that they share."""

import pytest

from conch_dna.data.closest_tools import MOST, ClosestTools

TOOLS = (
    "book_flight(from: string, to: string) - Book a seat on a flight",
    "lunar_phase(night: string) - The phase of the moon on a date",
    "listDonors(giver: string) - Add a person to the donors",
    "f3_x(p1: string, p2: integer) - Reserve a berth in a marina for some nights",
)


@pytest.mark.parametrize(
    ("request_text", "places"),
    [
        ("Is the moon full tonight?", [1]),
        ("Which PHASE is it in?", [1]),
        ("I want to reserve some berths at Kingsport", [3]),  # a masked name is found by its description
        ("Put Otto on the list of donors", [2]),  # one word of camelCase
        ("Book a flight, and a berth at the marina there", [0, 3]),
        ("What is 3 times 4?", []),
        ("What would you like to have from them?", []),
        ("", []),
        ("\u00bfQu\u00e9 tiempo hace ma\u00f1ana?", []),
    ],
)
def test_the_closest_tools_share_the_most_telling_words(request_text, places):
    assert ClosestTools(TOOLS)(request_text) == places


def test_a_word_of_every_tool_tells_less_than_one_of_a_single_tool():
    tools = ["alpha - weather of a city", "beta - weather of a river", "gamma - weather of a mountain"]
    assert ClosestTools(tools)("weather at the river") == [1]


def test_at_most_three_are_named_and_equal_ones_keep_their_order():
    assert ClosestTools(["weather"] * 5)("the weather") == list(range(MOST))


def test_without_tools_none_is_close():
    assert ClosestTools([])("anything") == []
