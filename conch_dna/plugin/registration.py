"""Checks of what registration hooks return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conch_dna.plugin.catalog import check_recipe
from conch_dna.plugin.protocols import CrossTokenizerLoss


def entries_of(kind: str, returned: object) -> list[tuple[str, Any]]:
    """Return the names and objects in the value ``returned`` by a ``register_<kind>`` hook.

    :raises TypeError: the value does not have the type that the hook specifies.
    :raises ValueError: a domain folder has no ``domain.toml``.
    """
    if returned is None:
        return []
    if kind == "domains":
        return _domains(returned)
    if not isinstance(returned, Mapping):
        raise TypeError(f"returned {_type(returned)}, not a mapping of name to object")
    check = _CHECKS.get(kind, _check_callable)
    for name, value in returned.items():
        if not isinstance(name, str):
            raise TypeError(f"returned the name {name!r}, a {_type(name)}, not a string")
        check(name, value)
    return list(returned.items())


def _domains(returned: object) -> list[tuple[str, Any]]:
    if not isinstance(returned, Sequence) or isinstance(returned, str | bytes):
        raise TypeError(f"returned {_type(returned)}, not a sequence of folders")
    for folder in returned:
        if not isinstance(folder, Path):
            raise TypeError(f"returned {folder!r}, a {_type(folder)}, not a pathlib.Path")
        if not (folder / "domain.toml").is_file():
            raise ValueError(f"{folder} has no domain.toml")
    return [(folder.name, folder) for folder in returned]


def _check_callable(name: str, value: object) -> None:
    if not callable(value):
        raise TypeError(f"{name!r} is a {_type(value)}, not a callable")


def _check_exporter(name: str, value: object) -> None:
    if isinstance(value, type):
        raise TypeError(f"{name!r} is the class {value.__name__}, not an exporter; return an instance of it")
    if not callable(getattr(value, "write", None)) or not isinstance(getattr(value, "summary", None), str):
        raise TypeError(f"{name!r} is a {_type(value)}, not an exporter with a text `summary` and a method `write`")


def _check_question_set(name: str, value: object) -> None:
    if isinstance(value, type) or not callable(getattr(value, "questions", None)):
        raise TypeError(f"{name!r} is a {_type(value)}, not an object with a method `questions`")
    if not isinstance(getattr(value, "domain", None), str) or not isinstance(getattr(value, "max_tokens", None), int):
        raise TypeError(f"{name!r} is a {_type(value)} without a text `domain` and a number `max_tokens`")


def _check_registered_recipe(name: str, value: object) -> None:
    if not isinstance(value, str):
        check_recipe(name, value)
    elif ":" not in value:
        raise TypeError(f"{name!r} is {value!r}, not a recipe or 'module:attribute'")


def _check_command(name: str, value: object) -> None:
    import click

    parts = value if isinstance(value, tuple) else (value,)
    texts = all(isinstance(part, str) for part in parts) and len(parts) in {1, 2}
    if not isinstance(value, click.Command) and not (texts and ":" in parts[0]):
        raise TypeError(
            f"{name!r} is {value!r}, not a click command, 'module:attribute' or a pair of that and its help"
        )


def _check_cross_tokenizer_loss(name: str, value: object) -> None:
    if not isinstance(value, CrossTokenizerLoss):
        raise TypeError(f"{name!r} is a {_type(value)}, not a CrossTokenizerLoss")


_CHECKS = {
    "commands": _check_command,
    "cross_tokenizer_losses": _check_cross_tokenizer_loss,
    "exporters": _check_exporter,
    "question_sets": _check_question_set,
    "recipes": _check_registered_recipe,
}


def _type(value: object) -> str:
    return type(value).__name__
