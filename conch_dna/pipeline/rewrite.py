"""Generated prompts in a teacher's words, so that a neuron meets more phrasings than a program has.

A rewriting is kept only if the right answer still follows from it: every value of the request is there and no other,
and the teacher, asked the rewritten prompt, gives an answer that the domain's verifier finds right.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import structlog

from conch_dna.domains.domain import Domain, DomainSettings, Example
from conch_dna.domains.generation import drafts_of
from conch_dna.domains.near_duplicates import Index, overlaps
from conch_dna.domains.rewritten import SOURCE, Rewritten, read_rewritten, rewritten_line
from conch_dna.domains.values import fault_of_rewriting, to_keep
from conch_dna.errors import DataError
from conch_dna.pipeline.grow import dropped_file, texts_to_avoid, write_kept
from conch_dna.records import Message, Prompt, Sampling, to_json_line
from conch_dna.teachers.answer_cache import answers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from conch_dna.domains.extract import AnswerExtractor
    from conch_dna.domains.generation import NamedGenerator
    from conch_dna.plugin.protocols import Draft, Teacher, Verifier
    from conch_dna.teachers.answer_cache import CompletionCache

    Line = dict[str, str]  # of the dropped file

ROUND = 32  # drafts between two writes of the files
STALE_ROUNDS = 5  # rounds without a kept prompt before rewriting stops
LEAST_WORDS = 4  # of a request that is rewritten
WRONG = "the teacher's answer is not right"
ASK = "Message: {}\nKeep: {}\nOther words:"
SYSTEM = """You paraphrase messages that people type to a software assistant. Each message has a line "Keep:" with \
texts that must stand in your version letter by letter. Say the same thing as a different person would: other verbs, \
another order, another opening, the same request or question with all of its details. You are the person who asks, \
never the assistant: do not answer, do not promise, do not offer help. Write one line."""
EXAMPLES = (  # message, texts to keep, other words
    ("Add 358 days to 2025-01-31, please.", ("358", "2025-01-31"),
     "if i count 358 days on from 2025-01-31, what date do i land on?"),
    ('Could you close ticket T-9619 with the note "bring a warm jacket"?', ("T-9619", "bring a warm jacket"),
     'T-9619 is done, so close it and leave the note "bring a warm jacket" please'),
    ("Mia has 14 pens and buys 3 more boxes of 12 pens each. How many pens does she have?", ("Mia", "14", "3", "12"),
     "Mia owned 14 pens before she bought 3 more boxes, each with 12 pens. What is her number of pens now?"),
    ("My sister Ines moved to Graz, and I never eat liver.", ("Ines", "Graz"),
     "btw I never eat liver, and my sister Ines lives in Graz since she moved"),
    ("Send 40 dollars to Bo Lind for lunch.", ("40", "Bo Lind", "lunch"),
     "i owe Bo Lind for lunch, transfer 40 dollars to them"),
    ("What is the weather in Oslo on Friday?", ("Oslo", "Friday"),
     "will it rain in Oslo on Friday, and how warm does it get? just tell me the weather"),
)  # fmt: skip


@dataclass(frozen=True)
class Rewriting:
    """The result of rewriting.

    :param kept: rewritten prompts in the file.
    :param dropped: number of dropped ones in the other file, by reason.
    :param stale: rewriting stopped because nothing more was kept.
    """

    kept: int
    dropped: dict[str, int]
    stale: bool


def rewriting_domain(domain: Domain) -> Domain:
    """Return a domain whose context asks a teacher to rewrite a message."""
    settings = DomainSettings(
        name=f"rewrite-{domain.name}"[:64],
        description=f"rewrites prompts of {domain.name}",
        system_prompt=SYSTEM,
        examples=tuple(Example(prompt=_asked(text, kept), answer=answer) for text, kept, answer in EXAMPLES),
        max_tokens=192,
    )
    return Domain(settings, domain.prompts_file)


@dataclass
class Rewriter:
    """Asks a teacher for other words, then for the answer to them.

    :param writer: the teacher, made for :func:`rewriting_domain`.
    :param answerer: the teacher, made for the domain.
    :param extractor: the domain's.
    :param avoid: evaluation files whose texts no rewritten prompt may resemble.
    """

    domain: Domain
    generator: NamedGenerator
    verifier: Verifier
    writer: Teacher
    answerer: Teacher
    extractor: AnswerExtractor
    cache: CompletionCache
    avoid: Sequence[Path] = ()
    _index: Index = field(init=False)

    def __post_init__(self) -> None:
        self._index = Index(texts_to_avoid(self.domain, self.avoid))

    def write(self, out: Path, *, n: int, seed: int = 0) -> Rewriting:
        """Rewrite until ``out`` has ``n`` prompts; those in ``out`` and in its dropped file are not asked again.

        Both files are written after every :data:`ROUND` drafts.

        :raises DataError: a file cannot be read or written.
        :raises TeacherError: the teacher failed; earlier rounds are kept.
        """
        kept = list(read_rewritten(out)) if out.exists() else []
        dropped = _dropped(dropped_file(out))
        known = {one.original for one in kept} | {line["original"] for line in dropped}
        drafts, stale = self._drafts(seed, known), 0
        while len(kept) < n and stale < STALE_ROUNDS:
            some = list(islice(drafts, ROUND))
            if not some:
                break
            good, bad = self._round(some, seed)
            kept += good[: n - len(kept)]
            dropped += bad
            stale = 0 if good else stale + 1
            write_kept(out, map(rewritten_line, kept), map(to_json_line, dropped))
            structlog.get_logger().info(
                "prompts_rewritten", domain=self.domain.name, kept=len(kept), dropped=len(dropped), wanted=n
            )
        reasons = Counter(line["reason"].partition(":")[0] for line in dropped)
        return Rewriting(len(kept), dict(reasons.most_common()), stale=len(kept) < n)

    def _drafts(self, seed: int, known: set[str]) -> Iterator[Draft]:
        """Yield the generator's good drafts whose last turn is one line of a user, without those that are known."""
        for draft in drafts_of(self.domain, self.generator.make, seed):
            last = draft.prompt.messages[-1]
            request = last.role == "user" and "\n" not in last.content and len(last.content.split()) >= LEAST_WORDS
            if request and not draft.fault and draft.prompt.digest not in known:
                known.add(draft.prompt.digest)
                yield draft

    def _round(self, drafts: Sequence[Draft], seed: int) -> tuple[list[Rewritten], list[Line]]:
        """Return the kept prompts of some drafts, and lines of the dropped ones."""
        pending: list[tuple[Draft, Prompt]] = []
        bad: list[Line] = []
        for draft, text in zip(drafts, self._texts([draft.prompt for draft in drafts], seed), strict=True):
            said, reference = draft.prompt.messages[-1].content, draft.prompt.reference
            if fault := fault_of_rewriting(said, text, reference) or self._near(text):
                bad.append({"original": draft.prompt.digest, "text": text, "reason": fault})
            else:
                pending.append((draft, _with_text(draft.prompt, text)))
        right = self._right([prompt for _, prompt in pending])
        good = [Rewritten(prompt, d.answer, d.prompt.digest) for d, prompt in pending if prompt.digest in right]
        bad += [
            {"original": draft.prompt.digest, "text": prompt.messages[-1].content, "reason": WRONG}
            for draft, prompt in pending
            if prompt.digest not in right
        ]
        return good, bad

    def _texts(self, originals: Sequence[Prompt], seed: int) -> list[str]:
        """Return the last turn of each prompt in the teacher's words; empty where it gives none."""
        prompts = [_asking(original) for original in originals]
        asked = list({prompt.digest: prompt for prompt in prompts}.values())  # a teacher answers a digest once
        task = rewriting_domain(self.domain)
        sampling = Sampling(max_tokens=task.settings.max_tokens, temperature=0.8, top_p=0.95, seed=seed)
        found = answers(self.writer, task, asked, sampling, self.cache)
        texts = {completion.prompt: completion.text.strip() for completion in found}
        return [texts.get(prompt.digest, "") for prompt in prompts]

    def _near(self, text: str) -> str:
        return "near-duplicate of a prompt to avoid" if overlaps(text, self._index) else ""

    def _right(self, prompts: Sequence[Prompt]) -> set[str]:
        """Return the digests of the prompts that the teacher answers rightly."""
        asked = {prompt.digest: prompt for prompt in prompts}
        sampling = Sampling(max_tokens=self.domain.settings.max_tokens)
        right = set()
        for completion in answers(self.answerer, self.domain, list(asked.values()), sampling, self.cache):
            answer = self.extractor.take(completion.text)
            if answer and self._is_right(asked[completion.prompt], answer):
                right.add(completion.prompt)
        return right

    def _is_right(self, prompt: Prompt, answer: str) -> bool:
        figures = self.verifier(prompt, answer, self.domain)
        return figures is not None and figures["right"] == 1


def _asked(text: str, kept: Sequence[str]) -> str:
    """Return the request to rewrite a text."""
    return ASK.format(text, " | ".join(kept) or "nothing")


def _asking(original: Prompt) -> Prompt:
    """Return the prompt that asks for other words for the last turn of a prompt."""
    text = original.messages[-1].content
    return Prompt(messages=(Message(role="user", content=_asked(text, to_keep(text, original.reference))),))


def _with_text(prompt: Prompt, text: str) -> Prompt:
    """Return the prompt with other words in its last turn."""
    *earlier, last = prompt.messages
    turns = (*earlier, last.model_copy(update={"content": text}))
    return prompt.model_copy(update={"messages": turns, "source": SOURCE})


def _dropped(path: Path) -> list[Line]:
    """Return the lines of a dropped file, of which there may be none.

    :raises DataError: it cannot be read.
    """
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise DataError("cannot be read", where=path, got=str(error), next_step="Remove it") from error
