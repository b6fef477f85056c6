"""The answers as ``/openapi.json`` tells them; a test holds the server to it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Reason = Literal["stop", "length", "tool_calls"]


class Told(BaseModel):
    """Closed: what is sent is told."""

    model_config = ConfigDict(extra="forbid")


class Fault(Told):
    """What went wrong, in OpenAI's form."""

    message: str
    type: str
    param: str | None
    code: str | None


class FaultBody(Told):
    """The body of every error."""

    error: Fault


class Listed(Told):
    """One model."""

    id: str
    object: Literal["model"]
    owned_by: str
    parent: str | None
    root: str
    digest: str
    created: int
    activated: bool


class List(Told):
    """``GET /v1/models``."""

    object: Literal["list"]
    data: list[Listed]


class Changed(Told):
    """What an operator had done."""

    model: str
    digest: str
    done: str


class State(Told):
    """``GET /health`` and ``GET /ready``."""

    status: Literal["ok", "ready"]


class Details(Told):
    """Of the prompt's tokens."""

    cached_tokens: int


class Usage(Told):
    """Counts of tokens."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: Details


class Called(Told):
    """A function's name, and its arguments as JSON."""

    name: str
    arguments: str


class Call(Told):
    """A tool call."""

    id: str
    type: Literal["function"]
    function: Called


class Message(Told):
    """What was answered; calls have no content."""

    role: Literal["assistant"]
    content: str | None
    refusal: None
    tool_calls: list[Call] | None = None


class ChatChoice(Told):
    """One answer of a chat."""

    index: int
    message: Message
    logprobs: dict[str, Any] | None
    finish_reason: Reason


class TextChoice(Told):
    """One continuation."""

    index: int
    text: str
    logprobs: dict[str, Any] | None
    finish_reason: Reason


class Answer(Told):
    """What all answers have."""

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
    400: "The request is wrong; param names the field.", 401: "There is no valid key.", 403: "This is not allowed.",
    404: "There is no such model, with those that there are.", 408: "The body took too long to arrive.",
    409: "The registry or the slots do not allow it.", 413: "The body is too long.", 422: "The neuron was refused.",
    429: "The queue is full, or the key's minute used up.", 503: "The server starts or stops.",
    504: "The answer took too long.",
}  # fmt: skip

Responses = dict[int | str, dict[str, Any]]


def faults(*statuses: int) -> Responses:
    """Return the errors of an endpoint, as FastAPI is told of them."""
    return {status: {"model": FaultBody, "description": MEANINGS[status]} for status in statuses}


def answers(model: type[Answer]) -> Responses:
    """Return what an endpoint that answers may give: one body, a stream of chunks, or an error."""
    event = {"type": "object", "properties": {"data": {"type": "string"}}, "required": ["data"]}
    stream = {"text/event-stream": {"schema": event}}
    good: Responses = {200: {"model": model, "description": "The answer, whole or as it comes.", "content": stream}}
    return good | faults(*MEANINGS)
