"""Prices of calls: usage in tokens, prices in USD per million tokens, amounts in whole nano-USD, rounded up."""

from __future__ import annotations

import math
import re
import tomllib
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from conch_dna.errors import ConfigError
from conch_dna.records import Record
from conch_dna.util.validation import faults_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = "prices.toml"  # in the package
NANO_A_TOKEN = 1000  # nano-USD a token at a price of 1 USD per million tokens
_DATED = re.compile(r"(?P<model>.+)-(?:\d{8}|\d{4}-\d{2}-\d{2})")
_KEY = re.compile(r"[^:\s]+:\S+")


class Usage(Record):
    """The tokens of a call, each counted in exactly one class.

    A provider's ``prompt_tokens`` may include the cached ones: subtract them from ``input`` first.
    """

    input: int = Field(0, ge=0, description="input tokens neither read from a cache nor written to one")
    output: int = Field(0, ge=0, description="generated tokens, including hidden reasoning")
    cached_input: int = Field(0, ge=0, description="input tokens read from the provider's prompt cache")
    cache_write: int = Field(0, ge=0, description="input tokens written to the provider's prompt cache")

    def __add__(self, other: Usage) -> Usage:
        """Return the sum of both."""
        return Usage(**{name: getattr(self, name) + getattr(other, name) for name in Usage.model_fields})

    @property
    def all_input(self) -> int:
        """Input tokens of all classes."""
        return self.input + self.cached_input + self.cache_write


def _usd(default: Any, description: str) -> Any:
    return Field(default, ge=0, max_digits=18, decimal_places=9, description=description)


class Price(Record):
    """The prices of one model, in USD per million tokens."""

    input: Decimal = _usd(..., "of uncached input")
    output: Decimal = _usd(..., "of output")
    cached_input: Decimal | None = _usd(None, "of input read from the prompt cache; empty: the price of input")
    cache_write: Decimal | None = _usd(None, "of input written to the prompt cache; empty: the price of input")
    batch: Decimal = Field(Decimal(1), gt=0, le=1, description="factor on all of them for batch endpoints")
    up_to: int | None = Field(None, ge=1, description="input tokens of the longest call with these prices")

    @property
    def free(self) -> bool:
        """True if all calls are free."""
        return not any((self.input, self.output, self.cached_input, self.cache_write))

    def cost(self, usage: Usage, *, batch: bool = False) -> int:
        """Return the cost of ``usage`` in nano-USD, rounded up."""
        cached = self.input if self.cached_input is None else self.cached_input
        write = self.input if self.cache_write is None else self.cache_write
        total = (
            usage.input * Fraction(self.input)
            + usage.output * Fraction(self.output)
            + usage.cached_input * Fraction(cached)
            + usage.cache_write * Fraction(write)
        )
        return math.ceil(total * NANO_A_TOKEN * (Fraction(self.batch) if batch else 1))

    def worst(self, input_tokens: int, output_tokens: int, *, batch: bool = False) -> int:
        """Return the maximum cost of a call in nano-USD: all of its input in the most expensive class.

        :param input_tokens: an upper bound.
        :param output_tokens: the limit on generated tokens.
        :raises ConfigError: a call this long has other prices, which are unknown.
        """
        if self.up_to is not None and input_tokens > self.up_to:
            raise ConfigError(
                "the prices do not apply to a call this long", where="prices", got=f"up to {input_tokens} input tokens",
                allowed=f"{self.up_to} and less", next_step="Shorten the prompt, or configure the prices of long calls",
            )  # fmt: skip
        every = (self.cost(Usage(**{kind: input_tokens, "output": output_tokens}), batch=batch)
                 for kind in ("input", "cached_input", "cache_write"))  # fmt: skip
        return max(every)


FREE = Price(input=Decimal(0), output=Decimal(0))


def price_of(provider: str, model: str, *, overrides: Mapping[str, Any] | None = None, free: bool = False) -> Price:
    """Return the prices of a model: the user's own, else the packaged ones, else :data:`FREE` if ``free`` is set.

    A listed model has its price at any address, because a local endpoint may forward calls to the provider.

    A dated snapshot (``gpt-4o-mini-2024-07-18``) has the prices of the name before the date; nothing else is guessed.

    :param overrides: ``"PROVIDER:MODEL"`` to a :class:`Price` or to its fields.
    :param free: the endpoint is free unless a price is known, as one on this machine.
    :raises ConfigError: the prices are unknown, or an override is malformed.
    """
    own, key = parse_prices(overrides or {}, "[prices]"), f"{provider}:{model}"
    found = _listed(own, key) or _listed(packaged(), key) or (FREE if free else None)
    if found is None:
        raise ConfigError(
            "no price is known for this model", where="--teacher", got=key,
            next_step="Add its prices, in USD per million tokens, to conch.toml: "
            f'[prices."{provider}:{model}"], input = 0.15, output = 0.6, each on a separate line',
        )  # fmt: skip
    return found


def _listed(table: Mapping[str, Price], key: str) -> Price | None:
    """Return the prices of a model, or of the model of which it is a dated snapshot."""
    dated = _DATED.fullmatch(key)
    return table.get(key) or (table.get(dated["model"]) if dated else None)


def parse_prices(table: Mapping[str, Any], where: object) -> dict[str, Price]:
    """Parse a ``[prices]`` table; the error lists every fault.

    :raises ConfigError: a key is not ``PROVIDER:MODEL``, or a price is malformed.
    """
    found, faults = {}, []
    for key, prices in table.items():
        if not _KEY.fullmatch(key):
            faults.append(f"{key!r}: must be PROVIDER:MODEL, in quotes")
            continue
        try:
            found[key] = Price.model_validate(prices)
        except ValidationError as error:
            faults += [f"{key}: {fault}" for fault in faults_in(error, Price.model_fields)]
    if faults:
        raise ConfigError("; ".join(faults), where=where)
    return found


def read_prices(path: Path) -> dict[str, Price]:
    """Read a file of prices, in the form of the packaged ``prices.toml``.

    :raises ConfigError: it cannot be read, is not TOML, or contains anything but prices.
    """
    try:
        return _parsed(path.read_text(encoding="utf-8-sig"), path)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=path) from error
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError; ConfigError is one too
        raise error if isinstance(error, ConfigError) else ConfigError(f"is not TOML: {error}", where=path) from error


def _parsed(text: str, where: object) -> dict[str, Price]:
    table = tomllib.loads(text, parse_float=Decimal)
    if unknown := sorted(table.keys() - {"checked", "sources", "prices"}):
        raise ConfigError("unknown table or key", where=where, got=", ".join(unknown),
                          allowed="[prices], checked, [sources]")  # fmt: skip
    return parse_prices(table.get("prices", {}), where)


@cache
def packaged() -> dict[str, Price]:
    """Return the packaged prices."""
    return _parsed(_packaged_text(), FILE)


def checked() -> str:
    """Return the date of the last check of the packaged prices, as ISO 8601."""
    return str(tomllib.loads(_packaged_text())["checked"])


def _packaged_text() -> str:
    return files("conch_dna.teachers.api").joinpath(FILE).read_text(encoding="utf-8")
