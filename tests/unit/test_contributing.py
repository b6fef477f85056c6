"""The contributor's pages and the pre-commit hooks agree with the Makefile and the folders of tests."""

from __future__ import annotations

import re

import pytest
from checkout import ROOT

PAGE = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TIERS = sorted(path.name for path in (ROOT / "tests").iterdir() if any(path.rglob("test_*.py")))


def commands_of_make_lint() -> set[str]:
    """Return the commands of the target, without the files that they are given."""
    recipe = MAKEFILE.split("\nlint:", 1)[1].split("\n\n", 1)[0]
    commands = re.findall(r"^\t(.+)$", recipe, re.MULTILINE)
    return {command.removesuffix(" .") for command in commands}


def test_the_hooks_of_pre_commit_run_the_commands_of_make_lint():
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    entries = re.findall(r"^ +entry: (.+)$", text, re.MULTILINE)
    assert {entry.removesuffix(" --force-exclude") for entry in entries} == commands_of_make_lint()


def test_the_hooks_of_pre_commit_download_nothing():
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"^ +- repo: (.+)$", text, re.MULTILINE)) == {"local"}
    assert set(re.findall(r"^ +language: (.+)$", text, re.MULTILINE)) == {"system"}


@pytest.mark.parametrize("tier", TIERS)
def test_the_page_says_what_a_tier_has(tier: str):
    assert f"`tests/{tier}`" in PAGE


def test_the_make_targets_of_the_page_exist():
    targets = MAKEFILE.split("\n.PHONY:", 1)[1].splitlines()[0].split()
    assert set(re.findall(r"`make ([a-z-]+)`", PAGE)) <= set(targets)
