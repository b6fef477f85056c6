"""Settings of API teachers: the ``[api]`` and ``[prices]`` tables of ``conch.toml``."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from conch_dna.config import read_table
from conch_dna.errors import ConfigError
from conch_dna.records import Record
from conch_dna.teachers.api.limits import Limits
from conch_dna.teachers.api.money import to_nano
from conch_dna.teachers.api.prices import Price, parse_prices, read_prices
from conch_dna.util.validation import HIDDEN, faults_in, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SECRETS = ("key", "token", "secret", "password", "authorization")  # in the name of a setting that may hold a key


class Endpoint(Limits):
    """``[api.NAME]``: address, limits and options of the teacher NAME."""

    base_url: str = Field("", description="URL of the endpoint; empty: the provider's own")
    prompt_caching: bool = Field(False, description="mark the domain's context for the provider's prompt cache")
    batch: bool = Field(False, description="use the provider's batch endpoint: cheaper, within a day")
    turn: str = Field(
        "", description="one turn as the model reads it, with {role} and {content}, for endpoints that echo plain text"
    )

    @field_validator("base_url")
    @classmethod
    def _url(cls, value: str) -> str:
        """Require an HTTP URL without a password, which would end up in files."""
        parts = urlsplit(value)
        if "@" in (parts.netloc or value) or parts.query:
            raise PydanticCustomError(
                HIDDEN, "should hold no user, password or query; keys come from the environment or the keyring"
            )
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("should be a URL, such as http://127.0.0.1:8000/v1")
        return value.rstrip("/")

    @field_validator("turn")
    @classmethod
    def _both(cls, value: str) -> str:
        if value and not value.count("{content}") == value.count("{role}") == 1:
            raise ValueError("should hold {role} and {content}, each once")
        return value


class ApiSettings(Record):
    """The settings of all API teachers.

    :param budget: the limit on all spending of this project, in nano-USD; ``None`` if none is set.
    :param prices: the user's prices of models, by ``PROVIDER:MODEL``.
    :param endpoints: by the teacher's name; a teacher without an entry has the defaults.
    """

    budget: int | None = None
    prices: dict[str, Price] = Field(default_factory=dict)
    endpoints: dict[str, Endpoint] = Field(default_factory=dict)

    def endpoint(self, provider: str) -> Endpoint:
        """Return the settings of one teacher."""
        return self.endpoints.get(provider, Endpoint())

    def with_options(self, provider: str, budget: str | None, base_url: str | None) -> ApiSettings:
        """Return the settings with the options of the command line applied.

        :param provider: the provider whose endpoint ``base_url`` is.
        :raises ConfigError: an option is not an amount, or not a URL.
        """
        endpoints = dict(self.endpoints)
        if base_url is not None:
            given = self.endpoint(provider).model_dump() | {"base_url": base_url}
            endpoints[provider] = _endpoint(given, "--base-url")
        amount = self.budget if budget is None else to_nano(budget)
        return self.model_copy(update={"budget": amount, "endpoints": endpoints})


def read_api(path: Path) -> ApiSettings:
    """Return the ``[api]`` and ``[prices]`` tables of a ``conch.toml``; the defaults for missing tables.

    :raises ConfigError: the file is not TOML, a setting is unknown, of the wrong type or out of range, or it contains
        a provider's key, whose value the error does not show.
    """
    table = read_table(path, "api", Decimal)
    _without_secrets(table, path)
    endpoints = {name: value for name, value in table.items() if isinstance(value, dict)}
    if unknown := sorted(table.keys() - endpoints.keys() - {"budget", "prices"}):
        meant = "".join(nearest(name, ("budget", "prices")) for name in unknown)
        raise ConfigError(f"unknown setting{meant}", where=f"{path}, [api]", got=unknown,
                          allowed="budget, prices, and a table for each teacher")  # fmt: skip
    budget, file = table.get("budget"), table.get("prices")
    if file is not None and not isinstance(file, str):
        raise ConfigError("not the name of a file", where=f"{path}, [api] prices", got=file)
    listed = read_prices(path.parent / file) if file else {}
    stated = parse_prices(read_table(path, "prices", Decimal), f"{path}, [prices]")
    return ApiSettings(
        budget=None if budget is None else to_nano(str(budget), f"{path}, [api] budget"),
        prices={**listed, **stated},
        endpoints={name: _endpoint(value, f"{path}, [api.{name}]") for name, value in endpoints.items()},
    )


def _endpoint(given: Mapping[str, Any], where: object) -> Endpoint:
    """Validate one table; the error lists every fault."""
    try:
        return Endpoint.model_validate(given)
    except ValidationError as error:
        raise ConfigError("; ".join(faults_in(error, Endpoint.model_fields)), where=where) from None


def _without_secrets(table: Mapping[str, Any], path: Path, below: str = "api") -> None:
    """Refuse settings whose name suggests a key, at any depth."""
    for name, value in table.items():
        if isinstance(value, dict):
            _without_secrets(value, path, f"{below}.{name}")
        elif isinstance(value, str) and any(part in SECRETS for part in name.lower().replace("-", "_").split("_")):
            raise ConfigError(
                "a shared file must not contain a key", where=f"{path}, [{below}] {name}",
                next_step="Remove it, revoke it if others could read it, and set it in the environment or keyring",
            )  # fmt: skip
