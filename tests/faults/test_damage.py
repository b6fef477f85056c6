"""A damaged file is repaired by the next run, or refused by its name."""

import shutil

import pytest
from fault_projects import FaultProject, new_project
from projects import write_student

ALPHA = "project/runs/mine/alpha"


def empty(raw):
    return b""


def cut(raw):
    return raw[: len(raw) * 2 // 3]


def flipped(raw):
    middle = len(raw) // 2
    return raw[:middle] + bytes([raw[middle] ^ 0x20]) + raw[middle + 1 :]


def garbage(raw):
    return b"\xff{"


def changed_after(mark):
    """Return a damage that leaves the file readable: it changes the character after ``mark``."""

    def changed(raw):
        at = raw.index(mark) + len(mark)
        return raw[:at] + (b"7" if raw[at : at + 1] != b"7" else b"8") + raw[at + 1 :]

    return changed


REPAIRED = [
    ("kd", "cache/completions/??/*.json", cut),
    ("kd", "cache/completions/??/*.json", changed_after(b'"text":"')),
    ("kd", "cache/targets/*/00000001.safetensors", empty),
    ("kd", "cache/targets/*/00000001.safetensors", flipped),
    pytest.param("kd", f"{ALPHA}/checkpoints/000004/adapters.safetensors", cut, marks=pytest.mark.promise),
    ("kd", f"{ALPHA}/checkpoints/000004/optimizer.safetensors", flipped),
    ("kd", f"{ALPHA}/checkpoints/000004/state.json", garbage),
    ("kd", f"{ALPHA}/checkpoints/000004/state.json", changed_after(b'"2": ')),
    ("on_policy", f"{ALPHA}/checkpoints/000004/source.safetensors", flipped),
    ("kd", f"{ALPHA}/metrics.jsonl", cut),
    ("kd", f"{ALPHA}/metrics.jsonl", garbage),
    ("kd", f"{ALPHA}/adapter/adapters.safetensors", flipped),
    ("kd", f"{ALPHA}/result.json", garbage),
    ("best_of_n", f"{ALPHA}/iteration-1/candidates.jsonl", cut),
    ("best_of_n", f"{ALPHA}/iteration-1/validation.json", cut),
    ("preference", f"{ALPHA}/candidates.jsonl", cut),
    ("preference", f"{ALPHA}/verdicts.jsonl", cut),
    ("preference", f"{ALPHA}/pairs.jsonl", cut),
    ("preference", f"{ALPHA}/counts.json", garbage),
]


@pytest.fixture
def damaged(tmp_path, undisturbed):
    """Return a function that copies an undisturbed project, in its state before the gate, and damages one file."""

    def make(mode, file, damage):
        shutil.copytree(undisturbed(mode).project.project.parent, tmp_path / "faulty", symlinks=True)
        copy = FaultProject(tmp_path / "faulty")
        shutil.rmtree(copy.project / "adapters")
        if not file.endswith("result.json"):
            (copy.run / "alpha/result.json").unlink()
        path = min((tmp_path / "faulty").glob(file))
        path.write_bytes(damage(path.read_bytes()))
        return copy, path

    return make


@pytest.mark.parametrize(
    ("mode", "file", "damage"), REPAIRED, ids=lambda v: v.__name__ if callable(v) else v.rpartition("/")[2]
)
def test_the_next_run_repairs_a_damaged_file(damaged, undisturbed, mode, file, damage):
    copy, _ = damaged(mode, file, damage)
    assert copy.complete() == undisturbed(mode).outcome


def test_a_damaged_journal_of_rollouts_loses_only_lines(damaged, undisturbed):
    copy, path = damaged("on_policy", f"{ALPHA}/rollouts.jsonl", cut)
    shutil.rmtree(copy.run / "alpha/checkpoints/000004")
    after, before = copy.complete(), undisturbed("on_policy").outcome
    assert after._replace(texts=None) == before._replace(texts=None)
    lines = path.read_text().splitlines()
    assert [line for line in before.texts["alpha/rollouts.jsonl"].splitlines() if line in lines] == lines


@pytest.mark.parametrize(
    ("mode", "file", "message"),
    [
        ("kd", "project/runs/mine/config.json", "is damaged. Give the run another name with --run"),
        ("best_of_n", f"{ALPHA}/iteration-1/origin.json", "is damaged. Remove "),
        ("preference", f"{ALPHA}/origin.json", "is damaged. Remove "),
    ],
    ids=["config.json", "a round's origin.json", "origin.json"],
)
@pytest.mark.parametrize("damage", [cut, garbage])
def test_a_damaged_file_that_cannot_be_rebuilt_is_refused_by_name(damaged, mode, file, message, damage):
    copy, path = damaged(mode, file, damage)
    result = copy.run_here()
    assert result.exit_code == 1
    assert f"{path}: {message}" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    assert copy.versions() == []


def test_a_damaged_version_in_the_registry_is_published_again(tmp_path, undisturbed):
    shutil.copytree(undisturbed("kd").project.project.parent, tmp_path / "faulty", symlinks=True)
    copy = FaultProject(tmp_path / "faulty")
    path = copy.project / "adapters/alpha/1/adapters.safetensors"
    path.write_bytes(flipped(path.read_bytes()))
    (copy.run / "alpha/result.json").unlink()
    after = copy.complete()
    assert (after.digest, after.versions) == (undisturbed("kd").outcome.digest, [1, 2])


@pytest.mark.parametrize("damage", [empty, cut, garbage])
@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"])
def test_a_damaged_student_is_named_before_any_work(tmp_path, accel, file, damage):
    """An interrupted download leaves such a model."""
    own = write_student(tmp_path / "own")
    one = new_project(tmp_path / "faulty", own, "sft", accel)
    (own / file).write_bytes(damage((own / file).read_bytes()))
    result = one.run_here()
    assert result.exit_code == 1, result.stderr
    assert str(own) in result.stderr.splitlines()[-1]
    assert "internal error" not in result.stderr
    assert one.versions() == []
