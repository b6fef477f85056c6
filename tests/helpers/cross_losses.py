"""Cross-tokenizer losses of the bundled plug-ins, built for one batch."""

from functools import cache

from conch_dna.plugin.manager import load_plugins
from conch_dna.plugin.protocols import CrossTokenizerInput


@cache
def losses():
    """The registered losses by name."""
    return load_plugins(strict=True, block=[]).catalog.all("cross_tokenizer_losses")


def cross_loss(name, aligned, between, divergence, **settings):
    """Build the loss ``name`` of one batch."""
    return losses()[name].build(CrossTokenizerInput(aligned, between, divergence, **settings))
