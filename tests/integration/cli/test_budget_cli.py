"""``conch budget show`` reports spending; ``conch estimate`` and the plan estimate it without a request."""

import json

import pytest
from projects import here, write_project

from conch_dna.teachers.answer_cache import CompletionCache
from conch_dna.teachers.api.ledger import FILE, Ledger
from conch_dna.teachers.api.money import NANO
from conch_dna.teachers.api.prices import Usage

pytestmark = pytest.mark.usefixtures("own_cache")
TEACHER = "openai:gpt-4o-mini"


@pytest.fixture
def project(tmp_path, student, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)  # an estimate needs no key
    return write_project(tmp_path / "project", student, "alpha")


def add(project, text):
    with (project / "conch.toml").open("a") as file:
        file.write(text)


def spend(project, note=TEACHER):
    ledger = Ledger(project / "runs" / FILE)
    ledger.settle(ledger.reserve("p", NANO, note), NANO // 4, Usage(input=100, cached_input=20, output=7))
    ledger.release(ledger.reserve("q", NANO, note))
    ledger.reserve("r", NANO // 2, note)


def estimate(project, *words):
    return here(project, "estimate", *words)


def test_a_project_without_calls_has_spent_nothing_and_gets_no_files(project):
    shown = here(project, "budget", "show")
    assert shown.stdout == "$0.00 spent; no budget is set (budget under [api] in conch.toml, or --budget)\n"
    assert not (project / "runs").exists()


def test_what_was_spent_is_shown_by_model_with_what_is_left(project):
    add(project, "[api]\nbudget = 5\n")
    spend(project)
    assert here(project, "budget", "show").stdout.splitlines() == [
        f"{TEACHER}: 1 calls, $0.25",
        "  120 input tokens (20 from the prompt cache), 7 output tokens",
        "  1 calls without a known end, at most $0.50",
        "  1 calls refused or not sent, at no cost",
        "$0.25 of $5.00 spent, and at most $0.50 in calls without a known end; $4.25 left",
    ]


def test_programs_read_exact_amounts(project):
    spend(project)
    figures = json.loads(here(project, "budget", "show", "--json").stdout)
    assert (figures["budget"], figures["remaining"], figures["spent"]) == (None, None, "0.250000000")
    assert figures["models"][0]["usage"] == {"input": 100, "output": 7, "cached_input": 20, "cache_write": 0}
    add(project, "[api]\nbudget = 1\n")
    assert json.loads(here(project, "budget", "show", "--json").stdout)["remaining"] == "0.250000000"


def test_a_damaged_ledger_is_named_with_its_line(project):
    spend(project)
    file = project / "runs" / FILE
    file.write_bytes(b"x" + file.read_bytes())
    shown = here(project, "budget", "show")
    assert shown.exit_code == 1
    assert f"{file}, line 1: the ledger is damaged" in shown.stderr


def test_an_estimate_needs_neither_key_nor_network_and_leaves_no_ledger(project):
    shown = estimate(project, "alpha", "--teacher", TEACHER, "--json")
    assert shown.exit_code == 0, shown.stderr
    figures = json.loads(shown.stdout)
    (teacher,) = figures["teachers"]
    (row,) = teacher["domains"]
    assert (row["model"], row["prompts"], row["calls"], row["cached"]) == (TEACHER, 30, 30, 0)
    assert row["output_high"] == 360
    assert 0 < float(teacher["low"]) < float(teacher["high"]) < 0.01
    assert figures["list_prices_checked"].startswith("20")
    assert not (project / "runs").exists()


def test_several_teachers_are_compared_and_the_budget_is_compared_with_each(project):
    spend(project)
    words = ("--teacher", TEACHER, "--teacher", "anthropic:claude-opus-4-1", "--budget", "0.77")
    lines = estimate(project, "alpha", *words).stdout.splitlines()
    assert any(line.startswith(f"{TEACHER}: $0.0") and line.endswith("which is enough") for line in lines)
    assert any(line.startswith("anthropic:claude-opus-4-1: $0.0") and "may be enough" in line for line in lines)
    figures = json.loads(estimate(project, "alpha", *words, "--json").stdout)
    for end in ("low", "high"):
        assert float(figures[end]) == pytest.approx(sum(float(one[end]) for one in figures["teachers"]))
    together = [line for line in lines if line.startswith("all together: $0.0")]
    assert len(together) == 1
    assert "may be enough" in together[0]
    lines = estimate(project, "alpha", *words[:-1], "0.7501").stdout.splitlines()
    assert any("is not enough" in line for line in lines)


def test_all_domains_are_estimated_by_default(project):
    (teacher,) = json.loads(estimate(project, "--teacher", TEACHER, "--json").stdout)["teachers"]
    names = [row["domain"] for row in teacher["domains"]]
    assert {"alpha", "thinking", "memory"} <= set(names)
    assert len(names) == len(set(names)) >= 7


def test_the_teacher_of_the_project_is_estimated_by_default(project):
    (project / "conch.toml").write_text(f'[distill]\nteacher = "{TEACHER}"\n')
    (teacher,) = json.loads(estimate(project, "alpha", "--json").stdout)["teachers"]
    assert teacher["teacher"] == TEACHER
    (project / "conch.toml").write_text("[distill]\n")
    refused = estimate(project, "alpha")
    assert refused.exit_code == 2
    assert "no teacher is named. Add --teacher NAME:MODEL, or set teacher under [distill]" in refused.stderr


def test_a_teacher_on_this_machine_costs_nothing(project):
    shown = estimate(project, "alpha", "--teacher", "echo")
    assert shown.stdout.startswith("echo: runs on this machine or makes no calls; it costs nothing\n")


def test_an_endpoint_on_this_machine_is_free_unless_a_price_is_stated(project):
    words = ("alpha", "--teacher", "openai:mine", "--base-url", "http://127.0.0.1:1/v1")
    assert "openai:mine: free: endpoint on this machine\n" in estimate(project, *words).stdout
    add(project, '[prices."openai:mine"]\ninput = 1\noutput = 1\n')
    assert "openai:mine: $0.0" in estimate(project, *words).stdout
    assert "free" not in estimate(project, "alpha", "--teacher", TEACHER, *words[3:]).stdout


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--teacher", "openai:mine"), '[prices."openai:mine"], input = 0.15'),
        (("beta", "--teacher", TEACHER), "no such domain; got beta"),
        (("--teacher", TEACHER, "--budget", "much"), "--budget: not an amount of USD; got much"),
        (("--teacher", TEACHER, "--teacher", "anthropic:x", "--base-url", "http://x"), "goes with one teacher"),
        (("--teacher", "nobody:x"), "nobody"),
    ],
    ids=["unknown model", "unknown domain", "no amount", "whose URL", "unknown teacher"],
)
def test_a_wrong_command_is_refused_in_one_line(project, words, fault):
    shown = estimate(project, *words)
    assert shown.exit_code in {1, 2}
    assert fault in shown.stderr
    assert "Traceback" not in shown.stderr


