"""The ``mlx`` teacher: any mlx-lm model, live; only the teacher sees the domain's context.

If its model is the student's own base, this is context distillation: the teacher sees system prompt, tools and
examples, the student only the bare prompt. The context is processed once and reused for every prompt. While that base
is being trained, the teacher is the same weights with the adapter switched off.

Imports of mlx and ``conch_dna`` wait inside functions: ``conch --help`` loads this file.
"""

from __future__ import annotations

import contextlib
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from conch_dna import hookimpl
from conch_dna.errors import TeacherError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import mlx.core as mx

    from conch_dna.models.load import LoadedModel
    from conch_dna.plugin.protocols import Targets, TeacherFactory, TeacherRequest
    from conch_dna.records import Completion, Prompt, Sampling, SoftToken

ROWS = 8  # sequences scored together


class MlxTeacher:
    """Answers in batches, and returns top-k distributions over any answer or text."""

    def __init__(self, request: TeacherRequest) -> None:
        from conch_dna.models.refs import same_model

        self.domain, self.ref = request.domain, request.model or request.student
        if not self.ref:
            raise TeacherError("needs a model", where="teacher mlx", next_step="Write mlx:MODEL")
        self._student, self._student_ref = request.base, request.student
        # The student's own base is not loaded a second time.
        self._is_student = same_model(self.ref, request.student)
        self._loaded: LoadedModel | None = None
        self._in_bf16 = contextlib.ExitStack()
        self._prefix: list[int] = []
        self._cache: list[Any] | None = None

    @cached_property
    def capabilities(self) -> frozenset[str]:
        """Text and soft targets, in the student's tokens if the tokenizers are equal. Loads the tokenizers at most."""
        return frozenset({"text", "top_k"} if self._same_tokenizer() else {"text", "own_top_k", "forced"})

    @cached_property
    def tokenizer(self) -> Any:
        """The teacher's tokenizer; loads no weights."""
        from conch_dna.models.load import load_tokenizer

        return load_tokenizer(self.ref)

    @cached_property
    def config(self) -> dict[str, Any]:
        """The model's ``config.json``."""
        from mlx_lm.utils import load_config

        from conch_dna.models import refs

        return dict(load_config(refs.resolve(self.ref)))

    @property
    def folder(self) -> Path | None:
        """The folder of the weights loaded in addition to the student's; ``None`` if they are the student's own."""
        from conch_dna.models import refs

        return None if self._is_student else refs.resolve(self.ref)

    @property
    def fingerprint(self) -> str:
        """The digests of the weights and of the context; loads no weights."""
        from conch_dna.models import refs
        from conch_dna.records import digest_of

        return f"mlx:{digest_of([refs.digest(refs.resolve(self.ref)), self.domain.context_digest])}"

    @property
    def loaded(self) -> LoadedModel:
        """The model, loaded on first use."""
        if self._loaded is None:
            from conch_dna.kernels.bf16 import in_bf16
            from conch_dna.models.load import load

            self._loaded = self._student() if self._student and self._is_student else load(self.ref)
            # For as long as it is loaded: each answer is a block of its own, which would pack all weights again.
            self._in_bf16.enter_context(in_bf16(self._loaded.model))
        return self._loaded

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield answers as they finish."""
        from conch_dna.records import Completion
        from conch_dna.runtime.generate import answer_many

        model, tokenizer = self.loaded.model, self.loaded.tokenizer
        waiting = answer_many(model, tokenizer, [self._ids(p) for p in prompts], sampling)
        while True:
            with _as_teacher(model):  # per answer, because between two answers the caller may use the adapter
                answer = next(waiting, None)
            if answer is None:
                return
            yield Completion(
                prompt=prompts[answer.place].digest,
                text=tokenizer.decode(answer.tokens),
                finish_reason="stop" if answer.finished else "length",
                teacher=self.fingerprint,
                sampling=sampling,
            )

    def score(self, prompts: Sequence[Prompt], answers: Sequence[Sequence[int]], top_k: int) -> list[Targets]:
        """Return the top-k distributions over ``answers``; the context's keys and values are computed once.

        If student and teacher end a turn with different tokens, the two tokens are swapped.

        :raises TeacherError: an answer contains an id that the teacher does not have.
        """
        from conch_dna.models.head import split
        from conch_dna.models.load import token_count

        loaded = self.loaded
        if (largest := max((max(a, default=0) for a in answers), default=0)) >= loaded.width:
            raise TeacherError("has no token with this id", where=self.fingerprint, got=largest,
                               allowed=f"0 to {loaded.width - 1}")  # fmt: skip
        known = token_count(loaded.tokenizer)
        contexts = [self._ids(p) for p in prompts]
        found: list[Targets] = []
        with _as_teacher(loaded.model):
            cut, cache = self._prefilled(contexts)
            suffixes = [context[cut:] for context in contexts]
            body, head = split(loaded.model)
            parts = body, _exchanging(head, self._ends) if self._ends else head
            for start in range(0, len(prompts), ROWS):
                rows = slice(start, start + ROWS)
                found += _score_rows(parts, suffixes[rows], answers[rows], cache, top_k, known)
        return found

    def score_text(self, prompts: Sequence[Prompt], texts: Sequence[str], top: int) -> list[tuple[SoftToken, ...]]:
        """Return the tokens of each text as bytes, with their ``top`` likeliest choices, the end of the turn last.

        The tuple is empty for a text that the tokenizer reads with special tokens, or does not spell.
        """
        from conch_dna.align.byte_projection import as_bytes
        from conch_dna.align.offsets import byte_spans
        from conch_dna.align.vocabulary import vocabulary_of

        vocabulary = vocabulary_of(self.tokenizer)
        found: dict[int, list[int]] = {}
        for place, text in enumerate(texts):
            ids = list(self.tokenizer.encode(text, add_special_tokens=False))
            if not vocabulary.added.intersection(ids) and byte_spans(vocabulary, ids).text == text.encode():
                found[place] = [*ids, self._end]
        scored = self.score([prompts[place] for place in found], list(found.values()), top)
        choices = dict(zip(found, map(partial(as_bytes, self.tokenizer), found.values(), scored), strict=True))
        return [choices.get(place, ()) for place in range(len(texts))]

    def close(self) -> None:
        """Release the model; a shared one stays loaded by its owner."""
        self._in_bf16.close()
        self._loaded = None
        self._prefix, self._cache = [], None

    def _prefilled(self, contexts: Sequence[list[int]]) -> tuple[int, list[Any] | None]:
        """Return the number of tokens that all contexts share with the cached prefix, and the cache.

        The prefix is common to the domain's prompts, too, so that later calls can reuse it.
        """
        from conch_dna.runtime.row_caches import prefill, shared_prefix

        size = len(self._prefix)
        if self._cache is None or any(c[:size] != self._prefix or len(c) == size for c in contexts):
            self._prefix = shared_prefix([*contexts, *map(self._ids, self.domain.prompts)])
            self._cache = prefill(self.loaded.model, self._prefix)
        return len(self._prefix) if self._cache else 0, self._cache

    def _same_tokenizer(self) -> bool:
        """Return whether a token id means the same to teacher and student."""
        if self._is_student or not self._student_ref:
            return True
        from conch_dna.models.load import load_tokenizer
        from conch_dna.teachers.compatibility import same_tokenizer

        return same_tokenizer(load_tokenizer(self._student_ref), self.tokenizer)

    @cached_property
    def _end(self) -> int:
        """The teacher's end-of-turn token."""
        from conch_dna.teachers.compatibility import Party, end_of_turn

        return end_of_turn(Party("teacher", self.tokenizer))

    @cached_property
    def _ends(self) -> list[int]:
        """The end-of-turn tokens of teacher and student, if these are two tokens of one tokenizer; otherwise empty."""
        if self._is_student or not self._student_ref or "top_k" not in self.capabilities:
            return []
        from conch_dna.models.load import load_tokenizer
        from conch_dna.teachers.compatibility import Party, end_of_turn

        ends = [self._end, end_of_turn(Party("student", load_tokenizer(self._student_ref)))]
        return ends if ends[0] != ends[1] else []

    def _ids(self, prompt: Prompt) -> list[int]:
        from conch_dna.data.tokens import prompt_ids

        return prompt_ids(self.loaded.tokenizer, self.domain.with_context(prompt))


