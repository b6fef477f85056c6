"""New prompts for a domain, proposed by a teacher (Self-Instruct, Wang et al. 2023, arXiv:2212.10560).

Every proposal is written to one of two files: kept prompts, or dropped ones with the reason.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from conch_dna.data.splits import position
from conch_dna.domains.domain import Domain, DomainSettings
from conch_dna.domains.near_duplicates import Index, overlaps
from conch_dna.domains.prompts import prompt_line, read_prompts
from conch_dna.errors import DataError
from conch_dna.records import Completion, Message, Prompt, Sampling, to_json_line
from conch_dna.teachers.answer_cache import answers
from conch_dna.util.files import write_atomic
from conch_dna.util.text import is_utf8

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from conch_dna.plugin.protocols import Teacher
    from conch_dna.teachers.answer_cache import CompletionCache

SHOWN = 6  # seed prompts per request, as many hand-written ones as in the paper
REQUESTS = 4  # per round, so that a teacher with several slots is busy
STALE_ROUNDS = 5  # rounds without a new prompt before growing stops
SOURCE = "grown"
SYSTEM = """You invent prompts that people send to an assistant. What the assistant does: {description}
You are shown six such prompts. Write eight new ones of the same kind, each about another subject and in other words \
than those shown and than each other, varied in length and tone. Write one prompt a line, numbered 1. to 8.; where a \
prompt has a line break, write \\n. Never answer a prompt. Write nothing else."""
_LIST_NUMBER = re.compile(r"\s*\d{1,3}[.)]\s+")
_ESCAPE = re.compile(r"\\([n\\])")


@dataclass(frozen=True)
class Growth:
    """The result of growing a domain.

    :param kept: prompts in the kept file.
    :param dropped: proposals in the dropped file.
    :param stale: growing stopped because the teacher proposed nothing new.
    """

    kept: int
    dropped: int
    stale: bool


@dataclass(frozen=True)
class Dropped:
    """A proposal that was dropped, as one line of the dropped file.

    :param like: the text of which it is a near-duplicate, if any.
    """

    text: str
    reason: str
    like: str | None = None

    def as_line(self) -> str:
        """Return the JSON line."""
        return to_json_line({key: value for key, value in vars(self).items() if value is not None})


def growing_domain(domain: Domain) -> Domain:
    """Return a domain whose context asks a teacher for prompts like those of ``domain``."""
    settings = DomainSettings(
        name=f"grow-{domain.name}"[:64],
        description=f"invents prompts for {domain.name}",
        system_prompt=SYSTEM.format(description=domain.settings.description),
        max_tokens=512,
    )
    return Domain(settings, domain.prompts_file)


def grow(
    domain: Domain,
    teacher: Teacher,
    out: Path,
    *,
    n: int,
    seed: int = 0,
    held_out: float,
    avoid: Sequence[Path] = (),
    cache: CompletionCache | None = None,
) -> Growth:
    """Ask for prompts until ``out`` has ``n`` of them; the prompts in ``out`` and its dropped file count.

    Both files are written after every round, so a killed run loses at most one round; with a cache it loses no answer,
    because the next run draws the same requests. Only training prompts are shown to the teacher, so that held-out
    prompts do not influence training.

    :param teacher: made for :func:`growing_domain`.
    :param out: the file of kept prompts; dropped proposals are beside it in ``*.dropped.jsonl``.
    :param held_out: the share of prompts that only the gate sees.
    :param cache: the cache of answers; each answer of a teacher behind an API costs money.
    :param avoid: evaluation files (JSON lines or plain text) whose texts must not become training prompts.
    :raises DataError: a file cannot be read or written, or the domain has no prompt to show.
    :raises TeacherError: the teacher failed; earlier rounds are kept.
    """
    filtered = _Filter(domain, out, avoid)
    seeds = [p.text for p in domain.prompts if len(p.messages) == 1 and position(p.digest) >= held_out]
    if not seeds:
        raise DataError(
            "has no prompt of one turn to show to the teacher",
            where=domain.prompts_file,
            next_step="Write a few by hand first",
        )

    def ask(requests: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        if cache is None:
            return teacher.generate(requests, sampling)
        return answers(teacher, growing_domain(domain), requests, sampling, cache)

    stale = silent = 0
    while len(filtered.kept) < n and stale < STALE_ROUNDS:
        before, proposed = len(filtered.kept), filtered.proposed
        # The draw depends on the number of proposals, so a resumed run draws as an uninterrupted one.
        draw = random.Random(f"{seed}:{proposed}:{silent}")  # noqa: S311 - not for secrets
        for proposal in _proposals(ask, seeds, draw):
            if len(filtered.kept) < n:
                filtered.add(proposal)
        filtered.write()
        stale = stale + 1 if len(filtered.kept) == before else 0
        silent = silent + 1 if filtered.proposed == proposed else 0
        structlog.get_logger().info(
            "prompts_grown", domain=domain.name, kept=len(filtered.kept), dropped=len(filtered.dropped), wanted=n
        )
    return Growth(len(filtered.kept), len(filtered.dropped), stale=len(filtered.kept) < n)


def dropped_file(out: Path) -> Path:
    """Return the file of the dropped proposals of ``out``."""
    return out.with_name(f"{out.stem}.dropped.jsonl")


def _proposals(
    ask: Callable[[Sequence[Prompt], Sampling], Iterator[Completion]], seeds: Sequence[str], draw: random.Random
) -> Iterator[str | Dropped]:
    """Yield the proposals of one round in the order of its requests."""
    requests = [_request(draw.sample(seeds, min(SHOWN, len(seeds)))) for _ in range(REQUESTS)]
    # With few seeds, two requests may be equal; a teacher answers a digest once.
    asked = list({request.digest: request for request in requests}.values())
    sampling = Sampling(max_tokens=512, temperature=1.0, top_p=0.95, seed=draw.randrange(2**31))
    answered = {completion.prompt: completion for completion in ask(asked, sampling)}
    for request in asked:
        if request.digest in answered:
            yield from parse(answered[request.digest])


def _request(shown: Sequence[str]) -> Prompt:
    listed = "\n".join(f"{place}. {_escaped(text)}" for place, text in enumerate(shown, 1))
    return Prompt(messages=(Message(role="user", content=listed),))


def parse(completion: Completion) -> Iterator[str | Dropped]:
    """Yield the prompts in a teacher's answer, and its other lines as :class:`Dropped`."""
    lines = [line for line in completion.text.split("\n") if line.strip()]
    numbered = any(_LIST_NUMBER.match(line) for line in lines)
    for place, line in enumerate(lines):
        text = _unescaped(_LIST_NUMBER.sub("", line, count=1).strip())
        if len(text) > 1 and text[0] == text[-1] == '"' and '"' not in text[1:-1]:
            text = text[1:-1].strip()
        if completion.finish_reason == "length" and place == len(lines) - 1:
            yield Dropped(text, "cut off at the token limit")
        elif (numbered and not _LIST_NUMBER.match(line)) or text.endswith(":") or text.startswith("```"):
            yield Dropped(text, "malformed: not a prompt on one line")
        elif not text or "\ufffd" in text or not is_utf8(text):
            yield Dropped(text.encode(errors="replace").decode(), "malformed: empty, or broken characters")
        else:
            yield text


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: "\n" if found[1] == "n" else "\\", text)


