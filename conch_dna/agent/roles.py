"""The agent's six roles, and which model plays each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conch_dna.domains.domain import load_domain
from conch_dna.errors import UnknownName
from conch_dna.util.files import bundled_dir

if TYPE_CHECKING:
    from collections.abc import Mapping

ROLES = ("thinking", "task", "action", "debug", "reflection", "memory")
BASE = "base"
ROOM = 2  # times the length of the domain's own answers: a neuron ends by itself, another model may be wordier
CALL_ROOM = 256  # tokens of a call, which may hold a program


@dataclass(frozen=True)
class RoleAssignment:
    """One role, cast.

    :param neuron: the model that plays it.
    :param instruction: what a model is told that was not taught the role; ``None`` for a neuron, which was.
    :param max_tokens: of an answer.
    """

    neuron: str
    instruction: str | None
    max_tokens: int

    def turns(self, *texts: str) -> list[dict[str, str]]:
        """Return a chat of these texts, the user's first, in turn with the model's."""
        told = [] if self.instruction is None else [{"role": "system", "content": self.instruction}]
        return told + [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(texts)]


def cast_of(neurons: set[str], given: Mapping[str, str]) -> dict[str, RoleAssignment]:
    """Return who plays each role: who was given it, else the neuron of its name, else the base.

    :param neurons: the names that there are.
    :param given: models by role; the role ``""`` stands for all that are not named.
    :raises UnknownName: there is no such role.
    """
    if unknown := set(given) - {*ROLES, ""}:
        raise UnknownName("no such role", got=", ".join(sorted(unknown)), allowed=", ".join(ROLES))
    parts = {}
    for role in ROLES:
        chosen = given.get(role) or given.get("") or (role if role in neurons else BASE)
        domain = load_domain(bundled_dir("domains") / role).settings
        taught = chosen.partition("@")[0] in neurons
        room = CALL_ROOM if role == "action" else ROOM * domain.max_tokens
        parts[role] = RoleAssignment(chosen, None if taught else domain.system_prompt.strip(), room)
    return parts
