"""Activated LoRA: training computes what inference computes, with the base alone before the invocation tokens."""

import contextlib
import json
import math

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest
from architectures import build, move
from mlx import nn
from mlx.utils import tree_flatten
from mlx_lm.models.cache import make_prompt_cache
from recipe_runs import untimed
from settings import config_of
from structlog.testing import capture_logs
from tiers import thin
from tiny import chats, targets_of

from conch_dna.config import DistillConfig
from conch_dna.data.alora import invocation_tokens_of
from conch_dna.data.batches import collate
from conch_dna.data.tokens import Example, encode_chat
from conch_dna.errors import ConfigError, DataError, ModelError, TrainingError
from conch_dna.evaluation.fit import fits
from conch_dna.kernels.patch import fast_ops
from conch_dna.losses.fused import Objective
from conch_dna.models.head import split
from conch_dna.records import Message, Prompt
from conch_dna.registry.adapter import read_adapter
from conch_dna.runtime.generate import Alora
from conch_dna.runtime.neurons import NeuronRuntime
from conch_dna.train import lora
from conch_dna.train.activated_lora import Activation
from conch_dna.train.gradient_checkpointing import checkpointed
from conch_dna.train.loop import Trainee, batch_sums, gradients
from conch_dna.train.rollout_source import OnPolicySource
from conch_dna.train.rollouts import roll_out
from conch_dna.train.sources import FixedSource
from conch_dna.train.training_set import TrainingSet

INVOCATION_TOKENS = (3, 9)
KINDS = {
    "llama": {}, "qwen2": {}, "gemma3_text": {}, "granite": {}, "mamba2": {}, "qwen3_moe": {},
    "qwen2 4 bits": {"bits": 4}, "gemma2": {}, "gpt2": {}, "jamba": {},
}  # fmt: skip
SETTINGS = {"plain": {}, "embeddings": {"embeddings": True}, "last block": {"layers": 1}}


def example_of(seed, before, answer):
    """A conversation of random tokens: context, invocation tokens, answer; invocation tokens also begin the context."""
    draw = np.random.default_rng(seed).integers(10, 64, before + answer).tolist()
    ids = (*INVOCATION_TOKENS, *draw[:before], *INVOCATION_TOKENS, *draw[before:])
    start = before + 4
    return Example(ids, tuple(i >= start for i in range(len(ids))), start, answer)


EXAMPLES = [example_of(1, 9, 6), example_of(2, 12, 3), example_of(3, 2, 11), example_of(4, 5, 5)]


@contextlib.contextmanager
def adapted(model, config, invocation_tokens=INVOCATION_TOKENS):
    """Attach an adapter with an effect to ``model``; yield its activation."""
    activation = Activation(invocation_tokens)
    with lora.attached(model, config, activation):
        move(model)
        yield activation


def in_two_stages(model, example):
    """Logits from the invocation tokens onwards; the base fills the cache with the context, then the adapter is on."""
    start = example.answer_start - len(INVOCATION_TOKENS)
    cache = make_prompt_cache(model)
    with lora.switched_off(model):
        model(mx.array([example.ids[:start]]), cache=cache)
        mx.eval([part.state for part in cache])
    return start, model(mx.array([example.ids[start:]]), cache=cache)[0]


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
@pytest.mark.parametrize(
    ("name", "changes"), thin(KINDS.items(), ("llama", {}), ("mamba2", {}), ("qwen3_moe", {})), ids=KINDS.keys()
)
def test_a_training_pass_equals_base_then_neuron_with_a_cache(name, changes, settings):
    model = build(name.split()[0], **changes)
    with adapted(model, DistillConfig(rank=4, scale=1.0, activated=True, **settings)) as activation:
        batch = collate(EXAMPLES, range(4))
        with activation.over(batch):
            masked = model(mx.array(batch.ids_BT))
        everywhere = model(mx.array(batch.ids_BT))
        for row, example in enumerate(EXAMPLES):
            start, staged = in_two_stages(model, example)
            length = len(example.ids)
            scale = mx.abs(staged).max().item()
            ours = mx.abs(masked[row, start:length] - staged).max().item()
            assert ours <= 1e-5 * max(1.0, scale)
            assert mx.abs(everywhere[row, start:length] - staged).max().item() > 1e-2 * scale
            if not settings.get("embeddings"):  # a tied head acts everywhere
                with lora.switched_off(model):
                    alone = model(mx.array(batch.ids_BT))
                assert mx.array_equal(masked[row, :start], alone[row, :start])