class _Filter:
    """The filters for proposals, and the files of kept and dropped ones."""

    def __init__(self, domain: Domain, out: Path, avoid: Sequence[Path]) -> None:
        self.out = out
        self.kept = list(read_prompts(out)) if out.exists() else []
        self.dropped = _lines(dropped_file(out)) if dropped_file(out).exists() else []
        counts = [len(prompt.text.split()) for prompt in domain.prompts if len(prompt.messages) == 1]
        # A few seeds may all have one length, so from half the shortest to twice the longest is allowed.
        self.fewest, self.most = (min(counts, default=1) + 1) // 2, 2 * max(counts, default=1)
        known = [("a prompt of the domain", prompt.text) for prompt in domain.prompts]
        known += [("a grown prompt", prompt.text) for prompt in self.kept]
        known += [(f"a text of {path.name}", text) for path in avoid for text in texts_of(path)]
        self.known = known
        self.index = Index(text for _, text in known)

    @property
    def proposed(self) -> int:
        """The number of proposals in both files, from this and earlier runs."""
        return len(self.kept) + len(self.dropped)

    def add(self, proposal: str | Dropped) -> None:
        """Keep the proposal, or drop it with the reason."""
        if isinstance(proposal, str) and (fault := self._fault(proposal)) is not None:
            proposal = fault
        if isinstance(proposal, Dropped):
            self.dropped.append(proposal.as_line())
            return
        self.kept.append(Prompt(messages=(Message(role="user", content=proposal),), source=SOURCE))
        self.known.append(("a grown prompt", proposal))
        self.index.add(proposal)

    def _fault(self, text: str) -> Dropped | None:
        count = len(text.split())
        if count < self.fewest:
            return Dropped(text, f"too short: {count} words, at least {self.fewest} in this domain")
        if count > self.most:
            return Dropped(text, f"too long: {count} words, at most {self.most} in this domain")
        for place, similarity in overlaps(text, self.index)[:1]:
            origin, like = self.known[place]
            return Dropped(text, f"near-duplicate ({similarity:.2f}) of {origin}", like)
        return None

    def write(self) -> None:
        """Write both files.

        :raises DataError: one cannot be written.
        """
        write_kept(self.out, map(prompt_line, self.kept), self.dropped)


def write_kept(out: Path, kept: Iterable[str], dropped: Iterable[str]) -> None:
    """Write the lines of the kept prompts, and of the dropped ones beside them; no file without lines.

    :raises DataError: a file cannot be written.
    """
    for path, lines in ((dropped_file(out), dropped), (out, kept)):
        text = "".join(lines)
        # An empty file of prompts cannot be read.
        if not text:
            continue
        try:
            write_atomic(path, text)
        except OSError as error:
            raise DataError("cannot be written", where=path, got=error.strerror, next_step="Use --out") from error


def texts_to_avoid(domain: Domain, files: Sequence[Path]) -> list[str]:
    """Return the last turns of the domain's prompts, and the texts of evaluation files.

    :raises DataError: a file cannot be read.
    """
    own = [prompt.messages[-1].content for prompt in domain.prompts]
    return [*own, *(text for path in files for text in texts_of(path))]


def texts_of(path: Path) -> list[str]:
    """Return the texts of an evaluation file: every string of JSON or JSON lines, otherwise every line.

    :raises DataError: the file cannot be read.
    """
    lines = _lines(path)
    try:
        return _strings(json.loads("".join(lines)))
    except ValueError:
        pass  # several JSON lines, or text
    texts: list[str] = []
    for line in lines:
        try:
            texts += _strings(json.loads(line))
        except ValueError:
            texts.append(line.strip())
    return texts


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if value.strip() else []
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in parts for text in _strings(part)]


def _lines(path: Path) -> list[str]:
    """Return the non-empty lines, with their line feeds."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError("cannot be read", where=path, got=str(error)) from error
    return [f"{line}\n" for line in text.split("\n") if line.strip()]
