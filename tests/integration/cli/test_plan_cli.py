"""``conch distill --dry-run`` estimates tokens, memory and time; it loads and writes nothing."""

import json
import subprocess
import sys
from types import MappingProxyType

import pytest
from projects import START, environment, here, write_domain, write_project
from settings import config_of
from tiny import write_tiny_model

from conch_dna.cli.plan import show_plan
from conch_dna.config import DistillConfig
from conch_dna.data.splits import split
from conch_dna.data.tokens import encode_answer, encode_chat
from conch_dna.domains.domain import load_domain
from conch_dna.domains.extract import AnswerExtractor
from conch_dna.errors import ConfigError, DataError
from conch_dna.models.load import load
from conch_dna.pipeline.plan import DomainPlan, check_plan, make_plan, measured_speed
from conch_dna.pipeline.project import Project
from conch_dna.pipeline.recipe_choice import RecipeChoice
from conch_dna.pipeline.setup import Setup
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Completion, Sampling, StepReport, to_json_line
from conch_dna.teachers.references import references, teacher_of
from conch_dna.train.memory_estimate import Drawn, preflight
from conch_dna.util.progress import Progress

pytestmark = pytest.mark.usefixtures("own_cache")
REASON = "the teacher gives text alone"
ANSWER = "the amber word, and then on and on"


@pytest.fixture
def project(tmp_path, student):
    return write_project(tmp_path / "project", student, "alpha")


@pytest.fixture
def recorded(project):
    """Record answers to all prompts of alpha: one is cut off, one is too long, one is missing."""
    domain = load_domain(project / "domains/alpha")
    train = split(domain.prompts, 0.25).train
    lines = []
    for prompt in domain.prompts:
        text = "word " * 600 if prompt == train[1] else ANSWER
        reason = "length" if prompt == train[0] else "stop"
        answer = Completion(prompt=prompt.digest, text=text, finish_reason=reason, teacher="t", sampling=Sampling())
        if prompt != train[2]:
            lines.append(to_json_line(answer))
    folder = project / "domains/alpha/recorded"
    folder.mkdir()
    (folder / "one.jsonl").write_text("".join(lines))
    return train[3:]


def plan_of(project, student, *recipes, routes=MappingProxyType({}), **settings):
    """Return the plan of alpha for some recipes, by default sft."""
    config = config_of(student=str(student), held_out=0.25, **settings)
    opened = Project(project, load_plugins(strict=True, block=[]))
    host, domain = opened.host, load_domain(project / "domains/alpha")
    teacher = teacher_of(host, references(config, domain, routes), domain, str(student))
    chosen = tuple(host.catalog.get("recipes", name) for name in recipes or ("sft",))
    setup = Setup(
        opened, config, {"alpha": domain}, {"alpha": domain}, routes, opened.api_context(config.teacher),
        {"alpha": teacher}, {"alpha": RecipeChoice(chosen, REASON)}, {"alpha": AnswerExtractor(host, domain)},
    )  # fmt: skip
    (plan,) = make_plan(setup, Progress())
    return plan


def test_recorded_answers_are_counted_exactly(project, student, recorded):
    plan = plan_of(project, student, teacher="recorded")
    tokenizer = load(str(student)).tokenizer
    examples = [
        encode_chat(tokenizer, [*(m.as_dict() for m in p.messages), {"role": "assistant", "content": ANSWER}])
        for p in recorded
    ]
    assert plan.answered == len(examples) == plan.train - 3
    assert plan.tokens == sum(len(e.ids) for e in examples)
    assert plan.trained_tokens == sum(sum(e.trained) for e in examples)
    assert plan.longest == max(len(e.ids) for e in examples)


def test_only_the_final_answers_of_a_recording_with_thoughts_are_counted(project, student, recorded):
    whole = plan_of(project, student, teacher="recorded")
    with (project / "domains/alpha/domain.toml").open("a") as file:
        file.write('[extract]\nkind = "regex"\npattern = "amber \\\\w+"\n')
    plan = plan_of(project, student, teacher="recorded")
    assert plan.answered == whole.answered == len(recorded), "one was cut off, and one has no amber"
    tokenizer = load(str(student)).tokenizer
    assert plan.trained_tokens == sum(len(encode_answer(tokenizer, p, "amber word").answer_ids) for p in recorded)
    file = project / "domains/alpha/recorded/one.jsonl"
    file.write_text(file.read_text().replace('"extracted": null', '"extracted": "another"'))
    assert (
        "the recorded answers were extracted by another extractor"
        in plan_of(project, student, teacher="recorded").fault
    )


def test_the_maximum_is_estimated_for_a_live_teacher(project, student):
    plan = plan_of(project, student, teacher="echo")
    assert plan.answered is None
    assert plan.trained_tokens == 12 * plan.train, "max_tokens of the domain each"
    assert plan.longest == plan_of(project, student, teacher="echo", max_length=4096).longest
    assert plan_of(project, student, teacher="echo", max_length=20).longest == 20
    rollouts = plan_of(project, student, "kd", "on_policy", teacher="echo", on_policy={"rollout_tokens": 90})
    assert rollouts.longest == plan.longest + 90 - 12


