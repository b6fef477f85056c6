"""The ``mlx`` format: an adapter folder of mlx-lm, which is also the format of the registry."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from conch_dna.exporters.source import Base, NeuronSource
    from conch_dna.plugin.protocols import Exporter


class MlxExporter:
    """Writes adapters for mlx-lm, and reads them; it needs no base model to write one."""

    summary = "adapter folder of mlx-lm"

    # The imports inside the methods import mlx, which `conch --help` must not.
    def write(self, neuron: NeuronSource, out: Path) -> None:
        """Copy the adapter's two files.

        :raises NeuronRefused: the adapter is damaged.
        """
        from conch_dna.exporters.readme import export_readme, mlx_example
        from conch_dna.registry.adapter import read_adapter
        from conch_dna.registry.card import CONTENT_FILES, SHARED_CONTEXT

        read_adapter(neuron.entry.path)
        for file in CONTENT_FILES:
            shutil.copyfile(neuron.entry.path / file, out / file)
        card = neuron.card
        note = SHARED_CONTEXT.format(list(card.invocation_tokens)) if card.invocation_tokens else ""
        loading = mlx_example('"BASE", adapter_path="FOLDER"')
        usage = f"{loading}\n\n`FOLDER` is this folder and `BASE` the base `{card.base}`.\n{note}".rstrip()
        page = export_readme(card, what="an adapter for mlx-lm", usage=usage, library="mlx", tags=["lora", "mlx"])
        (out / "README.md").write_text(page, encoding="utf-8")

    def named_base(self, folder: Path) -> str | None:
        """Return ``model`` from ``adapter_config.json``.

        :raises NeuronRefused: the file is missing or damaged.
        """
        from conch_dna.exporters.transfer import base_in_config

        return base_in_config(folder, "model")

    def read(self, folder: Path, base: Base, out: Path) -> Path:
        """Return ``folder``, which is in this format already."""
        return folder


@hookimpl
def register_exporters() -> Mapping[str, Exporter]:
    """Return the format of mlx-lm."""
    return {"mlx": MlxExporter()}