@pytest.fixture
def trainee():
    """A tied base with an adapter on all layers and the embedding, and an optimizer."""
    model = build("qwen2")
    with adapted(model, DistillConfig(rank=4, activated=True, embeddings=True)) as activation:
        optimizer = optim.AdamW(learning_rate=0.01)
        yield Trainee(model, *split(model), optimizer, activation.over)


def taken(trainee, batches):
    grad, sums, tokens = gradients(trainee, batches, Objective())
    return {name: np.array(value) for name, value in tree_flatten(grad)}, sums, tokens


def assert_close(one, other, share=1e-5):
    assert one[2] == other[2]
    assert one[1] == pytest.approx(other[1], rel=share)
    for name, value in other[0].items():
        assert np.abs(one[0][name] - value).max() <= share * max(1.0, np.abs(value).max()), name
        assert np.abs(value).max() > 0, name


def test_gradients_equal_those_of_two_stages_with_a_constant_context(trainee):
    model = trainee.model
    for example in EXAMPLES:

        def loss(example=example):
            start, logits_TV = in_two_stages(model, example)
            labels = mx.array(example.ids[example.answer_start :])
            rows = logits_TV[example.answer_start - start - 1 : -1]
            return (mx.logsumexp(rows, axis=-1) - mx.take_along_axis(rows, labels[:, None], -1)[:, 0]).sum()

        _, grad = nn.value_and_grad(model, loss)()
        ours, sums, tokens = taken(trainee, [collate([example], [0])])
        for name, value in tree_flatten(grad):
            expected = np.array(value) / tokens
            assert np.abs(ours[name] - expected).max() <= 2e-5 * max(1.0, np.abs(expected).max()), name
            assert expected.any()
        assert sums.combined == pytest.approx(loss().item(), rel=1e-5)


def test_context_tokens_have_no_gradient():
    """The embedding's factor has one row per token; rows of tokens that occur only in contexts must stay zero."""
    behind = {token for e in EXAMPLES for token in e.ids[e.answer_start - len(INVOCATION_TOKENS) :]}
    before = {token for e in EXAMPLES for token in e.ids} - behind
    model = build("llama")  # a tied head would have a gradient in every row
    with adapted(model, DistillConfig(rank=4, activated=True, embeddings=True)) as activation:
        own = Trainee(model, *split(model), None, activation.over)
        grad, _, _ = taken(own, [collate(EXAMPLES, range(4))])
        everywhere, _, _ = taken(Trainee(model, own.body, own.head, None), [collate(EXAMPLES, range(4))])
    rows = grad["model.embed_tokens.lora_a"]
    assert before
    assert not rows[sorted(before)].any()
    # The last token of an answer has no gradient.
    assert rows[sorted(behind)].any(axis=1).sum() >= len(behind) - len(EXAMPLES)
    assert everywhere["model.embed_tokens.lora_a"][sorted(before)].any()


def test_padding_does_not_change_gradients(trainee):
    whole = taken(trainee, [collate(EXAMPLES, range(4))])
    assert_close(taken(trainee, [collate(EXAMPLES, [i]) for i in range(4)]), whole)
    assert_close(taken(trainee, [collate(EXAMPLES, [3, 1]), collate(EXAMPLES, [0, 2])]), whole)


def test_batches_by_length_do_not_change_gradients(trainee):
    config = DistillConfig(activated=True, batch_size=4, token_budget=64)
    source = FixedSource(EXAMPLES, None, config)
    cut = source.passes(range(4))
    assert len(cut) > 1
    assert_close(taken(trainee, cut), taken(trainee, [collate(EXAMPLES, range(4))]))


def test_checkpointed_blocks_and_fast_operations_give_the_same_gradients(trainee):
    batches = [collate(EXAMPLES, range(4))]
    expected = taken(trainee, batches)
    trainee.model.train()
    with checkpointed(trainee.model):
        assert_close(taken(trainee, batches), expected)
        with fast_ops(trainee.model):
            assert_close(taken(trainee, batches), expected, 1e-4)


