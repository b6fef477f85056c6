"""What long work tells whoever watches; the CLI draws bars from it, a library user may pass nothing."""

from __future__ import annotations


class Progress:
    """Hears of stages and of steps in them; this one says nothing."""

    def stage(self, domain: str, name: str, total: int) -> None:
        """Begin a stage of ``total`` units in ``domain``; the one before is over."""

    def advance(self, units: int = 1, note: str = "") -> None:
        """Count units of the stage as done; ``note`` is a figure worth showing, such as the loss."""

    def note(self, text: str) -> None:
        """Show a short text beside the stage."""

    def fetched(self, done: int, total: int) -> None:
        """Count bytes of a model that is being fetched."""
