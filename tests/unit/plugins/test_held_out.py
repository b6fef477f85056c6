"""The held-out gate: paired bootstrap, and what makes a candidate fail."""

from pathlib import Path

import numpy as np
import pytest

from conch_dna.domains.domain import Domain, DomainSettings
from conch_dna.plugin.manager import load_plugins
from conch_dna.plugin.protocols import GateInput
from conch_dna.records import HeldOut

HELD_OUT = load_plugins().catalog.get("gates", "held_out")
DRAWS = 2000
BOUNDS = {"min_fit_gain": 0.05, "max_quality_drop": 0.0, "max_harm": 0.10}
BITS = [100.0, 140.0, 90.0, 210.0, 60.0, 130.0]
QUALITY = [0.5, 0.25, 0.75, 1.0, 0.0, 0.5]
OTHERS = [400.0, 350.0, 500.0, 300.0]


def scaled(figures, factor):
    return [factor * figure for figure in figures]


def shifted(figures, by):
    return [figure + by for figure in figures]


def checks_of(
    *,
    bits=None,
    quality=None,
    others=None,
    incumbent=None,
    answered=None,
    nats=None,
    untaught=False,
    varied=None,
    right=None,
    min_right=0.0,
    seed=0,
    **bounds,
):
    """The gate's checks of a candidate that is the base except for what is given, by name."""
    figures = HeldOut(bits_per_byte=1, quality=1)
    roles = {"bits": (BITS, bits), "quality": (QUALITY, quality), "others": (OTHERS, others)}
    given = {kind: {"base": base, "candidate": base if own is None else own} for kind, (base, own) in roles.items()}
    if incumbent is not None:
        given["bits"]["incumbent"] = incumbent
        given["quality"]["incumbent"] = QUALITY if answered is None else answered
    if nats is not None:
        given["divergence"] = {"base": BITS, "candidate": nats}
    if varied is not None:
        given["diversity"] = {"base": 0.8, "candidate": varied}
    if right is not None:
        given["right"] = right
    domain = Domain(DomainSettings(name="x", description="x", min_right=min_right), Path("x.jsonl"))
    everyone = dict.fromkeys(given["bits"], figures)
    if untaught:
        given["bits"] = {}
    found = HELD_OUT(
        GateInput(
            domain,
            **given,
            figures=everyone,
            bounds={name: bound for name, bound in (BOUNDS | bounds).items() if bound is not None},
            seed=seed,
        )
    )
    return {check.name: check for check in found}


def failed(checks):
    return [name for name, check in checks.items() if not check.passed]


def bootstrapped(statistic, count, seed):
    """The percentile interval by the book: resample pairs, take the statistic, cut 2.5 % at each end."""
    rng = np.random.default_rng([seed, count])
    draws = rng.integers(0, count, (DRAWS, count))
    figures = sorted(statistic(list(picks)) for picks in draws)
    return np.percentile(figures, 2.5), np.percentile(figures, 97.5)


@pytest.mark.parametrize("seed", [0, 7])
def test_the_fits_interval_is_a_paired_bootstrap_of_the_ratio_of_sums(seed):
    after = [80.0, 141.0, 60.0, 150.0, 59.0, 90.0]
    check = checks_of(bits=after, seed=seed)["fit"]
    low, high = bootstrapped(lambda p: 1 - sum(after[i] for i in p) / sum(BITS[i] for i in p), len(BITS), seed)
    assert check.value == pytest.approx(1 - sum(after) / sum(BITS))
    assert (check.low, check.high) == (pytest.approx(low), pytest.approx(high))
    assert check.low < check.value < check.high


def test_the_qualitys_interval_is_a_paired_bootstrap_of_the_mean_difference():
    after = [0.75, 0.25, 0.5, 1.0, 0.5, 0.75]
    check = checks_of(quality=after)["quality"]
    low, high = bootstrapped(lambda p: np.mean([after[i] - QUALITY[i] for i in p]), len(QUALITY), 0)
    assert check.value == pytest.approx(np.mean(after) - np.mean(QUALITY))
    assert (check.low, check.high) == (pytest.approx(low), pytest.approx(high))


def test_harms_interval_is_that_of_the_relative_rise():
    after = [420.0, 350.0, 540.0, 290.0]
    check = checks_of(others=after)["harm"]
    low, high = bootstrapped(lambda p: sum(after[i] for i in p) / sum(OTHERS[i] for i in p) - 1, len(OTHERS), 0)
    assert check.value == pytest.approx(sum(after) / sum(OTHERS) - 1)
    assert (check.low, check.high) == (pytest.approx(low), pytest.approx(high))


def test_pairs_are_drawn_together():
    # Prompts differ fourfold, but each falls by a fifth: unpaired draws would give a wide interval.
    check = checks_of(bits=scaled(BITS, 0.8))["fit"]
    assert (check.low, check.high) == (pytest.approx(0.2), pytest.approx(0.2))


def test_the_same_figures_and_seed_give_the_same_verdict():
    after = [80.0, 141.0, 60.0, 150.0, 59.0, 90.0]
    assert checks_of(bits=after, seed=3) == checks_of(bits=after, seed=3)
    assert checks_of(bits=after, seed=3)["fit"].low != checks_of(bits=after, seed=4)["fit"].low


