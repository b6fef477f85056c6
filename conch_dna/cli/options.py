"""Command-line options made from the declarations of the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import click

from conch_dna.cli.complete import (
    cross_tokenizer_names,
    gate_names,
    loss_names,
    mode_names,
    teacher_names,
    tracker_names,
)
from conch_dna.config import DistillConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic.fields import FieldInfo

    from conch_dna.cli.app import App
    from conch_dna.plugin.recipes import Recipe

_COMPLETED = {
    "mode": mode_names, "teacher": teacher_names, "loss": loss_names, "gate": gate_names,
    "cross_tokenizer": cross_tokenizer_names, "tracker": tracker_names,
}  # fmt: skip
_IN_TABLE = "__"  # between recipe and setting in the name of a parameter


class SettingsCommand(click.Command):
    """A command with an option for every setting, including those of the recipes of all plug-ins.

    The options of recipes are made on first use, because plug-ins are not loaded before.
    """

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the parameters of the command and of all settings."""
        app: App | None = ctx.find_root().obj
        recipes = app.host.catalog.all("recipes").values() if app else ()
        return [*super().get_params(ctx), *_core_options(), *_recipe_options(list(recipes))]


def _core_options() -> Iterator[click.Option]:
    for name, field in DistillConfig.model_fields.items():
        if name != "tables":
            yield _option(name, f"--{name.replace('_', '-')}", field)


def _recipe_options(recipes: list[Recipe]) -> Iterator[click.Option]:
    """Yield the options ``--RECIPE.SETTING``, and hidden options with the names of version 0.1."""
    old: dict[str, FieldInfo] = {}
    for recipe in recipes:
        for name, field in recipe.settings.model_fields.items():
            flag = f"--{recipe.name}.{name}".replace("_", "-")
            yield _option(f"{recipe.name}{_IN_TABLE}{name}", flag, field)
            if name in recipe.settings.flat_names:
                old.setdefault(recipe.settings.flat_names[name], field)
    for name, field in old.items():
        yield _option(name, f"--{name.replace('_', '-')}", field, hidden=True)


def _option(name: str, flag: str, field: FieldInfo, *, hidden: bool = False) -> click.Option:
    text = f"{field.description}  [default: {_shown(field.default)}]"
    if field.annotation is bool:
        off = f"--no-{flag.removeprefix('--')}"
        return click.Option([f"{flag}/{off}", name], default=None, help=text, hidden=hidden)
    if get_origin(field.annotation) is tuple:
        # click gives an empty tuple if the option is absent.
        return click.Option(
            [flag, name], multiple=True, help=f"{text}; may be repeated", callback=lambda _c, _p, v: v or None,
            shell_complete=_COMPLETED.get(name),
            hidden=hidden,
        )  # fmt: skip
    if get_origin(field.annotation) is Literal:
        return click.Option([flag, name], type=click.Choice(get_args(field.annotation)), help=text, hidden=hidden)
    kinds: dict[object, click.ParamType[Any]] = {int: click.INT, float: click.FLOAT, float | None: click.FLOAT}
    return click.Option(
        [flag, name], type=kinds.get(field.annotation, click.STRING), help=text, shell_complete=_COMPLETED.get(name),
        hidden=hidden,
    )  # fmt: skip


def _shown(value: object) -> str:
    return "all" if value == () else "not set" if value is None else str(value)


def given(values: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that were given on the command line; those of a recipe as ``RECIPE.SETTING``."""
    return {name.replace(_IN_TABLE, "."): value for name, value in values.items() if value is not None}


def api_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--budget`` and ``--base-url`` to a command."""
    function = click.option(
        "--base-url", metavar="URL", help="Endpoint of the teacher, such as http://127.0.0.1:8000/v1."
    )(function)
    return click.option(
        "--budget", metavar="USD", help="Most that the project may ever spend on API teachers, over all its runs."
    )(function)
