"""Model references: their syntax, digests of the content, and no writes outside the user's cache."""

import os
import shutil
import subprocess
import sys

import pytest
import tiny_gguf

from conch_dna.errors import ConfigError, ModelError
from conch_dna.models import file_digest, refs
from conch_dna.models.gguf import convert


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path):
    convert(tiny_gguf.write(tmp_path / "tiny.gguf"), tmp_path / "model")
    return tmp_path / "model"


def test_a_folder_is_itself(folder, monkeypatch):
    assert refs.resolve(str(folder)) == folder
    monkeypatch.chdir(folder.parent)
    assert refs.resolve("model") == folder


def test_a_gguf_is_converted_once_by_content(folder, tmp_path):
    first = refs.resolve(str(tmp_path / "tiny.gguf"))
    changed = (first / "config.json").stat().st_mtime_ns
    shutil.copy(tmp_path / "tiny.gguf", tmp_path / "copy.gguf")
    assert refs.resolve(str(tmp_path / "copy.gguf")) == first
    assert (first / "config.json").stat().st_mtime_ns == changed
    tiny_gguf.write(tmp_path / "copy.gguf", kind=tiny_gguf.KINDS.Q8_0)
    assert refs.resolve(str(tmp_path / "copy.gguf")) != first


@pytest.mark.parametrize("name", ["tokenizer_config.json", "config.json", "planted.json"])
def test_a_converted_model_that_was_changed_is_converted_again(folder, tmp_path, name):
    first = refs.resolve(str(tmp_path / "tiny.gguf"))
    before = {file.name: file.read_bytes() for file in first.iterdir()}
    (first / name).write_text("{}")
    assert refs.resolve(str(tmp_path / "tiny.gguf")) == first
    assert {file.name: file.read_bytes() for file in first.iterdir()} == before


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("nothing-here", "no such model"),
        ("./no/such/folder", "no such model"),
        ("no/such.gguf", "no such file"),
        ("embedded:nosuch", "no such embedded model"),
        ("", "no such model|not a model folder"),
    ],
)
def test_a_reference_to_no_model_is_refused(ref, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=message):
        refs.resolve(ref)


def test_a_folder_without_a_model_is_refused(tmp_path):
    for call in (lambda path: refs.resolve(str(path)), refs.digest):
        with pytest.raises(ModelError, match="not a model folder"):
            call(tmp_path)


def test_only_gguf_references_have_a_gguf_file(folder, tmp_path):
    assert refs.gguf_file(str(tmp_path / "tiny.gguf")) == tmp_path / "tiny.gguf"
    for ref in (str(folder), "org/name"):
        with pytest.raises(ModelError, match="no GGUF file"):
            refs.gguf_file(ref)


@pytest.mark.integration
def test_the_hub_is_not_contacted_when_it_is_offline(cache):
    script = "from conch_dna.models import refs; refs.resolve('some-org/some-model')"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(cache / "hf")}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("conch_dna.errors.ModelError: the model could not be fetched from the hub")
    assert "some-org/some-model" in last


def test_the_digest_is_that_of_the_content_wherever_it_lies(folder, tmp_path):
    value = refs.digest(folder)
    assert value.startswith("sha256:")
    assert len(value) == 71
    shutil.copytree(folder, tmp_path / "elsewhere")
    assert refs.digest(tmp_path / "elsewhere") == value
    (folder / "README.md").write_text("words are no content")
    assert refs.digest(folder) == value


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_one_changed_byte_changes_the_digest(folder, name):
    before = refs.digest(folder)
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(content)
    assert refs.digest(folder) != before


def test_the_digest_is_remembered_in_the_cache_and_not_in_the_folder(folder, cache, monkeypatch):
    before = sorted(folder.iterdir())
    value = refs.digest(folder)
    assert sorted(folder.iterdir()) == before
    monkeypatch.setattr(file_digest, "sha256_file", lambda _: pytest.fail("hashed again"))
    assert refs.digest(folder) == value
    monkeypatch.undo()
    monkeypatch.setenv("CONCH_CACHE", str(cache))
    for file in (cache / "digests").iterdir():
        file.write_text("damaged")
    assert refs.digest(folder) == value
    for file in (cache / "digests").iterdir():  # as version 0.1, or someone else, wrote it
        file.write_text("0" * 64)
    assert refs.digest(folder) == value


def test_a_digest_follows_a_change_that_keeps_size_and_time(folder, cache):
    file, before = folder / "config.json", refs.digest(folder)
    state, text = file.stat(), file.read_text()
    file.write_text(text.replace('"', " ", 1))
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert refs.digest(folder) != before


def test_a_cache_that_others_can_write_is_refused(cache, monkeypatch):
    assert refs.cache_dir().stat().st_mode & 0o777 == 0o700
    for mode in (0o770, 0o707, 0o1777):
        cache.chmod(mode)
        with pytest.raises(ConfigError, match=f"others can write it. If you trust .*chmod go-w {cache}"):
            refs.cache_dir()
    cache.chmod(0o755)
    assert refs.cache_dir() == cache
    monkeypatch.setattr(os, "geteuid", lambda: cache.stat().st_uid + 1)
    with pytest.raises(ConfigError, match="belongs to another user"):
        refs.cache_dir()


def test_the_cache_is_where_the_user_wants_it(cache, monkeypatch):
    assert refs.cache_dir() == cache
    monkeypatch.delenv("CONCH_CACHE")
    assert refs.cache_dir().name == "conch-dna"


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "merges.txt"])
def test_tokenizer_and_template_have_a_digest_of_their_own(folder, name):
    weights, text = refs.digest(folder), refs.text_digest(folder)
    (folder / "README.md").write_text("about")
    assert refs.text_digest(folder) == text
    (folder / name).write_text("{}")
    assert (refs.digest(folder), refs.text_digest(folder) == text) == (weights, False)