def test_an_adapter_that_acts_everywhere_gives_another_loss(trainee):
    batch = collate(EXAMPLES, range(4))
    apart = Trainee(trainee.model, trainee.body, trainee.head, None)
    with trainee.over(batch):
        ours = batch_sums(trainee, batch, Objective())
    assert abs(ours[0].item() - batch_sums(apart, batch, Objective())[0].item()) > 0.1


def test_only_the_last_turn_is_trained(tiny_model):
    chat = [*chats(1)[0], *chats(1, seed=1)[0]]
    example = encode_chat(tiny_model.tokenizer, chat)
    (batch,) = FixedSource([example], None, DistillConfig(activated=True)).passes([0])
    assert tuple(batch.labels_N) == example.answer_ids
    (plainly,) = FixedSource([example], None, DistillConfig()).passes([0])
    assert len(plainly.labels_N) > len(batch.labels_N)


def test_rollouts_after_a_shared_context_have_the_log_probs_of_the_training_pass(tiny_model):
    model, tokenizer = tiny_model.model, tiny_model.tokenizer
    invocation_tokens = invocation_tokens_of(tokenizer)
    prompts = [encode_chat(tokenizer, chat) for chat in chats(5)]
    ids = [list(e.ids[: e.answer_start]) for e in prompts]
    ids.append(ids[0])
    with adapted(model, DistillConfig(rank=4, activated=True), invocation_tokens) as activation:
        alora = Alora(invocation_tokens, lambda: lora.switched_off(model))
        drawn = roll_out(model, tokenizer, ids, range(6), max_tokens=8, temperature=1.0, alora=alora)
        apart = roll_out(model, tokenizer, ids, range(6), max_tokens=8, temperature=1.0)
        assert [r.tokens for r in drawn] != [r.tokens for r in apart]
        for prompt, rollout in zip(ids, drawn, strict=True):
            example = Example((*prompt, *rollout.tokens), (False,) * len(prompt) + (True,) * 8, len(prompt), 1)
            batch = collate([example], [0])
            with activation.over(batch):
                logits_TV = model(mx.array(batch.ids_BT))[0, len(prompt) - 1 :][: len(rollout.tokens)]
            log_probs_TV = logits_TV - mx.logsumexp(logits_TV, axis=-1, keepdims=True)
            found = mx.take_along_axis(log_probs_TV, mx.array(rollout.tokens)[:, None], axis=-1)[:, 0]
            assert np.allclose(np.array(found), rollout.log_probs, atol=1e-4)


def test_a_saved_adapter_records_its_invocation_tokens_and_starts_only_with_them(tmp_path):
    model, config = build("llama"), DistillConfig(rank=4, activated=True)
    with adapted(model, config):
        lora.save_adapter(model, config, tmp_path / "activated", INVOCATION_TOKENS)
        lora.save_adapter(model, config, tmp_path / "plain")
        lora.start_from(model, config, tmp_path / "activated", INVOCATION_TOKENS)
        for folder, invocation_tokens in (("plain", INVOCATION_TOKENS), ("activated", ()), ("activated", (3, 8))):
            with pytest.raises(ConfigError, match="alora_invocation_tokens"):
                lora.start_from(model, config, tmp_path / folder, invocation_tokens)
    assert read_adapter(tmp_path / "activated").invocation_tokens == INVOCATION_TOKENS
    assert read_adapter(tmp_path / "plain").invocation_tokens == ()
    assert "alora_invocation_tokens" not in json.loads((tmp_path / "plain/adapter_config.json").read_text())


@pytest.mark.full
def test_a_resumed_training_has_the_same_losses(run_training, config, training_set, tmp_path):
    config = config.model_copy(update={"activated": True, "gradient_checkpointing": True})
    whole = run_training("whole", config=config, training_set=training_set)

    def stop(report):
        if report.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_training("stopped", config=config, training_set=training_set, on_step=stop)
    assert untimed(run_training("stopped", config=config, training_set=training_set)) == untimed(whole)
    folders = [tmp_path / name / "adapter" for name in ("whole", "stopped")]
    assert len({(folder / "adapters.safetensors").read_bytes() for folder in folders}) == 1
    assert len(read_adapter(folders[0]).invocation_tokens) > 1
    assert untimed(whole) != untimed(run_training("everywhere", training_set=training_set))


