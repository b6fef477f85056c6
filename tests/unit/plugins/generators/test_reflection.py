"""The ``reflection`` generator: drafts whose flaw is known, and measurement that shares nothing with training."""

import json
import re
from collections import Counter
from importlib import import_module
from itertools import islice

import pytest

from conch_dna.domains.domain import load_domain
from conch_dna.domains.generation import NamedGenerator, generate
from conch_dna.plugin.manager import load_plugins
from conch_dna.util.files import bundled_dir

CATALOG = load_plugins().catalog
GENERATOR = CATALOG.get("generators", "reflection")
VERIFIER = CATALOG.get("verifiers", "mended")
DOMAIN = load_domain(bundled_dir("domains") / "reflection")
SIDES = pytest.mark.parametrize("held_out", [False, True], ids=["training", "held out"])
ANSWER = re.compile(r"Flaw: (?P<flaw>[^\n]+)\nBetter: (?P<better>[^\n]+)")


def part(name):
    return import_module(f"{GENERATOR.__module__.rpartition('.')[0]}._reflection{name}")


def some(count=400, seed=0, *, held_out=False):
    return list(islice(GENERATOR(seed, held_out=held_out), count))


def parts(draft):
    found = ANSWER.fullmatch(draft.answer)
    assert found, draft.answer
    return found["flaw"], found["better"]


@pytest.fixture(scope="module")
def drafts():
    """Return good drafts of both sides."""
    return [draft for held_out in (False, True) for draft in some(6000, 7, held_out=held_out) if not draft.fault]


def of_kind(drafts, *kinds):
    return [draft for draft in drafts if draft.kind in kinds]


@SIDES
def test_the_same_seed_gives_the_same_drafts_and_another_one_others(held_out):
    assert some(100, held_out=held_out) == some(100, held_out=held_out)
    assert some(100, held_out=held_out) != some(100, 1, held_out=held_out)


@SIDES
def test_almost_all_drafts_pass_the_checks(held_out):
    report = generate(DOMAIN, NamedGenerator("reflection", GENERATOR, VERIFIER), 1000, held_out=held_out).report
    assert sum(report.rejected.values()) < 40
    assert set(report.rejected) <= {"the same prompt came before"}
    assert report.distinct_answers > (0.75 if held_out else 0.9)
    assert len(report.kinds) > 40
    assert max(report.kinds.values()) < 150
    assert report.near_duplicates < (150 if held_out else 60)
    assert report.prompt_words.mean + report.answer_words.mean < 60


def test_a_quarter_of_the_drafts_has_no_flaw(drafts):
    sound = sum("Flaw: none" in draft.prompt.reference.contains for draft in drafts) / len(drafts)
    assert 0.24 < sound < 0.32


def test_answers_have_the_form_of_the_domain(drafts):
    for draft in drafts:
        flaw, better = parts(draft)
        assert (flaw == "none") == ("Flaw: none" in draft.prompt.reference.contains)
        assert flaw == "none" or flaw.endswith(".")
        assert len(f"{flaw} {better}".split()) <= DOMAIN.settings.length.max


def test_prompts_end_with_a_user_and_show_the_draft(drafts):
    chats = [draft for draft in drafts if len(draft.prompt.messages) > 1]
    assert 0.15 < len(chats) / len(drafts) < 0.25
    assert all([m.role for m in draft.prompt.messages] == ["user", "assistant", "user"] for draft in chats)
    assert all(draft.prompt.messages[0].role == "user" for draft in drafts)
    texts = [draft.prompt.messages[0].content for draft in drafts if len(draft.prompt.messages) == 1]
    assert not [text for text in texts if "{" in re.sub(r"print\(.*", "", text)]
    assert len(Counter(" ".join(text.split()[:2]) for text in texts)) > 150


