"""A neuron goes to a folder or store and comes back the same, whatever dies or lies on the way."""

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
from conch_dna.registry.card import content_digest, hash_files
from conch_dna.registry.remotes import push_pull as remote
from conch_dna.registry.remotes.base import told
from conch_dna.registry.remotes.bucket import Bucket
from conch_dna.registry.store import Registry

DO = (
    "import sys; from pathlib import Path; from conch_dna.registry import remote; from conch_dna.registry.store import "
    "Registry; how, root, *rest = sys.argv[1:]; getattr(remote, how)(Registry(Path(root)), *rest)"
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def other(tmp_path):
    """The registry of someone else."""
    return Registry(tmp_path / "other")


@pytest.fixture(params=["folder", "memory", "s3"])
def url(request, tmp_path):
    """A place of each kind; the store is empty."""
    if request.param == "folder":
        return str(tmp_path / "store")
    if request.param == "memory":
        return f"memory://{tmp_path.name}"
    return request.getfixturevalue("s3_url")


def place_of(store, entry):
    return Path(store, entry.name, entry.card.digest.removeprefix("sha256:"))


def flip_last_byte(path):
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def process(how, registry, *rest):
    env = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    arguments = [sys.executable, "-c", DO, how, str(registry.root), *rest]
    return subprocess.Popen(arguments, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.promise
def test_a_neuron_comes_back_the_same(url, registry, other, publish):
    first, entry = publish("thinking", 0), publish("thinking", 1)
    sent = remote.push(registry, "thinking", url, aliases=["prod"])
    assert set(sent.files) == {"adapter_config.json", "adapters.safetensors", "README.md", "neuron.json"}
    assert sent.aliases == ("current", "prod")
    publish("other", 2)
    pulled = remote.pull(other, url, "thinking@prod", aliases=["live"])
    assert (pulled.ref, pulled.new) == ("thinking@1", True)
    got = other.resolve("thinking@live")
    assert other.verify() == []
    assert hash_files(got.path) == hash_files(entry.path)
    assert got.card.origin.model_dump() == {"url": pulled.url, "ref": "thinking@2"}
    # The lineage is that of the original.
    assert got.card.parent == first.card.digest
    kept = got.card.model_dump(exclude={"version", "origin"})
    assert kept == entry.card.model_dump(exclude={"version", "origin"})


def test_what_is_there_is_neither_sent_nor_fetched_again(url, registry, other, publish):
    entry = publish("thinking", 0)
    remote.push(registry, "thinking", url)
    assert remote.push(registry, "thinking@1", url).files == ()
    remote.pull(other, url)
    again = remote.pull(other, url)
    assert (again.ref, again.new, other.versions("thinking")) == ("thinking@1", False, [1])
    # Its own registry has it already, too.
    assert remote.pull(registry, url).ref == entry.ref


def test_versions_are_found_by_alias_and_digest_and_the_rest_is_listed(url, registry, other, publish):
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


def test_current_moves_only_when_there_is_none_or_when_asked(url, registry, other, publish):
    publish("thinking", 0)
    remote.push(registry, "thinking", url)
    remote.pull(other, url)
    publish("thinking", 1)
    remote.push(registry, "thinking", url)
    assert remote.pull(other, url).ref == "thinking@2"
    assert other.aliases("thinking") == {"current": 1}
    remote.pull(other, url, aliases=["current"])
    assert other.aliases("thinking") == {"current": 2}


def test_a_pull_that_was_killed_before_the_alias_is_made_good_by_the_next(tmp_path, registry, other, publish):
    publish("thinking", 0)
    remote.push(registry, "thinking", str(tmp_path / "store"))
    remote.pull(other, str(tmp_path / "store"))
    (other.root / "thinking/aliases.json").unlink()  # a version comes first, and then its alias
    assert not remote.pull(other, str(tmp_path / "store")).new
    assert other.resolve("thinking").version == 1


def test_a_version_that_goes_while_it_is_looked_for_is_no_fault(tmp_path, registry, other, publish, monkeypatch):
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


def test_an_empty_place_says_so(url, other):
    assert remote.offers(url) == []
    with pytest.raises(UnknownName, match="nothing is there"):
        remote.pull(other, url)


def test_a_push_goes_on_where_one_was_cut_off(tmp_path, registry, publish):
    entry = publish("thinking", 0)
    store = str(tmp_path / "store")
    remote.push(registry, "thinking", store)
    place = place_of(store, entry)
    (place / "neuron.json").unlink()
    with pytest.raises(NeuronRefused, match="not pushed whole"):
        remote.pull(Registry(tmp_path / "other"), store)
    assert remote.offers(store) == []
    weights = place / "adapters.safetensors"
    flip_last_byte(weights)
    assert remote.push(registry, "thinking", store).files == ("adapters.safetensors", "README.md", "neuron.json")
    assert remote.pull(Registry(tmp_path / "other"), store).new


def test_a_pull_goes_on_with_the_files_that_are_whole(tmp_path, registry, other, publish, monkeypatch):
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


def damaged(change):
    """Edit the card of a pushed version as a stranger would, and keep its digests true to itself."""

    def edit(place):
        path = place / "neuron.json"
        card = json.loads(path.read_text())
        change(card)
        path.write_text(json.dumps(card))

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
        (lambda place: (place / "adapters.safetensors").write_bytes(b""), "differs from the card's digest"),
        (lambda place: os.truncate(place / "adapters.safetensors", 40), "got 40 bytes of 40"),
        (lambda place: (place / "adapter_config.json").write_text("{}"), "differs from the card's digest"),
        (lambda place: (place / "adapters.safetensors").unlink(), "file missing; got adapters.safetensors"),
        (lambda place: os.truncate(place / "adapter_config.json", 2**20 + 1), "file too large"),
        (lambda place: os.truncate(place / "neuron.json", 2**20 + 1), "card too large"),
        (lambda place: os.truncate(place / "neuron.json", 100), "not a valid card"),
        (damaged(lambda card: card.update(schema_version=99)), "newer Conch DNA; got schema 99"),
        (damaged(lambda card: card.update(name="../../evil")), "not a neuron name"),
        (damaged(lambda card: card.update(name="action")), "the card is of another neuron"),
        (damaged(lambda card: card["files"].update({"../x.py": "0" * 64})), "digest does not match"),
        (damaged(failed), "its gate did not pass; got worse than the base"),
        (damaged(contradicting), "its gate did not pass; got worse than the base"),
        (damaged(lambda card: card.update(teacher="\x1b[2J")), "control characters in the card"),
        (damaged(lambda card: card.update(digest="\x9b2J")), "control characters in the card"),
        (damaged(lambda card: card["metrics"].update({"\x1b[2J": "x"})), "control characters in the card"),
    ],
    ids=[
        "empty-weights", "cut-weights", "other-config", "no-weights", "huge-config", "huge-card", "cut-card", "schema",
        "evil-name", "other-name", "more-files", "failed", "contradiction", "escape", "escape-c1", "escape-in-key",
    ],
)  # fmt: skip
def test_what_is_damaged_or_may_not_be_published_is_refused_in_one_line(
    tmp_path, registry, other, publish, edit, reason
):
    entry = publish("thinking", 0)
    store = str(tmp_path / "store")
    remote.push(registry, "thinking", store)
    edit(place_of(store, entry))
    with pytest.raises(NeuronRefused, match=reason) as refusal:
        remote.pull(other, store)
    assert str(refusal.value).isprintable()
    assert other.names() == []
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        {"adapter-0", "registry", "store", *(["cache"] if (tmp_path / "cache").exists() else [])}
    )


