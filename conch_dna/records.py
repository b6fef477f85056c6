"""Frozen records that the stages exchange; each is one JSON object on disk."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_serializer, model_validator

from conch_dna.util.intervals import wilson
from conch_dna.util.text import strict_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

SCHEMA_VERSION = 1
NEWER = {"calls": None, "lacks": (), "plan": None}  # fields of a reference that 0.1 did not have, with their defaults
HELD = " held"  # ends the kind of prompts whose answers were held to the grammar of their tools


class Record(BaseModel):
    """Base class of all records: frozen, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def digest_of(value: object) -> str:
    """Return the sha256 hex digest of ``value`` as canonical JSON (sorted keys, no spaces, UTF-8)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


class FunctionCall(Record):
    """The function of a tool call; ``arguments`` is an object, or its JSON text as in OpenAI's API."""

    name: str = Field(min_length=1)
    arguments: dict[str, Any] = Field(default_factory=dict)

    @field_validator("arguments", mode="before")
    @classmethod
    def _object(cls, value: Any) -> Any:
        """Parse JSON text."""
        if not isinstance(value, str):
            return value
        try:
            return strict_json(value)
        except (ValueError, RecursionError) as error:
            msg = f"not JSON ({error})"
            raise ValueError(msg) from error


class ToolCall(Record):
    """One tool call in an assistant turn."""

    id: str | None = None
    type: Literal["function"] = "function"
    function: FunctionCall

    def as_dict(self) -> dict[str, Any]:
        """Return the call in OpenAI's format, but with the arguments as an object, as chat templates expect."""
        given = {"type": self.type, "function": self.function.model_dump()}
        return given if self.id is None else {"id": self.id, **given}


class Message(Record):
    """One chat turn.

    :param tool_calls: the calls of an assistant turn; its content may then be empty, and in input also null.
    :param tool_call_id, name: in a tool turn, the call and the tool that it answers.
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_content(cls, value: Any) -> Any:
        """Accept a turn with tool calls and without content."""
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
        """The content, followed by each tool call as a line of JSON."""
        calls = (json.dumps(call.function.model_dump(), ensure_ascii=False) for call in self.tool_calls)
        return "\n".join(part for part in (self.content, *calls) if part)

    def as_dict(self) -> dict[str, Any]:
        """Return the turn in the form that chat templates expect, without empty fields."""
        given: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.tool_calls:
            given["tool_calls"] = [call.as_dict() for call in self.tool_calls]
        named = {"tool_call_id": self.tool_call_id, "name": self.name}
        return given | {key: value for key, value in named.items() if value is not None}

    @model_serializer
    def _written(self) -> dict[str, Any]:
        """Serialise without empty fields too."""
        return self.as_dict()


class Tool(Record):
    """A tool that an answer may call.

    :param parameters: a JSON schema of the arguments, an object.
    """

    name: str = Field(min_length=1)
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})

    @model_validator(mode="before")
    @classmethod
    def _of_openai(cls, value: Any) -> Any:
        """Accept OpenAI's form, ``{"type": "function", "function": {…}}``."""
        if isinstance(value, dict) and value.get("type") == "function" and isinstance(value.get("function"), dict):
            return value["function"]
        return value


class Plan(Record):
    """Demands on a plan of numbered steps; a text is mentioned without case, as whole words.

    :param steps: least and most steps.
    :param order: pairs of texts; a step that mentions the first stands before one that mentions the second.
    :param first, last: text that the first and the last step mention.
    :param lacks: texts that no step mentions.
    """

    steps: tuple[int, int] | None = None
    order: tuple[tuple[str, str], ...] = ()
    first: str = ""
    last: str = ""
    lacks: tuple[str, ...] = ()


class Reference(Record):
    """Verified facts about the correct answer; every field is optional.

    :param contains: texts that must occur in the answer.
    :param lacks: texts that must not occur, such as the old value of a corrected fact.
    :param tool: the tool of the right call, and those of its arguments that have a single right value.
    :param calls: all right calls with all their arguments, in any order; empty if no tool fits.
    :param plan: demands on the steps of a plan.
    """

    answer: str | None = None
    contains: tuple[str, ...] = ()
    tool: dict[str, Any] | None = None
    tests: tuple[str, ...] = ()
    calls: tuple[FunctionCall, ...] | None = None
    lacks: tuple[str, ...] = ()
    plan: Plan | None = None

    @model_serializer(mode="wrap")
    def _written(self, handler: Callable[[Self], dict[str, Any]]) -> dict[str, Any]:
        """Leave out unset fields that are newer than 0.1, so that the digests of its domains stay the same."""
        written = handler(self)
        unset = {key for key, default in NEWER.items() if getattr(self, key) == default}
        return {key: value for key, value in written.items() if key not in unset}


