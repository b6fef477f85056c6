"""Trackers of a run, and the fan-out of its events to plug-ins and trackers."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from conch_dna.config import DistillConfig
    from conch_dna.plugin.catalog import Owner
    from conch_dna.plugin.manager import PluginHost
    from conch_dna.plugin.protocols import Tracker
    from conch_dna.records import StepReport, Summary


class Listener(Protocol):
    """Takes the life-cycle events of a run."""

    def emit(self, event: str, **kwargs: Any) -> None:
        """Take one event with the arguments of its hook."""


class BaseTracker:
    """A tracker that records nothing; a subclass overrides the events that it needs."""

    def run_started(self, run_dir: Path, config: DistillConfig, domains: Sequence[str]) -> None:
        """Ignore the start of the run."""

    def step_finished(self, run_dir: Path, domain: str, report: StepReport) -> None:
        """Ignore the step."""

    def neuron_published(self, domain: str, version: int, path: Path) -> None:
        """Ignore the neuron."""

    def run_finished(self, run_dir: Path, summary: Summary) -> None:
        """Ignore the summary."""

    def close(self) -> None:
        """Release nothing."""


class Trackers:
    """The listeners of one run: the plug-ins with life-cycle hooks, and the trackers that the user chose.

    It is a context manager that closes the trackers, and :meth:`emit` is called as :meth:`PluginHost.emit` is. An
    exception of a tracker is logged as ``plugin_failed`` with the plug-in that registered it, and the run goes on.

    :param names: the chosen trackers; a repeated name counts once.
    :raises UnknownName: no plug-in provides a tracker of that name.
    :raises PluginError: a tracker cannot be made; under the host's ``strict`` only.
    """

    def __init__(self, host: PluginHost, names: Iterable[str] = ()) -> None:
        self._host = host
        self._trackers: list[tuple[str, Owner, Tracker]] = []
        chosen = [(name, host.catalog.get("trackers", name)) for name in dict.fromkeys(names)]
        for name, factory in chosen:  # after the look-up of all names, so that a wrong name opens no file
            owner = host.catalog.owner("trackers", name)
            try:
                self._trackers.append((name, owner, factory()))
            except Exception as fault:  # noqa: BLE001 - a plug-in may raise anything
                host.report(owner, f"tracker {name}", fault)

    def emit(self, event: str, **kwargs: Any) -> None:
        """Call a life-cycle hook on the plug-ins, then the method of the same name on the trackers, in their order.

        :raises PluginError: under the host's ``strict`` only.
        """
        self._host.emit(event, **kwargs)
        for entry in self._trackers:
            self._call(entry, event, **kwargs)

    def close(self) -> None:
        """Close every tracker; a second call does nothing.

        :raises PluginError: under the host's ``strict`` only.
        """
        closing, self._trackers = self._trackers, []
        with contextlib.ExitStack() as stack:  # under strict, one tracker's exception leaves no other open
            for tracker in reversed(closing):
                stack.callback(self._call, tracker, "close")

    def _call(self, entry: tuple[str, Owner, Tracker], method: str, **kwargs: Any) -> None:
        name, owner, tracker = entry
        try:
            getattr(tracker, method)(**kwargs)
        except Exception as fault:  # noqa: BLE001 - a plug-in may raise anything
            self._host.report(owner, f"tracker {name}, {method}", fault)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
