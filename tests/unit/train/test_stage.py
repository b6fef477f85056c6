"""A stage that is stopped, killed or damaged ends with the same bytes as an uninterrupted one."""

import itertools
import random
from dataclasses import replace

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest
from recipe_runs import adapter, metrics, train, untimed
from tiers import thin
from tiny import soft_targets, targets_of

from conch_dna.config import DistillConfig
from conch_dna.data.batches import step_examples
from conch_dna.data.tokens import encode_chat
from conch_dna.errors import BudgetReached, CheckpointError, TrainingError
from conch_dna.evaluation.fit import fits
from conch_dna.models.head import split
from conch_dna.records import StepReport
from conch_dna.train import loop, lora
from conch_dna.train.stage import exhausted
from conch_dna.train.training_set import TrainingSet

IDENTITY = {"base": "sha256:other", "teacher": "t2", "data": "d2", "settings": {"rank": 8, "steps": 6}}


class Stop(BaseException):  # not an Exception: error handlers must not see it
    """Ends training as a kill would: nothing may be saved on the way out."""


def stop_at(step, fault):
    def on_step(report):
        if report.step == step:
            raise fault("now")

    return on_step


@pytest.fixture(scope="module")
def results():
    return {}


@pytest.fixture
def uninterrupted(run_training, config, training_set, tmp_path, results):
    """Reports and adapter of an uninterrupted training, run once for all tests."""

    def take(config=config, training_set=training_set):
        key = config.model_dump_json() + training_set.digest
        if key not in results:
            reports = run_training("uninterrupted", config=config, training_set=training_set)
            assert [r.step for r in reports] == list(range(1, 7))
            assert metrics(tmp_path / "uninterrupted") == untimed(reports)
            results[key] = untimed(reports), adapter(tmp_path / "uninterrupted")
        return results[key]

    return take


@pytest.mark.parametrize("fault", [Stop, KeyboardInterrupt, BudgetReached], ids=["killed", "ctrl-c", "budget"])
@pytest.mark.parametrize("step", thin([1, 3, 4, 6], 3))
def test_a_resumed_stage_is_byte_for_byte_the_uninterrupted_one(run_training, uninterrupted, tmp_path, step, fault):
    expected = uninterrupted()
    with pytest.raises(fault):
        run_training("stopped", on_step=stop_at(step, fault))
    saved = step - step % 2 if fault is Stop else step
    names = sorted(p.name for p in (tmp_path / "stopped/checkpoints").glob("*"))
    assert names[-1:] == ([f"{saved:06d}"] if saved else [])
    reports = run_training("stopped")
    assert (untimed(reports), adapter(tmp_path / "stopped")) == expected
    assert metrics(tmp_path / "stopped") == expected[0]


@pytest.mark.parametrize(
    "change",
    thin([{"dropout": 0.0}, {"layers": 1}, {"accumulation": 1, "batch_size": 4}], {"layers": 1}),
    ids=["no dropout", "one layer", "one batch"],
)
def test_a_resume_is_exact_under_other_settings(run_training, uninterrupted, config, training_set, tmp_path, change):
    options = {"config": config.model_copy(update=change), "training_set": TrainingSet("debug", training_set.examples)}
    expected = uninterrupted(**options)
    assert expected[0][0]["kd"] is None
    with pytest.raises(Stop):
        run_training("stopped", on_step=stop_at(5, Stop), **options)
    reports = run_training("stopped", **options)
    assert (untimed(reports), adapter(tmp_path / "stopped")) == expected


@pytest.fixture
def with_validation(tiny_model, training_set):
    """The training set with two validation examples in letters of their own, on which the loss soon rises."""
    turns = [[{"role": "user", "content": text}, {"role": "assistant", "content": text}] for text in ("QRSU", "VWXY")]
    examples = [encode_chat(tiny_model.tokenizer, chat) for chat in turns]
    held = TrainingSet("debug", examples, soft_targets(examples, seed=6))
    return TrainingSet("debug", training_set.examples, training_set.targets, (), held)


