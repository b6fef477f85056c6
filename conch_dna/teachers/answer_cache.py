"""Teacher answers by content: what was answered once is never asked again, by any run or domain."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from conch_dna.records import SCHEMA_VERSION, Completion, digest_of
from conch_dna.teachers.references import parts_for
from conch_dna.util.cache_lock import mark_used, writing
from conch_dna.util.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from conch_dna.domains.domain import Domain
    from conch_dna.plugin.protocols import Teacher
    from conch_dna.records import Prompt, Sampling

COMPLETIONS = "completions"  # the folder of a cache that they lie in


def dump(completion: Completion) -> str:
    """Return what a file of the cache holds: an answer as JSON, and the sha256 of that line."""
    line = completion.model_dump_json()
    return f"{line}\n{sha256(line.encode()).hexdigest()}\n"


def load(raw: bytes) -> Completion:
    """Return the answer that :func:`dump` wrote, or that version 0.1 wrote, without a checksum.

    :raises ValueError: it is damaged; a flipped bit in a text would be learnt otherwise.
    """
    line, _, stated = raw.partition(b"\n")
    if stated and stated.strip() != sha256(line).hexdigest().encode():
        raise ValueError("the checksum does not fit")
    return Completion.model_validate_json(line)


class CompletionCache:
    """One small file an answer, named by its key, so that any number of writers may work at once.

    :param root: the folder; files lie in sub-folders of their key's first two digits.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def within(cls, cache: Path) -> CompletionCache:
        """Return that of a cache folder, which has others beside it."""
        return cls(cache / COMPLETIONS)

    def key(self, teacher: Teacher, domain: Domain, prompt: Prompt, sampling: Sampling) -> str:
        """Return sha256 of teacher fingerprint, sampling, the messages that the teacher sees and schema version."""
        messages = domain.with_context(prompt)
        return digest_of([SCHEMA_VERSION, teacher.fingerprint, sampling.model_dump(mode="json"), messages])

    def _path(self, key: str) -> Path:
        return self.root / key[:2] / f"{key}.json"

    def get(self, key: str) -> Completion | None:
        """Return the cached answer, or ``None`` when there is none or its file is damaged (it is then removed)."""
        path = self._path(key)
        try:
            found = load(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError:
            path.unlink(missing_ok=True)
            return None
        mark_used(path)
        return found

    def put(self, key: str, completion: Completion) -> None:
        """Store an answer, atomically."""
        write_atomic(self._path(key), dump(completion))


def answers(
    teacher: Teacher, domain: Domain, prompts: Sequence[Prompt], sampling: Sampling, cache: CompletionCache
) -> Iterator[Completion]:
    """Yield an answer to every prompt: cached ones first, then the teacher's, each stored as soon as it is there.

    Each part of a routed teacher is asked in turn. Whatever the teacher raises comes through; what it had answered
    before is kept.
    """
    for part, places in parts_for(teacher, prompts):
        yield from _answers(part, domain, [prompts[i] for i in places], sampling, cache)


def _answers(
    teacher: Teacher, domain: Domain, prompts: Sequence[Prompt], sampling: Sampling, cache: CompletionCache
) -> Iterator[Completion]:
    if "replay" in teacher.capabilities:  # answers that are on disk already need no second copy
        yield from teacher.generate(prompts, sampling)
        return
    keys = {p.digest: cache.key(teacher, domain, p, sampling) for p in prompts}
    missing = []
    with writing(cache.root):
        for prompt in prompts:
            if found := cache.get(keys[prompt.digest]):
                # A shared answer may have been asked under another domain's digest of the same messages.
                yield found.model_copy(update={"prompt": prompt.digest})
            else:
                missing.append(prompt)
        reused: Callable[[int], None] | None = getattr(teacher, "answers_reused", None)
        if reused is not None:
            reused(len(prompts) - len(missing))
        if missing:
            for completion in teacher.generate(missing, sampling):
                cache.put(keys[completion.prompt], completion)
                yield completion
