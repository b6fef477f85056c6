"""The bundled router sends a chat to its domain, and a chat of no domain to the base."""

import pytest
from projects import here, write_domain, write_project

from conch_dna.cli.app import App
from conch_dna.config import DistillConfig
from conch_dna.data.splits import split
from conch_dna.domains.domain import load_domain
from conch_dna.errors import DataError, PluginError, UnknownName
from conch_dna.plugin.manager import load_plugins
from conch_dna.runtime.routing import make_routing
from conch_dna.util.files import bundled_dir

# None of these was looked at when the router's settings were chosen.
ELSEWHERE = [
    "Hi there! How has your day been?", "What is the longest river in Africa?", "Say 'thank you' in Japanese.",
    "Write a limerick about a baker.", "What is a good name for a goldfish?", "Describe a sunset in one sentence.",
    "Who painted the Mona Lisa?", "Why do leaves turn red?", "What does 'serendipity' mean?", "Do you like music?",
    "Tell me something interesting about octopuses.", "What were the causes of the First World War?",
    "Give me a synonym for happy.", "Write the opening line of a mystery novel.", "Is it rude to whistle indoors?",
    "Which films did Hitchcock make?", "How does a refrigerator work?", "Make up a fairy tale about a lazy fox.",
    "What is the national animal of Scotland?", "Explain what inflation is.",
]  # fmt: skip


@pytest.fixture(scope="module")
def routing(tmp_path_factory):
    return make_routing(load_plugins(), tmp_path_factory.mktemp("project"), "ngrams")


def user(text):
    return [{"role": "user", "content": text}]


@pytest.fixture(scope="module")
def measured(routing):
    """For each held-out prompt of the gate's own split, its domain and the choice among the six."""
    share = DistillConfig.model_fields["held_out"].default
    found = []
    for folder in sorted(bundled_dir("domains").glob("*/domain.toml")):
        domain = load_domain(folder.parent)
        held_out = split(domain.prompts, share).held_out
        found += [(domain.name, routing.choose(prompt.turns, routing.about)) for prompt in held_out]
    return found


@pytest.mark.full
def test_held_out_prompts_go_to_their_domain(measured):
    """docs/agent.md has the measured values; the limits leave room for new prompts."""
    right = sum(domain == chosen for domain, chosen in measured)
    wrong = sum(chosen not in {domain, "base"} for domain, chosen in measured)
    print(f"\n{len(measured)} held-out prompts: {right} right, {wrong} to another neuron")
    assert len(measured) > 200
    assert right / len(measured) > 0.68
    assert wrong / len(measured) < 0.12


def test_most_chats_outside_all_domains_go_to_the_base(routing):
    unsure = [text for text in ELSEWHERE if routing.choose(user(text), routing.about) == "base"]
    print(f"\n{len(unsure)} of {len(ELSEWHERE)} to the base")
    assert len(unsure) >= 0.3 * len(ELSEWHERE)


def test_only_existing_neurons_are_chosen(routing):
    buggy = user("def last(xs):\n    return xs[len(xs)]\nIndexError, why?")
    assert routing.choose(buggy, ["debug", "thinking"]) == "debug"
    assert routing.choose(buggy, ["thinking"]) == "base"
    assert routing.choose(buggy, []) == "base"


def test_the_choice_is_the_same_each_time_and_any_text_has_one(routing, tmp_path):
    again = make_routing(load_plugins(), tmp_path, "ngrams")
    for text in ["", "a", "\ud800", "\0", "é" * 10_000, *ELSEWHERE]:
        assert routing.choose(user(text), routing.about) == again.choose(user(text), again.about)


def test_a_projects_own_domain_is_chosen_too(tmp_path):
    write_domain(tmp_path / "domains/birds", 40)
    routing = make_routing(load_plugins(), tmp_path, "ngrams")
    assert routing.about["birds"] == "made for a test"
    assert routing.choose(user("Say the birds word cedar 14 times, then ledge."), routing.about) == "birds"


PLUGIN = """
from conch_dna import hookimpl

def shortest(domains):
    return lambda messages, neurons: min(neurons, key=len)

def lying(domains):
    return lambda messages, neurons: "nobody"

def failing(domains):
    return lambda messages, neurons: 1 / 0

def unmade(domains):
    raise RuntimeError("no")

@hookimpl
def register_routers():
    return {"shortest": shortest, "lying": lying, "failing": failing, "unmade": unmade}
"""


@pytest.fixture
def host(tmp_path):
    (tmp_path / "local.py").write_text(PLUGIN)
    return load_plugins(tmp_path)


def test_a_plugins_router_chooses(host, tmp_path):
    assert make_routing(host, tmp_path, "shortest").choose(user("hi"), ["debug", "task", "action"]) == "task"


@pytest.mark.parametrize(
    ("name", "message"), [("lying", "chose 'nobody'"), ("failing", "ZeroDivisionError"), ("unmade", "RuntimeError: no")]
)
def test_a_broken_router_is_named(host, tmp_path, name, message):
    with pytest.raises(PluginError, match=message) as caught:
        make_routing(host, tmp_path, name).choose(user("hi"), ["debug"])
    assert "local.py" in str(caught.value)


def test_an_unknown_router_and_an_invalid_domain_are_reported(tmp_path):
    with pytest.raises(UnknownName, match="no router is named 'ngram'"):
        make_routing(load_plugins(), tmp_path, "ngram")
    (write_domain(tmp_path / "domains/birds") / "domain.toml").write_text("name = 1")
    with pytest.raises(DataError, match=r"birds/domain\.toml"):
        make_routing(load_plugins(), tmp_path, "ngrams")


@pytest.mark.full
def test_ask_auto_names_the_chosen_neuron(tmp_path, student, monkeypatch):
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    project = write_project(tmp_path / "p", student)
    done = here(project, "ask", "auto", "What is 3 + 4?", "--max-tokens", "4")
    assert (done.exit_code, done.stderr) == (0, "auto: base\n")  # no neuron has been published
    plain = here(project, "ask", "base", "What is 3 + 4?", "--max-tokens", "4")
    assert done.stdout == plain.stdout
    unknown = here(project, "ask", "auto", "hi", "--router", "none")
    assert (unknown.exit_code, "no router is named 'none'" in unknown.stderr) == (1, True)
    assert App(project).host.catalog.names("routers") == ("ngrams",)
