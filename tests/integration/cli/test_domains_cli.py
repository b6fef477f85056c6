"""``conch domains`` lists, shows, checks, counts and grows the domains of plug-ins and project."""

import json

import pytest
from click.testing import CliRunner

from conch_dna.cli.main import cli
from conch_dna.domains.rewritten import read_rewritten

NAMES = ["action", "debug", "memory", "reflection", "task", "thinking"]
TEACHER = '''
from conch_dna import hookimpl
from conch_dna.records import Completion

class Counting:
    """Proposes prompts that only count."""

    capabilities = frozenset({"text"})
    fingerprint = "counting"

    def __init__(self, request):
        self.most, self.written = int(request.model or 100), 0

    def generate(self, prompts, sampling):
        for prompt in prompts:
            numbers = range(self.written, min(self.most, self.written + 5))
            lines = [f"Tell{n} me{n} about{n} number{n} {n}" for n in numbers]
            self.written += 5
            yield Completion(prompt=prompt.digest, text="\\n".join(lines), teacher="t", sampling=sampling)

    def score(self, prompts, answers, top_k):
        raise NotImplementedError

    def close(self):
        pass

@hookimpl
def register_teachers():
    return {"counting": Counting}
'''


@pytest.fixture(autouse=True)
def project(monkeypatch, tmp_path):
    """A project with one domain of its own, two prompts strong, and a teacher."""
    for name in ("CONCH_STRICT", "CONCH_BLOCK"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "conch.toml").write_text('[plugins]\ndir = "plugins"\n')
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "counting.py").write_text(TEACHER)
    folder = tmp_path / "domains" / "mine"
    folder.mkdir(parents=True)
    (folder / "domain.toml").write_text(
        'name = "mine"\ndescription = "counts"\n[[sources]]\nkey = "unknown"\norigin = "me"\nlicence = "MIT"\n'
    )
    lines = [
        json.dumps({"messages": [{"role": "user", "content": f"Count on from {n}, quickly now"}]}) for n in range(8)
    ]
    (folder / "prompts.jsonl").write_text("\n".join([lines[0], lines[5].replace("quickly now", "but slowly")]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*args):
    return CliRunner().invoke(cli, ["domains", *args])


def shown_json(*args):
    result = run(*args, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_list_has_bundled_and_own_domains():
    rows = {row["name"]: row for row in shown_json("list")}
    assert list(rows) == sorted([*NAMES, "mine"])
    assert (rows["mine"]["prompts"], rows["mine"]["description"], rows["mine"]["error"]) == (2, "counts", None)
    assert rows["action"]["task_type"] == "tool_call"
    assert "mine            2  generic    counts" in run("list").stdout


def test_a_faulty_domain_does_not_hide_the_others(project):
    (project / "domains" / "mine" / "prompts.jsonl").write_text("{")
    result = run("list")
    assert result.exit_code == 0
    assert "FAULTY: " in result.stdout
    assert "thinking" in result.stdout


def test_a_domain_is_shown_with_its_context(project):
    text = run("show", "action").stdout
    assert "[system]" in text
    assert '"calculator"' in text
    (project / "domains" / "mine" / "recorded").mkdir()
    (project / "domains" / "mine" / "recorded" / "big.jsonl").write_text("")
    assert shown_json("show", "mine")["recordings"] == ["big"]
    assert "recordings   big" in run("show", "mine").stdout
    assert len(shown_json("show", "mine")["data_digest"]) == 64


@pytest.mark.parametrize("command", [["show", "mnie"], ["stats", "mnie"], ["check", "mnie"],
                                     ["grow", "mnie", "--teacher", "counting", "--n", "1"]])  # fmt: skip
def test_a_wrong_name_is_answered_with_the_right_ones(command):
    result = run(*command)
    assert result.exit_code == 1
    assert "no such domain; got mnie; allowed: action, debug, memory, mine" in result.stderr


def test_sound_domains_pass_the_check():
    result = run("check", "mine", "thinking")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == ["mine: 2 prompts, no fault", "thinking: 219 prompts, no fault"]


def test_the_check_lists_all_faults_of_all_domains(project):
    own = project / "domains" / "mine"
    (own / "prompts.jsonl").write_text('{\n{"messages": []}\n')
    with (own / "domain.toml").open("a") as file:
        file.write("[length]\nmin = 9\nmax = 3\n")
    broken = project / "broken"
    broken.mkdir()
    (broken / "domain.toml").write_text("x = ")
    result = run("check", "mine", "broken", "thinking")
    assert result.exit_code == 1
    assert "thinking: 219 prompts, no fault" in result.stdout
    for words in ("length.min 9", "line 1: not JSON", "line 2: messages must be", "is not TOML", "3 fault(s)"):
        assert words in result.stderr


def test_a_folder_or_a_prompts_file_can_be_checked(project):
    own = project / "domains" / "mine"
    assert run("check", "domains/mine").exit_code == 0
    assert run("check", str(own / "prompts.jsonl")).exit_code == 0
    (own / "prompts.jsonl").write_text("{")
    assert run("check", str(own / "prompts.jsonl")).exit_code == 1


def test_figures_are_counted(project):
    figures = shown_json("stats", "mine")["mine"]
    assert figures["prompts"] == 2
    assert figures["turns"] == {"1": 2}
    assert figures["sources"] == {"unknown": 2}
    assert figures["commonest_start"] == {"words": "count on", "share": 1.0}
    text = run("stats").stdout
    assert "thinking: 219 prompts" in text
    assert "mine: 2 prompts" in text


def test_the_projects_held_out_share_is_used(project):
    with (project / "conch.toml").open("a") as file:
        file.write("[distill]\nheld_out = 0.5\n")
    assert "(set to 50%)" in run("stats", "mine").stdout


def test_a_domain_grows_into_readable_files_and_goes_on(project):
    own = project / "domains" / "mine"
    first = run("grow", "mine", "--teacher", "counting", "--n", "12", "--seed", "3")
    assert first.exit_code == 0, first.output
    assert f"{own / 'grown.jsonl'}: 12 of 12 prompts" in first.stdout
    second = run("grow", "mine", "--teacher", "counting:60", "--n", "30")
    assert "30 of 30 prompts" in second.stdout
    assert "proposals dropped" in second.stdout
    assert "near-duplicate" in (own / "grown.dropped.jsonl").read_text()
    assert run("check", str(own / "grown.jsonl")).exit_code == 0


def test_growing_says_when_nothing_new_comes(project):
    avoid = project / "evaluation.txt"
    avoid.write_text("Tell0 me0 about0 number0 0\n")
    out = project / "out.jsonl"
    result = run("grow", "mine", "--teacher", "counting:4", "--n", "9", "--out", str(out), "--avoid", str(avoid))
    assert result.exit_code == 0
    assert "3 of 9 prompts" in result.stdout
    assert "Stopped: the last rounds produced no new prompt." in result.stdout
    assert "a text of evaluation.txt" in (project / "out.dropped.jsonl").read_text()


REPHRASER = '''
from conch_dna import hookimpl
from conch_dna.records import Completion

class Rephraser:
    """Says a memory's message in other words, and knows what to remember of it."""

    capabilities = frozenset({"text"})

    def __init__(self, request):
        self.fingerprint = f"rephraser {request.domain.name}"

    def generate(self, prompts, sampling):
        for prompt in prompts:
            said = prompt.messages[-1].content
            known = "- " + said.removeprefix("btw ")
            text = "btw " + said.splitlines()[0].partition(": ")[2] if said.startswith("Message:") else known
            yield Completion(prompt=prompt.digest, text=text, teacher="t", sampling=sampling)

    def close(self):
        pass

@hookimpl
def register_teachers():
    return {"rephraser": Rephraser}
'''


def test_generated_prompts_are_rewritten_into_the_projects_domain_and_trained_on(project, monkeypatch):
    monkeypatch.setenv("CONCH_CACHE", str(project / "cache"))  # no answers of an earlier rephraser
    (project / "plugins" / "rephraser.py").write_text(REPHRASER)
    own = project / "domains" / "memory"
    own.mkdir()
    (own / "domain.toml").write_text(
        'name = "memory"\nextends = "memory"\n[generate]\ngenerator = "memory"\nshare = 0.5\nrewritten = 0.2\n'
    )
    result = run("rewrite", "memory", "--teacher", "rephraser", "--n", "12")
    assert result.exit_code == 0, result.output
    assert f"{own / 'rewritten.jsonl'}: 12 of 12 prompts" in result.stdout
    assert f"{own / 'rewritten.dropped.jsonl'}: dropped " in result.stdout
    assert len(read_rewritten(own / "rewritten.jsonl")) == 12
    assert run("check", "memory").exit_code == 0
    (own / "rewritten.jsonl").write_text("{}\n")
    assert "answer and original must be texts" in run("check", "memory").output


@pytest.mark.parametrize(
    ("name", "fault"),
    [("mine", "the domain names no generator"), ("memory", "is outside the project, so nothing is written there")],
)
def test_rewriting_needs_a_generator_and_a_folder_of_the_project(name, fault):
    result = run("rewrite", name, "--teacher", "counting", "--n", "1")
    assert result.exit_code == 1
    assert fault in result.stderr


def test_a_teacher_that_is_not_there_is_named():
    result = run("grow", "mine", "--teacher", "nobody:x", "--n", "1")
    assert result.exit_code == 1
    assert "no teacher is named 'nobody'" in result.stderr
