"""Progress reports of long work; the CLI draws bars from them."""

from __future__ import annotations


class Progress:
    """Receiver of progress reports; this base class ignores them."""

    def stage(self, domain: str, name: str, total: int) -> None:
        """Begin a stage of ``total`` units in ``domain``; it ends the previous stage."""

    def advance(self, units: int = 1, note: str = "") -> None:
        """Count units of the stage as done; ``note`` is a figure worth showing, such as the loss."""

    def note(self, text: str) -> None:
        """Show a short text beside the stage."""

    def fetched(self, done: int, total: int) -> None:
        """Count bytes of a model that is being fetched."""

    def ended(self, domain: str) -> None:
        """End the stage and count the domain as done."""

    def beside(self) -> Progress:
        """Return a receiver for stages that take place at the same time as those of this one."""
        return self