class Prompt(Record):
    """One prompt of a domain: chat messages, the last of which is the turn to answer.

    :param tools: its own tools, which the answer may call.
    :param default_tools: the domain's, which it may call if the prompt has none of its own; not part of its identity.
    """

    messages: tuple[Message, ...]
    reference: Reference = Reference()
    source: str = "unknown"
    tools: tuple[Tool, ...] = ()
    default_tools: tuple[Tool, ...] = Field((), exclude=True)

    @property
    def offered(self) -> tuple[Tool, ...]:
        """The tools that the answer may call."""
        return self.tools or self.default_tools

    @property
    def digest(self) -> str:
        """The sha256 of messages and own tools: the prompt's identity in splits, caches and recordings."""
        if not self.tools:
            return digest_of(self.turns)
        return digest_of({"messages": self.turns, "tools": [tool.model_dump() for tool in self.tools]})

    @property
    def turns(self) -> list[dict[str, Any]]:
        """The messages in the form that chat templates expect."""
        return [m.as_dict() for m in self.messages]

    @property
    def text(self) -> str:
        """The text of all turns, for comparisons of wording."""
        return "\n".join(m.text for m in self.messages)


class Sampling(Record):
    """Sampling parameters of a teacher's answers."""

    max_tokens: int = Field(96, ge=1, le=32_768, description="maximum number of tokens in an answer")
    temperature: float = Field(0.0, ge=0, le=5, description="0 is greedy")
    top_p: float = Field(1.0, gt=0, le=1, description="nucleus mass")
    seed: int = Field(0, ge=0, description="seed of the draw")
    top_log_probs: int = Field(
        0, ge=0, le=64, description="number of most likely tokens to keep at each position, if the teacher reports them"
    )


class SoftToken(Record):
    """One token of an answer, with the teacher's most likely tokens at its position.

    Tokens are bytes in Latin-1, independent of any tokenizer; ``None`` is the end of the turn.
    """

    piece: str | None
    choices: tuple[tuple[str | None, float], ...] = Field(
        min_length=1, description="tokens with their log-probability at temperature 1, in nats, most likely first"
    )


class Completion(Record):
    """A teacher's answer to one prompt."""

    prompt: str = Field(description="digest of the prompt")
    text: str
    finish_reason: Literal["stop", "length"] = "stop"
    teacher: str = Field(description="fingerprint of the teacher")
    sampling: Sampling
    soft: tuple[SoftToken, ...] = Field((), description="its tokens, if the teacher reported log-probabilities")
    extracted: str | None = Field(
        None, description="digest of the [extract] settings that took the text from a longer answer"
    )


class StepReport(Record):
    """The report of one optimizer step; a line of ``metrics.jsonl``."""

    step: int
    recipe: str = Field("", description="name of the recipe")
    loss: float = Field(description="combined loss, nats per token; with preference, nats per pair")
    ce: float = Field(description="cross-entropy on the text, nats per token")
    kd: float | None = Field(None, description="divergence from the teacher's soft targets, nats per token")
    kd_max: float | None = Field(None, description="largest divergence of a token, nats")
    entropy: float | None = Field(None, description="entropy of the student's distributions, nats per token")
    agreement: float | None = Field(
        None, description="share of tokens with the teacher's top-1 token; with preference, of pairs with its verdict"
    )
    margin: float | None = Field(
        None, description="mean difference of reward between the preferred and the other answer"
    )
    reward: float | None = Field(None, description="dpo_beta times the gain of the preferred answer over the reference")
    alpha: float | None = Field(None, description="weight of the divergence")
    beta: float | None = Field(None, description="mixture weight of jsd and skewed KL")
    validation: float | None = Field(
        None, description="loss on the validation prompts, in the unit of loss, at steps that measure it"
    )
    right: float | None = Field(
        None, description="share of right answers to validation prompts, where the domain has a verifier"
    )
    learning_rate: float
    grad_norm: float
    tokens: int = Field(description="trained tokens in the step")
    seconds: float
    peak_memory: int = Field(description="bytes")


