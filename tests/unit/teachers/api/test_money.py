"""Money is whole nano-USD; what people write is read exactly, and what they read is never less than it is."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conch_dna.errors import ConfigError
from conch_dna.teachers.api.money import NANO, exact, to_nano, usd

AMOUNTS = st.integers(0, 10**15)


@pytest.mark.parametrize(("text", "nano"), [("5", 5 * NANO), ("0.25", NANO // 4), ("0.000000001", 1), ("0", 0)])
def test_an_amount_is_read_to_the_last_decimal(text, nano):
    assert to_nano(text) == nano
    assert to_nano(Decimal(text)) == nano


@pytest.mark.parametrize("text", ["", "$5", "five", "-1", "nan", "inf", "0.0000000001", "1,5"])
def test_what_is_no_amount_is_refused_with_its_place(text):
    with pytest.raises(ConfigError, match="--budget: not an amount of USD"):
        to_nano(text)


@given(AMOUNTS)
def test_what_a_program_reads_is_the_amount_itself(amount):
    assert to_nano(exact(amount)) == amount


@given(AMOUNTS)
def test_what_people_read_is_rounded_up_by_less_than_a_cent(amount):
    shown = to_nano(usd(amount).removeprefix("$"))
    assert amount <= shown < amount + NANO // 100


@pytest.mark.parametrize(
    ("nano", "shown"),
    [(0, "$0.00"), (1, "$0.000000001"), (450_000, "$0.00045"), (12_300_000, "$0.013"), (NANO // 8, "$0.13"),
     (5 * NANO, "$5.00"), (1234 * NANO + 1, "$1234.01")],
)  # fmt: skip
def test_small_amounts_keep_two_digits(nano, shown):
    assert usd(nano) == shown
