"""The agent's six roles and the model assigned to each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conch_dna.domains.domain import load_domain
from conch_dna.errors import UnknownName
from conch_dna.registry.aliases import BASE
from conch_dna.util.files import bundled_dir

if TYPE_CHECKING:
    from collections.abc import Mapping

ROLES = ("thinking", "task", "action", "debug", "reflection", "memory")
ROOM = 2  # times the domain's answer length: a neuron ends by itself, other models may write more
CALL_ROOM = 256  # tokens of a tool call, which may contain a program


@dataclass(frozen=True)
class RoleAssignment:
    """The model assigned to a role.

    :param neuron: name of the model.
    :param instruction: system prompt for a model that is not trained for the role; ``None`` for a neuron.
    :param max_tokens: maximum number of tokens of an answer.
    """

    neuron: str
    instruction: str | None
    max_tokens: int

    def turns(self, *texts: str) -> list[dict[str, str]]:
        """Return a chat of these texts, alternating between user and assistant."""
        system = [] if self.instruction is None else [{"role": "system", "content": self.instruction}]
        return system + [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(texts)]


def assign_roles(neurons: set[str], given: Mapping[str, str]) -> dict[str, RoleAssignment]:
    """Return the model for each role: the given one, else the neuron of the role's name, else the base.

    :param neurons: names of the available neurons.
    :param given: models by role; the role ``""`` means all roles that are not named.
    :raises UnknownName: no such role exists.
    """
    if unknown := set(given) - {*ROLES, ""}:
        raise UnknownName("no such role", got=", ".join(sorted(unknown)), allowed=", ".join(ROLES))
    assignments = {}
    for role in ROLES:
        chosen = given.get(role) or given.get("") or (role if role in neurons else BASE)
        domain = load_domain(bundled_dir("domains") / role).settings
        trained = chosen.partition("@")[0] in neurons
        room = CALL_ROOM if role == "action" else ROOM * domain.max_tokens
        assignments[role] = RoleAssignment(chosen, None if trained else domain.system_prompt.strip(), room)
    return assignments