@pytest.mark.full
@pytest.mark.parametrize(
    "change",
    thin(
        [{"ema": 0.7}, {"keep_best": 1}, {"patience": 1, "keep_best": 1, "ema": 0.5}, {"gradient_checkpointing": True}],
        {"patience": 1, "keep_best": 1, "ema": 0.5},
    ),
    ids=["average", "best", "all", "recomputed"],
)
@pytest.mark.parametrize("step", thin([3, 4]))
def test_a_resume_is_exact_with_average_and_validation(run_training, config, with_validation, tmp_path, change, step):
    options = {"config": config.model_copy(update=change), "training_set": with_validation}
    expected = untimed(run_training("uninterrupted", **options)), adapter(tmp_path / "uninterrupted")
    validates = options["config"].validates
    assert [r["validation"] is not None for r in expected[0]][:4] == [False, validates, False, validates]
    with pytest.raises(KeyboardInterrupt):
        run_training("stopped", on_step=stop_at(step, KeyboardInterrupt), **options)
    reports = run_training("stopped", **options)
    assert (untimed(reports), adapter(tmp_path / "stopped")) == expected


def saved(folder, name="adapter/adapters.safetensors"):
    return {key: np.array(value) for key, value in mx.load(str(folder / name)).items()}


def equal(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)


def test_the_best_validated_checkpoint_is_saved(run_training, config, with_validation, tmp_path):
    config = config.model_copy(update={"keep_best": 1, "keep_checkpoints": 1, "learning_rate": 0.05, "steps": 8})
    reports = run_training("best", config=config, training_set=with_validation)
    losses = {r.step: r.validation for r in reports if r.validation is not None}
    best = min(losses, key=lambda step: (losses[step], step))
    assert list(losses) == [2, 4, 6, 8]
    assert best != 8, "the test needs a rising validation loss"
    folder = tmp_path / "best"
    assert sorted(int(p.name) for p in (folder / "checkpoints").iterdir()) == [best, 8]
    assert equal(saved(folder), saved(folder, f"checkpoints/{best:06d}/adapters.safetensors"))


def test_patience_ends_a_stage_without_improvement_for_good(run_training, config, with_validation, tmp_path):
    config = config.model_copy(update={"patience": 1, "learning_rate": 0.05, "steps": 20})
    reports = run_training("patient", config=config, training_set=with_validation)
    losses = [r.validation for r in reports if r.validation is not None]
    assert len(reports) < 20
    assert losses[-1] >= min(losses[:-1])
    assert all(later < sooner for sooner, later in itertools.pairwise(losses[:-1]))
    before = adapter(tmp_path / "patient")
    taken = []
    assert run_training("patient", config=config, training_set=with_validation, on_step=taken.append) == reports
    assert taken == []
    assert adapter(tmp_path / "patient") == before


def test_a_validation_loss_that_is_not_finite_stops_the_stage(run_training, config, with_validation, tmp_path):
    held = with_validation.validation
    nan = [replace(one, log_probs=np.full_like(one.log_probs, np.nan)) for one in held.targets]
    broken = replace(with_validation, validation=replace(held, targets=nan))
    config = config.model_copy(update={"keep_best": 1})
    with pytest.raises(TrainingError, match="step 2: the validation loss is not finite; got nan"):
        run_training("broken", config=config, training_set=broken)
    assert not (tmp_path / "broken/adapter").exists()
    repaired, intact = (
        untimed(run_training(name, config=config, training_set=with_validation)) for name in ("broken", "sound")
    )
    assert repaired == intact


def test_patience_counts_validations_since_the_best_one():
    assert not exhausted({}, 1)
    assert not exhausted({2: 1.0, 4: 2.0}, 0)
    assert not exhausted({2: 1.0, 4: 2.0}, 2)
    assert exhausted({2: 1.0, 4: 2.0, 6: 1.0}, 2), "an equal loss is no improvement"
    assert not exhausted({2: 1.0, 4: 2.0, 6: 0.5, 8: 3.0}, 2)


@pytest.mark.full
def test_validation_does_not_change_training(run_training, config, training_set, with_validation, tmp_path):
    run_training("blind", config=config)
    run_training("looking", config=config.model_copy(update={"patience": 99}), training_set=with_validation)
    assert adapter(tmp_path / "blind") == adapter(tmp_path / "looking")


