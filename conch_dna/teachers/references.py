"""Teachers by reference (``NAME`` or ``NAME:MODEL``), faults that name their plug-in, and routes by source."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from conch_dna.plugin.protocols import TeacherRequest
from conch_dna.records import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from conch_dna.config import DistillConfig
    from conch_dna.domains.domain import Domain
    from conch_dna.models.load import LoadedModel
    from conch_dna.plugin.manager import PluginHost
    from conch_dna.plugin.protocols import Teacher
    from conch_dna.records import Completion, Prompt, Sampling
    from conch_dna.teachers.api.context import ApiContext

NOBODY = "none"  # the teacher if no recipe needs one
SOURCE = "source:"  # prefix of a prompt's ``source`` in a route
OPTIONAL_METHODS = ("score", "score_text", "prefer")  # of the protocols Scores, ScoresText and Judge


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
    """Build the teacher that ``reference`` names, without loading its weights.

    :param student, base, api: as in :class:`TeacherRequest`.
    :raises UnknownName: no plug-in provides it.
    :raises PluginError: its factory raised; later faults of the teacher are a ``PluginError`` too.
    """
    kind, _, model = reference.partition(":")
    factory = host.catalog.get("teachers", kind)
    with host.blaming("teachers", kind):
        return GuardedTeacher(host, kind, factory(TeacherRequest(domain, model or None, student, base, api)))


class GuardedTeacher:
    """A plug-in's teacher whose faults name the plug-in.

    It has those optional methods that the teacher has, and no others; every other attribute is the teacher's.
    """

    def __init__(self, host: PluginHost, kind: str, teacher: Teacher) -> None:
        self._host, self._kind, self._teacher = host, kind, teacher
        for name in (*OPTIONAL_METHODS, "answers_reused"):
            if hasattr(teacher, name):
                # In the instance, not by __getattr__: isinstance() against a protocol looks here.
                setattr(self, name, partial(self._call, name))

    def __getattr__(self, name: str) -> Any:
        """Return what only some teachers have, such as a tokenizer."""
        with self._host.blaming("teachers", self._kind):
            try:
                return getattr(self._teacher, name)
            except AttributeError as error:
                missing = error  # not a fault of the plug-in
        raise missing

    @property
    def fingerprint(self) -> str:
        """The teacher's fingerprint."""
        with self._host.blaming("teachers", self._kind):
            return self._teacher.fingerprint

    @property
    def capabilities(self) -> frozenset[str]:
        """The teacher's capabilities."""
        with self._host.blaming("teachers", self._kind):
            return self._teacher.capabilities

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield the teacher's answers."""
        with self._host.blaming("teachers", self._kind):
            yield from self._teacher.generate(prompts, sampling)

    def close(self) -> None:
        """Close the teacher."""
        self._call("close")

    def _call(self, name: str, *args: Any, **named: Any) -> Any:
        with self._host.blaming("teachers", self._kind):
            return getattr(self._teacher, name)(*args, **named)


def references(config: DistillConfig, domain: Domain, routes: Mapping[str, str]) -> dict[str, str]:
    """Return the teacher references of a domain by the ``source`` of its prompts; ``""`` is for all other prompts.

    :param routes: a domain's name, or ``source:KEY``, to a teacher's reference; the source wins over the domain, and
        both over the settings.
    """
    found = {"": routes.get(domain.name, config.teacher)}
    if any(key.startswith(SOURCE) for key in routes):
        keys = sorted({prompt.source for prompt in domain.prompts})
        found |= {key: routes[SOURCE + key] for key in keys if SOURCE + key in routes}
    return found


def in_one_line(named: Mapping[str, str]) -> str:
    """Return the result of :func:`references` as one line."""
    return ", ".join(f"{SOURCE}{key}={reference}" if key else reference for key, reference in named.items())


def teacher_of(
    host: PluginHost,
    named: Mapping[str, str],
    domain: Domain,
    student: str,
    base: Callable[[], LoadedModel] | None = None,
    api: ApiContext | None = None,
) -> Teacher:
    """Build the teacher of a domain from the result of :func:`references`, without loading weights."""
    parts = {key: make_teacher(host, reference, domain, student, base, api) for key, reference in named.items()}
    return parts[""] if len(parts) == 1 else RoutedTeacher(parts)


class RoutedTeacher:
    """Several teachers for one domain, each for the prompts of some sources.

    It can do what all of them can: it has the optional methods that every part has, and no others. Its fingerprint
    changes with that of any part and with the routes.

    :param parts: teachers by the ``source`` of the prompts that they answer; ``""`` is the teacher of all others.
    """

    def __init__(self, parts: Mapping[str, Teacher]) -> None:
        self.parts = dict(parts)
        for name in OPTIONAL_METHODS:
            if all(hasattr(part, name) for part in self.parts.values()):
                setattr(self, name, partial(self._each, name))  # in the instance, as in GuardedTeacher

    @property
    def fingerprint(self) -> str:
        """A digest of the parts' fingerprints and their sources."""
        return f"routed:{digest_of({key: part.fingerprint for key, part in self.parts.items()})}"

    @cached_property
    def capabilities(self) -> frozenset[str]:
        """The capabilities of every part; not ``own_top_k``, since each part may have a tokenizer of its own."""
        return frozenset.intersection(*(part.capabilities for part in self.parts.values())) - {"own_top_k"}

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield the answers of each part to its prompts."""
        for part, places in self.parts_for(prompts):
            yield from part.generate([prompts[i] for i in places], sampling)

    def _each(self, method: str, *columns: Any, **named: Any) -> list[Any]:
        """Call a method of each part with its prompts and their rows; return the results in the prompts' order.

        :param columns: the prompts, then sequences with one row per prompt, then arguments that are the same for all.
        :param named: arguments that are the same for all.
        """
        prompts = columns[0]
        found: dict[int, Any] = {}
        for part, places in self.parts_for(prompts):
            rows = [[c[i] for i in places] if isinstance(c, Sequence) else c for c in columns]
            # strict=False: the caller reports a result too few with more context
            found.update(zip(places, getattr(part, method)(*rows, **named), strict=False))
        return [found[i] for i in sorted(found)]

    def close(self) -> None:
        """Close every part."""
        for part in self.parts.values():
            part.close()

    def parts_for(self, prompts: Sequence[Prompt]) -> list[tuple[Teacher, list[int]]]:
        """Return each part that has any of ``prompts``, with their indices."""
        places: dict[str, list[int]] = {}
        for place, prompt in enumerate(prompts):
            places.setdefault(prompt.source if prompt.source in self.parts else "", []).append(place)
        return [(self.parts[key], found) for key, found in places.items()]


def parts_for(teacher: Teacher, prompts: Sequence[Prompt]) -> list[tuple[Teacher, list[int]]]:
    """Return the teachers that answer ``prompts``, with the indices: the parts of a routed teacher, or the teacher.

    Results are stored under a part's own fingerprint, so that a new route keeps the other parts' answers.
    """
    if isinstance(teacher, RoutedTeacher):
        return teacher.parts_for(prompts)
    return [(teacher, list(range(len(prompts))))]
