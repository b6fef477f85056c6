"""What a bad disk or a torn write did to a file is mended by the next run, or refused by the file's name."""

import shutil

import pytest
from projects import write_student
from trial import Trial, new_trial

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
    """Return a damage after which the file can still be read: one digit or letter is another."""

    def changed(raw):
        place = raw.index(mark) + len(mark)
        return raw[:place] + (b"7" if raw[place : place + 1] != b"7" else b"8") + raw[place + 1 :]

    return changed


MENDED = [
    ("kd", "cache/completions/??/*.json", cut),
    ("kd", "cache/completions/??/*.json", changed_after(b'"text":"')),
    ("kd", "cache/targets/*/00000001.safetensors", empty),
    ("kd", "cache/targets/*/00000001.safetensors", flipped),
    pytest.param("kd", f"{ALPHA}/checkpoints/000004/adapter.safetensors", cut, marks=pytest.mark.promise),
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
def torn(tmp_path, calm):
    """Make a copy of an undisturbed project as a kill before the gate leaves it, with one file damaged."""

    def make(mode, file, damage):
        shutil.copytree(calm(mode).trial.project.parent, tmp_path / "torn", symlinks=True)
        copy = Trial(tmp_path / "torn")
        shutil.rmtree(copy.project / "adapters")
        if not file.endswith("result.json"):
            (copy.run / "alpha/result.json").unlink()
        path = min((tmp_path / "torn").glob(file))
        path.write_bytes(damage(path.read_bytes()))
        return copy, path

    return make


@pytest.mark.parametrize(
    ("mode", "file", "damage"), MENDED, ids=lambda v: v.__name__ if callable(v) else v.rpartition("/")[2]
)
def test_a_damaged_file_is_mended_by_the_next_run(torn, calm, mode, file, damage):
    copy, _ = torn(mode, file, damage)
    assert copy.whole() == calm(mode).outcome


def test_a_damaged_journal_of_rollouts_loses_lines_and_nothing_else(torn, calm):
    copy, path = torn("on_policy", f"{ALPHA}/rollouts.jsonl", cut)
    shutil.rmtree(copy.run / "alpha/checkpoints/000004")
    after, before = copy.whole(), calm("on_policy").outcome
    assert after._replace(texts=None) == before._replace(texts=None)
    lines = path.read_text().splitlines()
    assert [line for line in before.texts["alpha/rollouts.jsonl"].splitlines() if line in lines] == lines


@pytest.mark.parametrize(
    ("mode", "file", "say"),
    [
        ("kd", "project/runs/mine/config.json", "is damaged. Give the run another name with --run"),
        ("best_of_n", f"{ALPHA}/iteration-1/origin.json", "is damaged. Remove "),
        ("preference", f"{ALPHA}/origin.json", "is damaged. Remove "),
    ],
    ids=["config.json", "a round's origin.json", "origin.json"],
)
@pytest.mark.parametrize("damage", [cut, garbage])
def test_what_cannot_be_made_again_is_refused_by_name(torn, mode, file, say, damage):
    copy, path = torn(mode, file, damage)
    result = copy.again()
    assert result.exit_code == 1
    assert f"{path}: {say}" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    assert copy.versions() == []


def test_a_damaged_version_in_the_registry_is_made_again(tmp_path, calm):
    shutil.copytree(calm("kd").trial.project.parent, tmp_path / "torn", symlinks=True)
    copy = Trial(tmp_path / "torn")
    path = copy.project / "adapters/alpha/1/adapters.safetensors"
    path.write_bytes(flipped(path.read_bytes()))
    (copy.run / "alpha/result.json").unlink()
    after = copy.whole()
    assert (after.digest, after.versions) == (calm("kd").outcome.digest, [1, 2])


@pytest.mark.parametrize("damage", [empty, cut, garbage])
@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"])
def test_a_damaged_student_is_named_before_any_work(tmp_path, accel, file, damage):
    """Such as a download that was cut short left it."""
    own = write_student(tmp_path / "own")
    one = new_trial(tmp_path / "torn", own, "sft", accel)
    (own / file).write_bytes(damage((own / file).read_bytes()))
    result = one.again()
    assert result.exit_code == 1, result.stderr
    assert str(own) in result.stderr.splitlines()[-1]
    assert "internal error" not in result.stderr
    assert one.versions() == []
