"""``conch eval`` counts right answers of neurons, adapters of runs, checkpoints, the base and recorded teachers."""

import json
import re
import shutil
from html.parser import HTMLParser

import pytest
from projects import here, write_neuron, write_project

from conch_dna.domains.domain import load_domain
from conch_dna.models.load import load
from conch_dna.records import Completion, Sampling
from conch_dna.registry.card import CardFields
from conch_dna.registry.store import Registry

PLUGIN = """
from conch_dna import hookimpl
from conch_dna.plugin.protocols import Draft, Question
from conch_dna.records import Message, Prompt, Reference, Tool

TOOLS = (Tool(name="now"),)


def some(prompt, response, domain):
    if not prompt.reference.contains:
        return None
    return {"right": float(len(response) % 2), "says something": float(bool(response))}


def counting(seed, *, held_out=False):
    for number in range(1000):
        turn = Message(role="user", content=f"Count {number}")
        yield Draft(Prompt(messages=(turn,), reference=Reference(contains=("x",))), "x", "numbers")


class Calls:
    domain, max_tokens = "alpha", 4

    def questions(self):
        asked = [Prompt(messages=(Message(role="user", content=f"Time {i}?"),), tools=TOOLS) for i in range(5)]
        return [Question(prompt, lambda answer: {"right": float(answer.startswith("{"))}) for prompt in asked]


@hookimpl
def register_verifiers():
    return {"some": some}


@hookimpl
def register_generators():
    return {"counting": counting}


@hookimpl
def register_question_sets():
    return {"calls": Calls()}
"""


@pytest.fixture
def project(tmp_path, student, own_cache):
    """A project with a verified domain, a published neuron, an adapter that is not published, and a recording."""
    base = load(str(student))
    project = write_project(tmp_path / "project", student, "alpha", plugins=PLUGIN)
    toml = project / "domains/alpha/domain.toml"
    generate = '[generate]\ngenerator = "counting"\n'
    toml.write_text(toml.read_text().replace("[scorers]", f'verifier = "some"\n{generate}[scorers]'))
    fields = CardFields(
        base=base.ref, base_digest=base.digest, teacher="t", teacher_fingerprint="t", data_digest="d", tool_form=2,
        config={"held_out": 0.25},
    )  # fmt: skip
    for name, seed in (("alpha", 0), ("other", 1)):
        Registry(project / "adapters").publish(name, write_neuron(tmp_path / name, base.model, seed), fields)
    run = project / "runs/mine"
    write_neuron(run / "alpha/adapter", base.model, 0)
    about = {"config": {"student": base.ref, "held_out": 0.25}, "domains": ["alpha"]}
    (run / "config.json").write_text(json.dumps(about))
    return project


