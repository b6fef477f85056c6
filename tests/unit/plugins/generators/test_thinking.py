"""The ``thinking`` generator makes problems whose steps are exact and whose answers are the only right ones."""

import datetime as dt
import importlib
import json
import random
import re
from collections import Counter
from itertools import islice, permutations

import pytest

from conch_dna.agent.calculator import calculate
from conch_dna.domains.domain import load_domain
from conch_dna.domains.generation import NamedGenerator, generate
from conch_dna.domains.near_duplicates import Index, overlaps
from conch_dna.plugin.manager import load_plugins
from conch_dna.util.files import bundled_dir

CATALOG = load_plugins().catalog
GENERATOR = CATALOG.get("generators", "thinking")
VERIFIER = CATALOG.get("verifiers", "answer")
DOMAIN = load_domain(bundled_dir("domains") / "thinking")
SIDES = pytest.mark.parametrize("held_out", [False, True], ids=["training", "held out"])

ROOM = "conch_plugins.generators"
MAIN = importlib.import_module(f"{ROOM}._thinking") if list(islice(GENERATOR(0), 1)) else None
FRAMES = importlib.import_module(f"{ROOM}._thinking_frames")
WORDS = importlib.import_module(f"{ROOM}._thinking_data")
STEPS = importlib.import_module(f"{ROOM}._thinking_steps")
CHAIN_WORDS = importlib.import_module(f"{ROOM}._thinking_chains_data")
PUZZLE_WORDS = importlib.import_module(f"{ROOM}._thinking_logic_data")


def drafts(count, seed=0, *, held_out=False):
    return list(islice(GENERATOR(seed, held_out=held_out), count))


TRAINING, HELD_OUT = drafts(1500), drafts(1500, held_out=True)
BOTH = pytest.mark.parametrize("made", [TRAINING, HELD_OUT], ids=["training", "held out"])


def question(draft):
    return draft.prompt.messages[-1].content


def equations(draft):
    answer = draft.answer.replace(" x ", " * ")
    return re.findall(r"^\d\. [^=]*?: ([^=:]*(?::\d\d[^=]*)?) = (.+)\.$", answer, flags=re.MULTILINE)


@SIDES
def test_the_same_seed_makes_the_same_drafts(held_out):
    assert drafts(60, 3, held_out=held_out) == drafts(60, 3, held_out=held_out)
    assert drafts(60, 3, held_out=held_out) != drafts(60, 4, held_out=held_out)


@SIDES
def test_nearly_all_drafts_pass_the_check_and_the_verifier(held_out):
    made = generate(DOMAIN, NamedGenerator("thinking", GENERATOR, VERIFIER), 300, seed=1, held_out=held_out)
    assert sum(made.report.rejected.values()) < 15
    assert made.report.distinct_answers > 0.95
    assert len(made.report.kinds) > 50
    assert made.report.near_duplicates < 300 if held_out else made.report.near_duplicates < 60


@BOTH
def test_an_answer_has_numbered_steps_and_one_answer_line(made):
    for draft in made:
        *steps, last = draft.answer.split("\n")
        assert 1 <= len(steps) <= 6
        for place, step in enumerate(steps, 1):
            assert re.fullmatch(rf"{place}\. \S.*\.", step), draft.answer
        assert last == f"Answer: {draft.prompt.reference.answer}"
        assert len(draft.prompt.text.split()) + len(draft.answer.split()) < 180


@BOTH
def test_the_shares_of_easy_and_hard_problems_are_kept(made):
    counts = Counter(min(4, draft.answer.count("\n")) for draft in made)
    for steps, share in {1: 0.3, 2: 0.35, 3: 0.25, 4: 0.1}.items():
        assert counts[steps] / len(made) == pytest.approx(share, abs=0.06)


@BOTH
def test_every_equation_holds_for_the_calculator(made):
    checked = 0
    for draft in made:
        for expression, result in equations(draft):
            if re.search(r":|day", expression):
                continue
            assert float(calculate(expression)) == pytest.approx(float(result), abs=1e-9), draft.answer
            checked += 1
    assert checked > 1500


