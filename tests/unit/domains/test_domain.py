"""The bundled domains have no fault and fit the docs; faulty domains are refused with all faults."""

import re
from collections import Counter
from itertools import combinations

import pytest
from checkout import ROOT

from conch_dna.domains.check import faults_of
from conch_dna.domains.discovery import domain_folders
from conch_dna.domains.domain import domain_of_file, load_domain
from conch_dna.domains.generation import SOURCE as GENERATED
from conch_dna.domains.near_duplicates import near_duplicates
from conch_dna.domains.stats import stats_of
from conch_dna.errors import DataError
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Completion, Message, Reference, Sampling, to_json_line

HOST = load_plugins()
NAMES = ("action", "debug", "memory", "reflection", "task", "thinking")
BUNDLED = {name: load_domain(HOST.catalog.get("domains", name)) for name in NAMES}
DOCS = ROOT / "docs" / "domains.md"

each_domain = pytest.mark.parametrize("domain", BUNDLED.values(), ids=NAMES)


def test_the_six_domains_are_bundled():
    assert HOST.catalog.names("domains") == NAMES


@each_domain
def test_a_bundled_domain_has_no_fault(domain):
    assert faults_of(domain, HOST.catalog.names("scorers"), HOST.catalog.names("processors")) == []


@each_domain
def test_there_are_two_hundred_prompts_at_least(domain):
    assert len(domain.prompts) >= 200


@each_domain
def test_every_source_is_recorded_with_origin_and_licence(domain):
    sources = {source.key: source for source in domain.settings.sources}
    assert {prompt.source for prompt in domain.prompts} == set(sources) - {GENERATED}
    assert all(source.origin.strip() and source.licence.strip() for source in sources.values())


@each_domain
def test_openings_are_varied(domain):
    assert stats_of(domain.prompts, 0.15).commonest_start.share < 0.08


@each_domain
def test_the_teachers_context_is_short(domain):
    assert sum(len(message.content.split()) for message in domain.context) < 600


@each_domain
def test_example_answers_have_the_length_that_is_asked_for(domain):
    bounds = domain.settings.length
    assert all(bounds.min <= len(example.answer.split()) <= bounds.max for example in domain.settings.examples)


@each_domain
def test_examples_are_not_among_the_prompts(domain):
    shown = [domain.prompts[0].model_copy(update={"messages": (Message(role="user", content=example.prompt),)})
             for example in domain.settings.examples]  # fmt: skip
    count = len(domain.prompts)
    assert [pair for pair in near_duplicates([*domain.prompts, *shown]) if pair.second >= count] == []


def test_no_prompt_is_in_two_domains():
    everything = [(name, prompt) for name, domain in BUNDLED.items() for prompt in domain.prompts]
    pairs = near_duplicates([prompt for _, prompt in everything])
    assert [(everything[i], everything[j]) for i, j, _ in pairs] == []
    digests = {name: {prompt.digest for prompt in domain.prompts} for name, domain in BUNDLED.items()}
    assert not any(digests[one] & digests[other] for one, other in combinations(NAMES, 2))


def test_the_docs_count_what_is_there():
    stated = re.findall(
        r"^\| `(\w+)` \| (\d+) \| `([\w-]+)` \| (.+) \| (.+) \|$", DOCS.read_text("utf-8"), re.MULTILINE
    )
    found = []
    for name, domain in BUNDLED.items():
        counts = Counter(prompt.source for prompt in domain.prompts)
        found += [
            (name, str(counts[source.key]), source.key, source.origin, source.licence)
            for source in domain.settings.sources
            if source.key != GENERATED
        ]
    assert stated == found


# --- faults ---

TOML = 'name = "mine"\ndescription = "x"\n'
PROMPTS = '{"messages": [{"role": "user", "content": "One two three four"}]}\n'
SOURCE = '[[sources]]\nkey = "unknown"\norigin = "me"\nlicence = "MIT"\n'


@pytest.fixture
def make(tmp_path):
    def make(toml="", prompts=PROMPTS, recording=None):
        folder = tmp_path / "mine"
        folder.mkdir()
        (folder / "domain.toml").write_text(TOML + toml)
        (folder / "prompts.jsonl").write_text(prompts)
        if recording is not None:
            (folder / "recorded").mkdir()
            (folder / "recorded" / "teacher.jsonl").write_bytes(recording)
        return folder

    return make