def test_an_adapter_that_changes_nothing_is_refused_though_its_digests_are_right(
    tmp_path, registry, other, publish, write_adapter
):
    entry = publish("thinking", 0)
    store = str(tmp_path / "store")
    remote.push(registry, "thinking", store)
    place = place_of(store, entry)
    write_adapter(0, place, change=lambda found: found.update({name: 0 * value for name, value in found.items()}))
    files = hash_files(place)
    digest = content_digest(files)
    damaged(lambda card: card.update(files=files, digest=digest))(place)
    place.rename(place.with_name(digest.removeprefix("sha256:")))
    with pytest.raises(NeuronRefused, match="changes nothing"):
        remote.pull(other, store, f"thinking@{digest}")
    assert other.names() == []


@pytest.mark.parametrize("ref", ["../x", "Thinking", "a/b@prod", "thinking\0"])
def test_a_name_that_is_none_is_refused_before_anything_is_asked(other, ref):
    with pytest.raises(RegistryError, match="not a neuron name"):
        remote.pull(other, "s3://nowhere", ref)


@pytest.mark.parametrize("how", [remote.push, remote.pull])
def test_an_alias_that_is_none_is_refused(registry, publish, tmp_path, how):
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


def test_a_pipe_is_no_alias(tmp_path, registry, other, publish):
    publish("thinking", 0)
    remote.push(registry, "thinking", str(tmp_path / "store"))
    os.mkfifo(tmp_path / "store/thinking/aliases/prod.json")
    with pytest.raises(UnknownName, match="no such version; got thinking@prod"):
        remote.pull(other, str(tmp_path / "store"), "thinking@prod")


