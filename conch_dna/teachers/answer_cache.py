"""Content-addressed cache of teacher answers, shared by all runs and domains."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import structlog

from conch_dna.models.seals import holds, seal, warn_foreign
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

COMPLETIONS = "completions"  # sub-folder of the cache
KIND = "answer"  # of their seals
log = structlog.get_logger()


def dump(key: str, completion: Completion) -> str:
    """Return the content of a cache file: the answer as one line of JSON, the sha256 of that line, and its seal."""
    line = completion.model_dump_json()
    return f"{line}\n{sha256(line.encode()).hexdigest()}\n{seal(KIND, key, line)}\n"


def load(raw: bytes) -> Completion:
    """Return the answer from a file that :func:`dump` wrote; version 0.1 wrote files without a checksum.

    :raises ValueError: the file is damaged. The checksum also finds a flipped bit in valid JSON.
    """
    line, checksum, _ = _lines(raw)
    if checksum and checksum != sha256(line).hexdigest().encode():
        raise ValueError("the checksum does not match")
    return Completion.model_validate_json(line)


def has_seal(key: str, raw: bytes) -> bool:
    """Return whether an undamaged file has the seal of this user's key; those of version 0.1 have none."""
    line, _, found = _lines(raw)
    return holds(found.decode("ascii", "replace"), KIND, key, line.decode())


def _lines(raw: bytes) -> tuple[bytes, bytes, bytes]:
    line, checksum, found, *_ = (*raw.split(b"\n"), b"", b"")
    return line, checksum, found


class CompletionCache:
    """A cache of one small file per answer, named by its key, so that many processes can write at once.

    :param root: the folder; files are in sub-folders named by the first two digits of their key.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def within(cls, cache: Path) -> CompletionCache:
        """Return the cache of answers in a cache folder, which also holds other caches."""
        return cls(cache / COMPLETIONS)

    def key(self, teacher: Teacher, domain: Domain, prompt: Prompt, sampling: Sampling) -> str:
        """Return the sha256 of teacher fingerprint, sampling, the messages that the teacher sees and schema version."""
        messages = domain.with_context(prompt)
        return digest_of([SCHEMA_VERSION, teacher.fingerprint, sampling.model_dump(mode="json"), messages])

    def _path(self, key: str) -> Path:
        return self.root / key[:2] / f"{key}.json"

    def get(self, key: str) -> Completion | None:
        """Return the cached answer; ``None`` if there is none, it has no seal, or it was damaged and is removed."""
        path = self._path(key)
        try:
            raw = path.read_bytes()
            found = load(raw)
        except FileNotFoundError:
            return None
        except ValueError as error:
            log.warning("cached_answer_damaged", file=str(path), reason=str(error).split("\n", 1)[0])
            path.unlink(missing_ok=True)
            return None
        if not has_seal(key, raw):
            warn_foreign(self.root)
            return None
        mark_used(path)
        return found

    def put(self, key: str, completion: Completion) -> None:
        """Store an answer, atomically."""
        write_atomic(self._path(key), dump(key, completion))


def answers(
    teacher: Teacher, domain: Domain, prompts: Sequence[Prompt], sampling: Sampling, cache: CompletionCache
) -> Iterator[Completion]:
    """Yield an answer to every prompt: cached ones first, then the teacher's, each stored as soon as it arrives.

    The parts of a routed teacher are asked one after another. The teacher's exceptions propagate; earlier answers are
    kept.
    """
    for part, places in parts_for(teacher, prompts):
        yield from _answers(part, domain, [prompts[i] for i in places], sampling, cache)


def _answers(
    teacher: Teacher, domain: Domain, prompts: Sequence[Prompt], sampling: Sampling, cache: CompletionCache
) -> Iterator[Completion]:
    if "replay" in teacher.capabilities:  # these answers are already on disk
        yield from teacher.generate(prompts, sampling)
        return
    keys = {p.digest: cache.key(teacher, domain, p, sampling) for p in prompts}
    missing = []
    with writing(cache.root):
        for prompt in prompts:
            if found := cache.get(keys[prompt.digest]):
                # Another domain may have cached the same messages under its own prompt digest.
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