def faults(folder):
    names = HOST.catalog.names
    return "\n".join(faults_of(load_domain(folder), names("scorers"), names("processors")))


def test_a_small_domain_can_be_sound(make):
    assert faults(make(SOURCE)) == ""


def reference(kind, value):
    return PROMPTS.replace("]}", f'], "reference": {{"{kind}": {value}}}}}')


@pytest.mark.parametrize(
    ("toml", "prompts", "message"),
    [
        ("", PROMPTS, "1 prompt(s) have the source 'unknown', which has no [[sources]] entry"),
        (SOURCE * 2, PROMPTS, "[[sources]] has 'unknown' more than once"),
        ("[length]\nmin = 9\nmax = 3\n", PROMPTS, "length.min 9 is above length.max 3"),
        ("[scorers]\ncharm = 1\n", PROMPTS, "no scorer is named 'charm'; allowed: coherence, "),
        ('processors = ["abacus"]\n', PROMPTS, "no processor is named 'abacus'; allowed: calculator"),
        ('task_type = "tool_call"\n', PROMPTS, "needs at least one [[tools]] entry"),
        ('[[tools]]\nname = "f"\n[[tools]]\nname = "f"\n', PROMPTS, "[[tools]] has 'f' more than once"),
        ('[[tools]]\nname = "f"\nparameters = {type = "thing"}\n', PROMPTS, "tool 'f' are not a JSON schema: 'thing'"),
        ('[[examples]]\nprompt = "x"\nanswer = " "\n', PROMPTS, "examples[0] has an empty prompt or answer"),
        ("", PROMPTS + PROMPTS.replace("four", "four!"), "near-duplicates (1.00): 'One two three four' and"),
        ("", "{", "line 1: not JSON"),
        ("", reference("answer", '" "'), "reference.answer is empty"),
        ("", reference("contains", '["a", ""]'), "reference.contains has an empty text"),
        ("", reference("lacks", '["a", " "]'), "reference.lacks has an empty text"),
        (
            "",
            reference("lacks", '["Leeds"], "contains": ["leeds"]'),
            "reference.contains and reference.lacks both have",
        ),
        ("", reference("tool", '{"name": "g"}'), "reference.tool names 'g'; allowed: (no tools)"),
        ("", reference("tool", '{"tool": "g"}'), "must look like"),
        (
            '[[tools]]\nname = "f"\n',
            reference("tool", '{"name": "f", "arguments": {"a": 1}}'),
            "unknown argument(s) of f: a",
        ),
        ("", reference("tests", '["f() == 1"]'), "not an assert statement: 'f() == 1'"),
        ("", reference("tests", '["assert ("]'), "not an assert statement"),
    ],
)
def test_each_fault_is_found(make, toml, prompts, message):
    assert message in faults(make(toml, prompts))


def test_all_faults_are_found_at_once(make):
    found = faults(make('task_type = "tool_call"\n[length]\nmin = 9\nmax = 3\n', reference("answer", '""')))
    assert len(found.splitlines()) == 4


def test_a_recording_must_belong_to_the_prompts(make):
    folder = make(SOURCE)
    (digest,) = (prompt.digest for prompt in load_domain(folder).prompts)
    own, other = (
        to_json_line(Completion(prompt=prompt, text="x", teacher="t", sampling=Sampling()))
        for prompt in (digest, "other")
    )
    (folder / "recorded").mkdir()
    recording = folder / "recorded" / "teacher.jsonl"
    recording.write_text(f"{own}\n")
    assert faults(folder) == ""
    recording.write_text(own + other + "[]\n{\n")
    found = faults(folder)
    assert "line 3 is not a recorded answer" in found
    assert "line 4 is not a recorded answer" in found
    assert "1 answer(s) to prompts that are not in prompts.jsonl" in found


