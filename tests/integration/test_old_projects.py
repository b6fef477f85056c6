"""A project that version 0.1 wrote is read, and its runs go on, as if nothing had changed.

tests/fixtures/v0_1 is that project, with what version 0.1 said of it and came to in ``expected.json``.
"""

import json
import shutil
import tomllib
from hashlib import sha256

import pytest
from old_project import FIXTURE, FOLDER, arithmetic, copy_old_project
from projects import here

EXPECTED = json.loads((FIXTURE / "expected.json").read_text())
RUNS = {run["run"]: run for run in EXPECTED["runs"]}
STOPPED = EXPECTED["finished"]
ASKED = "12 apples and 3"


@pytest.fixture
def old(tmp_path, accel, monkeypatch):
    """A copy of the project, seen from the folder that version 0.1 ran in."""
    copy_old_project(tmp_path)
    if accel.is_dir():
        (tmp_path / "cache/accel").symlink_to(accel)
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def conch(*words, expect=0):
    """Run ``conch`` on the project; return its stdout."""
    result = here("project", *words)
    assert result.exit_code == expect, result.output
    return result.stdout


def conch_json(*words, expect=0):
    return json.loads(conch(*words, "--json", expect=expect))


def expected(old, value):
    """Return what version 0.1 said, with the folder of the copy in its paths."""
    return json.loads(json.dumps(value).replace(FOLDER, str(old)))


def missing(said, before, where=""):
    """Name what version 0.1 said and what is now another value or not there; new fields are welcome."""
    if isinstance(said, dict) and isinstance(before, dict):
        return [line for key in before for line in missing(said.get(key), before[key], f"{where}.{key}")]
    if isinstance(said, list) and isinstance(before, list) and len(said) == len(before):
        return [
            line for i, pair in enumerate(zip(said, before, strict=True)) for line in missing(*pair, f"{where}[{i}]")
        ]
    return [] if said == before else [f"{where}: was {before!r}, now {said!r}"]


def without_settings(run):
    """Return a run as JSON without its settings, whose order and tables may change; see the test of resuming."""
    return {key: value for key, value in run.items() if key != "config"}


def files_of(folder):
    """Return the bytes of all files below a folder, without the locks."""
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def test_the_toy_student_is_the_base_of_the_old_neurons(old):
    """Digest as ``conch_dna.models.refs`` defines it, computed here from the files."""
    lines = [f"{f.name} {sha256(f.read_bytes()).hexdigest()}\n" for f in sorted((old / "student").glob("[cm]*"))]
    digest = f"sha256:{sha256(''.join(lines).encode()).hexdigest()}"
    assert {shown["card"]["base_digest"] for shown in EXPECTED["shown"].values()} == {digest}


def test_old_runs_are_listed_as_version_0_1_listed_them(old):
    said = {run["run"]: run for run in conch_json("runs", "list")}
    assert said.keys() == RUNS.keys()
    for name, run in RUNS.items():
        assert missing(said[name], without_settings(expected(old, run))) == []


@pytest.mark.parametrize("name", RUNS)
def test_an_old_run_is_shown_with_its_settings(old, name):
    said, before = conch_json("runs", "show", name), expected(old, RUNS[name])
    assert missing(said, without_settings(before)) == []
    assert said["config"]["student"] == "student"
    assert said["config"]["mode"] == before["config"]["mode"]
    assert name in conch("runs", "show", name)


def test_a_run_that_stopped_at_the_budget_says_so(old):
    (line,) = [line for line in conch("runs", "list").splitlines() if "at-budget" in line]
    assert "stopped at the budget" in line


def test_the_old_registry_is_listed_and_sound(old):
    assert missing(conch_json("neurons", "list"), expected(old, EXPECTED["neurons"])) == []
    assert conch_json("neurons", "verify") == []
    assert conch("neurons", "verify") == "all sound\n"


@pytest.mark.parametrize("ref", EXPECTED["shown"])
def test_an_old_neuron_is_shown_with_its_whole_card(old, ref):
    assert missing(conch_json("neurons", "show", ref), expected(old, EXPECTED["shown"][ref])) == []


