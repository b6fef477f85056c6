"""The ``llamacpp`` teacher: any GGUF file in llama.cpp, with concurrent chats in its slots (extra ``llamacpp``).

Imports of ``conch_dna`` wait inside functions: ``conch --help`` loads this file.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cached_property
from typing import TYPE_CHECKING, Any

from conch_dna import hookimpl
from conch_dna.errors import TeacherError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from conch_dna.plugin.protocols import TeacherFactory, TeacherRequest
    from conch_dna.records import Completion, Prompt, Sampling

SLOTS = 8
CONTEXT = 1536  # tokens per slot: the domain's context, the prompt and the answer


class LlamaCppTeacher:
    """Answers with a GGUF model; each slot caches the domain's context between prompts."""

    capabilities = frozenset({"text", "soft"})

    def __init__(self, request: TeacherRequest) -> None:
        if request.model is None:
            raise TeacherError(
                "needs a model", where="teacher llamacpp", next_step="Write llamacpp:MODEL, a .gguf file"
            )
        self.domain, self.ref = request.domain, request.model
        self._server: Any = None

    @cached_property
    def path(self) -> Path:
        """The GGUF file, downloaded on first use."""
        from conch_dna.models.refs import gguf_file

        return gguf_file(self.ref)

    @cached_property
    def fingerprint(self) -> str:
        """The digests of the weights and of the context."""
        from conch_dna.records import digest_of
        from conch_dna.util.files import sha256_file

        return f"llamacpp:{digest_of([sha256_file(self.path), self.domain.context_digest])}"

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield answers as they finish.

        :raises TeacherError: llama.cpp is not installed, or refused a request.
        """
        server = self._start()
        pool = ThreadPoolExecutor(SLOTS)
        try:
            jobs = [pool.submit(self._ask, server, prompt, sampling) for prompt in prompts]
            for job in as_completed(jobs):
                yield job.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def close(self) -> None:
        """Stop the server and release the weights."""
        self._server = None

    def _start(self) -> Any:
        if self._server is not None:
            return self._server
        try:
            import xllamacpp
        except ImportError as error:
            raise TeacherError(
                "xllamacpp is not installed", where="teacher llamacpp", next_step="pip install 'conch-dna[llamacpp]'"
            ) from error
        from conch_dna.util.threads import cores

        options = xllamacpp.CommonParams()
        options.model.path = str(self.path)
        options.n_parallel, options.n_ctx = SLOTS, SLOTS * CONTEXT
        options.cpuparams.n_threads = options.cpuparams_batch.n_threads = cores()
        options.cache_ram_mib, options.warmup, options.verbosity = 0, False, 0
        self._server = xllamacpp.Server(options)
        return self._server

    def _ask(self, server: Any, prompt: Prompt, sampling: Sampling) -> Completion:
        from conch_dna.align.served_logprobs import soft_tokens
        from conch_dna.records import Completion

        request = {
            "messages": self.domain.with_context(prompt),
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed,
            "cache_prompt": True,
        }
        if sampling.top_log_probs:
            request |= {"logprobs": True, "top_logprobs": sampling.top_log_probs}
        reply = server.handle_chat_completions(request)
        data = json.loads(reply) if isinstance(reply, str | bytes) else reply
        if "choices" not in data:
            raise TeacherError("llama.cpp refused a request", where=f"prompt {prompt.digest[:12]}", got=str(data)[:200])
        choice = data["choices"][0]
        return Completion(
            prompt=prompt.digest,
            text=choice["message"]["content"],
            finish_reason="length" if choice["finish_reason"] == "length" else "stop",
            teacher=self.fingerprint,
            sampling=sampling,
            soft=soft_tokens(choice) if sampling.top_log_probs else (),
        )


@hookimpl
def register_teachers() -> Mapping[str, TeacherFactory]:
    """Provide the teacher."""
    return {"llamacpp": LlamaCppTeacher}
