"""Keys come from the environment or the keyring, and show themselves nowhere."""

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from conch_dna.errors import ConfigError
from conch_dna.teachers.api.keys import NO_KEY, SHOWN, Key, host_of, is_here, key_of, names_of

OFFICIAL = "https://api.openai.com/v1"
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


def key(url=OFFICIAL):
    return key_of("openai", url, OFFICIAL).value


def test_the_environment_comes_first_then_the_keyring(monkeypatch):
    keyring.set_password("conch-dna", "openai", "from-ring")
    assert key() == "from-ring"
    monkeypatch.setenv("OPENAI_API_KEY", " from-env\n")
    assert key() == "from-env"


@pytest.mark.parametrize("locked", [False, True], ids=["empty", "locked"])
def test_a_missing_key_names_both_ways_to_set_one(locked):
    keyring.set_keyring(Ring(locked=locked))
    with pytest.raises(ConfigError, match="Set OPENAI_API_KEY, or store it: keyring set conch-dna openai"):
        key()


@pytest.mark.parametrize(
    ("url", "variable", "entry"),
    [
        (AWAY, "CONCH_API_KEY_API_EXAMPLE_ORG", "api.example.org"),
        ("https://API.Example.org:8443", "CONCH_API_KEY_API_EXAMPLE_ORG_8443", "api.example.org:8443"),
        ("https://api-example.org/v1", "CONCH_API_KEY_API__EXAMPLE_ORG", "api-example.org"),
        ("https://api.openai.com.example.org/v1", "CONCH_API_KEY_API_OPENAI_COM_EXAMPLE_ORG",
         "api.openai.com.example.org"),
        ("https://api.openai.com:8443/v1", "CONCH_API_KEY_API_OPENAI_COM_8443", "api.openai.com:8443"),
        (HOME, "CONCH_API_KEY_127_0_0_1_8000", "127.0.0.1:8000"),
    ],
)  # fmt: skip
def test_a_key_goes_to_its_own_host_alone(monkeypatch, url, variable, entry):
    """A `conch.toml` from anywhere may name any endpoint, also one where a neighbour on this machine listens."""
    monkeypatch.setenv("OPENAI_API_KEY", "of-the-provider")
    keyring.set_password("conch-dna", "openai", "of-the-provider")
    if url == HOME:
        assert key(url) == NO_KEY
    else:
        with pytest.raises(ConfigError, match=f"has no key for .*Set {variable}, or .*: keyring set conch-dna {entry}"):
            key(url)
    keyring.set_password("conch-dna", entry, "from-ring")
    assert key(url) == "from-ring"
    monkeypatch.setenv(variable, "its-own")
    assert key(url) == "its-own"


@pytest.mark.parametrize("url", ["http://api.openai.com/v1", "http://192.168.0.2:8000", "http://localhost.example.org"])
def test_plain_http_to_another_machine_is_refused_unless_its_host_is_named(monkeypatch, url):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    host = host_of(url)
    with pytest.raises(ConfigError, match=f"plain http .*got {url}.*set CONCH_PLAIN_HTTP={host}"):
        key(url)
    monkeypatch.setenv("CONCH_PLAIN_HTTP", f"other:1, {host}")
    monkeypatch.setenv(names_of("openai", url, OFFICIAL)[0], "its-own")
    assert key(url) == "its-own"


@pytest.mark.parametrize("value", ["two words", "line\nbreak", "schlüssel"])
def test_a_malformed_key_is_refused_and_not_shown(monkeypatch, value):
    monkeypatch.setenv("OPENAI_API_KEY", value)
    with pytest.raises(ConfigError, match="is not a key") as caught:
        key()
    assert value not in str(caught.value)


def test_a_key_does_not_show_itself():
    secret = Key("sk-1/2")
    assert "sk-1" not in repr(secret)
    assert secret.hide("a sk-1/2 b sk-1%2F2 c") == f"a {SHOWN} b {SHOWN} c"


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
