"""The tools that a request offers: in the neuron's form in the prompt, and as the grammar of the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conch_dna.data.tool_form import FORM, with_tools
from conch_dna.runtime.generate import as_turns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.records import Tool
    from conch_dna.runtime.generate import Messages
    from conch_dna.runtime.neuron_cache import Blend, Version


def offered(wanted: Version | Blend | None, tools: Sequence[Tool] | None) -> Sequence[Tool]:
    """Return the given tools, or without any the ones that the neuron was trained with.

    :param tools: ``None`` if the request says nothing about tools; empty if it offers none.
    """
    if tools is not None or wanted is None:
        return tools or ()
    return wanted.tools


def form_of(wanted: Version | Blend | None) -> int:
    """Return the version of the form of tools that a neuron was trained with; the newest for the base."""
    return FORM if wanted is None else wanted.tool_form


def shown_turns(wanted: Version | Blend | None, messages: Messages, tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """Return chat turns with the tools in the form that the neuron was trained with."""
    return with_tools(as_turns(messages), tools, form_of(wanted))