@pytest.mark.parametrize("name", EXPECTED["history"])
def test_the_moves_of_old_aliases_are_known(old, name):
    assert missing(conch_json("neurons", "history", name), EXPECTED["history"][name]) == []


def test_the_lineage_of_an_old_neuron_is_known(old):
    assert missing(conch_json("neurons", "lineage", "alpha@2"), expected(old, EXPECTED["lineage"])) == []


@pytest.mark.parametrize("ref", EXPECTED["asked"])
def test_an_old_neuron_answers_as_it_did(old, ref):
    answers = {other: text for other, text in EXPECTED["asked"].items() if other != "alpha@stable"}  # it is alpha@1
    assert len(set(answers.values())) == len(answers)
    assert conch("ask", ref, ASKED, "--max-tokens", "12") == EXPECTED["asked"][ref]


def test_an_old_cache_is_counted_and_sound(old):
    assert missing(conch_json("cache", "stats")["teachers"], EXPECTED["cache"]["teachers"]) == []
    checked, count = conch_json("cache", "verify", expect=1), len(files_of(FIXTURE / "cache"))
    assert (checked["files"], checked["damaged"]) == (count, [])
    assert conch("cache", "trust") == f"{checked['foreign']} files are used from now on\n"
    assert conch_json("cache", "verify") == {"files": count, "damaged": [], "foreign": 0}


def test_an_old_ledger_is_read(old):
    assert missing(conch_json("budget", "show"), EXPECTED["budget"]) == []
    assert float(EXPECTED["budget"]["spent"]) > 0


def test_old_domains_are_sound(old):
    for name in ("alpha", "beta", "gamma", "delta"):
        conch("domains", "check", name)


@pytest.mark.parametrize(
    "words",
    [("alpha", "beta", "delta"), ("alpha", "--mode", "kd", "--start", "current", "--seed", "1"),
     ("beta", "--mode", "kd", "--run", "named")],
    ids=["several domains", "from a version", "named"],
)  # fmt: skip
def test_a_finished_run_is_found_again_and_not_repeated(old, words):
    """The command finds the run by its settings: the name of a run is a digest of them."""
    runs = {path.name for path in (old / "project/runs").iterdir() if path.is_dir()}
    neurons = files_of(old / "project/adapters")
    (name,) = [run for run in ("named", *_finished()) if _is_of(run, words)]
    results = {result["domain"]: result for result in RUNS[name]["results"]}
    summary = conch_json("distill", *words)
    assert summary["run"] == name
    for result in summary["results"]:
        assert missing(result, expected(old, results[result["domain"]])) == []
    assert {path.name for path in (old / "project/runs").iterdir() if path.is_dir()} == runs
    assert files_of(old / "project/adapters") == neurons


def _finished():
    return [name for name in RUNS if name.startswith("quick-")]


def _is_of(run, words):
    """Tell whether a run is that of a command of the test above."""
    config, named = RUNS[run]["config"], "--run" in words
    return (run == "named") == named and (named or (config["seed"] == 1) == ("--seed" in words))


@pytest.mark.parametrize("run", STOPPED)
def test_a_stopped_run_goes_on_to_what_version_0_1_came_to(old, run):
    about, folder = STOPPED[run], old / "project/runs" / run
    neurons, taken = files_of(old / "project/adapters"), _steps_in_checkpoints(folder)
    (result,) = conch_json("distill", *about["command"], "--run", run)["results"]
    assert (result["state"], result["version"], result["steps"]) == ("published", about["version"], about["steps"])
    # A step that were taken again would have other seconds.
    assert taken
    assert {path: _figures(path, "seconds")[: len(seconds)] for path, seconds in taken.items()} == taken
    losses = {str(path.relative_to(folder)): _figures(path, "loss") for path in folder.rglob("metrics.jsonl")}
    assert losses.keys() == about["losses"].keys()
    for file, values in about["losses"].items():
        assert losses[file] == pytest.approx(values, rel=1e-3)
    card = conch_json("neurons", "show", f"{about['domain']}@{about['version']}")["card"]
    if arithmetic() == EXPECTED["arithmetic"]:  # else the last bits are others on this machine
        assert losses == about["losses"]
        assert card["digest"] == about["digest"]
    now = files_of(old / "project/adapters")
    assert {path.name for path, content in neurons.items() if now[path] != content} <= {"aliases.json"}
    assert conch("runs", "list").count("interrupted") == sum(r["state"] == "interrupted" for r in RUNS.values()) - 1


