"""The card describes a neuron, and the code in its README works."""

import json
import math

import pytest

from conch_dna.errors import NeuronRefused
from conch_dna.records import Share
from conch_dna.registry.adopt import adopt
from conch_dna.registry.audit import verify
from conch_dna.registry.card import Card, Origin, content_digest, hash_files, read_card, render_readme, write_card
from conch_dna.registry.store import Registry

FILES = {"adapters.safetensors": "a" * 64, "adapter_config.json": "b" * 64}


@pytest.fixture
def card(fields):
    more = {"name": "thinking", "version": 3, "created_at": "2026-01-02T03:04:05+00:00", "conch_version": "0.1.0"}
    return Card(**fields.model_dump(), **more, files=FILES, digest=content_digest(FILES))


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "thinking" / "3"
    path.mkdir(parents=True)
    return path


def test_the_content_digest_depends_on_names_and_hashes_but_not_on_their_order():
    assert content_digest(FILES) == content_digest(dict(reversed(FILES.items())))
    assert content_digest(FILES) != content_digest(dict(zip(FILES, reversed(FILES.values()), strict=True)))
    assert content_digest(FILES).startswith("sha256:")


def test_a_written_card_reads_back_the_same(card, folder, verdict):
    card = card.model_copy(update={"verdict": verdict})
    written = write_card(card, folder)
    assert read_card(folder) == written
    assert written.model_dump(exclude={"claims", "readme"}) == card.model_dump(exclude={"claims", "readme"})


