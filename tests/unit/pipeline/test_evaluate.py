"""A distillation with a verifier says how many answers are right, and keeps the answers for people to read."""

import json

import pytest
from counting import OWNER, counting
from distillations import distill_all, works

from conch_dna.domains.domain import Generation
from conch_dna.errors import UnknownName
from conch_dna.pipeline.setup import _check_names
from conch_dna.records import Check
from conch_dna.registry.card import README_FILE
from conch_dna.teachers.answer_cache import load

pytestmark = pytest.mark.integration  # whole distillations


def lenient(given):
    return [Check(name="any", passed=True, value=0, bound=0, reason=f"{sorted(given.right)}")]


def long_enough(prompt, response, _domain):
    """Count characters, so that untrained models are right too; the generator's own answers are always right."""
    right = len(response) > 8 or response == prompt.reference.answer
    return {"right": float(right), "says something": float(bool(response))}


@pytest.fixture
def distillation(tmp_path, student, monkeypatch):
    """Make a distillation of a domain with a verifier and a generator, whose gate lets every candidate pass."""
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    make = works(tmp_path, student, "alpha")

    def verified(run="mine", **settings):
        one = make(run, **{"gate": "lenient", "gate_generated": 3, **settings})
        one.host.catalog.add("gates", "lenient", lenient, OWNER)
        one.host.catalog.add("generators", "counting", counting, OWNER)
        one.host.catalog.add("verifiers", "long_enough", long_enough, OWNER)
        alpha = one.domains["alpha"]
        update = {"verifier": "long_enough", "generate": Generation(generator="counting")}
        alpha.settings = alpha.settings.model_copy(update=update)
        return one

    return verified


def result_of(one):
    (result,) = distill_all(one, ["alpha"]).results
    assert result.error is None
    return result


def rows_of(one):
    return [json.loads(line) for line in (one.run.path / "alpha/samples.jsonl").read_text().splitlines()]


def test_right_answers_are_counted_shown_and_published(distillation):
    one = distillation()
    result = result_of(one)
    right = result.verdict.candidate.right
    assert {kind: share.count for kind, share in right.items()} == {"natural": 2, "generated": 3}
    assert right["natural"].figures.keys() == {"says something"}
    assert result.verdict.checks[0].reason == "['base', 'candidate']"
    rows = rows_of(one)
    assert [row["kind"] for row in rows] == ["natural"] * 2 + ["generated"] * 3
    for role in ("base", "candidate"):
        said = [row[role]["right"] for row in rows]
        assert said == [float(len(row[role]["answer"]) > 8) for row in rows]
        assert sum(said[:2]) == 2 * getattr(result.verdict, role).right["natural"].right
        assert ["quality" in row[role] for row in rows] == [True] * 2 + [False] * 3
    card = one.registry.resolve("alpha").card
    assert (card.verified, result.verified) == (True, True)
    assert card.metrics["right_generated"] == right["generated"].right
    assert f"| right answers | {card.right_answers} |" in (one.registry.resolve("alpha").path / README_FILE).read_text()
    assert card.right_answers.endswith(" of 5")


def test_a_second_run_decodes_none_of_the_bases_answers(distillation, tmp_path):
    first = distillation("one")
    result_of(first)
    found = [path for path in (tmp_path / "cache/completions").glob("??/*.json") if _is_of_base(path)]
    assert len(found) == 5
    before = {path: path.read_bytes() for path in found}
    second = distillation("two", seed=1)
    result_of(second)
    assert {path: path.read_bytes() for path in found} == before
    assert [row["base"] for row in rows_of(first)] == [row["base"] for row in rows_of(second)]


def _is_of_base(path):
    return load(path.read_bytes()).teacher.startswith("base:sha256:")


def test_a_domain_without_a_verifier_is_published_as_unverified(distillation):
    one = distillation()
    one.domains["alpha"].settings = one.domains["alpha"].settings.model_copy(update={"verifier": ""})
    result = result_of(one)
    assert (result.state, result.verified, result.verdict.candidate.right) == ("published", False, {})
    assert {row["kind"] for row in rows_of(one)} == {"natural"}
    assert all(row["candidate"]["right"] is None for row in rows_of(one))
    card = one.registry.resolve("alpha").card
    assert (card.verified, card.right_answers) == (False, "unverified")
    assert one.run.about()["results"][0]["verified"] is False


@pytest.mark.parametrize(
    ("update", "kind"),
    [({"verifier": "exactly"}, "verifier"), ({"generate": Generation(generator="much")}, "generator")],
    ids=["verifier", "generator"],
)
def test_an_unknown_verifier_or_generator_is_named_before_any_work(distillation, update, kind):
    one = distillation()
    alpha = one.domains["alpha"]
    alpha.settings = alpha.settings.model_copy(update=update)
    with pytest.raises(UnknownName, match=f"no {kind} is named"):
        _check_names(one.host, one.config, [alpha])
