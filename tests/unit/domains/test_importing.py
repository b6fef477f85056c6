"""An import keeps usable conversations, counts the others by reason, and is atomic."""

import errno
import json
import tomllib

import pytest
from projects import here, write_project, write_student

from conch_dna.data.splits import split
from conch_dna.data.tokens import encode_answer
from conch_dna.domains.check import faults_of
from conch_dna.domains.discovery import domain_folders
from conch_dna.domains.domain import load_domain
from conch_dna.domains.importing import Limits, import_chats
from conch_dna.domains.recordings import RecordingCard, find_recording
from conch_dna.errors import DataError, DiskError
from conch_dna.models.load import load_tokenizer
from conch_dna.util import files
from conch_dna.util.files import sha256_file

LIMITS = Limits(None, 120, 0.25)


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return write_student(tmp_path_factory.mktemp("student") / "model")


@pytest.fixture(scope="module")
def tokenizer(student):
    return load_tokenizer(str(student))


def row(ask, give, **more):
    return {"messages": [{"role": "user", "content": ask}, {"role": "assistant", "content": give}], **more}


def write(path, rows):
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in rows))
    return path


GOOD = [row(f"What is {i}?", f"It is {i}, number {i}.", id=i) for i in range(30)]


@pytest.fixture
def imported(tmp_path, tokenizer):
    def call(rows=GOOD, limits=LIMITS, name="mine", **options):
        source = write(tmp_path / "chats.jsonl", rows)
        return import_chats(source, tmp_path / "domains" / name, tokenizer, limits, **options)

    return call


def test_an_import_is_a_sound_domain_with_its_recording(imported, tmp_path, tokenizer):
    made = imported(licence='CC "0"')
    assert (made.rows, made.kept, made.dropped, made.faults) == (30, 30, {}, ())
    domain = load_domain(tmp_path / "domains/mine")
    (source,) = domain.settings.sources
    assert (source.key, source.licence, source.sha256) == ("imported", 'CC "0"', sha256_file(tmp_path / "chats.jsonl"))
    assert str(tmp_path) not in (domain.folder / "domain.toml").read_text(), "no path of this machine"
    recording = find_recording(domain)
    assert [recording.answers[p.digest].text for p in domain.prompts] == [f"It is {i}, number {i}." for i in range(30)]
    card = RecordingCard.model_validate_json((domain.folder / "recorded/imported.card.json").read_text())
    assert (card.teacher, card.prompts, card.kept, card.context) == ("imported", 30, 30, domain.context_digest)
    examples = [encode_answer(tokenizer, p, recording.answers[p.digest].text) for p in domain.prompts]
    assert made.tokens.most == max(len(e.ids) for e in examples)
    assert domain.settings.max_tokens == made.answer_tokens.most == max(len(e.answer_ids) for e in examples)
    assert (made.answer_words.fewest, domain.settings.length.min, domain.settings.length.max) == (5, 5, 5)


def test_the_figures_are_those_of_what_is_kept(imported, tmp_path):
    long = {"messages": [{"role": "system", "content": "S"}, *GOOD[0]["messages"], *GOOD[1]["messages"]]}
    made = imported([*GOOD, long])
    assert made.turns == {2: 30, 5: 1}
    assert made.roles == {"user": 32, "assistant": 32, "system": 1}
    assert made.unread == {"id": 30}
    parts = split(load_domain(tmp_path / "domains/mine").prompts, 0.25)
    assert (made.train, made.held_out, made.share) == (len(parts.train), len(parts.held_out), 0.25)


def test_every_row_that_is_left_out_is_counted_by_its_reason(imported):
    rows = [
        *GOOD, GOOD[3], row("What is 3?", "Another."), "{", '"x"', {"text": "x"}, row("Q", " "), row(" ", "A"),
        {"messages": [{"role": "user", "content": "Q"}]}, row("Tell all.", "word " * 200),
    ]  # fmt: skip
    made = imported(rows)
    assert made.kept + sum(made.dropped.values()) == made.rows == len(rows)
    assert made.dropped == {
        "duplicate": 2, "not JSON": 1, "not a JSON object": 1, "no conversation": 1, "empty answer": 1,
        "faulty turns": 1, "no answer": 1, "longer than max_length 120": 1,
    }  # fmt: skip
    assert made.faults[0] == "row 31: the same prompt as an earlier row"
    assert any(fault.startswith("row 37: messages[0]: empty content") for fault in made.faults)