@pytest.mark.parametrize(
    "change",
    [
        {"teacher": "another"}, {"licence": "MIT"}, {"metrics": {"right": 1.0}}, {"verdict": None},
        {"base_text_digest": "sha256:0"}, {"created_at": "2020-01-01T00:00:00Z"}, {"parent": "sha256:1"},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_a_card_that_was_changed_is_refused(card, folder, verdict, change):
    write_card(card.model_copy(update={"verdict": verdict}), folder)
    path = folder / "neuron.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(NeuronRefused, match="claims have another digest"):
        read_card(folder)


def test_a_copy_elsewhere_has_the_same_claims(card, folder):
    first = write_card(card, folder)
    copy = card.model_copy(update={"version": 7, "origin": Origin(url="s3://a", ref="x@1")})
    assert write_card(copy, folder).claims == first.claims
    assert write_card(card.model_copy(update={"teacher": "another"}), folder).claims != first.claims


def test_the_readme_names_what_computes_parts_of_the_answers(card):
    assert "computed" not in render_readme(card)
    computing = card.model_copy(update={"processors": ("calculator", "abacus")})
    assert "computed, not guessed, by: `calculator`, `abacus`." in render_readme(computing)


def test_figures_that_are_not_finite_survive_as_valid_json(card, folder):
    card = card.model_copy(update={"metrics": {"perplexity": math.inf}, "config": {"limit": -math.inf}})
    write_card(card, folder)
    assert read_card(folder).metrics == {"perplexity": math.inf}
    assert json.loads((folder / "neuron.json").read_text())["config"] == {"limit": "-Infinity"}


def test_a_card_that_cannot_be_read_back_is_refused(card, folder):
    with pytest.raises(NeuronRefused, match="cannot be written as JSON"):
        write_card(card.model_copy(update={"config": {"value": object()}}), folder)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": "action"}, "of another neuron; got action@3"),
        ({"version": 4}, "of another neuron; got thinking@4"),
        ({"digest": "sha256:0"}, "digest does not match"),
        ({"files": {**FILES, "more.py": "c" * 64}}, "digest does not match"),
        ({"schema_version": 99}, "newer Conch DNA; got schema 99"),
        ({"surprise": 1}, "surprise: Extra inputs"),
        ({"base": None}, "base: Input should be a valid string"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_card_of_another_version_is_refused(card, folder, change, reason):
    (folder / "neuron.json").write_text(json.dumps(card.model_dump() | change))
    with pytest.raises(NeuronRefused, match=reason):
        read_card(folder)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe"], ids=["empty", "cut", "array", "bytes"])
def test_a_damaged_card_is_refused_with_its_path(folder, data):
    (folder / "neuron.json").write_bytes(data)
    with pytest.raises(NeuronRefused, match=r"neuron\.json: not a valid card"):
        read_card(folder)


def test_a_missing_file_is_named(folder):
    with pytest.raises(NeuronRefused, match=r"file missing; got neuron\.json"):
        read_card(folder)
    with pytest.raises(NeuronRefused, match=r"file missing; got adapter_config\.json"):
        hash_files(folder)


def test_the_readme_of_a_hub_base_carries_the_hub_tags(card):
    front = render_readme(card).split("---\n")[1]
    assert 'base_model: "org/base"\n' in front
    assert '- "base_model:adapter:org/base"\n' in front
    assert "library_name: mlx\n" in front
    assert 'license: "apache-2.0"\n' in front


def test_the_readme_of_an_embedded_base_resolves_it_for_mlx_lm(card):
    text = render_readme(card.model_copy(update={"base": "embedded:smollm2-135m"}))
    assert "base_model" not in text
    assert 'load(str(resolve("embedded:smollm2-135m")), adapter_path="adapters/thinking/3")' in text


def test_the_code_of_the_readme_is_python(card):
    for base in ("org/base", "embedded:smollm2-135m", 'odd"name\\'):
        blocks = render_readme(card.model_copy(update={"base": base})).split("```python\n")[1:]
        assert len(blocks) == 2
        for block in blocks:
            compile(block.split("```")[0], "README", "exec")


def test_the_readme_shows_the_verdict_side_by_side(card, verdict):
    text = render_readme(card.model_copy(update={"verdict": verdict}))
    assert "| figure | base | candidate |" in text
    assert "| bits a byte | 1.0000 | 0.8000 |" in text
    assert "| agreement with the teacher's top choice |  | 0.5000 |" in text
    assert "| score: format | 0.2500 | 0.7500 |" in text
    assert "- passed: bits: bits fell by 0.2" in text
    three = verdict.model_copy(update={"incumbent": verdict.base})
    assert "| figure | base | candidate | incumbent |\n|---|---|---|---|\n" in render_readme(
        card.model_copy(update={"verdict": three})
    )


def test_the_readme_shows_the_right_answers_with_their_interval(card, verdict):
    right = {"natural": Share.of(3, 12, {"valid JSON": 0.5}), "generated": Share.of(9, 12)}
    better = verdict.candidate.model_copy(update={"right": right})
    found = card.model_copy(update={"verdict": verdict.model_copy(update={"candidate": better})})
    text = render_readme(found)
    assert "| right answers | 0.50 of 24 |" in text
    assert "| right, natural |  | 0.2500 [0.09, 0.53] of 12 |" in text
    assert "| valid JSON, natural |  | 0.5000 |" in text
    assert "Passed on 12 held-out prompts.\n" in text
    assert found.verified


def test_a_neuron_whose_answers_nothing_verified_is_unverified(card, verdict):
    for found in (card.model_copy(update={"verdict": None}), card.model_copy(update={"verdict": verdict})):
        assert (found.verified, found.right_answers) == (False, "unverified")
        assert "| right answers | unverified |" in render_readme(found)
    assert "Unverified: nothing decided whether its answers are right." in render_readme(found)


def test_a_card_with_other_invocation_tokens_than_its_adapter_is_reported_and_not_adopted(
    registry, write_adapter, fields, tmp_path
):
    adapter, tokens = write_adapter(alora_invocation_tokens=[3, 4]), {"invocation_tokens": (3, 4)}
    with pytest.raises(NeuronRefused, match=r"got nothing; allowed: \[3, 4\]"):
        registry.publish("activated", adapter, fields)
    assert registry.names() == []
    entry, other = (
        registry.publish("activated", adapter, fields.model_copy(update=tokens)),
        Registry(tmp_path / "other"),
    )
    assert verify(registry) == []
    write_card(entry.card.model_copy(update={"invocation_tokens": ()}), entry.path)
    entry = registry.resolve("activated")
    (problem,) = verify(registry)
    assert "name different invocation tokens" in problem.reason
    with pytest.raises(NeuronRefused, match=r"got nothing; allowed: \[3, 4\]"):
        adopt(other, entry.path, entry.card)
    assert other.names() == []
    assert adopt(other, entry.path, entry.card.model_copy(update=tokens))[1]
    assert verify(other) == []
