"""A stage that validates counts right answers to the validation prompts, and shows them beside the mean loss."""

from pathlib import Path

import pytest
from counting import OWNER
from recipe_runs import metrics, train, untimed
from tiny import soft_targets

from conch_dna.config import RecipeSettings
from conch_dna.data.tokens import encode_chat
from conch_dna.domains.domain import Domain, DomainSettings
from conch_dna.models.load import load
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Message, Prompt, Reference, Tool
from conch_dna.registry.aliases import BASE
from conch_dna.runtime.neurons import NeuronRuntime
from conch_dna.train.recipes.base import RecipeContext
from conch_dna.train.training_set import TrainingSet
from conch_dna.train.validation import MOST, right_answers
from conch_dna.util.progress import Progress

SEEN = []


def long_enough(prompt, response, _domain):
    """Keep the answer, and say that those to every second prompt are right."""
    if prompt.reference.answer is None:
        return None
    if response:
        SEEN.append((prompt.text, response))
    return {"right": float(prompt.reference.answer == "yes")}


def prompt(text, answer, **more):
    return Prompt(messages=(Message(role="user", content=text),), reference=Reference(answer=answer), **more)


@pytest.fixture
def host():
    host = load_plugins(strict=True, block=[])
    host.catalog.add("verifiers", "long_enough", long_enough, OWNER)
    return host


@pytest.fixture
def validated(tiny_model, training_set):
    """The training set with four validation prompts; nothing is known of the last one's answer."""
    prompts = [prompt("QRSU", "yes"), prompt("VWXY", "no"), prompt("ABC", "yes"), prompt("DEF", None)]
    chats = [[*p.turns, {"role": "assistant", "content": p.text}] for p in prompts]
    examples = [encode_chat(tiny_model.tokenizer, chat) for chat in chats]
    held = TrainingSet("debug", examples, soft_targets(examples, seed=6), prompts)
    return TrainingSet("debug", training_set.examples, training_set.targets, (), held)


@pytest.fixture
def domain():
    settings = DomainSettings(name="debug", description="d", verifier="long_enough", max_tokens=6)
    return Domain(settings, Path("none.jsonl"))


class Notes(Progress):
    """Keeps the notes of all steps."""

    def __init__(self):
        self.notes = []

    def advance(self, units=1, note=""):
        self.notes += [note] * bool(note)


def context(host, base, config, training_set, domain, folder=Path("x"), progress=None):
    return RecipeContext(
        base, config, RecipeSettings(), host, domain, training_set, None, {}, folder, progress or Progress(), print
    )


def test_right_answers_are_in_the_reports_of_the_steps_that_validate(
    host, tiny_folder, config, validated, domain, tmp_path
):
    config = config.model_copy(update={"keep_best": 1})
    base = load(str(tiny_folder))
    reports = train(base, config, host, validated, {"settings": {}}, tmp_path / "run", domain=domain)
    assert [r.right for r in reports] == [None, pytest.approx(2 / 3)] * 3
    assert metrics(tmp_path / "run") == untimed(reports)
    plain = train(load(str(tiny_folder)), config, host, validated, {"settings": {}}, tmp_path / "plain")
    assert [r.right for r in plain] == [None] * 6
    assert [r.loss for r in plain] == [r.loss for r in reports], "answering changes nothing in the training"


def test_the_progress_shows_a_mean_loss_and_the_last_validation(host, tiny_folder, config, validated, domain, tmp_path):
    notes, config = Notes(), config.model_copy(update={"patience": 5, "steps": 13, "checkpoint_every": 4})
    given = context(host, load(str(tiny_folder)), config, validated, domain, tmp_path, notes)
    (tmp_path).mkdir(exist_ok=True)
    result = host.catalog.get("recipes", "kd").run(given)
    losses = [r.loss for r in result.reports]
    assert notes.notes[0] == f"loss {losses[0]:.3f}"
    validation = next(r.validation for r in result.reports if r.validation is not None)
    assert notes.notes[4] == f"loss {sum(losses[:5]) / 5:.3f} · validation {validation:.3f} · right 0.67"
    assert notes.notes[11].startswith(f"loss {sum(losses[2:12]) / 10:.3f} · validation ")


@pytest.mark.parametrize("activated", [False, True])
def test_the_answers_are_those_of_the_runtime(host, tiny_model, config, validated, domain, tmp_path, activated):
    SEEN.clear()
    config = config.model_copy(update={"keep_best": 1, "activated": activated})
    right_answers(context(host, tiny_model, config, validated, domain))()
    runtime = NeuronRuntime(tiny_model, tmp_path / "registry")
    answers = runtime.generate_many([text for text, _ in SEEN], BASE, None)
    assert len(SEEN) == 3
    assert all(whole.startswith(given) for (_, given), whole in zip(SEEN, answers, strict=True))
    runtime.close()


def test_the_domains_processors_compute_parts_of_the_answers(host, tiny_model, config, validated, domain):
    SEEN.clear()
    host.catalog.add("processors", "opening", lambda text: None if "42" in text else "42", OWNER)
    config = config.model_copy(update={"keep_best": 1})
    right_answers(context(host, tiny_model, config, validated, domain.changed(processors=("opening",))))()
    texts = [answer for _, answer in SEEN if "\ufffd" not in answer]  # half a character is no text to go on from
    assert texts
    assert all("42" in text for text in texts)


def test_prompts_with_tools_and_without_are_answered_together(host, tiny_model, config, validated, domain):
    SEEN.clear()
    tool = Tool(name="now")
    held = TrainingSet("debug", prompts=[prompt("ABC", "yes", tools=(tool,)), prompt("DEF", "no")])
    given = context(
        host, tiny_model, config.model_copy(update={"keep_best": 1}), TrainingSet("d", validation=held), domain
    )
    found = right_answers(given)
    assert (found(), len(found.prompts)) == (0.5, 2)


def test_it_measures_at_most_some_prompts_and_only_where_it_can(host, tiny_model, config, domain):
    many = TrainingSet("d", validation=TrainingSet("d", prompts=[prompt(f"A{i}", "yes") for i in range(50)]))
    validates = config.model_copy(update={"patience": 1})
    assert len(right_answers(context(host, tiny_model, validates, many, domain)).prompts) == MOST
    unknown = TrainingSet("d", validation=TrainingSet("d", prompts=[prompt("A", None)]))
    without = domain.changed(verifier="")
    for given in (
        context(host, tiny_model, config, many, domain), context(host, tiny_model, validates, unknown, domain),
        context(host, tiny_model, validates, many, without),
        context(host, tiny_model, validates, TrainingSet("d"), domain),
    ):  # fmt: skip
        assert right_answers(given) is None