def test_a_prompt_whose_first_answer_cannot_be_kept_is_kept_with_its_next(imported):
    made = imported([row("Tell all.", "word " * 200), row("Tell all.", "No."), row("Tell all.", "Yes.")])
    assert (made.kept, made.dropped) == (1, {"longer than max_length 120": 1, "duplicate": 1})


def test_tools_and_references_are_imported_with_their_prompts(imported, tmp_path, tokenizer):
    tool = {"name": "now", "parameters": {"type": "object", "properties": {}}}
    call = {"id": "c", "type": "function", "function": {"name": "now", "arguments": "{}"}}
    asked = {"messages": [{"role": "user", "content": "Time?"}, {"role": "assistant", "tool_calls": [call]}]}
    made = imported(
        [*GOOD, asked | {"tools": [{"type": "function", "function": tool}], "reference": {"calls": [{"name": "now"}]}}],
        LIMITS._replace(max_length=400),
    )
    assert (made.kept, made.tools, made.references, made.unread) == (31, 1, 1, {"id": 30})
    domain = load_domain(tmp_path / "domains/mine")
    prompt = domain.prompts[-1]
    assert ([t.name for t in prompt.tools], prompt.reference.calls[0].name) == (["now"], "now")
    assert find_recording(domain).answers[prompt.digest].text == '{"tool": "now", "arguments": {}}'
    assert made.tokens.most == len(encode_answer(tokenizer, prompt, '{"tool": "now", "arguments": {}}').ids)
    assert faults_of(domain, ("length", "diversity", "task_completion", "coherence")) == []


def test_a_column_that_another_was_named_for_is_unread(imported):
    made = imported([row("Q?", "No.", traj=row("What?", "Yes.")["messages"])], column="traj")
    assert (made.kept, made.unread) == (1, {"messages": 1})


def test_only_the_first_faults_are_listed(imported):
    made = imported([*GOOD, *["{"] * 50])
    assert (len(made.faults), made.dropped) == (20, {"not JSON": 50})


def test_a_limit_bounds_what_is_kept(imported, tmp_path):
    made = imported(["{", *GOOD], LIMITS._replace(rows=7))
    assert (made.kept, made.rows) == (7, 8)
    assert len(load_domain(tmp_path / "domains/mine").prompts) == 7


@pytest.mark.parametrize("name", ['it\'s "quoted" \\ ü \x7f\x1f.jsonl', "a\nb", "not utf-8 \udcff"], ids=ascii)
def test_a_strange_file_name_makes_a_sound_domain(tmp_path, tokenizer, name):
    import_chats(write(tmp_path / name, GOOD), tmp_path / "mine", tokenizer, LIMITS)
    data = tomllib.loads((tmp_path / "mine/domain.toml").read_text())
    sound = name.replace("\udcff", "?")
    assert data["description"] == f"conversations from {sound}"


def test_nothing_usable_is_refused_with_the_reasons(imported, tmp_path):
    with pytest.raises(DataError) as caught:
        imported([{"traj": GOOD[0]["messages"]}])
    assert "row 1: has none of the columns messages, conversations, conversation; columns: traj" in str(caught.value)
    assert str(caught.value).endswith("; got no conversation 1. Name the column of the turns with --column")
    assert not (tmp_path / "domains").exists()
    assert imported([{"traj": GOOD[0]["messages"]}], column="traj").kept == 1
    with pytest.raises(DataError, match=r"contains no usable conversation; got no row$"):
        imported([], name="none")
    with pytest.raises(DataError, match=r"\(row 1: not JSON\); got not JSON 30; allowed: JSON lines, a JSON array, "):
        imported(["a,b"] * 30, name="table")


def test_a_conversation_that_the_template_refuses_is_counted(tmp_path, tokenizer):
    class Picky:
        """The tiny tokenizer with a template that knows no system turn."""

        def __getattr__(self, name):
            return getattr(tokenizer, name)

        def apply_chat_template(self, messages, **options):
            from jinja2 import TemplateError

            if messages[0]["role"] == "system":
                raise TemplateError("no system turns")
            return tokenizer.apply_chat_template(messages, **options)

    source = write(tmp_path / "x.jsonl", [*GOOD, row("Q?", "A.", system="S")])
    made = import_chats(source, tmp_path / "mine", Picky(), LIMITS)
    assert (made.kept, made.dropped) == (30, {"not for this chat template": 1})
    assert "no system turns" in made.faults[0]


