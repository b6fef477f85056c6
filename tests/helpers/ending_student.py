"""A tiny model whose sampled answers come to an end by themselves."""

import mlx.core as mx
from projects import prompts_of, write_student

from conch_dna.data.tokens import prompt_ids
from conch_dna.models.load import load


def write_ending_student(folder):
    """A model that ends its turn at about every eighth token it samples, wherever it is."""
    base = load(str(write_student(folder)))
    turns = [prompt_ids(base.tokenizer, row["messages"]) for row in prompts_of(4)]
    mean_D = mx.stack([base.model.model(mx.array([ids]))[0, -8:].mean(axis=0) for ids in turns]).mean(axis=0)
    weights = mx.load(str(folder / "model.safetensors"))
    head_VD = weights["lm_head.weight"]
    head_VD[base.tokenizer.eos_token_id] = mean_D * (3.5 / mean_D.square().sum())
    mx.save_safetensors(str(folder / "model.safetensors"), weights, {"format": "mlx"})
    return folder
