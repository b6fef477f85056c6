"""Final answers: extraction, missing answers, faults of plug-ins, and their effect on a run."""

import json

import pytest
from projects import here, write_domain, write_project, write_student
from settings import config_of

from conch_dna.domains.domain import load_domain
from conch_dna.domains.extract import MISSING, AnswerExtractor, as_answered, extract_faults
from conch_dna.domains.recordings import RecordingCard, find_recording
from conch_dna.errors import ConfigError, DataError, PluginError, UnknownName
from conch_dna.pipeline.recipe_choice import choose_recipes
from conch_dna.pipeline.record import record_answers
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Completion, Sampling, SoftToken, digest_of
from conch_dna.teachers.answer_cache import CompletionCache
from conch_dna.teachers.answers import final_answers

TAG = '[extract]\nkind = "xml"\ntag = "answer"\n'
SAMPLING = Sampling(max_tokens=8)
ODD = """
from conch_dna import hookimpl

def last_word(*, least=1):
    return lambda text: next((w for w in reversed(text.split()) if len(w) >= least), None)

def broken():
    return lambda text: 1 / 0

def wrong():
    return lambda text: 7

def refusing(size):
    raise TypeError("a fault of its own")

@hookimpl
def register_extractors():
    return {"last_word": last_word, "broken": broken, "wrong": wrong, "refusing": refusing}
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "odd.py").write_text(ODD)
    return load_plugins(folder, strict=True)


@pytest.fixture
def domain_with(tmp_path):
    def make(table, count=6, more=""):
        folder = tmp_path / "tiny"
        if not folder.exists():
            write_domain(folder, count)
            (folder / "plain.toml").write_text((folder / "domain.toml").read_text())
        (folder / "domain.toml").write_text((folder / "plain.toml").read_text() + table + more)
        return load_domain(folder)

    return make


class Teacher:
    """A teacher that reasons before each answer; ``replies`` replaces its replies to single prompts."""

    capabilities = frozenset({"text"})
    fingerprint = "thinker:1"

    def __init__(self, domain, replies=None):
        self.places = {p.digest: i for i, p in enumerate(domain.prompts)}
        self.replies, self.asked = replies or {}, 0

    def generate(self, prompts, sampling):
        for prompt in prompts:
            self.asked += 1
            place = self.places[prompt.digest]
            reply = {"text": f"Let me think.\n<answer> final {place} </answer>"} | self.replies.get(place, {})
            yield Completion(prompt=prompt.digest, teacher="t", sampling=sampling, **reply)


def completion(text, **more):
    return Completion(prompt="p", text=text, teacher="t", sampling=SAMPLING, **more)


# --- one text ---


def test_without_a_table_the_text_is_taken_whole(host, domain_with):
    domain = domain_with("")
    given = completion(" all of it ")
    assert AnswerExtractor(host, domain).final(given) is given
    assert as_answered(domain, AnswerExtractor(host, domain)) is domain


def test_a_final_answer_is_stripped_marked_and_without_choices(host, domain_with):
    domain = domain_with(TAG)
    soft = (SoftToken(piece="x", choices=(("x", -0.1),)),)
    final = AnswerExtractor(host, domain).final(completion("so <answer> 42\n</answer>", soft=soft))
    assert (final.text, final.soft, final.extracted) == ("42", (), domain.settings.extract.digest)


@pytest.mark.parametrize("text", ["none", "<answer> \n </answer>"], ids=["no tag", "blank"])
def test_a_text_without_one_has_none(host, domain_with, text):
    assert AnswerExtractor(host, domain_with(TAG)).final(completion(text)) is None


def test_a_lone_surrogate_is_not_an_answer(host, domain_with):
    extractor = AnswerExtractor(host, domain_with('[extract]\nkind = "json"\npath = "a"\n'))
    assert extractor.take('{"a": "\\ud83d\\ude00"}') == "😀"
    assert extractor.take('{"a": "\\ud83d"}') is None


def test_a_recorded_final_answer_is_not_extracted_again(host, domain_with):
    extractor = AnswerExtractor(host, domain_with(TAG))
    given = completion("42", extracted=extractor.digest)
    assert extractor.final(given) is given


@pytest.mark.parametrize("table", ["", '[extract]\nkind = "last_line"\n'], ids=["none", "another"])
def test_what_another_extractor_took_is_refused(host, domain_with, table):
    taken_by = AnswerExtractor(host, domain_with(TAG)).digest
    with pytest.raises(DataError, match=r"recorded answers were extracted by another extractor.*no new calls"):
        AnswerExtractor(host, domain_with(table)).final(completion("42", extracted=taken_by))


# --- the table ---


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        ('kind = "xlm"', UnknownName, r"no extractor is named 'xlm'.*Did you mean 'xml'\?"),
        ('kind = "xml"', DataError, r"domain tiny, \[extract\]: xml: needs the option 'tag'; allowed: opt"),
        ('kind = "xml"\ntag = "a"\npath = "b"', DataError, r"xml: has no option 'path'; allowed: options: tag"),
        ('kind = "regex"\npatern = "b"', DataError, r"'pattern'; has no option 'patern'; did you mean pattern\?"),
        ('kind = "regex"\npattern = "("', DataError, r"domain tiny, \[extract\]: pattern: not a regular expression"),
        ('kind = "refusing"\nsize = 1', PluginError, "odd.*a fault of its own"),
    ],
    ids=["unknown", "missing", "too many", "misspelt", "wrong", "its own fault"],
)
def test_a_wrong_table_is_reported_before_any_call(host, domain_with, table, error, message):
    domain = domain_with(f"[extract]\n{table}\n")
    with pytest.raises(error, match=message):
        AnswerExtractor(host, domain)
    assert len(extract_faults(host, domain)) == 1


def test_a_table_without_a_kind_is_refused(domain_with):
    with pytest.raises(DataError, match=r"extract.kind is missing"):
        domain_with('[extract]\ntag = "answer"\n')


def test_a_plugins_extractor_is_used_with_its_options(host, domain_with):
    assert AnswerExtractor(host, domain_with('[extract]\nkind = "last_word"\nleast = 3\n')).take("one two of") == "two"


@pytest.mark.parametrize(
    ("kind", "message"), [("broken", "ZeroDivisionError"), ("wrong", "returned a int, not a text")]
)
def test_a_plugins_fault_names_the_plugin(host, domain_with, kind, message):
    with pytest.raises(PluginError, match=f"'odd' failed in hook register_extractors, {kind}: .*{message}"):
        AnswerExtractor(host, domain_with(f'[extract]\nkind = "{kind}"\n')).take("x")


def test_examples_without_a_final_answer_are_a_fault(host, domain_with):
    replies = ["<answer>1</answer>", "2"]
    examples = "".join(f'[[examples]]\nprompt = "p{i}"\nanswer = "{text}"\n' for i, text in enumerate(replies))
    domain = domain_with(TAG, more=examples)
    assert extract_faults(host, domain) == ["domain tiny: [extract] finds no final answer in examples[1]"]
    answered = as_answered(domain, AnswerExtractor(host, domain))
    assert [e.answer for e in answered.settings.examples] == ["1"]
    assert domain.context[-1].content == "2", "the teacher sees them whole"


def test_the_extractor_is_part_of_the_domains_identity(domain_with):
    plain, tagged = domain_with(""), domain_with(TAG)
    assert len({plain.digest, tagged.digest, domain_with(TAG.replace("answer", "final")).digest}) == 3
    prompts = sorted((p.digest, p.reference.model_dump_json()) for p in plain.prompts)
    newer = {"extract", "verifier", "min_right", "generate", "processors", "extends", "replaces"}
    before = plain.settings.model_dump(mode="json", exclude=newer)
    assert plain.digest == digest_of([before, prompts]), "as it was before there were these settings"


# --- many texts ---


def test_unusable_answers_are_yielded_with_the_reason(host, domain_with, tmp_path):
    domain = domain_with(TAG)
    replies = {1: {"text": " "}, 2: {"finish_reason": "length"}, 3: {"text": "no tag"}}
    cache, extractor = CompletionCache(tmp_path / "c"), AnswerExtractor(host, domain)
    found = list(final_answers(Teacher(domain, replies), domain, domain.prompts, SAMPLING, cache, extractor))
    assert [fault for _, fault in found] == [None, "empty", "cut off", MISSING, None, None]
    assert found[0][0].text == "final 0"


def test_another_extractor_costs_no_new_call(host, domain_with, tmp_path):
    cache = CompletionCache(tmp_path / "c")
    texts = []
    for table in (TAG, '[extract]\nkind = "regex"\npattern = "final (\\\\d)"\n', ""):
        domain = domain_with(table)
        teacher = Teacher(domain)
        found = final_answers(teacher, domain, domain.prompts, SAMPLING, cache, AnswerExtractor(host, domain))
        texts.append((next(found)[0].text, len(list(found)), teacher.asked))
    assert texts == [("final 0", 5, 6), ("0", 5, 0), ("Let me think.\n<answer> final 0 </answer>", 5, 0)]


def test_a_recording_keeps_final_answers_and_counts_missing_ones(host, domain_with, tmp_path):
    domain = domain_with(TAG)
    teacher, cache = Teacher(domain, {3: {"text": "no tag"}}), CompletionCache(tmp_path / "c")
    heard = []
    scorers = {"seen": lambda _p, text, _c: heard.append(text) or 1.0}
    path, card = record_answers(
        domain, teacher, "t:big", SAMPLING, scorers, {"seen": 0.5}, cache, AnswerExtractor(host, domain), list
    )
    assert heard == [f"final {i}" for i in (0, 1, 2, 4, 5)], "scorers rate the final answer"
    assert (card.kept, card.dropped, card.extract) == (5, {MISSING: 1}, {"kind": "xml", "tag": "answer"})
    assert RecordingCard.model_validate_json(path.with_suffix(".card.json").read_text()) == card
    assert [c.text for c in find_recording(domain).answers.values()] == heard
    assert not any("soft" in json.loads(line) for line in path.read_text().splitlines())


# --- a whole run ---

THINKER = """
from conch_dna import hookimpl
from conch_dna.records import Completion

