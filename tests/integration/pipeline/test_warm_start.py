"""A warm start is checked, stays the same during its run, and is recorded on the neuron's card."""

import shutil

import mlx.core as mx
import pytest
from distillations import distill_all, works
from ending_student import write_ending_student
from projects import write_student

from conch_dna.plugin.catalog import Owner
from conch_dna.records import Check


@pytest.fixture
def distillation(tmp_path, student, monkeypatch):
    """Make a distillation over the domain alpha."""
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    return works(tmp_path, student, "alpha")


@pytest.fixture
def begun(distillation):
    """A domain with one version, and how another run goes on from it."""
    (first,) = distill_all(distillation("first"), ["alpha"]).results
    assert first.version == 1
    return first


def onward(one, domain="alpha"):
    (result,) = distill_all(one, [domain]).results
    return result


def test_a_start_is_what_it_was_when_the_run_began_though_the_alias_moved(distillation, begun, monkeypatch):
    result = onward(distillation("second", start="current", seed=1))
    assert (result.version, result.start_digest) == (2, begun.digest)
    one = distillation("second", start="current", seed=1)
    assert one.registry.resolve("alpha").card.start_digest == begun.digest
    with monkeypatch.context() as patch:
        patch.setattr("conch_dna.pipeline.distill.load", lambda *_: pytest.fail("it is done, but the base was loaded"))
        assert onward(one) == result
    (one.run.path / "alpha/result.json").unlink()  # as if it was killed after it published
    again = onward(distillation("second", start="current", seed=1))
    assert (again.version, again.digest, again.start_digest) == (2, result.digest, begun.digest)
    assert onward(distillation("third", start="current", seed=1)).start_digest == result.digest


@pytest.mark.parametrize("start", ["9", "best", "no/folder"])
def test_a_start_that_does_not_exist_is_named_with_the_setting(distillation, begun, start):
    error = onward(distillation("second", start=start)).error
    assert error.startswith(f"start = {start}: ")
    assert "current" in error or "version 9 does not exist" in error
    assert error.endswith("The path of an adapter's folder is allowed too")


def test_a_start_that_was_replaced_is_refused(distillation, begun, tmp_path):
    shutil.copytree(tmp_path / "runs/first/alpha/adapter", tmp_path / "start")
    settings = {"start": str(tmp_path / "start"), "seed": 3}
    before = onward(distillation("second", **settings))
    onward(distillation("third", seed=9))
    shutil.rmtree(tmp_path / "start")
    shutil.copytree(tmp_path / "runs/third/alpha/adapter", tmp_path / "start")
    after = onward(distillation("second", **settings))
    assert (before.state, before.start_digest, after.state) == ("published", begun.digest, "failed")
    assert "the run was started from another adapter; got sha256:" in after.error


def overwrite(file, change):
    tensors = dict(mx.load(str(file)))
    name = min(n for n in tensors if n.endswith("lora_a"))
    tensors[name] = change(tensors[name])
    mx.save_safetensors(str(file), tensors, {"format": "mlx"})


@pytest.mark.parametrize(
    ("where", "damage", "fault"),
    [
        ("1", lambda file: overwrite(file, lambda a: a + 1), "the content differs from the card's digest"),
        ("version", lambda file: overwrite(file, lambda a: a + 1), "the content differs from the card's digest"),
        ("bare", lambda file: overwrite(file, lambda a: a * mx.nan), "contains values that are not finite"),
        ("bare", lambda file: overwrite(file, lambda a: a[:, :1]), "do not match rank"),
        ("bare", lambda file: file.write_bytes(file.read_bytes()[:-8]), "truncated"),
        ("bare", lambda file: file.unlink(), "file missing"),
    ],
    ids=["version changed", "its copy changed", "not finite", "another shape", "cut short", "no weights"],
)
def test_a_damaged_start_is_refused_before_anyone_is_asked(distillation, begun, tmp_path, where, damage, fault):
    version = tmp_path / "adapters/alpha/1"
    folders = {"1": version, "version": tmp_path / "version", "bare": tmp_path / "bare"}
    shutil.copytree(version, folders["version"])
    shutil.copytree(tmp_path / "runs/first/alpha/adapter", folders["bare"])
    damage(folders[where] / "adapters.safetensors")
    one = distillation("second", start="1" if where == "1" else str(folders[where]), teacher="echo", seed=1)
    result = onward(one)
    assert (result.state, one.registry.versions("alpha")) == ("failed", [1])
    assert fault in result.error
    assert not any((one.run.path / "alpha" / name).exists() for name in ("start.json", "metrics.jsonl"))


@pytest.mark.parametrize("start", ["current", "FOLDER"])
def test_a_start_of_another_base_is_refused(distillation, begun, tmp_path, start):
    other = write_student(tmp_path / "other", seed=7)
    start = str(shutil.copytree(tmp_path / "adapters/alpha/1", tmp_path / "copy")) if start == "FOLDER" else start
    result = onward(distillation("second", student=str(other), start=start))
    assert result.state == "failed"
    assert "was made for another base" in result.error


def test_a_start_without_a_card_goes_on_where_it_fits(distillation, begun, tmp_path):
    result = onward(distillation("second", start=str(tmp_path / "runs/first/alpha/adapter"), seed=1))
    assert (result.state, result.start_digest, result.version) == ("published", begun.digest, 2)


def test_a_note_of_the_start_that_is_damaged_is_told(distillation, begun):
    one = distillation("second", start="current", seed=1)
    (one.run.path / "alpha").mkdir(parents=True)
    (one.run.path / "alpha/start.json").write_text("{")
    assert "start.json: is damaged. Give the run another name" in onward(one).error


def test_where_best_of_n_finds_nothing_its_start_is_not_published_again(tmp_path, monkeypatch):
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    make = works(tmp_path, write_ending_student(tmp_path / "model"), "alpha", scorers={"same": 1.0})

    def alike(*args, **settings):
        one = make(*args, gate="open", **settings)
        one.host.catalog.add("scorers", "same", lambda *_: 0.5, Owner("t", "t.py"))
        passed = Check(name="open", passed=True, value=1.0, bound=0.0, reason="")
        one.host.catalog.add("gates", "open", lambda _: [passed], Owner("t", "t.py"))
        return one

    settings = {"candidates": 2, "iterations": 1}
    assert onward(alike("first")).version == 1
    one = alike("second", mode="best_of_n", start=str(tmp_path / "runs/first/alpha/adapter"), **settings)
    result = onward(one)
    assert result.state == "failed"
    assert "no step was trained: no candidate is better than the others of its prompt" in result.error
    assert one.registry.versions("alpha") == [1]
    row = onward(alike("row", mode="sft,best_of_n", seed=1, **settings))
    assert (row.state, row.steps) == ("published", 3), "what sft has learnt is not thrown away"
