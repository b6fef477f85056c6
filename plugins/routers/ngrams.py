"""The router ``ngrams``: a ridge classifier over hashed byte n-grams, trained on the domains' training prompts.

Kernel ridge regression on tf-idf weights (Hastie, Tibshirani & Friedman, The Elements of Statistical Learning,
equations 3.44 and 12.48, with one indicator per domain as target). Training on 1,000 short prompts takes a second.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from conch_dna.domains.domain import Domain

BITS = 14  # bits of a feature's index
LONGEST = 4  # maximum bytes of an n-gram
MOST = 4000  # the router reads only the last characters of a chat
RIDGE = 0.3  # this, BITS and LONGEST by five-fold cross-validation on the bundled training prompts
SURE = 0.4  # below this score the router chooses the base, which does less harm than a wrong neuron


class Trained(NamedTuple):
    """A trained classifier.

    :param names: the domains, D of them.
    :param idf_F: float32 inverse document frequency of each feature.
    :param weights_FD: float32.
    :param prior_D: float32 share of each domain's prompts.
    """

    names: tuple[str, ...]
    idf_F: np.ndarray
    weights_FD: np.ndarray
    prior_D: np.ndarray


class NGrams:
    """A router that trains at its first call.

    :param domains: domains by name. Their held-out prompts are not used, so that they can measure the router.
    """

    def __init__(self, domains: Mapping[str, Domain]) -> None:
        self._domains = domains

    def __call__(self, messages: Sequence[Mapping[str, str]], neurons: Mapping[str, str]) -> str:
        """Return the domain with the highest score; ``base`` if the score is low or the domain has no neuron."""
        from conch_dna.registry.aliases import BASE  # brings pydantic, for which `conch --help` must not wait

        text, trained = chat_of(messages), self._trained
        if not trained.names or not text.strip():
            return BASE
        features_F = _weighted(features(text)[None], trained.idf_F)[0]
        scores_D = features_F @ trained.weights_FD + trained.prior_D
        best = int(scores_D.argmax())
        name = trained.names[best]
        return name if scores_D[best] >= SURE and name in neurons else BASE

    @cached_property
    def _trained(self) -> Trained:
        # These cost start-up time, and the plug-in is loaded by every command.
        import numpy as np

        from conch_dna.config import DistillConfig
        from conch_dna.data.splits import position

        share = DistillConfig.model_fields["held_out"].default
        texts, labels = [], []
        for label, name in enumerate(self._domains):
            train = [prompt for prompt in self._domains[name].prompts if position(prompt.digest) >= share]
            texts += [chat_of(prompt.turns) for prompt in train]
            labels += [label] * len(train)
        if not texts:
            return Trained((), np.empty(0), np.empty((0, 0)), np.empty(0))
        counts_NF = np.stack([features(text) for text in texts])
        idf_F = np.log((1 + len(texts)) / (1 + (counts_NF > 0).sum(0))).astype(np.float32)
        x_NF = _weighted(counts_NF, idf_F)
        y_ND = np.eye(len(self._domains), dtype=np.float32)[labels]
        prior_D = y_ND.mean(0)
        dual_ND = np.linalg.solve(x_NF @ x_NF.T + RIDGE * np.eye(len(texts), dtype=np.float32), y_ND - prior_D)
        return Trained(tuple(self._domains), idf_F, x_NF.T @ dual_ND, prior_D)


def chat_of(messages: Sequence[Mapping[str, str]]) -> str:
    """Return the end of a chat as one text, without the system turn, which does not describe the question."""
    return "\n".join(turn["content"] for turn in messages if turn["role"] != "system")[-MOST:]


def features(text: str) -> np.ndarray:
    """Return the count of each feature in a text, float32 (2 ** BITS,); the same on every machine."""
    import numpy as np  # costs start-up time

    data_T = np.frombuffer(f" {text} ".encode(errors="replace"), np.uint8).astype(np.uint64)
    found = []
    for length in range(1, LONGEST + 1):
        places = max(len(data_T) - length + 1, 0)
        hashed = np.full(places, length, np.uint64)
        for offset in range(length):  # Fibonacci hashing byte by byte, then the finaliser's shift and product
            hashed = hashed * np.uint64(0x9E3779B97F4A7C15) + data_T[offset : places + offset] + np.uint64(1)
        hashed = (hashed ^ (hashed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        found.append(hashed >> np.uint64(64 - BITS))
    return np.bincount(np.concatenate(found).astype(np.int64), minlength=1 << BITS).astype(np.float32)


def _weighted(counts_NF: np.ndarray, idf_F: np.ndarray) -> np.ndarray:
    """Return rows of log counts times inverse document frequencies, normalised to length 1."""
    import numpy as np  # costs start-up time

    x_NF = np.log1p(counts_NF) * idf_F
    rows: np.ndarray = x_NF / np.maximum(np.linalg.norm(x_NF, axis=1, keepdims=True), 1e-9)
    return rows


@hookimpl
def register_routers() -> dict[str, type[NGrams]]:
    """Return the bundled router."""
    return {"ngrams": NGrams}
