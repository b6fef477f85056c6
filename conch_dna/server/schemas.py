"""Response schemas for ``/openapi.json``; a test checks the server's responses against them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Reason = Literal["stop", "length", "tool_calls"]


class Closed(BaseModel):
    """A schema without undeclared fields."""

    model_config = ConfigDict(extra="forbid")


class Fault(Closed):
    """An error in OpenAI's format."""

    message: str
    type: str
    param: str | None
    code: str | None


class FaultBody(Closed):
    """The body of every error."""

    error: Fault


class Listed(Closed):
    """One model."""

    id: str
    object: Literal["model"]
    owned_by: str
    parent: str | None
    root: str
    digest: str
    created: int
    activated: bool
    verified: bool


class List(Closed):
    """``GET /v1/models``."""

    object: Literal["list"]
    data: list[Listed]


class Changed(Closed):
    """The result of an ``/admin`` request."""

    model: str
    digest: str
    done: str


class State(Closed):
    """``GET /health`` and ``GET /ready``."""

    status: Literal["ok", "ready"]


class Details(Closed):
    """Details of the prompt's tokens."""

    cached_tokens: int


class Usage(Closed):
    """Token counts."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: Details


class Called(Closed):
    """A function's name, and its arguments as JSON."""

    name: str
    arguments: str


class Call(Closed):
    """A tool call."""

    id: str
    type: Literal["function"]
    function: Called


class Message(Closed):
    """An assistant message; with tool calls it has no content."""

    role: Literal["assistant"]
    content: str | None
    refusal: None
    tool_calls: list[Call] | None = None


class ChatChoice(Closed):
    """One answer of a chat."""

    index: int
    message: Message
    logprobs: dict[str, Any] | None
    finish_reason: Reason


class TextChoice(Closed):
    """One continuation."""

    index: int
    text: str
    logprobs: dict[str, Any] | None
    finish_reason: Reason


class Answer(Closed):
    """The fields of all answers."""

    id: str
    created: int
    model: str
    system_fingerprint: str
    usage: Usage


class ChatAnswer(Answer):
    """``POST /v1/chat/completions``."""

    object: Literal["chat.completion"]
    choices: list[ChatChoice]


class TextAnswer(Answer):
    """``POST /v1/completions``."""

    object: Literal["text_completion"]
    choices: list[TextChoice]


MEANINGS = {
    400: "The request is invalid; param names the field.", 401: "The key is missing or invalid.",
    403: "The request is not allowed.", 404: "The model does not exist; the message lists the valid ones.",
    408: "The body took too long to arrive.", 409: "The registry or the slots do not allow the change.",
    413: "The body is too long.", 422: "The neuron was refused.",
    429: "The queue is full, or the key exceeded its rate.",
    503: "The server is starting, stopping or overloaded.", 504: "The answer took too long.",
}  # fmt: skip

Responses = dict[int | str, dict[str, Any]]


def faults(*statuses: int) -> Responses:
    """Return the error responses of an endpoint in FastAPI's format."""
    return {status: {"model": FaultBody, "description": MEANINGS[status]} for status in statuses}


def answers(model: type[Answer]) -> Responses:
    """Return the responses of a completion endpoint: one body, a stream of chunks, or an error."""
    event = {"type": "object", "properties": {"data": {"type": "string"}}, "required": ["data"]}
    stream = {"text/event-stream": {"schema": event}}
    good: Responses = {200: {"model": model, "description": "The answer, whole or streamed.", "content": stream}}
    return good | faults(*MEANINGS)
