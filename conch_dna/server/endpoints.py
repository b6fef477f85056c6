"""The ``/v1`` endpoints: models, completions and chat completions."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from conch_dna.data.tokens import prompt_ids
from conch_dna.server.faults import ApiFault
from conch_dna.server.keys import KEY
from conch_dna.server.requests import ChatBody, CompletionBody
from conch_dna.server.response_format import ChatFormat, TextFormat
from conch_dna.server.responses import respond
from conch_dna.server.schemas import ChatAnswer, List, Listed, TextAnswer, answers, faults
from conch_dna.server.tools import callable_tools, required_grammar, turns_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conch_dna.records import Tool
    from conch_dna.runtime.grammar import Constraint
    from conch_dna.server.job import Order
    from conch_dna.server.service import Service


def routes(service: Service) -> APIRouter:
    """Return the endpoints of ``/v1``."""
    router = APIRouter(prefix="/v1")

    @router.get("/models", response_model=List, responses=faults(400, 401, 403, 408, 413, 429))
    async def models() -> dict[str, Any]:
        """List the base and every neuron with its aliases and versions."""
        found = await asyncio.to_thread(service.models.all)
        return {"object": "list", "data": [model.as_dict() for model in found]}

    @router.get("/models/{model}", response_model=Listed, responses=faults(400, 401, 403, 404, 408, 413, 422, 429))
    async def model(model: str) -> dict[str, Any]:
        """Return one model."""
        return (await asyncio.to_thread(service.models.get, model)).as_dict()

    @router.post("/chat/completions", response_model=None, responses=answers(ChatAnswer))
    async def chat(body: ChatBody, http: Request) -> Response:
        """Answer a chat."""
        return await _chat(service, body, http)

    @router.post("/completions", response_model=None, responses=answers(TextAnswer))
    async def completions(body: CompletionBody, http: Request) -> Response:
        """Continue a text, or several."""
        return await _completions(service, body, http)

    return router


async def _chat(service: Service, body: ChatBody, http: Request) -> Response:
    described = (tool.function.description or "" for tool in body.tools or ())
    service.refuse_long([*(turn.text for turn in body.messages), *described])
    with service.admitted(http.scope.get(KEY), body.n or 1) as party:
        order, calls = await _chat_order(service, body)
    return await respond(service, http, body, replace(order, sharing=party), ChatFormat(service.decoder, calls=calls))


async def _chat_order(service: Service, body: ChatBody) -> tuple[Order, bool]:
    """Return the order of a chat, and whether its answers may be calls."""
    asked_turns = [{"role": turn.role, "content": turn.text} for turn in body.messages]
    body = body.model_copy(update={"model": await service.named(body.model, asked_turns)})
    if body.top_logprobs is not None and not body.logprobs:
        raise ApiFault(400, "top_logprobs: logprobs must be true.", "invalid_value", "top_logprobs")
    named = callable_tools(body)
    if named is None and body.response_format is not None:
        named = []
    form, tools = await service.form(body.model, named)
    turns = turns_of(body.messages, tools, form)
    constrain = await _constraint(service, body, tools)
    prompts = await service.encoded(lambda: [prompt_ids(service.engine.tokenizer, turns)])
    asked = body.max_tokens if body.max_completion_tokens is None else body.max_completion_tokens
    top = (body.top_logprobs or 0) if body.logprobs else None
    return replace(service.order(body, prompts, asked, top), constrain=constrain), bool(named)


async def _constraint(service: Service, body: ChatBody, tools: Sequence[Tool]) -> Callable[[], Constraint] | None:
    """Return a factory for the constraint of one answer, or ``None``."""
    found = required_grammar(body, tools)
    return None if found is None else await service.constraint(*found)


async def _completions(service: Service, body: CompletionBody, http: Request) -> Response:
    service.refuse_long(_texts(body.prompt))
    with service.admitted(http.scope.get(KEY), (body.n or 1) * len(_prompts(body.prompt))) as party:
        order = await _completion_order(service, body)
    return await respond(service, http, body, replace(order, sharing=party), TextFormat(service.decoder))


async def _completion_order(service: Service, body: CompletionBody) -> Order:
    """Return the order of one or several texts to continue."""
    asked_turns = [{"role": "user", "content": text} for text in _texts(body.prompt)]
    body = body.model_copy(update={"model": await service.named(body.model, asked_turns)})
    prompts = await service.encoded(lambda: _ids(service, body))
    if not all(prompts):
        raise ApiFault(400, "prompt: must not be empty.", "invalid_value", "prompt")
    return service.order(body, prompts, body.max_tokens, body.logprobs)


def _prompts(prompt: Any) -> list[str | list[int]]:
    """Return the prompts in the field, which may be one."""
    return [prompt] if isinstance(prompt, str) or isinstance(prompt[0], int) else prompt


def _texts(prompt: Any) -> list[str]:
    """Return the texts in a prompt; a router cannot read token ids."""
    return [part for part in _prompts(prompt) if isinstance(part, str)]


def _ids(service: Service, body: CompletionBody) -> list[list[int]]:
    """Return the token ids of every prompt; for texts, with the tokenizer's special tokens."""
    encode = service.engine.tokenizer.encode
    return [list(encode(prompt)) if isinstance(prompt, str) else prompt for prompt in _prompts(body.prompt)]