def test_memory_is_that_of_the_preflight_and_a_refusal_is_reported(project, student, recorded):
    plan = plan_of(project, student, teacher="recorded")
    config = DistillConfig(student=str(student))
    assert plan.memory["total"] == preflight(student, config, plan.longest).total
    assert plan.refused is None
    small = plan_of(project, student, teacher="recorded", max_memory=plan.memory["total"] / 1e9 * 0.8)
    assert "training would not fit into memory" in small.refused
    assert "This fits: --batch-size" in small.refused
    narrow = plan_of(project, student, teacher="recorded", token_budget=32)
    assert narrow.refused.startswith("token_budget: the longest example does not fit into a forward pass; got 32")
    ranked = plan_of(project, student, "preference", teacher="recorded")
    drawn = Drawn(64, 12)
    assert ranked.memory["total"] == preflight(student, config, plan.longest, together=2, drawn=drawn).total
    assert ranked.memory["total"] > plan.memory["total"]


def test_every_teacher_that_stays_loaded_is_counted(project, student, tmp_path):
    """Two models that answer one domain are both loaded while the student trains on its own answers."""
    other = write_tiny_model(tmp_path / "other", seed=1)
    routes = {"source:test": f"mlx:{other}"}
    alone = plan_of(project, student, "on_policy", teacher=f"mlx:{other}").memory["second_model"]
    assert alone > 0
    assert plan_of(project, student, "on_policy", routes=routes, teacher=f"mlx:{other}").memory["second_model"] == alone
    assert plan_of(project, student, "on_policy", routes=routes, teacher="mlx").memory["second_model"] == alone
    assert plan_of(project, student, teacher=f"mlx:{other}").memory["second_model"] == 0


def write_metrics(project, student, run, folder, *reports, cut=""):
    path = project / "runs" / run
    (path / folder).mkdir(parents=True)
    (path / "config.json").write_text(json.dumps({"config": {"student": str(student)}, "domains": ["alpha"]}))
    lines = [
        to_json_line(
            StepReport(step=1, loss=1, ce=1, learning_rate=1, grad_norm=1, tokens=tokens, seconds=seconds,
                       peak_memory=1)
        )
        for tokens, seconds in reports
    ]  # fmt: skip
    (path / folder / "metrics.jsonl").write_text("".join(lines) + cut)


def test_time_is_estimated_from_earlier_runs_of_the_same_student(project, student, recorded):
    assert plan_of(project, student, teacher="recorded").seconds is None
    write_metrics(project, "another", "other", "alpha", (1000, 1.0))
    assert measured_speed(project / "runs", str(student)) is None, "the speed of another student does not count"
    write_metrics(project, student, "one", "alpha", (100, 2.0), (300, 2.0), cut='{"step": 3, "lo')
    write_metrics(project, student, "two", "beta/1-kd", (100, 4.0))
    write_metrics(project, student, "three", "beta/2-best_of_n/iteration-1", (100, 4.0))
    assert measured_speed(project / "runs", str(student)) == pytest.approx(600 / 12)
    plan = plan_of(project, student, teacher="recorded", steps=10, batch_size=3, accumulation=2)
    assert plan.seconds == pytest.approx(60 * plan.trained_tokens / plan.answered / 50)
    twice = plan_of(project, student, "sft", "kd", teacher="recorded", steps=10)
    assert twice.seconds == pytest.approx(2 * 40 * plan.trained_tokens / plan.answered / 50)
    rounds = {"best_of_n": {"iterations": 5}}
    many = plan_of(project, student, "sft", "best_of_n", teacher="recorded", steps=10, **rounds)
    assert many.seconds == pytest.approx(3 * twice.seconds), "one stage and five rounds"
    pairs = plan_of(project, student, "preference", teacher="recorded", steps=10)
    assert pairs.seconds == pytest.approx(twice.seconds), "two answers each"