@pytest.mark.full
def test_the_average_is_saved_instead_of_the_weights(run_training, config, training_set, tmp_path):
    run_training("plain", config=config.model_copy(update={"dropout": 0.0}))
    steps = []

    def on_step(report):
        newest = tmp_path / f"averaged/checkpoints/{report.step:06d}/adapters.safetensors"
        steps.append({key: np.array(value) for key, value in mx.load(str(newest)).items()})

    config = config.model_copy(update={"dropout": 0.0, "ema": 0.5, "checkpoint_every": 1})
    run_training("averaged", config=config, on_step=on_step)
    shares = 0.5 ** np.arange(5, -1, -1)
    got, last = saved(tmp_path / "averaged"), steps[-1]
    assert equal(last, saved(tmp_path / "plain")), "averaging does not change training"
    for name in got:
        expected = sum(share * weights[name] for share, weights in zip(shares, steps, strict=True)) / shares.sum()
        assert np.allclose(got[name], expected, atol=1e-5)


def test_random_draws_of_a_callback_do_not_change_training(run_training, uninterrupted, tmp_path):
    expected = uninterrupted()
    reports = run_training("watched", on_step=lambda _: mx.eval(mx.random.normal((3,))))
    assert (untimed(reports), adapter(tmp_path / "watched")) == expected


class Interrupted(optim.AdamW):
    """Raises KeyboardInterrupt in the middle of the fourth update."""

    def update(self, model, gradients):
        super().update(model, gradients)
        if self.step.item() == 4:
            raise KeyboardInterrupt


