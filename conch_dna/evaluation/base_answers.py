"""The base's answers to held-out prompts, kept on disk: only the first run that asks a prompt decodes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conch_dna.data.tool_form import student_turns
from conch_dna.evaluation.answers import answer_greedily, greedy
from conch_dna.kernels import bf16
from conch_dna.records import SCHEMA_VERSION, Completion, digest_of
from conch_dna.registry.aliases import BASE
from conch_dna.runtime.grammar import grammar_of
from conch_dna.teachers.answer_cache import CompletionCache
from conch_dna.util.cache_lock import writing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from conch_dna.domains.domain import Domain
    from conch_dna.evaluation.answers import Answerer
    from conch_dna.records import Prompt
    from conch_dna.runtime.neurons import NeuronRuntime


@dataclass(frozen=True)
class KeptBaseAnswers:
    """Answers prompts; the base's greedy answers are kept in the cache of answers, under the name of the base.

    :param cache: the root of the cache.
    :param answer: answers what is not kept.
    """

    cache: Path
    answer: Answerer = answer_greedily

    def __call__(
        self, runtime: NeuronRuntime, neuron: str, domain: Domain, prompts: Sequence[Prompt], *, held: bool = False
    ) -> list[str]:
        """Return an answer to each prompt; one that is damaged on disk is made again."""
        if neuron != BASE:
            return self.answer(runtime, neuron, domain, prompts, held=held)
        kept, base = CompletionCache.within(self.cache), f"{BASE}:{runtime.base_model.digest}"
        keys = [_key(base, domain, prompt, held=held) for prompt in prompts]
        with writing(kept.root):
            found = {key: completion.text for key in keys if (completion := kept.get(key))}
            missing = {key: prompt for key, prompt in zip(keys, prompts, strict=True) if key not in found}
            texts = self.answer(runtime, neuron, domain, list(missing.values()), held=held) if missing else []
            for (key, prompt), text in zip(missing.items(), texts, strict=True):
                kept.put(key, Completion(prompt=prompt.digest, text=text, teacher=base, sampling=greedy(domain)))
                found[key] = text
        return [found[key] for key in keys]


def _key(base: str, domain: Domain, prompt: Prompt, *, held: bool) -> str:
    """Return the sha256 of everything that the answer depends on."""
    form = grammar_of(prompt.offered) if held else "free"
    asked = [student_turns(prompt), form, *([f"bf16-{bf16.unit()}"] if bf16.unit() else [])]
    return digest_of([SCHEMA_VERSION, base, greedy(domain).model_dump(mode="json"), asked])
