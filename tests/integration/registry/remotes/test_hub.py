"""A push to the hub is one commit, and a pull checks every file, also with faults of the hub."""

import json

import httpx2
import pytest
from hubserver import TOKEN, HubServer, Repo

from conch_dna.errors import NeuronRefused, RegistryError, UnknownName
from conch_dna.registry.audit import verify
from conch_dna.registry.card import claims_digest, hash_files
from conch_dna.registry.remotes import push_pull as remote
from conch_dna.registry.store import Registry

# The hub's library uploads with an argument that its HTTP client has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

URL = "hf://me/thinking-neuron"
REPO = "me/thinking-neuron"
FILES = ("adapter_config.json", "adapters.safetensors", "README.md", "neuron.json")


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """An empty hub; the token of its user is an environment variable."""
    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    server = HubServer()
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, server.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(_http.time, "sleep", lambda _: None)  # the waits of the library and of Conch
    yield server
    _http.close_session()
    server.close()


@pytest.fixture
def other(tmp_path):
    return Registry(tmp_path / "other")


def head_of(hub):
    return hub.repos[REPO].commits[-1]


def test_a_pulled_neuron_equals_the_pushed_one(hub, registry, other, publish):
    entry = publish("thinking", 0)
    sent = remote.push(registry, "thinking", URL, aliases=["prod"])
    oid, files = head_of(hub)
    assert (sent.files, sent.revision, sent.aliases) == (FILES, oid, ("current", "prod"))
    assert hub.repos[REPO].private
    assert len(hub.repos[REPO].commits) == 2  # the initial one, and one with all files
    assert set(files) == {".gitattributes", *FILES}
    pulled = remote.pull(other, URL)
    assert (pulled.ref, pulled.new, pulled.url) == ("thinking@1", True, URL)
    got = other.resolve("thinking")
    assert hash_files(got.path) == hash_files(entry.path)
    assert got.card.origin.ref == "thinking@1"
    assert verify(other) == []


def test_the_model_card_has_the_metadata_of_the_hub(hub, registry, publish):
    publish("thinking", 0)
    remote.push(registry, "thinking", URL)
    text = head_of(hub)[1]["README.md"].decode()
    for line in (
        'base_model: "org/base"', "base_model_relation: adapter", 'license: "apache-2.0"',
        '- "base_model:adapter:org/base"', "| kd | 0.5 |",
    ):  # fmt: skip
        assert line in text


def test_versions_are_commits_and_aliases_are_tags_that_move(hub, registry, other, publish):
    first, second = publish("thinking", 0), publish("thinking", 1)
    commit = remote.push(registry, first.ref, URL, aliases=["prod", "old"]).revision
    remote.push(registry, second.ref, URL, aliases=["prod"])
    assert remote.push(registry, second.ref, URL).files == ()
    assert hub.repos[REPO].tags == {"old": commit, "prod": head_of(hub)[0]}
    for selector, entry in (("prod", second), ("old", first), (commit, first), ("current", second)):
        offer = remote.pull(other, URL, f"thinking@{selector}").offer
        assert offer.card.digest == entry.card.digest
    assert [offer.card.digest for offer in remote.offers(URL)] == [second.card.digest]
    with pytest.raises(UnknownName, match="no such tag, branch or commit; got nosuch"):
        remote.pull(other, URL, "thinking@nosuch")
    with pytest.raises(UnknownName, match="no such neuron; got action; allowed: thinking"):
        remote.pull(other, URL, "action")


