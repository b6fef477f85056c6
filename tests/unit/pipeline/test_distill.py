"""A distillation trains each domain with what its teacher gives, and names the plug-in of a fault."""

import json

import pytest
from distillations import distill_all, name_of, prepare, works
from ending_student import write_ending_student
from projects import swap_letters, write_domain, write_student
from structlog.testing import capture_logs
from tiers import thin

from conch_dna.data.splits import split
from conch_dna.domains.domain import load_domain
from conch_dna.errors import RegistryError
from conch_dna.plugin.catalog import Owner
from conch_dna.records import Completion, Sampling, StepReport, to_json_line

pytestmark = pytest.mark.integration  # whole distillations


@pytest.fixture
def distillation(tmp_path, student, monkeypatch):
    """Make a distillation over the domains alpha and beta."""
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    return works(tmp_path, student, "alpha", "beta")


def steps_of(distillation, domain="alpha"):
    lines = (distillation.run.path / domain / "metrics.jsonl").read_text().splitlines()
    return [StepReport.model_validate_json(line) for line in lines]


@pytest.mark.promise
def test_domains_share_one_base_and_each_gets_its_neuron(distillation):
    one = distillation()
    summary = distill_all(one, ["alpha", "beta"])
    assert [(r.domain, r.state, r.version) for r in summary.results] == [
        ("alpha", "published", 1),
        ("beta", "published", 1),
    ]
    assert one.registry.names() == ["alpha", "beta"]
    digests = {one.registry.resolve(name).card.digest for name in ("alpha", "beta")}
    assert len(digests) == 2
    assert {one.registry.resolve(name).card.base_digest for name in ("alpha", "beta")} == {one.base.digest}


@pytest.mark.full
def test_the_same_settings_and_data_give_the_same_neuron_in_another_run(distillation):
    first = distill_all(distillation("one"), ["alpha"]).results[0]
    again = distill_all(distillation("two"), ["alpha"]).results[0]
    assert (again.digest, again.version) == (first.digest, 1)
    other = distill_all(distillation("three", seed=1), ["alpha"]).results[0]
    assert other.digest != first.digest


def test_a_gate_that_raises_is_named_and_the_other_domains_are_distilled(distillation):
    one = distillation(gate="moody")

    def moody(given):
        if given.domain.name == "alpha":
            raise KeyError("mood")
        return [*one.host.catalog.get("gates", "held_out")(given)]

    one.host.catalog.add("gates", "moody", moody, Owner("feelings", "feelings.py"))
    alpha, beta = distill_all(one, ["alpha", "beta"]).results
    assert (alpha.state, beta.state) == ("failed", "published")
    assert "feelings.py: plug-in 'feelings' failed" in alpha.error
    assert "KeyError: 'mood'" in alpha.error


def test_a_loss_that_raises_fails_its_domain_and_leaves_the_base_clean(distillation):
    one = distillation(teacher="mlx", loss="sore")
    one.host.catalog.add("losses", "sore", lambda *_, **__: 1 / 0, Owner("feelings", "feelings.py"))
    (alpha,) = distill_all(one, ["alpha"]).results
    assert alpha.state == "failed"
    assert "feelings.py: plug-in 'feelings' failed in hook register_losses, sore: ZeroDivisionError" in alpha.error
    assert not any(type(m).__name__.startswith("LoRA") for _, m in one.base.model.named_modules())


def test_keys_that_the_base_lacks_are_refused_before_the_teacher_is_asked(distillation):
    one = distillation(keys=("nose",))
    with capture_logs() as logs:
        (alpha,) = distill_all(one, ["alpha"]).results
    assert "these keys; got nose" in alpha.error
    assert "teacher_answered" not in [line["event"] for line in logs]


def test_soft_targets_are_used_if_the_teacher_has_the_students_tokenizer(distillation, tmp_path):
    one = distillation(teacher="mlx")
    distill_all(one, ["alpha"])
    assert all(report.kd is not None for report in steps_of(one))


@pytest.mark.parametrize("kind", thin(["bytes", "p_kl", "gold", "uld", "off"]))
def test_a_teacher_with_another_tokenizer_is_compared_as_the_settings_say(distillation, tmp_path, kind):
    folder = swap_letters(write_student(tmp_path / "other"))
    one = distillation(teacher=f"mlx:{folder}", cross_tokenizer=kind)
    (alpha,) = distill_all(one, ["alpha"]).results
    assert alpha.error is None
    assert alpha.recipes == (("sft",) if kind == "off" else ("kd",))
    assert all((report.kd is None) == (kind == "off") for report in steps_of(one))
    # A divergence compares models only if its targets are in the student's tokens.
    assert (alpha.verdict.candidate.divergence is None) == (kind != "bytes")


