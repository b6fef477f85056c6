"""Domains: the task of one neuron, as data in a folder (``domain.toml``, ``prompts.jsonl``, ``recorded/``)."""

from __future__ import annotations

import json
import tomllib
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, field_validator, model_serializer, model_validator

from conch_dna.domains.prompts import PROMPTS_FILE, read_prompts
from conch_dna.domains.rewritten import FILE as REWRITTEN
from conch_dna.domains.rewritten import read_rewritten
from conch_dna.errors import DataError
from conch_dna.records import Message, Prompt, Record, Tool, digest_of
from conch_dna.util.validation import faults_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from conch_dna.domains.rewritten import Rewritten

NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"
NEWER = (  # settings that 0.1 did not have
    "extract", "verifier", "min_right", "generate", "processors", "extends", "replaces",
)  # fmt: skip


class Length(Record):
    """The number of words in a good answer."""

    min: int = Field(1, ge=0)
    max: int = Field(200, ge=1)


class Example(Record):
    """An example answer that only the teacher sees."""

    prompt: str
    answer: str


class Extract(Record):
    """The extractor that takes the final answer from a teacher's text, and its options."""

    model_config = ConfigDict(extra="allow")

    kind: str = Field(min_length=1, description="name of an extractor")

    @property
    def options(self) -> dict[str, Any]:
        """All keys besides ``kind``; the extractor checks them."""
        return dict(self.model_extra or {})

    @property
    def digest(self) -> str:
        """The digest of the extractor and its options."""
        return digest_of(self.model_dump(mode="json"))


class Generation(Record):
    """The generator of a domain, and the shares of its examples among those trained on; the others are written ones."""

    generator: str = Field(min_length=1, description="name of a generator")
    share: float = Field(0.5, ge=0, le=1, description="share of generated examples in training")
    rewritten: float = Field(0.0, ge=0, le=1, description="share of generated examples in a teacher's words")

    @model_validator(mode="after")
    def _at_most_all(self) -> Self:
        if self.share + self.rewritten > 1:
            raise ValueError("share and rewritten are more than 1 together")
        return self

    @model_serializer(mode="wrap")
    def _written(self, handler: Callable[[Self], dict[str, Any]]) -> dict[str, Any]:
        """Leave out a share of none, so that the digests of older domains stay the same."""
        written = handler(self)
        return written if self.rewritten else {k: v for k, v in written.items() if k != "rewritten"}


class Source(Record):
    """Origin and licence of the prompts with one ``source`` key."""

    key: str
    origin: str
    licence: str
    sha256: str | None = None


class DomainSettings(Record):
    """``domain.toml``, validated."""

    name: str = Field(pattern=NAME)
    description: str
    task_type: Literal["qa", "code", "summary", "tool_call", "generic"] = "generic"
    max_tokens: int = Field(96, ge=1, le=4096, description="the teacher's answer limit")
    system_prompt: str = Field("", description="seen by the teacher alone")
    length: Length = Length()
    scorers: dict[str, float] = Field(
        default_factory=lambda: {"task_completion": 0.5, "coherence": 0.2, "length": 0.15, "diversity": 0.15}
    )
    examples: tuple[Example, ...] = ()
    tools: tuple[Tool, ...] = ()
    extract: Extract | None = Field(
        None, description="the part of the teacher's text that is the answer; by default all of it"
    )
    sources: tuple[Source, ...] = ()
    verifier: str = Field("", description="verifier that decides whether an answer is right; empty: none")
    min_right: float = Field(0.0, ge=0, le=1, description="least share of right answers of a published neuron")
    generate: Generation | None = Field(None, description="prompts with right answers made by a program")
    processors: tuple[str, ...] = Field((), description="processors that compute parts of the neuron's answers")
    extends: str = Field("", description="domain of a plug-in whose settings, prompts and recordings it inherits")
    replaces: bool = Field(False, description="whether it stands in for a plug-in's domain of the same name")

    @field_validator("scorers")
    @classmethod
    def _weights(cls, value: dict[str, float]) -> dict[str, float]:
        """Require at least one positive weight and none below zero."""
        if not value or min(value.values()) < 0 or sum(value.values()) <= 0:
            msg = "needs at least one scorer; weights must be >= 0 and not all 0"
            raise ValueError(msg)
        return value


