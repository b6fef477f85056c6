"""A domain of a project extends a plug-in's domain, or takes its place."""

import json

import pytest

from conch_dna.domains.check import faults_of
from conch_dna.domains.discovery import domain_folders, open_domain
from conch_dna.domains.domain import load_domain
from conch_dna.domains.extract import AnswerExtractor, as_answered
from conch_dna.domains.recordings import find_recording
from conch_dna.errors import DataError, UnknownName
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Completion, Sampling

HOST = load_plugins()
BUNDLED = load_domain(HOST.catalog.get("domains", "action"))
OWN = {"messages": [{"role": "user", "content": "Ring the shop"}], "reference": {"contains": ["shop"]}, "source": "own"}
SOURCE = '[[sources]]\nkey = "own"\norigin = "us"\nlicence = "MIT"\n'


@pytest.fixture
def make(tmp_path):
    """Write a domain into a project and return it, as the project's commands find it."""

    def written(name, toml, *prompts):
        folder = tmp_path / "domains" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "domain.toml").write_text(f'name = "{name}"\n{toml}')
        if prompts:
            (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in prompts))
        return open_domain(HOST, domain_folders(HOST, tmp_path)[name])

    return written


def record(domain, name, answers):
    folder = domain.folder / "recorded"
    folder.mkdir(exist_ok=True)
    lines = [
        Completion(prompt=digest, text=text, teacher="t", sampling=Sampling()).model_dump_json()
        for digest, text in answers.items()
    ]
    (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("name", ["action", "shop"])
def test_settings_and_prompts_are_inherited_and_its_own_added(make, name):
    domain = make(name, f'extends = "action"\nmax_tokens = 99\n[length]\nmin = 1\nmax = 7\n{SOURCE}', OWN)
    assert (domain.name, domain.settings.max_tokens, domain.settings.length.max) == (name, 99, 7)
    inherited = ("description", "task_type", "system_prompt", "tools", "examples", "scorers")
    assert all(getattr(domain.settings, key) == getattr(BUNDLED.settings, key) for key in inherited)
    assert [p.digest for p in domain.prompts[:-1]] == [p.digest for p in BUNDLED.prompts]
    assert (domain.prompts[-1].text, domain.prompts[-1].offered) == ("Ring the shop", BUNDLED.settings.tools)
    assert [s.key for s in domain.settings.sources] == [*(s.key for s in BUNDLED.settings.sources), "own"]
    assert faults_of(domain, HOST.catalog.names("scorers")) == []


def test_the_other_domains_stay_as_they_are(make, tmp_path):
    make("shop", 'extends = "action"')
    folders = domain_folders(HOST, tmp_path)
    assert folders["action"] == BUNDLED.folder
    make("action", 'extends = "action"')
    assert domain_folders(HOST, tmp_path).keys() == folders.keys()
    assert domain_folders(HOST, tmp_path)["task"] == folders["task"]


def test_nothing_but_the_name_is_needed(make):
    domain = make("action", 'extends = "action"')
    assert domain.data_digest == BUNDLED.data_digest
    assert domain.context_digest == BUNDLED.context_digest
    assert find_recording(domain).digest == find_recording(BUNDLED).digest


def test_an_own_prompt_stands_for_the_inherited_one(make):
    first = BUNDLED.prompts[0]
    row = {"messages": first.turns, "reference": {"contains": ["mine"]}, "source": first.source}
    domain = make("action", 'extends = "action"', row)
    assert len(domain.prompts) == len(BUNDLED.prompts)
    (found,) = [p for p in domain.prompts if p.digest == first.digest]
    assert found.reference.contains == ("mine",)


def test_recordings_of_both_are_read_and_its_own_count(make):
    domain = make("action", f'extends = "action"\n{SOURCE}', OWN)
    theirs = find_recording(BUNDLED).answers
    first = next(iter(theirs))
    record(domain, "gpt", {domain.prompts[-1].digest: "own", first: "mine"})
    for found in (find_recording(domain), find_recording(as_answered(domain, AnswerExtractor(HOST, domain)))):
        assert found.answers.keys() == {*theirs, domain.prompts[-1].digest}
        assert (found.answers[first].text, found.answers[domain.prompts[-1].digest].text) == ("mine", "own")
        assert found.digest != find_recording(BUNDLED).digest
    assert len(find_recording(domain, "gpt").answers) == 2
    assert find_recording(domain, "qwen2.5-coder-1.5b").digest == find_recording(BUNDLED).digest
    record(domain, "other", {first: "x"})
    with pytest.raises(UnknownName, match=r"several recordings; allowed: gpt, other, qwen2\.5-coder-1\.5b"):
        find_recording(domain)


def test_a_domain_with_settings_of_its_own_takes_the_place_of_a_bundled_one(make):
    domain = make("action", 'replaces = true\ndescription = "mine"', OWN)
    assert (len(domain.prompts), domain.settings.tools, domain.parent) == (1, (), None)


@pytest.mark.parametrize(
    ("toml", "fault"),
    [('extends = "acting"', "extends no domain of a plug-in; got acting"), ("extends = 3", "got 3"),
     ('extends = "action"\nmax_tokens = 0', "1 wrong field"), ('extends = "action"\nmuch = 1', "much"),
     ('extends = "action"\nsources = 3', "sources")],
)  # fmt: skip
def test_a_faulty_domain_names_its_file(make, toml, fault):
    with pytest.raises(DataError, match=fault) as caught:
        make("shop", toml)
    assert "shop/domain.toml" in str(caught.value)


def test_an_extended_domain_keeps_its_own_digest(make):
    assert BUNDLED.digest == load_domain(BUNDLED.folder).digest
    assert make("shop", 'extends = "action"').digest != BUNDLED.digest
