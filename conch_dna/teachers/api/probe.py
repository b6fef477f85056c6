"""What a model at an endpoint can do, found by asking: nothing that it states, and nothing in its name, is believed."""

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
TOKENS = 16  # of the probe's answer, at most
THOUGHTS = 2048  # and so many more for a model that has used these up before it says a word
QUESTION: tuple[dict[str, str], ...] = ({"role": "user", "content": f"Write exactly these words: {TEXT}"},)
log = structlog.get_logger()


def probe(client: ProviderClient, caller: Caller, turn: str = "") -> Abilities:
    """Ask a few tiny questions, which are reserved and settled like all others.

    :param turn: the format of a turn, for endpoints that echo plain text.
    :raises TeacherError: the endpoint gives no answer, or an empty one: nothing can be learnt from it.
    """
    found = _asked(client, caller)
    for echo in client.echoes:
        told = _echoed(client, caller, found.model_copy(update={"echo": echo}), turn)
        if told is not None:
            return told
    return found


def _asked(client: ProviderClient, caller: Caller) -> Abilities:
    """Find the most choices that it tells with an answer, and the settings that it does not take."""
    found = Abilities(capabilities=("prefer", "text"))
    refused = CallFault("nothing was asked")
    for top in (*client.tops, 0):
        reply = _tried(client, caller, top, found)
        while better := _mended(client, reply, found):
            found = better
            reply = _tried(client, caller, top, found)
        if isinstance(reply, CallFault):
            refused = reply
            continue
        answer: Answer = reply.value
        if not answer.text.strip():
            raise TeacherError("answers with nothing", where=caller.note, next_step="Name another model or endpoint")
        if top == 0:
            return found
        strange = answer.told and not answer.soft
        if why := "the told tokens do not spell the answer" if strange else is_absent([answer.soft]):
            log.info("choices_not_told", teacher=caller.note, reason=why)
            return found
        return found.model_copy(update={"capabilities": ("prefer", "soft", "text"), "top": top})
    raise caller.refused("refuses to answer", refused)


def _tried(client: ProviderClient, caller: Caller, top: int, abilities: Abilities) -> Reply | CallFault:
    most = TOKENS + abilities.thinks
    chat = Chat(QUESTION, 0, Sampling(max_tokens=most), top)
    return _sent(caller, chat, most, lambda timeout: client.ask(chat, abilities, timeout))


def _echoed(client: ProviderClient, caller: Caller, abilities: Abilities, turn: str) -> Abilities | None:
    """Return the abilities with a way of echoing, or ``None`` where it does not tell the tokens of a text."""
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


def _mended(client: ProviderClient, reply: Reply | CallFault, found: Abilities) -> Abilities | None:
    """Return how to ask better: without the settings that a refusal names, or with room for hidden thoughts."""
    if isinstance(reply, CallFault):
        used_up = USED_UP in reply.reason
        culprits = [name for name in client.optional if name in reply.reason and name not in found.without]
        if culprits:
            return found.model_copy(update={"without": (*found.without, *culprits)})
    else:
        used_up = reply.value.finish_reason == "length" and not reply.value.text.strip()
    return found.model_copy(update={"thinks": THOUGHTS}) if used_up and not found.thinks else None


def _sent(caller: Caller, chat: Chat, most: int, send: Callable[[float], Reply]) -> Reply | CallFault:
    """Send one call; that the endpoint refuses it is an answer too.

    :raises TeacherError: there is none at all, nobody is there, or the key or the model is refused.
    """
    refusals: list[CallFault] = []
    absences: list[CallFault] = []

    def noted(timeout: float) -> Reply:
        try:
            return send(timeout)
        except CallFault as fault:
            if fault.unreachable:
                absences.append(fault)
                if len(absences) > 1:  # whoever is not there at the start was not started, or the address is wrong
                    raise NotSent from None
            if fault.kind == "retry" or fault.status in {401, 404}:
                raise
            refusals.append(fault)
            if fault.charged:
                return Reply(None)  # settled at its worst case
            raise NotSent from None  # for which nothing is charged, and nobody is told of a failure

    replies = [reply for _, reply in caller.run([Call("probe", chat.input_tokens, most, noted)])]
    if not refusals and not replies:
        raise TeacherError("cannot be reached", where=caller.where, got=absences[-1].reason,
                           next_step="Start the server, or mend the base URL")  # fmt: skip
    return refusals[-1] if refusals else replies[0]