@BOTH
def test_times_and_weekdays_are_those_of_the_calendar(made):
    seen = Counter()
    start = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)  # a Monday
    for draft in made:
        for expression, result in equations(draft):
            if found := re.fullmatch(r"(\d+):(\d\d) ([+-]) (\d+) min", expression):
                time = start.replace(hour=int(found[1]), minute=int(found[2]))
                time += dt.timedelta(minutes=int(found[3] + found[4]))
                assert f"{time.hour}:{time.minute:02d}" == result
            elif found := re.fullmatch(r"(\d+):(\d\d) - (\d+):(\d\d)", expression):
                hours, minutes, before, past = map(int, found.groups())
                assert f"{60 * (hours - before) + minutes - past} min" == result
            elif found := re.fullmatch(r"(\w+day) ([+-]) (\d+) days", expression):
                days = [start + dt.timedelta(days=place) for place in range(7)]
                (day,) = [day for day in days if f"{day:%A}" == found[1]]
                assert f"{day + dt.timedelta(days=int(found[2] + found[3])):%A}" == result
            else:
                continue
            seen[expression.count(":"), "day" in expression] += 1
    assert len(seen) >= 2
    assert sum(seen.values()) > 20


def test_an_order_puzzle_has_one_order_and_the_answer_follows_from_it():
    puzzles = importlib.import_module(f"{ROOM}._thinking_logic")
    checked = Counter()
    for seed in range(300):
        side, count = seed % 2, 3 + seed % 3 // 2
        problem = puzzles.order(random.Random(seed), count, held_out=bool(side))
        found = re.findall(r"(?:^|[.] )([^.]+?) is (\w+) than ([^.]+?)(?=[.])", problem.question.lower())
        if len(found) < count - 1:  # a race
            continue
        more = problem.steps[0].text.split(" than ")[0].split()[-1]
        entry = next(entry for entry in PUZZLE_WORDS.ORDERS[side] if entry[0] == more)
        facts = [(one, other) if word == entry[0] else (other, one) for one, word, other in found]
        names = sorted({name for fact in facts for name in fact})
        (order,) = [o for o in permutations(names) if all(o.index(a) < o.index(b) for a, b in facts)]
        asked, answer = problem.question.rpartition(". ")[2].lower(), problem.answer.lower()
        said = [name.removeprefix("the ") for name in order]
        if answer in {"yes", "no"}:
            assert (answer == "yes") == (asked.index(order[0]) < asked.index(order[-1]))
        elif "," in answer:
            assert answer == ", ".join(said)
        elif entry[2] in asked or entry[3] in asked:
            assert answer == (said[0] if entry[2] in asked else said[-1])
        else:
            assert answer == said[1]
        checked[count] += 1
    assert min(checked.values()) > 40


def test_who_did_it_is_the_only_one_with_a_single_true_statement():
    puzzles = importlib.import_module(f"{ROOM}._thinking_logic")
    for seed in range(60):
        problem = puzzles.liars(random.Random(seed), 4, held_out=bool(seed % 2))
        said = re.findall(r'(\w+) says: "It was (not )?(\w+)."', problem.question)
        names = [speaker for speaker, _, _ in said]
        true = {
            name: sum(((speaker if who == "me" else who) == name) != bool(denied) for speaker, denied, who in said)
            for name in names
        }
        assert [name for name in names if true[name] == 1] == [problem.answer]


@SIDES
@pytest.mark.parametrize("place", range(len(FRAMES.frames())))
def test_every_template_makes_problems_without_a_fault(place, held_out):
    frame = FRAMES.frames()[place]
    if not (frame.held if held_out else frame.wordings):
        pytest.skip("the template is for the other side")
    rng = random.Random(5)
    for _ in range(12):
        problem = FRAMES.from_frame(frame, rng, held_out=held_out)
        assert problem is not None, f"{frame.kind}: its conditions hardly ever hold"
        assert not re.search(r"[{}#]|  |--", problem.question + problem.text), problem
        assert MAIN.fault_of(problem) == "", problem