@pytest.mark.parametrize("kind", ["truncate", "project"])
def test_a_loss_by_id_is_refused_between_tokenizers_that_disagree(distillation, tmp_path, kind):
    folder = swap_letters(write_student(tmp_path / "other"))
    (alpha,) = distill_all(distillation(teacher=f"mlx:{folder}", cross_tokenizer=kind), ["alpha"]).results
    assert alpha.state == "failed"
    assert "disagree on ids" in alpha.error


def test_another_teacher_changes_the_neuron(distillation):
    own = distill_all(distillation("own", teacher="mlx"), ["alpha"]).results[0]
    echo = distill_all(distillation("echo"), ["alpha"]).results[0]
    assert own.digest != echo.digest


def test_the_do_no_harm_measure_takes_held_out_prompts_of_the_other_domains(distillation):
    one = distillation()
    (alpha,) = distill_all(one, ["alpha"]).results
    assert alpha.verdict.base.others_bits_per_byte > 0
    assert [check.name for check in alpha.verdict.checks] == ["quality", "fit", "harm"]
    alone = distillation("alone")
    del alone.domains["beta"]
    (again,) = distill_all(alone, ["alpha"]).results
    assert again.verdict.base.others_bits_per_byte is None


def test_a_run_that_another_process_holds_is_refused(distillation):
    one = distillation()
    with one.run.lock(), pytest.raises(RegistryError, match="another process is working on this run"):
        distill_all(one, ["alpha"])


def test_the_default_name_of_a_run_depends_on_settings_and_data(distillation, tmp_path):
    one = distillation()
    name = name_of(one)
    assert name.startswith("quick-")
    assert name_of(one, ["beta", "alpha"]) == name
    assert name_of(distillation(seed=1)) != name
    assert name_of(distillation(rollout_tokens=7)) != name, "a recipe's settings are settings"
    write_domain(tmp_path / "domains/beta", 31)
    assert name_of(distillation()) != name


def test_new_scorer_weights_are_judged_without_a_new_training(distillation, tmp_path):
    first = distillation()
    before = distill_all(first, ["alpha"]).results[0]
    steps = steps_of(first)
    file = tmp_path / "domains/alpha/domain.toml"
    text = file.read_text(encoding="utf-8")
    assert "[scorers]" in text
    file.write_text(text.replace("[scorers]", "[length]\nmax = 7\n[scorers]"), encoding="utf-8")
    again = distillation()
    again.domains["alpha"] = load_domain(file.parent)
    after = distill_all(again, ["alpha"]).results[0]
    assert after.domain_digest != before.domain_digest
    assert after.digest == before.digest
    assert steps_of(again) == steps


def test_an_unchanged_domain_is_skipped_without_loading_the_base(distillation, monkeypatch):
    before = distill_all(distillation(), ["alpha"]).results[0]
    monkeypatch.setattr("conch_dna.pipeline.distill.load", lambda *_: pytest.fail("the base was loaded"))
    assert distill_all(distillation(), ["alpha"]).results[0] == before


def kinds(distillation, domain="alpha"):
    return [report.recipe for report in steps_of(distillation, domain)]


def test_auto_chooses_by_the_teachers_capabilities(distillation):
    for teacher, recipe in (("echo", "sft"), ("mlx", "kd")):
        one = distillation(teacher, teacher=teacher)
        assert distill_all(one, ["alpha"]).results[0].recipes == (recipe,)
        assert kinds(one) == [recipe] * 3


def test_a_recipe_that_the_teacher_cannot_serve_fails_its_domain(distillation):
    (alpha,) = distill_all(distillation(mode="kd"), ["alpha"]).results
    assert alpha.state == "failed"
    assert "recipe kd needs a teacher that gives soft targets; got teacher echo: text" in alpha.error


