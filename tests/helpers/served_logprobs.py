"""A teacher that returns its top choices byte by byte, and distillations of its recordings."""

import math

from distillations import Work
from settings import config_of

from conch_dna.domains.extract import AnswerExtractor
from conch_dna.pipeline.record import record_answers
from conch_dna.plugin.manager import PluginHost
from conch_dna.records import Completion, Sampling, SoftToken
from conch_dna.teachers.answer_cache import CompletionCache

SETTINGS = {
    "teacher": "recorded", "mode": "kd", "steps": 3, "learning_rate": 0.01, "held_out": 0.25, "gate_prompts": 2,
    "min_fit_gain": 0.0, "max_quality_drop": 1.0, "max_harm": 10.0, "checkpoint_every": 1,
}  # fmt: skip
CHOICES = Sampling(max_tokens=12, top_log_probs=2)


def work_over(root, student, *domains, progress=None, **settings):
    config = config_of(SETTINGS, {"student": str(student)}, **settings)
    return Work(root, config, domains, progress=progress)


def soft_tokens_of(text, other="z", share=0.2):
    """Return the tokens of ``text``, one byte each; ``other`` has the probability ``share`` at every position."""
    sure, less = math.log(0.95 - share), math.log(share)
    pieces = text.encode().decode("latin-1")
    tokens = [SoftToken(piece=p, choices=((p, sure), (other, less))) for p in pieces]
    return (*tokens, SoftToken(piece=None, choices=((None, sure), (other, less))))


class ByteTeacher:
    """Answers with a word that depends on the prompt's index.

    :param other: the second choice at every token.
    :param silent: indices of prompts whose answers have no choices.
    :param texts: other answers, by index.
    """

    capabilities = frozenset({"text", "soft"})
    fingerprint = "telling:1"

    def __init__(self, domain, other="z", silent=(), texts=None):
        self.indices = {p.digest: i for i, p in enumerate(domain.prompts)}
        self.other, self.silent, self.texts = other, silent, texts or {}

    def generate(self, prompts, sampling):
        for prompt in prompts:
            index = self.indices[prompt.digest]
            text = self.texts.get(index, "quick" * (1 + index % 2))
            soft = () if index in self.silent or not sampling.top_log_probs else soft_tokens_of(text, self.other)
            yield Completion(
                prompt=prompt.digest, text=text, teacher=self.fingerprint, sampling=sampling, soft=soft
            )  # fmt: skip


def recorded(domain, cache, sampling=CHOICES, **teacher):
    """Record a domain's answers with their choices; return the path of the recording, and the card."""
    one = ByteTeacher(domain, **teacher)
    good = {"good": lambda *_: 1.0}
    extractor = AnswerExtractor(PluginHost(), domain)
    return record_answers(
        domain, one, "telling:big", sampling, good, {"good": 0.5}, CompletionCache(cache), extractor, lambda: None
    )  # fmt: skip
