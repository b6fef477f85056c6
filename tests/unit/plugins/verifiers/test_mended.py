"""The ``mended`` verifier: verdict and mended answer are right, however they are written."""

import pytest
from checkout import ROOT

from conch_dna.domains.domain import load_domain
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Message, Prompt, Reference

MENDED = load_plugins().catalog.get("verifiers", "mended")
DOMAIN = load_domain(ROOT / "domains" / "reflection")
SUM = "Question: What is 15% of 80?\nDraft: 15% of 80 is 15."


def figures(response, *contains, text=SUM, lacks=(), turns=()):
    given = turns or (Message(role="user", content=text),)
    prompt = Prompt(messages=given, reference=Reference(contains=contains, lacks=lacks))
    return MENDED(prompt, response, DOMAIN)


def right(response, *contains, **others):
    return figures(response, *contains, **others)["right"] == 1


def better(answer, *contains, **others):
    return figures(f"Flaw: It is wrong.\nBetter: {answer}", *contains, **others)["answer right"] == 1


@pytest.mark.parametrize(
    "response",
    [
        "Flaw: 15% of 80 is 12, not 15.\nBetter: 15% of 80 is 12.",
        "flaw: the sum is wrong\nbetter: 12",
        "**Flaw:** The sum is wrong.\n\n**Better:** It is 12.00.",
        "Flaw: The sum is wrong. Better: twelve",
    ],
)
def test_a_named_flaw_and_the_right_answer_are_right(response):
    assert figures(response, "12") == {"right": 1, "verdict right": 1, "answer right": 1}


@pytest.mark.parametrize(
    ("response", "verdict", "answer"),
    [
        ("Flaw: none\nBetter: 15% of 80 is 12.", 0, 1),
        ("Flaw: The sum is wrong.\nBetter: 15% of 80 is 15.", 1, 0),
        ("Flaw: It is 12.\nBetter: It is 120.", 1, 0),
        ("Flaw: It is 12.\nBetter:", 1, 0),
        ("Flaw:\nBetter: It is 12.", 0, 1),
        ("15% of 80 is 12.", 0, 0),
        ("", 0, 0),
    ],
)
def test_one_wrong_part_is_wrong(response, verdict, answer):
    assert figures(response, "12") == {"right": 0, "verdict right": verdict, "answer right": answer}


@pytest.mark.parametrize(
    "none",
    [
        "none", "None.", "No flaws", "there is no error", "*none*", "none, it is right", "None found",
        "no errors found.", "There is no flaw here",
    ],
)  # fmt: skip
def test_a_right_draft_has_no_flaw(none):
    assert right(f"Flaw: {none}\nBetter: It is 12.", "Flaw: none", "12")
    assert not right(f"Flaw: {none}\nBetter: It is 12.", "12")


@pytest.mark.parametrize("flaw", ["The sum is wrong.", "None of the fruits is green.", "Nothing but nuts is in it."])
def test_an_invented_flaw_is_wrong(flaw):
    assert not right(f"Flaw: {flaw}\nBetter: It is 12.", "Flaw: none", "12")
    assert right(f"Flaw: {flaw}\nBetter: It is 12.", "12")


def test_a_right_draft_may_be_repeated():
    assert right("Flaw: none\nBetter: 15% of 80 is 15.", "Flaw: none", "15")


@pytest.mark.parametrize(
    ("text", "draft", "mend", "contains"),
    [
        ("Three fruits, none red. I wrote: banana, kiwi, strawberry. OK?", "banana, kiwi, strawberry.", "Kiwi, banana",
         ("banana", "kiwi")),
        ("The draft is \"The film was very good.\" Do not use 'very'.", "the film was very good", "The film was good.",
         ("film",)),
        ("Uppercase, please: the opposite of hot?\nI said: cold", "Cold.", "COLD", ("COLD",)),
        ("Must not mention price. Draft: A blue mug, only $9!", "A blue mug, only $9!", "A blue mug.", ("blue",)),
        ("Draft: \u201cDue on the 1st. Due on the 5th.\u201d", "Due on the 1st. Due on the 5th.", "Due on the 1st.",
         ("first",)),
        ("From the club: sound is faster than light. (Which is faster, light or sound?)", "Sound is faster than light",
         "Light is faster than sound", ("light",)),
        ("The bot's sign: 'Don't be stupid, no dogs.' Better?", "Don't be stupid, no dogs.", "Sorry, no dogs.",
         ("dogs",)),
    ],
    ids=["list", "quotation", "case", "line", "first sentence", "before a bracket", "apostrophe"],
)  # fmt: skip
def test_a_repeated_draft_with_a_flaw_is_wrong(text, draft, mend, contains):
    assert not better(draft, *contains, text=text)
    assert better(mend, *contains, text=text)