def test_several_recipes_leave_a_folder_each_and_one_neuron(distillation):
    one = distillation(teacher="mlx", mode="kd,on_policy", rollout_tokens=4)
    (alpha,) = distill_all(one, ["alpha"]).results
    assert (alpha.error, alpha.recipes, alpha.steps) == (None, ("kd", "on_policy"), 6)
    folders = sorted(p.name for p in (one.run.path / "alpha").iterdir() if p.is_dir())
    assert folders == ["1-kd", "2-on_policy"]
    assert alpha.verdict.candidate.divergence is not None
    again = distillation(teacher="mlx", mode="kd,on_policy", rollout_tokens=4)
    assert distill_all(again, ["alpha"]).results[0] == alpha


def test_on_policy_alone_asks_the_teacher_for_held_out_answers_only(distillation):
    asked = []

    class Counting:
        def __init__(self, request):
            self.teacher = one.host.catalog.get("teachers", "mlx")(request)
            self.fingerprint, self.capabilities = self.teacher.fingerprint, self.teacher.capabilities
            self.score, self.close = self.teacher.score, self.teacher.close

        def generate(self, prompts, sampling):
            asked.extend(p.digest for p in prompts)
            return self.teacher.generate(prompts, sampling)

    one = distillation(teacher="counting", mode="on_policy", rollout_tokens=4)
    one.host.catalog.add("teachers", "counting", Counting, Owner("counting", "counting.py"))
    (alpha,) = distill_all(one, ["alpha"]).results
    assert alpha.error is None
    assert set(asked) == {p.digest for p in split(one.domains["alpha"].prompts, 0.25).held_out}
    assert kinds(one) == ["on_policy"] * 3


def test_on_policy_learns_from_a_model_with_another_tokenizer(distillation, tmp_path):
    other = swap_letters(write_student(tmp_path / "other"))
    one = distillation(teacher=f"mlx:{other}", mode="on_policy", rollout_tokens=6, batch_size=6)
    (alpha,) = distill_all(one, ["alpha"]).results
    assert alpha.error is None
    assert kinds(one) == ["on_policy"] * 3
    rows = [json.loads(line) for line in (one.run.path / "alpha" / "rollouts.jsonl").read_text().splitlines()]
    assert {row["step"] for row in rows} == {1, 2, 3}
    assert all(0 < row["tokens"] <= 6 for row in rows)
    assert all(step.kd is not None and step.kd > 0 for step in steps_of(one))


def test_best_of_n_without_a_teacher_is_judged_by_quality(distillation, tmp_path):
    settings = {"candidates": 4, "iterations": 1, "candidate_temperature": 1.0, "learning_rate": 1e-4}
    settings["student"] = str(write_ending_student(tmp_path / "ending"))
    one = distillation(mode="best_of_n", **settings)
    summary = distill_all(one, ["alpha"])
    (alpha,) = summary.results
    assert alpha.error is None
    assert (alpha.recipes, alpha.teacher_fingerprint, summary.teacher) == (("best_of_n",), "none", "none")
    assert [check.name for check in alpha.verdict.checks] == ["quality", "diversity", "harm"]
    assert alpha.verdict.candidate.bits_per_byte is None
    assert "must rise without a teacher" in alpha.verdict.checks[0].reason
    held_out = {p.digest for p in split(one.domains["alpha"].prompts, 0.25).held_out}
    rows = [json.loads(line) for line in (one.run.path / "alpha/iteration-1/candidates.jsonl").read_text().splitlines()]
    validation = json.loads((one.run.path / "alpha/base/validation.json").read_text())["answers"].keys()
    drawn = {row["prompt"] for row in rows}
    assert not held_out & drawn
    assert not held_out & validation
    assert not validation & drawn
    assert len(held_out | validation | drawn) == 30
    auto = distillation("auto", teacher="none", **settings)
    assert distill_all(auto, ["alpha"]).results[0].recipes == ("best_of_n",)


class Ranking:
    """Answers nothing, and prefers the longer of two answers."""

    fingerprint, capabilities = "ranking:1", frozenset({"prefer"})

    def __init__(self, request):
        self.closed = 0

    def prefer(self, prompts, firsts, seconds):
        return [int(len(second) > len(first)) for first, second in zip(firsts, seconds, strict=True)]

    def close(self):
        self.closed += 1


