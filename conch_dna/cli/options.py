"""Command-line options made from the settings' own declarations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import click

from conch_dna.cli.complete import cross_tokenizer_names, gate_names, loss_names, mode_names, teacher_names
from conch_dna.config import DistillConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic.fields import FieldInfo


_COMPLETED = {
    "mode": mode_names, "teacher": teacher_names, "loss": loss_names, "gate": gate_names,
    "cross_tokenizer": cross_tokenizer_names,
}  # fmt: skip


def setting_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add an option for every field of :class:`DistillConfig` to a command."""
    for name, field in reversed(DistillConfig.model_fields.items()):
        function = _option(name, field)(function)
    return function


def _option(name: str, field: FieldInfo) -> Callable[..., Any]:
    flag = f"--{name.replace('_', '-')}"
    text = f"{field.description}  [default: {_shown(field.default)}]"
    if field.annotation is bool:
        return click.option(f"{flag}/--no-{name.replace('_', '-')}", default=None, help=text)
    if get_origin(field.annotation) is tuple:
        # An empty tuple from click means that the option was not given.
        return click.option(flag, multiple=True, help=f"{text}; may be repeated", callback=lambda _c, _p, v: v or None)
    if get_origin(field.annotation) is Literal:
        return click.option(flag, type=click.Choice(get_args(field.annotation)), help=text)
    kinds: dict[object, click.ParamType[Any]] = {int: click.INT, float: click.FLOAT, float | None: click.FLOAT}
    return click.option(
        flag, type=kinds.get(field.annotation, click.STRING), help=text, shell_complete=_COMPLETED.get(name)
    )


def _shown(value: object) -> str:
    return "all" if value == () else "not set" if value is None else str(value)


def given(values: dict[str, Any]) -> dict[str, Any]:
    """Return those of a command's parameters that are settings and were given."""
    return {k: v for k, v in values.items() if k in DistillConfig.model_fields and v is not None}
