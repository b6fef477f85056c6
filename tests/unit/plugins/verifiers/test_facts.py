"""A response is right if it has every fact of the reference, and neither invents, repeats nor denies one."""

from importlib import import_module
from pathlib import Path

import pytest

from conch_dna.domains.domain import Domain, DomainSettings
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Message, Prompt, Reference

FACTS = load_plugins().catalog.get("verifiers", "facts")
invented_in = import_module("conch_plugins.verifiers._facts").invented_in
NOTHING = "nothing to remember"


def figures(response, *turns, most=44, **reference):
    roles = ("user", "assistant") * len(turns)
    messages = tuple(Message(role=role, content=turn) for role, turn in zip(roles, turns, strict=False))
    domain = Domain(DomainSettings(name="memory", description="d", length={"max": most}), Path("none.jsonl"))
    return FACTS(Prompt(messages=messages, reference=Reference(**reference)), response, domain)


def right(response, *turns, contains, lacks=(), **options):
    return figures(response, *turns, contains=contains, lacks=lacks, **options)["right"]


def test_a_response_is_right_if_all_facts_are_kept_and_none_is_invented():
    told = "I visit Rome in May with Nina"
    kept = figures("- User visits Rome in May\n- Nina comes along", told, contains=("rome", "Nina"))
    assert kept == {"right": 1, "facts kept": 1, "facts invented": 0}
    half = figures("- Visits Rome in May", told, contains=("Rome", "Nina"))
    assert half == {"right": 0, "facts kept": 0.5, "facts invented": 0}
    invents = figures("- Visits Rome with Otto", told, contains=("Rome",))
    assert invents == {"right": 0, "facts kept": 1, "facts invented": 1}


def test_without_facts_in_the_reference_there_is_no_verdict():
    assert figures("- Anything", "Hello", answer="5") is None


@pytest.mark.parametrize(
    ("response", "is_right"),
    [
        ("- nothing to remember", 1), ("Nothing to remember.", 1), ("- nothing to remember\n", 1),
        ("- nothing to remember\n- User eats lunch", 0), ("- User eats lunch", 0), ("", 0),
        ("- nothing to remember about lunch", 0), ("There may be nothing to remember, or lunch.", 0),
    ],
)  # fmt: skip
def test_where_nothing_is_to_remember_the_response_says_that_alone(response, is_right):
    assert right(response, "Off to lunch, bye!", contains=(NOTHING,)) == is_right


def test_a_response_with_facts_does_not_also_say_that_there_are_none():
    assert right("- User has a dog\n- nothing to remember", "I have a dog", contains=("dog",)) == 0


class TestRepeating:
    """Responses that take the conversation over instead of choosing facts."""

    TOLD = (
        "Right, so after all that fuss the boiler is booked for 14 March, a man called Viktor does it, and would you "
        "believe that my tea went cold while I was on hold with them for half an hour?"
    )

    @pytest.mark.parametrize("form", ["{}", "- {}", "The user said: {}", "- User: {}\n- Viktor comes on 14 March"])
    def test_a_response_that_repeats_the_conversation_is_not_right(self, form):
        assert right(form.format(self.TOLD), self.TOLD, contains=("14 March", "Viktor")) == 0

    def test_nor_is_one_that_repeats_a_long_passage_of_it_or_an_earlier_message(self):
        half = " ".join(self.TOLD.split()[:24])
        assert right(half, self.TOLD, contains=("14 March", "Viktor")) == 0
        assert right(half, self.TOLD, "Noted.", "Thanks", contains=("14 March", "Viktor")) == 0

    def test_nor_is_one_that_repeats_a_short_conversation_of_several_turns(self):
        turns = ("I've a question.", "Go ahead.", "Rex is my dog.")
        assert right("\n".join(turns), *turns, contains=("Rex",)) == 0
        assert right("- Rex is my dog", *turns, contains=("Rex",)) == 1

    def test_lines_between_the_words_do_not_hide_a_copy(self):
        copied = "- " + self.TOLD.replace(", ", "\n- ")
        assert right(copied, self.TOLD, contains=("14 March", "Viktor")) == 0

    def test_a_response_longer_than_the_domain_allows_is_not_right(self):
        padded = "- Viktor comes on 14 March\n" + "- boiler fuss\n" * 20
        assert right(padded, self.TOLD, contains=("14 March", "Viktor")) == 0
        assert right(padded, self.TOLD, contains=("14 March", "Viktor"), most=200) == 1

    def test_a_short_message_may_be_its_own_fact(self):
        assert right("- I can't eat garlic", "I can't eat garlic", contains=("garlic",)) == 1