def test_validation_measures_the_activated_adapter(run_training, config, training_set, tiny_model, tmp_path):
    """The last validation loss is the cross-entropy of the saved adapter after contexts of the base."""
    config = config.model_copy(update={"activated": True, "patience": 3, "dropout": 0.0})
    held = TrainingSet("debug", training_set.examples[:3])
    reports = run_training(
        "own", config=config, training_set=TrainingSet("debug", training_set.examples, validation=held)
    )
    runtime = NeuronRuntime(tiny_model, tmp_path / "none")
    runtime.add("it", tmp_path / "own/adapter")
    with runtime.neuron("it"):
        found = fits(*split(tiny_model.model), held.examples, over=runtime.over)
    runtime.close()
    nats = sum(fit.bits for fit in found) * math.log(2) / sum(fit.tokens for fit in found)
    assert reports[-1].validation == pytest.approx(nats, rel=1e-4)


class Indifferent:
    """Gives every token the same score."""

    fingerprint = "indifferent:1"

    def score(self, prompts, answers, top_k):
        return [targets_of(np.zeros((len(tokens), 5)), 2) for tokens in answers]


def test_on_policy_trains_on_rollouts_after_the_shared_context(tiny_model, tmp_path):
    """Each token of a greedy rollout is the most likely one in the training pass."""
    model, invocation_tokens = tiny_model.model, invocation_tokens_of(tiny_model.tokenizer)
    config = config_of(activated=True, rank=4, mode="on_policy", rollout_temperature=0, rollout_tokens=6, batch_size=4)
    prompts = [Prompt(messages=tuple(Message(**turn) for turn in chat[:-1]), source="test") for chat in chats(4)]
    with adapted(model, config, invocation_tokens) as activation:
        source = OnPolicySource(
            tiny_model, Indifferent(), prompts, config, config.tables["on_policy"], None, tmp_path / "journal.jsonl"
        )
        (batch,) = source.batches(0)
        with activation.over(batch):
            logits_BTV = model(mx.array(batch.ids_BT))
        likeliest = logits_BTV[mx.array(batch.rows_N), mx.array(batch.cols_N)].argmax(axis=-1)
        assert likeliest.tolist() == batch.labels_N.tolist()
        assert len(batch.labels_N) >= 4


def test_expert_layers_get_no_activated_adapter():
    model = build("qwen3_moe")
    with capture_logs() as logs, adapted(model, DistillConfig(rank=4, activated=True)):
        assert not any("switch_mlp" in name for name in lora.weights(model))
    assert [entry["event"] for entry in logs] == ["expert_layers_left_out"]
    config = DistillConfig(rank=4, activated=True, keys=("mlp.switch_mlp.up_proj",))
    with pytest.raises(ConfigError, match=r"activation by token.*turn `activated` off"):
        lora.attached(model, config, Activation(INVOCATION_TOKENS)).__enter__()


def test_dora_is_refused():
    with pytest.raises(ValueError, match="activated = True: adapter dora"):
        DistillConfig(activated=True, adapter="dora")


def test_a_base_whose_layers_reorder_tokens_is_refused():
    model = build("llama")
    mlp = model.layers[0].mlp

    class Turned(type(mlp)):
        def __call__(self, x):
            return super().__call__(x.swapaxes(0, 1)).swapaxes(0, 1)

    mlp.__class__ = Turned
    with pytest.raises(ModelError, match="a layer is called with tokens of shape"):
        lora.attached(model, DistillConfig(rank=4, activated=True), Activation(INVOCATION_TOKENS)).__enter__()
    with lora.attached(model, DistillConfig(rank=4)):
        assert lora.weights(model)


def test_an_answer_without_invocation_tokens_stops_the_training(trainee):
    example = Example((5, 6, 7, 8), (False, False, False, True), 3, 1)
    with pytest.raises(DataError, match="does not follow"):
        gradients(trainee, [collate([example], [0])], Objective())
    with pytest.raises(TrainingError):
        gradients(trainee, [], Objective())