def test_ctrl_c_during_an_update_saves_the_previous_step(run_training, uninterrupted, tmp_path, monkeypatch):
    expected = uninterrupted()
    with monkeypatch.context() as patch:
        patch.setattr(optim, "AdamW", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_training("stopped")
    assert (tmp_path / "stopped/checkpoints/000003").is_dir()
    assert len(metrics(tmp_path / "stopped")) == 3
    reports = run_training("stopped")
    assert (untimed(reports), adapter(tmp_path / "stopped")) == expected


def test_ctrl_c_between_an_update_and_its_report_saves_no_step_under_a_wrong_number(
    run_training, uninterrupted, tmp_path, monkeypatch
):
    expected = uninterrupted()

    def interrupted(**figures):
        if figures["step"] == 4:
            raise KeyboardInterrupt
        return StepReport(**figures)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "StepReport", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_training("stopped")
    reports = run_training("stopped")
    assert (untimed(reports), adapter(tmp_path / "stopped")) == expected


def test_a_loss_that_is_not_finite_keeps_the_last_good_step(
    run_training, uninterrupted, training_set, config, tmp_path
):
    good = uninterrupted()[0]
    bad = step_examples(len(training_set.examples), 4, config.seed, 2)
    fresh = set(bad) - set(itertools.chain(*(step_examples(11, 4, config.seed, step) for step in (0, 1))))
    targets = list(training_set.targets)
    broken = min(fresh)
    targets[broken] = type(targets[broken])(
        targets[broken].ids, np.full_like(targets[broken].log_probs, np.nan), targets[broken].tail
    )
    with pytest.raises(TrainingError) as caught:
        run_training("broken", training_set=TrainingSet("debug", training_set.examples, targets))
    assert f"step 3, examples {bad}" in str(caught.value)
    assert untimed([StepReport(**r, seconds=0, peak_memory=0) for r in metrics(tmp_path / "broken")]) == good[:2]
    assert [p.name for p in (tmp_path / "broken/checkpoints").iterdir()] == ["000002"]
    assert not (tmp_path / "broken/adapter").exists()
    assert untimed(run_training("broken")) == good, "with the targets repaired, the run resumes"


def test_a_damaged_newest_checkpoint_costs_only_its_steps(run_training, uninterrupted, tmp_path):
    expected = uninterrupted()
    with pytest.raises(Stop):
        run_training("damaged", on_step=stop_at(5, Stop))
    (tmp_path / "damaged/checkpoints/000004/adapters.safetensors").write_bytes(b"half")
    taken = []
    reports = run_training("damaged", on_step=lambda r: taken.append(r.step))
    assert taken == [3, 4, 5, 6]
    assert (untimed(reports), adapter(tmp_path / "damaged")) == expected
    assert metrics(tmp_path / "damaged") == expected[0]


def test_a_truncated_last_line_is_written_again(run_training, uninterrupted, tmp_path):
    expected = uninterrupted()
    with pytest.raises(Stop):
        run_training("cut", on_step=stop_at(3, Stop))
    with (tmp_path / "cut/metrics.jsonl").open("a") as file:
        file.write('{"step": 4, "loss": 1.')
    run_training("cut")
    assert metrics(tmp_path / "cut") == expected[0]


def test_another_identity_is_refused_with_each_difference(run_training, tmp_path):
    run_training("one")
    before = {p: p.read_bytes() for p in (tmp_path / "one").rglob("*") if p.is_file()}
    with pytest.raises(CheckpointError) as caught:
        run_training("one", identity=IDENTITY)
    for name in ("base = ", "teacher = t1, now t2", "data = d1, now d2", "settings.rank = 4, now 8"):
        assert name in str(caught.value)
    assert "settings.steps" not in str(caught.value)
    assert {p: p.read_bytes() for p in (tmp_path / "one").rglob("*") if p.is_file()} == before


def test_a_finished_stage_is_not_trained_again(run_training, tmp_path):
    first = run_training("one")
    taken = []
    assert run_training("one", on_step=taken.append) == first
    assert taken == []


def test_the_base_is_bitwise_unchanged(tiny_model, config, host, training_set, tmp_path):
    ids = mx.array([[1, 2, 3, 4]])
    before = np.array(tiny_model.model(ids))
    train(tiny_model, config, host, training_set, {}, tmp_path / "run")
    assert np.array_equal(np.array(tiny_model.model(ids)), before)


def test_a_finished_stage_keeps_two_checkpoints_and_no_temporary_file(run_training, tmp_path):
    run_training("one")
    names = sorted(p.name for p in (tmp_path / "one/checkpoints").iterdir())
    assert names == ["000004", "000006"]
    assert not list((tmp_path / "one").rglob(".*")), "no temporary file is left"


def test_the_digest_depends_on_tokens_and_soft_targets(training_set):
    fewer = TrainingSet("debug", training_set.examples[1:], training_set.targets[1:])
    text = TrainingSet("debug", training_set.examples)
    assert len({training_set.digest, fewer.digest, text.digest}) == 3
    assert TrainingSet("other", list(training_set.examples), list(training_set.targets)).digest == training_set.digest


@pytest.mark.full
def test_a_shuffled_teacher_teaches_less(tiny_model, host, tmp_path):
    """Negative control: if training ignored the teacher's signal, shuffling it would change nothing."""

    tiny_model.model.model.norm.weight = mx.full((32,), 4.0)  # small hidden states can prefer nothing strongly

    def sort_of(letters, seed, count=6, length=8):
        rng = random.Random(seed)
        pairs = [["".join(rng.choices(letters, k=length)) for _ in "qa"] for _ in range(count)]
        turns = [[{"role": "user", "content": q}, {"role": "assistant", "content": a}] for q, a in pairs]
        return [encode_chat(tiny_model.tokenizer, chat) for chat in turns]

    def teach(letters, examples):
        """Predict letters of the same sort as the prompt's."""
        logits = np.zeros((len(examples[0].answer_ids), 276))
        logits[:, tiny_model.tokenizer.encode(letters)] = 7
        return [targets_of(logits, 8) for _ in examples]

    sorts = {"QRSUV": 1, "56789": 2}
    examples = [e for letters, seed in sorts.items() for e in sort_of(letters, seed)]
    held_out = [e for letters, seed in sorts.items() for e in sort_of(letters, seed + 10)]
    targets, expected = ([t for letters in sorts for t in teach(letters, examples[:6])] for _ in range(2))
    shuffled = random.Random(3).sample(targets, len(targets))
    config = DistillConfig(
        steps=40, batch_size=6, alpha=1.0, temperature=1.0, learning_rate=0.01, rank=8,
        checkpoint_every=40,
    )  # fmt: skip

    def divergence(name, signal):
        """Return nats per token on the held-out examples, whose targets are not shuffled."""
        adapter, training_set = tmp_path / name / "adapter/adapters.safetensors", TrainingSet("d", examples, signal)
        if signal:
            train(tiny_model, config, host, training_set, {}, tmp_path / name)
        with lora.attached(tiny_model.model, config):
            if signal:
                tiny_model.model.load_weights(str(adapter), strict=False)
            found = fits(*split(tiny_model.model), held_out, expected)
        return sum(f.divergence for f in found) / sum(f.tokens for f in found)

    untrained, right, wrong = divergence("base", None), divergence("right", targets), divergence("wrong", shuffled)
    assert right < 0.5 * untrained
    assert right < wrong - 0.3