def test_a_folder_that_is_there_is_left_alone(imported, tmp_path):
    (tmp_path / "domains/mine").mkdir(parents=True)
    with pytest.raises(DataError, match="mine: already exists"):
        imported()
    assert list((tmp_path / "domains").rglob("*")) == [tmp_path / "domains/mine"]


def test_a_full_disk_leaves_nothing(imported, tmp_path, monkeypatch):
    def full(path):
        if path.name == "prompts.jsonl":
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "fsync_path", full)
    with pytest.raises(DiskError, match="mine: cannot be written; got No space left on device"):
        imported()
    assert list((tmp_path / "domains").iterdir()) == []


def test_a_killed_import_leaves_no_domain(tmp_path):
    from conch_dna.plugin.manager import PluginHost

    for name in (".mine.abcd1234", "mine"):
        (tmp_path / "domains" / name).mkdir(parents=True)
        (tmp_path / "domains" / name / "domain.toml").write_text("")
    assert list(domain_folders(PluginHost(), tmp_path)) == ["mine"]


# --- the command ---


@pytest.fixture
def project(tmp_path, monkeypatch, student):
    monkeypatch.delenv("CONCH_STRICT", raising=False)
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    write(tmp_path / "chats.jsonl", [*GOOD, "{"])
    return write_project(tmp_path / "p", student, teacher="recorded", max_length=120, steps=2)


def test_an_import_is_shown_checked_and_trained_on(project, tmp_path):
    made = here(project, "domains", "import", tmp_path / "chats.jsonl", "--name", "mine")
    assert made.exit_code == 0, made.output
    lines = made.stdout.splitlines()
    assert lines[0] == f"mine: 30 of 31 rows kept in {project / 'domains/mine'}"
    assert lines[1] == "  dropped   not JSON 1"
    assert lines[2].endswith("(set to 25%)")
    assert made.stderr == "row 31: not JSON\n"
    trained = here(project, "distill", "mine", "--json")
    assert trained.exit_code in {0, 3}, trained.output
    (one,) = json.loads(trained.stdout)["results"]
    assert one["train_prompts"] == int(lines[2].split()[1])


def test_an_import_as_json(project, tmp_path):
    found = json.loads(here(project, "domains", "import", tmp_path / "chats.jsonl", "--name", "m", "--json").stdout)
    assert (found["kept"], found["dropped"], found["name"]) == (30, {"not JSON": 1}, "m")


def test_an_import_too_small_to_be_trained_on_says_so(project, tmp_path):
    words = ("domains", "import", tmp_path / "chats.jsonl", "--limit", 1, "--json", "--name")
    made = here(project, *words, "small")
    assert made.exit_code == 0, made.stderr
    assert "warning: small has too few prompts for training: too few held-out prompts; got" in made.stderr
    assert json.loads(made.stdout)["kept"] == 1
    assert "warning" not in here(project, *words[:3], "--name", "large").stderr


def test_an_extractor_added_to_an_import_takes_its_answers(project, tmp_path):
    here(project, "domains", "import", tmp_path / "chats.jsonl", "--name", "mine")
    with (project / "domains/mine/domain.toml").open("a") as file:
        file.write('[extract]\nkind = "regex"\npattern = "number (\\\\d*[1-9])"\n')
    result = here(project, "distill", "mine", "--json")
    assert result.exit_code in {0, 3}, result.output
    assert json.loads(result.stdout)["results"][0]["no_final_answer"] == 1, "that of 0"


@pytest.mark.parametrize(
    ("name", "message"),
    [("../x", "not a domain name; got ../x"), ("A", "not a domain name"), ("thinking", "that name already exists")],
)
def test_an_invalid_or_taken_name_is_refused(project, tmp_path, name, message):
    result = here(project, "domains", "import", tmp_path / "chats.jsonl", "--name", name)
    assert result.exit_code == 1
    assert message in result.stderr
    assert not (project / "x").exists()