@pytest.mark.parametrize("folder", ["", "aliases", "DIGEST"])
def test_a_push_follows_no_link(tmp_path, registry, publish, folder):
    entry = publish("thinking", 0)
    home, elsewhere = tmp_path / "store/thinking", tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = home / folder.replace("DIGEST", entry.card.digest.removeprefix("sha256:"))
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)
    with pytest.raises(RegistryError, match="a link stands where a folder must be"):
        remote.push(registry, "thinking", str(tmp_path / "store"))
    assert list(elsewhere.iterdir()) == []


def test_a_push_mends_a_card_that_no_pull_would_take(tmp_path, registry, other, publish):
    entry = publish("thinking", 0)
    store = str(tmp_path / "store")
    for change in (lambda card: card.update(name="action"), failed):
        remote.push(registry, "thinking", store)
        damaged(change)(place_of(store, entry))
        assert remote.push(registry, "thinking", store).files == ("README.md", "neuron.json")
    assert remote.pull(other, store).new


def test_content_that_is_there_for_another_base_is_not_taken_for_it(tmp_path, registry, publish):
    entry = publish("thinking", 0)
    store = str(tmp_path / "store")
    remote.push(registry, "thinking", store)
    damaged(lambda card: card.update(base_digest="sha256:other"))(place_of(store, entry))
    with pytest.raises(RegistryError, match="for another base; got sha256:base; allowed: sha256:other"):
        remote.push(registry, "thinking", store)


def test_a_store_that_gives_more_than_it_has_is_cut_off(tmp_path, registry, other, publish, monkeypatch):
    publish("thinking", 0)
    remote.push(registry, "thinking", str(tmp_path / "store"))
    given, chunks = [], Bucket.chunks

    def endless(self, offer, file):
        yield from chunks(self, offer, file)
        for _ in range(100):
            given.append(file)
            yield b"more"

    monkeypatch.setattr(Bucket, "chunks", endless)
    with pytest.raises(NeuronRefused, match=r"store: thinking@1: adapter_config\.json: longer than it was said to be"):
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


def test_an_unknown_kind_of_store_is_one_line(registry, publish):
    publish("thinking", 0)
    with pytest.raises(RegistryError, match=r"nosuch://x: the store refused .*Protocol not known") as refusal:
        remote.push(registry, "thinking", "nosuch://user:hunter2@secret@x?sig=hunter2secret")
    assert "secret" not in str(refusal.value)


def test_an_error_of_a_store_tells_no_secret(monkeypatch):
    monkeypatch.setenv("STORE_TOKEN", "in-the-environment")
    fault = OSError("sftp://me:pass@word@host/x?signature=abc\nsaid no to in-the-environment")
    assert told(fault) == "sftp://host/x said no to ***"


