"""A file of soft targets is read as it was written, or refused."""

import json

import numpy as np
import pytest
from safetensors.numpy import load, save
from tiny import targets_of

from conch_dna.data.codec import encode
from conch_dna.data.target_files import TargetFile, dump, read
from conch_dna.errors import DataError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "teacher.safetensors"


def content(count=5, length=7, k=16):
    rng = np.random.default_rng(0)
    blobs = {f"{i:064x}": encode(targets_of(rng.normal(size=(length + i, 300)) * 4, k)) for i in range(count)}
    return TargetFile({"teacher": "x"}, blobs, np.arange(9, dtype=np.uint32))


def test_what_was_written_is_read_and_written_again_as_the_same_bytes(path):
    path.write_bytes(dump(content()))
    found = read(path)
    assert found.blobs == content().blobs
    assert found.tokens.tolist() == list(range(9))
    assert found.about["teacher"] == "x"
    assert dump(found) == path.read_bytes()


def change(raw, **tensors):
    """Return the file with tensors changed, its checksum as it was."""
    size = int.from_bytes(raw[:8], "little")
    about = json.loads(raw[8 : 8 + size])["__metadata__"]
    return save({**load(raw), **tensors}, about)


@pytest.mark.parametrize(
    "what", ["empty", "cut", "header cut", "bit", "text", "dtype", "missing", "version", "swapped"]
)
def test_a_file_that_is_not_whole_is_refused_by_name(path, what):
    raw = dump(content())
    data = load(raw)["data"]
    flipped = bytearray(raw)
    flipped[-100] ^= 4
    bad = {
        "empty": b"", "cut": raw[:-5], "header cut": raw[:40], "bit": bytes(flipped), "text": b"{}" * 90,
        "dtype": change(raw, data=data.astype(np.uint16)), "missing": save({"data": data}, {"about": "{}"}),
        "version": raw.replace(rb'\"format\": 1', rb'\"format\": 9'),
        "swapped": change(raw, keys=load(raw)["keys"][::-1].copy()),
    }[what]  # fmt: skip
    assert bad != raw
    path.write_bytes(bad)
    with pytest.raises(DataError, match=r"teacher\.safetensors"):
        read(path)
