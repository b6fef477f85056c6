"""Keys come from the environment or the keyring, and show themselves nowhere."""

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from conch_dna.errors import ConfigError
from conch_dna.teachers.api.keys import NO_KEY, SHOWN, Key, host_of, is_here, key_of

HOME, AWAY = "http://127.0.0.1:8000/v1", "https://api.example.org/v1"


class Ring(KeyringBackend):
    """A keyring in memory."""

    priority = 1

    def __init__(self, entries=None, *, locked=False):
        super().__init__()
        self.entries, self.locked = dict(entries or {}), locked

    def get_password(self, service, username):
        if self.locked:
            raise KeyringLocked
        return self.entries.get((service, username))

    def set_password(self, service, username, password):
        self.entries[service, username] = password

    def delete_password(self, service, username):
        del self.entries[service, username]


@pytest.fixture(autouse=True)
def ring(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    before = keyring.get_keyring()
    keyring.set_keyring(Ring())
    yield
    keyring.set_keyring(before)


def test_the_environment_comes_first(monkeypatch):
    keyring.set_password("conch-dna", "openai", "from-ring")
    monkeypatch.setenv("OPENAI_API_KEY", " from-env\n")
    assert key_of("openai", AWAY).value == "from-env"


def test_then_the_keyring():
    keyring.set_password("conch-dna", "openai", "from-ring")
    assert key_of("openai", AWAY).value == "from-ring"


@pytest.mark.parametrize("locked", [False, True], ids=["empty", "locked"])
def test_a_missing_key_names_both_ways_to_set_one(locked):
    keyring.set_keyring(Ring(locked=locked))
    with pytest.raises(ConfigError, match="Set OPENAI_API_KEY, or store it: keyring set conch-dna openai"):
        key_of("openai", AWAY)


def test_an_endpoint_on_this_machine_needs_none():
    assert key_of("openai", HOME).value == NO_KEY


@pytest.mark.parametrize("value", ["two words", "line\nbreak", "schlüssel"])
def test_a_malformed_key_is_refused_and_not_shown(monkeypatch, value):
    monkeypatch.setenv("OPENAI_API_KEY", value)
    with pytest.raises(ConfigError, match="is not a key") as caught:
        key_of("openai", AWAY)
    assert value not in str(caught.value)


def test_a_key_does_not_show_itself():
    key = Key("sk-1/2")
    assert "sk-1" not in repr(key)
    assert key.hide("a sk-1/2 b sk-1%2F2 c") == f"a {SHOWN} b {SHOWN} c"


def test_that_no_key_is_needed_hides_no_word():
    assert Key(NO_KEY).hide("none of these") == "none of these"


@pytest.mark.parametrize(
    ("url", "found"),
    [
        (HOME, True), ("http://localhost:1/v1", True), ("http://[::1]:8000", True), ("http://127.8.9.1", True),
        (AWAY, False), ("http://localhost.example.org", False), ("http://192.168.0.2:8000/v1", False), ("", False),
    ],
)  # fmt: skip
def test_what_is_on_this_machine(url, found):
    assert is_here(url) == found


def test_the_host_has_its_port_and_no_secret():
    assert host_of("http://me:word@box:8000/v1") == "box:8000"
    assert host_of("") == ""
