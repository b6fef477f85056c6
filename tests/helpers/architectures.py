"""Tiny bases of many mlx-lm architectures: two blocks, random weights, 64 tokens, dimensions that quantise by 32."""

from tiny import random_model

SIZES = {
    "hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 64, "num_attention_heads": 2,
    "num_key_value_heads": 1, "vocab_size": 64, "rms_norm_eps": 1e-5, "max_position_embeddings": 64,
    "rope_theta": 10_000.0, "tie_word_embeddings": True,
}  # fmt: skip
UNTIED = {"tie_word_embeddings": False}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "norm_topk_prob": True}
GEMMA3 = {"head_dim": 16, "sliding_window": 8, "sliding_window_pattern": 2, "query_pre_attn_scalar": 16}
ADAPTERS = {
    "lora": {},
    "dora": {"adapter": "dora"},
    "embeddings": {"embeddings": True},
    "dora embeddings": {"adapter": "dora", "embeddings": True},
}
FEW = [[1, 5, 9, 20, 7, 3], [3, 4, 4, 9, 60, 2]]
ARCHITECTURES = {
    "llama": UNTIED,
    "qwen2": {},
    "qwen3": {"head_dim": 16},
    "qwen3_moe": {"head_dim": 16, "decoder_sparse_step": 1, "mlp_only_layers": [], **EXPERTS, **UNTIED},
    "mixtral": {"num_local_experts": 4, "num_experts_per_tok": 2},
    "gemma2": {"head_dim": 16, "final_logit_softcapping": 0.5},
    "gemma3_text": GEMMA3,
    "gemma3": {"text_config": {**SIZES, **GEMMA3, "model_type": "gemma3_text"}},
    "phi3": UNTIED,
    "granite": {
        "logits_scaling": 8.0, "attention_multiplier": 0.25, "embedding_multiplier": 12.0, "residual_multiplier": 0.22,
        "attention_bias": False, "mlp_bias": False,
    },
    "cohere": {"logit_scale": 0.0625, "layer_norm_eps": 1e-5},
    "olmo2": {},
    "starcoder2": {"norm_epsilon": 1e-5},
    "minicpm": {"dim_model_base": 16, "scale_depth": 1.4, "scale_emb": 12.0, **UNTIED},
    "gpt2": {
        "n_ctx": 32, "n_embd": 32, "n_head": 2, "n_layer": 2, "n_positions": 32, "layer_norm_epsilon": 1e-5,
    },
    "mamba2": {
        "num_heads": 4, "head_dim": 16, "state_size": 8, "layer_norm_epsilon": 1e-5, "conv_kernel": 4, "n_groups": 1,
        "use_bias": False, "use_conv_bias": True, "time_step_limit": [0.0, 10.0], "time_step_rank": "auto",
    },
    "jamba": {
        "attn_layer_offset": 1, "attn_layer_period": 2, "expert_layer_offset": 1, "expert_layer_period": 2,
        "mamba_d_conv": 4, "mamba_dt_rank": 32, "mamba_d_state": 8, "mamba_expand": 2, "num_experts": 4,
        "num_experts_per_tok": 2,
    },
}  # fmt: skip


def build(name, *, bits=None, seed=0, **changes):
    """Return the architecture's model, frozen and in evaluation mode, quantised in groups of 32 on request."""
    from mlx import nn

    model = random_model({"model_type": name, **SIZES, **ARCHITECTURES.get(name, {}), **changes}, seed)
    if bits:
        nn.quantize(model, group_size=32, bits=bits)
    model.eval()
    model.freeze()
    return model


def answers(model):
    """The model's logits of two short prompts, as float32 NumPy."""
    import mlx.core as mx
    import numpy as np

    return np.array(model(mx.array(FEW)).astype(mx.float32))


def move(model):
    """Set every tensor of the adapter on ``model`` to values with a visible effect."""
    import mlx.core as mx
    from mlx.utils import tree_flatten

    key, moved = mx.random.key(3), []
    for name, value in tree_flatten(model.trainable_parameters()):
        key, draw = mx.random.split(key)
        noise = mx.random.normal(value.shape, key=draw)
        moved.append((name, value * mx.exp(0.3 * noise) if name.endswith(".m") else 0.3 * noise))
    model.load_weights(moved, strict=False)


def write_trained(folder, model, **settings):
    """Save an adapter that changes ``model``, and restore the model."""
    from conch_dna.config import DistillConfig
    from conch_dna.train import lora

    config = DistillConfig(rank=4, **settings)
    with lora.attached(model, config):
        move(model)
        lora.save_adapter(model, config, folder)
    return folder
