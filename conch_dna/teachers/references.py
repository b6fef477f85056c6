"""Teachers by reference: ``NAME`` or ``NAME:MODEL``, each fault with its plug-in's name, several for one domain."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from conch_dna.plugin.protocols import TeacherRequest
from conch_dna.records import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from conch_dna.config import DistillConfig
    from conch_dna.domains.domain import Domain
    from conch_dna.models.load import LoadedModel
    from conch_dna.plugin.manager import PluginHost
    from conch_dna.plugin.protocols import Targets, Teacher
    from conch_dna.records import Completion, Prompt, Sampling, SoftToken
    from conch_dna.teachers.api.context import ApiContext

NOBODY = "none"  # the teacher where none is asked
SOURCE = "source:"  # before the key of a prompt's ``source`` in a route


def kind_of(reference: str) -> str:
    """Return the name of the plug-in teacher in a reference."""
    return reference.partition(":")[0]


def make_teacher(
    host: PluginHost,
    reference: str,
    domain: Domain,
    student: str = "",
    base: Callable[[], LoadedModel] | None = None,
    api: ApiContext | None = None,
) -> Teacher:
    """Build the teacher that ``reference`` names; its weights wait.

    :param student, base, api: as in :class:`TeacherRequest`.
    :raises UnknownName: no plug-in provides it.
    :raises PluginError: its factory raised; whatever it raises later is a ``PluginError`` too.
    """
    kind, _, model = reference.partition(":")
    factory = host.catalog.get("teachers", kind)
    with host.blaming("teachers", kind):
        return _Blamed(host, kind, factory(TeacherRequest(domain, model or None, student, base, api)))


class _Blamed:
    """A plug-in's teacher whose faults name the plug-in."""

    def __init__(self, host: PluginHost, kind: str, teacher: Teacher) -> None:
        self._host, self._kind, self._teacher = host, kind, teacher
        self._told: Any = teacher  # what its capabilities promise

    def __getattr__(self, name: str) -> Any:
        """Reach what only some teachers have, such as a tokenizer."""
        with self._host.blaming("teachers", self._kind):
            try:
                return getattr(self._teacher, name)
            except AttributeError as error:
                missing = error  # no fault: it has none
        raise missing

    @property
    def fingerprint(self) -> str:
        """The teacher's."""
        with self._host.blaming("teachers", self._kind):
            return self._teacher.fingerprint

    @property
    def capabilities(self) -> frozenset[str]:
        """The teacher's."""
        with self._host.blaming("teachers", self._kind):
            return self._teacher.capabilities

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield the teacher's answers."""
        with self._host.blaming("teachers", self._kind):
            yield from self._teacher.generate(prompts, sampling)

    def score(self, prompts: Sequence[Prompt], answers: Sequence[Sequence[int]], top_k: int) -> list[Targets]:
        """Return the teacher's targets."""
        with self._host.blaming("teachers", self._kind):
            return self._teacher.score(prompts, answers, top_k)

    def score_text(self, prompts: Sequence[Prompt], texts: Sequence[str], top: int) -> list[tuple[SoftToken, ...]]:
        """Return the choices of the texts' tokens, where the teacher can."""
        with self._host.blaming("teachers", self._kind):
            found: list[tuple[SoftToken, ...]] = self._told.score_text(prompts, texts, top)
            return found

    def prefer(self, prompts: Sequence[Prompt], firsts: Sequence[str], seconds: Sequence[str]) -> list[int | None]:
        """Return which answers are better, where the teacher can."""
        with self._host.blaming("teachers", self._kind):
            found: list[int | None] = self._told.prefer(prompts, firsts, seconds)
            return found

    def close(self) -> None:
        """Close the teacher."""
        with self._host.blaming("teachers", self._kind):
            self._teacher.close()


def references(config: DistillConfig, domain: Domain, routes: Mapping[str, str]) -> dict[str, str]:
    """Return which teacher answers which prompts of a domain: by the prompts' ``source``, and ``""`` for all others.

    :param routes: a domain's name, or ``source:KEY``, to a teacher's reference; the source wins over the domain, and
        both over the settings.
    """
    found = {"": routes.get(domain.name, config.teacher)}
    if any(key.startswith(SOURCE) for key in routes):
        keys = sorted({prompt.source for prompt in domain.prompts})
        found |= {key: routes[SOURCE + key] for key in keys if SOURCE + key in routes}
    return found