def test_training_and_held_out_drafts_share_no_wording_name_or_noun():
    for frame in FRAMES.frames():
        assert frame.held, f"{frame.kind} has no held-out wording"
        assert not set(frame.wordings) & set(frame.held)
    one, other = WORDS.TRAINING, WORDS.HELD_OUT
    assert not set(one.names.split()) & set(other.names.split()) - {"|"}
    assert one.nouns.keys() == other.nouns.keys()
    for key, nouns in one.nouns.items():
        assert not set(nouns.split(",")) & set(other.nouns[key].split(",")), key
    assert not set(one.asides + one.openers + one.closers) & set(other.asides + other.openers + other.closers)
    for module in (CHAIN_WORDS, PUZZLE_WORDS):
        for name, table in vars(module).items():
            if isinstance(table, tuple) and name.isupper() and len(table) == 2 and isinstance(table[0], tuple):
                assert not set(map(str, table[0])) & set(map(str, table[1])), name


def test_held_out_names_are_in_no_training_draft():
    held = set(WORDS.HELD_OUT.names.split()) - {"|"}
    assert held & {word for draft in TRAINING for word in re.findall(r"\w+", draft.prompt.text)} == set()
    rows = " ".join(row["question"] for row in MAIN.gsm8k_rows())
    assert held & set(re.findall(r"\w+", rows)) == set()


def test_questions_of_gsm8k_are_a_third_of_the_training_drafts_and_never_held_out():
    assert 0.25 < sum(draft.kind == "gsm8k" for draft in TRAINING) / len(TRAINING) < 0.4
    assert all(draft.kind != "gsm8k" for draft in HELD_OUT)
    asked = [question(draft) for draft in TRAINING if draft.kind == "gsm8k"]
    assert len(asked) == len(set(asked))


def test_no_question_of_gsm8k_resembles_a_prompt_of_the_domain():
    index = Index(prompt.text for prompt in DOMAIN.prompts)
    assert [row["question"] for row in MAIN.gsm8k_rows() if overlaps(row["question"], index, 0.25)] == []


def test_the_equations_of_gsm8k_are_exact_and_end_in_the_answer():
    rows = [json.loads(line) for line in (DOMAIN.folder / "gsm8k_equations.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) > 1200
    for row in rows:
        results = [STEPS.result_of(expression) for _, expression in row["steps"]]
        assert None not in results
        assert results[-1] == row["answer"]
        assert all(2 <= len(label.split()) <= 5 and not re.search(r"\d", label) for label, _ in row["steps"]), row


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("6 * 7", "42"), ("42 - 3", "39"), ("(5 + 3) * 2", "16"), ("3 / 8", "0.375"), ("0.1 + 0.2", "0.3"),
        ("10 / 4 * 2", "5"),
        ("-5 - 3", "-8"), ("2.50 * 4", "10"), ("1 / 3", None), ("1 / 0", None), ("2 ** 3", None), ("abs(3)", None),
        ("14:50 + 95 min", "16:25"), ("0:10 - 20 min", "23:50"), ("7:25 + 10 min + 5 min", "7:40"),
        ("16:25 - 14:50", "95 min"),
        ("0:10 - 23:50", "20 min"), ("Friday + 10 days", "Monday"), ("Monday - 1 days", "Sunday"), ("", None),
    ],
)  # fmt: skip
def test_an_expression_has_an_exact_result_or_none(expression, result):
    assert STEPS.result_of(expression) == result


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({}, ""),
        ({"answer": "43"}, "the last result is not the answer"),
        ({"steps": (("Cost", "6 * 7", "43"),), "answer": "43"}, "an equation does not hold"),
        ({"question": "What do 6 jars cost?"}, "a number is neither in the question nor a result"),
        ({"question": "What do six jars at seven dollars cost?"}, ""),
    ],
    ids=["right", "another answer", "wrong result", "a number from nowhere", "numbers in words"],
)
def test_the_check_finds_faults(changed, fault):
    steps = tuple(FRAMES.Step(*step) for step in changed.get("steps", (("Cost", "6 * 7", "42"),)))
    asked = changed.get("question", "What do 6 jars at $7 cost?")
    assert MAIN.fault_of(FRAMES.Problem("shopping", asked, steps, changed.get("answer", "42"))) == fault


def test_drafts_are_written_as_people_write():
    asked = [question(draft) for draft in TRAINING]
    assert len({text.split()[0] for text in asked}) > 150
    assert sum(text.islower() for text in asked) > 20
    assert sum(not text.endswith(("?", ".")) for text in asked) > 30
    assert sum(len(draft.prompt.messages) == 3 for draft in TRAINING) > 15