def test_neither_the_draft_nor_a_constant_verdict_is_right(drafts):
    for draft in drafts:
        flaw, better = parts(draft)
        turned = "It is off." if flaw == "none" else "none"
        assert VERIFIER(draft.prompt, f"Flaw: {turned}\nBetter: {better}", DOMAIN)["right"] == 0
        if flaw != "none" and len(draft.prompt.messages) == 3:
            said = draft.prompt.messages[1].content
            assert VERIFIER(draft.prompt, f"Flaw: {flaw}\nBetter: {said}", DOMAIN)["right"] == 0, draft


def test_training_and_measurement_share_no_prompt_wording_or_fact():
    frames, general, facts = part("_frames"), part("_general"), part("_facts")
    for name in ("QUESTION", "TASK", "NOTES", "CHECK", "REVIEW"):
        mine, theirs = getattr(frames, name), getattr(frames, f"{name}_HELD")
        assert not set(mine) & (set(theirs) - {"user > {q}\nmodel > {d}"})
    assert not any(set(relation.asked) & set(relation.held) for relation in facts.RELATIONS)
    rows = {fact for relation in facts.RELATIONS for fact in general.facts_of(relation.name)}
    asked = [some(5000, held_out=held_out) for held_out in (False, True)]
    assert not {d.prompt.text for d in asked[0]} & {d.prompt.text for d in asked[1]}
    kinds = {relation.name for relation in facts.RELATIONS}
    stated = [{parts(d)[1] for d in of_kind(side, *kinds)} for side in asked]
    assert len(rows) > 650
    assert not stated[0] & stated[1]


def test_no_prompt_of_the_domain_is_made(drafts):
    def plain(prompt):
        return " ".join(re.findall(r"\w+", prompt.text.casefold()))

    assert not {plain(prompt) for prompt in DOMAIN.prompts} & {plain(draft.prompt) for draft in drafts}


def test_every_fact_has_wrong_values_that_are_not_right():
    general, facts = part("_general"), part("_facts")
    for relation in facts.RELATIONS:
        rows = general.facts_of(relation.name)
        assert len({row[0] for row in rows}) == len(rows), relation.name
        assert all(row[3] and row[2] not in row[3] and "{v}" in row[1] for row in rows), relation.name
        assert relation.said or all("|" not in row[1] for row in rows)


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        (r"(\d+) x (\d+) is (\d+)\.", lambda a, b: a * b),
        (r"(\d+) \+ (\d+) is (\d+)\.", lambda a, b: a + b),
        (r"(\d+) - (\d+) is (\d+)\.", lambda a, b: a - b),
        (r"(\d+) divided by (\d+) is (\d+)\.", lambda a, b: a / b),
        (r"(\d+)% of (\d+) is (\d+)\.", lambda a, b: a * b / 100),
        (r"(\d+) to the power of (\d+) is (\d+)\.", lambda a, b: a**b),
        (r"(\d+) of (\d+) is (\d+)%\.", lambda a, b: 100 * a / b),
    ],
    ids=["times", "plus", "minus", "divided", "percent", "power", "share"],
)
def test_sums_are_right(drafts, pattern, value):
    found = [m for d in of_kind(drafts, "sum", "percent") if (m := re.fullmatch(pattern, parts(d)[1]))]
    assert len(found) > 10
    for match in found:
        *given, result = map(int, match.groups())
        assert value(*given) == result


def test_a_wrong_value_is_named_beside_the_right_one(drafts):
    for draft in of_kind(drafts, "sum", "capital", "units", "time", "roman"):
        flaw, better = parts(draft)
        if flaw != "none":
            named = re.fullmatch(re.escape(better.rstrip(".")) + r", not (.+)\.", flaw)
            assert named, draft.answer
            # Units are shown as words between the value and the end of the draft.
            assert named[1].casefold() in draft.prompt.text.casefold()


def test_times_are_right(drafts):
    length = re.compile(r"(?:(\d+) hours? ?(?:and )?)?(?:(\d+) minutes)? after (\d+):(\d\d) is (\d+):(\d\d)\.")
    found = [m for d in of_kind(drafts, "time") if (m := length.fullmatch(parts(d)[1]))]
    assert len(found) > 50
    for match in found:
        hours, minutes, hour, minute, end, rest = (int(group or 0) for group in match.groups())
        assert (hour + hours) * 60 + minute + minutes == end * 60 + rest


