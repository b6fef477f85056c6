"""A failed write of tensors names the file."""

from pathlib import Path

import mlx.core as mx
import pytest

from conch_dna.util.tensors import save_tensors

FULL = Path("/dev/full")  # every write to it fails as on a full disk


def test_tensors_are_written_with_their_metadata(tmp_path):
    save_tensors(tmp_path / "a.safetensors", {"x": mx.arange(3)}, {"format": "mlx"})
    tensors, about = mx.load(str(tmp_path / "a.safetensors"), return_metadata=True)
    assert tensors["x"].tolist() == [0, 1, 2]
    assert about == {"format": "mlx"}


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error_of_the_system_with_the_path(tmp_path):
    path = tmp_path / "a.safetensors"
    path.symlink_to(FULL)
    with pytest.raises(OSError, match="no room left, or the disk failed") as caught:
        save_tensors(path, {"x": mx.zeros((1 << 16,))})
    assert caught.value.filename == str(path)