def test_a_teacher_that_only_ranks_trains_by_preference_and_is_judged_by_quality(distillation, tmp_path):
    one = distillation(student=str(write_ending_student(tmp_path / "ending")), teacher="ranking", learning_rate=1e-3)
    one.host.catalog.add("teachers", "ranking", Ranking, Owner("ranking", "ranking.py"))
    (alpha,) = distill_all(one, ["alpha"]).results
    assert alpha.error is None
    assert (alpha.recipes, alpha.teacher_fingerprint) == (("preference",), "ranking:1")
    assert [check.name for check in alpha.verdict.checks] == ["quality", "diversity", "harm"]
    assert alpha.verdict.candidate.bits_per_byte is None
    assert (alpha.kd_loss, alpha.steps) == (None, 3)
    assert alpha.combined_loss < 1
    held_out = {p.digest for p in split(one.domains["alpha"].prompts, 0.25).held_out}
    lines = (one.run.path / "alpha/pairs.jsonl").read_text().splitlines()
    pairs = [json.loads(line) for line in lines]
    assert all(len(pair["preferred"]) >= len(pair["other"]) for pair in pairs)
    assert not held_out & {pair["prompt"] for pair in pairs}
    assert {step.agreement is not None and step.margin is not None for step in steps_of(one)} == {True}


def test_prompts_set_apart_are_the_same_each_time_and_neither_trained_on_nor_held_out(distillation, monkeypatch):
    one = distillation(keep_best=1, validation=0.3, max_length=4096)
    domain = one.domains["alpha"]
    parts = split(domain.prompts, 0.25)
    found = [prepare(one, domain, one.teacher(domain), parts, recipes) for recipes in (["sft"], ["sft", "best_of_n"])]
    (training_set, held_out), (again, _) = found
    apart = {p.digest for p in training_set.validation.prompts}
    assert 0 < len(apart) < len(parts.train)
    assert apart <= {p.digest for p in parts.train}
    assert len(training_set.examples) == len(parts.train) - len(apart)
    assert apart == {p.digest for p in again.validation.prompts}
    assert not apart & {p.digest for p in again.prompts}
    plain, same = prepare(distillation(max_length=4096), domain, one.teacher(domain), parts, ["sft"])
    assert plain.validation is None
    assert len(plain.examples) == len(parts.train)
    assert [p.digest for p in held_out.prompts] == [p.digest for p in same.prompts]


@pytest.mark.parametrize("written", ["{}", "{}/", "{}/../model"])
def test_the_base_is_its_own_teacher_however_its_path_is_written(distillation, student, written):
    one = distillation(teacher=f"mlx:{written.format(student)}")
    teacher = one.teacher(one.domains["alpha"])
    assert teacher.loaded is one.base
    assert (teacher.folder, teacher.capabilities) == (None, {"text", "top_k"})


def test_a_route_gives_a_domain_its_teacher(distillation):
    one = distillation()
    one.routes = {"beta": "mlx"}
    summary = distill_all(one, ["alpha", "beta"])
    alpha, beta = summary.results
    assert (alpha.recipes, beta.recipes, summary.teacher) == (("sft",), ("kd",), "echo; mlx")
    assert beta.teacher_fingerprint.startswith("mlx:")
    assert one.registry.resolve("alpha").card.teacher == "echo"


def test_routes_are_part_of_a_runs_name(distillation):
    one, routed = distillation(), distillation()
    routed.routes = {"beta": "mlx"}
    assert name_of(routed) != name_of(one)


def test_a_recording_is_part_of_a_runs_name(distillation, tmp_path):
    one = distillation(teacher="recorded")
    domain = one.domains["alpha"]
    file = domain.folder / "recorded/mine.jsonl"
    file.parent.mkdir()
    live = {"alpha": distillation(teacher="echo").teacher(domain)}
    names = [name_of(one, ["alpha"], live)]
    for answer in ("one", "two", "two"):
        given = [Completion(prompt=p.digest, text=answer, teacher="t", sampling=Sampling()) for p in domain.prompts]
        file.write_text("".join(map(to_json_line, given)))
        names.append(name_of(one, ["alpha"]))
    assert len(set(names)) == 3
    assert names[2] == names[3]
    assert name_of(one, ["alpha"], live) == names[0], "a live teacher has no recording"
    file.write_text("{\n")
    assert name_of(one, ["alpha"]) == names[0], "the domain of a damaged recording fails later"


def test_an_example_over_the_token_budget_is_reported_before_training(distillation):
    (alpha,) = distill_all(distillation(token_budget=16), ["alpha"]).results
    assert "does not fit into a forward pass" in alpha.error
