"""Compatibility of teacher and student, checked before step 1: tokens, turns, ends of turns and widths."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conch_dna.align.offsets import byte_spans
from conch_dna.align.vocabulary_map import vocabulary_map
from conch_dna.data.tokens import encode_chat, render
from conch_dna.errors import ConchError
from conch_dna.models.load import head_width, text_setting, token_count
from conch_dna.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Signal = str  # "exact", "bytes", or the name of a cross-tokenizer loss
EXACT = "exact"
PROBES = (
    "Zwölf boxers' 1,024 quick\n\tjumps — 3.14 €; x_y=[] 中文 🐚",
    "In 2024 it was 1234567 + 89 = 1234656.",
    'def f(x):\n    return {"a": x[0], "b": None}  # why\n\n\n',
    "👩‍👩‍👧 今日は 안녕 नमस्ते Привет e\u0301 naïve ﬁ",
    "  two  blanks, and a tab\t.",
)
NUMERAL = "123456"
CHAT = ({"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Fine."})


@dataclass(frozen=True)
class Party:
    """One of the two models, as described by its files without the weights.

    :param role: ``student`` or ``teacher``, for messages.
    :param tokenizer: mlx-lm's ``TokenizerWrapper``.
    :param config: the model's ``config.json``.
    """

    role: str
    tokenizer: Any
    config: Mapping[str, Any] = field(default_factory=dict)

    def setting(self, key: str) -> int | None:
        """Return a number from the configuration; of a multimodal model, from its text model's part."""
        return text_setting(self.config, key)

    @property
    def width(self) -> int:
        """The number of ids of the head: the tokenizer's, plus padding if the configuration states any."""
        return head_width(self.tokenizer, self.config)


class Compatibility(Record):
    """The common properties of teacher and student; pairs are (student, teacher).

    :param same_tokenizer: every token id means the same to both, and a text becomes the same ids.
    :param widths: ids of the models' heads; of the tokenizers, if the configuration does not state them.
    :param ends: the token that ends a turn.
    :param contexts: longest input in tokens, if known.
    :param loss: the signal that training takes from the teacher; ``exact`` is its distributions, unchanged.
    :param findings: differences worth knowing before the first step, one sentence each.
    """

    same_tokenizer: bool
    widths: tuple[int, int]
    ends: tuple[str, str]
    contexts: tuple[int | None, int | None]
    loss: Signal
    findings: tuple[str, ...]


def same_tokenizer(ours: Any, theirs: Any) -> bool:
    """Return whether a token id means the same to both tokenizers and a text becomes the same ids."""
    if ours.get_vocab() != theirs.get_vocab():
        return False
    return all(_encode(ours, probe) == _encode(theirs, probe) for probe in PROBES)


def check_compatibility(
    student: Party, teacher: Party, requested: Signal, *, shared_ids: bool = False
) -> Compatibility:
    """Compare the two models and choose the signal, before any training.

    :param requested: the signal to use if the tokenizers differ; ``exact`` requires that they do not. If both have the
        same tokenizer, the signal is ``exact`` whatever was requested.
    :param shared_ids: the requested loss compares by token id, so both vocabularies must agree on the ids they share.
    :raises ConchError: the training signal would be meaningless: ``exact`` between different tokenizers, a loss with
        ``shared_ids`` between tokenizers that disagree on ids, more tokens than the student's head has ids, or a chat
        template that ends no turn.
    """
    same = same_tokenizer(student.tokenizer, teacher.tokenizer)
    widths = checked_width(student), checked_width(teacher)
    loss: Signal = EXACT if same else requested
    if loss == EXACT and not same:
        equal = " of equal width" if widths[0] == widths[1] else ""
        raise ConchError(
            f"teacher and student have different tokenizers{equal}; their distributions cannot be compared id by id",
            got=EXACT, allowed="cross_tokenizer = bytes or another way to compare them, or the teacher's text only",
        )  # fmt: skip
    ends = _text_of(student, end_of_turn(student)), _text_of(teacher, end_of_turn(teacher))
    contexts = student.setting("max_position_embeddings"), teacher.setting("max_position_embeddings")
    findings = [*_of_turns(student, teacher, ends), *_of_sizes(widths, contexts)]
    if loss != EXACT:
        findings += _of_tokens(student, teacher, shared_ids=shared_ids)
    return Compatibility(same_tokenizer=same, widths=widths, ends=ends, contexts=contexts, loss=loss,
                         findings=tuple(findings))  # fmt: skip


