"""The test server's model: what it answers, how it cuts text into tokens, and how sure it is of each."""

import json
import math
import random
import re
import zlib
from functools import lru_cache
from pathlib import Path

END = b"<|im_end|>"
OPENED = b"<|im_start|>assistant\n"
# Words, numbers, single signs; a character of four bytes is two tokens, as in real vocabularies.
PIECE = re.compile(
    rb"<\|im_(?:start|end)\|>| ?[A-Za-z]{1,5}| ?[0-9]{1,3}|[\xf0-\xf4][\x80-\xbf]|[\xc2-\xef][\x80-\xbf]+"
    rb"|[\x80-\xbf]+| ?[!-~]|.",
    re.DOTALL,
)
LOOKS_BACK = 8  # bytes
OTHERS = [bytes([c]) for c in range(33, 127)] + [b" the", b" a", b" in", b" of", b" and", b"\n", b" 1", b"The"]


def pieces(text):
    """Return the tokens of a text, as bytes."""
    return PIECE.findall(text.encode() if isinstance(text, str) else text)


def shown(piece):
    """Return a token as OpenAI writes it: as text, or its bytes where they are no whole characters."""
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return "".join(f"\\x{byte:02x}" for byte in piece)


def token_id(piece):
    """Return a number for a token, always the same."""
    return zlib.crc32(piece) % 100_000


def rendered(messages, *, open_turn=True):
    """Return a conversation in ChatML."""
    turns = "".join(f"<|im_start|>{m['role']}\n{said_in(m)}<|im_end|>\n" for m in messages)
    return turns.encode() + (OPENED if open_turn else b"")


def said_in(message):
    """Return the text of a turn, whose content is a text, or a list of blocks."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(block.get("text", "") for block in content)


def asked_in(messages):
    """Return the text of the last turn that is not the model's own: what a call is known by."""
    return next((said_in(m) for m in reversed(messages) if m["role"] != "assistant"), "")


def cut(text, most):
    """Return as much of a text as ``most`` tokens hold, how many it holds, and why it ended.

    An answer that has room for all its tokens, but not for the end of the turn, has ended by its length too.
    """
    found = pieces(text)
    if len(found) < most:
        return text, len(found), "stop"
    return b"".join(found[:most]).decode(errors="ignore"), most, "length"


def rule(asked):
    """Answer with the last words of what was asked."""
    return " ".join(asked.split()[-2:])


def recorded(domain):
    """Return the recorded answers of a domain's folder, by what is asked."""
    from conch_dna.domains.domain import load_domain

    by_digest = {}
    for file in sorted(Path(domain).glob("recorded/*.jsonl")):
        rows = map(json.loads, file.read_text().splitlines())
        by_digest |= {row["prompt"]: row["text"] for row in rows}
    prompts = load_domain(Path(domain)).prompts
    return {p.messages[-1].content: by_digest[p.digest] for p in prompts if p.digest in by_digest}


class FakeModel:
    """A model that answers by heart, and else by a rule, always the same; surer of some words than of others.

    :param answers: texts by what is asked.
    :param rule: makes a text of what is asked, where none is known.
    :param kind: of its log-probabilities: ``sound``, or, of an engine that tells nothing, ``zero``, ``constant`` or
        ``over_one``.
    """

    def __init__(self, answers=None, rule=rule, kind="sound"):
        self.answers, self.rule, self.kind = dict(answers or {}), rule, kind

    def answer(self, asked):
        return self.answers[asked] if asked in self.answers else self.rule(asked)

    def next(self, asked, said):
        """Return the token that comes after the bytes ``said`` of an answer, or, where nothing is asked, of any text.

        After words that are not its own it goes on where its own answer has the last of them, or begins anew.
        """
        if not asked:
            return random.Random(said).choice(OTHERS)
        answer = self.answer(asked).encode()
        if answer.startswith(said):
            return next(iter(pieces(answer[len(said) :])), END)
        starts = (answer.rfind(said[-n:]) + n for n in range(LOOKS_BACK, 0, -1) if said[-n:] in answer)
        return next(iter(pieces(answer[next(starts, 0) :])), END)

    def choices(self, asked, said, count):
        """Return the ``count`` likeliest tokens there with their log-probabilities, likeliest first."""
        return self._reported(distribution(self.next(asked, said), asked, bytes(said))[:count])

    def score(self, asked, said, piece):
        """Return the log-probability of a token there, and its rank, from 1."""
        found = distribution(self.next(asked, said), asked, bytes(said))
        rank = next((i for i, (other, _) in enumerate(found) if other == piece), None)
        if rank is None:
            return self._reported([(piece, found[-1][1] - 1 - len(piece))])[0][1], len(found) + 1
        return self._reported([found[rank]])[0][1], rank + 1

    def _reported(self, found):
        change = {"sound": lambda p: p, "zero": lambda _: 0.0, "constant": lambda _: -1.0, "over_one": lambda p: p / 50}
        return [(piece, change[self.kind](log_prob)) for piece, log_prob in found]

    def place(self, text):
        """Return what is asked in a rendered text, and at which byte the answer begins, which may be its end."""
        start = text.rfind(OPENED)
        if start >= 0:
            asked = text[:start].removesuffix(END + b"\n").rpartition(b"<|im_start|>")[2].partition(b"\n")[2]
            return asked.decode(errors="replace"), start + len(OPENED)
        known = [(text.rfind(q.encode()) + len(q.encode()), q) for q in self.answers if q.encode() in text]
        end, asked = max(known, default=(len(text), text.decode(errors="replace")))
        return asked, end

    def read(self, text, count):
        """Return each token of a text with its log-probability, its rank, and the ``count`` likeliest in its place.

        The first token has nothing before it, so that there is nothing to tell of it.
        """
        asked, start = self.place(text)
        found, place = [], 0
        for piece in pieces(text):
            about = ("", text[:place]) if place < start else (asked, text[start:place])
            found.append((piece, *self.score(*about, piece), self.choices(*about, count)))
            place += len(piece)
        return found


@lru_cache(65_536)
def distribution(right, asked, said):
    """Return the distribution at a place: the model's own token first, the others with falling probability."""
    draw = random.Random(f"{asked} {said!r}")
    sure = draw.uniform(0.55, 0.95)
    others = [piece for piece in draw.sample(OTHERS, len(OTHERS)) if piece != right]
    shares = [0.7**i for i in range(len(others))]
    rest = 0.98 * (1 - sure) / sum(shares)
    return [(right, math.log(sure)), *((p, math.log(rest * s)) for p, s in zip(others, shares, strict=True))]
