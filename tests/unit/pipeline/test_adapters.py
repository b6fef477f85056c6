"""An adapter is found by its neuron's name, its folder or its run, with what is known of its training."""

import json
from types import SimpleNamespace

import pytest
from projects import write_neuron

from conch_dna.data.tool_form import FORM
from conch_dna.errors import UnknownName
from conch_dna.pipeline.adapters import find_adapter
from conch_dna.records import Tool
from conch_dna.registry.card import CardFields
from conch_dna.registry.store import Registry


@pytest.fixture
def found(tmp_path, tiny_model):
    """Publish a neuron and write the folders of a run; return the search."""
    registry = Registry(tmp_path / "adapters")
    fields = CardFields(
        base="tiny", base_digest="d", teacher="t", teacher_fingerprint="t", data_digest="d", config={"held_out": 0.3}
    )
    registry.publish("alpha", write_neuron(tmp_path / "plain", tiny_model.model), fields)
    run = tmp_path / "runs/mine"
    for part in ("beta/adapter", "beta/checkpoints/000012", "beta/1-kd/adapter"):
        write_neuron(run / part, tiny_model.model)
    (run / "config.json").write_text(json.dumps({"config": {"student": "big", "held_out": 0.1}, "domains": ["beta"]}))
    return lambda ref: find_adapter(tmp_path, registry, ref)


def about(ref):
    return ref.domain, ref.base, ref.settings.get("held_out"), ref.folder is not None


def test_a_neuron_of_the_registry_has_the_domain_and_base_of_its_card(found):
    assert about(found("alpha")) == about(found("alpha@1")) == ("alpha", "tiny", 0.3, False)
    assert about(found("base")) == ("", "", None, False)


@pytest.mark.parametrize("part", ["", "/checkpoints/000012", "/1-kd", "/1-kd/adapter"])
def test_a_part_of_a_run_has_the_domain_of_its_folder_and_the_base_of_its_run(found, tmp_path, part):
    for ref in (f"mine/beta{part}", f"{tmp_path}/runs/mine/beta{part}"):
        assert about(found(ref)) == ("beta", "big", 0.1, True)
        assert found(ref).name == ref


def test_a_version_folder_is_read_as_its_card_says_and_any_other_folder_says_nothing(found, tmp_path):
    assert about(found(f"{tmp_path}/adapters/alpha/1")) == ("alpha", "tiny", 0.3, True)
    assert about(found(f"{tmp_path}/plain")) == ("", "", None, True)


def test_a_folder_is_shown_the_tools_of_its_card_or_of_its_domain(found, tmp_path, tiny_model):
    tool, other = Tool(name="weather"), Tool(name="time")
    registry = Registry(tmp_path / "adapters")
    first = registry.resolve("alpha").card
    fields = CardFields.model_validate(
        {name: getattr(first, name) for name in CardFields.model_fields} | {"tools": (tool,), "tool_form": 2}
    )
    registry.publish("alpha", write_neuron(tmp_path / "again", tiny_model.model, 1), fields)
    added = {}

    class Runtime:
        def add(self, name, folder, processors=(), tools=(), tool_form=FORM):
            added[name] = (tools, tool_form)

    domain = SimpleNamespace(settings=SimpleNamespace(processors=(), tools=(other,)))
    for ref in ("alpha@2", f"{tmp_path}/adapters/alpha/1", f"{tmp_path}/adapters/alpha/2", "mine/beta"):
        found(ref).enter(Runtime(), {"alpha": domain, "beta": domain})
    assert list(added.values()) == [((), 1), ((tool,), 2), ((other,), FORM)]


def test_what_is_not_there_is_refused_with_what_is(found):
    with pytest.raises(UnknownName, match="no such neuron; got gamma; allowed: alpha"):
        found("gamma")
    with pytest.raises(UnknownName, match="no such neuron or adapter; got mine/gamma"):
        found("mine/gamma")
    with pytest.raises(UnknownName, match="allowed: mine/beta/checkpoints/000012") as caught:
        found("mine/beta/checkpoints")
    assert "RUN/DOMAIN/checkpoints/STEP" in str(caught.value)
