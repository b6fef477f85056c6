"""The options of commands that may ask teachers behind an API, and what such teachers are lent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from conch_dna.cli.app import App
from conch_dna.errors import UnknownName
from conch_dna.pipeline.project import CONFIG_FILE

if TYPE_CHECKING:
    from collections.abc import Callable

    from conch_dna.teachers.api.context import ApiContext


def api_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--budget`` and ``--base-url`` to a command."""
    function = click.option(
        "--base-url", metavar="URL", help="Endpoint of the --teacher, such as http://127.0.0.1:8000/v1."
    )(function)
    return click.option(
        "--budget", metavar="USD", help="Most that the project may ever spend on API teachers, over all its runs."
    )(function)


def api_context(
    app: App, teacher: str, budget: str | None, base_url: str | None, *, offline: bool = False
) -> ApiContext:
    """Return what API teachers work with, from ``conch.toml`` and the command line.

    :param teacher: the reference whose endpoint ``base_url`` is.
    :param offline: nothing may be asked.
    :raises ConfigError: a setting is wrong.
    :raises UnknownName: ``conch.toml`` has a table for a teacher that does not exist.
    """
    from conch_dna.models.cache import cache_dir
    from conch_dna.pipeline.setup import RUNS
    from conch_dna.teachers.api.context import ApiContext
    from conch_dna.teachers.api.ledger import FILE
    from conch_dna.teachers.api.settings import read_api
    from conch_dna.teachers.references import kind_of

    settings = read_api(app.project / CONFIG_FILE)
    known = app.host.catalog.names("teachers")
    if unknown := sorted(settings.endpoints.keys() - set(known)):
        raise UnknownName("no such teacher", where=f"[api] of {CONFIG_FILE}", got=", ".join(unknown),
                          allowed=", ".join(known))  # fmt: skip
    settings = settings.with_options(kind_of(teacher), budget, base_url)
    return ApiContext(settings, app.project / RUNS / FILE, cache_dir(), offline)
