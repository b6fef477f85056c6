"""Import of existing conversations as a domain: their prompts, and their last answers as a recording."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import Field

from conch_dna.data.splits import position
from conch_dna.data.tokens import encode_answer
from conch_dna.domains.chats import Refused, chat_of
from conch_dna.domains.domain import Domain, DomainSettings
from conch_dna.domains.prompts import PROMPTS_FILE, prompt_line
from conch_dna.domains.recordings import FOLDER, RecordingCard, recorded_line
from conch_dna.domains.rows import ALLOWED, digest_of_files, files_of, rows_of
from conch_dna.errors import DataError, DiskError
from conch_dna.records import Completion, Prompt, Record, Reference, Sampling
from conch_dna.util.files import new_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

SOURCE = RECORDING = "imported"  # the key of the prompts' source, and the recording's name
MOST_FAULTS = 20
LONGEST_ANSWER = 4096  # tokens; the upper limit of a domain's max_tokens


class Span(Record):
    """Minimum, mean and maximum of some counts."""

    fewest: int
    mean: float
    most: int


class Import(Record):
    """Report of an import."""

    name: str
    folder: str
    rows: int = Field(description="number of rows read")
    kept: int
    dropped: dict[str, int] = Field(description="by reason")
    faults: tuple[str, ...] = Field(description="the first faults, with their rows")
    train: int
    held_out: int
    share: float = Field(description="share of held-out prompts in the project's settings")
    tokens: Span = Field(description="of whole conversations, by the student's tokenizer")
    answer_tokens: Span
    answer_words: Span
    turns: dict[int, int] = Field(description="conversations by number of turns, including the answer")
    roles: dict[str, int] = Field(description="turns by role")
    tools: int = Field(description="number of prompts with tools of their own")
    references: int = Field(description="number of prompts with a reference")
    unread: dict[str, int] = Field(description="number of rows by unused column")


class Kept(NamedTuple):
    """An accepted conversation: a prompt with its answer, and their sizes in the student's tokens."""

    prompt: Prompt
    answer: str
    tokens: int
    answer_tokens: int


class Limits(NamedTuple):
    """Limits of an import.

    :param rows: the most conversations to keep; ``None`` for all.
    :param max_length: the setting: longer conversations, in tokens, would not be trained on.
    :param held_out: the share of prompts that only the gate sees.
    """

    rows: int | None
    max_length: int
    held_out: float


class Sieve:
    """Filter of rows: keeps usable conversations and counts the others by reason.

    :param tokenizer: the student's.
    :param column: the column of the turns; ``None`` for the usual names.
    """

    def __init__(self, tokenizer: Any, column: str | None, limits: Limits) -> None:
        self.tokenizer, self.column, self.limits = tokenizer, column, limits
        self.kept: list[Kept] = []
        self.rows = 0
        self.dropped: Counter[str] = Counter()
        self.unread: Counter[str] = Counter()
        self.faults: list[str] = []
        self._seen: set[str] = set()

    @property
    def full(self) -> bool:
        """True when the row limit is reached."""
        return self.limits.rows is not None and len(self.kept) >= self.limits.rows

    def add(self, row: dict[str, Any] | str) -> None:
        """Keep the row's conversation, or count the reason against it."""
        self.rows += 1
        found = Refused(row, row) if isinstance(row, str) else self._read(row)
        if isinstance(found, Kept):
            self.kept.append(found)
            return
        self.dropped[found.reason] += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(f"row {self.rows}: {found.fault}")

    def _read(self, row: dict[str, Any]) -> Kept | Refused:
        chat = chat_of(row, self.column)
        if isinstance(chat, Refused):
            return chat
        self.unread.update(key for key in row if key not in chat.read)
        prompt = Prompt(messages=chat.messages, tools=chat.tools, reference=chat.reference, source=SOURCE)
        if prompt.digest in self._seen:
            return Refused("duplicate", "the same prompt as an earlier row")
        try:
            example = encode_answer(self.tokenizer, prompt, chat.answer)
        except DataError as error:
            return Refused("not for this chat template", str(error))
        size, answer = len(example.ids), len(example.answer_ids)
        if size > self.limits.max_length:
            return Refused(f"longer than max_length {self.limits.max_length}", f"{size} tokens")
        if answer > LONGEST_ANSWER:
            return Refused(f"answer longer than {LONGEST_ANSWER} tokens", f"{answer} tokens")
        self._seen.add(prompt.digest)
        return Kept(prompt, chat.answer, size, answer)


