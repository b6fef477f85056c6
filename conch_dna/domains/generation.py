"""Generation of a domain's prompts with right answers: drafts are verified, duplicates removed, and both reported."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import structlog
from pydantic import Field

from conch_dna.domains.figures import figures_of
from conch_dna.domains.near_duplicates import near_duplicates
from conch_dna.domains.prompts import PROMPTS_FILE, prompt_line, read_prompts
from conch_dna.domains.stats import Words, words_of
from conch_dna.errors import DataError
from conch_dna.plugin.protocols import why_withheld
from conch_dna.records import Completion, Record, Sampling, digest_of, to_json_line
from conch_dna.util.files import write_atomic
from conch_dna.util.text import counts_text, plain

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from conch_dna.domains.domain import Domain
    from conch_dna.plugin.catalog import Catalog
    from conch_dna.plugin.protocols import Draft, Generator, Verifier

IN_A_ROW = 2000  # drafts without one that is kept: the generator has no more
COMPARED = 1000  # kept prompts that are compared for near-duplicates, which costs the square of their number
SOURCE = "generated"  # the source of every generated prompt
log = structlog.get_logger()


class Report(Record):
    """A report on the prompts of a generator."""

    generator: str
    seed: int
    held_out: bool
    kept: int
    rejected: dict[str, int] = Field(description="rejected drafts by reason")
    kinds: dict[str, int] = Field(description="kept drafts by family of templates")
    prompt_words: Words
    answer_words: Words
    distinct_answers: float = Field(description="share of distinct answers")
    near_duplicates: int = Field(description=f"pairs of near-duplicates among the first {COMPARED} prompts")
    tools: int = Field(description="number of tools with different names")
    digest: str = Field(description="digest of all prompts and answers")


@dataclass(frozen=True)
class NamedGenerator:
    """A domain's generator, with the verifier that its drafts must pass."""

    name: str
    make: Generator
    verifier: Verifier | None


def verifier_of(catalog: Catalog, domain: Domain) -> Verifier | None:
    """Return the verifier that a domain names; ``None`` if it names none, or one that does not work on this machine.

    :raises UnknownName: no plug-in provides it.
    """
    name = domain.settings.verifier
    verifier = catalog.get("verifiers", name) if name else None
    if reason := why_withheld(verifier):
        _warn(name, reason)
        return None
    return verifier


@cache
def _warn(verifier: str, reason: str) -> None:
    """Log once that a verifier does not work on this machine."""
    log.warning("verifier_withheld", verifier=verifier, reason=reason, effect="no right answers are counted")


def generator_of(catalog: Catalog, domain: Domain) -> NamedGenerator | None:
    """Return the generator that a domain names, or ``None``.

    :raises UnknownName: no plug-in provides it, or the domain's verifier.
    """
    verifier, generate = verifier_of(catalog, domain), domain.settings.generate
    if generate is None:
        return None
    name = generate.generator
    return NamedGenerator(name, catalog.get("generators", name), verifier)


class Generated(NamedTuple):
    """Verified drafts, and the report on how they were made."""

    drafts: list[Draft]
    report: Report


def drafts_of(domain: Domain, generator: Generator, seed: int, *, held_out: bool = False) -> Iterator[Draft]:
    """Yield the generator's drafts as prompts of the domain, with the source :data:`SOURCE`."""
    for draft in generator(seed, held_out=held_out):
        yield replace(draft, prompt=domain.offering(draft.prompt.model_copy(update={"source": SOURCE})))


def generate(
    domain: Domain,
    generator: NamedGenerator,
    count: int,
    *,
    seed: int = 0,
    held_out: bool = False,
    avoid: Collection[str] = (),
) -> Generated:
    """Return ``count`` verified drafts: the same ones for the same arguments.

    A draft is rejected if the generator says so, if the domain's verifier does not find its answer right, if its prompt
    came before, or if its text is one to avoid.

    :param avoid: texts of prompts, such as those of evaluation sets.
    :raises DataError: the generator makes no more drafts that can be kept.
    :raises PluginError: the verifier fails.
    """
    kept: list[Draft] = []
    rejected: Counter[str] = Counter()
    seen: set[str] = set()
    avoided, idle = {plain(text) for text in avoid}, 0
    for draft in drafts_of(domain, generator.make, seed, held_out=held_out):
        fault = _fault(draft, domain, generator.verifier, seen, avoided)
        if fault:
            rejected[fault] += 1
            idle += 1
        else:
            kept.append(draft)
            idle = 0
        if len(kept) == count or idle == IN_A_ROW:
            break
    if len(kept) < count:
        raise DataError(
            "the generator makes no more prompts that can be kept", where=f"generator {generator.name}",
            got=f"{len(kept)} of {count}; rejected: {counts_text(dict(rejected.most_common()))}",
            next_step="Ask for fewer",
        )  # fmt: skip
    return Generated(kept, _report(generator.name, kept, rejected, seed, held_out=held_out))


def write_generated(folder: Path, made: Generated) -> None:
    """Write prompts, answers and report: ``prompts.jsonl``, ``recorded/generated.jsonl``, ``report.json``.

    :raises DataError: the folder has other prompts; those of an earlier generation are replaced.
    """
    file = folder / PROMPTS_FILE
    if file.exists() and any(prompt.source != SOURCE for prompt in read_prompts(file)):
        raise DataError(
            "the folder has prompts that were not generated, and they are kept", where=file,
            next_step="Name another folder: --out",
        )  # fmt: skip
    (folder / "recorded").mkdir(parents=True, exist_ok=True)
    teacher, sampling = f"generator:{made.report.generator}@{made.report.seed}", Sampling()
    answers = [
        to_json_line(Completion(prompt=draft.prompt.digest, text=draft.answer, teacher=teacher, sampling=sampling))
        for draft in made.drafts
    ]
    write_atomic(file, "".join(prompt_line(draft.prompt) for draft in made.drafts))
    write_atomic(folder / "recorded" / "generated.jsonl", "".join(answers))
    write_atomic(folder / "report.json", made.report.model_dump_json(indent=2) + "\n")


def _fault(
    draft: Draft, domain: Domain, verifier: Verifier | None, seen: set[str], avoided: Collection[str]
) -> str | None:
    """Return why a draft cannot be kept, or ``None``."""
    if draft.fault:
        return draft.fault
    if (digest := draft.prompt.digest) in seen:
        return "the same prompt came before"
    seen.add(digest)
    if plain(draft.prompt.messages[-1].content) in avoided:
        return "a prompt to avoid"
    if verifier is not None:
        figures = figures_of(verifier, domain, draft.prompt, draft.answer)
        if figures is None:
            return "the prompt has no reference for the verifier"
        if figures["right"] != 1:
            return "the verifier does not find the answer right"
    return None


def _report(generator: str, kept: Sequence[Draft], rejected: Counter[str], seed: int, *, held_out: bool) -> Report:
    prompts = [draft.prompt for draft in kept]
    answers = [draft.answer for draft in kept]
    return Report(
        generator=generator,
        seed=seed,
        held_out=held_out,
        kept=len(kept),
        rejected=dict(rejected.most_common()),
        kinds=dict(sorted(Counter(draft.kind for draft in kept).items())),
        prompt_words=words_of(prompt.text for prompt in prompts),
        answer_words=words_of(answers),
        distinct_answers=len(set(answers)) / len(answers),
        near_duplicates=len(near_duplicates(prompts[:COMPARED])),
        tools=len({tool.name for prompt in prompts for tool in prompt.tools}),
        digest=digest_of([[draft.prompt.digest, draft.answer] for draft in kept]),
    )