class TestParts:
    """How a text of the reference is found in a response."""

    @pytest.mark.parametrize(
        ("part", "response"),
        [
            ("18", "- Eighteen guests come"), ("sixty guests", "- At most 60 guests"), ("25", "- twenty-five chairs"),
            ("5:30", "- Shop closes at 5.30"), ("06:15", "- Ferry leaves at 6:15"),
            ("7:30", "- Bed at half past seven"), ("half past seven", "- Bed at 7:30"),
            ("4,000", "- At most 4000 rpm"), ("8 pm", "- Quiet after 8pm"),
            ("19", "- Wedding is on the 19th"), ("5th", "- Rent is due on the fifth, the 5th"),
            ("840", "- Rent is £840."), ("strawberr", "- User cannot eat strawberries"), ("nut", "- No nuts"),
            ("Go", "- Service is in Go, not Rust"),
            ("bus", "- Takes buses"), ("Mole's  Breath", "- Paint is Mole\u2019s Breath"), ("£5", "- Costs £5"),
        ],
    )  # fmt: skip
    def test_numbers_in_words_times_with_other_separators_and_stems_count(self, part, response):
        assert right(response, f"{response} they say", contains=(part,)) == 1

    @pytest.mark.parametrize(
        ("part", "response"),
        [
            ("8", "- Size 18"), ("8", "- Size 8.5"), ("5", "- Weighs 2.5"), ("5", "- Costs 5,000"), ("19", "- In 1930"),
            ("5:30", "- Closes at 15:30"), ("Go", "- A good service"), ("nut", "- Nutmeg only"), ("main", "- Remains"),
            ("8 pm", "- Quiet after 8"), ("7:30", "- Bed at half past eight"), ("Ray", "- Rayon only"),
        ],
    )  # fmt: skip
    def test_a_part_inside_another_number_or_word_does_not(self, part, response):
        assert figures(response, f"{response} {part}", contains=(part,))["facts kept"] == 0


class TestCorrections:
    """Old values and denials."""

    TOLD = "I moved from Leeds to York in June"

    def test_a_corrected_fact_does_not_keep_its_old_value_if_the_reference_says_so(self):
        assert right("- User lives in York", self.TOLD, contains=("York",), lacks=("Leeds",)) == 1
        assert right("- User moved from Leeds to York", self.TOLD, contains=("York",), lacks=("Leeds",)) == 0
        assert right("- User moved from Leeds to York", self.TOLD, contains=("York",)) == 1

    def test_an_old_number_counts_in_words_too_but_not_inside_another_number(self):
        told = "It is eighteen guests, not eight"
        assert right("- 18 guests", told, contains=("18",), lacks=("8",)) == 1
        assert right("- 18 guests, not eight", told, contains=("18",), lacks=("8",)) == 0

    @pytest.mark.parametrize(
        "denial", ["does not like", "never liked", "doesn't like", "cannot like", "no longer likes"]
    )
    def test_a_response_that_denies_what_was_said_is_not_right(self, denial):
        assert right(f"- User {denial} olives", "I love olives", contains=("olives",)) == 0
        assert right(f"- User {denial} olives", "I don't love olives", contains=("olives",)) == 1


class TestInvented:
    """Numbers and names that the conversation does not have."""

    TOLD = "Aunt Vi's party is on Saturday at 5:30, flat 15. Ninety guests, twenty-five chairs. It costs 1,200 or so."

    @pytest.mark.parametrize(
        ("answer", "invented"),
        [
            ("- The party is on Saturdays at 5.30", []),
            ("- Kwame is a word at the start\n* Another\n1. Third\n  \u2022 Fourth\n-Fifth. Sixth\n**Seventh**", []),
            ("- 90 guests and 25 chairs, for 1200, in flat 15", []),
            ("- ninety guests at half past five", []),
            ("- twenty guests, five chairs", ["20"]),
            ("- twelve guests", ["12"]),
            ("- The user pays on Sat", []),
            ("- What User says", []),
            ("- flat 5", []),
            ("- flat 1, 2", ["1", "2"]),
            ("- Starts at 5:45", ["5.45"]),
            ("- Flat -15, 10-12 guests", ["10", "12"]),
            ("- The aunt knows Kwame, and Zoë too", ["Kwame", "Zoë"]),
            ("- Name: the Sun", ["Sun"]),
        ],
    )
    def test_numbers_and_names_missing_from_the_conversation_are_invented(self, answer, invented):
        assert invented_in(answer, self.TOLD) == invented

    @pytest.mark.parametrize(
        ("answer", "told"),
        [
            ("- Pick-up at 3:15", "pick-up is quarter past three"),
            ("- Comes on Tuesday in December", "comes tue in dec"),
            ("- 12 eggs, 2 times a day, on day 1", "a dozen eggs twice on the first day"),
        ],
    )
    def test_what_the_conversation_says_in_other_words_is_not(self, answer, told):
        assert invented_in(answer, told) == []