def test_the_draft_of_a_chat_is_its_answer():
    texts = ("A synonym for happy, one word", "One that I like is cheerful.", "Did you follow that?")
    turns = tuple(Message(role=("user", "assistant")[n % 2], content=text) for n, text in enumerate(texts))
    assert better("Cheerful", "cheerful", turns=turns)
    assert not better("one that I like is cheerful", "cheerful", turns=turns)


@pytest.mark.parametrize(
    ("part", "same", "others"),
    [
        ("12", ["12%", "\u00a312", "12.0", "12km", "-> 12", "x=12.", "Twelve"], ["120", "1.2", "-12", "12:00", "12th"]),
        ("1200", ["1,200", "1200.00"], ["1,20", "200"]),
        ("24", ["twenty-four", "Twenty four"], ["twenty", "four", "20 and 4", "twenty and four"]),
        ("0.5", [".5"], ["5", "0.05"]),
        ("-5", ["\u22125 degrees"], ["5", "10-5"]),
        ("3 pm", ["3pm", "3 p.m.", "3:00 PM"], ["3", "13 pm", "3:30 pm"]),
        ("16:10", ["at 16:10."], ["16", "6:10", "16:1"]),
        ("1st", ["first"], ["1", "21st"]),
        ("Au", ["au", "(Au)"], ["Australia", "because"]),
        ("ice", ["Ice."], ["nice", "iced"]),
        ("brake", ["brakes", "the brake"], ["outbrake"]),
        ("plug", ["unplug it"], ["earplug"]),
        ("3, 5, 8", ["3 5 8", "3, 5 and 8"], ["3, 8, 5", "3, 5, 80", "8"]),
        ("Central Processing Unit", ["central-processing unit"], ["Central Unit"]),
        ("print(", ["print ( 'Hi')"], ["print 'Hi'", "sprint("]),
        ("Ctrl+Z", ["Ctrl + z", "ctrl-Z"], ["Ctrl+S"]),
        ("**", ["2 ** 5"], ["2 * 5"]),
        ("caf\u00e9", ["CAF\u00c9"], ["cafe"]),
        ("CO2", ["CO\u2082"], ["CO"]),
    ],
)
def test_texts_are_whole_words_and_numbers_by_their_value(part, same, others):
    assert [text for text in same if not better(text, part)] == []
    assert [text for text in others if better(text, part)] == []


def test_no_text_that_is_lacked_may_be_in_the_answer():
    assert better("banana, kiwi, lemon", "banana", lacks=("strawberry", "!"))
    assert not better("banana, Strawberry", "banana", lacks=("strawberry", "!"))
    assert not better("banana, kiwi!", "banana", lacks=("strawberry", "!"))
    assert better("I offer a reduced fee", lacks=("red", "off"))
    assert right("Flaw: It has a strawberry.\nBetter: kiwi", "kiwi", lacks=("strawberry",)), "a flaw names it"


def test_case_counts_for_a_text_that_is_lacked_in_another():
    assert better("it is in paris.", "paris", lacks=("Paris",))
    assert not better("it is in Paris.", "paris", lacks=("Paris",))
    assert better("It is in PARIS.", "paris", lacks=("Rome",))


def test_only_the_first_mended_answer_counts():
    assert not right("Flaw: wrong\nBetter: It is 15.\nFlaw: wrong\nBetter: It is 12.", "12")


def test_a_prompt_without_a_reference_has_no_figures():
    assert figures("Flaw: none\nBetter: 12") is None


def test_neither_a_constant_verdict_nor_an_echo_of_the_prompt_is_right_in_the_domain():
    graded = [p for p in DOMAIN.prompts if p.reference.contains]
    flawed = [p for p in graded if "Flaw: none" not in p.reference.contains]
    assert (len(graded), len(flawed)) == (201, 169)
    for prompt in graded:
        answer = "\n".join(part for part in prompt.reference.contains if part != "Flaw: none") or "Yes"
        found = [MENDED(prompt, f"Flaw: {flaw}\nBetter: {answer}", DOMAIN)["right"] for flaw in ("none", "It is off.")]
        assert found == [prompt not in flawed, prompt in flawed]
    echoed = [MENDED(p, f"Flaw: It is off.\nBetter: {p.messages[-1].content}", DOMAIN)["right"] for p in flawed]
    assert sum(echoed) == 0
