"""Answers from a provider's batch endpoint: submitted together, collected hours later, possibly by another process.

A batch and its reservation are written to disk before it is sent. A run after a kill finds the note and waits for the
batch instead of paying again. After a kill between submitting and noting the provider's id, the provider is asked for
a batch of our name; if it cannot find one, the reservation stays, so that the budget is never exceeded.
"""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Protocol, TypeVar

import structlog
from pydantic import ValidationError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from conch_dna.errors import LedgerError, TeacherError
from conch_dna.records import Record, digest_of
from conch_dna.teachers.api.call import Reply
from conch_dna.teachers.api.calls import allowed_failures
from conch_dna.teachers.api.faults import CallFault
from conch_dna.teachers.api.ledger_totals import Reservation
from conch_dna.teachers.api.prices import Usage
from conch_dna.util.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from conch_dna.teachers.api.calls import Caller
    from conch_dna.teachers.api.context import ApiContext
    from conch_dna.teachers.api.prices import Price
    from conch_dna.teachers.api.provider_client import Abilities, Answer, Chat, ProviderClient
    from conch_dna.teachers.api.settings import Endpoint

T = TypeVar("T")
NOT_FOUND = 404
FIRST_LOOK, LONGEST_LOOK = 2.0, 60.0  # seconds between two polls of a batch: doubled each time
log = structlog.get_logger()


class BatchAsker(Protocol):
    """The parts of an API teacher that a batch needs."""

    @property
    def api(self) -> ApiContext:
        """The settings, ledger and cache of the command."""

    @property
    def fingerprint(self) -> str:
        """The identity of the model and its context."""

    @property
    def endpoint(self) -> Endpoint:
        """The settings of the endpoint."""

    @property
    def price(self) -> Price:
        """The prices of the model."""

    @property
    def caller(self) -> Caller:
        """The sender of the calls, with ledger, limits and metrics."""

    @property
    def client(self) -> ProviderClient:
        """The client of the provider."""

    @property
    def abilities(self) -> Abilities:
        """The result of a probe."""


class Pending(Record):
    """A submitted batch.

    :param name: our name of it.
    :param batch: the provider's id; empty until the provider has returned it.
    :param keys: keys of the chats in it.
    :param worst: the worst-case cost of each chat in nano-USD; ``reserved`` holds their sum, and is ``None`` if the
        calls are free.
    """

    name: str
    batch: str = ""
    keys: tuple[str, ...]
    worst: tuple[int, ...]
    reserved: Reservation | None = None


def run_batch(teacher: BatchAsker, chats: Mapping[str, Chat]) -> Iterator[tuple[str, Answer]]:
    """Yield the answers to chats by key, those of earlier batches first.

    :raises BudgetReached: the worst case of all chats still to be asked exceeds the budget.
    :raises TeacherError: too many requests of a batch failed.
    """
    folder = _folder(teacher, chats)
    open_chats = dict(chats)
    for file in sorted(folder.glob("*.json")):
        if pending := _found(teacher, file):
            yield from _collected(teacher, pending, file, open_chats)
    if open_chats:
        pending, file = _submitted(teacher, open_chats, folder)
        yield from _collected(teacher, pending, file, open_chats)


def _folder(teacher: BatchAsker, chats: Mapping[str, Chat]) -> Path:
    """Return the folder of notes of such batches, one per teacher and sampling."""
    drawn = sorted({(chat.sampling.model_dump_json(), chat.top) for chat in chats.values()})
    return teacher.api.cache / "api" / "batches" / digest_of([teacher.fingerprint, drawn])[:16]


def _submitted(teacher: BatchAsker, chats: Mapping[str, Chat], folder: Path) -> tuple[Pending, Path]:
    """Reserve the worst case of all chats together, note it, and submit the batch."""
    price, caller = teacher.price, teacher.caller
    worst = tuple(price.worst(c.input_tokens, c.sampling.max_tokens, batch=True) for c in chats.values())
    name = uuid.uuid4().hex
    reserved = caller.ledger.reserve(f"batch {name}", sum(worst), caller.note) if caller.ledger else None
    pending = Pending(name=name, keys=tuple(chats), worst=worst, reserved=reserved)
    file = folder / f"{name}.json"
    write_atomic(file, pending.model_dump_json() + "\n")
    try:
        batch = teacher.client.submit(chats, teacher.abilities, name)
    except CallFault as fault:
        # A certain failure was never charged; of a broken connection the outcome is unknown until the next run asks.
        if not fault.charged and fault.kind != "retry":
            _close(teacher, pending, None)
            file.unlink()
        raise TeacherError("did not accept a batch", where=caller.note, got=fault.reason,
                           next_step="Run the same command again, or set batch = false") from None  # fmt: skip
    log.info("batch_submitted", model=caller.note, batch=batch, chats=len(chats))
    pending = pending.model_copy(update={"batch": batch})
    write_atomic(file, pending.model_dump_json() + "\n")
    return pending, file


