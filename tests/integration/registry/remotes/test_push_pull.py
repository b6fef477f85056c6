"""A pulled neuron equals the pushed one, or the pull refuses it; killed processes leave nothing incomplete."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conch_dna.errors import DiskError, NeuronRefused, RegistryError, UnknownName
from conch_dna.registry.audit import verify
from conch_dna.registry.card import claims_digest, content_digest, hash_files
from conch_dna.registry.remotes import push_pull as remote
from conch_dna.registry.remotes.base import redacted_message
from conch_dna.registry.remotes.bucket import Bucket
from conch_dna.registry.store import Registry

DO = (
    "import sys; from pathlib import Path; from conch_dna.registry.remotes import push_pull as remote; "
    "from conch_dna.registry.store import "
    "Registry; how, root, *rest = sys.argv[1:]; getattr(remote, how)(Registry(Path(root)), *rest)"
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def other(tmp_path):
    """The registry of another user."""
    return Registry(tmp_path / "other")


@pytest.fixture(params=["folder", "memory", "s3"])
def url(request, tmp_path):
    """The URL of an empty store of each kind."""
    if request.param == "folder":
        return str(tmp_path / "store")
    if request.param == "memory":
        return f"memory://{tmp_path.name}"
    return request.getfixturevalue("s3_url")


def folder_of(store, entry):
    return Path(store, entry.name, entry.card.digest.removeprefix("sha256:"))


def flip_last_byte(path):
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def process(how, registry, *rest):
    env = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    arguments = [sys.executable, "-c", DO, how, str(registry.root), *rest]
    return subprocess.Popen(arguments, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.promise
def test_a_pulled_neuron_equals_the_pushed_one(url, registry, other, publish):
    first, entry = publish("thinking", 0), publish("thinking", 1)
    sent = remote.push(registry, "thinking", url, aliases=["prod"])
    assert set(sent.files) == {"adapter_config.json", "adapters.safetensors", "README.md", "neuron.json"}
    assert sent.aliases == ("current", "prod")
    publish("other", 2)
    pulled = remote.pull(other, url, "thinking@prod", aliases=["live"])
    assert (pulled.ref, pulled.new) == ("thinking@1", True)
    got = other.resolve("thinking@live")
    assert verify(other) == []
    assert hash_files(got.path) == hash_files(entry.path)
    assert got.card.origin.model_dump() == {"url": pulled.url, "ref": "thinking@2"}
    # It keeps the lineage of the original.
    assert got.card.parent == first.card.digest
    kept = got.card.model_dump(exclude={"version", "origin", "readme"})
    assert kept == entry.card.model_dump(exclude={"version", "origin", "readme"})


def test_existing_files_are_neither_sent_nor_fetched_again(url, registry, other, publish):
    entry = publish("thinking", 0)
    remote.push(registry, "thinking", url)
    assert remote.push(registry, "thinking@1", url).files == ()
    remote.pull(other, url)
    again = remote.pull(other, url)
    assert (again.ref, again.new, other.versions("thinking")) == ("thinking@1", False, [1])
    # The original registry has it already, too.
    assert remote.pull(registry, url).ref == entry.ref


def test_versions_are_found_by_alias_or_digest_and_an_error_lists_them(url, registry, other, publish):
    first, second = publish("thinking", 0), publish("thinking", 1)
    remote.push(registry, first.ref, url, aliases=["prod"])
    remote.push(registry, second.ref, url)
    offers = remote.offers(url)
    assert {(offer.card.digest, offer.aliases) for offer in offers} == {
        (first.card.digest, ("prod",)),
        (second.card.digest, ("current",)),
    }
    assert remote.pull(other, url, f"thinking@{first.card.digest[7:19]}").offer.card.digest == first.card.digest
    assert remote.pull(other, url, f"thinking@{second.card.digest}").offer.card.digest == second.card.digest
    with pytest.raises(UnknownName, match=r"no such version; got thinking@3; allowed: .*thinking@prod"):
        remote.pull(other, url, "thinking@3")
    publish("action", 2)
    remote.push(registry, "action", url)
    with pytest.raises(UnknownName, match="which neuron is meant"):
        remote.pull(other, url)
    with pytest.raises(UnknownName, match="no such neuron; got memory; allowed: action, thinking"):
        remote.pull(other, url, "memory")


def test_a_pull_moves_current_only_if_it_is_unset_or_requested(url, registry, other, publish):
    publish("thinking", 0)
    remote.push(registry, "thinking", url)
    remote.pull(other, url)
    publish("thinking", 1)
    remote.push(registry, "thinking", url)
    assert remote.pull(other, url).ref == "thinking@2"
    assert other.aliases("thinking") == {"current": 1}
    remote.pull(other, url, aliases=["current"])
    assert other.aliases("thinking") == {"current": 2}


def test_the_next_pull_sets_the_alias_that_a_killed_pull_did_not(tmp_path, registry, other, publish):
    publish("thinking", 0)
    remote.push(registry, "thinking", str(tmp_path / "store"))
    remote.pull(other, str(tmp_path / "store"))
    (other.root / "thinking/aliases.json").unlink()  # a version is added before its alias
    assert not remote.pull(other, str(tmp_path / "store")).new
    assert other.resolve("thinking").version == 1


def test_a_version_removed_during_the_lookup_is_not_an_error(tmp_path, registry, other, publish, monkeypatch):
    publish("thinking", 0)
    remote.push(registry, "thinking", str(tmp_path / "store"))
    remote.pull(other, str(tmp_path / "store"))
    monkeypatch.setattr(Registry, "versions", lambda *_: [1, 2])
    assert remote.pull(other, str(tmp_path / "store")).ref == "thinking@1"


def test_a_dry_run_changes_nothing(url, registry, other, publish):
    publish("thinking", 0)
    assert len(remote.push(registry, "thinking", url, dry_run=True).files) == 4
    assert remote.offers(url) == []
    remote.push(registry, "thinking", url)
    pulled = remote.pull(other, url, dry_run=True)
    assert (pulled.ref, pulled.new, other.names()) == (None, True, [])


def test_an_empty_store_is_reported(url, other):
    assert remote.offers(url) == []
    with pytest.raises(UnknownName, match="nothing is there"):
        remote.pull(other, url)


def test_a_push_continues_an_interrupted_one(tmp_path, registry, publish):
    entry = publish("thinking", 0)
    store = str(tmp_path / "store")
    remote.push(registry, "thinking", store)
    folder = folder_of(store, entry)
    (folder / "neuron.json").unlink()
    with pytest.raises(NeuronRefused, match="the push is incomplete"):
        remote.pull(Registry(tmp_path / "other"), store)
    assert remote.offers(store) == []
    weights = folder / "adapters.safetensors"
    flip_last_byte(weights)
    assert remote.push(registry, "thinking", store).files == ("adapters.safetensors", "README.md", "neuron.json")
    assert remote.pull(Registry(tmp_path / "other"), store).new


def test_a_pull_keeps_the_files_that_were_downloaded_completely(tmp_path, registry, other, publish, monkeypatch):
    entry = publish("thinking", 0)
    store = str(tmp_path / "store")
    remote.push(registry, "thinking", store)
    asked, chunks = [], Bucket.chunks

    def cut(self, offer, file):
        asked.append(file)
        if file == "adapters.safetensors" and len(asked) == 2:
            message = "the line went dead"
            raise RegistryError(message)
        yield from chunks(self, offer, file)

    monkeypatch.setattr(Bucket, "chunks", cut)
    with pytest.raises(RegistryError, match="went dead"):
        remote.pull(other, store)
    assert other.names() == []
    remote.pull(other, store)
    assert asked == ["adapter_config.json", "adapters.safetensors", "adapters.safetensors"]
    assert hash_files(other.resolve("thinking").path) == hash_files(entry.path)
    assert [path for path in (tmp_path / "cache/pulls").iterdir() if path.is_dir()] == []


def damaged(change, *, restated=True):
    """Edit the card of a pushed version, and keep its digests consistent."""

    def edit(folder):
        path = folder / "neuron.json"
        card = json.loads(path.read_text())
        change(card)
        path.write_text(json.dumps(card | ({"claims": claims_digest(card)} if restated else {})))

    return edit


def failed(card):
    check = {"name": "bits", "passed": False, "value": 0.2, "bound": 0.0, "reason": "worse than the base"}
    measured = {"bits_per_byte": 1.0, "quality": 0.5}
    about = {"domain": "thinking", "passed": False, "checks": [check], "prompts": 1}
    card["verdict"] = {**about, "base": measured, "candidate": measured}


def contradicting(card):
    failed(card)
    card["verdict"]["passed"] = True


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda folder: (folder / "adapters.safetensors").write_bytes(b""), "differs from the card's digest"),
        (lambda folder: os.truncate(folder / "adapters.safetensors", 40), "got 40 bytes of 40"),
        (lambda folder: (folder / "adapter_config.json").write_text("{}"), "differs from the card's digest"),
        (lambda folder: (folder / "adapters.safetensors").unlink(), "file missing; got adapters.safetensors"),
        (lambda folder: os.truncate(folder / "adapter_config.json", 2**20 + 1), "file too large"),
        (lambda folder: os.truncate(folder / "neuron.json", 2**20 + 1), "card too large"),
        (lambda folder: os.truncate(folder / "neuron.json", 100), "not a valid card"),
        (damaged(lambda card: card.update(schema_version=99)), "newer Conch DNA; got schema 99"),
        (damaged(lambda card: card.update(name="../../evil")), "not a neuron name"),
        (damaged(lambda card: card.update(name="action")), "the card is of another neuron"),
        (damaged(lambda card: card["metrics"].update(right=1.0), restated=False), "claims have another digest"),
        (damaged(lambda card: card.update(teacher="gpt-9"), restated=False), "claims have another digest"),
        (damaged(lambda card: card["files"].update({"../x.py": "0" * 64})), "digest does not match"),
        (damaged(failed), "its gate did not pass; got worse than the base"),
        (damaged(contradicting), "its gate did not pass; got worse than the base"),
        (damaged(lambda card: card.update(teacher="\x1b[2J")), "control characters in the card"),
        (damaged(lambda card: card.update(digest="\x9b2J")), "control characters in the card"),
        (damaged(lambda card: card["metrics"].update({"\x1b[2J": "x"})), "control characters in the card"),
    ],
    ids=[
        "empty-weights", "cut-weights", "other-config", "no-weights", "huge-config", "huge-card", "cut-card", "schema",
        "evil-name", "other-name", "better-metrics", "other-teacher",
        "more-files", "failed", "contradiction", "escape", "escape-c1", "escape-in-key",
    ],
)  # fmt: skip
def test_a_damaged_or_unpublishable_version_is_refused_in_one_line(tmp_path, registry, other, publish, edit, reason):
    entry = publish("thinking", 0)
    store = str(tmp_path / "store")
    remote.push(registry, "thinking", store)
    edit(folder_of(store, entry))
    with pytest.raises(NeuronRefused, match=reason) as refusal:
        remote.pull(other, store)
    assert str(refusal.value).isprintable()
    assert other.names() == []
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        {"adapter-0", "registry", "store", *(["cache"] if (tmp_path / "cache").exists() else [])}
    )


def test_an_adapter_without_effect_is_refused_even_with_correct_digests(
    tmp_path, registry, other, publish, write_adapter
):
    entry = publish("thinking", 0)
    store = str(tmp_path / "store")
    remote.push(registry, "thinking", store)
    folder = folder_of(store, entry)
    write_adapter(0, folder, change=lambda found: found.update({name: 0 * value for name, value in found.items()}))
    files = hash_files(folder)
    digest = content_digest(files)
    damaged(lambda card: card.update(files=files, digest=digest))(folder)
    folder.rename(folder.with_name(digest.removeprefix("sha256:")))
    with pytest.raises(NeuronRefused, match="changes nothing"):
        remote.pull(other, store, f"thinking@{digest}")
    assert other.names() == []


@pytest.mark.parametrize("ref", ["../x", "Thinking", "a/b@prod", "thinking\0"])
def test_an_invalid_name_is_refused_before_any_request(other, ref):
    with pytest.raises(RegistryError, match="not a neuron name"):
        remote.pull(other, "s3://nowhere", ref)


@pytest.mark.parametrize("how", [remote.push, remote.pull])
def test_an_invalid_alias_is_refused(registry, publish, tmp_path, how):
    publish("thinking", 0)
    target = ("thinking", str(tmp_path)) if how is remote.push else (str(tmp_path),)
    with pytest.raises(RegistryError, match=r"not an alias; got '?3"):
        how(registry, *target, aliases=["3"])


def test_a_damaged_alias_is_named(tmp_path, registry, other, publish):
    publish("thinking", 0)
    store = tmp_path / "store"
    remote.push(registry, "thinking", str(store))
    (store / "thinking/aliases/current.json").write_text('{"digest": "sha256:../../x"}')
    with pytest.raises(NeuronRefused, match="the alias is damaged"):
        remote.pull(other, str(store))


def test_a_damaged_alias_hides_no_version(tmp_path, registry, publish):
    entry = publish("thinking", 0)
    store = tmp_path / "store"
    remote.push(registry, "thinking", str(store), aliases=["prod"])
    (store / "thinking/aliases/current.json").write_text("{")
    assert [(offer.card.digest, offer.aliases) for offer in remote.offers(str(store))] == [
        (entry.card.digest, ("prod",))
    ]


def test_a_pipe_is_not_read_as_an_alias(tmp_path, registry, other, publish):
    publish("thinking", 0)
    remote.push(registry, "thinking", str(tmp_path / "store"))
    os.mkfifo(tmp_path / "store/thinking/aliases/prod.json")
    with pytest.raises(UnknownName, match="no such version; got thinking@prod"):
        remote.pull(other, str(tmp_path / "store"), "thinking@prod")


@pytest.mark.parametrize("folder", ["", "aliases", "DIGEST"])
def test_a_push_refuses_symbolic_links(tmp_path, registry, publish, folder):
    entry = publish("thinking", 0)
    home, elsewhere = tmp_path / "store/thinking", tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = home / folder.replace("DIGEST", entry.card.digest.removeprefix("sha256:"))
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)
    with pytest.raises(RegistryError, match="this is a symbolic link, not a folder"):
        remote.push(registry, "thinking", str(tmp_path / "store"))
    assert list(elsewhere.iterdir()) == []


def test_a_push_replaces_a_card_that_a_pull_would_refuse(tmp_path, registry, other, publish):
    entry = publish("thinking", 0)
    store = str(tmp_path / "store")
    for change in (lambda card: card.update(name="action"), failed):
        remote.push(registry, "thinking", store)
        damaged(change)(folder_of(store, entry))
        assert remote.push(registry, "thinking", store).files == ("README.md", "neuron.json")
    assert remote.pull(other, store).new


def test_the_same_content_for_another_base_is_refused(tmp_path, registry, publish):
    entry = publish("thinking", 0)
    store = str(tmp_path / "store")
    remote.push(registry, "thinking", store)
    damaged(lambda card: card.update(base_digest="sha256:other"))(folder_of(store, entry))
    with pytest.raises(RegistryError, match="for another base; got sha256:base; allowed: sha256:other"):
        remote.push(registry, "thinking", store)


def test_a_file_longer_than_its_reported_size_is_refused(tmp_path, registry, other, publish, monkeypatch):
    publish("thinking", 0)
    remote.push(registry, "thinking", str(tmp_path / "store"))
    given, chunks = [], Bucket.chunks

    def endless(self, offer, file):
        yield from chunks(self, offer, file)
        for _ in range(100):
            given.append(file)
            yield b"more"

    monkeypatch.setattr(Bucket, "chunks", endless)
    with pytest.raises(NeuronRefused, match=r"store: thinking@1: adapter_config\.json: longer than the reported size"):
        remote.pull(other, str(tmp_path / "store"))
    assert given == ["adapter_config.json"]


def test_a_version_without_its_readme_is_not_pushed(registry, publish, tmp_path):
    (publish("thinking", 0).path / "README.md").unlink()
    with pytest.raises(NeuronRefused, match=r"file missing; got README\.md"):
        remote.push(registry, "thinking", str(tmp_path / "store"))


def test_a_damaged_version_is_not_pushed(registry, publish, tmp_path):
    entry = publish("thinking", 0)
    (entry.path / "adapters.safetensors").write_bytes(b"")
    with pytest.raises(NeuronRefused, match="differs from the card's digest"):
        remote.push(registry, "thinking", str(tmp_path / "store"))
    assert not (tmp_path / "store").exists()


def test_an_unknown_kind_of_store_is_an_error_of_one_line(registry, publish):
    publish("thinking", 0)
    with pytest.raises(RegistryError, match=r"nosuch://x: the store refused .*Protocol not known") as refusal:
        remote.push(registry, "thinking", "nosuch://user:hunter2@secret@x?sig=hunter2secret")
    assert "secret" not in str(refusal.value)


def test_an_error_of_a_store_contains_no_secret(monkeypatch):
    monkeypatch.setenv("STORE_TOKEN", "in-the-environment")
    fault = OSError("sftp://me:pass@word@host/x?signature=abc\nsaid no to in-the-environment")
    assert redacted_message(fault) == "sftp://host/x said no to ***"


def test_a_full_local_disk_is_not_reported_as_a_store_error(tmp_path, registry, other, publish, monkeypatch):
    publish("thinking", 0)
    remote.push(registry, "thinking", str(tmp_path / "store"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(DiskError, match="not enough free disk space"):
        remote.pull(other, str(tmp_path / "store"))


def test_concurrent_pushes_lose_no_version(url, registry, publish, tmp_path):
    entries = [publish("thinking", seed) for seed in range(6)]
    # Another thread can see an incomplete write to fsspec's memory store, but not in a real store.
    with ThreadPoolExecutor(1 if url.startswith("memory:") else 6) as pool:
        list(pool.map(lambda entry: remote.push(registry, entry.ref, url, aliases=[f"a{entry.version}"]), entries * 2))
    offers = {offer.card.digest: offer.aliases for offer in remote.offers(url)}
    assert set(offers) == {entry.card.digest for entry in entries}
    for entry in entries:
        assert f"a{entry.version}" in offers[entry.card.digest]
    assert sum("current" in aliases for aliases in offers.values()) == 1


def test_concurrent_pulls_add_one_version(tmp_path, registry, other, publish):
    publish("thinking", 0)
    store = str(tmp_path / "store")
    remote.push(registry, "thinking", store)
    workers = [process("pull", other, store) for _ in range(3)]
    for worker in workers:
        ended_well(worker)
    assert other.versions("thinking") == [1]


def ended_well(worker):
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0, output


def killed(worker, after):
    """Kill a process after some time; return true if it was still running."""
    time.sleep(after)
    worker.send_signal(signal.SIGKILL)
    worker.communicate(timeout=30)
    return worker.returncode == -signal.SIGKILL


def test_a_killed_push_or_pull_leaves_no_incomplete_version_visible(s3_url, registry, other, write_adapter, fields):
    import mlx.core as mx

    def bigger(found):  # a few megabytes, so that some kills happen during the transfer
        found["model.layers.2.mlp.down_proj.lora_a"] = mx.random.normal((400_000, 2))

    entry = registry.publish("thinking", write_adapter(0, change=bigger), fields)
    begun = time.perf_counter()
    ended_well(process("push", registry, entry.ref, f"{s3_url}-timed"))
    usual = time.perf_counter() - begun
    draw, cut = random.Random(0), 0
    for how in ("push", "pull"):
        target, arguments = (registry, (entry.ref, s3_url)) if how == "push" else (other, (s3_url,))
        for _ in range(3):
            cut += killed(process(how, target, *arguments), usual * draw.uniform(0.4, 1.0))
            for offer in remote.offers(s3_url):
                assert set(offer.sizes) == {"adapter_config.json", "adapters.safetensors", "README.md", "neuron.json"}
            assert verify(other) == []
        ended_well(process(how, target, *arguments))
    assert cut
    assert hash_files(other.resolve("thinking").path) == hash_files(entry.path)
    assert other.versions("thinking") == [1]


def test_an_object_with_the_name_of_a_neuron_does_not_hide_it(s3_url, s3, registry, other, publish):
    publish("thinking", 0)
    remote.push(registry, "thinking", s3_url)
    s3.pipe_file(f"{s3_url}/thinking", b"not a folder")
    assert remote.pull(other, s3_url, "thinking").new


def test_a_truncated_or_changed_object_is_refused(s3_url, s3, registry, other, publish):
    publish("thinking", 0)
    remote.push(registry, "thinking", s3_url)
    (key,) = (row for row in s3.find(s3_url) if row.endswith(".safetensors"))
    data = s3.cat_file(key)
    for wrong in (data[:-7], data[:-1] + bytes([data[-1] ^ 1]), b""):
        s3.pipe_file(key, wrong)
        with pytest.raises(NeuronRefused, match="differs from the card's digest"):
            remote.pull(other, s3_url)
    assert other.names() == []
    # The same push repairs it.
    assert remote.push(registry, "thinking", s3_url).files == ("adapters.safetensors",)
    assert remote.pull(other, s3_url).new


def test_wrong_credentials_are_an_error_of_one_line_without_secrets(s3_strict, registry, publish, monkeypatch):
    publish("thinking", 0)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAWRONGWRONGWRONG0")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong+secret/that+nobody+may+see")
    with pytest.raises(RegistryError, match="the store refused") as refusal:
        remote.push(registry, "thinking", s3_strict)
    text = str(refusal.value)
    assert "\n" not in text
    assert "nobody+may+see" not in text
    assert "AKIAWRONG" not in text


def test_an_unreachable_store_is_an_error_of_one_line(registry, publish, s3, monkeypatch):
    publish("thinking", 0)
    with pytest.raises(RegistryError, match="s3://no-such-bucket/x: the store refused") as refusal:
        remote.push(registry, "thinking", "s3://no-such-bucket/x")
    assert "\n" not in str(refusal.value)