def test_a_candidate_equal_to_the_base_fails_for_its_fit_alone():
    checks = checks_of()
    assert failed(checks) == ["fit"]
    assert checks["fit"].reason == "bits per byte fell by 0.0% [0.0%, 0.0%], least 5.0%"


def test_a_better_candidate_passes():
    better = {"bits": scaled(BITS, 0.7), "quality": shifted(QUALITY, 0.1), "others": scaled(OTHERS, 1.02)}
    checks = checks_of(**better, incumbent=scaled(BITS, 0.9))
    assert (failed(checks), list(checks)) == ([], ["quality", "incumbent", "incumbent_quality", "fit", "harm"])


@pytest.mark.parametrize(
    ("change", "name", "reason"),
    [
        (
            {"quality": shifted(QUALITY, -0.125)},
            "quality",
            "quality changed by -0.125 [-0.125, -0.125], least -0.000",
        ),
        (
            {"others": scaled(OTHERS, 1.25)},
            "harm",
            "other domains' prompts cost +25.0% [+25.0%, +25.0%], most +10.0%",
        ),
        (
            {"incumbent": scaled(BITS, 0.5)},
            "incumbent",
            "bits per byte against the incumbent rose by 40.0% [40.0%, 40.0%]",
        ),
        (
            {"incumbent": scaled(BITS, 0.7)},
            "incumbent",
            "bits per byte against the incumbent fell by 0.0% [0.0%, 0.0%]",
        ),
        (
            {"incumbent": scaled(BITS, 0.9), "answered": shifted(QUALITY, 0.125)},
            "incumbent_quality",
            "quality against the incumbent changed by -0.125 [-0.125, -0.125]",
        ),
        (
            {"nats": scaled(BITS, 1.5)},
            "divergence",
            "divergence from the teacher rose by 50.0% [50.0%, 50.0%], and must fall",
        ),
    ],
    ids=[
        "worse answers",
        "harm to other domains",
        "worse than the incumbent",
        "equal to the incumbent",
        "answers worse than the incumbent's",
        "further from the soft targets",
    ],
)
def test_a_candidate_that_fits_better_still_fails_for(change, name, reason):
    checks = checks_of(bits=scaled(BITS, 0.7), **change)
    assert failed(checks) == [name]
    assert checks[name].reason == reason


def test_a_gain_that_might_be_chance_does_not_pass():
    # Better on average by far more than the bound, but only thanks to one prompt.
    checks = checks_of(bits=[100.0, 140.0, 90.0, 90.0, 60.0, 130.0])
    assert checks["fit"].value > BOUNDS["min_fit_gain"] > checks["fit"].low
    assert failed(checks) == ["fit"]


@pytest.mark.parametrize(
    ("bounds", "change"),
    [
        ({"min_fit_gain": 0.2}, {"bits": scaled(BITS, 0.7)}),
        ({"max_quality_drop": 0.25}, {"quality": shifted(QUALITY, -0.125)}),
        ({"max_harm": 0.5}, {"others": scaled(OTHERS, 1.25)}),
    ],
    ids=["fit", "quality", "harm"],
)
def test_the_bounds_are_the_settings(bounds, change):
    assert failed(checks_of(**{"bits": scaled(BITS, 0.7), **change}, **bounds)) == []
    tighter = {name: bound / 4 if name != "min_fit_gain" else 0.4 for name, bound in bounds.items()}
    assert len(failed(checks_of(**{"bits": scaled(BITS, 0.7), **change}, **tighter))) == 1


@pytest.mark.parametrize("kind", ["bits", "quality", "others"])
def test_a_figure_that_is_nan_fails(kind):
    base = {"bits": BITS, "quality": QUALITY, "others": OTHERS}[kind]
    better = {"bits": scaled(BITS, 0.7)} | {kind: [float("nan"), *base[1:]]}
    assert failed(checks_of(**better)) == [{"bits": "fit", "quality": "quality", "others": "harm"}[kind]]


def test_without_other_domains_there_is_no_harm_to_check():
    domain = Domain(DomainSettings(name="x", description="x"), Path("x.jsonl"))
    two = {"base": BITS, "candidate": scaled(BITS, 0.7)}
    none = {"base": [], "candidate": []}
    figures = dict.fromkeys(two, HeldOut(bits_per_byte=1, quality=1))
    given = GateInput(domain, two, {"base": QUALITY, "candidate": QUALITY}, none, figures, BOUNDS)
    assert [check.name for check in HELD_OUT(given)] == ["quality", "fit"]


@pytest.mark.parametrize(
    ("by", "passed"), [(0.0, False), (0.1, True), (-0.1, False)], ids=["as good", "better", "worse"]
)
def test_without_a_teacher_the_quality_must_rise(by, passed):
    found = checks_of(quality=shifted(QUALITY, by), untaught=True, max_quality_drop=0.5)
    assert list(found) == ["quality", "harm"]
    assert found["quality"].passed == passed
    assert found["quality"].bound == 0


