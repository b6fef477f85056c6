"""The frozen records that travel between the stages; each is one JSON object on disk."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_serializer, model_validator

from conch_dna.util.text import strict_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA_VERSION = 1


class Record(BaseModel):
    """Base of all records: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def digest_of(value: object) -> str:
    """Return the sha256 hex digest of ``value`` written as canonical JSON (sorted keys, no blanks, UTF-8)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


class FunctionCall(Record):
    """What a tool call calls; ``arguments`` is an object, or the JSON text of one, as OpenAI writes it."""

    name: str = Field(min_length=1)
    arguments: dict[str, Any] = Field(default_factory=dict)

    @field_validator("arguments", mode="before")
    @classmethod
    def _object(cls, value: Any) -> Any:
        """Read JSON text."""
        if not isinstance(value, str):
            return value
        try:
            return strict_json(value)
        except (ValueError, RecursionError) as error:
            msg = f"not JSON ({error})"
            raise ValueError(msg) from error


class ToolCall(Record):
    """One call in an assistant turn."""

    id: str | None = None
    type: Literal["function"] = "function"
    function: FunctionCall

    def as_dict(self) -> dict[str, Any]:
        """Return the call in OpenAI's shape, but with its arguments as an object, as chat templates take it."""
        given = {"type": self.type, "function": self.function.model_dump()}
        return given if self.id is None else {"id": self.id, **given}


class Message(Record):
    """One chat turn.

    :param tool_calls: what an assistant turn calls; its content may then be empty, or null where it is read.
    :param tool_call_id, name: in a tool turn, which call and which tool it answers.
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_content(cls, value: Any) -> Any:
        """Let a turn that calls tools do without content."""
        if isinstance(value, dict) and value.get("tool_calls") and value.get("content") is None:
            return {**value, "content": ""}
        return value

    @model_validator(mode="after")
    def _fields_of_its_role(self) -> Message:
        if self.tool_calls and self.role != "assistant":
            msg = f"tool_calls belong to an assistant turn, not to a {self.role} turn"
            raise ValueError(msg)
        if self.role != "tool" and (self.tool_call_id is not None or self.name is not None):
            msg = f"tool_call_id and name belong to a tool turn, not to a {self.role} turn"
            raise ValueError(msg)
        return self

    @property
    def text(self) -> str:
        """The content, then each tool call as a line of JSON."""
        calls = (json.dumps(call.function.model_dump(), ensure_ascii=False) for call in self.tool_calls)
        return "\n".join(part for part in (self.content, *calls) if part)

    def as_dict(self) -> dict[str, Any]:
        """Return the turn in the form chat templates take; what is not given is left out."""
        given: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.tool_calls:
            given["tool_calls"] = [call.as_dict() for call in self.tool_calls]
        named = {"tool_call_id": self.tool_call_id, "name": self.name}
        return given | {key: value for key, value in named.items() if value is not None}

    @model_serializer
    def _written(self) -> dict[str, Any]:
        """Write no more to disk either."""
        return self.as_dict()


class Reference(Record):
    """What is known for sure about the right answer; every field is optional."""

    answer: str | None = None
    contains: tuple[str, ...] = ()
    tool: dict[str, Any] | None = None
    tests: tuple[str, ...] = ()


class Prompt(Record):
    """One prompt of a domain: chat messages that end with the turn to be answered."""

    messages: tuple[Message, ...]
    reference: Reference = Reference()
    source: str = "unknown"

    @property
    def digest(self) -> str:
        """The sha256 of the messages alone: the prompt's identity in splits, caches and recordings."""
        return digest_of(self.turns)

    @property
    def turns(self) -> list[dict[str, Any]]:
        """The messages in the form chat templates take."""
        return [m.as_dict() for m in self.messages]

    @property
    def text(self) -> str:
        """All turns joined, for comparisons of wording."""
        return "\n".join(m.text for m in self.messages)


class Sampling(Record):
    """How a teacher draws its answers."""

    max_tokens: int = Field(96, ge=1, le=32_768, description="most tokens in one answer")
    temperature: float = Field(0.0, ge=0, le=5, description="0 is greedy")
    top_p: float = Field(1.0, gt=0, le=1, description="nucleus mass")
    seed: int = Field(0, ge=0, description="seed of the draw")
    top_log_probs: int = Field(0, ge=0, le=64, description="choices kept of every token, where a teacher tells them")


class SoftToken(Record):
    """One token of an answer, and what the teacher weighed in its place.

    Tokens are bytes, written as Latin-1, so that any tokenizer can read them; ``None`` is the end of the turn.
    """

    piece: str | None
    choices: tuple[tuple[str | None, float], ...] = Field(
        min_length=1, description="tokens with their log-probability at temperature 1, in nats, likeliest first"
    )


class Completion(Record):
    """A teacher's answer to one prompt."""

    prompt: str = Field(description="digest of the prompt")
    text: str
    finish_reason: Literal["stop", "length"] = "stop"
    teacher: str = Field(description="fingerprint of the teacher")
    sampling: Sampling
    soft: tuple[SoftToken, ...] = Field((), description="its tokens, where the teacher told their choices")
    extracted: str | None = Field(None, description="digest of the [extract] that took the text from a longer one")


