"""Numbers in words become digits, and a number in digits becomes its value."""

import pytest

from conch_dna.util.numbers import NUMBER, in_digits, value_of


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("Twenty-five chairs, ninety guests", "25 chairs, 90 guests"),
        ("twenty five", "25"),
        ("two hundred and six", "206"),
        ("a hundred of them", "100 of them"),
        ("three thousand four hundred and twelve", "3412"),
        ("two and three", "2 and 3"),
        ("half past seven", "7:30"),
        ("a quarter past 3", "3:15"),
        ("quarter to one", "12:45"),
        ("ten past four", "4:10"),
        ("one of them, often", "one of them, often"),
        ("no number, tenfold", "no number, tenfold"),
    ],
)
def test_spelt_numbers_and_times_become_digits(text, digits):
    assert in_digits(text) == digits


@pytest.mark.parametrize(
    ("text", "values"),
    [("1,200 at .5", [1200, 0.5]), ("\u22123 and 10-12", [-3, 10, 12]), ("1,20", [1, 20]), ("(a)-3", [3])],
)
def test_numbers_in_digits_have_their_value(text, values):
    assert [value_of(number) for number in NUMBER.findall(text)] == values
