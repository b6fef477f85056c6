"""The ``fused`` format: a whole model with the neuron merged into its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from conch_dna.exporters.source import NeuronSource
    from conch_dna.plugin.protocols import Exporter


class FusedExporter:
    """Writes the base model with the neuron merged into its weights."""

    summary = "whole model: the base with the neuron merged into its weights"

    def write(self, neuron: NeuronSource, out: Path) -> None:
        """Write the merged model, which mlx-lm loads like the base.

        :raises NeuronRefused: the neuron acts only after its invocation tokens, or a layer cannot be merged into.
        """
        # These imports import mlx, which `conch --help` must not.
        from conch_dna.exporters.fused import to_fused
        from conch_dna.exporters.readme import export_readme, mlx_example

        to_fused(neuron.adapter, neuron.base, out)
        card = neuron.card
        what, usage = f"`{card.base}` with a neuron merged into it", mlx_example('"FOLDER"')
        usage += "\n\n`FOLDER` is this folder."
        page = export_readme(card, what=what, usage=usage, library="mlx", relation="finetune", tags=["mlx"])
        (out / "README.md").write_text(page, encoding="utf-8")


@hookimpl
def register_exporters() -> Mapping[str, Exporter]:
    """Return the format of whole models."""
    return {"fused": FusedExporter()}
