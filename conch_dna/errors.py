"""Every error a user can meet: one root, one line each, saying what, where, got, allowed and what to do next."""

from __future__ import annotations

from collections.abc import Mapping


class ConchError(Exception):
    """The root of all errors raised on purpose.

    :param what: the fault, in a few words.
    :param where: the file, line, field or plug-in at fault.
    :param got: the offending value; counts by reason may be a mapping.
    :param allowed: what would have been accepted.
    :param next_step: what the user can do about it.
    """

    exit_code = 1

    def __init__(
        self,
        what: str,
        *,
        where: object = None,
        got: object = None,
        allowed: object = None,
        next_step: str | None = None,
    ) -> None:
        self.what, self.where, self.got, self.allowed, self.next_step = what, where, got, allowed, next_step
        super().__init__(what)

    def __str__(self) -> str:
        parts = [self.what if self.where is None else f"{self.where}: {self.what}"]
        if self.got is not None:
            parts.append(f"got {_shown(self.got)}")
        if self.allowed is not None:
            parts.append(f"allowed: {self.allowed}")
        text = "; ".join(parts)
        return f"{text.removesuffix('.')}. {self.next_step}" if self.next_step else text


def _shown(got: object) -> str:
    """Write an offending value for people: counts as ``cut off 3, empty 1``, a list as its items."""
    if isinstance(got, str):
        return got
    if isinstance(got, Mapping):
        return ", ".join(f"{key} {value}" for key, value in got.items()) or "nothing"
    if isinstance(got, list):
        return ", ".join(map(str, got)) or "nothing"
    return repr(got)


class ConfigError(ConchError, ValueError):
    """A setting is unknown, of the wrong type or out of range."""

    exit_code = 2


class DataError(ConchError, ValueError):
    """A prompt file, recording or domain folder is not what it must be."""


class PluginError(ConchError):
    """A plug-in could not be loaded, or failed in a hook; it was rolled back and the rest goes on.

    :param name: the plug-in.
    :param source: the file or distribution it came from.
    :param cause: the exception that it raised.
    """

    def __init__(self, name: str, source: str, cause: BaseException | str, hook: str | None = None) -> None:
        self.name, self.source, self.cause, self.hook = name, source, cause, hook
        fault = cause if isinstance(cause, str) else f"{type(cause).__name__}: {cause}"
        self.fault = fault
        in_hook = f" in hook {hook}" if hook else ""
        super().__init__(f"plug-in {name!r} failed{in_hook}: {fault}", where=source)


class DiskError(ConchError, OSError):
    """The disk is full, or refuses to be read or written; what was done before is kept."""


class UnknownName(ConchError, LookupError):
    """A teacher, scorer, loss, domain, gate, neuron, alias or run of that name does not exist."""


class ModelError(ConchError, OSError):
    """A model reference cannot be resolved, fetched, converted or loaded."""


class TeacherError(ConchError):
    """A teacher gave no answer, or a signal that cannot be trained on."""


class TrainingError(ConchError, ArithmeticError):
    """Training met a non-finite loss or an empty batch; the last good weights are kept."""


class CheckpointError(ConchError):
    """A checkpoint is damaged, or was made under other settings, data, base or teacher."""


class RegistryError(ConchError):
    """The registry cannot do what was asked without losing or overwriting something."""


class NeuronRefused(RegistryError):
    """A neuron failed verification: damaged, not finite, of another base, or without effect."""


class GateFailed(ConchError):
    """At least one domain's candidate did not pass its gate; nothing of it was published."""

    exit_code = 3


class LedgerError(ConchError):
    """The ledger of what was spent is damaged, or its caller used it wrongly."""


class BudgetReached(ConchError):
    """The next call could cost more than the budget has left; it was not sent, and the run can go on later."""

    exit_code = 4


class Interrupted(ConchError):
    """The user stopped the run; it can be resumed."""

    exit_code = 130
