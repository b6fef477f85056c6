"""One row: a domain, a method and a seed, measured on held-out prompts, questions and the other domains."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conch_dna.align.byte_projection import Projection
from conch_dna.align.vocabulary import vocabulary_of
from conch_dna.config import DistillConfig
from conch_dna.data.splits import split
from conch_dna.data.tokens import encode_answer
from conch_dna.domains.domain import load_domain
from conch_dna.domains.recordings import find_recording
from conch_dna.evaluation.answers import answer_greedily
from conch_dna.evaluation.fit import fits
from conch_dna.evaluation.gate import prompt_text
from conch_dna.kernels.patch import fast_ops
from conch_dna.models.cache import cache_dir
from conch_dna.models.head import split as split_model
from conch_dna.models.load import load
from conch_dna.plugin.manager import load_plugins
from conch_dna.plugin.protocols import TeacherRequest
from conch_dna.records import Sampling
from conch_dna.registry.store import Registry
from conch_dna.runtime.neurons import NeuronRuntime
from conch_dna.teachers.answer_cache import CompletionCache, answers

from . import measures
from .questions import questions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.domains.domain import Domain
    from conch_dna.records import Prompt

STUDENT = "embedded:smollm2-135m"
TEACHER = "llamacpp:embedded:qwen2.5-coder-1.5b"
CHOICES = 16  # per token of the teacher's answers, as in its recordings
SHARE = DistillConfig().held_out
FIXED = ("--steps", "24", "--rank", "8")  # as in all earlier rows, whatever the defaults are now
HELD_OUT, ASKED, OTHERS = 32, 24, 6  # held-out prompts, public questions, prompts of each other domain

# One batch of rollouts, no longer than an answer, for four steps: on a CPU a batch of sixteen costs little more than
# one of four.
ROLLOUTS = {"on_policy.rollout_tokens": "96", "on_policy.rollout_steps": "4"}
# Settings of ``conch distill`` by method, with the method to start from; FIXED and the defaults are the others.
METHODS: dict[str, dict[str, str]] = {
    "sft": {"mode": "sft", "teacher": "recorded"},
    "kd": {"mode": "kd", "teacher": "recorded", "temperature": "1"},
    "kd, T = 2": {"mode": "kd", "teacher": "recorded", "temperature": "2"},
    "on_policy": {"mode": "on_policy", "teacher": f"mlx:{STUDENT}", **ROLLOUTS},
    "sft, then on_policy": {"mode": "on_policy", "teacher": f"mlx:{STUDENT}", "start": "sft", **ROLLOUTS},
    "best_of_n": {
        "mode": "best_of_n",
        "teacher": "none",
        "best_of_n.candidates": "2",
        "best_of_n.iterations": "1",
    },
}
NEED_CHOICES = ("kd", "kd, T = 2")  # only for recordings with choices for every token
REFERENCES = ("base", "teacher")


@dataclass(frozen=True)
class Bench:
    """Shared state of all rows, created on first use.

    :param domains: by name.
    :param work: folder of the runs; a killed row resumes from it.
    """

    root: Path
    work: Path

    @cached_property
    def domains(self) -> dict[str, Domain]:
        """The bundled domains."""
        return {f.name: load_domain(f) for f in sorted((self.root / "domains").iterdir()) if f.is_dir()}

    @cached_property
    def catalog(self) -> Any:
        """The bundled plug-ins."""
        return load_plugins().catalog

    @cached_property
    def base(self) -> Any:
        """The student's base."""
        return load(STUDENT)

    def has_choices(self, name: str) -> bool:
        """Return whether the domain's recording has choices for every token."""
        return all(answer.soft for answer in find_recording(self.domains[name]).answers.values())

    def row(self, name: str, method: str, seed: int, extra: Sequence[str]) -> dict[str, Any]:
        """Train if needed, measure, and return the row."""
        started = time.perf_counter()
        domain = self.domains[name]
        trained: dict[str, Any] = {}
        if method == "teacher":
            figures = self._of_teacher(domain)
        else:
            if method != "base":
                trained = self._train(name, method, seed, extra)
            figures = self._of_student(domain, Path(trained["adapter"]) if trained else None)
        return {
            "domain": name, "method": method, "seed": seed, "settings": {**METHODS.get(method, {}), "extra": [*extra]},
            "training": {k: v for k, v in trained.items() if k != "adapter"},  # its path is specific to this machine
            "measured": figures, "row_seconds": round(time.perf_counter() - started, 1),
        }  # fmt: skip

    def _train(self, name: str, method: str, seed: int, extra: Sequence[str]) -> dict[str, Any]:
        """Run ``conch distill`` in a separate project; a failed gate is a valid result.

        Time and peak memory include the method to start from. The time is CPU time, which other load on the machine
        changes little.
        """
        project = self.work / re.sub(r"[^\w-]+", "_", f"{name}-{method}-{seed}")
        project.mkdir(parents=True, exist_ok=True)
        settings = dict(METHODS[method])
        before = {"cpu_seconds": 0.0, "peak_memory": 0}
        if "start" in settings:
            before = self._train(name, settings["start"], seed, extra)
            settings["start"] = before["adapter"]
        # The gate measures few prompts because this benchmark measures more of them.
        command = [str(Path(sys.executable).with_name("conch")), "--project", str(project), "distill", name]
        command += ["--run", "row", "--json", "--student", STUDENT]
        command += ["--seed", str(seed), "--gate-prompts", "2", "--gate-generated", "0", *FIXED, *extra]
        command += [word for key, value in settings.items() for word in (f"--{key.replace('_', '-')}", value)]
        command += ["--held-out", str(SHARE)]  # overrides ``extra``: measured prompts must not be trained on
        used = _children_seconds()
        done = subprocess.run(command, check=False, stdout=subprocess.PIPE)
        used = _children_seconds() - used
        (project / "summary.json").write_bytes(done.stdout)
        if done.returncode not in {0, 3}:
            sys.exit(f"{name} {method} {seed}: conch distill ended with {done.returncode}")
        (result,) = json.loads(done.stdout)["results"]
        return {
            **{key: result[key] for key in ("adapter", "steps", "tokens", "state")},
            "cpu_seconds": round(before["cpu_seconds"] + used, 1),
            "peak_memory": max(before["peak_memory"], result["peak_memory"] or 0),
        }

    def _of_student(self, domain: Domain, adapter: Path | None) -> dict[str, Any]:
        """Measure the base, or the base with an adapter on it."""
        runtime = NeuronRuntime(self.base, Registry(self.work / "registry"))
        neuron = "base"
        try:
            with fast_ops(self.base.model, cached=True):
                if adapter is not None:
                    runtime.add("neuron", adapter)
                    neuron = "neuron"
                return {
                    **self._fits(runtime, neuron, domain),
                    **self._graded(domain, lambda prompts: answer_greedily(runtime, neuron, domain, prompts)),
                }
        finally:
            runtime.close()

    def _fits(self, runtime: NeuronRuntime, neuron: str, domain: Domain) -> dict[str, Any]:
        """Return the fit to the teacher's held-out answers and to the other domains' prompts, prompt by prompt."""
        recording = find_recording(domain).answers
        recorded = [p for p in split(domain.prompts, SHARE).held_out if p.digest in recording][:HELD_OUT]
        examples = [encode_answer(self.base.tokenizer, p, recording[p.digest].text) for p in recorded]
        soft = [recording[p.digest].soft for p in recorded]
        targets = None
        if all(soft):
            projected = Projection(vocabulary_of(self.base.tokenizer), self.base.width)
            pairs = zip(soft, examples, strict=True)
            targets = [projected.targets(tokens, e.answer_ids, CHOICES) for tokens, e in pairs]
        others = [
            prompt_text(self.base.tokenizer, prompt)
            for other in self.domains.values()
            if other.name != domain.name
            for prompt in split(other.prompts, SHARE).held_out[:OTHERS]
        ]
        body, head = split_model(self.base.model)
        with runtime.neuron(neuron):
            own, shares = fits(body, head, examples, targets, runtime.over), runtime.alora is not None
        with runtime.neuron("base" if shares else neuron):  # such a neuron does not act on prompts
            theirs = fits(body, head, others)
        found = {"bits_per_byte": [f.bits / e.answer_bytes for f, e in zip(own, examples, strict=True)]}
        if targets:
            found["divergence"] = [f.divergence / f.tokens for f in own]
            found["agreement"] = [f.agreements / f.tokens for f in own]
        found["others' bits_per_byte"] = [f.bits / e.answer_bytes for f, e in zip(theirs, others, strict=True)]
        return found

    def _of_teacher(self, domain: Domain) -> dict[str, Any]:
        """Grade the teacher's answers; they are in the cache if the recording was made on this machine."""
        kind, _, ref = TEACHER.partition(":")
        teacher = self.catalog.get("teachers", kind)(TeacherRequest(domain, ref))
        sampling = Sampling(max_tokens=domain.settings.max_tokens, top_log_probs=CHOICES)
        cache = CompletionCache.within(cache_dir())
        try:

            def teacher_answers(prompts: Sequence[Prompt]) -> list[str]:
                found = {c.prompt: c.text for c in answers(teacher, domain, prompts, sampling, cache)}
                return [found[p.digest] for p in prompts]

            return self._graded(domain, teacher_answers)
        finally:
            teacher.close()

    def _graded(self, domain: Domain, answer: Any) -> dict[str, Any]:
        """Return the grades of answers to held-out prompts and public questions, one per prompt."""
        held = [p for p in split(domain.prompts, SHARE).held_out if measures.grade(p, "", domain) is not None]
        held = held[:HELD_OUT]
        grades = [measures.grade(p, a, domain) or {} for p, a in zip(held, answer(held), strict=True)]
        found = _columns("held-out", grades)
        if questions := questions_of(domain.name, ASKED):
            replies = answer([q.prompt for q in questions])
            grades = [q.grade(a) for q, a in zip(questions, replies, strict=True)]
            found |= _columns("questions", [{"task": g["right"], **g} for g in grades])
        return found


def _children_seconds() -> float:
    """Return the CPU seconds used by child processes."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _columns(kind: str, grades: Sequence[Any]) -> dict[str, list[float]]:
    return {f"{kind}: {name}": [g[name] for g in grades] for name in (grades[0] if grades else {})}
