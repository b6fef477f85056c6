"""Bundled folders are found in a checkout and in an installed package."""

import pytest

from conch_dna.util import files as paths


@pytest.mark.parametrize("kind", ["plugins", "domains"])
def test_a_checkout_is_its_own_bundle(kind):
    assert (paths.bundled_dir(kind).parent / "pyproject.toml").is_file()


@pytest.mark.parametrize("kind", ["plugins", "domains"])
def test_an_installed_package_carries_its_bundle(monkeypatch, tmp_path, kind):
    # A neighbour called "plugins" in site-packages is someone else's.
    (tmp_path / kind).mkdir()
    monkeypatch.setattr(paths, "_PACKAGE", tmp_path / "conch_dna")
    assert paths.bundled_dir(kind) == tmp_path / "conch_dna/bundled" / kind
