"""What Conch DNA writes is as open to others as the user's umask says."""

import stat
import subprocess
import sys

import pytest

WRITE = """
import os, sys
from pathlib import Path
os.umask(int(sys.argv[2], 8))
from conch_dna.util.files import new_folder, write_atomic
root = Path(sys.argv[1])
write_atomic(root / "a/b/file", "x")
with new_folder(root / "c/version") as made:
    (made / "file").write_text("x")
"""


@pytest.mark.parametrize("umask", [0o077, 0o027, 0o022])
def test_files_and_folders_follow_the_umask(tmp_path, umask):
    subprocess.run([sys.executable, "-c", WRITE, str(tmp_path), oct(umask)], check=True, timeout=60)
    for path in tmp_path.rglob("*"):
        whole = 0o777 if path.is_dir() else 0o666
        assert stat.S_IMODE(path.stat().st_mode) == whole & ~umask, path
