"""A teacher with another tokenizer teaches, and a shuffled one teaches less."""

import random

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest
from cross_losses import cross_loss
from languages import byte_level, encode
from mlx import nn
from tiny import targets_of

from conch_dna.align.aligned_targets import align_answers, collate_aligned
from conch_dna.align.byte_projection import Projection, as_bytes
from conch_dna.align.vocabulary import vocabulary_of
from conch_dna.align.vocabulary_map import vocabulary_map
from conch_dna.config import DistillConfig
from conch_dna.data.batches import collate
from conch_dna.data.tokens import encode_chat
from conch_dna.losses.fused import CHUNK, Objective, loss_sums
from conch_dna.models.head import split
from conch_dna.plugin.protocols import Targets
from conch_dna.train import lora


def forward_kl(student, teacher, *, beta):
    return (mx.exp(teacher) * (teacher - student)).sum(axis=-1)


class TestTeaching:
    """A student learns from a teacher with another tokenizer; from a shuffled one it learns less."""

    SORTS = ("QRSUV", "56789")
    TEACHER = byte_level(300, "\n".join(str(n) for n in random.Random(5).choices(range(55555, 99999), k=3000)))

    def data(self, tokenizer, seed):
        """Examples, answers in the teacher's tokens, and soft targets; the answer to a letter prompt is letters."""
        rng = np.random.default_rng(seed)
        asked = [("".join(rng.choice([*letters], 7)), letters * 2) for letters in self.SORTS for _ in range(5)]
        turns = [[{"role": "user", "content": q}, {"role": "assistant", "content": a}] for q, a in asked]
        answers = [encode(self.TEACHER, answer) for _, answer in asked]
        targets = []
        for answer in answers:
            logits = rng.normal(size=(len(answer), len(self.TEACHER)))
            logits[np.arange(len(answer)), answer] += 8
            targets.append(targets_of(logits, 30))
        return [encode_chat(tokenizer, turn) for turn in turns], answers, targets

    def shuffled(self, targets, seed=3):
        """Give every position the distribution of a random other position."""
        rows = np.random.default_rng(seed).permutation(sum(len(t.tail) for t in targets))
        mixed = [np.concatenate([getattr(t, name) for t in targets])[rows] for name in ("ids", "log_probs", "tail")]
        cuts = np.cumsum([len(t.tail) for t in targets])[:-1]
        return [Targets(*parts) for parts in zip(*(np.split(m, cuts) for m in mixed), strict=True)]

    def batch(self, tokenizer, examples, answers, targets):
        found = align_answers([e.answer_ids for e in examples], answers, targets, tokenizer, self.TEACHER)
        return collate(examples, range(len(examples)), targets), collate_aligned(found)

    def projected(self, tokenizer, width, examples, answers, targets):
        """The teacher's distributions as soft targets in the student's tokens, concatenated."""
        projection = Projection(vocabulary_of(tokenizer), width)
        in_bytes = [as_bytes(self.TEACHER, a, t) for a, t in zip(answers, targets, strict=True)]
        found = [projection.targets(t, e.answer_ids, 30) for t, e in zip(in_bytes, examples, strict=True)]
        return [mx.array(np.concatenate([getattr(t, n) for t in found])) for n in ("ids", "log_probs", "tail")]

    @pytest.mark.full
    @pytest.mark.parametrize("kind", ["bytes", "p_kl", "gold"])
    def test_a_shuffled_teacher_teaches_less(self, tiny_model, kind):
        tokenizer = tiny_model.tokenizer
        tiny_model.model.model.norm.weight = mx.full((32,), 4.0)  # small hidden states can prefer nothing strongly
        between = vocabulary_map(tokenizer, self.TEACHER)
        training, held_out = self.data(tokenizer, 1), self.data(tokenizer, 2)
        assert any(len(a) < len(e.answer_ids) for e, a in zip(training[0], training[1], strict=True)), "numerals merge"
        config = DistillConfig(rank=8)
        objective = Objective(forward_kl, alpha=1.0)

        def mean(body, head, signal, kind):
            """Return the mean loss of a batch as an mx scalar."""
            batch, aligned = self.batch(tokenizer, *signal)
            if kind == "bytes":
                loss = tuple(self.projected(tokenizer, tiny_model.width, *signal))
            else:
                loss = cross_loss(kind, aligned, between, forward_kl)
            hidden = body(mx.array(batch.ids_BT))[mx.array(batch.rows_N), mx.array(batch.cols_N)]
            assert len(batch.labels_N) <= CHUNK
            return loss_sums(hidden, head, mx.array(batch.labels_N), loss, objective)[0] / len(batch.labels_N)

        def after(targets):
            """Train on the targets, and return the divergence from the true teacher on the held-out answers."""
            mx.random.seed(0)
            with lora.attached(tiny_model.model, config):
                body, head = split(tiny_model.model)
                # At 0.01 training does not converge, and right and wrong teachers give the same result.
                optimizer = optim.Adam(learning_rate=optim.cosine_decay(0.003, 30))
                signal = training[0], training[1], targets
                step = nn.value_and_grad(tiny_model.model, lambda: mean(body, head, signal, kind))
                for _ in range(30 if targets else 0):
                    _, grad = step()
                    optimizer.update(tiny_model.model, optim.clip_grad_norm(grad, 1.0)[0])
                    mx.eval(tiny_model.model.trainable_parameters(), optimizer.state)
                return float(mean(body, head, held_out, "p_kl"))

        untrained, right, wrong = after(None), after(training[2]), after(self.shuffled(training[2]))
        assert right < 0.5 * untrained
        assert right < wrong - 0.3
