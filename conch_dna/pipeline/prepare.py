"""From a domain's prompts to what is trained on and what the gate measures on: ask the teacher, tokenise, score."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import structlog

from conch_dna.data.batches import check_budget
from conch_dna.data.splits import position, split
from conch_dna.data.tokens import encode_answer, prompt_ids
from conch_dna.domains.extract import MISSING, NO_FINAL, AnswerExtractor
from conch_dna.errors import ConfigError, DataError, TeacherError
from conch_dna.evaluation.gate import HeldOutSet, prompt_text
from conch_dna.losses.cross_tokenizer import CrossTargets
from conch_dna.pipeline.recipe_choice import sets_apart
from conch_dna.records import CHOICES, Sampling
from conch_dna.teachers.answer_cache import CompletionCache
from conch_dna.teachers.answers import final_answers
from conch_dna.teachers.capabilities import cross_tokenizer_loss
from conch_dna.teachers.compatibility import Party, checked_width
from conch_dna.teachers.soft_targets import compare_tokenizers, soft_targets
from conch_dna.train.recipes.training_set import TrainingSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.data.splits import Split
    from conch_dna.data.tokens import Example
    from conch_dna.domains.domain import Domain
    from conch_dna.pipeline.context import Session
    from conch_dna.plugin.protocols import Targets, Teacher
    from conch_dna.records import Completion, Prompt
    from conch_dna.teachers.compatibility import Signal

    Pairs = list[tuple[Prompt, Example]]

OTHERS = 4  # held-out prompts of each other domain in the do-no-harm measure
log = structlog.get_logger()


def prepare(
    session: Session, domain: Domain, teacher: Teacher, parts: Split, recipes: Sequence[str]
) -> tuple[TrainingSet, HeldOutSet]:
    """Return the domain's material for ``recipes``, and what the gate measures on.

    :raises TeacherError: too few answers can be used.
    :raises ConchError: teacher and student, or the student's own tokenizer and head, do not belong together.
    """
    checked_width(Party("student", session.base.tokenizer, session.base.config))
    trained = [p.digest for p in parts.train]
    others = _others(session, domain)
    most = session.config.gate_prompts
    train, apart = _apart(session, parts.train, recipes)
    own: Sequence[Prompt] = train if {"on_policy", "best_of_n", "preference"} & set(recipes) else ()
    if "on_policy" in recipes:
        own = _with_room(session, own)
    ranks = "preference" in recipes and "text" in teacher.capabilities
    if not ranks and not {"sft", "kd", "on_policy"} & set(recipes):  # nobody answers: nothing to measure on either
        held_out = HeldOutSet(parts.held_out[:most], (), None, others, trained)
        validation = TrainingSet(domain.name, prompts=apart) if apart else None
        return TrainingSet(domain.name, prompts=own, validation=validation), held_out
    learns_text = ranks or bool({"sft", "kd"} & set(recipes)) or session.config.on_policy_fraction < 1
    asked = (*(train if learns_text else ()), *(apart if session.config.validates else ()), *parts.held_out)
    learns_soft = bool({"kd", "on_policy"} & set(recipes))
    loss = cross_tokenizer_loss(session.host.catalog, session.config)
    signal = compare_tokenizers(teacher, session.base, session.config, loss) if learns_soft else None
    told, missing = _told(
        session, domain, teacher, asked, CHOICES if learns_soft and "soft" in teacher.capabilities else 0
    )
    pairs, held_pairs = _tokenised(session, train, told), _tokenised(session, parts.held_out, told)[:most]
    apart_pairs = _tokenised(session, apart, told)
    too_long = sum(p.digest in told for p in train) - len(pairs)
    check_budget({f"the answered prompt {p.digest[:12]}": len(e.ids) for p, e in pairs}, session.config)
    pairs, targets = _soft(session, domain, teacher, pairs, told, signal)
    held_pairs, held_targets = _soft(session, domain, teacher, held_pairs, told, signal)
    apart_pairs, apart_targets = _soft(session, domain, teacher, apart_pairs, told, signal)
    if (learns_text and not pairs) or len(held_pairs) < 2 or (session.config.validates and not apart_pairs):
        raise TeacherError(
            "too few usable answers", where=f"domain {domain.name}, teacher {session.teacher_name(domain)}",
            got=f"{len(pairs)} to train on, {len(apart_pairs)} set apart, {len(held_pairs)} held out, "
                f"of {len(asked)} prompts" + (f", {missing} answers without a final answer" if missing else ""),
            next_step=NO_FINAL if 2 * missing > len(asked) else
            f"Raise max_length: {too_long} are longer with their answer" if 2 * too_long > len(train) else
            "Look at the teacher's answers, or raise the domain's max_tokens",
        )  # fmt: skip
    log.info("teacher_answered", domain=domain.name, train=len(pairs), held_out=len(held_pairs),
             of=len(asked), signal="soft targets" if held_targets is not None else "text")  # fmt: skip
    validation = TrainingSet(domain.name, [e for _, e in apart_pairs], apart_targets, apart) if apart else None
    texts = {p.digest: told[p.digest].text for p, _ in (*pairs, *apart_pairs)} if ranks else {}
    material = TrainingSet(domain.name, [e for _, e in pairs], targets, own, validation, texts, missing)
    held_prompts, held_examples = [p for p, _ in held_pairs], [e for _, e in held_pairs]
    # A loss between tokenizers is no figure to compare models by.
    plain = None if isinstance(held_targets, CrossTargets) else held_targets
    return material, HeldOutSet(held_prompts, held_examples, plain, others, trained)


def _soft(
    session: Session,
    domain: Domain,
    teacher: Teacher,
    pairs: Pairs,
    told: dict[str, Completion],
    signal: Signal | None,
) -> tuple[Pairs, Sequence[Targets] | CrossTargets | None]:
    """Announce the stage and return what :func:`soft_targets` does."""
    if signal is not None and pairs:
        session.progress.stage(domain.name, "soft targets", len(pairs))
    return soft_targets(
        teacher, pairs, told, signal, base=session.base, config=session.config, cache=session.cache,
        progress=session.progress,
    )  # fmt: skip


def _apart(
    session: Session, prompts: Sequence[Prompt], recipes: Sequence[str]
) -> tuple[Sequence[Prompt], Sequence[Prompt]]:
    """Split the training prompts into those trained on and those set apart, by a stable hash of each.

    The gate's prompts are in neither. At least one is set apart, and one is left; none where nothing looks at them.
    """
    if not sets_apart(session.config, recipes):
        return prompts, ()
    if len(prompts) < 2:
        raise DataError("too few training prompts to set some apart", where="validation", got=len(prompts))
    placed = sorted(prompts, key=_place)
    count = sum(_place(p) < session.config.validation for p in placed)
    apart = placed[: min(max(1, count), len(placed) - 1)]
    digests = {p.digest for p in apart}
    return [p for p in prompts if p.digest not in digests], apart


def _with_room(session: Session, prompts: Sequence[Prompt]) -> Sequence[Prompt]:
    """Return the prompts to which the student can give the longest of its own answers; too long ones are left out.

    :raises ConfigError: there are none, or they do not fit into ``token_budget``.
    """
    config = session.config
    lengths = [len(prompt_ids(session.base.tokenizer, p.turns)) + config.rollout_tokens for p in prompts]
    fitting = [(p, length) for p, length in zip(prompts, lengths, strict=True) if length <= config.max_length]
    if not fitting:
        raise ConfigError("leaves no prompt room for an answer of rollout_tokens", where="max_length",
                          got=config.max_length, allowed=f"{min(lengths)} and more",
                          next_step="Raise it, or lower rollout_tokens")  # fmt: skip
    _left_out(session, "with rollout_tokens", len(prompts) - len(fitting))
    check_budget({f"the prompt {p.digest[:12]} with its rollout": length for p, length in fitting}, config)
    return [p for p, _ in fitting]


def _left_out(session: Session, what: str, count: int) -> None:
    if count:
        reason = f"{what} longer than max_length {session.config.max_length}"
        log.warning("examples_left_out", reason=reason, count=count)


def _place(prompt: Prompt) -> float:
    """Return a stable place in [0, 1), independent of that which decides who is held out."""
    return position(f"validation:{prompt.digest}")


def _told(
    session: Session, domain: Domain, teacher: Teacher, prompts: Sequence[Prompt], choices: int
) -> tuple[dict[str, Completion], int]:
    """Return the teacher's usable answers by prompt, and how many others have no final answer.

    :param choices: of each token, where the teacher tells them.
    """
    session.progress.stage(domain.name, f"teacher {session.teacher_name(domain)}", len(prompts))
    sampling = Sampling(max_tokens=domain.settings.max_tokens, top_log_probs=choices)
    told: dict[str, Completion] = {}
    faults: Counter[str] = Counter()
    cache, extractor = CompletionCache.within(session.cache), AnswerExtractor(session.host, domain)
    for completion, fault in final_answers(teacher, domain, prompts, sampling, cache, extractor):
        if fault is None:
            told[completion.prompt] = completion
        else:
            faults[fault] += 1
        session.progress.advance()
    if faults:
        log.warning("answers_left_out", domain=domain.name, reasons=dict(faults), of=len(prompts))
    return told, faults[MISSING]


def _tokenised(session: Session, prompts: Sequence[Prompt], told: dict[str, Completion]) -> Pairs:
    """Return the answered prompts with their bare conversation in the student's tokens; too long ones are left out."""
    found = []
    for prompt in prompts:
        if prompt.digest not in told:
            continue
        example = encode_answer(session.base.tokenizer, prompt, told[prompt.digest].text)
        if len(example.ids) <= session.config.max_length:
            found.append((prompt, example))
    _left_out(session, "with their answer", sum(p.digest in told for p in prompts) - len(found))
    return found


def _others(session: Session, domain: Domain) -> list[tuple[Example, ...]]:
    """Return a few held-out prompts of every other domain as texts to be predicted, the same ones each time."""
    found = []
    for name in sorted(session.domains):
        if name == domain.name:
            continue
        try:
            prompts = split(session.domains[name].prompts, session.config.held_out).held_out
            said = [p for p in prompts if p.messages[-1].content.strip()]  # a tool may have returned nothing
            found.append(tuple(prompt_text(session.base.tokenizer, p) for p in said[:OTHERS]))
        except DataError as error:
            log.warning("domain_left_out_of_harm_check", domain=name, reason=str(error))
    return found