@contextlib.contextmanager
def _as_teacher(model: Any) -> Iterator[None]:
    """Switch the model's adapter off, and use the same arithmetic inside and outside training.

    Otherwise a resumed training could see a context that was computed with different last bits.
    """
    from conch_dna.kernels.patch import fast_ops
    from conch_dna.train.lora import switched_off

    with switched_off(model), fast_ops(model):
        yield


def _exchanging(head: Callable[[mx.array], mx.array], ids: list[int]) -> Callable[[mx.array], mx.array]:
    """Return a head that swaps the logits of two ids."""
    import mlx.core as mx

    def exchanged(hidden_ND: mx.array) -> mx.array:
        logits_NV = head(hidden_ND)
        logits_NV[:, mx.array(ids)] = logits_NV[:, mx.array(ids[::-1])]
        return logits_NV

    return exchanged


def _score_rows(
    parts: tuple[Callable[..., mx.array], Callable[[mx.array], mx.array]],
    suffixes: Sequence[Sequence[int]],
    answers: Sequence[Sequence[int]],
    cache: list[Any] | None,
    top_k: int,
    known: int,
) -> list[Targets]:
    """Score a few answers in one forward pass of ``parts``: the model's body and head."""
    import mlx.core as mx
    import numpy as np

    from conch_dna.runtime.row_caches import widen

    width = max(len(s) + len(a) for s, a in zip(suffixes, answers, strict=True))
    ids = np.zeros((len(suffixes), width), np.int32)
    for row, (suffix, answer) in enumerate(zip(suffixes, answers, strict=True)):
        ids[row, : len(suffix) + len(answer)] = [*suffix, *answer]
    body, head = parts
    hidden_BTD = body(mx.array(ids), cache=widen(cache, len(suffixes)) if cache else None)
    found = []
    for row, (suffix, answer) in enumerate(zip(suffixes, answers, strict=True)):
        places = slice(len(suffix) - 1, len(suffix) - 1 + len(answer))
        found.append(_targets(head(hidden_BTD[row, places]).astype(mx.float32), answer, top_k, known))
    return found