def _found(teacher: BatchAsker, file: Path) -> Pending | None:
    """Return the batch of a note with the provider's id; ``None`` if the provider no longer knows it.

    Its reservation then stays, because it may have been charged.
    """
    note = teacher.caller.note
    try:
        pending = Pending.model_validate_json(file.read_bytes())
    except ValidationError:
        log.warning("batch_lost", model=note, reason="its note is damaged")
    else:
        batch = pending.batch or _retried(teacher, lambda: teacher.client.find(pending.name))
        if batch and _is_known(teacher, batch):
            return pending.model_copy(update={"batch": batch})
        log.warning("batch_lost", model=note, chats=len(pending.keys), reason="the provider does not know it")
    file.unlink(missing_ok=True)
    return None


def _is_known(teacher: BatchAsker, batch: str) -> bool:
    """Return whether the provider still knows a batch; providers keep them for some weeks."""

    def ask() -> bool:
        try:
            teacher.client.is_done(batch)
        except CallFault as fault:
            if fault.status == NOT_FOUND:
                return False
            raise
        return True

    return _retried(teacher, ask)


def _collected(
    teacher: BatchAsker, pending: Pending, file: Path, wanted: dict[str, Chat]
) -> Iterator[tuple[str, Answer]]:
    """Wait for a batch, settle it, yield its answers and remove them from ``wanted``, then delete its note.

    The caller may stop in between: the next run collects the batch again, and a settlement is not repeated.
    """
    caller, started, pause = teacher.caller, time.perf_counter(), FIRST_LOOK
    while not _retried(teacher, lambda: teacher.client.is_done(pending.batch)):
        teacher.api.note(f"batch {pending.batch[-8:]}: {time.perf_counter() - started:.0f} s")
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_LOOK)
    replies = _retried(teacher, lambda: list(teacher.client.collect(pending.batch)))
    _close(teacher, pending, _settled(teacher, pending, replies, time.perf_counter() - started))
    answered = 0
    for key, reply in replies:
        if isinstance(reply, Reply):
            answered += 1
            if wanted.pop(key, None) is not None:
                yield key, reply.value
        else:
            caller.metrics.count(failures=1)
            log.warning("call_failed", model=caller.note, key=key[:12], reason=reply.reason)
    file.unlink(missing_ok=True)
    failed = len(pending.keys) - answered
    if failed > (most := allowed_failures(caller.limits.max_failed, len(pending.keys))):
        raise TeacherError("too many requests of a batch failed", where=caller.note, allowed=f"{most} (max_failed)",
                           got=f"{failed} of {len(pending.keys)}",
                           next_step="Answers so far are kept: run the same command again")  # fmt: skip


def _settled(
    teacher: BatchAsker, pending: Pending, replies: Iterable[tuple[str, Reply | CallFault]], seconds: float
) -> tuple[int, Usage]:
    """Return a batch's cost in nano-USD and its tokens; the worst case for a chat whose usage is unknown."""
    worst = dict(zip(pending.keys, pending.worst, strict=True))
    spent, usage = 0, Usage()
    for key, reply in replies:
        reported = reply.usage if isinstance(reply, Reply) and reply.usage and reply.usage.all_input else None
        if reported is not None:
            cost = teacher.price.cost(reported, batch=True)
        else:
            cost = worst.get(key, 0) if isinstance(reply, Reply) or reply.charged else 0
        spent, usage = spent + cost, usage + (reported or Usage())
        if isinstance(reply, Reply):
            teacher.caller.metrics.answered(seconds, reported or Usage(), cost)
    return spent, usage


def _close(teacher: BatchAsker, pending: Pending, spent: tuple[int, Usage] | None) -> None:
    """Settle the reservation of a batch, or release it; a run killed after this point has done so already."""
    ledger = teacher.caller.ledger
    if ledger is None or pending.reserved is None:
        return
    if spent is None:
        ledger.release(pending.reserved)
        return
    try:
        ledger.settle(pending.reserved, *spent)
    except LedgerError:  # settled by a run that was killed later, or that collects the same batch now
        if ledger.is_open(pending.reserved):
            raise


def _retried(teacher: BatchAsker, ask: Callable[[], T]) -> T:
    """Ask about a batch, which is free, until there is an answer or the attempts are used up.

    :raises TeacherError: there is no answer; the batch is not lost.
    """
    retrying = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, CallFault) and error.kind == "retry"),
        stop=stop_after_attempt(teacher.endpoint.attempts), reraise=True,
        wait=wait_exponential(multiplier=teacher.endpoint.backoff, max=LONGEST_LOOK),
    )  # fmt: skip
    try:
        return retrying(ask)
    except CallFault as fault:
        raise TeacherError(
            "does not answer about a batch", where=teacher.caller.note, got=fault.reason,
            next_step="Run the same command again: the batch is noted, and is not paid for twice",
        ) from None  # fmt: skip