class Thinker:
    capabilities = frozenset({"text", "soft"})
    fingerprint = "thinker"

    def __init__(self, request):
        self.silent = int(request.model or 0)

    def generate(self, prompts, sampling):
        for prompt in prompts:
            text = "Hm." if int(prompt.digest, 16) % 100 < self.silent else "Well, it is <answer>noon</answer>, yes."
            yield Completion(prompt=prompt.digest, text=text, teacher="t", sampling=sampling)

    def close(self):
        pass

@hookimpl
def register_teachers():
    return {"thinker": Thinker}
"""


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return write_student(tmp_path_factory.mktemp("student") / "model")


@pytest.fixture
def project(tmp_path, monkeypatch, student):
    monkeypatch.delenv("CONCH_STRICT", raising=False)
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    folder = write_project(tmp_path / "p", student, "alpha", plugins=THINKER, teacher="thinker:20", steps=4)
    with (folder / "domains/alpha/domain.toml").open("a") as file:
        file.write(TAG)
    return folder


@pytest.mark.integration
def test_a_run_trains_on_final_answers_and_counts_the_missing(project, student):
    from conch_dna.data.tokens import encode_answer
    from conch_dna.models.load import load_tokenizer

    result = here(project, "--json-logs", "distill", "alpha", "--json")
    assert result.exit_code in {0, 3}, result.output
    (one,) = json.loads(result.stdout)["results"]
    prompts = load_domain(project / "domains/alpha").prompts
    silent = sum(int(p.digest, 16) % 100 < 20 for p in prompts)
    assert 0 < silent == one["no_final_answer"]
    logs = [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]
    (left_out,) = [entry for entry in logs if entry["event"] == "answers_left_out"]
    assert (left_out["reasons"], left_out["of"]) == ({"no final answer": silent}, len(prompts))
    assert one["recipes"] == ["sft"]
    answer = encode_answer(load_tokenizer(str(student)), prompts[0], "noon").answer_ids
    assert one["tokens"] == 4 * 4 * len(answer), "no thought is trained on"


def test_choices_are_not_trained_on_through_an_extractor(project):
    result = here(project, "distill", "alpha", "--mode", "kd")
    assert result.exit_code == ConfigError.exit_code
    assert "recipe kd needs a teacher that gives soft targets" in result.stderr
    assert "thinker:20 through [extract]: text" in result.stderr


def test_a_teacher_without_final_answers_stops_the_domain(project):
    result = here(project, "distill", "alpha", "--teacher", "thinker:100")
    assert result.exit_code == 1
    assert "30 answers without a final answer" in result.stderr
    assert "Fix [extract] in domain.toml" in result.stderr


@pytest.mark.integration
def test_a_recording_of_final_answers_trains_and_is_refused_by_another_extractor(project):
    made = here(project, "record", "alpha", "--teacher", "thinker", "--require", "length=0")
    assert made.exit_code == 0, made.output
    assert here(project, "domains", "check", "alpha").stdout.count("extract") == 0
    assert here(project, "distill", "alpha", "--teacher", "recorded").exit_code in {0, 3}
    toml = project / "domains/alpha/domain.toml"
    toml.write_text(toml.read_text().replace('tag = "answer"', 'tag = "final"'))
    refused = here(project, "distill", "alpha", "--teacher", "recorded")
    assert refused.exit_code == 1
    assert "the recorded answers were extracted by another extractor" in refused.stderr
    assert "30 answer(s) were extracted by another extractor" in here(project, "domains", "check", "alpha").stderr


@pytest.mark.integration
def test_a_run_of_another_extractor_is_another_run(project):
    toml = project / "domains/alpha/domain.toml"
    for tag in ("answer", "final"):
        toml.write_text(TAG.join(toml.read_text().split(TAG)).replace('tag = "answer"', f'tag = "{tag}"'))
        here(project, "distill", "alpha")
    assert len(list((project / "runs").glob("*/config.json"))) == 2


def test_the_table_is_shown_and_checked(project):
    assert "answer       xml, tag 'answer'" in here(project, "domains", "show", "alpha").stdout
    toml = project / "domains/alpha/domain.toml"
    toml.write_text(toml.read_text().replace('kind = "xml"', 'kind = "xlm"'))
    checked = here(project, "domains", "check", "alpha")
    assert checked.exit_code == 1
    assert "no extractor is named 'xlm'" in checked.stderr


@pytest.mark.parametrize(
    "more",
    [{"top_k"}, {"own_top_k"}, {"soft"}, {"forced"}, {"soft", "replay"}],
    ids=lambda more: "+".join(sorted(more)),
)
def test_text_alone_teaches_through_an_extractor(more):
    capabilities = frozenset({"text", *more})
    mode = choose_recipes(load_plugins().catalog, config_of({}), {"": "t"}, capabilities, 2**40, extracts=True)
    assert (mode.names, mode.reason) == (("sft",), "teacher t through [extract] gives text alone")
    for recipe in ("kd", "on_policy"):
        with pytest.raises(ConfigError, match=rf"recipe {recipe} needs .* through \[extract\]"):
            choose_recipes(
                load_plugins().catalog, config_of({"mode": recipe}), {"": "t"}, capabilities, 2**40, extracts=True
            )
