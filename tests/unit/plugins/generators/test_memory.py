"""The ``memory`` generator: conversations whose facts, corrections and small talk have one right memory."""

import re
from importlib import import_module
from itertools import islice

import pytest
from checkout import ROOT

from conch_dna.domains.domain import load_domain
from conch_dna.domains.generation import NamedGenerator, generate
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Message, Prompt, Reference

CATALOG = load_plugins().catalog
MEMORY, FACTS = CATALOG.get("generators", "memory"), CATALOG.get("verifiers", "facts")
FAULT = import_module("conch_plugins.generators._memory").fault
TEMPLATES = import_module("conch_plugins.generators._memory_templates")
VALUES = import_module("conch_plugins.generators._memory_values")
SLOTS = import_module("conch_plugins.generators._memory_slots")
CHATTER = import_module("conch_plugins.generators._memory_chatter")
DOMAIN = load_domain(ROOT / "domains" / "memory")
NOTHING = "- nothing to remember"
FORMS = (
    "facts", "invited", "asked", "corrected", "corrected talk", "updated", "forgotten", "nothing", "nothing talk",
)  # fmt: skip


def drafts(count, seed=0, *, held_out=False):
    return list(islice(MEMORY(seed, held_out=held_out), count))


MANY = [draft for draft in drafts(600) if not draft.fault]


def of(form):
    found = [draft for draft in MANY if draft.kind == form]
    assert len(found) > 10
    return found


@pytest.mark.parametrize("held_out", [False, True])
def test_equal_seeds_give_equal_drafts_and_others_do_not(held_out):
    first = drafts(40, 7, held_out=held_out)
    assert first == drafts(40, 7, held_out=held_out)
    assert not {d.prompt.text for d in first if d.answer != NOTHING} & {d.prompt.text for d in drafts(40, 8)}


@pytest.mark.parametrize("held_out", [False, True])
def test_nearly_all_drafts_are_verified(held_out):
    made = generate(DOMAIN, NamedGenerator("memory", MEMORY, FACTS), 300, seed=2, held_out=held_out)
    assert sum(made.report.rejected.values()) < 0.05 * 300
    assert set(made.report.kinds) == set(FORMS)


def test_answers_and_facts_vary():
    made = generate(DOMAIN, NamedGenerator("memory", MEMORY, FACTS), 400, seed=3)
    assert made.report.distinct_answers > 0.7
    assert made.report.near_duplicates < 40
    assert len(TEMPLATES.kinds(held_out=False)) >= 40
    assert sum(len(fact.says) for kind in TEMPLATES.kinds(held_out=False) for fact in kind.facts) > 500


class TestHeldOut:
    """What training and held-out drafts share: the forms, and the closed pools."""

    def test_phrasings_and_names_of_people_are_not_shared(self):
        said = [
            {
                says
                for kind in TEMPLATES.kinds(held_out=held_out)
                for fact in kind.facts
                for says in fact.says + fact.later
            }
            for held_out in (False, True)
        ]
        assert all(said)
        assert not said[0] & said[1]
        for pool in VALUES.OPEN:
            train, held_out = (set(SLOTS.pool(pool, held_out=h)) for h in (False, True))
            assert min(len(train), len(held_out)) > 0, pool
            assert not train & held_out, pool

    def test_chatter_and_frames_are_not_shared(self):
        for name in (name for name in vars(CHATTER) if name.isupper()):
            train, held_out = (set(TEMPLATES.phrases(name, held_out=h)) for h in (False, True))
            assert min(len(train), len(held_out)) > 0, name
            assert not train & held_out, name

    def test_some_kinds_of_facts_are_new(self):
        train, held_out = ({kind.name for kind in TEMPLATES.kinds(held_out=h)} for h in (False, True))
        assert len(held_out - train) >= 8
        assert not VALUES.HELD_OUT.keys() & {
            slot[2]
            for kind in TEMPLATES.kinds(held_out=False)
            for fact in kind.facts
            for slot in SLOTS.SLOT.finditer(fact.line)
        }

    def test_every_fact_can_be_said_in_both(self):
        for held_out in (False, True):
            assert all(fact.says for kind in TEMPLATES.kinds(held_out=held_out) for fact in kind.facts)


