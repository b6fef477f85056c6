"""On-policy distillation: exact batches, the same result after any stop, and a teacher whose signal counts."""

import contextlib
import itertools
import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest
from projects import write_domain, write_student
from settings import changed, config_of
from tiers import thin

from conch_dna.data.batches import step_examples
from conch_dna.data.tokens import encode_chat, prompt_ids
from conch_dna.domains.domain import load_domain
from conch_dna.errors import ConfigError, TeacherError
from conch_dna.losses import fused as objective
from conch_dna.losses.fused import Objective
from conch_dna.models.head import split
from conch_dna.models.load import load
from conch_dna.plugin.protocols import TeacherRequest
from conch_dna.train import lora
from conch_dna.train.loop import Trainee, train
from conch_dna.train.rollout_source import OnPolicySource, on_rollouts, pack, unpack
from conch_dna.train.rollouts import roll_out
from conch_dna.train.sources import FixedSource
from conch_dna.train.stage import Stage, train_stage
from conch_dna.util.files import sha256_file
from conch_dna.util.progress import Progress

CONFIG = config_of(
    steps=6, batch_size=3, rank=4, dropout=0.1, learning_rate=0.01, warmup=1, checkpoint_every=2, rollout_tokens=6,
    top_k=16, temperature=1.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory, host):
    """A student, a domain, and a teacher that differs from the student by a small adapter."""
    root = tmp_path_factory.mktemp("world")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONCH_CACHE", str(root / "cache"))
        base = load(str(write_student(root / "student")))
        file = shutil.copytree(root / "student", root / "teacher") / "model.safetensors"
        tensors = dict(mx.load(str(file)))
        mx.random.seed(0)
        for name in sorted(tensors):
            if "layers" in name and tensors[name].ndim == 2:
                rows, columns = tensors[name].shape
                tensors[name] += 0.15 * mx.random.normal((rows, 2)) @ mx.random.normal((2, columns))
        mx.save_safetensors(str(file), tensors, {"format": "mlx"})
        domain = load_domain(write_domain(root / "tiny", 16))
        request = TeacherRequest(domain, str(root / "teacher"), base.ref, lambda: base)
        teacher = host.catalog.get("teachers", "mlx")(request)
        assert teacher.loaded
        yield SimpleNamespace(base=base, teacher=teacher, prompts=domain.prompts[:10], held_out=domain.prompts[10:])


class Recording:
    """A teacher that records its requests, and can change its scores."""

    def __init__(self, teacher, change=lambda targets: targets):
        self.teacher, self.change, self.asked, self.fingerprint = teacher, change, [], "recording"

    def score(self, prompts, answers, top_k):
        self.asked.append([p.digest for p in prompts])
        return [self.change(targets) for targets in self.teacher.score(prompts, answers, top_k)]


@pytest.fixture
def source(world, tmp_path):
    def make(teacher=None, fixed=None, **settings):
        config = changed(CONFIG, **settings)
        return OnPolicySource(
            world.base,
            teacher or world.teacher,
            world.prompts,
            config,
            config.tables["on_policy"],
            fixed,
            tmp_path / "rollouts.jsonl",
        )

    return make


@pytest.fixture
def ends(world, monkeypatch):
    """Make many tokens end a turn, so that some rollouts finish and some are truncated."""
    found = {*world.base.tokenizer.eos_token_ids, *range(7, 276, 20)}
    monkeypatch.setattr(world.base.tokenizer, "eos_token_ids", found)
    return found


def given(world, config=CONFIG):
    """A source of given answers."""
    turns = [
        [*(m.as_dict() for m in p.messages), {"role": "assistant", "content": f"the {n}"}]
        for n, p in enumerate(world.prompts)
    ]
    return FixedSource([encode_chat(world.base.tokenizer, chat) for chat in turns], None, config)


