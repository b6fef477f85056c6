"""The agent's memory: a file of facts, one JSON object per line; blank lines are ignored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conch_dna.util.files import append
from conch_dna.util.text import words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RECALLED = 4  # facts
LONGEST = 200  # characters of a fact
LETTERS = 4  # shorter words say little about a task


@dataclass(frozen=True)
class Memory:
    """The facts in a file, which may not exist yet."""

    path: Path

    def facts(self) -> list[str]:
        """Return all facts, the oldest first; skips a line that a kill left incomplete."""
        if not self.path.is_file():
            return []
        found = []
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                fact = json.loads(line)["fact"]
            except (ValueError, TypeError, KeyError):
                continue
            if isinstance(fact, str):
                found.append(fact)
        return found

    def recall(self, task: str) -> list[str]:
        """Return the facts that share most words with a task; of equal ones, the newest first."""
        about = _long(task)
        shared = [(len(about & _long(fact)), place, fact) for place, fact in enumerate(self.facts())]
        return [fact for count, _, fact in sorted(shared, reverse=True)[:RECALLED] if count]

    def add(self, facts: Sequence[str]) -> list[str]:
        """Store the facts that are new; return them."""
        known = set(self.facts())
        new = [fact for fact in dict.fromkeys(fact[:LONGEST] for fact in facts) if fact not in known]
        if new:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # The line break comes first: the last line may be incomplete and must not corrupt the next.
            append(self.path, "".join("\n" + json.dumps({"fact": fact}, ensure_ascii=False) for fact in new) + "\n")
        return new


def _long(text: str) -> set[str]:
    return {word for word in words(text) if len(word) >= LETTERS}
