"""Files of models whose counts, texts and figures are not those of a model are refused at once, in one line."""

import json
import os
import random
import shutil
import struct
import time

import psutil
import pytest
import tiny_gguf
from safetensors.numpy import save

from conch_dna.errors import ModelError
from conch_dna.models.gguf import convert
from conch_dna.models.load import load
from conch_dna.models.safetensors_header import MOST_HEADER

STRING, ARRAY, UINT8 = 8, 9, 0
HUGE = 2**64 - 1
SECONDS = 5  # of processor time for one file
FUZZED = int(os.environ.get("CONCH_FUZZ", "20")) * 10


def text(value):
    return struct.pack("<Q", len(value)) + value


def header(*values, tensors=0, keys=None):
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, len(values) if keys is None else keys) + b"".join(values)


def value(kind, content, name=b"a"):
    return text(name) + struct.pack("<I", kind) + content


def array(kind, count, content=b""):
    return value(ARRAY, struct.pack("<IQ", kind, count) + content)


HOSTILE = {
    "keys without end": header(keys=HUGE),
    "tensors without end": header(tensors=HUGE),
    "a text without end": header(value(STRING, struct.pack("<Q", HUGE))),
    "an array without end": header(array(UINT8, HUGE)),
    "texts without end": header(array(STRING, HUGE)),
    "24 MB of empty texts": header(array(STRING, 3_000_000, bytes(24_000_000))),
    "an array of arrays": header(array(ARRAY, 1, struct.pack("<IQ", ARRAY, 1) * 1000)),
    "a text of 400 kB in an array": header(array(STRING, 1, text(b"a" * 400_000))),
    "a type that does not exist": header(value(99, b"")),
    "a tensor of 2**32 - 1 dimensions": header(text(b"a") + struct.pack("<I", 2**32 - 1), tensors=1, keys=0),
    "another byte order": b"GGUF" + struct.pack(">IQQ", 3, 0, 0),
    "nothing but zeros": bytes(94),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_gguf_is_refused_at_once(tmp_path, content):
    path, before, began = tmp_path / "bad.gguf", psutil.Process().memory_info().rss, time.process_time()
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"bad\.gguf: not a complete GGUF file") as caught:
        convert(path, tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert time.process_time() - began < SECONDS
    assert psutil.Process().memory_info().rss - before < 300 << 20


@pytest.mark.parametrize(
    ("name", "figure"),
    [("block_count", 2**32 - 1), ("embedding_length", 0), ("attention.head_count", 0), ("feed_forward_length", "x")],
)
def test_a_hostile_figure_is_refused(tmp_path, name, figure):
    def change(writer):
        writer.kv_data[0][f"qwen2.{name}"].value = figure
        if isinstance(figure, str):
            writer.kv_data[0][f"qwen2.{name}"].type = tiny_gguf.gguf.GGUFValueType.STRING

    path = tiny_gguf.write(tmp_path / "odd.gguf", extra=change)
    with pytest.raises(ModelError, match=r"odd\.gguf") as caught:
        convert(path, tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.full
def test_a_gguf_with_random_damage_gives_a_model_or_one_line(tmp_path):
    whole = tiny_gguf.write(tmp_path / "whole.gguf").read_bytes()
    draw, refused = random.Random(0), []
    for n in range(FUZZED):
        data = bytearray(whole)
        for _ in range(draw.choice((1, 2, 8, 64))):
            data[draw.randrange(min(len(data), 12_000))] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
        (tmp_path / "bad.gguf").write_bytes(data[: draw.choice((len(data), draw.randrange(len(data))))])
        began = time.process_time()
        try:
            convert(tmp_path / "bad.gguf", tmp_path / f"out{n}")
        except ModelError as fault:
            refused.append(str(fault))
        assert time.process_time() - began < SECONDS, n
    print(f"{FUZZED} damaged files, {len(refused)} refused")
    assert len(refused) > FUZZED / 4
    assert not [line for line in refused if "\n" in line]


def test_a_long_safetensors_header_is_refused_unread(tmp_path, tiny_folder):
    folder = shutil.copytree(tiny_folder, tmp_path / "model")
    long = json.dumps({"__metadata__": {"a": "b" * MOST_HEADER}}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(long)) + long)
    with pytest.raises(ModelError, match=r"model\.safetensors: a safetensors header of \d+ bytes"):
        load(str(folder))
    (folder / "model.safetensors").write_bytes(save({})[:4])
    with pytest.raises(ModelError):
        load(str(folder))


def test_code_that_a_model_brings_is_not_run(tmp_path, tiny_folder):
    folder = shutil.copytree(tiny_folder, tmp_path / "model")
    (folder / "own.py").write_text(f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\n")
    config = json.loads((folder / "config.json").read_text()) | {"model_file": "own.py"}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError):
        load(str(folder))
    assert not (tmp_path / "ran").exists()
