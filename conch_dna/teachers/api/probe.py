"""Detection of a model's capabilities by test requests; advertised metadata and model names are ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from conch_dna.align.served_logprobs import is_absent, trail_behind
from conch_dna.errors import TeacherError
from conch_dna.records import Sampling
from conch_dna.teachers.api.call import Call, Reply
from conch_dna.teachers.api.faults import USED_UP, CallFault, NotSent
from conch_dna.teachers.api.provider_client import Abilities, Answer, Chat

if TYPE_CHECKING:
    from collections.abc import Callable

    from conch_dna.teachers.api.calls import Caller
    from conch_dna.teachers.api.provider_client import ProviderClient

TEXT = "one two three"
TOKENS = 16  # limit of the probe's answer
THOUGHTS = 2048  # additional tokens for a model that used these up before its first visible token
QUESTION: tuple[dict[str, str], ...] = ({"role": "user", "content": f"Write exactly these words: {TEXT}"},)
log = structlog.get_logger()


def probe(client: ProviderClient, caller: Caller, turn: str = "") -> Abilities:
    """Send a few tiny requests, which are reserved and settled like any other.

    :param turn: the format of a turn, for endpoints that echo plain text.
    :raises TeacherError: the endpoint returns no answer, or an empty one.
    """
    found = _asked(client, caller)
    for echo in client.echoes:
        better = _echoed(client, caller, found.model_copy(update={"echo": echo}), turn)
        if better is not None:
            return better
    return found


def _asked(client: ProviderClient, caller: Caller) -> Abilities:
    """Find the largest number of top choices, and the settings that the model refuses."""
    found = Abilities(capabilities=("prefer", "text"))
    refused = CallFault("no request was sent")
    for top in (*client.tops, 0):
        reply = _tried(client, caller, top, found)
        while better := _adjusted(client, reply, found):
            found = better
            reply = _tried(client, caller, top, found)
        if isinstance(reply, CallFault):
            refused = reply
            continue
        answer: Answer = reply.value
        if not answer.text.strip():
            raise TeacherError(
                "returned an empty answer", where=caller.note, next_step="Name another model or endpoint"
            )
        if top == 0:
            return found
        strange = answer.has_tokens and not answer.soft
        if why := "the returned tokens do not spell the answer" if strange else is_absent([answer.soft]):
            log.info("choices_unusable", teacher=caller.note, reason=why)
            return found
        return found.model_copy(update={"capabilities": ("prefer", "soft", "text"), "top": top})
    raise caller.refused("refuses to answer", refused)


def _tried(client: ProviderClient, caller: Caller, top: int, abilities: Abilities) -> Reply | CallFault:
    most = TOKENS + abilities.thinks
    chat = Chat(QUESTION, 0, Sampling(max_tokens=most), top)
    return _sent(caller, chat, most, lambda timeout: client.ask(chat, abilities, timeout))


def _echoed(client: ProviderClient, caller: Caller, abilities: Abilities, turn: str) -> Abilities | None:
    """Return the abilities with a way of echoing, or ``None`` if it does not return the tokens of a text."""
    top = abilities.top or max(client.tops)
    chat = Chat(QUESTION, 0, Sampling(max_tokens=1), top)
    whole = chat.with_answer(TEXT, turn)
    reply = _sent(caller, whole, 1, lambda timeout: client.echoed(chat, TEXT, abilities, timeout))
    if isinstance(reply, CallFault) or not reply.value:
        return None
    trail = trail_behind(reply.value, TEXT)
    if trail is None or is_absent([reply.value]):
        return None
    capabilities = tuple(sorted({*abilities.capabilities, "forced"}))
    return abilities.model_copy(update={"capabilities": capabilities, "top": top, "trail": trail})


def _adjusted(client: ProviderClient, reply: Reply | CallFault, found: Abilities) -> Abilities | None:
    """Return adjusted abilities: without the settings that a refusal names, or with room for hidden reasoning."""
    if isinstance(reply, CallFault):
        used_up = USED_UP in reply.reason
        culprits = [name for name in client.optional if name in reply.reason and name not in found.without]
        if culprits:
            return found.model_copy(update={"without": (*found.without, *culprits)})
    else:
        used_up = reply.value.finish_reason == "length" and not reply.value.text.strip()
    return found.model_copy(update={"thinks": THOUGHTS}) if used_up and not found.thinks else None


def _sent(caller: Caller, chat: Chat, most: int, send: Callable[[float], Reply]) -> Reply | CallFault:
    """Send one call; a refusal by the endpoint is a result, too.

    :raises TeacherError: there is no result, the endpoint is unreachable, or it refuses the key or the model.
    """
    refusals: list[CallFault] = []
    absences: list[CallFault] = []

    def noted(timeout: float) -> Reply:
        try:
            return send(timeout)
        except CallFault as fault:
            if fault.unreachable:
                absences.append(fault)
                if len(absences) > 1:  # unreachable from the start: not running, or a wrong address
                    raise NotSent from None
            if fault.kind == "retry" or fault.status in {401, 404}:
                raise
            refusals.append(fault)
            if fault.charged:
                return Reply(None)  # settled at its worst case
            raise NotSent from None  # not charged, and not counted as a failure

    replies = [reply for _, reply in caller.run([Call("probe", chat.input_tokens, most, noted)])]
    if not refusals and not replies:
        raise TeacherError("cannot be reached", where=caller.where, got=absences[-1].reason,
                           next_step="Start the server, or correct the base URL")  # fmt: skip
    return refusals[-1] if refusals else replies[0]
