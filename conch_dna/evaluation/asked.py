"""Sets of prompts to ask models, with what decides whether an answer is right."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from conch_dna.domains.domain import Domain
from conch_dna.domains.figures import checked
from conch_dna.errors import DataError
from conch_dna.evaluation.question_sets import in_stable_order
from conch_dna.evaluation.right import GENERATED, NATURAL, checkable, verified
from conch_dna.records import Reference

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from conch_dna.domains.figures import Figures
    from conch_dna.plugin.protocols import QuestionSet, Verifier
    from conch_dna.records import Prompt

FIELDS = ("calls", "tool", "tests", "plan", "answer", "contains")  # of a reference, the most telling first


@dataclass(frozen=True)
class AskedSet:
    """Prompts that are asked and counted together.

    :param name: such as ``natural`` or ``bfcl parallel``.
    :param domain: limits the answers, and is the context of a teacher.
    :param grade: returns the figures of the answers to some of the prompts.
    """

    name: str
    domain: Domain
    prompts: tuple[Prompt, ...]
    grade: Callable[[Sequence[Prompt], Sequence[str]], list[Figures | None]]

    @property
    def offers_tools(self) -> bool:
        """True if a prompt has tools that the answer may call."""
        return any(prompt.offered for prompt in self.prompts)


def held_out_sets(
    domain: Domain, natural: Sequence[Prompt], generated: Sequence[Prompt], verifier: Verifier, most: int | None
) -> list[AskedSet]:
    """Return the natural and the generated held-out prompts that the verifier can check, as two sets.

    :param most: the most natural prompts, a stable choice; ``None`` for all.
    """

    def grade(prompts: Sequence[Prompt], answers: Sequence[str]) -> list[Figures | None]:
        return verified(verifier, domain, prompts, answers)

    known = checkable(verifier, domain, natural)
    sets = {
        NATURAL: [known[i] for i in in_stable_order(known)[:most]],
        GENERATED: checkable(verifier, domain, generated),
    }
    return [AskedSet(name, domain, tuple(prompts), grade) for name, prompts in sets.items() if prompts]


def public_sets(name: str, questions: QuestionSet, domain: Domain, most: int) -> list[AskedSet]:
    """Return the questions of a public set, those of each kind apart.

    :param domain: the context of a teacher; the answers have the set's own limit.
    :param most: the most questions of a kind, a stable choice.
    :raises PluginError: raised by ``grade``, if that of a question fails.
    """
    found = questions.questions()
    asked = domain.changed(max_tokens=questions.max_tokens)
    grades = {question.prompt.digest: question.grade for question in found}

    def grade(prompts: Sequence[Prompt], answers: Sequence[str]) -> list[Figures | None]:
        grading = [partial(grades[prompt.digest], text) for prompt, text in zip(prompts, answers, strict=True)]
        return [checked(name, type(questions).__module__, one) for one in grading]

    sets = []
    for kind in dict.fromkeys(question.kind for question in found):
        prompts = [question.prompt for question in found if question.kind == kind]
        chosen = tuple(prompts[i] for i in in_stable_order(prompts)[:most])
        sets.append(AskedSet(f"{name} {kind}".strip(), asked, chosen, grade))
    return sets


def file_set(
    name: str,
    domain: Domain,
    prompts: Sequence[Prompt],
    usual: Verifier | None,
    verifiers: Mapping[str, Verifier],
    most: int | None,
) -> AskedSet:
    """Return the prompts of a file that a verifier can check.

    Each prompt is checked by the usual verifier if that reads its reference, or by the only one that does.

    :raises DataError: no prompt has a reference that a verifier can check.
    """
    by_reference: dict[str, str | None] = {}

    def grade(prompts: Sequence[Prompt], answers: Sequence[str]) -> list[Figures | None]:
        return [graded(prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]

    def graded(prompt: Prompt, answer: str) -> Figures | None:
        if usual is not None:
            (found,) = verified(usual, domain, [prompt], [answer])
            if found is not None:
                return found
        if prompt.digest not in by_reference:
            by_reference[prompt.digest] = _reader(prompt, domain, verifiers)
        name = by_reference[prompt.digest]
        return None if name is None else verified(verifiers[name], domain.changed(verifier=name), [prompt], [answer])[0]

    known = [p for p, found in zip(prompts, grade(prompts, [""] * len(prompts)), strict=True) if found is not None]
    if not known:
        raise DataError(
            "no prompt has a reference that a single verifier reads", where=name,
            allowed='lines like {"messages": […], "reference": {"answer": "7"}}', next_step="Or name one: --verifier",
        )  # fmt: skip
    return AskedSet(name, domain, tuple(known[i] for i in in_stable_order(known)[:most]), grade)


def _reader(prompt: Prompt, domain: Domain, verifiers: Mapping[str, Verifier]) -> str | None:
    """Return the name of the only verifier that reads the first field of the reference that a single one reads."""
    for field in FIELDS:
        value = getattr(prompt.reference, field)
        if value == Reference.model_fields[field].default:
            continue
        alone = prompt.model_copy(update={"reference": Reference(**{field: value})})
        readers = [
            name for name, verifier in verifiers.items()
            if verified(verifier, domain.changed(verifier=name), [alone], [""])[0] is not None
        ]  # fmt: skip
        if len(readers) == 1:
            return readers[0]
    return None
