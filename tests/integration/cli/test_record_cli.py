"""``conch record`` writes a recording that ``conch distill`` replays, and refuses wrong commands."""

import json

import pytest
from projects import here, write_project

from conch_dna.domains.discovery import check_own
from conch_dna.errors import DataError
from conch_dna.util.files import bundled_dir

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def project(tmp_path, student):
    return write_project(tmp_path / "project", student, "alpha")


def record(project, *args):
    return here(project, "record", "alpha", "--teacher", "echo", *args)


def test_a_recording_is_a_file_beside_the_prompts(project):
    result = record(project, "--require", "length=0")
    folder = project / "domains/alpha/recorded"
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"alpha: 30 of 30 answers kept in {folder / 'echo.jsonl'}; dropped: none\n"
    assert len((folder / "echo.jsonl").read_text().splitlines()) == 30
    assert json.loads((folder / "echo.card.json").read_text())["kept"] == 30


def test_answers_below_a_requirement_are_dropped_and_counted(project):
    card = json.loads(record(project, "--json", "--require", "diversity=0.96", "--require", "length=0").stdout)
    assert card["required"] == {"diversity": 0.96, "length": 0.0}
    assert card["kept"] + sum(card["dropped"].values()) == 30
    assert set(card["dropped"]) <= {"diversity below 0.96"}


def test_the_answers_come_from_the_cache_the_second_time(project, own_cache):
    assert record(project, "--require", "length=0").exit_code == 0
    stored = {path: path.stat().st_ino for path in (own_cache / "completions").rglob("*.json")}
    assert len(stored) == 30
    assert record(project, "--require", "length=0").exit_code == 0
    assert {path: path.stat().st_ino for path in (own_cache / "completions").rglob("*.json")} == stored


def test_choices_that_were_recorded_are_not_deleted_by_a_recording_of_text(project):
    assert record(project, "--require", "length=0").exit_code == 0
    soft = project / "domains/alpha/recorded/echo.soft.safetensors"
    soft.write_bytes(b"dear")
    for asked in ([], ["--top-log-probs", "4"]):  # echo returns none
        result = record(project, "--require", "length=0", *asked)
        assert (result.exit_code, "Record with --top-log-probs N" in result.stderr) == (1, True), result.stderr
    assert soft.read_bytes() == b"dear"


def test_a_recording_is_replayed_as_a_teacher(project):
    assert record(project, "--require", "length=0").exit_code == 0
    result = here(project, "distill", "alpha", "--teacher", "recorded:echo", "--json", "--steps", 6)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["results"][0]["train_prompts"] == 24


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["alfa", "--teacher", "echo"], 1, "no such domain; got alfa; allowed: action, alpha"),
        (["alpha", "--teacher", "nobody"], 1, "no teacher is named 'nobody'"),
        (["alpha", "--teacher", "mlx"], 1, "teacher mlx: needs a model. Write mlx:MODEL"),
        (["alpha", "--teacher", "llamacpp"], 1, "teacher llamacpp: needs a model"),
        (["alpha"], 2, "Missing option '--teacher'"),
        (["alpha", "--teacher", "echo", "--temperature", "9"], 2, "9.0 is not in the range 0<=x<=5"),
        (["alpha", "--teacher", "echo", "--seed", "-1"], 2, "-1 is not in the range x>=0"),
        (["alpha", "--teacher", "echo", "--require", "length=high"], 2, "not a requirement; got length=high"),
        (["alpha", "--teacher", "echo", "--require", "length=2"], 2, "allowed: SCORER=NUMBER, from 0 to 1"),
        (["alpha", "--teacher", "echo", "--require", "length=nan"], 2, "not a requirement; got length=nan"),
        (["alpha", "--teacher", "echo", "--require", "charm=1"], 1, "no scorer is named 'charm'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_is_wrong_is_told_and_nothing_is_written(project, args, code, message):
    result = here(project, "record", *args)
    assert (result.exit_code, message in result.stderr) == (code, True), result.stderr
    assert not (project / "domains/alpha/recorded").exists()


def test_nothing_is_recorded_or_grown_in_the_installed_package(project, own_cache):
    before = {path: path.stat().st_mtime_ns for path in bundled_dir("domains").rglob("*")}
    for words in (["record", "action"], ["domains", "grow", "action", "--n", "1"]):
        result = here(project, *words, "--teacher", "echo")
        assert (result.exit_code, "is outside the project" in result.stderr) == (1, True), result.stderr
        assert "Extend it by a domain of the project" in result.stderr
    assert {path: path.stat().st_mtime_ns for path in bundled_dir("domains").rglob("*")} == before
    assert not (own_cache / "completions").exists()


def test_an_environment_inside_the_project_is_not_the_project(tmp_path):
    check_own(tmp_path / "domains/mine", tmp_path)
    with pytest.raises(DataError, match="is outside the project"):
        check_own(tmp_path / ".venv/lib/python3.11/site-packages/conch_dna/bundled/domains/action", tmp_path)
