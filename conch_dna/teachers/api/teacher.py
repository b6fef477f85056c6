"""A teacher behind an API: the part that is the same for all providers.

A provider's plug-in brings a :class:`~conch_dna.teachers.api.provider_client.ProviderClient`, which calls its API.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog

from conch_dna.align.served_logprobs import answer_in, is_absent
from conch_dna.errors import ConfigError, TeacherError
from conch_dna.plugin.protocols import TeacherRequest
from conch_dna.records import SCHEMA_VERSION, Completion, Sampling, digest_of
from conch_dna.teachers.answer_cache import CompletionCache, answers
from conch_dna.teachers.api.batches import run_batch
from conch_dna.teachers.api.call import Call, Reply
from conch_dna.teachers.api.calls import Caller
from conch_dna.teachers.api.estimate import Terms
from conch_dna.teachers.api.judging import VERDICT_TOKENS, agreed, comparison, judging_domain, verdict_in
from conch_dna.teachers.api.keys import host_of, is_here, key_of
from conch_dna.teachers.api.prices import FREE, price_of
from conch_dna.teachers.api.probe import probe
from conch_dna.teachers.api.provider_client import Abilities, chat_of, could_be
from conch_dna.util.cache_lock import writing
from conch_dna.util.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from conch_dna.records import Prompt, SoftToken
    from conch_dna.teachers.api.context import ApiContext
    from conch_dna.teachers.api.metrics import Metrics
    from conch_dna.teachers.api.prices import Price
    from conch_dna.teachers.api.provider_client import Answer, Chat, ProviderClient
    from conch_dna.teachers.api.settings import Endpoint

PROBED_FOR = 86_400  # seconds: engines are started anew, with other settings
log = structlog.get_logger()


class ApiTeacher:
    """Answers by API calls that are reserved in the ledger, paced, retried, counted and cached.

    :param kind: the class of the provider's client.
    """

    def __init__(self, kind: type[ProviderClient], request: TeacherRequest) -> None:
        self.kind, self.domain = kind, request.domain
        self.where = f"teacher {kind.provider}"
        if request.model is None:
            raise TeacherError("needs a model", where=self.where, next_step=f"Write {kind.provider}:MODEL")
        self.model, self._api = request.model, request.api
        self.note = f"{kind.provider}:{self.model}"

    # Resources.

    @property
    def api(self) -> ApiContext:
        """The context from the command.

        :raises TeacherError: there is none: this command calls no API.
        """
        if self._api is None:
            raise TeacherError("this command calls no API", where=self.where,
                               next_step="Record its answers with conch record")  # fmt: skip
        return self._api

    @cached_property
    def endpoint(self) -> Endpoint:
        """The settings of the endpoint."""
        return self.api.settings.endpoint(self.kind.provider)

    @property
    def base_url(self) -> str:
        """The URL of the endpoint."""
        return self.endpoint.base_url or self.kind.official

    @cached_property
    def client(self) -> ProviderClient:
        """The client of the endpoint; looks up the key.

        :raises ConfigError: there is no key for this host, or it is asked by plain http.
        """
        key = key_of(self.kind.provider, self.base_url, self.kind.official)
        return self.kind(self.model, self.base_url, self.endpoint, key)

    @cached_property
    def price(self) -> Price:
        """The prices of the model; free on this machine, unless a price is configured or listed."""
        prices, free = self.api.settings.prices, is_here(self.base_url)
        return price_of(self.kind.provider, self.model, overrides=prices, free=free)

    @property
    def terms(self) -> Terms:
        """The data for an estimate; nothing is sent."""

        def bound(prompt: Prompt) -> int:
            return chat_of(self.domain, prompt, Sampling(), 0).input_tokens

        def compared(prompt: Prompt, answer: str) -> int:
            question = comparison(self.domain.context, prompt, answer, answer)
            return chat_of(judging_domain(self.domain), question, Sampling(), 0).input_tokens

        endpoint = self.endpoint
        return Terms(self.note, self.price, bound, compared, endpoint.batch, endpoint.prompt_caching)

    @property
    def metrics(self) -> Metrics:
        """The metrics of the domain."""
        return self.api.metrics(self.domain.name)

    @cached_property
    def caller(self) -> Caller:
        """The sender of the calls.

        :raises ConfigError: they cost money, and there is no budget.
        """
        if not self.price.free and self.api.settings.budget is None:
            raise ConfigError("its calls cost money, and there is no budget", where=f"teacher {self.note}",
                              next_step="Add --budget USD, such as --budget 5; see conch estimate")  # fmt: skip
        if self.price is FREE and self.api.is_new(f"free {self.note}"):
            log.info("calls_free", teacher=self.note, base_url=self.base_url, reason="endpoint on this machine")
        ledger = None if self.price.free else self.api.ledger
        pace = self.api.pace(self.kind.provider, host_of(self.base_url), self.kind.counts)
        return Caller(
            self.price, ledger, self.endpoint, pace, self.metrics, self.note, self.base_url, self.kind.official
        )

    @property
    def fingerprint(self) -> str:
        """Provider, model, the domain's context, and the address where it is not the provider's own."""
        return f"{self.kind.provider}:{digest_of([self._identity, self.domain.context_digest])}"

    @property
    def _identity(self) -> list[str]:
        url = self.kind.official if self._api is None else self.base_url
        # The path too: some hosts have other models at each.
        return [self.model, "" if url == self.kind.official else f"{host_of(url)}{urlsplit(url).path}"]

    @property
    def capabilities(self) -> frozenset[str]:
        """The capabilities that a probe found."""
        return frozenset(self.abilities.capabilities)

    @cached_property
    def abilities(self) -> Abilities:
        """The result of a probe, at most a day old. Offline: that of any earlier probe, or else the provider's maximum.

        :raises TeacherError: the endpoint gives no answer.
        """
        kept = self._probed()
        if kept is not None:
            return kept
        if self.api.offline:
            return could_be(self.kind)
        found = probe(self.client, self.caller, self.endpoint.turn)
        write_atomic(self._probe_file, found.model_dump_json() + "\n")
        log.info("signal_probed", teacher=self.note, signals=list(found.capabilities),
                 choices=found.top, echo=found.echo or None, without=list(found.without))  # fmt: skip
        return found

    def _probed(self) -> Abilities | None:
        """Return the result of an earlier probe; ``None`` if there is none, or it is too old or damaged."""
        file = self._probe_file
        try:
            if self.api.offline or time.time() - file.stat().st_mtime < PROBED_FOR:
                return Abilities.model_validate_json(file.read_bytes())
        except (FileNotFoundError, ValueError):
            pass
        return None

    @property
    def supposed(self) -> bool:
        """True if the abilities are the provider's maximum: the teacher is offline and was never probed."""
        return self.api.offline and self._probed() is None

    @property
    def _probe_file(self) -> Path:
        about = [SCHEMA_VERSION, self.kind.provider, self.base_url, self.model, self.endpoint.turn]
        return self.api.cache / "api" / "probes" / f"{digest_of(about)}.json"

    # Answers.

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield answers as they arrive; no answer is lost, and calls that fail permanently are skipped.

        :raises TeacherError: too many calls failed, or the log-probabilities are unusable.
        :raises BudgetReached: the next call may exceed the budget.
        """
        top = min(sampling.top_log_probs, self.abilities.top)
        chats = {p.digest: chat_of(self.domain, p, sampling, top) for p in prompts}
        for prompt, answer in self._answered(chats):
            if top:
                self._check_signal([answer.soft] if answer.soft else [])
            yield Completion(prompt=prompt, text=answer.text, finish_reason=answer.finish_reason,
                             teacher=self.fingerprint, sampling=sampling, soft=answer.soft)  # fmt: skip

    def score_text(self, prompts: Sequence[Prompt], texts: Sequence[str], top: int) -> list[tuple[SoftToken, ...]]:
        """Return the tokens of each text, read as the answer to its prompt, with their likeliest choices.

        Cached like answers. The tuple is empty for a text that the endpoint did not return unchanged.
        """
        top = min(top, self.abilities.top)
        sampling = Sampling(max_tokens=1, top_log_probs=top)
        cache = CompletionCache.within(self.api.cache)
        chats = [chat_of(self.domain, prompt, sampling, top) for prompt in prompts]
        how = [self.abilities.echo, self.endpoint.turn]
        # "forced" is part of existing cache keys: renaming it would lose paid answers
        keys = [digest_of([SCHEMA_VERSION, "forced", self.fingerprint, how, chat.messages, text, top])
                for chat, text in zip(chats, texts, strict=True)]  # fmt: skip
        about = {key: (p, chat, text) for key, p, chat, text in zip(keys, prompts, chats, texts, strict=True)}
        with writing(cache.root):
            found = {key: kept.soft for key in about if (kept := cache.get(key))}
            self.answers_reused(len(found))
            calls = [self._echo(key, chat, text) for key, (_, chat, text) in about.items() if key not in found]
            for call, reply in self._run(calls):
                prompt, _, text = about[call.key]
                self._check_signal([reply.value] if reply.value else [])
                cache.put(call.key, Completion(prompt=prompt.digest, text=text, teacher=self.fingerprint,
                                               sampling=sampling, soft=reply.value))  # fmt: skip
                found[call.key] = reply.value
        return [found.get(key, ()) for key in keys]

    def prefer(self, prompts: Sequence[Prompt], firsts: Sequence[str], seconds: Sequence[str]) -> list[int | None]:
        """Return which answer to each prompt is better, 0 or 1; ``None`` for a tie or no verdict."""
        context = self.domain.context
        domain = judging_domain(self.domain)
        judge = ApiTeacher(self.kind, TeacherRequest(domain, self.model, api=self.api))
        orders = [(firsts, seconds), (seconds, firsts)]
        asked = [[comparison(context, *each) for each in zip(prompts, *order, strict=True)] for order in orders]
        every = list({question.digest: question for row in asked for question in row}.values())
        cache = CompletionCache.within(self.api.cache)
        sampling = Sampling(max_tokens=VERDICT_TOKENS + self.abilities.thinks)
        with closing(judge):
            verdicts = {a.prompt: verdict_in(a.text) for a in answers(judge, domain, every, sampling, cache)}
        rows = [[verdicts.get(question.digest) for question in row] for row in asked]
        return [agreed(*pair) for pair in zip(*rows, strict=True)]

    def answers_reused(self, count: int) -> None:
        """Count answers that were already on disk; they cost nothing."""
        if count:
            self.metrics.count(cached=count)
            self._note()

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        if "client" in vars(self):
            self.client.close()
            del self.client

    # Calls.

    def _answered(self, chats: Mapping[str, Chat]) -> Iterator[tuple[str, Answer]]:
        """Yield the answers to chats by their keys, with one call each or in one batch."""
        if self.endpoint.batch:
            yield from run_batch(self, chats)
            return
        calls = [self.call(key, chat) for key, chat in chats.items()]
        for call, reply in self._run(calls):
            yield call.key, reply.value

    def call(self, key: str, chat: Chat) -> Call:
        """Return the call for a chat."""
        client, abilities = self.client, self.abilities
        most = chat.sampling.max_tokens
        return Call(key, chat.input_tokens, most, lambda timeout: client.ask(chat, abilities, timeout))

    def _echo(self, key: str, chat: Chat, text: str) -> Call:
        client, abilities = self.client, self.abilities

        def send(timeout: float) -> Reply:
            reply = client.echoed(chat, text, abilities, timeout)
            return replace(reply, value=answer_in(reply.value, text, abilities.trail) or ())

        return Call(key, chat.with_answer(text, self.endpoint.turn).input_tokens, 1, send)

    def _run(self, calls: Sequence[Call]) -> Iterator[tuple[Call, Reply]]:
        """Yield each call with its reply, and update the progress line."""
        if calls:
            for call, reply in self.caller.run(calls):
                yield call, reply
                self._note()

    def _note(self) -> None:
        text, limit = self.metrics.text(None if self.price.free else self.api.ledger), self.caller.pace.held_by
        self.api.note(f"{text} · waits for {limit}" if limit else text)

    def _check_signal(self, answers: Sequence[Sequence[SoftToken]]) -> None:
        """Check log-probabilities; if they are unusable, the endpoint is probed again next time.

        :raises TeacherError: they are no usable signal.
        """
        if answers and (why := is_absent(answers)):
            self._probe_file.unlink(missing_ok=True)
            raise TeacherError(f"its log-probabilities are no usable signal: {why}", where=f"teacher {self.note}",
                               next_step="Train on its text with --mode sft, or use another endpoint")  # fmt: skip
