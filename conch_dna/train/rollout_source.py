"""On-policy distillation (Agarwal et al. 2023, GKD): the teacher scores the student's own answers token by token."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import mlx.core as mx
import numpy as np

from conch_dna.data.alora import invocation_tokens_of
from conch_dna.data.batches import collate, cut, step_examples
from conch_dna.data.computed import without_computed
from conch_dna.data.tokens import Example, prompt_ids
from conch_dna.data.tool_form import student_turns
from conch_dna.errors import ConfigError, TeacherError, TrainingError
from conch_dna.losses.fused import label_log_probs
from conch_dna.plugin.protocols import Targets
from conch_dna.records import to_json_line
from conch_dna.runtime.computed import SpanProcessors
from conch_dna.runtime.generate import Alora
from conch_dna.teachers.soft_targets import at_trained
from conch_dna.teachers.target_cache import check_ids
from conch_dna.teachers.text_scorer import TextScorer
from conch_dna.train.lora import switched_off
from conch_dna.train.rollouts import Rollout, roll_out, rollout_seeds
from conch_dna.util.files import append, write_atomic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from conch_dna.config import DistillConfig
    from conch_dna.data.batches import Batch
    from conch_dna.models.load import LoadedModel
    from conch_dna.plugin.protocols import SpanProcessor
    from conch_dna.records import Prompt
    from conch_dna.train.recipes.settings import OnPolicySettings
    from conch_dna.train.sources import Source

STREAM = 1  # separates these draws from those of order and dropout, which are also seeded by seed and step


def on_rollouts(seed: int, fraction: float, step: int) -> bool:
    """Return whether ``step`` (from 0) trains on rollouts: one draw for each step, a pure function of seed and step."""
    draw = np.random.default_rng([seed, step, STREAM]).random()
    return bool(draw < fraction)


def reverse_kl(log_probs_N: np.ndarray, teacher_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the estimators k1 and k3 (N,) of KL(student || teacher) at sampled tokens, in nats.

    With d = log p_T(y) - log p_S(y): k1 = -d is unbiased; k3 = e^d - d - 1 is unbiased too, never negative and
    of lower variance. Both hold for tokens drawn at temperature 1.

    :param log_probs_N, teacher_N: log-probabilities of the drawn tokens under student and teacher.
    """
    d_N = teacher_N.astype(np.float64) - log_probs_N
    return -d_N, np.expm1(d_N) - d_N


@dataclass(frozen=True)
class Advantage:
    """The policy gradient of the reverse KL at sampled tokens, a :class:`~conch_dna.plugin.protocols.LogitLoss`.

    With the advantage A = -(log p_S(y) - log p_T(y)), held constant, and the importance ratio r = p_S(y) / q(y) to the
    sampler q, the loss is -A * r and its gradient -A * r * grad log p_S(y): REINFORCE with cost 1 and discount 0. Over
    y ~ q that is the gradient of KL(p_S || p_T) at this position, however old the sample, since E_q[r * grad log p_S]
    is 0. The value estimates that divergence.

    :param tokens_N: int32, the sampled tokens.
    :param sampler_N: their log-probabilities under the temperature and weights of the sampler.
    :param teacher_N: their log-probabilities under the teacher at temperature 1.
    """

    tokens_N: mx.array
    sampler_N: mx.array
    teacher_N: mx.array

    def __call__(self, logits_CV: mx.array, part: slice) -> mx.array:
        """Return the loss (C,) at the positions of ``part``."""
        log_p_C = label_log_probs(logits_CV, self.tokens_N[part])
        advantage_C = mx.stop_gradient(self.teacher_N[part] - log_p_C)
        return -advantage_C * mx.exp(log_p_C - self.sampler_N[part])


class Scorer(Protocol):
    """A scorer of rollouts: a teacher that scores tokens, or a :class:`TextScorer` around one that scores text."""

    @property
    def fingerprint(self) -> str:
        """The teacher's fingerprint."""

    def score(self, prompts: Sequence[Prompt], answers: Sequence[Sequence[int]], top_k: int) -> list[Targets]:
        """Return the distributions at each answer's tokens, or at its first tokens if the rest cannot be scored."""


