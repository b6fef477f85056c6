"""Estimates bracket what calls really cost, and count what is cached as free."""

import pytest
from projects import write_domain

from conch_dna.domains.domain import load_domain
from conch_dna.records import Completion, Sampling, to_json_line
from conch_dna.teachers.answer_cache import CompletionCache
from conch_dna.teachers.api.estimate import CACHEABLE, Terms, estimates, in_one_line, recorded_length, verdict_estimates
from conch_dna.teachers.api.judging import VERDICT_TOKENS
from conch_dna.teachers.api.prices import Price, Usage
from conch_dna.teachers.references import RoutedTeacher

PRICE = Price(input="1", output="4", cached_input="0.1", cache_write="1.25", batch="0.5")
ROOM = 10_000  # tokens that the teacher's bound is above the prompt's bytes


class Distant:
    """A teacher with terms; it is never asked."""

    capabilities = frozenset({"text", "soft"})

    def __init__(self, name="far", price=PRICE, **chosen):
        self.fingerprint = name
        self.terms = Terms(
            f"test:{name}", price, lambda prompt: ROOM + len(prompt.text.encode()),
            lambda prompt, answer: len(prompt.text.encode()) + 2 * len(answer), **chosen,
        )  # fmt: skip


class Near:
    """A teacher that runs here."""

    capabilities = frozenset({"text"})
    fingerprint = "near"


@pytest.fixture
def cache(tmp_path):
    return CompletionCache(tmp_path / "completions")


def domain_of(folder, **chosen):
    return load_domain(write_domain(folder / "alpha", **chosen))


def one(teacher, domain, cache, **more):
    (found,) = estimates(teacher, domain, domain.prompts, cache, **more)
    return found


def answer(domain, cache, teacher, prompts, choices=0):
    sampling = Sampling(max_tokens=domain.settings.max_tokens, top_log_probs=choices)
    for prompt in prompts:
        returned = Completion(prompt=prompt.digest, text="x", teacher=teacher.fingerprint, sampling=sampling)
        cache.put(cache.key(teacher, domain, prompt, sampling), returned)


def test_the_high_end_is_the_worst_case_of_each_call(tmp_path, cache):
    domain = domain_of(tmp_path)
    found = one(Distant(), domain, cache)
    bounds = [ROOM + len(p.text.encode()) for p in domain.prompts]
    assert (found.prompts, found.calls, found.cached) == (30, 30, 0)
    assert (found.input_high, found.output_high) == (sum(bounds), 30 * 12)
    assert found.high == sum(PRICE.worst(bound, 12) for bound in bounds)


def test_the_low_end_takes_half_of_the_longest_answer_where_nothing_is_recorded(tmp_path, cache):
    found = one(Distant(), domain_of(tmp_path), cache)
    assert found.output_low == 30 * 6
    assert 0 < found.input_low < found.input_high
    assert found.low == PRICE.cost(Usage(input=found.input_low, output=found.output_low))


def test_the_low_end_takes_the_mean_of_the_recorded_answers(tmp_path, cache):
    domain = domain_of(tmp_path)
    (domain.folder / "recorded").mkdir()
    assert recorded_length(domain) is None
    for name, text in (("one", "x" * 16), ("two", "x" * 32)):
        returned = Completion(prompt=domain.prompts[0].digest, text=text, teacher="t", sampling=Sampling())
        (domain.folder / "recorded" / f"{name}.jsonl").write_text(to_json_line(returned))
    assert recorded_length(domain) == 6
    assert one(Distant(), domain, cache).output_low == 30 * 6
    short = domain_of(tmp_path / "short", max_tokens=4)
    (short.folder / "recorded").mkdir()
    (short.folder / "recorded/one.jsonl").write_text(to_json_line(returned))
    assert one(Distant(), short, cache).output_low == 30 * 4  # no answer is longer than the limit


