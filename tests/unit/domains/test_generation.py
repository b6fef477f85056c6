"""Generated prompts are verified, and the report says what was rejected and why."""

import itertools
import json

import pytest

from conch_dna.domains.domain import Domain, DomainSettings
from conch_dna.domains.generation import NamedGenerator, generate, generator_of, write_generated
from conch_dna.domains.prompts import read_prompts
from conch_dna.errors import DataError, PluginError, UnknownName
from conch_dna.plugin.catalog import Catalog, Owner
from conch_dna.plugin.protocols import Draft
from conch_dna.records import Completion, Message, Prompt, Reference


def sums(seed, *, held_out=False):
    """Yield additions; each fifth is wrong, and each seventh is rejected by its own check."""
    for n in itertools.count(seed):
        asked = Message(role="user", content=f"{n} + {int(held_out)}?")
        prompt = Prompt(messages=(asked,), reference={"answer": str(n)})
        yield Draft(prompt, "wrong" if n % 5 == 0 else str(n + held_out), "sum", "unlucky" if n % 7 == 0 else "")


def right(prompt, response, domain):
    return {"right": float(response.isdecimal())}


@pytest.fixture
def domain(tmp_path):
    settings = DomainSettings(name="sums", description="adds", generate={"generator": "sums"}, verifier="right")
    return Domain(settings, tmp_path / "prompts.jsonl", tmp_path)


GENERATOR = NamedGenerator("sums", sums, right)


def test_the_same_seed_gives_the_same_bytes(domain, tmp_path):
    for name in ("a", "b"):
        write_generated(tmp_path / name, generate(domain, GENERATOR, 20, seed=3))
    write_generated(tmp_path / "c", generate(domain, GENERATOR, 20, seed=4))
    texts = {name: [p.read_bytes() for p in sorted((tmp_path / name).rglob("*.json*"))] for name in "abc"}
    assert texts["a"] == texts["b"] != texts["c"]


def test_rejected_drafts_are_counted_by_reason(domain):
    made = generate(domain, GENERATOR, 20, seed=1, avoid=["2 + 0?"])
    assert len(made.drafts) == made.report.kept == 20
    assert all(draft.answer.isdecimal() and not draft.fault for draft in made.drafts)
    assert made.report.rejected == {
        "the verifier does not find the answer right": 6,
        "unlucky": 4,
        "a prompt to avoid": 1,
    }
    assert made.report.kinds == {"sum": 20}


def test_a_written_set_is_a_domains_prompts_and_recording(domain, tmp_path):
    made = generate(domain, GENERATOR, 5)
    write_generated(tmp_path / "out", made)
    prompts = read_prompts(tmp_path / "out" / "prompts.jsonl")
    assert [p.digest for p in prompts] == [d.prompt.digest for d in made.drafts]
    assert {p.source for p in prompts} == {"generated"}
    lines = (tmp_path / "out" / "recorded" / "generated.jsonl").read_text().splitlines()
    assert [Completion.model_validate_json(line).text for line in lines] == [d.answer for d in made.drafts]
    assert json.loads((tmp_path / "out" / "report.json").read_text())["kept"] == 5


def test_prompts_that_were_not_generated_are_never_replaced(domain, tmp_path):
    folder = tmp_path / "own"
    write_generated(folder, generate(domain, GENERATOR, 5))
    write_generated(folder, generate(domain, GENERATOR, 6))
    (folder / "report.json").unlink()  # as a kill may leave it
    write_generated(folder, generate(domain, GENERATOR, 5))
    file = folder / "prompts.jsonl"
    file.write_text(file.read_text().replace('"generated"', '"written"', 1))
    written = file.read_bytes()
    with pytest.raises(DataError, match=r"were not generated.*--out"):
        write_generated(folder, generate(domain, GENERATOR, 7))
    assert file.read_bytes() == written


def test_a_verifier_without_a_right_figure_is_named(domain):
    broken = NamedGenerator("sums", sums, lambda *_: {"score": 1.0})
    with pytest.raises(PluginError, match=r"plug-in 'right' failed.*not figures from 0 to 1"):
        generate(domain, broken, 1)


def test_a_generator_that_makes_nothing_new_stops(domain):
    def same(seed, *, held_out=False):
        return itertools.repeat(next(sums(1)))

    with pytest.raises(DataError, match=r"no more prompts .*1 of 2; rejected: the same prompt came before 2000"):
        generate(domain, NamedGenerator("same", same, None), 2)


def test_a_prompt_without_a_reference_for_the_verifier_is_rejected(domain):
    made = generate(domain, NamedGenerator("sums", sums, right), 3)
    none = NamedGenerator("sums", sums, lambda *_: None)
    assert made.report.kept == 3
    with pytest.raises(DataError, match="no reference for the verifier"):
        generate(domain, none, 1)


def test_a_domains_generator_and_verifier_must_exist(domain):
    catalog = Catalog()
    with pytest.raises(UnknownName, match="no verifier is named 'right'"):
        generator_of(catalog, domain)
    catalog.add("verifiers", "right", right, Owner("p", "p.py"))
    with pytest.raises(UnknownName, match="no generator is named 'sums'"):
        generator_of(catalog, domain)
    catalog.add("generators", "sums", sums, Owner("p", "p.py"))
    assert generator_of(catalog, domain) == GENERATOR


def test_unset_references_are_not_written():
    assert "calls" not in Reference(answer="3").model_dump_json()
    assert Reference(calls=()).model_dump() != Reference().model_dump()