class TestBatches:
    """The batches of a step."""

    @pytest.mark.parametrize("form", ["divergence", "advantage"])
    def test_exactly_the_rollouts_tokens_are_trained(self, source, world, ends, form):
        ours = source(on_policy_loss=form, batch_size=4, accumulation=2, rollout_tokens=12)
        batches = ours.batches(0)
        rows = unpack(ours.state())[0]
        assert [len(b.names) for b in batches] == [4, 4]
        assert [name for b in batches for name in b.names] == [one.place for one in rows]
        assert [one.place for one in rows] == step_examples(len(world.prompts), 8, CONFIG.seed, 0)
        assert {one.rollout.finished for one in rows} == {True, False}
        for number, one in enumerate(rows):
            batch, row = batches[number // 4], number % 4
            labels = batch.labels_N[batch.rows_N == row]
            assert tuple(labels) == one.rollout.tokens
            assert (labels[-1] in ends) == one.rollout.finished
            assert not set(labels[:-1]) & ends
            prompt = prompt_ids(world.base.tokenizer, [m.as_dict() for m in world.prompts[one.place].messages])
            assert batch.ids_BT[row, : len(prompt)].tolist() == prompt
            assert batch.cols_N[batch.rows_N == row].tolist() == list(
                range(len(prompt) - 1, len(prompt) - 1 + len(labels))
            )
        assert all(batch.on_policy for batch in batches)

    @pytest.mark.usefixtures("ends")
    def test_a_token_budget_divides_the_step_and_keeps_all_rollouts(self, source):
        ours = source(batch_size=8, rollout_tokens=40, token_budget=256)
        batches = ours.batches(0)
        rows = {one.place: one.rollout for one in unpack(ours.state())[0]}
        assert len(batches) > 1
        assert sorted(name for batch in batches for name in batch.names) == sorted(rows)
        for batch in batches:
            assert batch.ids_BT.size <= 256
            assert tuple(batch.labels_N) == tuple(itertools.chain(*(rows[name].tokens for name in batch.names)))
            assert len(batch.targets.tail) == len(batch.labels_N)

    def test_the_advantage_loss_gets_the_samplers_log_probs(self, source):
        ours = source(on_policy_loss="advantage", rollout_temperature=1.3)
        (batch,) = ours.batches(0)
        rows = unpack(ours.state())[0]
        assert np.array_equal(batch.targets.tokens_N, batch.labels_N)
        assert np.array_equal(batch.targets.sampler_N, np.concatenate([r.rollout.sampler_log_probs for r in rows]))
        assert np.array_equal(batch.targets.teacher_N, np.concatenate([r.targets.chosen for r in rows]))
        assert not np.allclose(batch.targets.sampler_N, np.concatenate([r.rollout.log_probs for r in rows]), atol=1e-2)

    def test_rollouts_have_no_cross_entropy(self, source, world, host):
        def after(alpha, batches):
            config = CONFIG.model_copy(update={"steps": 1})
            with training(world, config) as trainee:
                one = SimpleNamespace(batches=lambda _: batches)
                reports = []
                loss = Objective(host.catalog.get("losses", "reverse_kl"), 1.0, True, alpha)
                train(trainee, config, one, lambda _: loss, 0, reports.append)
                return {n: np.array(v) for n, v in lora.weights(world.base.model).items()}, reports[0]

        batches = source().batches(0)
        (weak, report), (strong, _) = after(0.2, batches), after(1.0, batches)
        assert all(np.array_equal(weak[name], strong[name]) for name in weak)
        assert report.alpha == 1
        assert report.loss == pytest.approx(report.kd)
        others = [batch._replace(on_policy=False) for batch in batches]
        assert any(not np.array_equal(after(0.2, others)[0][name], strong[name]) for name in strong)

    @pytest.mark.parametrize("form", ["divergence", "advantage"])
    def test_what_a_processor_computes_stands_in_the_rollouts_and_is_not_trained(self, source, form):
        settings = {"on_policy_loss": form, "batch_size": 4, "rollout_tokens": 12}
        free = source(**settings)
        free.batches(0)
        first = unpack(free.state())[0][0].rollout
        sign = free.student.tokenizer.decode([first.tokens[0]])[-1]

        def forty_two(text):
            return " 42" if text.endswith(sign) else None

        ours = replace(free, processors={"forty_two": forty_two}, _waiting={})
        (batch,) = ours.batches(0)
        rows = unpack(ours.state())[0]
        texts = [one.rollout.text(ours.student.tokenizer) for one in rows]
        assert texts[0].startswith(f"{sign} 42")
        computed = len(ours.student.tokenizer.encode(" 42", add_special_tokens=False))
        assert sum(len(one.rollout.tokens) for one in rows) - len(batch.labels_N) >= computed
        first_labels = batch.labels_N[batch.rows_N == 0].tolist()
        assert first_labels == [rows[0].rollout.tokens[0], *rows[0].rollout.tokens[1 + computed :]]
        assert len(batch.labels_N) == len(batch.targets.tail if form == "divergence" else batch.targets.teacher_N)

    def test_the_same_prompt_twice_in_a_step_gives_two_rollouts(self, source, world):
        ours = replace(source(batch_size=4), prompts=world.prompts[:2])
        ours.batches(0)
        rows = unpack(ours.state())[0]
        assert sorted(one.place for one in rows) == [0, 0, 1, 1]
        assert len({one.rollout.tokens for one in rows}) == 4


class TestFraction:
    """The choice of steps that train on rollouts."""

    @pytest.mark.parametrize("fraction", [0.0, 0.3, 0.5, 1.0])
    def test_the_choice_depends_only_on_seed_and_step(self, fraction):
        draws = [on_rollouts(CONFIG.seed, fraction, step) for step in range(1000)]
        assert np.mean(draws) == pytest.approx(fraction, abs=0.05)
        assert draws[500:] == [on_rollouts(CONFIG.seed, fraction, step) for step in range(500, 1000)]
        assert fraction in {0, 1} or draws != [on_rollouts(1, fraction, step) for step in range(1000)]

    def test_the_other_steps_come_from_the_fixed_source(self, source, world):
        teacher = Recording(world.teacher)
        ours = source(teacher, given(world), on_policy_fraction=0.5)
        kinds = []
        for step in range(6):
            batches = ours.batches(step)
            kinds.append(batches[0].on_policy)
            if not kinds[-1]:
                (wanted,) = ours.fixed.batches(step)
                assert batches[0].names == wanted.names
                assert np.array_equal(batches[0].labels_N, wanted.labels_N)
        assert kinds == [on_rollouts(ours.config.seed, ours.settings.fraction, step) for step in range(6)]
        assert set(kinds) == {True, False}
        assert len(teacher.asked) == sum(kinds)

    def test_a_fraction_below_1_without_a_fixed_source_is_refused(self, source):
        with pytest.raises(ConfigError, match=r"\[distill.on_policy\] fraction: .* got 0.5; allowed: 1"):
            source(on_policy_fraction=0.5)


def test_one_batch_of_rollouts_serves_several_steps(source, world):
    teacher = Recording(world.teacher)
    ours = source(teacher, rollout_steps=4)
    for step in range(6):
        ours.batches(step)
        assert set(unpack(ours.state())) == set(range(step, 4 if step < 4 else 6))
    per_step = [[world.prompts[i].digest for i in step_examples(10, 3, CONFIG.seed, step)] for step in range(6)]
    assert teacher.asked == [list(itertools.chain(*per_step[:4])), list(itertools.chain(*per_step[4:]))]


def test_a_restored_source_has_the_same_batches(source):
    ours = source(rollout_steps=3)
    assert ours.state() == pack({}) == {}
    first = ours.batches(1)
    back = source(Recording(None), rollout_steps=3)  # a teacher that must not be called
    back.restore(ours.state())
    for step, wanted in ((1, first), (2, ours.batches(2))):
        for one, other in zip(back.batches(step), wanted, strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(one[:4], other[:4], strict=True))
            assert np.array_equal(one.targets.log_probs, other.targets.log_probs)


def test_greedy_rollouts_with_the_advantage_loss_are_refused(source):
    assert source(rollout_temperature=0.0).batches(0)
    with pytest.raises(ConfigError, match="rollout_temperature: greedy rollouts have no sampling probabilities"):
        source(rollout_temperature=0.0, on_policy_loss="advantage")


def test_only_the_advantage_loss_refuses_a_teacher_without_log_probs_of_the_samples(source, world):
    teacher = Recording(world.teacher, lambda targets: replace(targets, chosen=None))
    ours = source(teacher)
    ours.batches(0)
    assert unpack(ours.state())[0][0].targets.chosen is None
    assert "k1" not in ours.journal.read_text()
    with pytest.raises(TeacherError, match="recording: does not give the log-probability"):
        source(teacher, on_policy_loss="advantage").batches(0)


def test_scores_for_ids_beyond_the_students_head_are_refused(source, world):
    teacher = Recording(world.teacher, lambda targets: replace(targets, ids=targets.ids + 276))
    with pytest.raises(TeacherError, match="recording: returned soft targets for an id that the student's head"):
        source(teacher).batches(0)


def test_a_wrong_number_of_scores_is_refused(source, world):
    teacher = Recording(world.teacher, lambda targets: replace(targets, tail=targets.tail[1:]))
    with pytest.raises(TeacherError, match="recording: scored a wrong number of tokens"):
        source(teacher).batches(0)


class Kill(BaseException):
    """Ends training as a kill would: nothing is saved on the way out."""


class Stopped(OnPolicySource):
    """Raises in a step after its batches are drawn."""

    at = None

    def batches(self, step):
        found = super().batches(step)
        if self.at and self.at[0] == step:
            raise self.at[1]
        return found


class TestResume:
    """A training that was stopped in any step ends like an uninterrupted one."""

    @pytest.fixture
    def run_training(self, world, host, tmp_path):
        def take(name, settings, at=None):
            config = changed(CONFIG, steps=4, layers=2, **settings)
            folder = tmp_path / name
            fixed = given(world, config) if config.tables["on_policy"].fraction < 1 else None
            source = Stopped(
                world.base, world.teacher, world.prompts, config, config.tables["on_policy"], fixed,
                folder / "rollouts.jsonl",
            )  # fmt: skip
            source.at = at
            loss = Objective(host.catalog.get("losses", "reverse_kl"), 1.0, True, 0.7)
            stage = Stage("tiny", "on_policy", source, lambda _: loss)
            reports = train_stage(world.base, config, stage, {}, folder, Progress(), lambda _: None)
            adapter = sha256_file(folder / "adapter" / lora.ADAPTER_FILE)
            return adapter, [r.loss for r in reports], source.journal.read_text()

        return take

    @pytest.mark.full
    @pytest.mark.parametrize(
        "settings",
        thin(
            [
                {"on_policy_loss": "divergence"},
                {"on_policy_loss": "advantage", "rollout_steps": 3, "on_policy_fraction": 0.6, "checkpoint_every": 3},
            ]
        ),
        ids=["divergence, fresh", "advantage, shared, mixed"],
    )
    def test_a_stop_in_any_step_does_not_change_the_result(self, run_training, settings):
        undisturbed = run_training("whole", settings)
        assert len(undisturbed[1]) == 4
        for step, fault in enumerate((Kill, KeyboardInterrupt, KeyboardInterrupt, Kill)):
            with pytest.raises(fault):
                run_training(f"stopped-{step}", settings, (step, fault()))
            assert run_training(f"stopped-{step}", settings) == undisturbed, step

    def test_a_truncated_line_of_the_journal_is_written_again(self, run_training, tmp_path):
        undisturbed = run_training("whole", {})
        with pytest.raises(Kill):
            run_training("stopped", {}, (2, Kill()))
        journal = tmp_path / "stopped" / "rollouts.jsonl"
        journal.write_bytes(journal.read_bytes() + b'{"step": 3, "text": "\xc3')
        assert run_training("stopped", {}) == undisturbed


@pytest.mark.usefixtures("ends")
def test_the_journal_has_a_line_for_each_rollout(source, world):
    ours = source(batch_size=8, rollout_tokens=12)
    ours.batches(0)
    (rows,) = unpack(ours.state()).values()
    lines = [json.loads(line) for line in ours.journal.read_bytes().split(b"\n")[:-1]]
    assert {line["finished"] for line in lines} == {True, False}
    for line, (place, rollout, targets) in zip(lines, rows, strict=True):
        tokens = list(rollout.tokens[: -1 if rollout.finished else None])
        d_N = targets.chosen.astype(np.float64) - rollout.log_probs
        assert line == {
            "step": 1, "prompt": world.prompts[place].digest, "text": world.base.tokenizer.decode(tokens),
            "finished": rollout.finished, "tokens": len(rollout.tokens), "k1": pytest.approx(-d_N.mean()),
            "k3": pytest.approx((np.exp(d_N) - d_N - 1).mean()),
        }  # fmt: skip


@contextlib.contextmanager
def training(world, config):
    """Yield a trainee with a fresh adapter."""
    with lora.attached(world.base.model, config):
        optimizer = optim.AdamW(learning_rate=config.learning_rate)
        optimizer.init(world.base.model.trainable_parameters())
        yield Trainee(world.base.model, *split(world.base.model), optimizer)


class TestLearning:
    """The effect of a few steps."""

    def distance(self, world):
        """Return the mean reverse KL, over the whole vocabulary, on the student's own answers to held-out prompts."""
        student, teacher = world.base.model, world.teacher
        prompts = [prompt_ids(world.base.tokenizer, [m.as_dict() for m in p.messages]) for p in world.held_out]
        rollouts = roll_out(student, world.base.tokenizer, prompts, range(6), max_tokens=8, temperature=1.0)
        scores = teacher.score(world.held_out, [r.tokens for r in rollouts], 275)
        total, count = 0.0, 0
        for prompt, rollout, targets in zip(prompts, rollouts, scores, strict=True):
            logits_TV = student(mx.array([[*prompt, *rollout.tokens]]))[0, len(prompt) - 1 : -1]
            student_TK = np.array(objective.bucket(logits_TV, mx.array(targets.ids)))
            teacher_TK = np.concatenate([targets.log_probs, targets.tail[:, None]], axis=1)
            total += float((np.exp(student_TK) * (student_TK - teacher_TK)).sum())
            count += len(targets.tail)
        return total / count

    def trained(self, world, host, source, teacher, form):
        """Return the distance from the true teacher before and after."""
        ours = source(teacher, steps=10, batch_size=8, dropout=0.0, rollout_tokens=8, on_policy_loss=form)
        config = ours.config
        loss = Objective(host.catalog.get("losses", "reverse_kl"), 1.0, True, 1.0)
        with training(world, config) as trainee:
            before = self.distance(world)
            train(trainee, config, ours, lambda _: loss, 0, lambda _: None)
            return before, self.distance(world)

    def shuffled(self, targets):
        """Assign the probabilities to other tokens."""
        order = np.random.default_rng(0).permutation(276)
        return replace(targets, ids=order[targets.ids].astype(np.int32))

    @pytest.mark.full
    def test_the_student_approaches_its_teacher_but_not_with_shuffled_scores(self, world, host, source):
        before, after = self.trained(world, host, source, None, "divergence")
        assert after < 0.6 * before
        teacher = Recording(world.teacher, self.shuffled)
        assert self.trained(world, host, source, teacher, "divergence")[1] > 1.5 * after

    @pytest.mark.full
    def test_the_student_approaches_its_teacher_with_the_advantage_loss(self, world, host, source):
        before, after = self.trained(world, host, source, None, "advantage")
        assert after < 0.8 * before
