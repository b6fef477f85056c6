"""A real model folder small enough for any test: four-layer, byte-level, ChatML, seeded random weights."""

import json
import random
from pathlib import Path

import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from conch_dna.plugin.protocols import Targets

MERGES = ["Ġ t", "h e", "Ġt he", "i n", "Ġ a", "e r", "o n", "Ġ s", "a n", "Ġ 1", "r e", "e n", "o u", "Ġa n"]
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
EXTRA = {
    "llama": {"rope_theta": 10_000.0},
    "qwen2": {"rope_theta": 10_000.0},
}


def random_model(config, seed):
    """Return the mlx-lm model of a configuration with seeded weights, leaving the global random state as it was."""
    import mlx.core as mx
    from mlx_lm.utils import _get_classes

    high, low = mx.random.state[0].tolist()
    mx.random.seed(seed)
    model_class, arguments = _get_classes(config)
    model = model_class(arguments.from_dict(config))
    mx.eval(model.parameters())
    mx.random.seed(high << 32 | low)
    return model


def write_tiny_model(
    folder, *, seed=0, arch="llama", tied=True, layers=4, bits=None, mode="affine", width=32, padding=3
):
    """Write a model that ``conch_dna.models.load.load`` and stock mlx-lm load, and return its folder.

    Token id 0 is ``!``, so that padding with 0 pads with a real id.

    :param arch: ``llama`` or ``qwen2``.
    :param tied: whether the head is the transposed embedding.
    :param bits: quantise linear layers and embedding, in groups of 32, in the way that ``mode`` names.
    :param padding: rows of the head beyond the tokenizer's ids.
    """
    import mlx.core as mx
    from mlx.utils import tree_flatten
    from mlx_lm.utils import quantize_model

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = write_tokenizer(folder)
    config = {
        "model_type": arch, "hidden_size": width, "num_hidden_layers": layers, "intermediate_size": 2 * width,
        "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-5, "vocab_size": vocabulary + padding,
        "max_position_embeddings": 4096, "tie_word_embeddings": tied, "bos_token_id": vocabulary - 3,
        "eos_token_id": vocabulary - 1, **EXTRA[arch],
    }  # fmt: skip
    model = random_model(config, seed)
    if bits:
        model, config = quantize_model(model, config, group_size=32, bits=bits, mode=mode)
    mx.save_safetensors(str(folder / "model.safetensors"), dict(tree_flatten(model.parameters())), {"format": "mlx"})
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    return folder


def write_tokenizer(folder):
    """Write tokenizer.json and tokenizer_config.json; return the number of tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = alphabet + [merge.replace(" ", "") for merge in MERGES]
    merges = [tuple(merge.split(" ")) for merge in MERGES]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    tokenizer.save(str(folder / "tokenizer.json"))
    about = {
        "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>", "bos_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>", "clean_up_tokenization_spaces": False, "model_max_length": 4096,
        "chat_template": TEMPLATE,
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(about, indent=1))
    return tokenizer.get_vocab_size()


def chats(count, seed=0, *, words=(1, 9)):
    """Return conversations of one question and one answer, of different lengths."""
    rng = random.Random(seed)
    vocabulary = ["the", "thing", "in", "an", "hour", "or", "on", "a", "train,", "12", "apples", "and", "3", "15!"]

    def text():
        return " ".join(rng.choices(vocabulary, k=rng.randint(*words)))

    return [[{"role": "user", "content": text()}, {"role": "assistant", "content": text()}] for _ in range(count)]


def soft_targets(examples, k=5, seed=0, vocabulary=273):
    """Return random targets for the examples' answers, with some mass outside the k ids."""
    rng = np.random.default_rng(seed)
    found = []
    for example in examples:
        length = len(example.answer_ids)
        logits = rng.normal(size=(length, vocabulary)) * 2
        found.append(targets_of(logits, k))
    return found


def targets_of(logits_TV, k):
    """Return the top-k distributions of float64 logits."""
    log_probs = logits_TV - np.logaddexp.reduce(logits_TV, axis=-1, keepdims=True)
    order = np.argsort(-log_probs, axis=-1)
    ids = order[:, :k]
    rest = np.take_along_axis(log_probs, order[:, k:], axis=-1)
    tail = np.logaddexp.reduce(rest, axis=-1)
    top = np.take_along_axis(log_probs, ids, axis=-1)
    return Targets(ids.astype(np.int32), top.astype(np.float32), tail.astype(np.float32))
