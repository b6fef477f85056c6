"""The architecture page describes the code as it is: its paths exist and its tree has the order of the contract."""

from __future__ import annotations

import re
import tomllib

import pytest
from checkout import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"[\w.-]+(/[\w.-]+)*/?")
ROOM = re.compile(r"^ +(\d+)  (\w+)(?:/|\.py) ", re.MULTILINE)


def paths() -> list[str]:
    """Return each path in backticks outside code blocks: it has a slash and is no placeholder such as `DOMAIN/`."""
    spans = {span for span in SPAN.findall(FENCED.sub("", PAGE)) if "/" in span}
    return sorted(s for s in spans if PATH.fullmatch(s) and not s.split("/")[0].isupper())


def steps_of_the_page() -> list[set[str]]:
    """Return the rooms of the tree from the ground up, those with the same number together."""
    steps: dict[int, set[str]] = {}
    for number, room in ROOM.findall(PAGE):
        steps.setdefault(int(number), set()).add(room)
    return [steps[number] for number in sorted(steps)]


def steps_of_the_contract() -> list[set[str]]:
    """Return the rooms of import-linter's contract from the ground up, those of one layer together."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [set(re.findall(r"\w+", layer)) for layer in reversed(layers)]


@pytest.mark.parametrize("path", paths())
def test_a_path_on_the_page_exists(path: str):
    found = ROOT / path
    assert found.is_dir() if path.endswith("/") else found.is_file(), f"{path}: no such file or folder"


def test_the_tree_has_the_rooms_of_the_contract_in_their_order():
    assert steps_of_the_page() == steps_of_the_contract()


def test_every_room_of_the_package_is_in_the_tree():
    package = ROOT / "conch_dna"
    rooms = {path.parent.name for path in package.glob("*/__init__.py")}
    rooms |= {path.stem for path in package.glob("*.py") if path.stem != "__init__"}
    assert rooms == set().union(*steps_of_the_page())
