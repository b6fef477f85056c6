"""The wheel holds plug-ins, domains and recordings, and works far from the checkout."""

import json
import os
import subprocess
import sys

import pytest
from checkout import ROOT
from projects import environment, write_student

from conch_dna.records import Summary

CHECKOUT = ROOT
START = "from conch_dna.cli.main import main; main()"
SIX = ["action", "debug", "memory", "reflection", "task", "thinking"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the wheel and unpack it into an empty folder, offline."""
    root = tmp_path_factory.mktemp("wheel")
    quiet = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"]
    build = [sys.executable, "-m", "pip", "wheel", *quiet, "--no-build-isolation", "--wheel-dir", str(root)]
    subprocess.run([*build, str(CHECKOUT)], check=True, timeout=120)
    (wheel,) = root.glob("*.whl")
    install = [sys.executable, "-m", "pip", "install", *quiet, "--target", str(root / "site"), str(wheel)]
    subprocess.run(install, check=True, timeout=120)
    return root / "site"


@pytest.fixture
def conch(site, tmp_path):
    """Run the installed ``conch`` in an empty project; return exit code, stdout and stderr."""
    (tmp_path / "project").mkdir()

    def call(*args, code=START):
        env = environment(PYTHONPATH=str(site), CONCH_CACHE=str(tmp_path / "cache"))
        command = [sys.executable, "-c", code, *map(str, args)]
        done = subprocess.run(
            command, capture_output=True, text=True, env=env, cwd=tmp_path / "project", timeout=240, check=False
        )
        return done.returncode, done.stdout, done.stderr

    return call


def test_the_installed_package_is_the_one_that_runs(conch, site):
    _, out, _ = conch(code="import conch_dna; print(conch_dna.__file__)")
    assert out.strip() == str(site / "conch_dna/__init__.py")


@pytest.mark.promise
def test_every_bundled_plugin_is_found_in_the_package(conch, site):
    code, out, err = conch("plugins", "list", "--json")
    assert code == 0, err
    found = {plugin["name"]: plugin for plugin in json.loads(out)}
    expected = {
        ".".join(path.relative_to(CHECKOUT / "plugins").with_suffix("").parts)
        for path in (CHECKOUT / "plugins").rglob("*.py")
        if not path.name.startswith("_")  # shared code of some
    }
    assert expected <= found.keys()
    for name in expected:
        assert found[name]["error"] is None
        assert found[name]["source"].startswith(str(site) + os.sep)


def test_every_bundled_domain_is_found_in_the_package(conch):
    code, out, err = conch("domains", "list", "--json")
    assert code == 0, err
    assert sorted(row["name"] for row in json.loads(out)) == SIX


def test_all_six_domains_are_distilled(conch, tmp_path):
    student = write_student(tmp_path / "student")
    code, out, err = conch(
        "distill", "--all", "--student", student, "--teacher", "echo", "--steps", "2", "--batch-size", "2",
        "--gate-prompts", "2", "--gate-generated", "2", "--held-out", "0.06", "--max-length", "4096", "--rank", "2",
        "--run", "six", "--json",
    )  # fmt: skip
    assert code in {0, 3}, err
    summary = Summary.model_validate_json(out)
    assert [result.domain for result in summary.results] == SIX
    for result in summary.results:
        assert result.state in {"published", "gate_failed"}
        assert (result.steps, result.error) == (2, None)
        assert (tmp_path / "project/runs/six" / result.domain / "result.json").is_file()