class Domain:
    """A domain with its prompts, which are read on first use.

    :param settings: the validated ``domain.toml``.
    :param prompts_file: its prompts.
    :param folder: its folder, with recordings in ``recorded/``; ``None`` for a domain made of one file.
    :param parent: the domain that it extends, whose prompts and recordings it has too.
    """

    def __init__(
        self, settings: DomainSettings, prompts_file: Path, folder: Path | None = None, parent: Domain | None = None
    ) -> None:
        self.settings, self.prompts_file, self.folder, self.parent = settings, prompts_file, folder, parent
        self.name = settings.name

    def changed(self, **settings: Any) -> Domain:
        """Return the domain with other settings, which are not validated again."""
        return Domain(self.settings.model_copy(update=settings), self.prompts_file, self.folder, self.parent)

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders with its recordings: its own, then that of the domain that it extends."""
        own = () if self.folder is None else (self.folder,)
        return own if self.parent is None else (*own, *self.parent.folders)

    @cached_property
    def prompts(self) -> tuple[Prompt, ...]:
        """The inherited prompts, then its own in file order; those without tools of their own may call the domain's.

        :raises DataError: the file is faulty.
        """
        return tuple(map(self.offering, self._read()))

    @cached_property
    def rewritten(self) -> tuple[Rewritten, ...]:
        """Its rewritten prompts, and those of the domain that it extends, with the same tools as :attr:`prompts`.

        :raises DataError: a file is faulty.
        """
        files = [folder / REWRITTEN for folder in self.folders]
        found = (one for file in files if file.exists() for one in read_rewritten(file))
        return tuple(one._replace(prompt=self.offering(one.prompt)) for one in found)

    def offering(self, prompt: Prompt) -> Prompt:
        """Return a prompt that offers the domain's tools where it has none of its own."""
        tools = self.settings.tools
        return prompt.model_copy(update={"default_tools": tools}) if tools else prompt

    def _read(self) -> tuple[Prompt, ...]:
        """Return the prompts of the files; an own prompt stands for the inherited one with the same messages."""
        if self.parent is None:
            return read_prompts(self.prompts_file)
        own = read_prompts(self.prompts_file) if self.prompts_file.exists() else ()
        same = {prompt.digest for prompt in own}
        return (*(prompt for prompt in self.parent._read() if prompt.digest not in same), *own)  # noqa: SLF001 - same class

    @cached_property
    def context(self) -> tuple[Message, ...]:
        """The teacher's privileged context: system prompt with the tools, then the examples as chat turns."""
        return self._context(self.settings.tools)

    def _context(self, tools: tuple[Tool, ...]) -> tuple[Message, ...]:
        system = self.settings.system_prompt.strip()
        if tools:
            listed = "\n".join(json.dumps(t.model_dump(), ensure_ascii=False) for t in tools)
            system = f"{system}\n\nTools:\n{listed}".strip()
        turns = [Message(role="system", content=system)] if system else []
        for example in self.settings.examples:
            turns += [
                Message(role="user", content=example.prompt.strip()),
                Message(role="assistant", content=example.answer.strip()),
            ]
        return tuple(turns)

    def with_context(self, prompt: Prompt) -> list[dict[str, str]]:
        """Return the messages that the teacher sees: the context, then the prompt without its own system message."""
        context = self._context(prompt.tools) if prompt.tools else self.context
        own = prompt.messages[1:] if context and prompt.messages[0].role == "system" else prompt.messages
        return [m.as_dict() for m in (*context, *own)]

    @property
    def context_digest(self) -> str:
        """The digest of the teacher's context."""
        return digest_of([m.as_dict() for m in self.context])

    @property
    def data_digest(self) -> str:
        """The digest of the prompts; their order does not matter."""
        return digest_of(sorted(p.digest for p in self.prompts))

    @property
    def digest(self) -> str:
        """The digest of everything that training and evaluation depend on: settings, prompts and references."""
        prompts = sorted((p.digest, p.reference.model_dump_json()) for p in self.prompts)
        # Settings that 0.1 did not have are part of the digest only where they are set.
        settings = self.settings.model_dump(mode="json")
        unset = {key for key in NEWER if getattr(self.settings, key) == DomainSettings.model_fields[key].default}
        found: list[Any] = [{key: value for key, value in settings.items() if key not in unset}, prompts]
        if self.settings.generate and self.settings.generate.rewritten:
            found.append(sorted([one.prompt.digest, one.answer] for one in self.rewritten))
        return digest_of(found)


def load_domain(folder: Path, extensible: Mapping[str, Path] | None = None) -> Domain:
    """Read the domain in ``folder``; its prompts are read on first use.

    :param extensible: folders of the domains that it may extend, by name.
    :raises DataError: ``domain.toml`` is missing or faulty, its name differs from the folder's, or it extends a domain
        that does not exist.
    """
    path = folder / "domain.toml"
    data, parent = read_toml(path), None
    if name := data.get("extends"):
        parent = _parent(name, path, extensible or {})
        data = _inherited(parent.settings, data)
    try:
        settings = DomainSettings.model_validate(data)
    except ValidationError as error:
        faults = "".join(f"\n  {fault}" for fault in faults_in(error, DomainSettings.model_fields))
        raise DataError(f"{error.error_count()} wrong field(s){faults}", where=path) from error
    if settings.name != folder.name:
        raise DataError("the name differs from the folder's", where=path, got=settings.name, allowed=folder.name)
    return Domain(settings, folder / PROMPTS_FILE, folder, parent)


def read_toml(path: Path) -> dict[str, Any]:
    """Return a TOML file.

    :raises DataError: it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError("cannot be read", where=path, got=error.strerror) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"is not TOML: {error}", where=path) from error


def _parent(name: object, path: Path, extensible: Mapping[str, Path]) -> Domain:
    """Return the domain that the file at ``path`` extends."""
    folder = extensible.get(name) if isinstance(name, str) else None
    if folder is None or folder.resolve() == path.parent.resolve():
        others = ", ".join(other for other in extensible if other != path.parent.name or folder is None)
        raise DataError("extends no domain of a plug-in", where=path, got=str(name), allowed=others or "(none)")
    return load_domain(folder)


def _inherited(parent: DomainSettings, own: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a domain with those that it inherits; its own keys win, and the sources of both count."""
    settings = {**parent.model_dump(mode="json", exclude={"name", "extends", "replaces"}, exclude_unset=True), **own}
    sources = own.get("sources", [])
    if isinstance(sources, list):
        named = [one.get("key") for one in sources if isinstance(one, dict)]
        inherited = [one.model_dump(mode="json") for one in parent.sources if one.key not in named]
        settings["sources"] = [*inherited, *sources]
    return settings


def domain_of_file(prompts_file: Path, name: str) -> Domain:
    """Return a domain of a user's own prompts, with the default settings.

    :raises DataError: the name is not allowed.
    """
    try:
        settings = DomainSettings(name=name, description=f"made of {prompts_file.name}")
    except ValidationError as error:
        raise DataError("not a domain name", got=name, allowed=NAME) from error
    return Domain(settings, prompts_file)
