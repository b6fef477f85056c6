"""Errors for users: a message states the fault, its place, the value, the allowed values and the fix."""

from __future__ import annotations

from collections.abc import Mapping


class ConchError(Exception):
    """The root of all errors that are raised on purpose.

    :param what: the fault, in a few words.
    :param where: the file, line, field or plug-in that has the fault.
    :param got: the offending value; counts by reason may be a mapping.
    :param allowed: the accepted values.
    :param next_step: an action that fixes the fault.
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
    """Format an offending value for people: counts as ``cut off 3, empty 1``, a list as its items."""
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
    """A prompt file, recording or domain folder has a fault."""


class PluginError(ConchError):
    """A plug-in could not be loaded or failed in a hook. It is rolled back, and the other plug-ins keep working.

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
    """The disk is full, or reading or writing failed; earlier results are kept."""


class UnknownName(ConchError, LookupError):
    """No teacher, scorer, loss, domain, gate, neuron, alias or run has that name."""


class ModelError(ConchError, OSError):
    """A model reference cannot be resolved, fetched, converted or loaded."""


class TeacherError(ConchError):
    """A teacher returned no answer, or a signal that cannot be trained on."""


class TrainingError(ConchError, ArithmeticError):
    """The loss became non-finite or a batch is empty; the last good weights are kept."""


class CheckpointError(ConchError):
    """A checkpoint is damaged, or was made with other settings, data, base or teacher."""


class RegistryError(ConchError):
    """The registry would lose or overwrite something."""


class GrammarError(ConchError, ValueError):
    """A schema or the arguments of a tool cannot constrain an answer."""


class NeuronRefused(RegistryError):
    """A neuron failed verification: it is damaged, not finite, for another base, or has no effect."""


class GateFailed(ConchError):
    """At least one domain's candidate did not pass its gate and was not published."""

    exit_code = 3


class LedgerError(ConchError):
    """The spending ledger is damaged, or its caller used it wrongly."""


class BudgetReached(ConchError):
    """The next call could exceed the remaining budget. It was not sent; the run can be resumed later."""

    exit_code = 4


class Interrupted(ConchError):
    """The user stopped the run; it can be resumed."""

    exit_code = 130
