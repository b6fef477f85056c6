"""The Python samples of the documentation parse, and import names that exist."""

from __future__ import annotations

import ast
import importlib
import re

import pytest
from checkout import ROOT

SAMPLE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "examples").rglob("*.md"))]


def samples() -> list[object]:
    """Return each sample with its page and number as the name of its case."""
    return [
        pytest.param(sample, id=f"{page.relative_to(ROOT)}-{number}")
        for page in PAGES
        for number, sample in enumerate(SAMPLE.findall(page.read_text(encoding="utf-8")), 1)
    ]


def names_of_the_package(tree: ast.AST) -> set[tuple[str, str]]:
    """Return the names that a sample takes from modules of the package: module and name."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "conch_dna":
            found |= {(node.module, alias.name) for alias in node.names}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "conch_dna":
            found.add(("conch_dna", node.attr))
    return found


@pytest.mark.parametrize("sample", samples())
def test_a_sample_parses_and_its_names_exist(sample: str):
    tree = ast.parse(sample)
    for module, name in sorted(names_of_the_package(tree)):
        assert hasattr(importlib.import_module(module), name), f"{module} has no {name}"
