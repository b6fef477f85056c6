"""The README of an exported folder, with the front matter that model hubs read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from conch_dna.models.refs import HUB_ID
from conch_dna.registry.card import named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.registry.card import Card

MARK = "exported from the neuron with the content digest"  # --force replaces only folders whose README has it
COMPUTED_SPANS = (
    "Conch DNA computes parts of its answers by {}. Other programs let the model guess them. It was not trained to, so "
    "expect more wrong results there."
)
TOOLS = (
    "It was trained with tools in its prompt: a signature of each at the end of the system turn, and the names of the "
    "closest ones at the end of each user turn, as `conch_dna.data.tool_form.with_tools` makes them. Shown in another "
    "form, it calls fewer of them rightly."
)


def export_readme(
    card: Card, *, what: str, usage: str, library: str, relation: str = "adapter", tags: Sequence[str] = ()
) -> str:
    """Return the README of an export as Markdown.

    :param what: the exported thing as a noun phrase, such as "an adapter for PEFT".
    :param usage: the section on how to load it, in Markdown.
    :param library: ``library_name`` of the front matter.
    :param relation: the relation to the base model in the hub's tags, ``adapter`` or ``finetune``.
    :param tags: further tags.
    """
    lines = ["---", f"library_name: {library}", "pipeline_tag: text-generation"]
    tags = [*tags, "conch-dna"]
    # A folder wins over a hub id of the same spelling, as it does when the reference is resolved.
    if HUB_ID.fullmatch(card.base) and not Path(card.base).is_dir():
        lines.append(f"base_model: {json.dumps(card.base)}")
        tags.append(f"base_model:{relation}:{card.base}")
    if card.licence:
        lines.append(f"license: {json.dumps(card.licence.lower())}")
    lines += ["tags:", *(f"- {json.dumps(tag)}" for tag in tags), "---", ""]
    gate = "It passed its gate." if card.verdict else "No gate has judged it."
    lines += [
        f"# {card.name}, version {card.version}", "",
        f"This is {what}, {MARK} `{card.digest}`. {gate}", "",
        f"Base: `{card.base}`, digest `{card.base_digest}`; teacher: `{card.teacher}`.", "",
    ]  # fmt: skip
    if card.processors:
        lines += [COMPUTED_SPANS.format(named(card.processors)), ""]
    if card.tools:
        lines += [TOOLS, ""]
    lines += ["## Use", "", usage, ""]
    return "\n".join(lines)


def mlx_example(arguments: str) -> str:
    """Return a Python example that loads a model by mlx-lm's ``load`` with these arguments."""
    return f"```python\nfrom mlx_lm import load\n\nmodel, tokenizer = load({arguments})\n```"
