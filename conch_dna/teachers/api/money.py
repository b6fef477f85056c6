"""Amounts of money: integers of nano-USD (1e-9 USD) internally, decimal USD in input and output, never floats."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal, InvalidOperation

from conch_dna.errors import ConfigError

NANO = 1_000_000_000  # nano-USD in one USD
PLACES = 9  # of decimal USD


def to_nano(usd: str | Decimal, where: str = "--budget") -> int:
    """Return an amount of USD in nano-USD.

    :param usd: a number without a sign, such as ``5`` or ``0.25``.
    :param where: the place that an error names.
    :raises ConfigError: it is not an amount, it is negative, or it has more than nine decimals.
    """
    try:
        amount = Decimal(usd).scaleb(PLACES)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0 or amount != amount.to_integral_value():
        raise ConfigError("not an amount of USD", where=where, got=str(usd), allowed="such as 5 or 0.25, to 1e-9")
    return int(amount)


def exact(amount: int) -> str:
    """Return nano-USD as exact decimal USD, for files that programs read."""
    return f"{Decimal(amount).scaleb(-PLACES):f}"


def usd(amount: int) -> str:
    """Return nano-USD for people: to the cent, or to two digits below ten cents; never rounded down."""
    value = Decimal(amount).scaleb(-PLACES)
    places = max(2, 1 - value.adjusted()) if value else 2
    return f"${value.quantize(Decimal(1).scaleb(-min(places, PLACES)), rounding=ROUND_UP):f}"
