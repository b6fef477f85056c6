"""Engines over tiny bases of any architecture, neurons for them, and the answers of each one alone."""

import json

import mlx.core as mx
from architectures import build
from mlx_lm.generate import generate_step
from mlx_lm.models.cache import make_prompt_cache
from mlx_lm.utils import load_tokenizer
from projects import write_neuron
from tiny import write_tokenizer

from conch_dna.data.alora import split_at_invocation
from conch_dna.models.load import LoadedModel
from conch_dna.records import Sampling
from conch_dna.registry.adapter import read_adapter
from conch_dna.registry.card import CardFields, write_card
from conch_dna.registry.store import Registry
from conch_dna.runtime.engine import Engine
from conch_dna.runtime.neuron_layers import Alone

END = 7  # ends some answers early

NAMES = ("a", "b", "c", "d")
START = [3, 9, 27, 17, 51, 25, 11, 33, 35, 41, 59, 49, 19, 57, 43, 1, 2, 8]
PROMPTS = [[5], [9, 8, 4], START, [*START, 4, 60], [*START, 13], [6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6], [*START, *START]]
INVOCATION_TOKENS = (62, 61)
WITH_INVOCATION = [
    [*INVOCATION_TOKENS], [*START, *INVOCATION_TOKENS], [*START, *INVOCATION_TOKENS, 4],
    [*START, 9, 9, *INVOCATION_TOKENS],
    [*START, *INVOCATION_TOKENS, *START, *INVOCATION_TOKENS, 13],
    [*START, *INVOCATION_TOKENS, *START, 5, 62], [*START, *START, *INVOCATION_TOKENS],
]  # fmt: skip
SHORT = Sampling(max_tokens=6)


def write_base(folder, name, *, bits=None, tokens=64, about=(), **changes):
    """Return a base that ends its answers with token 7; ``about`` is added to its ``config.json``."""
    folder.mkdir(parents=True)
    write_tokenizer(folder)
    (folder / "config.json").write_text(json.dumps({"vocab_size": tokens, **dict(about)}))
    model = build(name, bits=bits, vocab_size=tokens, **changes)
    return LoadedModel(model, load_tokenizer(folder, eos_token_ids=[END]), folder, f"sha256:{name}", name)


def fields_of(base, digest=None, invocation_tokens=()):
    return CardFields(
        base=base.ref, base_digest=digest or base.digest, teacher="t", teacher_fingerprint="t", data_digest="d",
        invocation_tokens=invocation_tokens,
    )  # fmt: skip


def publish(registry, base, folder, *names, **options):
    """Publish a random neuron for each name, each with its own seed."""
    for seed, name in enumerate(names, 1):
        made = write_neuron(folder / f"{name}-{seed}", base.model, seed, **options)
        registry.publish(name, made, fields_of(base))


def publish_activated(registry, base, folder, *names, first=21, invocation_tokens=INVOCATION_TOKENS):
    """Publish a random neuron for each name that acts from the invocation tokens on."""
    for seed, name in enumerate(names, first):
        made = write_neuron(folder / f"{name}-{seed}", base.model, seed)
        config = made / "adapter_config.json"
        config.write_text(json.dumps({**json.loads(config.read_text()), "alora_invocation_tokens": invocation_tokens}))
        registry.publish(name, made, fields_of(base, invocation_tokens=invocation_tokens))


def publish_mismatched(registry, base, folder, name, invocation_tokens=()):
    """Publish the adapter in ``folder``, and change the invocation tokens in its card."""
    entry = registry.publish(name, folder, fields_of(base, invocation_tokens=read_adapter(folder).invocation_tokens))
    write_card(entry.card.model_copy(update={"invocation_tokens": invocation_tokens}), entry.path)


def served(folder, name, neurons, *, base=None, **options):
    """Return an engine over a fresh tiny base with these neurons published."""
    base = base or write_base(folder / "base", name)
    registry = Registry(folder / "registry")
    publish(registry, base, folder / "neurons", *neurons)
    return Engine(base, registry, **options)


class Solo:
    """Greedy tokens of one prompt at a time, with a cache of its own, from the base or what was wanted.

    Of a neuron with a invocation tokens the base reads what stands before, and the neuron the rest.
    """

    def __init__(self, engine):
        self.engine, self.known = engine, {}

    def __call__(self, wanted, prompt, limit):
        key = (wanted and wanted.digest, tuple(prompt))
        tokens = self.known.get(key, [])
        if len(tokens) < limit and END not in tokens:
            tokens = self.known[key] = self.tokens(wanted, prompt, limit)
        tokens = tokens[:limit]
        return tokens[: tokens.index(END)] if END in tokens else tokens

    def tokens(self, wanted, prompt, limit):
        delta = None if wanted is None else Alone(self.engine._cache.get(wanted))
        found, model = [], self.engine.base_model.model
        caches = make_prompt_cache(model)
        if wanted is not None and wanted.invocation_tokens:
            context, prompt = split_at_invocation(prompt, wanted.invocation_tokens)
            if context:
                with self.engine._switch.adding(None):
                    mx.eval(model(mx.array([context]), cache=caches))
        with self.engine._switch.adding(delta):
            for token, _ in generate_step(mx.array(prompt), model, max_tokens=limit, prompt_cache=caches):
                found.append(int(token))
                if token == END:
                    break
        return found
