"""Prices: exact, rounded up, never guessed, and what a user states wins."""

import tomllib
from datetime import date
from decimal import Decimal

import pytest
from checkout import ROOT
from hypothesis import given
from hypothesis import strategies as st

from conch_dna.errors import ConfigError
from conch_dna.teachers.api.prices import FREE, Price, Usage, checked, packaged, price_of, read_prices

MINI = Price(input="0.15", output="0.60", cached_input="0.075", batch="0.5")
AMOUNT = st.decimals(0, 1000, places=6)
TOKENS = st.integers(0, 10**7)
PRICES = st.builds(
    Price, input=AMOUNT, output=AMOUNT, cached_input=st.none() | AMOUNT, cache_write=st.none() | AMOUNT,
    batch=st.decimals("0.01", 1, places=2),
)  # fmt: skip
USAGES = st.builds(Usage, input=TOKENS, output=TOKENS, cached_input=TOKENS, cache_write=TOKENS)


@pytest.mark.parametrize(
    ("usage", "batch", "nano"),
    [
        (Usage(input=1000, output=500), False, 450_000),
        (Usage(input=1000, output=500), True, 225_000),
        (Usage(cached_input=1000), False, 75_000),
        (Usage(cache_write=1000), False, 150_000),
        (Usage(cached_input=1), True, 38),
        (Usage(), False, 0),
    ],
    ids=["standard", "batch", "cached", "cache write at the price of input", "rounded up", "nothing"],
)
def test_a_call_costs_what_the_list_says(usage, batch, nano):
    assert MINI.cost(usage, batch=batch) == nano


@given(PRICES, USAGES, st.booleans())
def test_no_call_costs_more_than_its_worst_case(price, usage, batch):
    assert price.cost(usage, batch=batch) <= price.worst(usage.all_input, usage.output, batch=batch)


@given(PRICES, USAGES, USAGES)
def test_costs_add_up_but_for_the_rounding_of_each(price, one, other):
    apart = price.cost(one) + price.cost(other)
    assert apart - 1 <= price.cost(one + other) <= apart


def test_prices_of_many_digits_are_not_rounded_before_the_sum_is():
    odd = Price(input=Decimal("0.333333333"), output=0)
    assert odd.cost(Usage(input=3 * 10**9)) == 999_999_999_000


def test_a_call_longer_than_its_prices_hold_for_is_refused():
    price = Price(input=1, output=1, up_to=1000)
    assert price.worst(1000, 5) == 1_005_000
    with pytest.raises(ConfigError, match=r"a call this long; got up to 1001 input tokens; allowed: 1000 and less"):
        price.worst(1001, 5)


def test_the_packaged_table_is_dated_and_every_model_has_prices_above_nothing():
    assert date.fromisoformat(checked()) >= date(2026, 10, 24)
    assert {key.split(":")[0] for key in packaged()} == {"openai", "anthropic"}
    assert all(price.input > 0 and price.output >= price.input for price in packaged().values())
    assert all((price.cached_input or 0) <= price.input for price in packaged().values())


def test_a_dated_snapshot_has_the_prices_of_its_name_unless_it_is_listed_itself():
    assert price_of("openai", "gpt-4o-mini-2024-07-18") == price_of("openai", "gpt-4o-mini")
    assert price_of("anthropic", "claude-haiku-4-5-20251001") == price_of("anthropic", "claude-haiku-4-5")
    assert price_of("openai", "gpt-4o-2024-05-13").input > price_of("openai", "gpt-4o").input


@pytest.mark.parametrize("model", ["gpt-4o-mini-audio", "gpt-4o-mini-2024", "gpt-99", "gpt"])
def test_an_unknown_model_asks_for_its_prices_and_shows_what_to_write(model):
    with pytest.raises(ConfigError) as returned:
        price_of("openai", model)
    assert f'[prices."openai:{model}"], input = 0.15, output = 0.6' in str(returned.value)


def test_what_the_user_states_wins_over_the_table_and_over_an_endpoint_that_is_free():
    own = {"openai:gpt-4o-mini": {"input": 0.15, "output": 2}}
    assert price_of("openai", "gpt-4o-mini", overrides=own).output == 2
    assert price_of("openai", "gpt-4o-mini", overrides=own, free=True).input == Decimal("0.15")
    assert price_of("openai", "gpt-4o-mini-2024-07-18", overrides=own).output == 2
    assert price_of("openai", "gpt-99", free=True) is FREE
    assert price_of("openai", "gpt-4o-mini", free=True) == price_of("openai", "gpt-4o-mini"), "a proxy passes calls on"
    assert FREE.free
    assert not price_of("openai", "gpt-4o-mini").free


@pytest.mark.parametrize(
    ("prices", "fault"),
    [
        ({"gpt": {"input": 1, "output": 1}}, "'gpt': must be PROVIDER:MODEL"),
        ({"openai:x": {"input": 1}}, "openai:x: output is missing"),
        ({"openai:x": {"input": -1, "output": 1}}, "openai:x: input = -1: should be greater than or equal to 0"),
        ({"openai:x": {"input": 1, "output": 1, "batch": 2}}, "openai:x: batch = 2: should be less than or equal"),
        (
            {"openai:x": {"input": 1, "output": 1, "out": 2}},
            "unknown setting 'out'; did you mean output?; allowed: input",
        ),
        ({"openai:x": {"input": "cheap", "output": 1}}, "openai:x: input = 'cheap': should be a number"),
        ({"openai:x": 5}, "openai:x: should be a table"),
        ({"openai:x": {"input": float("nan"), "output": 1}}, "openai:x: input = nan: should be a finite number"),
    ],
)
def test_wrong_prices_are_refused_by_model_and_field(prices, fault):
    with pytest.raises(ConfigError) as returned:
        price_of("openai", "x", overrides=prices)
    assert fault in str(returned.value)


def test_a_file_of_prices_has_the_form_of_the_packaged_one(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('checked = 2026-01-01\n[prices."openai:x"]\ninput = 0.1234567\noutput = 1\n')
    assert read_prices(file)["openai:x"].input == Decimal("0.1234567")


@pytest.mark.parametrize(
    ("text", "fault"),
    [("prices =", "is not TOML"), ("[price]\n", "unknown table or key; got price"), (None, "cannot be read: No such")],
)
def test_a_file_that_holds_no_prices_is_named(tmp_path, text, fault):
    file = tmp_path / "mine.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigError, match=fault) as returned:
        read_prices(file)
    assert str(file) in str(returned.value)


def test_what_an_error_tells_to_write_is_read(tmp_path):
    with pytest.raises(ConfigError) as returned:
        price_of("openai", "my-model")
    header, *fields = returned.value.next_step.partition("conch.toml: ")[2].split(", ")[:3]
    prices = tomllib.loads("\n".join([header, *fields]))["prices"]
    assert price_of("openai", "my-model", overrides=prices).output == Decimal("0.6")


def test_the_example_in_the_guide_is_a_file_of_prices(tmp_path):
    guide = (ROOT / "docs" / "budget.md").read_text(encoding="utf-8")
    example = guide.split("```toml\n# conch.toml\n")[1].split("```")[0]
    (tmp_path / "mine.toml").write_text(example)
    assert read_prices(tmp_path / "mine.toml")["openai:my-model"].up_to == 272_000
