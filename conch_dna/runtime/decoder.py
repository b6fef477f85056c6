"""The decoding loop of every generator, on mlx-lm's ``BatchGenerator``.

:class:`Decoder` runs the requests of an :class:`~conch_dna.runtime.engine.Engine`, the answers of a
:class:`~conch_dna.runtime.neurons.NeuronRuntime` and the rollouts of training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mlx.core as mx
from mlx_lm.generate import BatchGenerator, StopSequences

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from conch_dna.runtime.samplers import Sampler


class _InFloat32:
    """A model that returns float32 logits: mlx-lm normalises and samples in the dtype of the logits."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __call__(self, ids_BT: mx.array, cache: list[Any]) -> mx.array:
        logits_BTV: mx.array = self._model(ids_BT, cache=cache).astype(mx.float32)
        return logits_BTV

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


class Decoder:
    """A batch that sequences join and leave; each step gives every sequence in it one token.

    :param model: called as ``model(ids_BT, cache=caches)``.
    :param ends: token ids that end a sequence.
    :param batch: maximum number of sequences that run at once; the others wait their turn.
    """

    def __init__(self, model: Any, ends: Collection[int], batch: int) -> None:
        self._ends = StopSequences([[token] for token in sorted(ends)] or None)
        self._generator = BatchGenerator(
            _InFloat32(model), completion_batch_size=batch, prefill_batch_size=max(1, batch // 2)
        )

    @property
    def stream(self) -> Any:
        """The mlx stream that the batch is computed on."""
        return self._generator.stream

    def add(
        self,
        segments: Sequence[list[int]],
        sampler: Sampler,
        max_tokens: int,
        *,
        caches: list[Any],
        known: Sequence[int] = (),
        processors: Sequence[Any] = (),
    ) -> int:
        """Add a sequence; return the number by which :meth:`step` reports it.

        :param segments: the prompt in parts; no forward pass crosses their boundaries.
        :param caches: one cache per layer, holding ``known``; the batch copies them.
        :param known: the tokens before the prompt.
        :param processors: map the tokens so far and the logits (1, V) to logits, in order.
        """
        (number,) = self._generator.insert_segments(
            [list(segments)],
            max_tokens=[max_tokens],
            caches=[caches],
            all_tokens=[list(known)],
            samplers=[sampler],
            logits_processors=[list(processors)],
            stop_sequences=[self._ends],
        )
        return int(number)

    def step(self) -> tuple[list[int], list[Any]]:
        """Run one step; return the sequences of which a segment was read to its end, and the new tokens.

        :returns: numbers of sequences, and mlx-lm's responses: ``uid``, ``token``, ``logprobs`` float32 (V,) at
            temperature 1, and ``finish_reason``, which is ``stop`` after one of the end tokens.
        """
        read, responses = self._generator.next()
        return [one.uid for one in read if one.end_of_segment], responses

    def caches_of(self, number: int) -> list[Any]:
        """Return the caches of one sequence, one per layer."""
        caches, _ = self._generator.extract_cache([number])[number]
        return list(caches)

    def remove(self, number: int) -> None:
        """Remove a sequence before its end."""
        self._generator.remove([number])

    def close(self) -> None:
        """Release the batch."""
        self._generator.close()
