"""The script of docs/python.md distils a domain in a separate process."""

import re
import subprocess
import sys

import pytest
from checkout import ROOT
from projects import environment, write_project, write_student

from conch_dna.registry.store import Registry

SCRIPT = re.search(
    r"^## Distil$.*?^```python\n(.*?)^```", (ROOT / "docs/python.md").read_text(), re.MULTILINE | re.DOTALL
)


@pytest.mark.promise
def test_a_script_of_at_most_ten_lines_distils_a_domain(tmp_path):
    script = SCRIPT[1]
    assert len(script.splitlines()) <= 10
    student = write_student(tmp_path / "student")
    project = write_project(tmp_path / "my-agent", student, "notes", steps=4, min_fit_gain=0.0)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment(CONCH_CACHE=str(tmp_path / "cache")),
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    domain, state, version, *reason = done.stdout.split()
    assert (domain, state, version) == ("notes", "published", "1")
    assert reason
    assert Registry(project / "adapters").resolve("notes").card.teacher == "echo"