def import_chats(
    source: Path,
    folder: Path,
    tokenizer: Any,
    limits: Limits,
    *,
    column: str | None = None,
    split: str | None = None,
    licence: str = "unknown",
) -> Import:
    """Create a domain in ``folder`` from the conversations in ``source``, atomically.

    The last answer of each conversation goes to ``recorded/imported.jsonl``; the turns before it are the prompt.
    Earlier answers are turns of the prompt, which ``sft`` trains too.

    :param source: see :mod:`conch_dna.domains.rows`.
    :param folder: its name is the domain's and must be a valid one.
    :param tokenizer: the student's, for counting tokens.
    :param column: the column of the turns; ``None`` for the usual names.
    :param split: the split to read, if the source has several.
    :param licence: licence of the data.
    :raises DataError: the source cannot be read, no row is usable, or the folder exists.
    :raises DiskError: the disk is full or writing failed.
    """
    files = files_of(source, split)
    sieve = Sieve(tokenizer, column, limits)
    for row in (row for path in files for row in rows_of(path)):
        if sieve.full:
            break
        sieve.add(row)
    if not sieve.kept:
        raise _nothing_usable(source, sieve)
    digest = digest_of_files(files)
    text = _domain_toml(folder.name, source.name, digest, licence, sieve.kept)
    domain = Domain(DomainSettings.model_validate(tomllib.loads(text)), folder / PROMPTS_FILE, folder)
    try:
        _write(domain, folder, text, digest, sieve)
    except FileExistsError as error:
        raise DataError("already exists", where=folder, next_step="Choose another --name") from error
    except OSError as error:
        raise DiskError("cannot be written", where=error.filename or folder, got=error.strerror) from error
    return _report(folder, sieve)


def _nothing_usable(source: Path, sieve: Sieve) -> DataError:
    """Return the error of an import without usable rows; it quotes the first fault."""
    first = f" ({sieve.faults[0]})" if sieve.faults else ""
    advice = "Name the column of the turns with --column" if "no conversation" in sieve.dropped else None
    got = dict(sieve.dropped.most_common()) or "no row"
    return DataError(f"contains no usable conversation{first}", where=source, got=got,
                     allowed=ALLOWED if "not JSON" in sieve.dropped else None, next_step=advice)  # fmt: skip


def _domain_toml(name: str, origin: str, digest: str, licence: str, kept: Sequence[Kept]) -> str:
    """Return the text of ``domain.toml``, with length limits from the answers."""
    words = [len(one.answer.split()) for one in kept]
    described = _quoted(f"conversations from {origin}")
    return f"""name = {_quoted(name)}
description = {described}
max_tokens = {max(one.answer_tokens for one in kept)}

[length]
min = {min(words)}
max = {max(1, *words)}

[[sources]]
key = {_quoted(SOURCE)}
origin = {described}
licence = {_quoted(licence)}
sha256 = {_quoted(digest)}
"""


def _quoted(text: str) -> str:
    """Return a TOML string: a JSON string with DEL escaped too; bytes that are not UTF-8 become question marks."""
    sound = text.encode(errors="replace").decode()
    return json.dumps(sound, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write(domain: Domain, folder: Path, text: str, digest: str, sieve: Sieve) -> None:
    """Write the domain's folder with its recording; ``domain.toml``, which marks a domain, comes last."""
    sampling, fingerprint = Sampling(max_tokens=domain.settings.max_tokens), f"imported:{digest}"
    card = RecordingCard(
        teacher=SOURCE, fingerprint=fingerprint, context=domain.context_digest, sampling=sampling, required={},
        prompts=sieve.rows, kept=len(sieve.kept), dropped=dict(sieve.dropped),
    )  # fmt: skip
    with new_folder(folder) as made:
        (made / FOLDER).mkdir()
        with (made / FOLDER / f"{RECORDING}.jsonl").open("w", encoding="utf-8") as file:
            pairs = ((one.prompt.digest, one.answer) for one in sieve.kept)
            file.writelines(
                recorded_line(Completion(prompt=prompt, text=answer, teacher=fingerprint, sampling=sampling))
                for prompt, answer in pairs
            )
        about = json.dumps(card.model_dump(mode="json"), indent=2, ensure_ascii=False)
        (made / FOLDER / f"{RECORDING}.card.json").write_text(about + "\n", encoding="utf-8")
        with (made / PROMPTS_FILE).open("w", encoding="utf-8") as file:
            file.writelines(prompt_line(one.prompt) for one in sieve.kept)
        (made / "domain.toml").write_text(text, encoding="utf-8")


def _report(folder: Path, sieve: Sieve) -> Import:
    kept, share = sieve.kept, sieve.limits.held_out
    held_out = sum(position(one.prompt.digest) < share for one in kept)
    roles = Counter(message.role for one in kept for message in one.prompt.messages)
    roles["assistant"] += len(kept)
    return Import(
        name=folder.name, folder=str(folder), rows=sieve.rows, kept=len(kept),
        dropped=dict(sieve.dropped.most_common()), faults=tuple(sieve.faults), train=len(kept) - held_out,
        held_out=held_out, share=share, tokens=_span(one.tokens for one in kept),
        answer_tokens=_span(one.answer_tokens for one in kept),
        answer_words=_span(len(one.answer.split()) for one in kept),
        turns=dict(sorted(Counter(len(one.prompt.messages) + 1 for one in kept).items())),
        roles=dict(roles.most_common()), tools=sum(bool(one.prompt.tools) for one in kept),
        references=sum(one.prompt.reference != Reference() for one in kept), unread=dict(sieve.unread.most_common()),
    )  # fmt: skip


def _span(counts: Iterable[int]) -> Span:
    found = list(counts)
    return Span(fewest=min(found), mean=round(fmean(found), 1), most=max(found))