class StepReport(Record):
    """One optimizer step, as written to ``metrics.jsonl``."""

    step: int
    recipe: str = Field("", description="sft, kd, on_policy, best_of_n or preference")
    loss: float = Field(description="combined loss, nats a token; of preference, nats a pair")
    ce: float = Field(description="cross-entropy on the text, nats a token")
    kd: float | None = Field(None, description="divergence from the teacher's targets, nats a token")
    kd_max: float | None = Field(None, description="largest divergence of one token, nats")
    entropy: float | None = Field(None, description="of the student's distributions, nats a token")
    agreement: float | None = Field(
        None, description="share of tokens with the teacher's top-1 choice; of preference, of pairs with its verdict"
    )
    margin: float | None = Field(None, description="reward of the preferred answer less the other's, mean of the pairs")
    reward: float | None = Field(None, description="dpo_beta times the preferred answer's gain over the reference")
    alpha: float | None = Field(None, description="weight of the divergence")
    beta: float | None = Field(None, description="mixture weight of jsd and skewed KL")
    validation: float | None = Field(None, description="loss on the prompts set apart, as above, where measured")
    learning_rate: float
    grad_norm: float
    tokens: int = Field(description="trained tokens in this step")
    seconds: float
    peak_memory: int = Field(description="bytes")


class HeldOut(Record):
    """What one model (base, candidate or incumbent) did on the held-out prompts."""

    bits_per_byte: float | None = Field(None, description="of the teacher's held-out answers, where there are any")
    quality: float = Field(description="mean composite score of generated answers, 0 to 1")
    scores: dict[str, float] = Field(default_factory=dict, description="mean of each scorer")
    others_bits_per_byte: float | None = Field(None, description="on held-out prompts of the other domains")
    divergence: float | None = Field(None, description="forward KL from the teacher's soft targets, nats a token")
    agreement: float | None = Field(None, description="share of tokens with the teacher's top-1 choice")


class Check(Record):
    """One condition of a gate, with the figure that decided it."""

    name: str
    passed: bool
    value: float
    bound: float
    low: float | None = None
    high: float | None = None
    reason: str


class Verdict(Record):
    """The gate's judgement of one candidate."""

    domain: str
    passed: bool
    checks: tuple[Check, ...]
    base: HeldOut
    candidate: HeldOut
    incumbent: HeldOut | None = None
    prompts: int

    @property
    def reason(self) -> str:
        """The failed checks' reasons, or ``passed``."""
        return "; ".join(c.reason for c in self.checks if not c.passed) or "passed"


class DomainResult(Record):
    """How one domain's distillation ended; ``result.json`` in its run folder."""

    domain: str
    state: Literal["published", "gate_failed", "failed"]
    recipes: tuple[str, ...] = Field((), description="what trained it, in that order")
    version: int | None = None
    digest: str | None = Field(None, description="content digest of the published neuron")
    domain_digest: str | None = Field(None, description="digest of the domain's settings, prompts and references")
    base_digest: str | None = Field(None, description="digest of the base")
    teacher_fingerprint: str | None = Field(None, description="identity of the teacher and its answers")
    start_digest: str | None = Field(None, description="content digest of the adapter that training began with")
    verdict: Verdict | None = None
    train_prompts: int = 0
    held_out_prompts: int = 0
    no_final_answer: int = Field(0, description="answers in which the extractor found none, of both kinds of prompts")
    steps: int = 0
    kd_loss: float | None = None
    ce_loss: float | None = None
    combined_loss: float | None = None
    tokens: int | None = None
    tokens_per_second: float | None = None
    peak_memory: int | None = None
    seconds: float = 0.0
    adapter: str | None = None
    error: str | None = None
    finished_at: str = ""


class Summary(Record):
    """All domains of one ``conch distill``; ``summary.json`` in the run folder, ``stopped.json`` where it stopped."""

    run: str
    student: str
    teacher: str
    preset: str
    results: tuple[DomainResult, ...]
    seconds: float
    stopped: str | None = Field(None, description="why it stopped before its end; what came after that has no result")


CHOICES = 16  # likeliest tokens kept of each position, asked of a teacher that gives them as bytes
R = TypeVar("R", bound=Record)


def read_sound(path: Path, kind: type[R], *, beside: bytes | None = None) -> list[R]:
    """Return the records of a JSONL file up to the first line that is damaged, or that a kill cut short.

    :param beside: how lines begin that are about something else, and passed over.
    """
    found: list[R] = []
    try:
        *lines, _ = path.read_bytes().split(b"\n")
        own = (line for line in lines if beside is None or not line.startswith(beside))
        found.extend(map(kind.model_validate_json, own))
    except (FileNotFoundError, ValidationError):
        pass
    return found


def to_json_line(record: BaseModel | Mapping[str, Any]) -> str:
    """Write ``record`` as one JSON line ended by a newline."""
    data = record.model_dump(mode="json") if isinstance(record, BaseModel) else dict(record)
    return json.dumps(data, ensure_ascii=False) + "\n"
