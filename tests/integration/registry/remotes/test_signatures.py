"""A signature says who made a card, wherever a copy of it lies; the keys are minisign's own."""

import json

import pytest
from projects import here

from conch_dna.errors import ConfigError, NeuronRefused
from conch_dna.registry import audit, signatures
from conch_dna.registry.remotes import push_pull as remote
from conch_dna.registry.store import Registry

minisign = pytest.importorskip("minisign")
PASSWORD = "correct horse"  # noqa: S105 - of a key of these tests


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Files of an encrypted key pair, and of another that is not encrypted."""
    folder, found = tmp_path_factory.mktemp("keys"), []
    for name, password in (("ours", PASSWORD), ("theirs", None)):
        pair = minisign.KeyPair.generate()
        if password:
            pair.secret_key.encrypt(password)
        (folder / f"{name}.key").write_bytes(bytes(pair.secret_key))
        (folder / f"{name}.pub").write_bytes(bytes(pair.public_key))
        found.append((folder / f"{name}.key", folder / f"{name}.pub", pair.public_key.to_base64().decode()))
    return found


def test_a_signed_version_is_verified_with_its_key_alone(registry, publish, keys):
    (secret, _, public), (_, _, other) = keys
    publish("thinking", 0)
    assert "is not signed" in audit.verify(registry, key=public)[0].reason
    signed = signatures.sign(registry, "thinking", secret, lambda: PASSWORD)
    assert audit.verify(registry, "thinking", public) == []
    assert audit.verify(registry) == []
    assert "was not signed with this key" in audit.verify(registry, key=other)[0].reason
    assert signed.card == registry.resolve("thinking").card


def test_a_signature_holds_for_no_other_claims(registry, publish, keys):
    secret, _, public = keys[0]
    first, second = publish("thinking", 0), publish("thinking", 1)
    signatures.sign(registry, "thinking@1", secret, lambda: PASSWORD)
    signature = json.loads((first.path / "neuron.json").read_text())["signature"]
    card = json.loads((second.path / "neuron.json").read_text())
    (second.path / "neuron.json").write_text(json.dumps(card | {"signature": signature}))
    assert audit.verify(registry, "thinking@1", public) == []
    assert "was not signed with this key" in audit.verify(registry, "thinking@2", public)[0].reason


def test_a_signature_goes_with_the_neuron(registry, publish, keys, tmp_path):
    (secret, _, public), other = keys[0], Registry(tmp_path / "other")
    publish("thinking", 0)
    signatures.sign(registry, "thinking", secret, lambda: PASSWORD)
    remote.push(registry, "thinking", str(tmp_path / "store"))
    remote.pull(other, str(tmp_path / "store"))
    assert audit.verify(other, "thinking", public) == []
    shown = here(tmp_path, "neurons", "--registry", other.root, "show", "thinking").stdout
    assert (
        f"pulled from {tmp_path / 'store'}: what the card says is signed, and nothing of it was measured here" in shown
    )


def test_a_wrong_password_or_key_is_one_line(registry, publish, keys, tmp_path):
    secret, _, _ = keys[0]
    entry = publish("thinking", 0)
    before = (entry.path / "neuron.json").read_bytes()
    with pytest.raises(ConfigError, match="secret key cannot be used"):
        signatures.sign(registry, "thinking", secret, lambda: "wrong")
    (tmp_path / "none.key").write_text("nothing\n")
    with pytest.raises(ConfigError, match="secret key cannot be used"):
        signatures.sign(registry, "thinking", tmp_path / "none.key", lambda: "")
    with pytest.raises(ConfigError, match="not a public key"):
        audit.verify(registry, "thinking", "abc")
    assert (entry.path / "neuron.json").read_bytes() == before


def test_a_damaged_version_is_not_signed(registry, publish, keys):
    entry = publish("thinking", 0)
    (entry.path / "adapters.safetensors").write_bytes(b"")
    with pytest.raises(NeuronRefused):
        signatures.sign(registry, "thinking", keys[0][0], lambda: PASSWORD)


def test_the_commands_sign_and_verify(registry, publish, keys, monkeypatch):
    secret, public, text = keys[0]
    publish("thinking", 0)
    monkeypatch.setenv("CONCH_SIGN_PASSWORD", PASSWORD)

    def run(*words):
        return here(registry.root.parent, "neurons", "--registry", registry.root, *words)

    assert run("sign", "thinking", "--key", secret).stdout == "thinking@1 is signed\n"
    for key in (public, text):
        assert run("verify", "--key", key).stdout == "all sound\n"
    refused = run("verify", "--key", keys[1][1])
    assert (refused.exit_code, "was not signed with this key" in refused.stdout) == (1, True)