def _encode(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer.encode(text, add_special_tokens=False))


def checked_width(party: Party) -> int:
    """Return the number of ids of a model's head.

    :raises ConchError: the tokenizer has more ids.
    """
    needed = token_count(party.tokenizer)
    if needed > party.width:
        raise ConchError("the tokenizer has more ids than the model", where=party.role, got=needed, allowed=party.width,
                         next_step="This tokenizer belongs to another model")  # fmt: skip
    return party.width


def end_of_turn(party: Party) -> int:
    """Return the id of the token with which the chat template ends a turn.

    :raises ConchError: there is no chat template, or it ends a turn with none of the model's end tokens.
    """
    if not party.tokenizer.has_chat_template:
        raise ConchError("has no chat template, so it cannot end a turn", where=party.role,
                         next_step="Use the instruct version of the model")  # fmt: skip
    try:
        last = encode_chat(party.tokenizer, CHAT).answer_ids[-1]
    except ConchError as error:
        raise ConchError(
            error.what, where=party.role, got=error.got, allowed=f"a turn that ends with one of {_texts(party)}",
            next_step="Name the template's end token as eos_token in tokenizer_config.json",
        ) from error  # fmt: skip
    return last


def _text_of(party: Party, token: int) -> str:
    return str(party.tokenizer.convert_ids_to_tokens(token))


def _texts(party: Party) -> str:
    ids = sorted(party.tokenizer.eos_token_ids)
    return ", ".join(map(str, party.tokenizer.convert_ids_to_tokens(ids))) or "no token at all"


def _of_turns(student: Party, teacher: Party, ends: tuple[str, str]) -> Iterator[str]:
    """Yield the differences in the form of a conversation."""
    if ends[0] != ends[1]:
        yield f"the student ends a turn with {ends[0]}, the teacher with {ends[1]}"
    ours, theirs = _opening(student), _opening(teacher)
    if ours != theirs:
        first = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), 0)
        shown = [text[first : first + 32] for text in (ours, theirs)]
        yield f"the chat templates differ, first in {shown[0]!r} of the student's and {shown[1]!r} of the teacher's"


def _opening(party: Party) -> str:
    """Return one user turn as the template writes it, with the assistant's turn opened."""
    return render(party.tokenizer, CHAT[:1], open_turn=True)


def _of_sizes(widths: tuple[int, int], contexts: tuple[int | None, int | None]) -> Iterator[str]:
    """Yield the differences in size."""
    if widths[0] != widths[1]:
        yield f"the student's head has {widths[0]:,} ids, the teacher's {widths[1]:,}"
    ours, theirs = contexts
    if ours and theirs and theirs < ours:
        yield f"the teacher reads at most {theirs:,} tokens, the student {ours:,}"


def _of_tokens(student: Party, teacher: Party, *, shared_ids: bool) -> Iterator[str]:
    """Yield the differences in how two tokenizers split text.

    :raises ConchError: ``shared_ids`` is required, and they disagree on an id.
    """
    between = vocabulary_map(student.tokenizer, teacher.tokenizer)
    if shared_ids:
        yield f"the first {between.common_width:,} ids mean the same to both"
    ours, theirs = between.student.ids, between.teacher.ids
    yield f"the tokenizers differ: {len(ours.keys() & theirs.keys()):,} of the student's {len(ours):,} are shared"
    numerals = [len(_encode(party.tokenizer, NUMERAL)) for party in (student, teacher)]
    if numerals[0] != numerals[1]:
        yield f"{NUMERAL} is {numerals[0]} tokens to the student, {numerals[1]} to the teacher"
    for party, vocabulary in ((student, between.student), (teacher, between.teacher)):
        changed = [p for p in PROBES if byte_spans(vocabulary, _encode(party.tokenizer, p)).text != p.encode()]
        if changed:
            yield f"the {party.role}'s tokenizer does not preserve every text, such as {changed[0][:24]!r}"
