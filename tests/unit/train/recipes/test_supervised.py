"""Each recipe trains on what it is named for; several in a row go on from each other and can be stopped anywhere."""

import json
from dataclasses import replace

import mlx.core as mx
import numpy as np
import pytest
from projects import prompts_of, write_domain, write_student
from tiers import thin

from conch_dna.config import DistillConfig
from conch_dna.data.tokens import encode_chat
from conch_dna.domains.domain import load_domain
from conch_dna.errors import CheckpointError, PluginError
from conch_dna.models.load import load
from conch_dna.plugin.catalog import Owner
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Prompt
from conch_dna.teachers.references import make_teacher
from conch_dna.train.recipes.supervised import RecipeContext, distilling, kd, on_policy, run_recipes, sft
from conch_dna.train.recipes.training_set import TrainingSet
from conch_dna.util.progress import Progress

IDENTITY = {"base": "b", "teacher": "t", "data": "d", "settings": {}}


class Stop(Exception):
    """Ends a lesson the way a kill would."""


@pytest.fixture
def student(tmp_path, monkeypatch):
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    return write_student(tmp_path / "student")


@pytest.fixture
def lesson(student, host, tmp_path):
    """Make a lesson of a fresh model: the teacher is the base itself, with the domain's context."""

    def make(folder, on_step=lambda _: None, **settings):
        base = load(str(student))
        domain = load_domain(tmp_path / "d" if (tmp_path / "d").exists() else write_domain(tmp_path / "d"))
        config = DistillConfig(
            student=str(student), steps=3, batch_size=2, checkpoint_every=2, rank=2, rollout_tokens=6, warmup=0,
            learning_rate=0.01, temperature=1.0, alpha=0.6, max_length=4096, **settings,
        )  # fmt: skip
        teacher = make_teacher(host, "mlx", domain, str(student), lambda: base)
        prompts = [Prompt.model_validate(row) for row in prompts_of(4)]
        turns = [[*(m.as_dict() for m in p.messages), {"role": "assistant", "content": "at noon"}] for p in prompts]
        examples = [encode_chat(base.tokenizer, t) for t in turns]
        targets = teacher.score(prompts, [e.answer_ids for e in examples], 8)
        material = TrainingSet("d", examples, targets, prompts)
        return RecipeContext(
            base, config, host, domain, material, teacher, IDENTITY, tmp_path / folder, Progress(), on_step
        )

    return make


def plain(reports):
    return [r.model_dump(exclude={"seconds", "peak_memory"}) for r in reports]


def test_sft_looks_at_the_text_alone_and_kd_at_the_targets_too(lesson):
    text = run_recipes(["sft"], lesson("sft")).reports
    soft = run_recipes(["kd"], lesson("kd")).reports
    assert all(r.kd is None and r.loss == pytest.approx(r.ce) for r in text)
    assert all(r.loss == pytest.approx(0.6 * r.kd + 0.4 * r.ce, rel=1e-5) for r in soft)
    assert {r.recipe for r in text} == {"sft"}
    assert all(r.entropy > 0 and r.kd_max >= r.kd and 0 <= r.agreement <= 1 for r in soft)


def test_on_policy_trains_on_what_the_student_says_by_the_divergence_alone(lesson):
    one = lesson("rollouts")
    reports = run_recipes(["on_policy"], one).reports
    assert all(r.loss == pytest.approx(r.kd, rel=1e-5) and r.alpha == 1 for r in reports)
    rows = [json.loads(line) for line in (one.folder / "rollouts.jsonl").read_text().splitlines()]
    assert {row["prompt"] for row in rows} <= {p.digest for p in one.material.prompts}
    assert sum(row["tokens"] for row in rows) == sum(r.tokens for r in reports)


def test_on_policy_needs_no_text_at_all(lesson):
    one = lesson("rollouts")
    bare = replace(one, material=TrainingSet("d", prompts=one.material.prompts))
    assert plain(run_recipes(["on_policy"], bare).reports) == plain(run_recipes(["on_policy"], lesson("same")).reports)


@pytest.mark.parametrize(("recipe", "soft"), [("sft", False), ("kd", True), ("on_policy", True)])
def test_what_is_validated_is_what_the_recipe_learns_from(lesson, recipe, soft):
    """Also where training is on rollouts alone, and has no soft targets of its own."""
    one = lesson("x", keep_best=1)
    apart = one.material
    targets = None if recipe == "on_policy" else apart.targets
    texts = () if recipe == "on_policy" else apart.examples
    material = TrainingSet("d", texts, targets, apart.prompts, validation=apart)
    stage = {"sft": sft, "kd": kd, "on_policy": on_policy}[recipe](replace(one, material=material))
    assert len(stage.validation) == 2
    assert [batch.targets is not None for batch in stage.validation] == [soft] * 2
    report = run_recipes([recipe], replace(one, material=material)).reports[-1]
    assert report.validation > 0


