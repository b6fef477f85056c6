"""Each recipe trains on its own data; recipes in a row start from each other and can be stopped anywhere."""

import json
from dataclasses import replace

import mlx.core as mx
import numpy as np
import pytest
from projects import prompts_of, write_domain, write_student
from recipe_runs import run_named
from settings import config_of
from tiers import thin

from conch_dna.config import RecipeSettings
from conch_dna.data.tokens import encode_chat
from conch_dna.domains.domain import load_domain
from conch_dna.errors import CheckpointError, PluginError
from conch_dna.models.load import load
from conch_dna.plugin.catalog import Owner
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Prompt
from conch_dna.teachers.references import make_teacher
from conch_dna.train.distillation import distillation_objective
from conch_dna.train.recipes.base import RecipeContext
from conch_dna.train.stage import train_stage
from conch_dna.train.training_set import TrainingSet
from conch_dna.util.progress import Progress

IDENTITY = {"base": "b", "teacher": "t", "data": "d", "settings": {}}


class Stop(BaseException):  # not an Exception: error handlers must not see it
    """Ends training as a kill would."""


@pytest.fixture
def student(tmp_path, monkeypatch):
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    return write_student(tmp_path / "student")


@pytest.fixture
def context_of(student, host, tmp_path):
    """Make a recipe context with a fresh model; its teacher is the base with the domain's context."""

    def make(folder, on_step=lambda _: None, **settings):
        base = load(str(student))
        domain = load_domain(tmp_path / "d" if (tmp_path / "d").exists() else write_domain(tmp_path / "d"))
        config = config_of(
            student=str(student), steps=3, batch_size=2, checkpoint_every=2, rank=2, rollout_tokens=6, warmup=0,
            learning_rate=0.01, temperature=1.0, alpha=0.6, max_length=4096, **settings,
        )  # fmt: skip
        teacher = make_teacher(host, "mlx", domain, str(student), lambda: base)
        prompts = [Prompt.model_validate(row) for row in prompts_of(4)]
        turns = [[*(m.as_dict() for m in p.messages), {"role": "assistant", "content": "at noon"}] for p in prompts]
        examples = [encode_chat(base.tokenizer, t) for t in turns]
        targets = teacher.score(prompts, [e.answer_ids for e in examples], 8)
        training_set = TrainingSet("d", examples, targets, prompts)
        return RecipeContext(
            base,
            config,
            RecipeSettings(),
            host,
            domain,
            training_set,
            teacher,
            IDENTITY,
            tmp_path / folder,
            Progress(),
            on_step,
        )

    return make


def untimed(reports):
    return [r.model_dump(exclude={"seconds", "peak_memory"}) for r in reports]


def test_sft_trains_on_the_text_and_kd_also_on_the_soft_targets(context_of):
    text = run_named(["sft"], context_of("sft")).reports
    soft = run_named(["kd"], context_of("kd")).reports
    assert all(r.kd is None and r.loss == pytest.approx(r.ce) for r in text)
    assert all(r.loss == pytest.approx(0.6 * r.kd + 0.4 * r.ce, rel=1e-5) for r in soft)
    assert {r.recipe for r in text} == {"sft"}
    assert all(r.entropy > 0 and r.kd_max >= r.kd and 0 <= r.agreement <= 1 for r in soft)


def test_on_policy_trains_on_rollouts_by_the_divergence_alone(context_of):
    one = context_of("rollouts")
    reports = run_named(["on_policy"], one).reports
    assert all(r.loss == pytest.approx(r.kd, rel=1e-5) and r.alpha == 1 for r in reports)
    rows = [json.loads(line) for line in (one.folder / "rollouts.jsonl").read_text().splitlines()]
    assert {row["prompt"] for row in rows} <= {p.digest for p in one.training_set.prompts}
    assert sum(row["tokens"] for row in rows) == sum(r.tokens for r in reports)


@pytest.mark.full
def test_on_policy_needs_no_text(context_of):
    one = context_of("rollouts")
    bare = replace(one, training_set=TrainingSet("d", prompts=one.training_set.prompts))
    assert untimed(run_named(["on_policy"], bare).reports) == untimed(
        run_named(["on_policy"], context_of("same")).reports
    )