class Scored(NamedTuple):
    """A rollout with the teacher's distributions; ``place`` is the index of its prompt."""

    place: int
    rollout: Rollout
    targets: Targets


@dataclass
class OnPolicySource:
    """Batches of the student's rollouts for a share of the steps, and of another source for the rest.

    One batch of rollouts serves the on-policy steps among ``settings.rollout_steps`` consecutive steps. The rollouts
    that are not yet trained on are the source's state; everything else is a pure function of seed, step and weights.

    :param student: the model in training; rollouts are drawn with the current weights of its adapter.
    :param teacher: scores the rollouts; may be the same base with the adapter switched off.
    :param prompts: the prompts to answer; steps pick from them as from given examples.
    :param fixed: the source of the other steps; ``None`` if every step trains on rollouts.
    :param journal: a JSON-lines file with one line for each rollout, for people and tools to read.
    :param processors: by name; what they compute is put into the rollouts, as at run time, and not trained.
    :raises ConfigError: the settings leave steps without batches, or importance ratios undefined.
    """

    student: LoadedModel
    teacher: Scorer
    prompts: Sequence[Prompt]
    config: DistillConfig
    settings: OnPolicySettings
    fixed: Source | None
    journal: Path
    processors: Mapping[str, SpanProcessor] = field(default_factory=dict)
    _waiting: dict[int, list[Scored]] = field(default_factory=dict)
    _started: bool = False

    def __post_init__(self) -> None:
        settings = self.settings
        if self.fixed is None and settings.fraction < 1:
            raise ConfigError(
                "the other steps have no examples", where="[distill.on_policy] fraction", got=settings.fraction,
                allowed=1, next_step="Use a teacher that answers prompts, or set it to 1",
            )  # fmt: skip
        if settings.loss == "advantage" and settings.rollout_temperature == 0:
            raise ConfigError(
                "greedy rollouts have no sampling probabilities", where="[distill.on_policy] rollout_temperature",
                got=0, allowed="above 0 for loss = advantage",
            )  # fmt: skip

    def batches(self, step: int) -> list[Batch]:
        """Return the batches of ``step`` (from 0); draw and score rollouts if none are waiting for it.

        :raises TeacherError: the teacher's scores do not match the rollouts.
        """
        if not self._started:
            _cut_journal(self.journal, step)
            self._started = True
        # Rollouts of this step stay until the next one: a checkpoint may be written before the update is done.
        self._waiting = {s: scored for s, scored in self._waiting.items() if s >= step}
        if self.fixed is not None and not on_rollouts(self.config.seed, self.settings.fraction, step):
            return self.fixed.batches(step)
        if step not in self._waiting:
            self._waiting.update(self._drawn(step))
        scored = self._waiting[step]
        examples = [self._example(one) for one in scored]
        self._note(step, scored, examples)
        passes = cut(examples, range(len(examples)), self.config)
        return [self._batch([examples[i] for i in some], [scored[i] for i in some]) for some in passes]

    def state(self) -> dict[str, np.ndarray]:
        """Return the waiting rollouts."""
        return pack(self._waiting)

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Restore the waiting rollouts of a checkpoint, so that a resumed run trains on the same ones."""
        self._waiting = unpack(arrays)

    @cached_property
    def _prompt_ids(self) -> list[list[int]]:
        return [prompt_ids(self.student.tokenizer, student_turns(p)) for p in self.prompts]

    @cached_property
    def _alora(self) -> Alora | None:
        if not self.config.activated:
            return None
        return Alora(invocation_tokens_of(self.student.tokenizer), partial(switched_off, self.student.model))

    def _drawn(self, step: int) -> dict[int, list[Scored]]:
        """Draw and score the rollouts of ``step`` and of the on-policy steps that share its batch."""
        config, settings = self.config, self.settings
        end = min(config.steps, step - step % settings.rollout_steps + settings.rollout_steps)
        steps = [s for s in range(step, end) if on_rollouts(config.seed, settings.fraction, s)]
        per_step = config.batch_size * config.accumulation
        places: list[int] = []
        seeds: list[int] = []
        for one in steps:
            picks = step_examples(len(self.prompts), per_step, config.seed, one)
            places += picks
            seeds += rollout_seeds(config.seed, one, [self.prompts[place].digest for place in picks])
        spans = SpanProcessors(self.student.tokenizer, self.processors)
        rollouts = roll_out(
            self.student.model, self.student.tokenizer, [self._prompt_ids[place] for place in places], seeds,
            max_tokens=settings.rollout_tokens, temperature=settings.rollout_temperature, alora=self._alora,
            processors=[spans.named(list(self.processors), "the student") for _ in places],
        )  # fmt: skip
        scored = [
            Scored(place, rollout.cut(len(targets.tail)), targets)
            for place, rollout, targets in zip(places, rollouts, self._scores(places, rollouts), strict=True)
        ]
        drawn = {one: scored[n * per_step : (n + 1) * per_step] for n, one in enumerate(steps)}
        found = {one: [each for each in some if each.rollout.tokens] for one, some in drawn.items()}
        if empty := [one + 1 for one, some in found.items() if not some]:
            raise TrainingError(
                "the teacher cannot score any rollout of a step", where=f"step {empty[0]}",
                next_step="Train the student with sft first, or raise batch_size",
            )  # fmt: skip
        return found

    def _scores(self, places: Sequence[int], rollouts: Sequence[Rollout]) -> list[Targets]:
        found = self.teacher.score(
            [self.prompts[place] for place in places], [r.tokens for r in rollouts], self.config.top_k
        )
        wanted = [len(r.tokens) for r in rollouts]
        got = [len(t.tail) for t in found]
        parts = isinstance(self.teacher, TextScorer) and len(got) == len(wanted)
        if got != wanted and not (parts and all(g <= w for g, w in zip(got, wanted, strict=True))):
            raise TeacherError(
                "scored a wrong number of tokens", where=self.teacher.fingerprint, got=got, allowed=wanted
            )
        check_ids(found, self.student.width, self.teacher.fingerprint)
        if self.settings.loss == "advantage" and any(t.chosen is None for t in found):
            raise TeacherError(
                "does not give the log-probability of the student's own tokens", where=self.teacher.fingerprint,
                next_step='Set [distill.on_policy] loss = "divergence"',
            )  # fmt: skip
        return found

    def _example(self, one: Scored) -> Example:
        """Return prompt and rollout as an example in which only the rollout's own tokens are trained."""
        before, tokens = self._prompt_ids[one.place], one.rollout.tokens
        trained = (False,) * len(before) + (True,) * len(tokens)
        text = one.rollout.text(self.student.tokenizer)
        example = Example((*before, *tokens), trained, len(before), len(text.encode()))
        return without_computed(self.student.tokenizer, example, list(self.processors.values()))

    def _batch(self, examples: Sequence[Example], scored: Sequence[Scored]) -> Batch:
        """Return the batch of one forward pass over these rollouts."""
        targets = [at_trained(one.targets, example) for one, example in zip(scored, examples, strict=True)]
        batch = collate(examples, range(len(examples)), targets)
        batch = batch._replace(names=tuple(one.place for one in scored), on_policy=True)
        if self.settings.loss == "divergence":
            return batch
        sampler_N = np.concatenate(
            [one.rollout.sampler_log_probs[_own(example)] for one, example in zip(scored, examples, strict=True)]
        )
        teacher_N = np.concatenate([one.chosen for one in targets if one.chosen is not None])
        return batch._replace(targets=Advantage(mx.array(batch.labels_N), mx.array(sampler_N), mx.array(teacher_N)))

    def _note(self, step: int, scored: Sequence[Scored], examples: Sequence[Example]) -> None:
        """Append the rollouts of ``step`` to the journal, in which steps count from 1 as in the metrics."""
        lines = []
        for (place, rollout, targets), example in zip(scored, examples, strict=True):
            text = rollout.text(self.student.tokenizer)
            line: dict[str, Any] = {
                "step": step + 1, "prompt": self.prompts[place].digest, "text": text,
                "finished": rollout.finished, "tokens": len(rollout.tokens),
            }  # fmt: skip
            if targets.chosen is not None and (own_R := _own(example)).any():
                k1_N, k3_N = reverse_kl(rollout.log_probs[own_R], targets.chosen[own_R])
                line |= {"k1": float(k1_N.mean()), "k3": float(k3_N.mean())}
            lines.append(to_json_line(line))
        self.journal.parent.mkdir(parents=True, exist_ok=True)
        append(self.journal, "".join(lines))