def test_the_plan_of_a_run_has_its_cost(project, own_cache):
    words = ("distill", "alpha", "--teacher", TEACHER, "--mode", "sft", "--dry-run")
    shown = here(project, *words)
    assert shown.exit_code == 0, shown.stderr
    assert f"    cost    {TEACHER}: 30 calls, 0 cached, $0.000" in shown.stdout
    (plan,) = json.loads(here(project, *words, "--json").stdout)["domains"]
    assert plan["cost"][0]["calls"] == 30
    assert plan["cost"][0]["high"].startswith("0.00")
    assert not (project / "runs").exists()
    assert not list(CompletionCache(own_cache / "completions").root.rglob("*.json"))


def test_the_plan_counts_the_verdicts_of_the_training_prompts(project, own_cache):
    words = ("distill", "alpha", "--teacher", TEACHER, "--mode", "preference", "--candidates", "3", "--dry-run")
    assert f"; {TEACHER}, verdicts: " in here(project, *words).stdout
    (plan,) = json.loads(here(project, *words, "--json").stdout)["domains"]
    answers, verdicts = plan["cost"]
    assert (answers["asked"], answers["calls"]) == ("answers", 30)
    assert (verdicts["asked"], verdicts["prompts"], verdicts["calls"]) == ("verdicts", plan["train"], plan["train"] * 6)
    assert 0 < float(verdicts["low"]) < float(verdicts["high"])


def test_the_plan_of_a_run_without_an_api_has_no_cost(project):
    shown = here(project, "distill", "alpha", "--dry-run")
    assert "    cost" not in shown.stdout


def test_a_deleted_ledger_is_noticed_and_the_budget_reset_by_command(project):
    add(project, "[api]\nbudget = 5\n")
    spend(project)
    assert "the ledger is there" in here(project, "budget", "reset", "--yes").stderr
    (project / "runs" / FILE).unlink()
    refused = here(project, "budget", "show")
    assert (refused.exit_code, "$0.75 were spent or reserved" in refused.stderr) == (1, True)
    assert here(project, "budget", "reset", "--yes").stdout == "begins from nothing\n"
    assert here(project, "budget", "show").stdout == "$0.00 of $5.00 spent; $5.00 left\n"
