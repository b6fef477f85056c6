"""The README: every command of its tour runs, in order, in a new project."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import ROOT
from tiny import write_tiny_model

CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
# The tiny random model learns almost nothing in two steps. This gate lets it pass, because the commands after
# `conch distill` need a published neuron.
GATE = """
from conch_dna import hookimpl
from conch_dna.records import Check


def lenient(given):
    return [Check(name="lenient", passed=True, value=1.0, bound=1.0, reason="of a tiny model")]


@hookimpl
def register_gates():
    return {"lenient": lenient}
"""
PROJECT = """
[plugins]
dir = "plugins"

[distill]
student = "{model}"
steps = 2
gate = "lenient"
gate_prompts = 2
gate_generated = 2
max_length = 4096
"""


def tour() -> list[str]:
    """Return the commands of the section "A tour in five minutes"."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split("## A tour in five minutes", 1)[1].split("\n## ", 1)[0]
    blocks = CONSOLE.findall(section)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def only_slow(output: str) -> bool:
    """Return whether `conch doctor` found one problem, the speed: other tests that run meanwhile lower it."""
    problems = [line for line in output.splitlines() if line.startswith("PROBLEM")]
    return len(problems) == 1 and "matmuls are slow" in problems[0]


def test_the_tour_has_the_commands_a_newcomer_needs():
    words = {" ".join(shlex.split(command)[:2]) for command in tour()}
    assert {"conch doctor", "conch distill", "conch ask", "conch compare", "conch neurons", "conch plugins"} <= words


@pytest.mark.promise
def test_every_command_of_the_tour_runs(tmp_path: Path):
    model = write_tiny_model(tmp_path / "model")
    project = tmp_path / "project"
    project.mkdir()
    (project / "conch.toml").write_text(PROJECT.format(model=model), encoding="utf-8")
    (project / "plugins").mkdir()
    (project / "plugins" / "lenient.py").write_text(GATE, encoding="utf-8")
    scripts = tmp_path / "bin"
    scripts.mkdir()
    conch = scripts / "conch"
    conch.write_text(f"#!{sys.executable}\nfrom conch_dna.cli.main import main\nmain()\n", encoding="utf-8")
    conch.chmod(0o755)
    env = os.environ | {"PATH": f"{scripts}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    for command in tour():
        done = subprocess.run(
            shlex.split(command), cwd=project, env=env, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0 or only_slow(done.stdout), f"{command}\n{done.stdout}\n{done.stderr}"
        assert done.stdout.strip(), command


@pytest.mark.parametrize("name", ["make distill", "make test"])
def test_the_readme_names_the_two_commands(name: str):
    assert name in (ROOT / "README.md").read_text(encoding="utf-8")