def _targets(logits_TV: mx.array, answer: Sequence[int], top_k: int, known: int) -> Targets:
    """Return the distributions behind the logits and the log-probabilities of the answer's own tokens.

    :param known: ids from here on are padding of the head and part of the tail; a student's head may have less.
    """
    import mlx.core as mx
    import numpy as np

    from conch_dna.losses.fused import bucket
    from conch_dna.plugin.protocols import Targets

    k = min(top_k, known, logits_TV.shape[-1] - 1)
    ids_TK = mx.argpartition(-logits_TV[:, :known], min(k, known - 1), axis=-1)[:, :k]
    order_TK = mx.argsort(-mx.take_along_axis(logits_TV, ids_TK, axis=-1), axis=-1)
    ids_TK = mx.take_along_axis(ids_TK, order_TK, axis=-1).astype(mx.int32)
    log_probs_TK = bucket(logits_TV, ids_TK)
    tokens_T1 = mx.array(np.array(answer, np.int32))[:, None]
    chosen_T = mx.take_along_axis(logits_TV, tokens_T1, axis=-1)[:, 0] - mx.logsumexp(logits_TV, axis=-1)
    return Targets(
        np.array(ids_TK), np.array(log_probs_TK[:, :-1]), np.array(log_probs_TK[:, -1]), chosen=np.array(chosen_T)
    )


@hookimpl
def register_teachers() -> Mapping[str, TeacherFactory]:
    """Provide the teacher."""
    return {"mlx": MlxTeacher}