def in_one_line(named: Mapping[str, str]) -> str:
    """Write what :func:`references` returns."""
    return ", ".join(f"{SOURCE}{key}={reference}" if key else reference for key, reference in named.items())


def teacher_of(
    host: PluginHost,
    named: Mapping[str, str],
    domain: Domain,
    student: str,
    base: Callable[[], LoadedModel] | None = None,
    api: ApiContext | None = None,
) -> Teacher:
    """Build the teacher of a domain from what :func:`references` returns; its weights wait."""
    parts = {key: make_teacher(host, reference, domain, student, base, api) for key, reference in named.items()}
    return parts[""] if len(parts) == 1 else RoutedTeacher(parts)


class RoutedTeacher:
    """Several teachers for one domain, each for the prompts of some sources.

    It can do what all of them can, and its fingerprint changes with any of theirs and with the way of the prompts.

    :param parts: teachers by the ``source`` of the prompts that they answer; ``""`` is that of all others.
    """

    def __init__(self, parts: Mapping[str, Teacher]) -> None:
        self.parts = dict(parts)

    @property
    def fingerprint(self) -> str:
        """The parts' fingerprints, with their sources."""
        return f"routed:{digest_of({key: part.fingerprint for key, part in self.parts.items()})}"

    @cached_property
    def capabilities(self) -> frozenset[str]:
        """What every part can do; each may have a tokenizer of its own, so none is offered."""
        return frozenset.intersection(*(part.capabilities for part in self.parts.values())) - {"own_top_k"}

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield the answers of each part to its prompts."""
        for part, places in self.parts_for(prompts):
            yield from part.generate([prompts[i] for i in places], sampling)

    def score(self, prompts: Sequence[Prompt], answers: Sequence[Sequence[int]], top_k: int) -> list[Targets]:
        """Return each part's distributions over the answers to its prompts, in the order of the prompts."""
        return self._asked("score", (prompts, answers), top_k)

    def score_text(self, prompts: Sequence[Prompt], texts: Sequence[str], top: int) -> list[tuple[SoftToken, ...]]:
        """Return the choices of the texts' tokens, each text's from the part that its prompt belongs to."""
        return self._asked("score_text", (prompts, texts), top)

    def prefer(self, prompts: Sequence[Prompt], firsts: Sequence[str], seconds: Sequence[str]) -> list[int | None]:
        """Return which answers are better, as the part says that their prompt belongs to."""
        return self._asked("prefer", (prompts, firsts, seconds))

    def _asked(self, method: str, columns: tuple[Sequence[Any], ...], *more: Any) -> list[Any]:
        """Call a method of each part with its prompts and what goes with them; return all in the prompts' order."""
        found: dict[int, Any] = {}
        for part, places in self.parts_for(columns[0]):
            told = getattr(part, method)(*([column[i] for i in places] for column in columns), *more)
            found.update(zip(places, told, strict=False))  # one too few is told of where it is used
        return [found[i] for i in sorted(found)]

    def close(self) -> None:
        """Close every part."""
        for part in self.parts.values():
            part.close()

    def parts_for(self, prompts: Sequence[Prompt]) -> list[tuple[Teacher, list[int]]]:
        """Return each part that is asked any of ``prompts``, with their places."""
        places: dict[str, list[int]] = {}
        for place, prompt in enumerate(prompts):
            places.setdefault(prompt.source if prompt.source in self.parts else "", []).append(place)
        return [(self.parts[key], found) for key, found in places.items()]


def parts_for(teacher: Teacher, prompts: Sequence[Prompt]) -> list[tuple[Teacher, list[int]]]:
    """Return who really answers ``prompts``, and at which places: the parts of a routed teacher, else the teacher.

    What is stored of a part is stored under its own fingerprint, so that a route to one leaves the others' answers.
    """
    if isinstance(teacher, RoutedTeacher):
        return teacher.parts_for(prompts)
    return [(teacher, list(range(len(prompts))))]