def test_the_plan_is_printed_as_text_and_as_json(project, student, recorded, capsys):
    plan = plan_of(project, student, teacher="recorded")
    config = config_of(student=str(student))
    show_plan(config, [plan], as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert shown["config"] == config.flat()
    assert [DomainPlan.model_validate(row) for row in shown["domains"]] == [plan]
    show_plan(config, [plan.model_copy(update={"refused": "no room", "seconds": 300.0})], as_json=False)
    words = capsys.readouterr().out
    for text in ("alpha: ", "sft: the teacher gives text alone", f"tokens  {plan.tokens}, ", "GB estimated", "5 min",
                 "refused no room"):  # fmt: skip
        assert text in words
    show_plan(config, [plan], as_json=False)
    assert "time    unknown: no earlier run of this student" in capsys.readouterr().out


def test_the_steps_that_fit_into_minutes_are_estimated_from_earlier_runs(project, student, recorded, capsys):
    unknown = plan_of(project, student, teacher="recorded", minutes=90)
    assert (unknown.steps, unknown.examples, unknown.seconds) == (0, 0, 5400)
    write_metrics(project, student, "one", "alpha", (100, 50.0))
    known = plan_of(project, student, teacher="recorded", minutes=90)
    step = 4 * known.trained_tokens / known.answered / 2
    assert (known.steps, known.examples) == (int(5400 / step), 4 * known.steps)
    assert known.seconds == pytest.approx(5400, abs=step)
    rounds = plan_of(project, student, "sft", "preference", teacher="recorded", minutes=90)
    assert rounds.steps == int(5400 / (3 * step)), "a preference step has two answers"
    show_plan(config_of(student=str(student), minutes=90), [unknown, known], as_json=False)
    words = capsys.readouterr().out
    assert "as many steps of 4 as fit into 90 minutes\n" in words
    assert f"about {known.steps} steps of 4, in 90 minutes\n" in words
    assert words.count("time    90 min") == 2


def test_no_weights_are_loaded(project):
    """A separate process never calls the function that loads them."""
    guard = (
        "import mlx_lm.utils, conch_dna.models.load as l\n"
        "def never(*a, **k): raise SystemExit('loaded')\n"
        "mlx_lm.utils.load = mlx_lm.utils.load_model = l.load = never\n"
    )
    command = [sys.executable, "-c", guard + START, "--project", str(project), "distill", "alpha", "--dry-run"]
    done = subprocess.run(command, env=environment(), cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "GB estimated" in done.stdout
    assert not (project / "runs").exists()
    assert here(project, "distill", "alpha", "--dry-run", "--json").exit_code == 0


class TestFaults:
    """Refused settings stop the run; faulty files fail their domain only."""

    @pytest.fixture
    def damaged(self, project, recorded):
        """Damage the recording of alpha, and record answers to beta."""
        beta = load_domain(write_domain(project / "domains/beta"))
        for domain in ("alpha", "beta"):
            (project / "domains" / domain / "recorded").mkdir(exist_ok=True)
        given = [Completion(prompt=p.digest, text="at noon", teacher="t", sampling=Sampling()) for p in beta.prompts]
        (project / "domains/beta/recorded/one.jsonl").write_text("".join(map(to_json_line, given)))
        file = project / "domains/alpha/recorded/one.jsonl"
        file.write_text(file.read_text()[:-9])
        return project

    def test_a_dry_run_reports_a_damaged_recording_and_the_plans_of_the_others(self, damaged):
        command = ("distill", "alpha", "beta", "--teacher", "recorded", "--dry-run")
        shown = here(damaged, *command)
        assert shown.exit_code == 0, shown.stderr
        file = damaged / "domains/alpha/recorded/one.jsonl"
        assert f"alpha: faulty files: {file}: not a recording" in shown.stdout
        assert "beta: 2" in shown.stdout
        alpha, beta = json.loads(here(damaged, *command, "--json").stdout)["domains"]
        assert "not a recording" in alpha["fault"]
        assert (beta["fault"], beta["recipes"]) == (None, ["sft"])

    def test_a_damaged_recording_fails_its_domain_and_the_others_are_trained(self, damaged):
        result = here(damaged, "distill", "alpha", "beta", "--teacher", "recorded", "--steps", 2, "--json",
                      "--min-fit-gain", 0)  # fmt: skip
        assert result.exit_code == 1
        alpha, beta = json.loads(result.stdout)["results"]
        assert (alpha["state"], beta["state"]) == ("failed", "published")
        assert "not a recording" in alpha["error"]
        assert f"some domains failed: alpha: {alpha['error']}" in result.stderr

    def test_a_single_damaged_domain_is_reported_before_any_work(self, damaged):
        result = here(damaged, "distill", "alpha", "--teacher", "recorded")
        assert result.exit_code == 1
        assert result.stderr.startswith(f"error: {damaged / 'domains/alpha/recorded/one.jsonl'}: not a recording")
        assert not (damaged / "runs").exists()

    def test_settings_that_do_not_suit_one_domain_are_refused_for_all(self, project):
        write_domain(project / "domains/beta", max_tokens=800)
        result = here(project, "distill", "alpha", "beta", "--token-budget", "512", "--max-length", "4096")
        assert result.exit_code == 2
        assert "error: domain beta: token_budget: the longest example does not fit" in result.stderr
        assert "domain alpha" not in result.stderr
        assert not (project / "runs").exists()

    def test_every_reason_is_reported(self):
        plans = [DomainPlan(domain=name) for name in "abc"]
        check_plan(plans)
        check_plan([plans[0], DomainPlan(domain="d", fault="x")])
        with pytest.raises(DataError, match=r"^x; y$"):
            check_plan([DomainPlan(domain="d", fault="x"), DomainPlan(domain="e", fault="y")])
        with pytest.raises(ConfigError, match=r"^domain d: x; domain e: y$"):
            check_plan([*plans, DomainPlan(domain="d", refused="x"), DomainPlan(domain="e", refused="y")])
