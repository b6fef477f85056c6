"""A converted GGUF computes what its file says, and a bad file leaves nothing behind."""

import json
import subprocess
import sys

import mlx.core as mx
import numpy as np
import numpy_llama
import pytest
import tiny_gguf
from mlx_lm.utils import load as load_folder
from tiny_gguf import KINDS

from conch_dna.errors import ModelError
from conch_dna.models import refs
from conch_dna.models.gguf import convert
from conch_dna.models.load import load

REAL = "embedded:smollm2-135m"
IDS = [5, 17, 99, 200, 256, 261, 3, 3, 64, 120]


def relative_error(found, expected):
    return np.abs(np.asarray(found, np.float64) - expected).max() / np.abs(expected).max()


def converted_logits(path, folder):
    """Logits of the converted folder in float32, and its config."""
    convert(path, folder)
    model, _ = load_folder(str(folder))
    model.set_dtype(mx.float32)
    return np.array(model(mx.array([IDS]))[0]), json.loads((folder / "config.json").read_text())


@pytest.mark.parametrize("arch", ["qwen2", "llama"])
@pytest.mark.parametrize("kind", [KINDS.Q8_0, KINDS.Q4_0, KINDS.Q4_1, KINDS.F16], ids=lambda kind: kind.name)
def test_logits_are_those_of_a_numpy_forward_pass_over_the_gguf(tmp_path, arch, kind):
    path = tiny_gguf.write(tmp_path / "tiny.gguf", arch=arch, kind=kind, output="other")
    found, config = converted_logits(path, tmp_path / "out")
    assert not config["tie_word_embeddings"]
    assert relative_error(found, numpy_llama.logits(path, IDS, 2)) < 1e-3


@pytest.mark.parametrize("output", [None, "finer"])
def test_an_output_that_is_the_embedding_again_is_tied_to_the_finer_of_the_two(tmp_path, output):
    path = tiny_gguf.write(tmp_path / "tiny.gguf", kind=KINDS.Q4_0, output=output)
    found, config = converted_logits(path, tmp_path / "out")
    assert config["tie_word_embeddings"]
    head = "output.weight" if output else "token_embd.weight"
    assert relative_error(found, numpy_llama.logits(path, IDS, 2, head=head)) < 1e-3


