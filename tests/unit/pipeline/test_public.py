"""``conch_dna.distill``, ``plan`` and ``record`` do in a project what the commands do, and return frozen records."""

import json
from dataclasses import FrozenInstanceError

import pytest
from projects import here, write_project, write_prompts
from pydantic import ValidationError

import conch_dna
from conch_dna.domains.recordings import RecordingCard
from conch_dna.errors import ConfigError, DataError, UnknownName
from conch_dna.records import Summary
from conch_dna.registry.store import Registry

pytestmark = pytest.mark.integration  # whole distillations

SETTINGS = {"steps": 2, "min_fit_gain": 0.0}


@pytest.fixture
def project(tmp_path, student, monkeypatch):
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    for name in ("CONCH_STRICT", "CONCH_BLOCK"):
        monkeypatch.delenv(name, raising=False)
    return write_project(tmp_path / "project", student, "alpha", "beta")


def test_distill_publishes_the_neuron_that_the_command_publishes(project, tmp_path, student):
    summary = conch_dna.distill("alpha", project=project, **SETTINGS)
    (result,) = summary.results
    assert (result.domain, result.state, result.version, result.steps) == ("alpha", "published", 1, 2)
    assert Summary.model_validate_json((project / "runs" / summary.run / "summary.json").read_text()) == summary
    other = write_project(tmp_path / "other", student, "alpha", "beta")
    shown = here(other, "distill", "alpha", "--steps", 2, "--min-fit-gain", 0, "--json")
    by_command = Summary.model_validate_json(shown.stdout)
    assert (by_command.run, by_command.results[0].digest) == (summary.run, result.digest)
    assert Registry(project / "adapters").resolve("alpha").card.digest == result.digest


def test_distill_resumes_and_skips_what_is_done(project, monkeypatch):
    first = conch_dna.distill("alpha", project=project, run="mine", **SETTINGS)
    monkeypatch.setattr("conch_dna.pipeline.distill.load", lambda *_: pytest.fail("the base was loaded"))
    assert conch_dna.distill("alpha", project=project, run="mine", **SETTINGS).results == first.results


def test_a_summary_is_frozen(project):
    summary = conch_dna.distill("alpha", project=project, min_fit_gain=0.99, steps=2)
    with pytest.raises(ValidationError, match="frozen"):
        summary.run = "other"
    with pytest.raises(ValidationError, match="frozen"):
        summary.results[0].state = "published"


def test_a_failed_gate_or_domain_is_a_result(project):
    (failed,) = conch_dna.distill("alpha", project=project, min_fit_gain=0.99, steps=2).results
    assert (failed.state, failed.version, failed.verdict.passed) == ("gate_failed", None, False)
    (faulty,) = conch_dna.distill("alpha", project=project, keys=("nose",)).results
    assert faulty.state == "failed"
    assert "these keys; got nose" in faulty.error


def test_a_file_of_prompts_makes_a_domain(project, tmp_path):
    file = write_prompts(tmp_path / "mine.jsonl", 40)
    (plan,) = conch_dna.plan(prompts=str(file), name="mine", project=project)
    assert (plan.domain, plan.train + plan.held_out) == ("mine", 40)
    with pytest.raises(ConfigError, match="--prompts goes with --name"):
        conch_dna.plan(prompts=file, project=project)


def test_plan_returns_what_a_dry_run_prints_and_writes_nothing(project):
    plans = conch_dna.plan("alpha", "beta", project=project, mode="best_of_n", best_of_n={"iterations": 2})
    shown = here(project, "distill", "alpha", "beta", "--mode", "best_of_n", "--best-of-n.iterations", 2,
                 "--dry-run", "--json")  # fmt: skip
    assert [plan.model_dump(mode="json") for plan in plans] == json.loads(shown.stdout)["domains"]
    assert [plan.domain for plan in plans] == ["alpha", "beta"]
    assert not (project / "runs").exists()
    with pytest.raises(ValidationError, match="frozen"):
        plans[0].steps = 1


def test_plan_reports_settings_that_would_be_refused(project):
    (plan,) = conch_dna.plan("alpha", project=project, token_budget=16)
    assert plan.refused.startswith("token_budget: the longest example does not fit into a forward pass")
    with pytest.raises(ConfigError, match="domain alpha: token_budget: the longest example does not fit"):
        conch_dna.distill("alpha", project=project, token_budget=16)
    assert not (project / "runs").exists()


