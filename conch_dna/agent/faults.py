"""What a tool raises when it cannot do what it was asked."""

from __future__ import annotations


class ToolFailed(Exception):
    """A tool could not do it. This ends no run: the message goes back to a model, so that it can do better."""