class Share(Record):
    """The share of right answers to held-out prompts of one kind, with its 95 % interval (Wilson)."""

    right: float
    low: float
    high: float
    count: int = Field(description="number of verified answers")
    figures: dict[str, float] = Field(default_factory=dict, description="means of the verifier's further figures")

    @classmethod
    def of(cls, right: float, count: int, figures: Mapping[str, float] | None = None) -> Share:
        """Return the share of ``right`` answers among ``count``."""
        low, high = wilson(right, count)
        return cls(right=right / count, low=low, high=high, count=count, figures=dict(figures or {}))


class HeldOut(Record):
    """Figures of one model (base, candidate or incumbent) on the held-out prompts."""

    bits_per_byte: float | None = Field(
        None, description="bits per byte of the teacher's held-out answers, if there are any"
    )
    quality: float = Field(description="mean score of the model's answers, 0 to 1")
    scores: dict[str, float] = Field(default_factory=dict, description="mean of each scorer")
    others_bits_per_byte: float | None = Field(
        None, description="bits per byte of the held-out prompts of other domains"
    )
    divergence: float | None = Field(None, description="forward KL from the teacher's soft targets, nats per token")
    agreement: float | None = Field(None, description="share of tokens with the teacher's top-1 token")
    right: dict[str, Share] = Field(
        default_factory=dict,
        description="right answers by kind of prompt: natural and generated, and each held to the grammar of its tools",
    )

    @property
    def judged(self) -> Share | None:
        """The right answers that a gate judges: to all prompts together, held to the grammar where that was measured.

        ``None`` without a verifier.
        """
        held = [share for kind, share in self.right.items() if kind.endswith(HELD)]
        shares = held or list(self.right.values())
        if not shares:
            return None
        return Share.of(sum(share.right * share.count for share in shares), sum(share.count for share in shares))


class Check(Record):
    """One condition of a gate, with its figure and bound."""

    name: str
    passed: bool
    value: float
    bound: float
    low: float | None = None
    high: float | None = None
    reason: str


class Verdict(Record):
    """The gate's verdict on one candidate."""

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

    @property
    def verified(self) -> bool:
        """Whether a verifier decided how many answers are right."""
        return bool(self.candidate.right)


class DomainResult(Record):
    """The result of one domain's distillation; ``result.json`` in its run folder."""

    domain: str
    state: Literal["published", "gate_failed", "failed"]
    recipes: tuple[str, ...] = Field((), description="the recipes that ran, in order")
    version: int | None = None
    digest: str | None = Field(None, description="content digest of the published neuron")
    domain_digest: str | None = Field(None, description="digest of the domain's settings, prompts and references")
    base_digest: str | None = Field(None, description="digest of the base")
    teacher_fingerprint: str | None = Field(None, description="identity of the teacher and its answers")
    start_digest: str | None = Field(None, description="content digest of the start adapter")
    verdict: Verdict | None = None
    train_prompts: int = 0
    held_out_prompts: int = 0
    no_final_answer: int = Field(0, description="answers without a final answer, of training and held-out prompts")
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

    @property
    def verified(self) -> bool:
        """Whether a verifier decided how many answers are right."""
        return self.verdict is not None and self.verdict.verified


class Summary(Record):
    """The results of ``conch distill``: ``summary.json`` in the run folder, ``stopped.json`` after an early stop."""

    run: str
    student: str
    teacher: str
    preset: str
    results: tuple[DomainResult, ...]
    seconds: float
    stopped: str | None = Field(None, description="reason for an early stop; later domains have no result")


CHOICES = 16  # most likely tokens to request at each position from a teacher that reports them as bytes
R = TypeVar("R", bound=Record)


def read_sound(path: Path, kind: type[R], *, beside: bytes | None = None) -> list[R]:
    """Return the records of a JSONL file up to the first line that is damaged or incomplete.

    :param beside: prefix of lines with other content, which are skipped.
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
    """Return ``record`` as one line of JSON with a newline."""
    data = record.model_dump(mode="json") if isinstance(record, BaseModel) else dict(record)
    return json.dumps(data, ensure_ascii=False) + "\n"
