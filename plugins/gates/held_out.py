"""The ``held_out`` gate: paired bootstrap over held-out prompts against the base, and against the incumbent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from conch_dna.interfaces import Gate, GateInput
    from conch_dna.records import Check

DRAWS = 2000
LEVEL = 0.95


def resampled(count: int, seed: int) -> np.ndarray:
    """Return int64 (DRAWS, count): indices drawn with replacement, the same for every figure of a gate."""
    import numpy as np

    return np.random.default_rng([seed, count]).integers(0, count, (DRAWS, count))


def interval(draws: np.ndarray) -> tuple[float, float]:
    """Return the percentile interval of bootstrapped figures."""
    import numpy as np

    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def relative_fall(before: Sequence[float], after: Sequence[float], seed: int) -> tuple[float, float, float]:
    """Return 1 - sum(after)/sum(before) with its interval; pairs are drawn together."""
    import numpy as np

    b, a = np.asarray(before, float), np.asarray(after, float)
    draws = resampled(len(b), seed)
    low, high = interval(1 - a[draws].sum(axis=1) / b[draws].sum(axis=1))
    return float(1 - a.sum() / b.sum()), low, high


def mean_rise(before: Sequence[float], after: Sequence[float], seed: int) -> tuple[float, float, float]:
    """Return mean(after - before) with its interval."""
    import numpy as np

    d = np.asarray(after, float) - np.asarray(before, float)
    low, high = interval(d[resampled(len(d), seed)].mean(axis=1))
    return float(d.mean()), low, high


def held_out(given: GateInput) -> list[Check]:
    """Pass a candidate that fits the teacher better, answers no worse and harms no other domain.

    - fit: bits of the teacher's held-out answers fall by ``min_fit_gain``, at the interval's low end;
    - quality: the mean score of generated answers falls by no more than ``max_quality_drop``, at the low end;
    - harm: bits of other domains' held-out prompts rise by no more than ``max_harm``, at the high end;
    - divergence: where there are soft targets, the candidate is nearer to them than the base, at the low end;
    - incumbent: on average the fit is better than the incumbent's, and the quality no more than ``max_quality_drop``
      worse.
    """
    from conch_dna.records import Check

    bounds, seed = given.bounds, given.seed
    gain, low, high = relative_fall(given.bits["base"], given.bits["candidate"], seed)
    least = bounds["min_fit_gain"]
    checks = [
        Check(
            name="fit", passed=low >= least, value=gain, bound=least, low=low, high=high,
            reason=f"bits per byte fell by {gain:.1%} [{low:.1%}, {high:.1%}], least {least:.1%}",
        )
    ]  # fmt: skip
    rise, low, high = mean_rise(given.quality["base"], given.quality["candidate"], seed)
    least = -bounds["max_quality_drop"]
    checks.append(
        Check(
            name="quality", passed=low >= least, value=rise, bound=least, low=low, high=high,
            reason=f"quality changed by {rise:+.3f} [{low:+.3f}, {high:+.3f}], least {least:+.3f}",
        )
    )  # fmt: skip
    if given.others.get("base"):
        fall, low, high = relative_fall(given.others["base"], given.others["candidate"], seed)
        most = bounds["max_harm"]
        checks.append(
            Check(
                name="harm", passed=-low <= most, value=-fall, bound=most, low=-high, high=-low,
                reason=f"other domains' prompts cost {-fall:+.1%} [{-high:+.1%}, {-low:+.1%}], most {most:+.1%}",
            )
        )  # fmt: skip
    if given.divergence:
        gain, low, high = relative_fall(given.divergence["base"], given.divergence["candidate"], seed)
        checks.append(
            Check(
                name="divergence", passed=low > 0, value=gain, bound=0.0, low=low, high=high,
                reason=f"divergence from the teacher fell by {gain:.1%} [{low:.1%}, {high:.1%}], least above 0 %",
            )
        )  # fmt: skip
    if "incumbent" in given.bits:
        gain, low, high = relative_fall(given.bits["incumbent"], given.bits["candidate"], seed)
        checks.append(
            Check(
                name="incumbent", passed=gain > 0, value=gain, bound=0.0, low=low, high=high,
                reason=f"bits per byte against the incumbent fell by {gain:.1%} [{low:.1%}, {high:.1%}]",
            )
        )  # fmt: skip
        rise, low, high = mean_rise(given.quality["incumbent"], given.quality["candidate"], seed)
        least = -bounds["max_quality_drop"]
        checks.append(
            Check(
                name="incumbent_quality", passed=rise >= least, value=rise, bound=least, low=low, high=high,
                reason=f"quality against the incumbent changed by {rise:+.3f} [{low:+.3f}, {high:+.3f}]",
            )
        )  # fmt: skip
    return checks


@hookimpl
def register_gates() -> Mapping[str, Gate]:
    """Provide the gate."""
    return {"held_out": held_out}