def test_prompts_end_with_the_user_and_have_turns_of_the_assistant_between():
    for draft in MANY:
        roles = [message.role for message in draft.prompt.messages]
        assert roles in (["user"], ["user", "assistant", "user"])
    assert 0.25 < sum(len(draft.prompt.messages) == 3 for draft in MANY) / len(MANY) < 0.5


def test_answers_have_the_form_of_the_domain():
    for draft in MANY:
        lines = draft.answer.split("\n")
        assert 1 <= len(lines) <= 4
        assert all(re.fullmatch(r"- \S.*[^.\s]", line) and len(line.split()) <= 11 for line in lines)
        assert "{" not in draft.answer + draft.prompt.text


def test_every_value_of_an_answer_is_copied_from_the_conversation():
    capital = re.compile(r"(?<!^- )\b[A-Z0-9][\w:.,]*", re.MULTILINE)
    for draft in MANY:
        said = set(capital.findall(draft.answer)) - {"User"}
        assert all(word.rstrip("s") in draft.prompt.text for word in said), (draft.prompt.text, draft.answer)


def test_a_message_without_facts_has_nothing_to_remember():
    for draft in (*of("nothing"), *of("nothing talk")):
        assert draft.answer == NOTHING
        assert draft.prompt.reference.contains == ("nothing to remember",)
    assert 0.1 < sum(draft.answer == NOTHING for draft in MANY) / len(MANY) < 0.3


@pytest.mark.parametrize("form", ["corrected", "corrected talk", "updated"])
def test_a_correction_keeps_the_new_value_and_not_the_old_one(form):
    for draft in of(form):
        (old,) = draft.prompt.reference.lacks
        assert old.casefold() in draft.prompt.text.casefold()
        keeps_old = f"{draft.answer}\n- It was {old}"
        assert FACTS(draft.prompt, draft.answer, DOMAIN)["right"] == 1
        assert FACTS(draft.prompt, keeps_old, DOMAIN)["right"] == 0


def test_what_is_to_be_forgotten_is_the_first_line():
    assert all(re.match(r"- User wants .+ forgotten(\n|$)", draft.answer) for draft in of("forgotten"))


def test_what_was_asked_for_is_understood_by_the_question():
    for draft in of("asked"):
        assert draft.answer.split("\n")[0] not in draft.prompt.messages[-1].content


@pytest.mark.parametrize(
    ("told", "answer", "reference", "fault"),
    [
        ("I have a dog, Rex", "- User has a dog called Rex", {"contains": ("Rex",)}, ""),
        ("Hello", "- nothing to remember", {"contains": ("nothing to remember",)}, ""),
        ("I have a dog", "- User has a dog called Rex", {"contains": ("Rex",)}, "not in the conversation"),
        ("I have a dog, Rex", "- User has a dog", {"contains": ("Rex",)}, "not in the answer"),
        ("Rex, not Max", "- User has Rex, not Max", {"contains": ("Rex",), "lacks": ("Max",)}, "an old value"),
        ("Rex, 5", "- Dog is Rex\n- Dog is 7", {"contains": ("Rex",)}, "invents"),
        ("Rex", "- Dog is Rex\n- Dog is Rex", {"contains": ("Rex",)}, "repeats"),
        ("Rex", "- Rex is the one dog that our whole family has ever had", {"contains": ("Rex",)}, "too long"),
    ],
)
def test_a_draft_with_a_wrong_answer_has_a_fault(told, answer, reference, fault):
    prompt = Prompt(messages=(Message(role="user", content=told),), reference=Reference(**reference))
    assert (fault in FAULT(prompt, answer)) if fault else not FAULT(prompt, answer)