def test_weekdays_are_right(drafts):
    days = part("_sums_data").DAYS
    found = [
        m
        for d in of_kind(drafts, "calendar")
        if (m := re.fullmatch(r"The day (?:(\d+) days )?(after|before) (\w+) is (\w+)\.", parts(d)[1]))
    ]
    assert len(found) > 30
    for steps, way, start, end in (match.groups() for match in found):
        moved = int(steps or 1) * (1 if way == "after" else -1)
        assert days[(days.index(start) + moved) % 7] == end


def test_the_value_of_code_is_what_python_says(drafts):
    found = [m for d in of_kind(drafts, "code") if (m := re.fullmatch(r"(.+) gives (.+)\.", parts(d)[1]))]
    assert len(found) > 200
    for match in found:
        assert repr(eval(match[1])).strip("'") == match[2].strip("'")  # noqa: S307 - expressions of our own generator


def test_counted_letters_are_right(drafts):
    counted = re.compile(r"The letter (\w) occurs (\d+) times? in '(\w+)'\.")
    found = [m for d in of_kind(drafts, "letters") if (m := counted.fullmatch(parts(d)[1]))]
    assert len(found) > 20
    assert all(match[3].count(match[1]) == int(match[2]) for match in found)


def test_lists_keep_to_what_was_asked(drafts):
    limits = part("_limits_data")
    broken = {row.rule: row.broken.split(", ") for row in limits.EXCLUDED}
    for draft in of_kind(drafts, "excluded"):
        flaw, better = parts(draft)
        rules = [rule for rule in broken if rule in draft.prompt.text]
        items = better.casefold().rstrip(".").split(", ")
        assert any(not set(items) & {item.casefold() for item in broken[rule]} for rule in rules)
        assert flaw == "none" or any(item in flaw for rule in rules for item in broken[rule])
    for draft in of_kind(drafts, "order"):
        items = parts(draft)[1].rstrip(".").split(", ")
        if all(item.isdigit() for item in items):
            assert [*map(int, items)] == sorted(map(int, items), reverse="largest to smallest" in draft.prompt.text)
        elif "alphabetical" in draft.prompt.text:
            assert [item.casefold() for item in items] == sorted(item.casefold() for item in items)


def test_short_answers_keep_to_the_number_of_words_and_sentences(drafts):
    for draft in of_kind(drafts, "too long"):
        (limit,) = {int(number) for number in re.findall(r"(\d+) words", draft.prompt.text)}
        assert len(parts(draft)[1].split()) <= limit
    counts = {"one": 1, "two": 2, "three": 3}
    for draft in of_kind(drafts, "sentences"):
        wanted = counts[re.search(r"(one|two|three) sentence", draft.prompt.text, re.IGNORECASE)[1].casefold()]
        assert len(re.findall(r"\.(?: |$)", parts(draft)[1])) == wanted
    assert all("!" not in parts(draft)[1] for draft in of_kind(drafts, "exclamation mark"))
    for draft in of_kind(drafts, "case"):
        better = parts(draft)[1]
        assert better == (better.upper() if "upper case" in draft.prompt.text.casefold() else better.lower())


def test_a_reply_agrees_with_the_notes_that_stand_in_the_prompt(drafts):
    for draft in of_kind(drafts, "notes"):
        kept = [text for text in draft.prompt.reference.contains if text != "Flaw: none"]
        assert all(text.casefold() in draft.prompt.text.casefold() for text in kept)
        assert all(text in parts(draft)[1] for text in kept)


def test_the_domain_names_generator_and_verifier():
    settings = DOMAIN.settings
    assert (settings.verifier, settings.generate.generator, settings.generate.share) == ("mended", "reflection", 0.75)
    assert "generated" in {source.key for source in settings.sources}
    assert json.loads(some(1)[0].prompt.model_dump_json())["reference"]["contains"]
