"""The frozen records that travel between the stages; each is one JSON object on disk."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA_VERSION = 1


class Record(BaseModel):
    """Base of all records: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def digest_of(value: object) -> str:
    """Return the sha256 hex digest of ``value`` written as canonical JSON (sorted keys, no blanks, UTF-8)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


class Message(Record):
    """One chat turn."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str

    def as_dict(self) -> dict[str, str]:
        """Return the turn in the form chat templates take."""
        return {"role": self.role, "content": self.content}


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
        return digest_of([m.as_dict() for m in self.messages])

    @property
    def text(self) -> str:
        """All turns joined, for comparisons of wording."""
        return "\n".join(m.content for m in self.messages)


class Sampling(Record):
    """How a teacher draws its answers."""

    max_tokens: int = Field(96, ge=1, le=32_768, description="most tokens in one answer")
    temperature: float = Field(0.0, ge=0, le=5, description="0 is greedy")
    top_p: float = Field(1.0, gt=0, le=1, description="nucleus mass")
    seed: int = Field(0, ge=0, description="seed of the draw")


class Completion(Record):
    """A teacher's answer to one prompt."""

    prompt: str = Field(description="digest of the prompt")
    text: str
    finish_reason: Literal["stop", "length"] = "stop"
    teacher: str = Field(description="fingerprint of the teacher")
    sampling: Sampling


class StepReport(Record):
    """One optimizer step, as written to ``metrics.jsonl``."""

    step: int
    loss: float = Field(description="combined loss, nats a token")
    ce: float = Field(description="cross-entropy on the teacher's text, nats a token")
    kd: float | None = Field(None, description="divergence from the teacher's targets, nats a token")
    learning_rate: float
    grad_norm: float
    tokens: int = Field(description="trained tokens in this step")
    seconds: float
    peak_memory: int = Field(description="bytes")


class HeldOut(Record):
    """What one model (base, candidate or incumbent) did on the held-out prompts."""

    bits_per_byte: float = Field(description="of the teacher's held-out answers")
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
    version: int | None = None
    digest: str | None = Field(None, description="content digest of the published neuron")
    domain_digest: str | None = Field(None, description="digest of the domain's settings, prompts and references")
    base_digest: str | None = Field(None, description="digest of the base")
    teacher_fingerprint: str | None = Field(None, description="identity of the teacher and its answers")
    verdict: Verdict | None = None
    train_prompts: int = 0
    held_out_prompts: int = 0
    steps: int = 0
    kd_loss: float | None = None
    ce_loss: float | None = None
    combined_loss: float | None = None
    tokens_per_second: float | None = None
    peak_memory: int | None = None
    seconds: float = 0.0
    adapter: str | None = None
    error: str | None = None
    finished_at: str = ""


class Summary(Record):
    """All domains of one ``conch distill``; ``summary.json`` in the run folder."""

    run: str
    student: str
    teacher: str
    preset: str
    results: tuple[DomainResult, ...]
    seconds: float


def to_json_line(record: BaseModel | Mapping[str, Any]) -> str:
    """Write ``record`` as one JSON line ended by a newline."""
    data = record.model_dump(mode="json") if isinstance(record, BaseModel) else dict(record)
    return json.dumps(data, ensure_ascii=False) + "\n"
