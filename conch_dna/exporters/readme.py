"""What an exported folder says of itself, with the front matter that model hubs read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from conch_dna.models.refs import HUB_ID
from conch_dna.registry.card import SHARED_CONTEXT

if TYPE_CHECKING:
    from conch_dna.registry.card import Card

MARK = "exported from the neuron with the content digest"  # by which an export is known


def peft_readme(card: Card) -> str:
    """Return the README of an adapter for PEFT."""
    usage = f"""\
```python
from peft import PeftModel
from transformers import AutoModelForCausalLM

model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("BASE"), "FOLDER")
```

`FOLDER` is this folder and `BASE` the base `{card.base}` in transformers' format. A folder that was made from a GGUF
file has the weights, names and order of rows of the original checkpoint."""
    return _page(card, "peft", "adapter", ["lora", "conch-dna"], "an adapter for PEFT", usage)


def mlx_readme(card: Card) -> str:
    """Return the README of an adapter for mlx-lm."""
    note = SHARED_CONTEXT.format(list(card.invocation_tokens)) if card.invocation_tokens else ""
    usage = f"""\
{_load('"BASE", adapter_path="FOLDER"')}

`FOLDER` is this folder and `BASE` the base `{card.base}`.
{note}""".rstrip()
    return _page(card, "mlx", "adapter", ["lora", "mlx", "conch-dna"], "an adapter for mlx-lm", usage)


def fused_readme(card: Card) -> str:
    """Return the README of a model with the neuron merged into it."""
    usage = _load('"FOLDER"') + "\n\n`FOLDER` is this folder."
    return _page(card, "mlx", "finetune", ["mlx", "conch-dna"], f"`{card.base}` with a neuron merged into it", usage)


def _load(arguments: str) -> str:
    return f"```python\nfrom mlx_lm import load\n\nmodel, tokenizer = load({arguments})\n```"


def _page(card: Card, library: str, relation: str, tags: list[str], what: str, usage: str) -> str:
    lines = ["---", f"library_name: {library}", "pipeline_tag: text-generation"]
    if HUB_ID.fullmatch(card.base) and not Path(card.base).is_dir():
        lines.append(f"base_model: {json.dumps(card.base)}")
        tags = [*tags, f"base_model:{relation}:{card.base}"]
    if card.licence:
        lines.append(f"license: {json.dumps(card.licence.lower())}")
    lines += ["tags:", *(f"- {json.dumps(tag)}" for tag in tags), "---", ""]
    gate = "It passed its gate." if card.verdict else "No gate has judged it."
    lines += [
        f"# {card.name}, version {card.version}", "",
        f"This is {what}, {MARK} `{card.digest}`. {gate}", "",
        f"Base: `{card.base}`, digest `{card.base_digest}`; teacher: `{card.teacher}`.", "", "## Use", "", usage, "",
    ]  # fmt: skip
    return "\n".join(lines)