def test_record_keeps_the_answers_that_the_command_keeps(project, tmp_path, student):
    recorded = conch_dna.record("alpha", "echo", project=project, require={"length": 0.0})
    assert recorded.path == project / "domains/alpha/recorded/echo.jsonl"
    assert (recorded.card.teacher, recorded.card.prompts, recorded.card.kept) == ("echo", 30, 30)
    assert RecordingCard.model_validate_json(recorded.path.with_suffix(".card.json").read_text()) == recorded.card
    other = write_project(tmp_path / "other", student, "alpha")
    assert here(other, "record", "alpha", "--teacher", "echo", "--require", "length=0").exit_code == 0
    for name in ("echo.jsonl", "echo.card.json"):
        theirs, ours = (folder / "domains/alpha/recorded" / name for folder in (other, project))
        assert theirs.read_bytes() == ours.read_bytes()
    with pytest.raises((AttributeError, FrozenInstanceError)):
        recorded.path = tmp_path
    with pytest.raises(ValidationError, match="frozen"):
        recorded.card.kept = 1


def test_the_project_is_found_from_a_folder_inside_it(project, monkeypatch):
    monkeypatch.chdir(project / "domains")
    assert [plan.domain for plan in conch_dna.plan("alpha")] == ["alpha"]


@pytest.mark.parametrize(
    ("domains", "settings", "command", "error"),
    [
        (["alfa"], {}, [], UnknownName),
        ([], {}, [], ConfigError),
        (["alpha"], {"teacher": "eccho"}, ["--teacher", "eccho"], UnknownName),
        (["alpha"], {"mode": "sft,kdd"}, ["--mode", "sft,kdd"], UnknownName),
        (["alpha"], {"mode": "kd"}, ["--mode", "kd"], ConfigError),
        (["alpha"], {"run": "../x"}, ["--run", "../x"], ConfigError),
        (["alpha"], {"tracker": ("wandb",)}, ["--tracker", "wandb"], UnknownName),
    ],
    ids=["domain", "no domain", "teacher", "recipe", "needs of a recipe", "run", "tracker"],
)
def test_distill_raises_the_error_that_the_command_prints(project, domains, settings, command, error):
    with pytest.raises(error) as caught:
        conch_dna.distill(*domains, project=project, **settings)
    printed = here(project, "distill", *domains, *command)
    assert printed.exit_code == caught.value.exit_code
    assert printed.stderr.splitlines()[-1] == f"error: {caught.value}"
    assert not (project / "runs").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rank": 0}, "settings: rank = 0: should be greater than or equal to 1"),
        ({"rang": 4}, "settings: unknown setting 'rang'; did you mean rank?; allowed: preset, student, "),
        ({"on_polisy": {}}, "unknown setting 'on_polisy'; did you mean on_policy?"),
        ({"on_policy": {"rollouts": 4}}, "[distill.on_policy] unknown setting 'rollouts'; "),
        ({"on_policy": 4}, "[distill.on_policy] must be a table; got int"),
    ],
    ids=str,
)
@pytest.mark.parametrize("function", [conch_dna.distill, conch_dna.plan], ids=["distill", "plan"])
def test_a_wrong_setting_is_refused_before_any_work(project, function, settings, message):
    with pytest.raises(ConfigError) as caught:
        function("alpha", project=project, **settings)
    assert message in str(caught.value)
    assert not (project / "runs").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [("[distill]\nrank = 0\n", "rank = 0: should be"), ("seed = [", "not valid TOML"), ("[distil]\n", "unknown table")],
    ids=["setting", "syntax", "table"],
)
def test_a_faulty_project_is_refused_with_its_file(project, text, message):
    (project / "conch.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        conch_dna.distill("alpha", project=project)
    assert str(caught.value).startswith(f"{project / 'conch.toml'}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("domain", "teacher", "settings", "error", "message"),
    [
        ("alfa", "echo", {}, UnknownName, "no such domain; got alfa"),
        ("alpha", "eccho", {}, UnknownName, "no teacher is named 'eccho'"),
        ("alpha", "echo", {"require": {"charm": 0.5}}, UnknownName, "no scorer is named 'charm'"),
        ("alpha", "echo", {"require": {"length": 2}}, ConfigError, "require: not a requirement"),
        ("action", "echo", {}, DataError, "action"),
    ],
    ids=["domain", "teacher", "scorer", "requirement", "bundled domain"],
)
def test_record_refuses_wrong_names_and_foreign_domains(project, domain, teacher, settings, error, message):
    with pytest.raises(error) as caught:
        conch_dna.record(domain, teacher, project=project, **settings)
    assert message in str(caught.value)
