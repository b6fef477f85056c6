"""Fixtures for small random adapters, their card fields, registries and object stores."""

import json

import mlx.core as mx
import pytest

from conch_dna.models.target_modules import TargetModule
from conch_dna.records import Check, HeldOut, Verdict
from conch_dna.registry.card import CardFields
from conch_dna.registry.store import Registry

KEYS = ("self_attn.q_proj", "mlp.down_proj")
SHAPES = {"self_attn.q_proj": (6, 4), "mlp.down_proj": (4, 10)}  # (out, in)
RANK = 2
EMBEDDING = "model.embed_tokens"


def tensors_of(seed=0, layers=(2, 3), dtype=mx.float32):
    mx.random.seed(seed)
    found = {}
    for layer in layers:
        for key in KEYS:
            out, into = SHAPES[key]
            found[f"model.layers.{layer}.{key}.lora_a"] = mx.random.normal((into, RANK)).astype(dtype)
            found[f"model.layers.{layer}.{key}.lora_b"] = mx.random.normal((RANK, out)).astype(dtype)
    return found


@pytest.fixture
def tensors():
    """The tensors of an adapter on the last two layers of a base with four."""
    return tensors_of


@pytest.fixture
def base_modules():
    """The target modules of that base."""
    layers = {
        f"model.layers.{layer}.{key}": TargetModule("linear", shape, layer, key)
        for layer in range(4)
        for key, shape in SHAPES.items()
    }
    return {**layers, EMBEDDING: TargetModule("embedding", (4, 12), None, EMBEDDING)}


@pytest.fixture
def write_adapter(tmp_path):
    """Write an adapter folder; ``change`` edits its tensors, ``lora`` and ``config`` its settings."""

    def write(seed=0, folder=None, change=None, lora=(), **config):
        folder = folder or tmp_path / f"adapter-{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        found = tensors_of(seed)
        if change:
            change(found)
        mx.save_safetensors(str(folder / "adapters.safetensors"), found, metadata={"format": "mlx"})
        parameters = {"rank": RANK, "scale": 2.0, "dropout": 0.0, "keys": list(KEYS), **dict(lora)}
        settings = {"fine_tune_type": "lora", "num_layers": 2, "lora_parameters": parameters, **config}
        (folder / "adapter_config.json").write_text(json.dumps(settings))
        return folder

    return write


@pytest.fixture
def fields():
    return CardFields(
        base="org/base",
        base_digest="sha256:base",
        teacher="llamacpp:teacher.gguf",
        teacher_fingerprint="sha256:teacher",
        data_digest="sha256:data",
        config={"lora": {"rank": RANK}, "steps": 10},
        metrics={"kd": 0.5},
        licence="Apache-2.0",
    )


@pytest.fixture
def verdict():
    check = Check(name="bits", passed=True, value=-0.2, bound=0.0, reason="bits fell by 0.2")
    base = HeldOut(bits_per_byte=1.0, quality=0.5, scores={"format": 0.25})
    better = HeldOut(bits_per_byte=0.8, quality=0.625, scores={"format": 0.75}, agreement=0.5)
    return Verdict(domain="thinking", passed=True, checks=(check,), base=base, candidate=better, prompts=12)


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "registry")


@pytest.fixture
def publish(registry, write_adapter, fields):
    """Publish the adapter of a seed."""

    def call(name, seed):
        return registry.publish(name, write_adapter(seed), fields)

    return call


@pytest.fixture(scope="session")
def s3_server():
    """An S3 server on loopback."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_server, monkeypatch):
    """A client of that server; its address and keys are environment variables, as for users."""
    import s3fs

    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    yield s3fs.S3FileSystem(use_listings_cache=False)
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def s3_url(s3, tmp_path):
    """The URL of an empty folder in a bucket."""
    if not s3.exists("neurons"):
        s3.mkdir("neurons")
    return f"s3://neurons/{tmp_path.name}"


@pytest.fixture
def s3_strict(s3_server, s3_url):
    """The URL of a folder on a server that checks credentials."""
    import httpx

    reset = f"{s3_server}/moto-api/reset-auth"
    httpx.post(reset, content=b"0")
    yield s3_url
    httpx.post(reset, content=b"inf")


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    """A llama of four layers with an untied head, opened for conversions."""
    from tiny import write_tiny_model

    from conch_dna.exporters.base import open_base

    return open_base(str(write_tiny_model(tmp_path_factory.mktemp("base") / "model", tied=False)))


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """A cache folder of this test only."""
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
