"""Options of commands that may ask teachers behind an API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable


def api_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--budget`` and ``--base-url`` to a command."""
    function = click.option(
        "--base-url", metavar="URL", help="Endpoint of the teacher, such as http://127.0.0.1:8000/v1."
    )(function)
    return click.option(
        "--budget", metavar="USD", help="Most that the project may ever spend on API teachers, over all its runs."
    )(function)