def test_a_dry_run_sends_nothing(hub, registry, publish):
    publish("thinking", 0)
    assert remote.push(registry, "thinking", URL, dry_run=True).files == FILES
    assert hub.repos == {}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/models"), ("POST", "/api/repos/create"), ("POST", "validate-yaml"), ("POST", "/preupload/"),
        ("POST", "objects/batch"), ("PUT", "/stored/"), ("POST", "/commit/"), ("POST", "/tag/"), ("GET", "/refs"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("faults", [[503, 429], ["cut", 502]], ids=["busy", "cut"])
def test_a_push_retries_transient_faults(hub, registry, other, publish, method, path, faults):
    publish("thinking", 0)
    hub.faults[method, path] = list(faults)
    remote.push(registry, "thinking", URL, aliases=["prod"])
    assert hub.faults[method, path] == []
    assert len(hub.repos[REPO].commits) == 2
    assert remote.pull(other, URL, "thinking@prod").new


@pytest.mark.parametrize("faults", [[503, 429], ["cut", "short"]], ids=["busy", "cut"])
@pytest.mark.parametrize("path", ["/resolve/", "/stored/", "/api/models/"])
def test_a_pull_retries_transient_faults(hub, registry, other, publish, path, faults):
    publish("thinking", 0)
    remote.push(registry, "thinking", URL)
    hub.faults["GET", path] = list(faults)
    assert remote.pull(other, URL).new
    assert hub.faults["GET", path] == []


def test_a_commit_whose_response_is_lost_is_not_repeated(hub, registry, publish):
    publish("thinking", 0)
    hub.faults["COMMITTED", REPO] = ["cut"]
    sent = remote.push(registry, "thinking", URL)
    assert len(hub.repos[REPO].commits) == 2
    assert sent.revision == head_of(hub)[0]


def test_a_failed_push_is_continued(hub, registry, publish):
    publish("thinking", 0)
    hub.faults["POST", "/commit/"] = [503] * 4
    with pytest.raises(RegistryError, match=f"{URL}: the store refused or did not answer") as refusal:
        remote.push(registry, "thinking", URL)
    assert "\n" not in str(refusal.value)
    with pytest.raises(NeuronRefused, match="holds no neuron"):
        remote.pull(registry, URL)
    hub.requests.clear()
    remote.push(registry, "thinking", URL)
    assert not [path for method, path, _ in hub.requests if method == "PUT"]  # the weights were uploaded before


def test_files_of_the_hub_must_match_the_card(hub, registry, other, publish):
    publish("thinking", 0)
    remote.push(registry, "thinking", URL)
    files = head_of(hub)[1]
    weights = files["adapters.safetensors"]
    files["adapters.safetensors"] = weights[:-1] + bytes([weights[-1] ^ 1])
    with pytest.raises(NeuronRefused, match=r"adapters\.safetensors: the content differs from the card's digest"):
        remote.pull(other, URL)
    files["adapters.safetensors"] = weights
    files["neuron.json"] += b" " * 2**20
    with pytest.raises(NeuronRefused, match="card too large"):
        remote.pull(other, URL)
    evil = json.loads(files["neuron.json"]) | {"name": "../../evil"}
    files["neuron.json"] = json.dumps(evil | {"claims": claims_digest(evil)}).encode()
    with pytest.raises(NeuronRefused, match="not a neuron name"):
        remote.pull(other, URL)
    assert other.names() == []


def test_a_response_longer_than_requested_is_not_read(hub, registry, other, publish):
    publish("thinking", 0)
    remote.push(registry, "thinking", URL)
    hub.faults["GET", "/stored/"] = ["flood"]
    with pytest.raises(RegistryError, match="sent more bytes than requested"):
        remote.pull(other, URL)
    assert hub.flooded.wait(10)  # the client closed the connection early


def test_the_token_is_sent_only_to_the_hub_and_never_printed(hub, registry, other, publish, monkeypatch, capfd):
    publish("thinking", 0)
    hub.faults["PUT", "/stored/"] = [503]
    remote.push(registry, "thinking", URL)
    remote.pull(other, URL)
    tokens = {path.startswith("/stored/"): token for _, path, token in hub.requests}
    assert tokens == {True: None, False: f"Bearer {TOKEN}"}
    wrong = "hf_" + "wrong" * 7
    monkeypatch.setenv("HF_TOKEN", wrong)
    for call in (lambda: remote.push(registry, "thinking", URL), lambda: remote.pull(other, URL)):
        with pytest.raises(RegistryError, match=r"no access to it; got 401 .*Run `hf auth login`") as refusal:
            call()
        assert wrong not in str(refusal.value)
        assert "\n" not in str(refusal.value)
    shown = capfd.readouterr()
    assert TOKEN not in shown.out + shown.err
    assert "/stored/" not in shown.out + shown.err  # these URLs are signed


def test_a_private_neuron_is_not_found_without_a_token(hub, registry, other, publish, monkeypatch):
    publish("thinking", 0)
    remote.push(registry, "thinking", URL)
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", "/nonexistent")
    with pytest.raises(RegistryError, match="no such repository, or no access to it"):
        remote.pull(other, URL)


def test_a_public_repository_needs_the_option_public(hub, registry, other, publish):
    publish("thinking", 0)
    hub.repos[REPO] = Repo(private=False)
    with pytest.raises(RegistryError, match=r"the repository is public.*--public"):
        remote.push(registry, "thinking", URL)
    remote.push(registry, "thinking", URL, public=True)
    remote.push(registry, "thinking", "hf://me/new", public=True)
    assert not hub.repos["me/new"].private


def test_another_neuron_or_model_is_not_overwritten(hub, registry, publish):
    publish("thinking", 0)
    publish("action", 1)
    remote.push(registry, "thinking", URL)
    with pytest.raises(RegistryError, match="holds another neuron; got thinking; allowed: action"):
        remote.push(registry, "action", URL)
    hub.repos["me/model"] = Repo(private=True)
    hub.repos["me/model"].commits[-1][1]["model.safetensors"] = b"weights"
    with pytest.raises(RegistryError, match=r"holds something else; got model\.safetensors"):
        remote.push(registry, "thinking", "hf://me/model")


@pytest.mark.parametrize(
    "url", ["hf://", "hf://me", "hf://datasets/me/x", "hf://me/x@main", "hf://../x", "hf://me:hf_secret@me/x"]
)
def test_an_invalid_url_is_refused(registry, publish, url):
    publish("thinking", 0)
    with pytest.raises(RegistryError, match="not a hub repository") as refusal:
        remote.push(registry, "thinking", url)
    assert "secret" not in str(refusal.value)


def test_an_unreachable_hub_is_an_error_of_one_line(hub, other):
    hub.faults["GET", "/"] = ["cut"] * 4
    with pytest.raises(RegistryError, match="did not answer") as refusal:
        remote.pull(other, URL)
    assert isinstance(refusal.value.__cause__, httpx2.TransportError)
