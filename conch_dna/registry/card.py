"""The card of a published neuron: its identity, its provenance and the figures of its gate."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, Field, ValidationError

from conch_dna.errors import NeuronRefused
from conch_dna.models.refs import HUB_ID
from conch_dna.records import SCHEMA_VERSION, HeldOut, Record, Tool, Verdict
from conch_dna.util.files import sha256_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CARD_FILE = "neuron.json"
README_FILE = "README.md"
WEIGHTS_FILE = "adapters.safetensors"
CONFIG_FILE = "adapter_config.json"
CONTENT_FILES = (CONFIG_FILE, WEIGHTS_FILE)
LOCAL = ("claims", "signature", "readme", "version", "origin")  # not claimed: a copy in another registry changes them
SHARED_CONTEXT = """
This neuron shares its base's context (activated LoRA): it acts from the last occurrence of the tokens {} in a prompt,
and the base alone reads the text before them. `NeuronRuntime` and `conch serve` support this. Plain mlx-lm ignores
`alora_invocation_tokens`, applies the neuron everywhere, and gives other answers than the ones its gate measured.
"""
COMPUTED_SPANS = """
Parts of this neuron's answers are computed, not guessed, by: {}. It was trained without a loss on them and its gate
measured it so. `NeuronRuntime`, `conch ask` and `conch serve` compute them; plain mlx-lm guesses them.
"""


class CardFields(Record):
    """The fields of a card that the publisher provides; the registry adds the others."""

    # JSON has no NaN: written as null it could not be read back, and the published version would be damaged.
    model_config = ConfigDict(ser_json_inf_nan="strings")

    base: str = Field(description="model reference of the base")
    base_digest: str = Field(description="digest of the base's configuration and weights")
    base_text_digest: str | None = Field(None, description="digest of the base's tokenizer and chat template")
    teacher: str = Field(description="teacher reference")
    teacher_fingerprint: str
    data_digest: str = Field(description="digest of the training data")
    start_digest: str | None = Field(None, description="content digest of the adapter that training started from")
    config: dict[str, Any] = Field(default_factory=dict, description="the resolved settings of the run")
    metrics: dict[str, float] = Field(default_factory=dict)
    verdict: Verdict | None = None
    licence: str | None = None
    invocation_tokens: tuple[int, ...] = Field(
        (), description="tokens from which the neuron acts; empty if it acts on every token"
    )
    processors: tuple[str, ...] = Field((), description="processors that compute parts of its answers")
    tool_form: int = Field(1, ge=1, description="version of the form of tools in its prompts; 1 for those of 0.1")
    tools: tuple[Tool, ...] = Field(
        (), description="tools that it was trained with, offered where a request names none"
    )


class Origin(Record):
    """The store and reference that a pulled version came from."""

    url: str = Field(description="the store or hub repository, without credentials")
    ref: str = Field(description="name and version in the registry it was pushed from")


class Card(CardFields):
    """``neuron.json``."""

    schema_version: int = SCHEMA_VERSION
    name: str
    version: int = Field(ge=1)
    digest: str = Field(description="content digest, see content_digest")
    files: dict[str, str] = Field(description="sha256 hex digest of each content file")
    parent: str | None = Field(None, description="content digest of the version that `current` pointed at")
    created_at: str = Field(description="ISO 8601, UTC")
    conch_version: str
    claims: str | None = Field(None, description="digest of what the card says, see claims_digest")
    signature: str | None = Field(None, description="minisign's signature of the claims")
    readme: str | None = Field(None, description="sha256 hex digest of README.md")
    origin: Origin | None = Field(None, description="set on a pulled version, whose parent is that of the original")

    @property
    def verified(self) -> bool:
        """Whether a verifier decided how many of its answers are right, before it was published."""
        return self.verdict is not None and self.verdict.verified

    @property
    def right_answers(self) -> str:
        """The share of right answers that its gate judged, in a few words; ``unverified`` if nothing decided it."""
        return right_answers(self.verdict)


def content_digest(files: Mapping[str, str]) -> str:
    """Return ``sha256:<hex>`` over the names and sha256 digests in ``files``, sorted by name."""
    lines = [f"{name} {sha256}\n" for name, sha256 in sorted(files.items())]
    return "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()


def claims_digest(fields: Mapping[str, Any]) -> str:
    """Return ``sha256:<hex>`` over what a card says, wherever a copy of it lies.

    :param fields: the fields of ``neuron.json``; those of :data:`LOCAL` are left out, and empty ones, which a later
        version may add.
    """
    said = {name: value for name, value in fields.items() if name not in LOCAL and value not in (None, "", [], {})}
    return "sha256:" + hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def hash_files(folder: Path) -> dict[str, str]:
    """Return the sha256 of each content file in ``folder``.

    :raises NeuronRefused: a file is missing or cannot be read.
    """
    found = {}
    for name in CONTENT_FILES:
        try:
            found[name] = sha256_file(folder / name)
        except FileNotFoundError as fault:
            raise NeuronRefused("file missing", where=folder, got=name) from fault
        except OSError as fault:
            raise NeuronRefused("file cannot be read", where=folder / name, got=fault.strerror) from fault
    return found


def read_card(folder: Path) -> Card:
    """Read the card of the version folder ``<root>/<name>/<version>`` and check that it belongs to that version.

    :raises NeuronRefused: it is missing, damaged, of a newer schema, or has another name, version or list of files.
    """
    path = folder / CARD_FILE
    try:
        card = parse_card(path.read_bytes(), path)
    except FileNotFoundError as fault:
        raise NeuronRefused("file missing", where=folder, got=CARD_FILE) from fault
    except OSError as fault:
        raise NeuronRefused("file cannot be read", where=path, got=fault.strerror) from fault
    if (card.name, str(card.version)) != (folder.parent.name, folder.name):
        raise NeuronRefused("the card is of another neuron", where=path, got=f"{card.name}@{card.version}")
    return card


def parse_card(data: bytes, where: object) -> Card:
    """Parse a card and check its consistency.

    :param data: the bytes of ``neuron.json``.
    :param where: the name of the card in an error.
    :raises NeuronRefused: it is damaged, of a newer schema, or has another list of files.
    """
    try:
        card = Card.model_validate_json(data)
    except ValidationError as fault:
        first = fault.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise NeuronRefused(f"not a valid card: {field or 'file'}: {first['msg']}", where=where) from fault
    if card.schema_version > SCHEMA_VERSION:
        raise NeuronRefused(
            "card of a newer Conch DNA",
            where=where,
            got=f"schema {card.schema_version}",
            allowed=f"up to {SCHEMA_VERSION}",
            next_step="Upgrade conch-dna.",
        )
    if set(card.files) != set(CONTENT_FILES) or card.digest != content_digest(card.files):
        raise NeuronRefused("the card's digest does not match its list of files", where=where, got=card.digest)
    if card.claims is not None and card.claims != claims_digest(json.loads(data)):
        raise NeuronRefused("the card was changed: its claims have another digest", where=where, got=card.claims)
    return card


def write_card(card: Card, folder: Path) -> Card:
    """Write ``neuron.json`` and ``README.md`` into the staging folder ``folder``; return the card with their digests.

    :raises NeuronRefused: the card has a value that JSON cannot represent, so it could not be read back.
    """
    readme = render_readme(card).encode()
    try:
        claims = claims_digest(json.loads(card.model_dump_json()))
        card = card.model_copy(update={"claims": claims, "readme": hashlib.sha256(readme).hexdigest()})
        text = card.model_dump_json(indent=2) + "\n"
        Card.model_validate_json(text)
    except ValueError as fault:  # ValidationError and pydantic's serialization error
        raise NeuronRefused(f"the card cannot be written as JSON: {fault}", where=card.name) from fault
    (folder / CARD_FILE).write_text(text, encoding="utf-8")
    (folder / README_FILE).write_bytes(readme)
    return card


def check_base(card: Card, digest: str, text_digest: str, where: object) -> None:
    """Check that a card names this base, and its tokenizer and chat template if it names those.

    :raises NeuronRefused: it names others.
    """
    if card.base_digest != digest:
        raise NeuronRefused(
            "was made for another base", where=where, got=card.base_digest, allowed=digest,
            next_step=f"Load the base it was made for: {card.base}",
        )  # fmt: skip
    if card.base_text_digest not in {None, text_digest}:
        raise NeuronRefused(
            "was made for another tokenizer or chat template of this base", where=where, got=card.base_text_digest,
            allowed=text_digest, next_step=f"Load the files that it was made for: {card.base}",
        )  # fmt: skip


def render_readme(card: Card) -> str:
    """Return the card as Markdown with the YAML front matter that model hubs read."""
    # A folder wins over a hub id of the same spelling, as it does when the reference is resolved.
    hub_base = card.base if HUB_ID.fullmatch(card.base) and not Path(card.base).is_dir() else None
    parts = [_front_matter(card, hub_base), _facts(card), _usage(card, hub_base)]
    if card.metrics:
        rows = [f"| {name} | {value:.6g} |" for name, value in sorted(card.metrics.items())]
        parts.append("\n".join(["## Metrics", "", "| metric | value |", "|---|---|", *rows]))
    if card.verdict:
        parts.append(_verdict(card.verdict))
    return "\n\n".join(parts) + "\n"


def _front_matter(card: Card, hub_base: str | None) -> str:
    # Every JSON string is a valid YAML string.
    tags = ["lora", "mlx", "conch-dna"]
    lines = ["---", "library_name: mlx"]
    if hub_base:
        lines += [f"base_model: {json.dumps(hub_base)}", "base_model_relation: adapter"]
        tags.append(f"base_model:adapter:{hub_base}")
    if card.licence:
        lines.append(f"license: {json.dumps(card.licence.lower())}")
    return "\n".join([*lines, "tags:", *(f"- {json.dumps(tag)}" for tag in tags), "---"])


def _facts(card: Card) -> str:
    rows = {
        "base": f"`{card.base}`",
        "base digest": f"`{card.base_digest}`",
        "teacher": f"`{card.teacher}`",
        "teacher fingerprint": f"`{card.teacher_fingerprint}`",
        "data digest": f"`{card.data_digest}`",
        "content digest": f"`{card.digest}`",
        "parent": f"`{card.parent}`" if card.parent else "none",
        "right answers": card.right_answers,
        "trained on from": f"`{card.start_digest}`" if card.start_digest else "a fresh adapter",
        "created": f"{card.created_at} by conch-dna {card.conch_version}",
    }
    head = (
        f"# {card.name}, version {card.version}\n\nA neuron: a LoRA adapter for one domain, distilled from a teacher."
    )
    return "\n".join([head, "", "| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in rows.items())])


def _usage(card: Card, hub_base: str | None) -> str:
    # mlx-lm resolves only hub ids and folders.
    plain = hub_base is not None or Path(card.base).is_dir()
    base = json.dumps(card.base)
    resolved = base if plain else f"str(resolve({base}))"
    imports = "" if plain else "from conch_dna.models.refs import resolve\n"
    note = SHARED_CONTEXT.format(list(card.invocation_tokens)) if card.invocation_tokens else ""
    note += COMPUTED_SPANS.format(named(card.processors)) if card.processors else ""
    return f"""## Use
{note}
```python
{imports}from mlx_lm import load

model, tokenizer = load({resolved}, adapter_path="adapters/{card.name}/{card.version}")
```