def test_llama_3_rope_factors_are_recognised(tmp_path):
    size = tiny_gguf.WIDTH // tiny_gguf.HEADS
    wavelengths = 2 * np.pi * 10_000.0 ** (np.arange(0, size, 2) / size)
    # transformers' _compute_llama3_parameters, for factor 32, low 1, high 4, context 8192.
    smooth = (8192 / wavelengths - 1) / 3
    scale = np.where(wavelengths > 8192, 1 / 32, np.where(wavelengths < 2048, 1.0, (1 - smooth) / 32 + smooth))

    def add(factors):
        return lambda writer: writer.add_tensor("rope_freqs.weight", factors.astype(np.float32))

    convert(tiny_gguf.write(tmp_path / "a.gguf", arch="llama", extra=add(1 / scale)), tmp_path / "a")
    scaling = json.loads((tmp_path / "a/config.json").read_text())["rope_scaling"]
    assert (scaling["rope_type"], scaling["factor"]) == ("llama3", 32.0)
    path = tiny_gguf.write(tmp_path / "b.gguf", arch="llama", extra=add(np.linspace(1, 3, size // 2)))
    with pytest.raises(ModelError, match="rope_freqs"):
        convert(path, tmp_path / "b")


def test_weights_beyond_the_shard_size_are_split_and_indexed(tmp_path, monkeypatch):
    path = tiny_gguf.write(tmp_path / "tiny.gguf")
    convert(path, tmp_path / "whole")
    monkeypatch.setattr("conch_dna.models.gguf.SHARD_BYTES", 60_000)
    found, _ = converted_logits(path, tmp_path / "split")
    shards = sorted(file.name for file in (tmp_path / "split").glob("model-*.safetensors"))
    index = json.loads((tmp_path / "split/model.safetensors.index.json").read_text())
    assert len(shards) > 1
    assert sorted(set(index["weight_map"].values())) == shards
    assert relative_error(found, numpy_llama.logits(path, IDS, 2)) < 1e-3


def test_the_same_file_gives_the_same_bytes(tmp_path):
    path = tiny_gguf.write(tmp_path / "tiny.gguf", kind=KINDS.Q8_0)
    for name in ("one", "two"):
        convert(path, tmp_path / name)
    assert refs.digest(tmp_path / "one") == refs.digest(tmp_path / "two")


def truncated(folder):
    whole = tiny_gguf.write(folder / "whole.gguf").read_bytes()
    return whole[: len(whole) * 2 // 3]


def cut_in_the_metadata(folder):
    return tiny_gguf.write(folder / "whole.gguf").read_bytes()[:3000]


@pytest.mark.parametrize(
    "content",
    [truncated, cut_in_the_metadata, lambda _: b"", lambda _: b"GGUF", lambda _: b"PK\x03\x04" + bytes(500)],
    ids=["truncated", "cut in the metadata", "empty", "magic alone", "another format"],
)
def test_a_damaged_file_is_refused_and_nothing_is_left(tmp_path, content):
    path = tmp_path / "bad.gguf"
    path.write_bytes(content(tmp_path))
    (tmp_path / "cache").mkdir()
    with pytest.raises(ModelError, match=r"bad\.gguf"):
        convert(path, tmp_path / "cache/out")
    assert list((tmp_path / "cache").iterdir()) == []


def with_a_scale(writer):
    writer.add_tensor("blk.0.attn_q.scale", np.ones(4, np.float32))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"arch": "gemma3"}, "gemma3; allowed: llama, qwen2"),
        ({"pre": "tekken"}, "pre-tokenizer not supported; got tekken"),
        ({"layers": 3}, r"blk\.2\.attn_norm\.weight is missing"),
        ({"extra": with_a_scale}, r"blk\.0\.attn_q\.scale is unknown in qwen2"),
        ({"extra": lambda w: w.add_expert_count(8)}, "8 experts"),
        ({"extra": lambda w: w.add_uint16("split.count", 2)}, "one part of a split GGUF"),
        ({"extra": lambda w: w.add_string("qwen2.rope.scaling.type", "longrope")}, "longrope"),
    ],
    ids=["architecture", "pre-tokenizer", "missing tensor", "unknown tensor", "experts", "parts", "rope"],
)
def test_what_is_not_supported_is_named(tmp_path, options, named):
    path = tiny_gguf.write(tmp_path / "odd.gguf", **options)
    (tmp_path / "cache").mkdir()
    with pytest.raises(ModelError, match=named):
        convert(path, tmp_path / "cache/out")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_failing_disk_leaves_nothing(tmp_path):
    path = tiny_gguf.write(tmp_path / "tiny.gguf")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match="could not be written"):
        convert(path, tmp_path / "file/out")


@pytest.mark.integration
def test_two_processes_may_convert_one_file_at_once(tmp_path):
    path = tiny_gguf.write(tmp_path / "tiny.gguf")
    call = "import sys, pathlib as p; from conch_dna.models.gguf import convert; convert(*map(p.Path, sys.argv[1:]))"
    command = [sys.executable, "-c", call, str(path), str(tmp_path / "cache/out")]
    for process in [subprocess.Popen(command) for _ in range(2)]:
        assert process.wait(60) == 0
    assert [entry.name for entry in (tmp_path / "cache").iterdir()] == ["out"]
    load_folder(str(tmp_path / "cache/out"))


@pytest.mark.real
def test_two_layers_of_smollm2_give_the_logits_of_numpy():
    base = load(REAL)
    ids = base.tokenizer.encode("def add(a, b):\n    return a + b  # 42 and 7")
    base.model.model.layers = base.model.model.layers[:2]
    found = np.array(base.model(mx.array([ids]))[0])
    assert relative_error(found, numpy_llama.logits(refs.gguf_file(REAL), ids, 2)) < 1e-3


@pytest.mark.real
def test_smollm2_answers_sensibly_and_stops():
    from mlx_lm import stream_generate

    base = load(REAL)
    chat = [{"role": "user", "content": "What is the capital of France?"}]
    prompt = base.tokenizer.apply_chat_template(chat, add_generation_prompt=True)
    parts = list(stream_generate(base.model, base.tokenizer, prompt, max_tokens=24))
    assert "Paris" in "".join(part.text for part in parts)
    assert parts[-1].finish_reason == "stop"
