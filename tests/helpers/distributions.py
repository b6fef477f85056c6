"""Metadata of distributions that are not installed, as pip writes it."""

import importlib


def write_metadata(site, name, version):
    """Write the metadata of a distribution into a folder of packages; return the folder."""
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (folder / "METADATA").write_text(text, encoding="utf-8")
    importlib.invalidate_caches()
    return site