def _figures(metrics, name):
    return [json.loads(line)[name] for line in metrics.read_text().splitlines()]


def _steps_in_checkpoints(folder):
    """Return, by file of metrics, the seconds of the steps that the newest checkpoint beside it holds."""
    found = {}
    for metrics in folder.rglob("metrics.jsonl"):
        steps = max(int(checkpoint.name) for checkpoint in metrics.with_name("checkpoints").iterdir())
        found[metrics] = _figures(metrics, "seconds")[:steps]
        assert len(found[metrics]) == steps
    return found


def test_a_stopped_run_refuses_other_settings(old):
    """Its flat settings are compared one by one, and the message names the one that differs."""
    result = here("project", "distill", "beta", "--mode", "on_policy", "--run", "stopped-on-policy",
                  "--rollout-tokens", "9")  # fmt: skip
    assert result.exit_code == 1
    assert "rollout_tokens = 8, now 9" in result.stderr


def test_a_new_version_goes_on_from_an_old_one(old):
    command = ("distill", "alpha", "--start", "stable", "--run", "new", "--seed", "2")
    (result,) = conch_json(*command)["results"]
    assert (result["state"], result["version"]) == ("published", 3)
    card = conch_json("neurons", "show", "alpha@3")["card"]
    assert card["start_digest"] == EXPECTED["shown"]["alpha@1"]["card"]["digest"]
    assert "alpha@1" in conch("neurons", "lineage", "alpha@3")
    moves = conch_json("neurons", "history", "alpha")
    assert missing(moves[: len(EXPECTED["history"]["alpha"])], EXPECTED["history"]["alpha"]) == []
    assert len(moves) == len(EXPECTED["history"]["alpha"]) + 1


def test_old_answers_and_targets_are_not_asked_for_again(old):
    """Without the teacher's weights a run can go on only from the cache, which has no seals before it is trusted."""
    conch("cache", "trust")
    before = files_of(old / "cache/completions") | files_of(old / "cache/targets")
    (result,) = conch_json("distill", "beta", "--mode", "kd", "--run", "again", "--seed", "3")["results"]
    assert result["state"] == "published"
    after = files_of(old / "cache/completions") | files_of(old / "cache/targets")
    of_base = {path for path in after.keys() - before.keys() if b'"teacher":"base:' in after[path]}
    assert {path: content for path, content in after.items() if path not in of_base} == before


def test_every_flat_setting_of_the_old_file_is_taken(old):
    """Today it may be in a table of its recipe, without what was a prefix of its flat name."""
    table = tomllib.loads((old / "project/conch.toml").read_text())["distill"]
    leaves = list(_leaves(conch_json("distill", "alpha", "--dry-run")["config"]))
    for name, value in table.items():
        assert any(name.endswith(leaf) and value == found for leaf, found in leaves), name


def _leaves(settings):
    """Yield name and value of every setting, those in tables too."""
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _leaves(value)
        else:
            yield name, value


def test_a_moved_old_project_finds_its_runs(old, tmp_path_factory, monkeypatch):
    """No file says where the project was; only a finished run notes the folder of what it published."""
    place = tmp_path_factory.mktemp("elsewhere") / "moved"
    shutil.move(old, place)
    monkeypatch.setenv("CONCH_CACHE", str(place / "cache"))
    monkeypatch.chdir(place)
    assert conch_json("distill", "beta", "--mode", "kd", "--run", "named")["run"] == "named"