def test_what_is_answered_costs_nothing_but_only_as_it_would_be_asked(tmp_path, cache):
    domain, teacher = domain_of(tmp_path), Distant()
    answer(domain, cache, teacher, domain.prompts[:10])
    answer(domain, cache, teacher, domain.prompts[10:13], choices=16)
    plain, soft = one(teacher, domain, cache), one(teacher, domain, cache, choices=16)
    assert (plain.cached, plain.calls) == (10, 20)
    assert (soft.cached, soft.calls) == (3, 27)
    answer(domain, cache, teacher, domain.prompts)
    done = one(teacher, domain, cache)
    assert (done.calls, done.low, done.high) == (0, 0, 0)


def test_a_batch_costs_what_the_batch_price_says(tmp_path, cache):
    domain = domain_of(tmp_path)
    plain, batch = one(Distant(), domain, cache), one(Distant(batch=True), domain, cache)
    assert batch.high == pytest.approx(plain.high / 2, abs=30)
    assert batch.low == pytest.approx(plain.low / 2, abs=30)
    assert batch.options == ["batch"]


def test_a_long_context_is_written_to_the_prompt_cache_once_and_read_after_that(tmp_path, cache):
    domain = domain_of(tmp_path, context="word " * CACHEABLE)
    plain, cached = one(Distant(), domain, cache), one(Distant(prompt_caching=True), domain, cache)
    context = -(-len(domain.context[0].content) // 4)
    read = Usage(input=plain.input_low - 30 * context, cache_write=context, cached_input=29 * context, output=180)
    assert cached.low == PRICE.cost(read) < plain.low
    assert cached.high == plain.high


def test_a_short_context_is_in_no_prompt_cache(tmp_path, cache):
    domain = domain_of(tmp_path)
    assert one(Distant(prompt_caching=True), domain, cache).low == one(Distant(), domain, cache).low


def test_of_several_teachers_each_that_costs_is_counted_with_its_own_prompts(tmp_path, cache):
    domain = domain_of(tmp_path)
    routed = RoutedTeacher({"": Near(), "test": Distant("one")})
    assert [(e.model, e.prompts) for e in estimates(routed, domain, domain.prompts, cache)] == [("test:one", 30)]
    assert estimates(Near(), domain, domain.prompts, cache) == []


def test_one_line_says_calls_cache_and_the_range(tmp_path, cache):
    domain, teacher = domain_of(tmp_path), Distant()
    answer(domain, cache, teacher, domain.prompts[:10])
    line = in_one_line(estimates(teacher, domain, domain.prompts, cache))
    assert line.startswith("test:far: 20 calls, 10 cached, $0.00076 to $0.26")
    assert one(teacher, domain, cache).model_dump(mode="json")["high"].startswith("0.2")


def test_verdicts_are_counted_in_both_orders_with_two_answers_each(tmp_path):
    domain = domain_of(tmp_path)
    prompts = domain.prompts[:5]
    (found,) = verdict_estimates(Distant(), domain, prompts, 4)
    sizes = [len(p.text.encode()) + 2 * 4 * 12 for p in prompts]
    assert (found.asked, found.prompts, found.calls) == ("verdicts", 5, 5 * 2 * 4)
    assert (found.input_high, found.output_high) == (8 * sum(sizes), 40 * VERDICT_TOKENS)
    assert found.high == 8 * sum(PRICE.worst(size, VERDICT_TOKENS) for size in sizes)
    assert 0 < found.low < found.high / 4
    assert in_one_line([found]).startswith("test:far, verdicts: 40 calls at most, $0")
    (halved,) = verdict_estimates(Distant(batch=True), domain, prompts, 4)
    assert halved.high == pytest.approx(found.high / 2, abs=40)


def test_each_comparison_is_two_calls(tmp_path):
    domain = domain_of(tmp_path)
    (found,) = verdict_estimates(Distant(), domain, domain.prompts, 3)
    assert found.calls == 30 * 2 * 3
    assert verdict_estimates(Near(), domain, domain.prompts, 4) == []
