"""Request bodies. A parameter that would change the answer but is not supported is refused; others are ignored."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Zero = Annotated[float, Field(ge=0, le=0)]
One = Annotated[int, Field(ge=1, le=1)]
Count = Annotated[int, Field(ge=1, le=32_768)]
Stop = Annotated[str, Field(min_length=1, max_length=256)]
TokenId = Annotated[int, Field(strict=True, ge=0, le=2**31)]


class Body(BaseModel):
    """A request body; unknown keys are refused, as by OpenAI's own server."""

    # Strict: no conversion between strings, numbers and booleans.
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=())


class StreamOptions(Body):
    """Additional content of a stream."""

    include_usage: bool = False
    include_obfuscation: bool | None = None


class Common(Body):
    """The fields of both kinds of requests."""

    model: str = Field(min_length=1, max_length=256)
    n: int | None = Field(None, ge=1, le=16)
    max_tokens: Count | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    seed: int | None = Field(None, ge=-(2**63), le=2**64 - 1)
    stop: Stop | Annotated[list[Stop], Field(max_length=16)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: str | None = None
    # Not supported: only the neutral value is accepted.
    frequency_penalty: Zero | None = None
    presence_penalty: Zero | None = None
    logit_bias: Annotated[dict[str, float], Field(max_length=0)] | None = None

    @property
    def stops(self) -> tuple[str, ...]:
        """The strings that end the answer."""
        if self.stop is None:
            return ()
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop)


class CompletionBody(Common):
    """``POST /v1/completions``."""

    prompt: (
        str
        | Annotated[list[str], Field(min_length=1, max_length=16)]
        | Annotated[list[TokenId], Field(min_length=1)]
        | Annotated[list[Annotated[list[TokenId], Field(min_length=1)]], Field(min_length=1, max_length=16)]
    )
    logprobs: int | None = Field(None, ge=0, le=5)
    echo: Literal[False] | None = None
    best_of: One | None = None
    suffix: None = None


class ContentPart(Body):
    """A part of a turn's content."""

    type: Literal["text"]
    text: str


class CalledFunction(Body):
    """A function call in an earlier answer."""

    name: str
    arguments: str


class ToolCall(Body):
    """A tool call in an earlier answer, with its id."""

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class Turn(Body):
    """One message of a chat."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[ContentPart] | None = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    refusal: None = None

    @property
    def text(self) -> str:
        """The content as one text."""
        if isinstance(self.content, list):
            return "".join(part.text for part in self.content)
        return self.content or ""


class Function(Body):
    """A function that may be called."""

    name: str = Field(pattern=r"^[a-zA-Z0-9_.-]{1,64}$")
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None

    def described(self) -> dict[str, Any]:
        """Return the description that the prompt contains."""
        return self.model_dump(include={"name", "description", "parameters"}, exclude_none=True)


class Tool(Body):
    """An entry of ``tools``."""

    type: Literal["function"]
    function: Function


class ChosenFunction(Body):
    """The name in a ``tool_choice``."""

    name: str


class Choice(Body):
    """A ``tool_choice`` that names a tool."""

    type: Literal["function"]
    function: ChosenFunction


class RequestedSchema(Body):
    """The schema of a ``response_format``."""

    name: str = Field(max_length=64)
    description: str | None = None
    schema_: dict[str, Any] = Field(alias="schema")
    strict: bool | None = None


class RequestedText(Body):
    """Any text."""

    type: Literal["text"]

    def json_schema_of(self) -> dict[str, Any] | None:
        """Return no schema."""
        return None


class RequestedObject(Body):
    """Any JSON object."""

    type: Literal["json_object"]

    def json_schema_of(self) -> dict[str, Any] | None:
        """Return the schema of any object."""
        return {"type": "object"}


class RequestedJson(Body):
    """JSON that matches a schema."""

    type: Literal["json_schema"]
    json_schema: RequestedSchema

    def json_schema_of(self) -> dict[str, Any] | None:
        """Return the schema."""
        return self.json_schema.schema_


RequestedFormat = Annotated[RequestedText | RequestedObject | RequestedJson, Field(discriminator="type")]


class ChatBody(Common):
    """``POST /v1/chat/completions``."""

    messages: Annotated[list[Turn], Field(min_length=1, max_length=4096)]
    max_completion_tokens: Count | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=20)
    tools: Annotated[list[Tool], Field(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | Choice | None = None
    parallel_tool_calls: bool | None = None
    response_format: RequestedFormat | None = None
    # The caller's own metadata; accepted and ignored.
    metadata: dict[str, Any] | None = None
    store: bool | None = None
    service_tier: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