@pytest.mark.parametrize(("varied", "passed"), [(0.39, False), (0.4, True), (0.9, True)])
def test_without_a_teacher_the_answers_must_stay_diverse(varied, passed):
    found = checks_of(quality=shifted(QUALITY, 0.1), untaught=True, varied=varied)
    assert list(found) == ["quality", "diversity", "harm"]
    assert (found["diversity"].passed, found["diversity"].value, found["diversity"].bound) == (passed, varied, 0.4)
    assert failed(found) == ([] if passed else ["diversity"])


def test_a_teachers_short_answers_may_be_less_varied():
    assert "diversity" not in checks_of(varied=0.1)


@pytest.mark.parametrize(("by", "passed"), [(0.1, False), (0.05, True)], ids=["no better", "better"])
def test_without_a_teacher_the_quality_must_exceed_the_incumbents(by, passed):
    found = checks_of(
        quality=shifted(QUALITY, 0.1),
        untaught=True,
        incumbent=BITS,
        answered=shifted(QUALITY, by),
        max_quality_drop=1.0,
    )
    assert list(found) == ["quality", "incumbent_quality", "harm"]
    assert found["incumbent_quality"].passed == passed


BETTER = {"bits": [0.7 * bits for bits in BITS], "quality": [score + 0.1 for score in QUALITY]}


def answers(right, count=48):
    return [1.0] * right + [0.0] * (count - right)


def test_the_interval_of_right_answers_is_a_paired_bootstrap_of_the_mean_difference():
    before, after = [0, 1, 0, 0, 1, 0, 0, 1], [1, 1, 0, 1, 0, 1, 1, 1]
    check = checks_of(right={"base": before, "candidate": after})["right"]
    low, high = bootstrapped(lambda p: np.mean([after[i] - before[i] for i in p]), len(before), 0)
    assert check.value == pytest.approx(np.mean(after) - np.mean(before))
    assert (check.low, check.high) == (pytest.approx(low), pytest.approx(high))


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [(0, 24, []), (0, 1, ["right"]), (24, 24, ["right"]), (30, 12, ["right", "min_right"])],
    ids=["clearly more right", "perhaps by chance", "as often right", "less often right"],
)
def test_right_answers_must_beat_the_bases_at_the_low_end(before, after, names):
    least = 0.5 if "min_right" in names else 0.0
    checks = checks_of(**BETTER, right={"base": answers(before), "candidate": answers(after)}, min_right=least)
    assert failed(checks) == names


@pytest.mark.parametrize(("right", "passed"), [(23, False), (24, True)])
def test_the_share_of_right_answers_must_reach_the_domains_bound(right, passed):
    found = checks_of(**BETTER, right={"base": answers(0), "candidate": answers(right)}, min_right=0.5)
    assert (found["right"].passed, found["min_right"].passed) == (True, passed)
    assert found["min_right"].low < found["min_right"].value < found["min_right"].high
    assert found["min_right"].reason.startswith(f"right in {right} of 48, {right / 48:.1%} [")
    assert found["min_right"].reason.endswith("least 50.0%")


def test_better_style_never_stands_for_right_answers():
    right = {"base": answers(10), "candidate": answers(10)}
    assert failed(checks_of(bits=scaled(BITS, 0.5), quality=shifted(QUALITY, 0.4), right=right)) == ["right"]


def test_style_counts_only_where_nothing_says_whether_answers_are_right():
    right = {"base": answers(10), "candidate": answers(40)}
    assert failed(checks_of(bits=scaled(BITS, 0.5), quality=shifted(QUALITY, -0.1), right=right)) == []
    assert failed(checks_of(bits=scaled(BITS, 0.5), quality=shifted(QUALITY, -0.1))) == ["quality"]


def test_right_answers_need_not_be_in_the_teachers_words():
    right = {"base": answers(10), "candidate": answers(40)}
    assert failed(checks_of(bits=scaled(BITS, 1.5), nats=scaled(BITS, 1.5), right=right)) == []
    assert failed(checks_of(bits=scaled(BITS, 1.5), nats=scaled(BITS, 1.5))) == ["fit", "divergence"]


def test_harm_is_checked_only_against_a_bound():
    worse = {**BETTER, "others": scaled(OTHERS, 3.0)}
    assert failed(checks_of(**worse)) == ["harm"]
    assert "harm" not in checks_of(**worse, max_harm=None)


def test_without_a_verifier_nothing_about_right_answers_is_checked():
    assert not {"right", "min_right", "incumbent_right"} & checks_of(**BETTER, incumbent=scaled(BITS, 0.9)).keys()


@pytest.mark.parametrize(("right", "passed"), [(31, False), (30, True), (12, True)])
def test_on_average_no_fewer_answers_are_right_than_the_incumbents(right, passed):
    given = {"base": answers(0), "candidate": answers(30), "incumbent": answers(right)}
    found = checks_of(**BETTER, incumbent=scaled(BITS, 0.9), right=given)
    assert found["incumbent_right"].passed == passed
    assert failed(found) == ([] if passed else ["incumbent_right"])
