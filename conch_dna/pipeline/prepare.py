"""Preparation of a domain: answers, tokens and soft targets of its training, validation and held-out prompts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import structlog

from conch_dna.data.batches import check_budget
from conch_dna.data.splits import position, split
from conch_dna.data.tokens import encode_answer, prompt_ids
from conch_dna.data.tool_form import student_turns
from conch_dna.domains.extract import MISSING, NO_FINAL
from conch_dna.domains.generation import generator_of, verifier_of
from conch_dna.errors import ConfigError, DataError, TeacherError
from conch_dna.evaluation.gate import HeldOutSet, prompt_text
from conch_dna.evaluation.right import verified
from conch_dna.losses.cross_tokenizer import CrossTargets
from conch_dna.pipeline.mixture import Answered, Mix, log_left_out
from conch_dna.records import CHOICES, Sampling
from conch_dna.teachers.answer_cache import CompletionCache
from conch_dna.teachers.answers import final_answers
from conch_dna.teachers.capabilities import cross_tokenizer_loss
from conch_dna.teachers.compatibility import Party, checked_width
from conch_dna.teachers.soft_targets import compare_tokenizers, soft_targets
from conch_dna.train.training_set import TrainingSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from conch_dna.config import DistillConfig
    from conch_dna.data.splits import Split
    from conch_dna.data.tokens import Example
    from conch_dna.domains.domain import Domain
    from conch_dna.domains.extract import AnswerExtractor
    from conch_dna.domains.generation import NamedGenerator
    from conch_dna.models.load import LoadedModel
    from conch_dna.plugin.protocols import CrossTokenizerLoss, Plugins, SpanProcessor, Targets, Teacher, Verifier
    from conch_dna.plugin.recipes import RecipePlan
    from conch_dna.records import Completion, Prompt
    from conch_dna.teachers.compatibility import Signal
    from conch_dna.util.progress import Progress

    Pairs = list[tuple[Prompt, Example]]

OTHERS = 4  # held-out prompts of each other domain in the do-no-harm measure
log = structlog.get_logger()


class Prepared(NamedTuple):
    """The training set of the recipes, and the held-out set of the gate.

    :param mix: makes the examples of the training set, in place of those in it; ``None`` if nothing is mixed.
    """

    training_set: TrainingSet
    held_out: HeldOutSet
    mix: Mix | None = None

    def training_set_of(self, steps: int) -> TrainingSet:
        """Return the training set for so many steps."""
        if self.mix is None:
            return self.training_set
        return replace(self.training_set, examples=self.mix.examples(steps), in_order=True)


@dataclass(frozen=True)
class Preparation:
    """The inputs of the preparation of one domain.

    :param cache: the root of the cache of answers and targets.
    :param teacher_name: the domain's teachers in one line, for messages.
    :param generated: the generated prompts of the gate.
    """

    base: LoadedModel
    config: DistillConfig
    domain: Domain
    teacher: Teacher
    teacher_name: str
    extractor: AnswerExtractor
    cache: Path
    progress: Progress
    host: Plugins
    generated: Sequence[Prompt] = ()

    @cached_property
    def loss(self) -> CrossTokenizerLoss | None:
        """The loss that compares across tokenizers, if ``cross_tokenizer`` names one of a plug-in."""
        return cross_tokenizer_loss(self.host.catalog, self.config)

    @cached_property
    def generator(self) -> NamedGenerator | None:
        """The maker of further examples, for domains that name one."""
        return generator_of(self.host.catalog, self.domain)

    @cached_property
    def verifier(self) -> Verifier | None:
        """The domain's verifier, which finds the answers that are not trained on."""
        return verifier_of(self.host.catalog, self.domain)

    @cached_property
    def processors(self) -> list[SpanProcessor]:
        """The domain's processors, which compute parts of its answers; these parts are not trained."""
        return [self.host.catalog.get("processors", name) for name in self.domain.settings.processors]

    def prepared(self, parts: Split, plan: RecipePlan, others: Sequence[Domain]) -> Prepared:
        """Return the training set that the recipes' plan asks for, and the held-out set.

        :param others: the other domains; the do-no-harm measure uses their held-out prompts.
        :raises TeacherError: too few answers can be used.
        :raises ConchError: teacher and student, or the student's tokenizer and head, do not match.
        """
        checked_width(Party("student", self.base.tokenizer, self.base.config))
        trained = [p.digest for p in parts.train]
        harmless = self._others(others)
        held = any(prompt.offered for prompt in (*parts.held_out, *self.generated))
        most = self.config.gate_prompts
        train, apart = self._apart(parts.train, plan)
        own: Sequence[Prompt] = train if plan.own else ()
        if plan.room:
            own = self._with_room(own, plan.room)
        if not plan.asks:  # without a teacher, the held-out prompts have no answers
            held_out = HeldOutSet(parts.held_out[:most], (), None, harmless, trained, self.generated, held)
            validation = TrainingSet(self.domain.name, prompts=apart) if apart else None
            return Prepared(TrainingSet(self.domain.name, prompts=own, validation=validation), held_out)
        asked = (*(train if plan.text else ()), *(apart if self.config.validates else ()), *parts.held_out)
        signal = compare_tokenizers(self.teacher, self.base, self.config, self.loss) if plan.soft else None
        answers, missing = self._answers(asked, CHOICES if plan.soft and "soft" in self.teacher.capabilities else 0)
        right = self._right(train, answers) if plan.text else ()
        pairs = self._tokenised(right, answers)
        held_pairs, apart_pairs = self._tokenised(parts.held_out, answers)[:most], self._tokenised(apart, answers)
        too_long = sum(p.digest in answers for p in right) - len(pairs)
        check_budget({f"the answered prompt {p.digest[:12]}": len(e.ids) for p, e in pairs}, self.config)
        pairs, targets = self._targets(pairs, answers, signal)
        held_pairs, held_targets = self._targets(held_pairs, answers, signal)
        apart_pairs, apart_targets = self._targets(apart_pairs, answers, signal)
        mix = self._mix(pairs, answers) if plan.text and targets is None else None
        made = mix is not None and mix.generator is not None  # its examples need no teacher
        if (plan.text and not (pairs or made)) or len(held_pairs) < 2 or (self.config.validates and not apart_pairs):
            got = f"{len(pairs)} to train on, {len(apart_pairs)} set apart, {len(held_pairs)} held out"
            raise self._too_few(got, len(asked), missing, too_long if 2 * too_long > len(train) else 0)
        log.info("teacher_answered", domain=self.domain.name, train=len(pairs), held_out=len(held_pairs),
                 of=len(asked), signal="soft targets" if held_targets is not None else "text")  # fmt: skip
        validation = TrainingSet(self.domain.name, [e for _, e in apart_pairs], apart_targets, apart) if apart else None
        texts = {p.digest: answers[p.digest].text for p, _ in (*pairs, *apart_pairs)} if plan.verdicts else {}
        examples = [e for _, e in pairs]
        training_set = TrainingSet(self.domain.name, examples, targets, own, validation, texts, missing)
        held_prompts, held_examples = [p for p, _ in held_pairs], [e for _, e in held_pairs]
        # The value of a loss across tokenizers does not compare models.
        plain = None if isinstance(held_targets, CrossTargets) else held_targets
        held_out = HeldOutSet(held_prompts, held_examples, plain, harmless, trained, self.generated, held)
        return Prepared(training_set, held_out, mix)

    def _mix(self, pairs: Pairs, answers: dict[str, Completion]) -> Mix | None:
        """Return the mixture of answered prompts and generated ones; without tools and generator ``None``.

        Soft targets exist for the teacher's own answers alone, so there is no mixture with them.
        """
        if self.generator is None and not any(prompt.offered for prompt, _ in pairs):
            return None
        written = [Answered(prompt, answers[prompt.digest].text) for prompt, _ in pairs]
        measured = [prompt.messages[-1].content for prompt in (*self.domain.prompts, *self.generated)]
        return Mix(self.host, written, self.generator, self.domain, self._encoded, measured, self.config)

    def _targets(
        self, pairs: Pairs, answers: dict[str, Completion], signal: Signal | None
    ) -> tuple[Pairs, Sequence[Targets] | CrossTargets | None]:
        """Return the pairs that have soft targets, and these targets; without a signal all pairs and ``None``."""
        if signal is not None and pairs:
            self.progress.stage(self.domain.name, "soft targets", len(pairs))
        return soft_targets(
            self.teacher, pairs, answers, signal, base=self.base, config=self.config, cache=self.cache,
            progress=self.progress,
        )  # fmt: skip

    def _too_few(self, got: str, asked: int, missing: int, too_long: int) -> TeacherError:
        """Return the error for too few usable answers, with the step that helps most.

        :param got: the number of usable answers for each use.
        :param missing: answers without a final answer.
        :param too_long: training prompts that are too long with their answer; 0 if they are not the main fault.
        """
        if 2 * missing > asked:
            next_step = NO_FINAL
        elif too_long:
            next_step = f"Raise max_length: {too_long} are longer with their answer"
        else:
            next_step = "Look at the teacher's answers, or raise the domain's max_tokens"
        where = f"domain {self.domain.name}, teacher {self.teacher_name}"
        got += f", of {asked} prompts" + (f", {missing} answers without a final answer" if missing else "")
        return TeacherError("too few usable answers", where=where, got=got, next_step=next_step)

    def _apart(self, prompts: Sequence[Prompt], plan: RecipePlan) -> tuple[Sequence[Prompt], Sequence[Prompt]]:
        """Split the training prompts into those trained on and those set apart, by a stable hash.

        Neither has a prompt of the gate. At least one prompt is in each.
        """
        if not (self.config.validates or plan.sets_apart):
            return prompts, ()
        if len(prompts) < 2:
            raise DataError("too few training prompts to set some apart", where="validation", got=len(prompts))
        placed = sorted(prompts, key=_place)
        count = sum(_place(p) < self.config.validation for p in placed)
        apart = placed[: min(max(1, count), len(placed) - 1)]
        digests = {p.digest for p in apart}
        return [p for p in prompts if p.digest not in digests], apart

    def _right(self, prompts: Sequence[Prompt], answers: dict[str, Completion]) -> Sequence[Prompt]:
        """Return the prompts without those whose answer is known to be wrong; others are left out and counted."""
        if self.verifier is None:
            return prompts
        answered = [prompt for prompt in prompts if prompt.digest in answers]
        figures = verified(self.verifier, self.domain, answered, [answers[p.digest].text for p in answered])
        pairs = zip(answered, figures, strict=True)
        wrong = {prompt.digest for prompt, found in pairs if found is not None and found["right"] != 1}
        if wrong:
            log.info("wrong_answers_left_out", domain=self.domain.name, count=len(wrong), of=len(prompts))
        return [prompt for prompt in prompts if prompt.digest not in wrong]

    def _with_room(self, prompts: Sequence[Prompt], room: int) -> Sequence[Prompt]:
        """Return the prompts that fit together with the student's longest answer; others are left out and counted.

        :raises ConfigError: no prompt fits, or one does not fit into ``token_budget``.
        """
        config = self.config
        lengths = [len(prompt_ids(self.base.tokenizer, student_turns(p))) + room for p in prompts]
        fitting = [(p, length) for p, length in zip(prompts, lengths, strict=True) if length <= config.max_length]
        if not fitting:
            raise ConfigError("leaves no prompt room for an answer of rollout_tokens", where="max_length",
                              got=config.max_length, allowed=f"{min(lengths)} and more",
                              next_step="Raise it, or lower rollout_tokens")  # fmt: skip
        log_left_out("with rollout_tokens", len(prompts) - len(fitting), config)
        check_budget({f"the prompt {p.digest[:12]} with its rollout": length for p, length in fitting}, config)
        return [p for p, _ in fitting]

    def _answers(self, prompts: Sequence[Prompt], choices: int) -> tuple[dict[str, Completion], int]:
        """Return the teacher's usable answers by prompt, and the number of others without a final answer.

        :param choices: most probable tokens of each position to ask for.
        """
        self.progress.stage(self.domain.name, f"teacher {self.teacher_name}", len(prompts))
        sampling = Sampling(max_tokens=self.domain.settings.max_tokens, top_log_probs=choices)
        found: dict[str, Completion] = {}
        faults: Counter[str] = Counter()
        cache = CompletionCache.within(self.cache)
        for completion, fault in final_answers(self.teacher, self.domain, prompts, sampling, cache, self.extractor):
            if fault is None:
                found[completion.prompt] = completion
            else:
                faults[fault] += 1
            self.progress.advance()
        if faults:
            log.warning("answers_left_out", domain=self.domain.name, reasons=dict(faults), of=len(prompts))
        return found, faults[MISSING]

    def _tokenised(self, prompts: Iterable[Prompt], answers: dict[str, Completion]) -> Pairs:
        """Return the answered prompts with the tokens of their conversation, without those that are too long."""
        answered = [p for p in prompts if p.digest in answers]
        encoded = [(p, self._encoded(p, answers[p.digest].text)) for p in answered]
        found = [(prompt, example) for prompt, example in encoded if len(example.ids) <= self.config.max_length]
        log_left_out("with their answer", len(answered) - len(found), self.config)
        return found

    def _encoded(self, prompt: Prompt, text: str) -> Example:
        return encode_answer(self.base.tokenizer, prompt, text, self.processors)

    def _others(self, domains: Sequence[Domain]) -> list[tuple[Example, ...]]:
        """Return a few held-out prompts of every other domain as texts to predict, the same ones each time."""
        found = []
        for domain in domains:
            try:
                prompts = split(domain.prompts, self.config.held_out).held_out
                nonempty = [p for p in prompts if p.messages[-1].content.strip()]  # a tool may have returned nothing
                found.append(tuple(prompt_text(self.base.tokenizer, p) for p in nonempty[:OTHERS]))
            except DataError as error:
                log.warning("domain_left_out_of_harm_check", domain=domain.name, reason=str(error))
        return found


def _place(prompt: Prompt) -> float:
    """Return a stable number in [0, 1), independent of the one that selects the held-out prompts."""
    return position(f"validation:{prompt.digest}")