def test_a_full_disk_here_is_not_blamed_on_the_store(tmp_path, registry, other, publish, monkeypatch):
    publish("thinking", 0)
    remote.push(registry, "thinking", str(tmp_path / "store"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(DiskError, match="no room for the neuron"):
        remote.pull(other, str(tmp_path / "store"))


def test_pushes_at_the_same_time_lose_nothing(url, registry, publish, tmp_path):
    entries = [publish("thinking", seed) for seed in range(6)]
    # A write to fsspec's own memory can be seen half done by another thread; no real store shows that.
    with ThreadPoolExecutor(1 if url.startswith("memory:") else 6) as pool:
        list(pool.map(lambda entry: remote.push(registry, entry.ref, url, aliases=[f"a{entry.version}"]), entries * 2))
    offers = {offer.card.digest: offer.aliases for offer in remote.offers(url)}
    assert set(offers) == {entry.card.digest for entry in entries}
    for entry in entries:
        assert f"a{entry.version}" in offers[entry.card.digest]
    assert sum("current" in aliases for aliases in offers.values()) == 1


def test_pulls_at_the_same_time_add_one_version(tmp_path, registry, other, publish):
    publish("thinking", 0)
    store = str(tmp_path / "store")
    remote.push(registry, "thinking", store)
    workers = [process("pull", other, store) for _ in range(3)]
    for worker in workers:
        ended_well(worker)
    assert other.versions("thinking") == [1]


def ended_well(worker):
    told, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0, told


def killed(worker, after):
    """Kill a process some time after it began; tell whether that came in time."""
    time.sleep(after)
    worker.send_signal(signal.SIGKILL)
    worker.communicate(timeout=30)
    return worker.returncode == -signal.SIGKILL


def test_a_killed_push_or_pull_leaves_nothing_half_visible(s3_url, registry, other, write_adapter, fields):
    import mlx.core as mx

    def bigger(found):  # a few megabytes, so that kills fall into the transfer too
        found["model.layers.2.mlp.down_proj.lora_a"] = mx.random.normal((400_000, 2))

    entry = registry.publish("thinking", write_adapter(0, change=bigger), fields)
    begun = time.perf_counter()
    ended_well(process("push", registry, entry.ref, f"{s3_url}-timed"))
    usual = time.perf_counter() - begun
    draw, cut = random.Random(0), 0
    for how in ("push", "pull"):
        target, place = (registry, (entry.ref, s3_url)) if how == "push" else (other, (s3_url,))
        for _ in range(3):
            cut += killed(process(how, target, *place), usual * draw.uniform(0.4, 1.0))
            for offer in remote.offers(s3_url):
                assert set(offer.sizes) == {"adapter_config.json", "adapters.safetensors", "README.md", "neuron.json"}
            assert other.verify() == []
        ended_well(process(how, target, *place))
    assert cut
    assert hash_files(other.resolve("thinking").path) == hash_files(entry.path)
    assert other.versions("thinking") == [1]


def test_an_object_with_the_name_of_a_neuron_hides_it_from_nobody(s3_url, s3, registry, other, publish):
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
    # The same push again mends it.
    assert remote.push(registry, "thinking", s3_url).files == ("adapters.safetensors",)
    assert remote.pull(other, s3_url).new


def test_wrong_credentials_are_one_line_without_secrets(s3_strict, registry, publish, monkeypatch):
    publish("thinking", 0)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAWRONGWRONGWRONG0")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong+secret/that+nobody+may+see")
    with pytest.raises(RegistryError, match="the store refused") as refusal:
        remote.push(registry, "thinking", s3_strict)
    text = str(refusal.value)
    assert "\n" not in text
    assert "nobody+may+see" not in text
    assert "AKIAWRONG" not in text


def test_a_store_that_is_not_there_is_one_line(registry, publish, s3, monkeypatch):
    publish("thinking", 0)
    with pytest.raises(RegistryError, match="s3://no-such-bucket/x: the store refused") as refusal:
        remote.push(registry, "thinking", "s3://no-such-bucket/x")
    assert "\n" not in str(refusal.value)
