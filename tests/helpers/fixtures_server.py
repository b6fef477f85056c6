"""A real server in a separate process over a tiny base with two neurons, and OpenAI's own client."""

import contextlib
import json

import mlx.core as mx
import openai
import pytest
from attacks import process, target, unharmed
from projects import environment
from serving import Served, publish_tiny
from tiny import write_tiny_model

from conch_dna.models.load import load
from conch_dna.registry.store import Registry

__all__ = ["base", "base_folder", "client", "process", "published", "server", "start", "target", "unharmed"]


@pytest.fixture(scope="session")
def base_folder(tmp_path_factory):
    """A tiny base whose greedy answers do not end by themselves."""
    folder = write_tiny_model(tmp_path_factory.mktemp("served") / "model", seed=2, tied=False)
    file = folder / "model.safetensors"
    weights = dict(mx.load(str(file)))
    head = weights["lm_head.weight"]
    head[json.loads((folder / "config.json").read_text())["eos_token_id"]] = 0
    mx.save_safetensors(str(file), weights, {"format": "mlx"})
    return folder


@pytest.fixture(scope="session")
def base(base_folder, tmp_path_factory):
    """The same base in this process, for the expected answers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        return load(str(base_folder))


@pytest.fixture(scope="session")
def published(base, tmp_path_factory):
    """A registry with ``action`` in two versions, ``action@prod`` at the first, and ``thinking``."""
    project = tmp_path_factory.mktemp("project")
    registry = Registry(project / "adapters")
    for name, seed in (("action", 1), ("action", 2), ("thinking", 3)):
        publish_tiny(registry, base, project / f"made-{seed}", name, seed)
    registry.promote("action", 1, "prod")
    return registry


@pytest.fixture(scope="session")
def start(base_folder, tmp_path_factory):
    """Start servers that stop when the tests end: ``start(registry, "--queue", 0)``."""
    env = environment(CONCH_CACHE=str(tmp_path_factory.mktemp("cache")))
    with contextlib.ExitStack() as stack:

        def call(registry, *options, **more):
            command = ("serve", "--base", base_folder, "--registry", registry.root, "--port", 0, *options)
            return stack.enter_context(Served(command, registry.root.parent, env | more))

        yield call


@pytest.fixture(scope="session")
def server(start, published):
    return start(published, "--max-body", 200_000)


@pytest.fixture
def client(server):
    with openai.OpenAI(base_url=server.url, api_key="none", max_retries=0) as made:
        yield made