def evaluated(project, *args):
    result = here(project, "eval", *args, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def rows_of(project, *args):
    return {(row["neuron"], row["set"], row["held"]): row for row in evaluated(project, *args)["rows"]}


def test_a_neuron_is_measured_on_natural_and_generated_prompts_and_compared_with_the_base(project):
    rows = rows_of(project, "alpha", "--n", 6)
    assert list(rows) == [("alpha", "natural", False), ("alpha", "generated", False)]
    base = rows_of(project, "base", "--domain", "alpha", "--n", 6)
    for kind in ("natural", "generated"):
        row, of_base = rows["alpha", kind, False], base["base", kind, False]
        assert row["right"]["count"] == 6
        assert row["right"]["figures"].keys() == {"says something"}
        assert row["difference"]["right"] == of_base["right"]["right"]
        assert row["difference"]["value"] == pytest.approx(row["right"]["right"] - of_base["right"]["right"])
        assert (of_base["difference"], of_base["tokens"]) == (None, 0), "the base's answers were kept"
        assert row["tokens_per_second"] > 0


def test_without_a_number_all_natural_prompts_and_two_hundred_generated_ones_are_asked(project):
    rows = rows_of(project, "alpha", "--against", "none")
    held_out = {kind: row["right"]["count"] for (_, kind, _), row in rows.items()}
    assert held_out["generated"] == 200
    assert 2 < held_out["natural"] < 15
    assert all(row["difference"] is None for row in rows.values())


def test_an_adapter_that_is_not_published_and_a_folder_give_the_answers_of_the_neuron(project):
    found = [
        evaluated(project, ref, "--n", 4)["rows"]
        for ref in ("alpha", "alpha@1", "mine/alpha", str(project / "runs/mine/alpha/adapter"))
    ]
    for rows in found:
        for row, first in zip(rows, found[0], strict=True):
            assert (row["right"], row["difference"], row["domain"]) == (first["right"], first["difference"], "alpha")


def test_a_checkpoint_of_a_run_is_evaluated(project):
    done = here(project, "distill", "alpha", "--run", "trained", "--steps", "4", "--max-harm", "100")
    assert done.exit_code in {0, 3}, done.stderr
    last = rows_of(project, "trained/alpha/checkpoints/000004", "--n", 6)
    adapter = rows_of(project, "trained/alpha", "--n", 6)
    for (_, kind, _), row in last.items():
        assert row["domain"] == "alpha"
        assert row["right"] == adapter["trained/alpha", kind, False]["right"]


def test_where_prompts_offer_tools_answers_are_free_and_held(project):
    assert list(rows_of(project, "alpha", "--on", "calls")) == [("alpha", "calls", False), ("alpha", "calls", True)]
    assert list(rows_of(project, "alpha", "--on", "calls", "--held")) == [("alpha", "calls", True)]
    assert list(rows_of(project, "base", "--on", "calls", "--free", "--n", 2)) == [("base", "calls", False)]
    report = evaluated(project, "alpha", "--on", "calls", "--held", "--against", "other")
    assert (report["on"], report["rows"][0]["difference"]["against"]) == ("calls", "other")


def test_every_neuron_of_the_registry_is_measured_or_left_out_with_its_reason(project):
    report = evaluated(project, "--all", "--n", 2)
    assert {row["neuron"] for row in report["rows"]} == {"alpha"}
    (reason,) = report["left_out"]
    assert reason.startswith("other: other: its domain is not known")
    assert rows_of(project, "other", "--domain", "alpha", "--n", 2).keys() == {
        ("other", "natural", False), ("other", "generated", False),
    }  # fmt: skip


def test_a_domain_that_is_faulty_or_too_small_stops_no_other(project):
    domains = project / "domains"
    for name, prompts in (("small", 3), ("broken", 12)):
        shutil.copytree(domains / "alpha", domains / name)
        toml, file = domains / name / "domain.toml", domains / name / "prompts.jsonl"
        toml.write_text(toml.read_text().replace('name = "alpha"', f'name = "{name}"'))
        file.write_text("".join(file.read_text().splitlines(keepends=True)[:prompts]))
    toml.write_text("unheard = 1\n" + toml.read_text())
    report = evaluated(project, "base", "--n", 2)
    assert {row["domain"] for row in report["rows"]} >= {"alpha"}
    assert [why for why in report["left_out"] if why.startswith("base on small: too few held-out prompts")]
    assert "base on broken: the domain is faulty; conch domains check broken says why" in report["left_out"]
    assert evaluated(project, "alpha", "--n", 2)["rows"]
    refused = here(project, "eval", "base", "--domain", "broken", "--n", 2)
    assert (refused.exit_code, "unheard" in refused.stderr) == (1, True), refused.stderr


def test_another_verifier_judges_what_the_domains_own_has_verified(project):
    (natural,) = evaluated(project, "base", "--domain", "alpha", "--verifier", "facts", "--n", 2)["rows"][:1]
    assert natural["right"]["figures"].keys() == {"facts kept", "facts invented"}


def test_a_teachers_recorded_answers_are_measured_where_there_are_any(project):
    domain = load_domain(project / "domains/alpha")
    (domain.folder / "recorded").mkdir()
    lines = [
        Completion(prompt=p.digest, text="odd" if i % 2 else "even", teacher="t", sampling=Sampling()).model_dump_json()
        for i, p in enumerate(domain.prompts)
    ]
    (domain.folder / "recorded/mine.jsonl").write_text("\n".join(lines) + "\n")
    report = evaluated(project, "teacher", "--domain", "alpha")
    (row,) = report["rows"]
    assert (row["neuron"], row["set"], row["tokens"]) == ("teacher", "natural", None)
    assert 0 < row["right"]["right"] < 1
    assert report["left_out"] == ["teacher on generated of alpha: it has no answers to these prompts"]
    echo = rows_of(project, "teacher", "--domain", "alpha", "--teacher", "echo", "--n", 3)
    assert [row["right"]["count"] for row in echo.values()] == [3, 3]


def test_a_file_of_prompts_is_asked(project, tmp_path):
    lines = [
        {"messages": [{"role": "user", "content": "2 + 2?"}], "reference": {"answer": "4"}},
        {"messages": [{"role": "user", "content": "Hello"}]},
    ]
    file = tmp_path / "mine.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for args in (["alpha"], ["other"], ["base"]):
        ((_, name, held),) = rows_of(project, *args, "--on", file)
        assert (name, held) == ("mine.jsonl", False)


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["nobody"], 1, "no such neuron; got nobody; allowed: alpha, other"),
        (["mine/beta"], 1, "no such neuron or adapter; got mine/beta"),
        (["alpha", "--on", "trivia"], 1, "--on: no such set of prompts; got trivia; allowed: heldout, bfcl, calls"),
        (["alpha", "--domain", "beta"], 1, "no such domain; got beta"),
        (["alpha", "--verifier", "vibes"], 1, "no verifier is named 'vibes'"),
        (["alpha", "--against", "nobody"], 1, "no such neuron; got nobody"),
        (["other"], 2, "other: its domain is not known"),
        ([], 2, "conch eval: name the neurons, or say --all"),
        (["alpha", "--all"], 2, "conch eval: name the neurons, or say --all"),
    ],
)
def test_an_unknown_name_gets_one_clear_line(project, args, code, message):
    result = here(project, "eval", *args)
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert (result.exit_code, len(errors)) == (code, 1)
    assert errors[0].startswith(f"error: {message}")


