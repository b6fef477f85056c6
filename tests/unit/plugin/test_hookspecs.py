"""Every hook has a docstring, a section in the guide, and a bundled plug-in or a test that uses it."""

import inspect
import re

import pytest
from checkout import ROOT

from conch_dna.plugin import hookspecs

HOOKS = sorted(name for name, value in vars(hookspecs).items() if hasattr(value, "conch_dna_spec"))


def test_there_are_hooks():
    assert "register_teachers" in HOOKS


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_docstring(hook):
    text = inspect.getdoc(getattr(hookspecs, hook))
    assert text
    assert text.splitlines()[0].endswith((".", "``."))


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_heading_in_the_guide(hook):
    assert f"### {hook}\n" in (ROOT / "docs/plugins.md").read_text()


def test_every_hook_in_the_guide_exists():
    headings = re.findall(r"^### ([a-z]+_[a-z_]+)$", (ROOT / "docs/plugins.md").read_text(), re.MULTILINE)
    assert sorted(headings) == HOOKS


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_bundled_user_or_a_test(hook):
    implementation = re.compile(rf"@hookimpl(\(.*\))?(\\n|\n)def {hook}\(")
    files = [*(ROOT / "plugins").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    assert any(implementation.search(path.read_text()) for path in files)


@pytest.mark.parametrize("hook", [hook for hook in HOOKS if hook.startswith("register_")])
def test_registration_hooks_take_nothing(hook):
    assert not inspect.signature(getattr(hookspecs, hook)).parameters
