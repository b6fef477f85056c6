"""A recording keeps the good answers as data, counts the others, and continues after a kill."""

import json

import pytest
from projects import write_domain
from served_logprobs import CHOICES, recorded

from conch_dna.domains.domain import domain_of_file, load_domain
from conch_dna.domains.extract import AnswerExtractor
from conch_dna.domains.recordings import RecordingCard, find_recording
from conch_dna.errors import DataError, TeacherError
from conch_dna.pipeline.record import record_answers
from conch_dna.plugin.manager import PluginHost
from conch_dna.records import Completion, Sampling
from conch_dna.teachers.answer_cache import CompletionCache

SAMPLING = Sampling(max_tokens=8)


class Teacher:
    """Answers with the prompt's number, and otherwise as ``replies`` says; stops after ``limit`` answers."""

    capabilities = frozenset({"text"})
    fingerprint = "numbers:1"

    def __init__(self, domain, replies=None, limit=None):
        self.places = {p.digest: i for i, p in enumerate(domain.prompts)}
        self.replies, self.limit, self.asked = replies or {}, limit, []

    def generate(self, prompts, sampling):
        for prompt in reversed(prompts):
            if self.limit is not None and len(self.asked) >= self.limit:
                raise TeacherError("tired")
            place = self.places[prompt.digest]
            self.asked.append(place)
            reply = {"text": f"answer {place}"} | self.replies.get(place, {})
            yield Completion(prompt=prompt.digest, teacher=self.fingerprint, sampling=sampling, **reply)


@pytest.fixture
def domain(tmp_path):
    return load_domain(write_domain(tmp_path / "tiny", 6))


@pytest.fixture
def keep(domain, tmp_path):
    def call(teacher, about="fake:models/big", least=0.5, scorer=lambda _p, text, _c: float("bad" not in text)):
        heard = []
        cache, extractor = CompletionCache(tmp_path / "cache"), AnswerExtractor(PluginHost(), domain)
        path, card = record_answers(
            domain,
            teacher,
            about,
            SAMPLING,
            {"good": scorer},
            {"good": least},
            cache,
            extractor,
            lambda: heard.append(1),
        )
        return path, card, len(heard)

    return call


def test_good_answers_are_kept_in_the_prompts_order_and_others_counted_by_reason(domain, keep):
    replies = {
        0: {"text": "a bad one"},
        2: {"text": "  "},
        3: {"finish_reason": "length"},
        4: {"text": "bad too"},
    }
    path, card, heard = keep(Teacher(domain, replies))
    assert path == domain.folder / "recorded/big.jsonl"
    assert [json.loads(line)["text"] for line in path.read_text().splitlines()] == ["answer 1", "answer 5"]
    assert card.dropped == {"good below 0.5": 2, "empty": 1, "cut off": 1}
    assert (card.prompts, card.kept, heard) == (6, 2, 6)
    assert RecordingCard.model_validate_json(path.with_suffix(".card.json").read_text()) == card
    assert (card.teacher, card.fingerprint, card.context) == ("fake:models/big", "numbers:1", domain.context_digest)


def test_what_was_kept_is_found_again(domain, keep):
    path, _, _ = keep(Teacher(domain))
    found = find_recording(domain)
    assert [found.answers[p.digest].text for p in domain.prompts] == [f"answer {i}" for i in range(6)]
    before = path.read_text()
    assert keep(Teacher(domain))[0].read_text() == before


def test_a_stopped_recording_asks_only_what_is_missing(domain, keep):
    with pytest.raises(TeacherError, match="tired"):
        keep(Teacher(domain, limit=4))
    assert not (domain.folder / "recorded").exists()
    again = Teacher(domain)
    _, card, _ = keep(again)
    assert sorted(again.asked) == [0, 1]
    assert card.kept == 6


def test_nothing_is_written_when_no_answer_is_good(domain, keep):
    with pytest.raises(DataError, match=r"no answer passed the filter; got good below 0.5 6\. Read the"):
        keep(Teacher(domain, {place: {"text": "bad"} for place in range(6)}))
    assert not (domain.folder / "recorded").exists()


def test_what_to_do_hangs_on_why_most_answers_were_dropped(domain, keep):
    with pytest.raises(DataError, match=r"got cut off 4, good below 0.5 2\. Raise max_tokens"):
        keep(Teacher(domain, {place: {"text": "bad", "finish_reason": "stop" if place < 2 else "length"}
                              for place in range(6)}))  # fmt: skip


def test_of_answers_some_of_which_tell_choices_the_others_are_dropped(domain, tmp_path):
    path, card = recorded(domain, tmp_path / "cache", silent={1, 4})
    assert (card.kept, card.dropped) == (4, {"no choices": 2})
    assert len(path.read_text().splitlines()) == 4
    assert all(answer.soft for answer in find_recording(domain).answers.values())


def test_where_no_answer_tells_choices_the_text_is_kept(domain, tmp_path):
    path, card = recorded(domain, tmp_path / "cache", silent=range(6))
    assert (card.kept, card.dropped) == (6, {})
    assert [p.name for p in sorted(path.parent.iterdir())] == ["big.card.json", "big.jsonl"]


@pytest.mark.parametrize(
    ("sampling", "silent"), [(SAMPLING, ()), (CHOICES, range(6))], ids=["not asked for", "not returned"]
)
def test_choices_are_not_lost_to_a_recording_without_them(domain, tmp_path, sampling, silent):
    path, _ = recorded(domain, tmp_path / "cache")
    before = {p.name: p.read_bytes() for p in path.parent.iterdir()}
    with pytest.raises(DataError, match=r"big.soft.safetensors: has the choices .* Record with --top-log-probs N"):
        recorded(domain, tmp_path / "other", sampling, silent=silent)
    assert {p.name: p.read_bytes() for p in path.parent.iterdir()} == before
    path.with_suffix(".soft.safetensors").unlink()
    assert recorded(domain, tmp_path / "other", sampling, silent=silent)[1].kept == 6


def test_a_teacher_of_text_is_refused_over_choices_before_it_is_asked(domain, tmp_path, keep):
    recorded(domain, tmp_path / "cache")
    teacher = Teacher(domain)
    with pytest.raises(DataError, match="has the choices"):
        keep(teacher)
    assert teacher.asked == []


@pytest.mark.parametrize(
    ("about", "file"),
    [
        ("echo", "echo.jsonl"),
        ("mlx:org/name", "name.jsonl"),
        ("mlx:models/name/", "name.jsonl"),
        ("llamacpp:embedded:qwen2.5-coder-1.5b", "qwen2.5-coder-1.5b.jsonl"),
    ],
)
def test_the_file_is_named_after_the_model(domain, keep, about, file):
    assert keep(Teacher(domain), about)[0].name == file


def test_a_domain_made_of_a_file_has_no_place_for_a_recording(domain, tmp_path):
    loose = domain_of_file(domain.prompts_file, "loose")
    cache, extractor = CompletionCache(tmp_path), AnswerExtractor(PluginHost(), loose)
    with pytest.raises(DataError, match="domain loose: has no folder to record into"):
        record_answers(loose, Teacher(domain), "x", SAMPLING, {}, {}, cache, extractor, lambda: None)