def test_the_table_is_followed_by_wrong_answers_and_files_have_them_all(project, tmp_path):
    failures, html = tmp_path / "wrong.jsonl", tmp_path / "report.html"
    result = here(project, "eval", "alpha", "--n", 8, "--failures", failures, "--html", html)
    assert result.exit_code == 0, result.stderr
    rows = [json.loads(line) for line in failures.read_text().splitlines()]
    assert rows
    assert all(row["figures"]["right"] == 0 and row["against"] is not None for row in rows)
    assert rows[0].keys() >= {"prompt", "reference", "answer", "neuron", "set"}
    assert "natural" in result.stdout
    assert result.stdout.count("wrong, ") == min(3, len(rows))
    assert f"All wrong answers: {failures}" in result.stdout
    page = html.read_text()
    assert page.count("<details>") == len(rows)


class Tags(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def test_the_page_runs_nothing_and_loads_nothing(project, tmp_path):
    attack = "</pre><script>alert(1)</script><img src=x onerror=alert(2)> ${on} $rows"
    file, html = tmp_path / "a <b> & c.jsonl", tmp_path / "report.html"
    line = {"messages": [{"role": "user", "content": attack}], "reference": {"answer": attack}}
    file.write_text(json.dumps(line) + "\n")
    assert here(project, "eval", "alpha", "--on", file, "--html", html).exit_code == 0
    page, found = html.read_text(), Tags()
    found.feed(page)
    assert not {"script", "img", "iframe", "link", "a", "b"} & set(found.tags)
    assert not [name for name in found.attributes if name.startswith("on") or name in {"src", "href"}]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "${on} $rows" in page
    assert "a &lt;b&gt; &amp; c.jsonl" in page
    assert not re.search(r"https?://", page)