def _own(example: Example) -> np.ndarray:
    """Return bool (R,): which tokens of a rollout the student chose; the others were computed."""
    return np.array(example.answer_trained, bool)


def _cut_journal(journal: Path, steps: int) -> None:
    """Remove lines of steps after the first ``steps``, which will run again, and incomplete or damaged lines."""
    if journal.exists():
        whole = journal.read_bytes().split(b"\n")[:-1]
        write_atomic(journal, b"".join(line + b"\n" for line in whole if _step_of(line) <= steps))


def _step_of(line: bytes) -> float:
    """Return the step of a line of the journal; infinity if the line cannot be read."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf


def pack(waiting: Mapping[int, Sequence[Scored]]) -> dict[str, np.ndarray]:
    """Return M scored rollouts with N tokens in total as arrays; an empty mapping if there are none."""
    flat = [(step, *one) for step, scored in waiting.items() for one in scored]
    if not flat:
        return {}
    steps, places, rollouts, targets = zip(*flat, strict=True)
    arrays = {
        "steps_M": np.array(steps, np.int32),
        "places_M": np.array(places, np.int32),
        "finished_M": np.array([r.finished for r in rollouts], np.int32),
        "lengths_M": np.array([len(r.tokens) for r in rollouts], np.int32),
        "tokens_N": np.concatenate([np.array(r.tokens, np.int32) for r in rollouts]),
        "log_probs_N": np.concatenate([r.log_probs for r in rollouts]),
        "sampler_log_probs_N": np.concatenate([r.sampler_log_probs for r in rollouts]),
        "target_ids_NK": np.concatenate([t.ids for t in targets]),
        "target_log_probs_NK": np.concatenate([t.log_probs for t in targets]),
        "target_tail_N": np.concatenate([t.tail for t in targets]),
    }
    if all(t.chosen is not None for t in targets):
        arrays["target_chosen_N"] = np.concatenate([t.chosen for t in targets])
    return arrays


def unpack(arrays: Mapping[str, np.ndarray]) -> dict[int, list[Scored]]:
    """Return the rollouts by step from the arrays of :func:`pack`."""
    waiting: dict[int, list[Scored]] = {}
    if not arrays:
        return waiting
    ends = np.cumsum(arrays["lengths_M"])
    rows = zip(
        arrays["steps_M"], arrays["places_M"], arrays["finished_M"], ends - arrays["lengths_M"], ends, strict=True
    )
    for step, place, finished, start, end in rows:
        part = slice(start, end)
        rollout = Rollout(
            tuple(arrays["tokens_N"][part].tolist()), arrays["log_probs_N"][part],
            arrays["sampler_log_probs_N"][part], bool(finished),
        )  # fmt: skip
        chosen_N = arrays.get("target_chosen_N")
        targets = Targets(
            arrays["target_ids_NK"][part], arrays["target_log_probs_NK"][part], arrays["target_tail_N"][part],
            chosen=None if chosen_N is None else chosen_N[part],
        )  # fmt: skip
        waiting.setdefault(int(step), []).append(Scored(int(place), rollout, targets))
    return waiting