```python
from conch_dna import NeuronRuntime

runtime = NeuronRuntime({base}, registry="adapters")
runtime.use("{card.name}@{card.version}")
```"""


def right_answers(verdict: Verdict | None) -> str:
    """Return the share of right answers that a gate judged, such as ``0.54 of 48``, or ``unverified``."""
    judged = None if verdict is None else verdict.candidate.judged
    return "unverified" if judged is None else f"{judged.right:.2f} of {judged.count}"


def named(processors: Sequence[str]) -> str:
    """Return the names of processors in Markdown."""
    return ", ".join(f"`{name}`" for name in processors)


def verdict_rows(verdict: Verdict) -> list[list[str]]:
    """Return the table of base, candidate and incumbent as rows, the head first; unmeasured figures are blank."""
    models = {"base": verdict.base, "candidate": verdict.candidate, "incumbent": verdict.incumbent}
    figures = {name: _figures(held_out) for name, held_out in models.items() if held_out}
    names = dict.fromkeys(key for shown in figures.values() for key in shown)
    rows = [[key, *(shown.get(key, "") for shown in figures.values())] for key in names]
    return [["figure", *figures], *rows]


def _verdict(verdict: Verdict) -> str:
    head, *rows = (f"| {' | '.join(cells)} |" for cells in verdict_rows(verdict))
    checks = [f"- {'passed' if check.passed else 'FAILED'}: {check.name}: {check.reason}" for check in verdict.checks]
    outcome = f"{'Passed' if verdict.passed else 'Failed'} on {verdict.prompts} held-out prompts."
    if not verdict.verified:
        outcome += " Unverified: nothing decided whether its answers are right."
    rule = "|---" * (head.count("|") - 1) + "|"
    return "\n".join(["## Verdict", "", outcome, "", head, rule, *rows, "", *checks])


def _figures(held_out: HeldOut) -> dict[str, str]:
    """Return the measured figures as text by their name in the table."""
    named = {
        "bits a byte": held_out.bits_per_byte,
        "bits a byte, other domains": held_out.others_bits_per_byte,
        "divergence from the teacher, nats a token": held_out.divergence,
        "agreement with the teacher's top choice": held_out.agreement,
        "quality": held_out.quality,
        **{f"score: {name}": value for name, value in sorted(held_out.scores.items())},
    }
    shown = {}
    for kind, share in held_out.right.items():
        shown[f"right, {kind}"] = f"{share.right:.4f} [{share.low:.2f}, {share.high:.2f}] of {share.count}"
        shown |= {f"{name}, {kind}": f"{value:.4f}" for name, value in share.figures.items()}
    return shown | {name: f"{value:.4f}" for name, value in named.items() if value is not None}
