"""The ``held_out`` gate: paired bootstrap over held-out prompts against the base and the incumbent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from conch_dna.plugin.protocols import Gate, GateInput
    from conch_dna.records import Check

DRAWS = 2000
LEVEL = 0.95
Figure = tuple[float, float, float]  # a figure, with the low and high end of its interval


def resampled(count: int, seed: int) -> np.ndarray:
    """Return indices drawn with replacement, int64 (DRAWS, count); the same for every figure of a gate."""
    import numpy as np

    return np.random.default_rng([seed, count]).integers(0, count, (DRAWS, count))


def interval(draws: np.ndarray) -> tuple[float, float]:
    """Return the percentile interval of bootstrapped figures."""
    import numpy as np

    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def relative_fall(before: Sequence[float], after: Sequence[float], seed: int) -> Figure:
    """Return 1 - sum(after)/sum(before) with its interval; pairs are drawn together."""
    import numpy as np

    b, a = np.asarray(before, float), np.asarray(after, float)
    draws = resampled(len(b), seed)
    low, high = interval(1 - a[draws].sum(axis=1) / b[draws].sum(axis=1))
    return float(1 - a.sum() / b.sum()), low, high


def mean_rise(before: Sequence[float], after: Sequence[float], seed: int) -> Figure:
    """Return mean(after - before) with its interval."""
    import numpy as np

    d = np.asarray(after, float) - np.asarray(before, float)
    low, high = interval(d[resampled(len(d), seed)].mean(axis=1))
    return float(d.mean()), low, high


def held_out(given: GateInput) -> list[Check]:
    """Check that the candidate is right more often than the base, or without a verifier that it answers better.

    - right: the share of right answers rises, at the interval's low end;
    - min_right: that share is at least the domain's ``min_right``;
    - incumbent_right: on average no fewer answers are right than the incumbent's;
    - harm: with a bound ``max_harm``, bits of other domains' held-out prompts rise by at most that, at the high end.

    A domain without a verifier has these instead of the first three. Right answers need not be in the teacher's words,
    so fit and divergence do not judge them:

    - fit: bits of the teacher's held-out answers fall by ``min_fit_gain``, at the interval's low end;
    - divergence: with soft targets, the candidate is nearer to them than the base, at the low end;
    - quality: the mean score of generated answers falls by at most ``max_quality_drop``, at the low end; without a
      teacher there is no fit to measure, and the score must rise, at the low end;
    - diversity: without a teacher, the answers keep half of the base's diversity, because a scorer may rate repeated
      answers highly;
    - incumbent, incumbent_quality: on average the fit is better than the incumbent's, and the quality at most
      ``max_quality_drop`` worse; without a teacher, the quality is better.
    """
    checks = _right(given) if given.right else [*_quality(given), *_fit(given)]
    if given.others.get("base") and "max_harm" in given.bounds:
        fall, low, high = relative_fall(given.others["base"], given.others["candidate"], given.seed)
        cost, most = (-fall, -high, -low), given.bounds["max_harm"]
        reason = f"other domains' prompts cost {cost[0]:+.1%} [{cost[1]:+.1%}, {cost[2]:+.1%}], most {most:+.1%}"
        checks.append(_check("harm", cost, most, cost[2] <= most, reason))
    return checks


def _right(given: GateInput) -> list[Check]:
    """Compare the right answers with the base's and the incumbent's, pair by pair, and their share with its bound."""
    from conch_dna.util.intervals import wilson

    base, candidate = given.right["base"], given.right["candidate"]
    rise = mean_rise(base, candidate, given.seed)
    reason = f"right answers changed by {_change(rise)}, and must rise"
    checks = [_check("right", rise, 0.0, rise[1] > 0, reason)]
    right, count, least = sum(candidate), len(candidate), given.domain.settings.min_right
    share = (right / count, *wilson(right, count))
    reason = f"right in {right:.0f} of {count}, {_share(share)}, least {least:.1%}"
    checks.append(_check("min_right", share, least, share[0] >= least, reason))
    if "incumbent" in given.right:
        rise = mean_rise(given.right["incumbent"], candidate, given.seed)
        reason = f"right answers against the incumbent changed by {_change(rise)}"
        checks.append(_check("incumbent_right", rise, 0.0, rise[0] >= 0, reason))
    return checks


def _quality(given: GateInput) -> list[Check]:
    """Compare the scores of answers that no verifier can judge."""
    bits, quality, seed = given.bits, given.quality, given.seed
    lowest = -given.bounds["max_quality_drop"]
    rise = mean_rise(quality["base"], quality["candidate"], seed)
    if bits:
        reason = f"quality changed by {_change(rise)}, least {lowest:+.3f}"
        checks = [_check("quality", rise, lowest, rise[1] >= lowest, reason)]
    else:
        reason = f"quality changed by {_change(rise)}, and must rise without a teacher"
        checks = [_check("quality", rise, 0.0, rise[1] > 0, reason)]
        if given.diversity:
            checks.append(_varied(given.diversity))
    if "incumbent" in bits:
        gain = relative_fall(bits["incumbent"], bits["candidate"], seed)
        reason = f"bits per byte against the incumbent {_fell(gain)}"
        checks.append(_check("incumbent", gain, 0.0, gain[0] > 0, reason))
    if "incumbent" in quality:
        rise = mean_rise(quality["incumbent"], quality["candidate"], seed)
        reason = f"quality against the incumbent changed by {_change(rise)}"
        passed = rise[0] >= lowest if bits else rise[0] > 0
        checks.append(_check("incumbent_quality", rise, lowest if bits else 0.0, passed, reason))
    return checks


def _fit(given: GateInput) -> list[Check]:
    """Compare how well candidate and base fit the teacher's answers, if there are any."""
    bits, divergence, checks = given.bits, given.divergence, []
    if bits:
        gain, least = relative_fall(bits["base"], bits["candidate"], given.seed), given.bounds["min_fit_gain"]
        reason = f"bits per byte {_fell(gain)}, least {least:.1%}"
        checks.append(_check("fit", gain, least, gain[1] >= least, reason))
    if divergence:
        gain = relative_fall(divergence["base"], divergence["candidate"], given.seed)
        reason = f"divergence from the teacher {_fell(gain)}, and must fall"
        checks.append(_check("divergence", gain, 0.0, gain[1] > 0, reason))
    return checks


def _varied(diversity: Mapping[str, float]) -> Check:
    from conch_dna.evaluation.scoring import LEAST_DIVERSITY
    from conch_dna.records import Check

    value, least = diversity["candidate"], LEAST_DIVERSITY * diversity["base"]
    reason = f"the share of distinct word pairs is {value:.2f}, least {least:.2f}"
    return Check(name="diversity", passed=value >= least, value=value, bound=least, reason=reason)


def _check(name: str, figure: Figure, bound: float, passed: bool, reason: str) -> Check:
    from conch_dna.records import Check

    value, low, high = figure
    return Check(name=name, passed=passed, value=value, bound=bound, low=low, high=high, reason=reason)


def _fell(figure: Figure) -> str:
    fall, low, high = figure
    verb, figures = ("fell", figure) if fall >= 0 else ("rose", (-fall, -high, -low))
    return "{} by {:.1%} [{:.1%}, {:.1%}]".format(verb, *figures)


def _share(figure: Figure) -> str:
    return "{:.1%} [{:.1%}, {:.1%}]".format(*figure)


def _change(figure: Figure) -> str:
    return "{:+.3f} [{:+.3f}, {:+.3f}]".format(*figure)


@hookimpl
def register_gates() -> Mapping[str, Gate]:
    """Provide the gate."""
    return {"held_out": held_out}
