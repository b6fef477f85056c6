"""The ``peft`` format: an adapter folder of PEFT, for transformers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from conch_dna.exporters.source import Base, NeuronSource
    from conch_dna.plugin.protocols import Exporter

USAGE = """\
```python
from peft import PeftModel
from transformers import AutoModelForCausalLM

model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("BASE"), "FOLDER")
```

`FOLDER` is this folder and `BASE` the base `{base}` in transformers' format. A folder converted from a GGUF file has
the weights, names and row order of the original checkpoint."""


class PeftExporter:
    """Writes LoRA and DoRA adapters for PEFT, and reads them."""

    summary = "adapter folder of PEFT, for transformers"

    # The imports inside the methods import mlx, which `conch --help` must not.
    def write(self, neuron: NeuronSource, out: Path) -> None:
        """Write ``adapter_model.safetensors`` and ``adapter_config.json``.

        :raises NeuronRefused: PEFT has no equivalent of the adapter.
        """
        from conch_dna.exporters.peft import to_peft
        from conch_dna.exporters.readme import export_readme

        to_peft(neuron.adapter, neuron.base, neuron.portable_base, out)
        card = neuron.card
        usage = USAGE.format(base=card.base)
        page = export_readme(card, what="an adapter for PEFT", usage=usage, library="peft", tags=["lora"])
        (out / "README.md").write_text(page, encoding="utf-8")

    def named_base(self, folder: Path) -> str | None:
        """Return ``base_model_name_or_path``.

        :raises NeuronRefused: ``adapter_config.json`` is missing or damaged.
        """
        from conch_dna.exporters.transfer import base_in_config

        return base_in_config(folder, "base_model_name_or_path")

    def read(self, folder: Path, base: Base, out: Path) -> Path:
        """Write PEFT's adapter in ``folder`` as mlx-lm's into ``out``.

        :raises NeuronRefused: it is damaged, for another base or without effect, or mlx-lm cannot express it.
        """
        from conch_dna.exporters.peft import from_peft

        from_peft(folder, base, out)
        return out


@hookimpl
def register_exporters() -> Mapping[str, Exporter]:
    """Return the PEFT format."""
    return {"peft": PeftExporter()}
