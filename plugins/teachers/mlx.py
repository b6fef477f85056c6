"""The ``mlx`` teacher: any mlx-lm model, live, with the domain's context as its privilege.

With the student's own base as its model this is context distillation: the teacher sees system prompt, tools and
examples, the student only the bare prompt. The context goes through the model once and is reused for every prompt.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from conch_dna import hookimpl
from conch_dna.errors import TeacherError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conch_dna.interfaces import Targets, TeacherFactory, TeacherRequest
    from conch_dna.models.load import LoadedModel
    from conch_dna.records import Completion, Prompt, Sampling

ROWS = 8  # sequences scored together
PROBE = "Zwölf boxers' 1,024 quick\n\tjumps — 3.14 €; x_y=[] 中文 🐚"


class MlxTeacher:
    """Answers in batches and gives top-k distributions over any answer."""

    def __init__(self, request: TeacherRequest) -> None:
        self.domain, self.ref = request.domain, request.model or request.student
        if not self.ref:
            raise TeacherError("needs a model", where="teacher mlx", next_step="Write mlx:MODEL")
        self._student = request.base
        # A teacher that is the student's own base loads no second copy.
        self._is_student = self._student is not None and self.ref == request.student
        self._loaded: LoadedModel | None = None
        self._prefix: list[int] = []
        self._cache: list[Any] | None = None

    @cached_property
    def capabilities(self) -> frozenset[str]:
        """Text; soft targets too, where the student has the same tokenizer. Loads the tokenizer at most."""
        return frozenset({"text", "top_k"} if self._same_tokenizer() else {"text"})

    @property
    def fingerprint(self) -> str:
        """The weights' digest and the context's; loads no weights."""
        from conch_dna.models import refs
        from conch_dna.records import digest_of

        return f"mlx:{digest_of([refs.digest(refs.resolve(self.ref)), self.domain.context_digest])}"

    @property
    def loaded(self) -> LoadedModel:
        """The model, loaded on first use."""
        if self._loaded is None:
            from conch_dna.models.load import load

            self._loaded = self._student() if self._student and self._is_student else load(self.ref)
        return self._loaded

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield answers as they finish."""
        from conch_dna.records import Completion
        from conch_dna.runtime.generate import answer_many

        model, tokenizer = self.loaded.model, self.loaded.tokenizer
        for answer in answer_many(model, tokenizer, [self._ids(p) for p in prompts], sampling):
            yield Completion(
                prompt=prompts[answer.place].digest,
                text=tokenizer.decode(answer.tokens),
                finish_reason="stop" if answer.finished else "length",
                teacher=self.fingerprint,
                sampling=sampling,
            )

    def score(self, prompts: Sequence[Prompt], answers: Sequence[Sequence[int]], top_k: int) -> list[Targets]:
        """Return the top-k distributions over ``answers``; the context's keys and values are computed once."""
        contexts = [self._ids(p) for p in prompts]
        cut, cache = self._prefilled(contexts)
        suffixes = [context[cut:] for context in contexts]
        found: list[Targets] = []
        for start in range(0, len(prompts), ROWS):
            rows = slice(start, start + ROWS)
            found += self._score_rows(suffixes[rows], answers[rows], cache, top_k)
        return found

    def close(self) -> None:
        """Let go of the model; one that is shared stays with its owner."""
        self._loaded = None
        self._prefix, self._cache = [], None

    def _prefilled(self, contexts: Sequence[list[int]]) -> tuple[int, list[Any] | None]:
        """Return how many tokens all contexts share with the prefix in the cache, and the cache; kept between calls."""
        from conch_dna.runtime.generate import prefill, shared_prefix

        size = len(self._prefix)
        if self._cache is None or any(c[:size] != self._prefix or len(c) == size for c in contexts):
            self._prefix = shared_prefix(contexts) if len(contexts) > 1 else []
            self._cache = prefill(self.loaded.model, self._prefix)
        return len(self._prefix) if self._cache else 0, self._cache

    def _same_tokenizer(self) -> bool:
        """Tell whether a token id means the same to teacher and student."""
        if self._student is None or self._is_student:
            return True
        from mlx_lm.tokenizer_utils import load

        from conch_dna.models import refs

        ours, theirs = self._student().tokenizer, load(refs.resolve(self.ref))
        same_words: bool = ours.get_vocab() == theirs.get_vocab()
        return same_words and ours.encode(PROBE) == theirs.encode(PROBE)

    def _ids(self, prompt: Prompt) -> list[int]:
        from conch_dna.data.tokens import prompt_ids

        return prompt_ids(self.loaded.tokenizer, self.domain.with_context(prompt))

    def _score_rows(
        self, suffixes: Sequence[Sequence[int]], answers: Sequence[Sequence[int]], cache: list[Any] | None, top_k: int
    ) -> list[Targets]:
        import mlx.core as mx
        import numpy as np

        from conch_dna.interfaces import Targets
        from conch_dna.runtime.generate import widen
        from conch_dna.train.lora import split
        from conch_dna.train.objective import bucket

        width = max(len(s) + len(a) for s, a in zip(suffixes, answers, strict=True))
        ids = np.zeros((len(suffixes), width), np.int32)
        for row, (suffix, answer) in enumerate(zip(suffixes, answers, strict=True)):
            ids[row, : len(suffix) + len(answer)] = [*suffix, *answer]
        body, head = split(self.loaded.model)
        hidden_BTD = body(mx.array(ids), cache=widen(cache, len(suffixes)) if cache else None)
        found = []
        for row, (suffix, answer) in enumerate(zip(suffixes, answers, strict=True)):
            places = slice(len(suffix) - 1, len(suffix) - 1 + len(answer))
            logits_TV = head(hidden_BTD[row, places]).astype(mx.float32)
            k = min(top_k, logits_TV.shape[-1] - 1)
            ids_TK = mx.argpartition(-logits_TV, k, axis=-1)[:, :k]
            order_TK = mx.argsort(-mx.take_along_axis(logits_TV, ids_TK, axis=-1), axis=-1)
            ids_TK = mx.take_along_axis(ids_TK, order_TK, axis=-1).astype(mx.int32)
            log_probs_TK = bucket(logits_TV, ids_TK)
            found.append(Targets(np.array(ids_TK), np.array(log_probs_TK[:, :-1]), np.array(log_probs_TK[:, -1])))
        return found


@hookimpl
def register_teachers() -> Mapping[str, TeacherFactory]:
    """Provide the teacher."""
    return {"mlx": MlxTeacher}
