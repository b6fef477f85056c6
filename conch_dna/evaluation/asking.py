"""Models that answer sets of prompts: a student with or without a neuron, and a teacher."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from conch_dna.evaluation.answers import answer_greedily, hold
from conch_dna.evaluation.base_answers import KeptBaseAnswers
from conch_dna.records import Sampling
from conch_dna.teachers.answers import final_answers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from conch_dna.domains.domain import Domain
    from conch_dna.domains.extract import AnswerExtractor
    from conch_dna.evaluation.asked import AskedSet
    from conch_dna.plugin.protocols import Teacher
    from conch_dna.records import Prompt
    from conch_dna.runtime.neurons import NeuronRuntime
    from conch_dna.teachers.answer_cache import CompletionCache
    from conch_dna.util.progress import Progress


class Answers(NamedTuple):
    """Answers to a set.

    :param texts: by the prompt's place; prompts without an answer are missing.
    :param tokens: of those that were decoded now; ``None`` if that is unknown.
    """

    texts: dict[int, str]
    seconds: float
    tokens: int | None


class Model(Protocol):
    """Something that answers the prompts of a set."""

    def answer(self, asked: AskedSet, *, held: bool) -> Answers:
        """Return the answers."""


@dataclass
class Student:
    """A neuron of a runtime, or its base. The base's answers are kept in the cache.

    :param cache: the root of the cache.
    """

    runtime: NeuronRuntime
    neuron: str
    cache: Path
    progress: Progress
    _free: dict[str, list[str]] = field(default_factory=dict, init=False)

    def answer(self, asked: AskedSet, *, held: bool) -> Answers:
        """Return the answer to each prompt; free answers to the same set that keep to its grammar are held ones."""
        timed = _Timed(self.progress)
        kept, free = KeptBaseAnswers(self.cache, timed), self._free.get(asked.name)
        if held and free is not None:
            texts = hold(free, kept, self.runtime, self.neuron, asked.domain, asked.prompts)
        else:
            texts = kept(self.runtime, self.neuron, asked.domain, asked.prompts, held=held)
        if not held:
            self._free[asked.name] = texts
        self.progress.advance(len(texts) - timed.answers)
        return Answers(dict(enumerate(texts)), timed.seconds, timed.tokens)


@dataclass
class _Timed:
    """Answers greedily, and measures time and tokens."""

    progress: Progress
    seconds: float = field(default=0.0, init=False)
    tokens: int = field(default=0, init=False)
    answers: int = field(default=0, init=False)

    def __call__(
        self, runtime: NeuronRuntime, neuron: str, domain: Domain, prompts: Sequence[Prompt], *, held: bool = False
    ) -> list[str]:
        """Return an answer to each prompt."""
        started = time.perf_counter()
        texts = answer_greedily(runtime, neuron, domain, prompts, held=held, answered=self.progress.advance)
        self.seconds += time.perf_counter() - started
        self.answers += len(texts)
        tokenizer = runtime.base_model.tokenizer
        self.tokens += sum(len(tokenizer.encode(text, add_special_tokens=False)) for text in texts)
        return texts


@dataclass(frozen=True)
class Taught:
    """A teacher, whose answers are final answers as its students learn them."""

    teacher: Teacher
    extractor: AnswerExtractor
    cache: CompletionCache
    progress: Progress

    def answer(self, asked: AskedSet, *, held: bool) -> Answers:
        """Return the teacher's answers; an empty or unfinished one is wrong, and a prompt that it skips is missing."""
        started = time.perf_counter()
        places = {prompt.digest: place for place, prompt in enumerate(asked.prompts)}
        sampling = Sampling(max_tokens=asked.domain.settings.max_tokens)
        texts = {}
        found = final_answers(self.teacher, asked.domain, asked.prompts, sampling, self.cache, self.extractor)
        for completion, fault in found:
            texts[places[completion.prompt]] = "" if fault else completion.text
            self.progress.advance()
        return Answers(texts, time.perf_counter() - started, None)
