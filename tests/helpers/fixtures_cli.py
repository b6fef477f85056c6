"""One tiny student for the tests of whole commands, and a cache that no other test sees."""

import pytest
from projects import write_student


@pytest.fixture(scope="session")
def student(tmp_path_factory):
    return write_student(tmp_path_factory.mktemp("student") / "model")


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    for name in ("CONCH_STRICT", "CONCH_BLOCK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