def test_recipes_in_a_row_go_on_from_each_other(lesson, tmp_path):
    first = run_recipes(["kd"], lesson("alone"))
    learnt = run_recipes(["kd", "on_policy"], lesson("row"))
    assert learnt.adapter == tmp_path / "row/2-on_policy/adapter"
    assert [(r.recipe, r.step) for r in learnt.reports] == [(n, s) for n in ("kd", "on_policy") for s in (1, 2, 3)]
    assert plain(learnt.reports[:3]) == plain(first.reports)
    text = run_recipes(["kd", "sft"], lesson("text")).reports
    assert text[3].ce < 0.95 * text[0].ce, "the same batch: the second one starts where the first one ended"
    assert text[3].learning_rate == text[0].learning_rate


@pytest.mark.parametrize("recipe", thin(["kd", "on_policy"], "on_policy"))
@pytest.mark.parametrize("fault", thin([Stop, KeyboardInterrupt]), ids=["killed", "ctrl-c"])
def test_a_row_that_is_stopped_comes_to_the_very_same(lesson, tmp_path, recipe, fault):
    expected = run_recipes(["kd", "on_policy"], lesson("calm", rollout_steps=2))

    def stop(report):
        if (report.recipe, report.step) == (recipe, 3):
            raise fault

    with pytest.raises(fault):
        run_recipes(["kd", "on_policy"], lesson("torn", stop, rollout_steps=2))
    again = run_recipes(["kd", "on_policy"], lesson("torn", rollout_steps=2))
    assert plain(again.reports) == plain(expected.reports)
    assert (again.adapter / "adapters.safetensors").read_bytes() == (
        expected.adapter / "adapters.safetensors"
    ).read_bytes()
    for name in ("metrics.jsonl", "rollouts.jsonl"):
        files = [tmp_path / run / "2-on_policy" / name for run in ("calm", "torn")]
        rows = [[json.loads(line) for line in file.read_text().splitlines()] for file in files]
        assert [r["step"] for r in rows[0]] == [r["step"] for r in rows[1]]


def test_a_start_that_is_another_is_refused(lesson, tmp_path):
    run_recipes(["kd", "sft"], lesson("row"))
    run_recipes(["sft"], replace(lesson("alone"), start=tmp_path / "row/1-kd/adapter"))
    with pytest.raises(CheckpointError, match="was made with start = "):
        run_recipes(["sft"], replace(lesson("alone"), start=tmp_path / "row/2-sft/adapter"))


def test_an_adapter_that_was_changed_is_made_again_from_its_checkpoint(lesson, tmp_path):
    run_recipes(["kd", "sft"], lesson("row"))
    first, second = (tmp_path / f"row/{name}/adapter/adapters.safetensors" for name in ("1-kd", "2-sft"))
    before = first.read_bytes()
    first.write_bytes(second.read_bytes())
    run_recipes(["kd", "sft"], lesson("row"))
    assert first.read_bytes() == before


@pytest.mark.parametrize("value", [mx.sum, mx.exp, lambda _: None], ids=["mean", "matrix", "nothing"])
def test_a_loss_that_is_not_one_value_a_position_is_the_plug_ins_fault(lesson, value):
    host = load_plugins()
    host.catalog.add("losses", "odd", lambda student, _teacher, **_: value(student), Owner("mine", "mine.py"))
    with pytest.raises(PluginError, match=r"mine\.py.* instead of \(\d+,\), one value a position"):
        run_recipes(["kd"], replace(lesson("run", loss="odd"), host=host))


def test_alpha_and_beta_move_in_a_line_from_step_to_step(lesson):
    objective = distilling(lesson("x", alpha_end=0.0, beta_end=0.9))
    found = [(objective(step).alpha, objective(step).beta) for step in range(3)]
    assert np.allclose(found, [(0.6, 0.5), (0.3, 0.7), (0.0, 0.9)])
    reports = run_recipes(["kd"], lesson("y", alpha_end=0.0, loss="jsd", beta_end=0.9)).reports
    assert [(r.alpha, r.beta) for r in reports] == [pytest.approx(pair) for pair in found]
    assert reports[-1].loss == pytest.approx(reports[-1].ce)