@pytest.mark.parametrize(("recipe", "soft"), [("sft", False), ("kd", True), ("on_policy", True)])
def test_validation_has_soft_targets_if_the_recipe_trains_on_them(context_of, recipe, soft, monkeypatch):
    """This holds for on_policy too, whose training set has no soft targets."""
    one = context_of("x", keep_best=1)
    apart = one.training_set
    targets = None if recipe == "on_policy" else apart.targets
    texts = () if recipe == "on_policy" else apart.examples
    training_set = TrainingSet("d", texts, targets, apart.prompts, validation=apart)
    stages = []
    monkeypatch.setattr(
        "conch_dna.train.recipes.base.train_stage", lambda *args: stages.append(args[2]) or train_stage(*args)
    )
    report = run_named([recipe], replace(one, training_set=training_set)).reports[-1]
    (stage,) = stages
    assert len(stage.validation) == 2
    assert [batch.targets is not None for batch in stage.validation] == [soft] * 2
    assert report.validation > 0


@pytest.mark.full
def test_recipes_in_a_row_start_from_each_other(context_of, tmp_path):
    first = run_named(["kd"], context_of("alone"))
    result = run_named(["kd", "on_policy"], context_of("row"))
    assert result.adapter == tmp_path / "row/2-on_policy/adapter"
    assert [(r.recipe, r.step) for r in result.reports] == [(n, s) for n in ("kd", "on_policy") for s in (1, 2, 3)]
    assert untimed(result.reports[:3]) == untimed(first.reports)
    text = run_named(["kd", "sft"], context_of("text")).reports
    assert text[3].ce < 0.95 * text[0].ce, "the same batch, from the weights of the first recipe"
    assert text[3].learning_rate == text[0].learning_rate


@pytest.mark.full
@pytest.mark.parametrize("recipe", thin(["kd", "on_policy"], "on_policy"))
@pytest.mark.parametrize("fault", thin([Stop, KeyboardInterrupt]), ids=["killed", "ctrl-c"])
def test_a_stopped_row_of_recipes_resumes_to_the_same_result(context_of, tmp_path, recipe, fault):
    expected = run_named(["kd", "on_policy"], context_of("whole", rollout_steps=2))

    def stop(report):
        if (report.recipe, report.step) == (recipe, 3):
            raise fault

    with pytest.raises(fault):
        run_named(["kd", "on_policy"], context_of("stopped", stop, rollout_steps=2))
    again = run_named(["kd", "on_policy"], context_of("stopped", rollout_steps=2))
    assert untimed(again.reports) == untimed(expected.reports)
    assert (again.adapter / "adapters.safetensors").read_bytes() == (
        expected.adapter / "adapters.safetensors"
    ).read_bytes()
    for name in ("metrics.jsonl", "rollouts.jsonl"):
        files = [tmp_path / run / "2-on_policy" / name for run in ("whole", "stopped")]
        rows = [[json.loads(line) for line in file.read_text().splitlines()] for file in files]
        assert [r["step"] for r in rows[0]] == [r["step"] for r in rows[1]]


@pytest.mark.full
def test_another_start_adapter_is_refused(context_of, tmp_path):
    run_named(["kd", "sft"], context_of("row"))
    run_named(["sft"], replace(context_of("alone"), start=tmp_path / "row/1-kd/adapter"))
    with pytest.raises(CheckpointError, match="was made with start = "):
        run_named(["sft"], replace(context_of("alone"), start=tmp_path / "row/2-sft/adapter"))


def test_a_changed_adapter_is_saved_again_from_its_checkpoint(context_of, tmp_path):
    run_named(["kd", "sft"], context_of("row"))
    first, second = (tmp_path / f"row/{name}/adapter/adapters.safetensors" for name in ("1-kd", "2-sft"))
    before = first.read_bytes()
    first.write_bytes(second.read_bytes())
    run_named(["kd", "sft"], context_of("row"))
    assert first.read_bytes() == before


@pytest.mark.parametrize("value", [mx.sum, mx.exp, lambda _: None], ids=["mean", "matrix", "nothing"])
def test_a_loss_of_the_wrong_shape_names_its_plug_in(context_of, value):
    host = load_plugins()
    host.catalog.add("losses", "odd", lambda student, _teacher, **_: value(student), Owner("mine", "mine.py"))
    with pytest.raises(PluginError, match=r"mine\.py.* expected \(\d+,\), one value per position"):
        run_named(["kd"], replace(context_of("run", loss="odd"), host=host))


def test_alpha_changes_linearly_and_beta_is_constant(context_of):
    objective = distillation_objective(context_of("x", alpha_end=0.0))
    found = [(objective(step).alpha, objective(step).beta) for step in range(3)]
    assert np.allclose(found, [(0.6, 0.5), (0.3, 0.5), (0.0, 0.5)])
    reports = run_named(["kd"], context_of("y", alpha_end=0.0, loss="jsd")).reports
    assert [(r.alpha, r.beta) for r in reports] == [pytest.approx(pair) for pair in found]
    assert reports[-1].loss == pytest.approx(reports[-1].ce)
