"""The gate's generated prompts are verified, the same in every run, and none that training draws."""

import pytest
from counting import OWNER, counting
from projects import write_domain

from conch_dna.domains.domain import Generation, load_domain
from conch_dna.errors import DataError, PluginError
from conch_dna.pipeline.held_out import generated_prompts
from conch_dna.plugin.manager import load_plugins


def exact(prompt, response, _domain):
    return {"right": float(response == prompt.reference.answer)}


@pytest.fixture
def host():
    host = load_plugins(strict=True, block=[])
    host.catalog.add("generators", "counting", counting, OWNER)
    host.catalog.add("verifiers", "exact", exact, OWNER)
    return host


@pytest.fixture
def domain(tmp_path):
    domain = load_domain(write_domain(tmp_path / "alpha"))
    update = {"verifier": "exact", "generate": Generation(generator="counting")}
    domain.settings = domain.settings.model_copy(update=update)
    return domain


def test_the_prompts_are_verified_held_out_drafts_of_seed_0(host, domain):
    prompts = generated_prompts(host, domain, 4)
    assert [prompt.text for prompt in prompts] == ["Say 2.", "Say 4.", "Say 6.", "Say 8."]
    assert {prompt.source for prompt in prompts} == {"generated"}
    assert generated_prompts(host, domain, 4) == prompts


@pytest.mark.parametrize("unset", [{"verifier": ""}, {"generate": None}], ids=["no verifier", "no generator"])
def test_a_domain_without_verifier_or_generator_has_none(host, domain, unset):
    domain.settings = domain.settings.model_copy(update=unset)
    assert generated_prompts(host, domain, 4) == ()


def test_none_are_made_where_none_are_asked_for(host, domain):
    assert generated_prompts(host, domain, 0) == ()


def test_a_generator_that_makes_too_few_is_named(host, domain):
    with pytest.raises(DataError, match=r"generator counting: .* got 80 of 90"):
        generated_prompts(host, domain, 90)


def test_a_generator_that_fails_is_named_with_its_file(host, domain):
    def broken(_seed, *, held_out=False):
        raise ValueError("no names left")
        yield

    host.catalog.add("generators", "broken", broken, OWNER)
    domain.settings = domain.settings.model_copy(update={"generate": Generation(generator="broken")})
    with pytest.raises(PluginError, match=r"local\.py: plug-in 'local' failed.*no names left"):
        generated_prompts(host, domain, 4)
