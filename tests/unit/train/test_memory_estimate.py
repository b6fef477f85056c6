"""The memory estimate matches the peak of a real step, and refuses settings that do not fit."""

import json
from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import architectures
import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten
from settings import config_of
from tiers import thin
from tiny import write_tiny_model

from conch_dna.config import DistillConfig
from conch_dna.data.tokens import Example
from conch_dna.errors import ConfigError, ModelError
from conch_dna.kernels import bf16
from conch_dna.losses.dpo import Pairs
from conch_dna.losses.fused import Objective
from conch_dna.models.load import load
from conch_dna.plugin.recipes import joined
from conch_dna.train import lora
from conch_dna.train.memory_estimate import Drawn, drawn_at_once, estimate, limit, preflight, read_shapes
from conch_dna.train.rollouts import roll_out
from conch_dna.train.sources import FixedSource
from conch_dna.train.stage import Stage, train_stage
from conch_dna.util.progress import Progress


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model so wide and deep that its arrays outweigh everything that is not counted."""
    return write_tiny_model(tmp_path_factory.mktemp("wide") / "model", layers=10, width=128)


def peak_of(folder, config, width, into):
    examples = [Example((5,) * width, (False, *[True] * (width - 1)), 1, 1)] * config.batch_size
    stage = Stage("alpha", "sft", FixedSource(examples, None, config), lambda _: Objective())
    reports = train_stage(load(str(folder)), config, stage, {}, into, Progress(), lambda _: None)
    return max(report.peak_memory for report in reports)


@pytest.mark.parametrize(
    ("width", "settings"),
    thin(
        [
            (256, {"batch_size": 4}),
            (512, {"batch_size": 1}),
            (256, {"batch_size": 4, "gradient_checkpointing": True}),
            (256, {"batch_size": 4, "rank": 16, "keys": ("mlp.up_proj", "self_attn.q_proj")}),
            (256, {"batch_size": 4, "layers": 4}),
            (128, {"batch_size": 8, "dropout": 0.1}),
            (128, {"batch_size": 4, "accumulation": 2, "token_budget": 512}),
        ]
    ),
    ids=str,
)
def test_the_estimate_is_within_15_percent_of_the_peak(folder, tmp_path, width, settings):
    config = DistillConfig(steps=2, checkpoint_every=2, **settings)
    standing = mx.get_active_memory()  # of other tests
    peak = peak_of(folder, config, width, tmp_path) - standing
    found = estimate(read_shapes(folder), config, width)
    assert found.total - found.packed == pytest.approx(peak, rel=0.15)  # the peak is mlx's own


@pytest.mark.full
def test_the_estimate_counts_two_rows_for_a_pair(folder, tmp_path):
    config = DistillConfig(steps=2, checkpoint_every=2, batch_size=2)
    pair = [Example((5,) * 256, (False, *[True] * 255), 1, 1)] * 2
    source = FixedSource(pair * 2, lambda picks: Pairs(np.zeros(len(picks), np.float32), 0.1), config, together=2)
    stage = Stage("alpha", "preference", source, lambda _: Objective())
    standing = mx.get_active_memory()
    reports = train_stage(load(str(folder)), config, stage, {}, tmp_path, Progress(), lambda _: None)
    peak = max(report.peak_memory for report in reports) - standing
    found = estimate(read_shapes(folder), config, 256, together=2)
    assert found.total - found.packed == pytest.approx(peak, rel=0.15)


@pytest.mark.parametrize(("unit", "bytes_each"), [("amx", 4), ("avx512", 4), ("", 0)])
def test_bfloat16_copies_count_where_they_are_made(folder, monkeypatch, unit, bytes_each):
    monkeypatch.setattr(bf16, "unit", lambda: unit)
    shapes = read_shapes(folder)
    found = estimate(shapes, DistillConfig(), 64)
    assert found.packed == found.parts()["packed"] == bytes_each * shapes.parameters
    narrow, huge = replace(shapes, hidden=bf16.LEAST - 1), replace(shapes, parameters=10**13)
    assert [estimate(one, DistillConfig(), 64).packed for one in (narrow, huge)] == [0, 0]


@pytest.mark.full
@pytest.mark.parametrize(
    ("rows", "shared", "after"),
    thin([(16, 20, 100), (64, 20, 40), (64, 20, 128), (64, 20, 240), (64, 200, 20), (64, 20, 300), (64, 0, 100)]),
)
def test_the_estimate_counts_the_answers_that_the_student_draws(folder, rows, shared, after):
    base = load(str(folder))
    prompts = [[7] * shared + [9 + place] * 24 for place in range(rows)]
    standing = mx.get_active_memory()
    mx.reset_peak_memory()
    never_ends = SimpleNamespace(eos_token_ids=())
    roll_out(base.model, never_ends, prompts, range(rows), max_tokens=after, temperature=1.0)
    drawn = mx.get_peak_memory() - standing
    config = DistillConfig(batch_size=1)
    found = estimate(read_shapes(folder), config, shared + 24 + after, drawn=Drawn(rows, after))
    assert found.drawn == pytest.approx(drawn, rel=0.15)
    step = max(found.drawn, found.kept + max(found.loss, found.backward))
    assert found.total == found.weights + found.packed + found.adapter + step


def test_the_number_of_answers_drawn_at_once_depends_on_the_recipes(host):
    config = config_of(batch_size=4, accumulation=2, rollout_steps=3, rollout_tokens=50, candidates=5)

    def drawn(names, prompts, max_tokens):
        plans = [host.catalog.get("recipes", n).plan(config, frozenset({"text"}), prompts, max_tokens) for n in names]
        plan = joined(plans)
        return drawn_at_once(plan.rows, plan.row_tokens)

    assert drawn(["sft", "kd"], 100, 90) == (0, 0)
    assert drawn(["kd", "on_policy"], 100, 90) == (24, 50)
    assert drawn(["best_of_n"], 7, 90) == (35, 90)
    assert drawn(["on_policy", "preference"], 100, 20) == (64, 50), "a batch has no more rows"


MODELS = ({"arch": "llama"}, {"arch": "qwen2", "tied": False}, {"arch": "llama", "bits": 4})
ADAPTERS = ({}, {"rank": 3, "layers": 1}, {"keys": ("mlp.down_proj",)}, {"adapter": "dora"})


@pytest.mark.parametrize(
    ("model", "settings"), [*product(MODELS, ADAPTERS), (MODELS[1], {"embeddings": True})], ids=str
)
def test_weights_and_adapter_are_exact(tmp_path, model, settings):
    folder = write_tiny_model(tmp_path / "model", layers=2, **model)
    config = DistillConfig(**settings)
    found = estimate(read_shapes(folder), config, 32)
    base = load(str(folder)).model
    assert found.weights == sum(value.nbytes for _, value in tree_flatten(base.parameters()))
    with lora.attached(base, config):
        trained = sum(value.size for _, value in tree_flatten(base.trainable_parameters()))
    assert found.adapter == 12 * trained, "the numbers and both moments, float32"


@pytest.mark.parametrize("bits", thin([None, 4]), ids=["float", "4-bit"])
@pytest.mark.parametrize("name", thin(architectures.ARCHITECTURES, "llama", "mixtral", "gpt2", "jamba"))
def test_the_adapter_of_every_architecture_is_exact(tmp_path, name, bits):
    model = architectures.build(name, bits=bits)
    about = {**architectures.SIZES, "model_type": name, **architectures.ARCHITECTURES[name]}
    if bits:
        about["quantization"] = {"group_size": 32, "bits": bits}
    if "n_embd" in about:  # not every family says hidden_size
        del about["hidden_size"], about["num_attention_heads"]
    (tmp_path / "config.json").write_text(json.dumps(about))
    mx.save_safetensors(str(tmp_path / "model.safetensors"), dict(tree_flatten(model.parameters())))
    config = DistillConfig(rank=2)
    found = estimate(read_shapes(tmp_path), config, 32)
    with lora.attached(model, config):
        assert found.adapter == 12 * sum(value.size for _, value in tree_flatten(model.trainable_parameters()))
    assert found.kept > 0


def test_settings_that_do_not_fit_are_refused_with_settings_that_fit(folder):
    config = DistillConfig(batch_size=4, accumulation=2, max_memory=1.0)
    assert preflight(folder, config, 250) == estimate(read_shapes(folder), config, 250)
    for share in (0.9, 0.6, 0.4, 0.25):
        small = config.model_copy(update={"max_memory": preflight(folder, config, 250).total * share / 1e9})
        with pytest.raises(ConfigError, match="training would not fit into memory") as caught:
            preflight(folder, small, 250)
        assert " GB for 4 x 256 tokens; allowed: " in str(caught.value)
        assert "\n" not in str(caught.value)
        words = str(caught.value).partition("This fits: ")[2].split(" --")
        named = dict(word.removeprefix("--").replace("-", "_").partition(" ")[::2] for word in words)
        change = {key: int(value) if value else True for key, value in named.items()}
        fits = small.model_copy(update=change)
        assert fits.batch_size * fits.accumulation == 8, "a step stays as large as it was"
        preflight(folder, fits, 250)
        if fits.batch_size < 4 and not fits.gradient_checkpointing:
            wider = small.model_copy(update={"batch_size": fits.batch_size * 2, "accumulation": fits.accumulation // 2})
            with pytest.raises(ConfigError):
                preflight(folder, wider, 250)


def test_with_a_token_budget_the_budget_that_fits_is_named(folder):
    config = DistillConfig(batch_size=16, token_budget=3000)
    total = preflight(folder, config, 250).total
    with pytest.raises(ConfigError, match="for 11 x 256 tokens") as caught:
        preflight(folder, config.model_copy(update={"max_memory": total * 0.7 / 1e9}), 250)
    budget = int(str(caught.value).partition("This fits: --token-budget ")[2])
    assert budget % 256 == 0
    assert 0 < budget < 11 * 256


@pytest.mark.parametrize("given", [{"batch_size": 4}, {"batch_size": 16, "token_budget": 2048}], ids=["rows", "budget"])
def test_pairs_need_two_rows_and_the_advice_fits_whole_pairs(folder, given):
    shapes, config = read_shapes(folder), DistillConfig(**given)
    pairs = estimate(shapes, config, 250, together=2)
    assert (pairs.rows, pairs.width) == (8, 256)
    assert pairs == estimate(shapes, DistillConfig(batch_size=8), 250)
    small = config.model_copy(update={"max_memory": pairs.total * 0.7 / 1e9})
    with pytest.raises(ConfigError, match="for 8 x 256 tokens") as caught:
        preflight(folder, small, 250, together=2)
    name, value = str(caught.value).partition("This fits: --")[2].split(" --")[0].split()
    fits = small.model_copy(update={name.replace("-", "_"): int(value)})
    assert preflight(folder, fits, 250, together=2).rows in {2, 4, 6}
    if fits.token_budget:
        assert fits.token_budget % 512 == 0


def test_the_error_says_if_no_batch_size_fits(folder):
    with pytest.raises(ConfigError, match=r"max_memory: .*No batch size fits"):
        preflight(folder, DistillConfig(max_memory=0.001), 250)


def test_a_second_model_adds_its_weights(folder):
    config = DistillConfig()
    alone, both, three = (preflight(folder, config, 64, [folder] * count) for count in range(3))
    assert both.total - alone.total == both.second_model == alone.weights
    assert three.second_model == 2 * alone.weights


def test_the_default_limit_is_the_machines_memory():
    import psutil

    assert limit(DistillConfig(max_memory=2.5)) == 2_500_000_000
    assert 0 < limit(DistillConfig()) <= psutil.virtual_memory().total


@pytest.mark.parametrize(
    ("reported", "expected"),
    [({"max_recommended_working_set_size": 5, "memory_size": 9}, 5), ({"free_memory": 7, "total_memory": 9}, 7)],
    ids=["metal", "cuda"],
)
def test_a_gpu_reports_its_limit(monkeypatch, reported, expected):
    monkeypatch.setattr(mx, "device_info", lambda: reported)
    assert limit(DistillConfig()) == expected


@pytest.mark.parametrize("fault", ["no config", "no hidden size", "cut short"])
def test_a_folder_without_shapes_is_refused_in_one_line(tmp_path, fault):
    folder = write_tiny_model(tmp_path / "model", layers=1)
    if fault == "no config":
        (folder / "config.json").unlink()
    elif fault == "no hidden size":
        (folder / "config.json").write_text(json.dumps({"vocab_size": 5}))
    else:
        (folder / "model.safetensors").write_bytes(b"\x09\0\0\0")
    with pytest.raises(ModelError, match="cannot read the shapes") as caught:
        read_shapes(folder)
    assert "\n" not in str(caught.value)
