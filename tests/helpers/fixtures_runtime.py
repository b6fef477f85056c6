"""One tiny base for all tests of the runtime."""

import pytest
from engines import NAMES, served
from projects import write_neuron
from tiny import write_tiny_model

from conch_dna.models.load import load
from conch_dna.registry.card import CardFields
from conch_dna.registry.store import Registry
from conch_dna.runtime.neurons import NeuronRuntime


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    """A tiny model in memory; tests restore it."""
    root = tmp_path_factory.mktemp("base")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONCH_CACHE", str(root / "cache"))
        return load(str(write_tiny_model(root / "model", seed=2, tied=False)))


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "registry")


@pytest.fixture
def publish(base, registry, tmp_path):
    """Publish a random neuron with the given seed."""

    def call(name, seed=0, base_digest=None, *, tools=(), tool_form=1, base_text_digest=None, **options):
        folder = write_neuron(tmp_path / f"{name}-{seed}", base.model, seed, **options)
        fields = CardFields(
            base=base.ref, base_digest=base_digest or base.digest, teacher="t", teacher_fingerprint="t",
            data_digest="d", tools=tools, tool_form=tool_form, base_text_digest=base_text_digest,
        )  # fmt: skip
        return registry.publish(name, folder, fields)

    return call


@pytest.fixture
def runtime(base, registry):
    runtime = NeuronRuntime(base, registry)
    yield runtime
    runtime.close()


@pytest.fixture
def engine(tmp_path):
    """An engine of two slots over a tiny base, with four neurons."""
    with_four = served(tmp_path, "llama", NAMES, slots=2, batch=4)
    yield with_four
    with_four.close()