def test_a_recording_that_is_not_text_is_a_fault(make):
    assert "teacher.jsonl: cannot be read" in faults(make(SOURCE, recording=b"\xff"))


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("x = ", "is not TOML"),
        ("colour = 1\n", "unknown setting 'colour'; allowed: name, "),
        ("max_tokens = 0\n", "max_tokens = 0: should be greater"),
        ("[scorers]\nlength = -1\n", "weights must be >= 0"),
        ("[scorers]\nlength = 0\n", "not all 0"),
        ('task_type = "poem"\n', "task_type = 'poem': should be 'qa'"),
    ],
)
def test_a_wrong_domain_toml_is_refused(make, toml, message):
    with pytest.raises(DataError, match=re.escape(message)):
        load_domain(make(toml))


def test_several_wrong_fields_are_listed_at_once(make):
    with pytest.raises(DataError, match=r"2 wrong field\(s\)"):
        load_domain(make('colour = 1\ntask_type = "poem"\n'))


def test_the_name_must_be_the_folders(make, tmp_path):
    moved = make().rename(tmp_path / "other")
    with pytest.raises(DataError, match="the name differs from the folder's; got mine; allowed: other"):
        load_domain(moved)


def test_a_missing_domain_toml_is_named(tmp_path):
    with pytest.raises(DataError, match=r"domain\.toml: cannot be read"):
        load_domain(tmp_path)


def test_a_prompts_file_alone_can_be_a_domain(tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_text(PROMPTS)
    assert len(domain_of_file(path, "own").prompts) == 1
    with pytest.raises(DataError, match="not a domain name"):
        domain_of_file(path, "My Own")


# --- a project's domains ---


def test_a_projects_own_domains_are_added(tmp_path):
    folder = tmp_path / "domains" / "mine"
    folder.mkdir(parents=True)
    (folder / "domain.toml").write_text(TOML)
    (tmp_path / "domains" / "no_domain").mkdir()
    assert set(domain_folders(HOST, tmp_path)) == {*NAMES, "mine"}
    assert domain_folders(HOST, tmp_path)["mine"] == folder


def test_the_bundled_folders_may_be_the_projects_own():
    assert set(domain_folders(HOST, BUNDLED["task"].folder.parent.parent)) == set(NAMES)


def test_a_project_cannot_take_a_bundled_name(tmp_path):
    folder = tmp_path / "domains" / "task"
    folder.mkdir(parents=True)
    (folder / "domain.toml").write_text(TOML)
    with pytest.raises(DataError, match="taken by plug-in 'domains'") as caught:
        domain_folders(HOST, tmp_path)
    assert str(folder) in str(caught.value)
    assert str(BUNDLED["task"].folder) in str(caught.value)
    assert 'Add extends = "task" or replaces = true' in caught.value.next_step


# --- the teacher's context ---


def test_the_context_has_the_tools_and_the_examples_and_replaces_a_system_message():
    domain = BUNDLED["action"]
    prompt = domain.prompts[0].model_copy(
        update={"messages": (Message(role="system", content="Own."), Message(role="user", content="Hi"))}
    )
    messages = domain.with_context(prompt)
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert '"calculator"' in messages[0]["content"]
    assert messages[-1]["content"] == "Hi"


def test_processors_are_part_of_the_digest_only_where_there_are_any(make):
    folder = make(SOURCE)
    plain = load_domain(folder)
    file = folder / "domain.toml"
    file.write_text("processors = []\n" + file.read_text())
    assert load_domain(folder).digest == plain.digest
    file.write_text(file.read_text().replace("[]", '["calculator"]'))
    changed = load_domain(folder)
    assert changed.digest != plain.digest
    assert (changed.data_digest, changed.context_digest) == (plain.data_digest, plain.context_digest)


def test_the_data_digest_does_not_depend_on_the_order(make):
    folder = make(prompts=PROMPTS + PROMPTS.replace("One", "Five"))
    before = load_domain(folder).data_digest
    (folder / "prompts.jsonl").write_text(PROMPTS.replace("One", "Five") + PROMPTS)
    assert load_domain(folder).data_digest == before


def test_a_reference_without_the_newer_fields_is_written_as_before():
    assert set(Reference(contains=("a",)).model_dump()) == {"answer", "contains", "tool", "tests"}
    assert Reference(lacks=("b",)).model_dump()["lacks"] == ("b",)
