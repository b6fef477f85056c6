"""An exporter is a plug-in: a project's own is found by name, used, and named when it fails."""

import pytest
from random_adapters import publish, write_mlx
from tiny import write_tiny_model

from conch_dna.errors import ConfigError, DiskError, ModelError, NeuronRefused, PluginError, UnknownName
from conch_dna.exporters.base import open_base
from conch_dna.exporters.transfer import export_neuron, import_neuron
from conch_dna.plugin.manager import load_plugins
from conch_dna.plugin.protocols import Importer

PLUGIN = """
from conch_dna import hookimpl
from conch_dna.errors import NeuronRefused

class Listing:
    summary = "text file with the adapted modules"

    def write(self, neuron, out):
        (out / "modules.txt").write_text("\\n".join(sorted(neuron.adapter.weights)))

    def named_base(self, folder):
        return (folder / "base.txt").read_text() or None

    def read(self, folder, base, out):
        for file in ("adapters.safetensors", "adapter_config.json"):
            (out / file).write_bytes((folder / file).read_bytes())
        return out

class Weights:
    summary = "needs the base"
    def write(self, neuron, out):
        (out / "base.txt").write_text(neuron.base.digest)
        (out / "README.md").write_text("# mine")

class Faulty:
    summary = "fails"
    def write(self, neuron, out):
        (out / "half.txt").write_text("half")
        raise {fault}

@hookimpl
def register_exporters():
    return {{"listing": Listing(), "weights": Weights(), "faulty": Faulty()}}
"""


@pytest.fixture
def host_with(tmp_path):
    """Return a host that has the project's plug-in, whose exporter `faulty` raises ``fault``."""

    def load(fault="ValueError('lost')"):
        folder = tmp_path / "plugins"
        folder.mkdir()
        (folder / "listing.py").write_text(PLUGIN.format(fault=fault))
        return load_plugins(folder, strict=True)

    return load


def test_the_bundled_formats_are_plugins():
    catalog = load_plugins(strict=True).catalog
    assert catalog.names("exporters") == ("fused", "mlx", "peft")
    assert sorted(catalog.all("exporters", Importer)) == ["mlx", "peft"]
    assert catalog.owner("exporters", "peft").name == "exporters.peft"


def test_a_projects_exporter_writes_a_neuron_and_gets_a_readme(host_with, registry, base, tmp_path):
    entry = publish(registry, base, write_mlx(tmp_path / "adapter", base, keys=["mlp.down_proj"]))
    host = host_with()
    export_neuron(host, registry, "neuron", tmp_path / "out", "listing")
    modules = ["model.layers.2.mlp.down_proj", "model.layers.3.mlp.down_proj"]
    assert (tmp_path / "out/modules.txt").read_text().splitlines() == modules
    readme = (tmp_path / "out/README.md").read_text()
    assert entry.card.digest in readme
    assert "text file with the adapted modules" in readme
    export_neuron(host, registry, "neuron", tmp_path / "out", "listing", force=True)  # it is known as an export


def test_a_readme_of_the_exporter_is_kept(host_with, registry, base, tmp_path):
    publish(registry, base, write_mlx(tmp_path / "adapter", base))
    export_neuron(host_with(), registry, "neuron", tmp_path / "out", "weights")
    assert (tmp_path / "out/README.md").read_text() == "# mine"
    assert (tmp_path / "out/base.txt").read_text() == base.digest


def test_the_base_is_opened_by_the_exporter_that_needs_it(host_with, registry, tmp_path):
    model = write_tiny_model(tmp_path / "model")
    base = open_base(str(model))
    publish(registry, base, write_mlx(tmp_path / "adapter", base))
    model.rename(tmp_path / "moved")
    host = host_with()
    export_neuron(host, registry, "neuron", tmp_path / "out", "listing")
    with pytest.raises(ModelError):
        export_neuron(host, registry, "neuron", tmp_path / "other", "weights")
    export_neuron(host, registry, "neuron", tmp_path / "other", "weights", base=str(tmp_path / "moved"))


def test_a_projects_format_is_imported(host_with, registry, base, tmp_path):
    folder = write_mlx(tmp_path / "adapter", base)
    (folder / "base.txt").write_text(base.ref)
    entry = import_neuron(host_with(), registry, folder, "neuron", "listing")
    assert entry.card.base_digest == base.digest
    assert entry.card.config == {"imported": {"format": "listing"}}


def test_an_unknown_format_is_refused_with_the_known_ones(host_with, registry, base, tmp_path):
    publish(registry, base, write_mlx(tmp_path / "adapter", base))
    with pytest.raises(UnknownName, match=r"no exporter is named 'pef'.*faulty, fused, listing, mlx, peft.*'peft'"):
        export_neuron(host_with(), registry, "neuron", tmp_path / "out", "pef")
    assert not (tmp_path / "out").exists()


def test_a_format_that_is_only_written_cannot_be_imported(host_with, registry, base, tmp_path):
    folder = write_mlx(tmp_path / "adapter", base)
    with pytest.raises(ConfigError, match="exported only; got fused; allowed: listing, mlx, peft"):
        import_neuron(host_with(), registry, folder, "neuron", "fused")
    assert registry.names() == []


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("ValueError('lost')", PluginError, r"plug-in 'listing' failed.*faulty.*ValueError: lost"),
        ("NeuronRefused('no such layer')", NeuronRefused, "no such layer"),
        ("OSError(28, 'No space left on device')", DiskError, "No space left"),
    ],
    ids=["any", "refusal", "full-disk"],
)
def test_an_exporter_that_fails_leaves_no_folder(host_with, registry, base, tmp_path, fault, error, words):
    publish(registry, base, write_mlx(tmp_path / "adapter", base))
    with pytest.raises(error, match=words):
        export_neuron(host_with(fault), registry, "neuron", tmp_path / "out", "faulty")
    assert not (tmp_path / "out").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
