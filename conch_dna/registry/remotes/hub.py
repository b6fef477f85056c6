"""Neurons in model repositories of the Hugging Face hub: one repository per neuron, one commit per version.

The files are at the root of the repository, where PEFT and mlx-lm expect them. ``current`` is the main branch; any
other alias is a git tag. The hub's own library finds the token (``HF_TOKEN``, ``hf auth login``).
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, TypeVar

from conch_dna.errors import NeuronRefused, RegistryError, UnknownName
from conch_dna.models.refs import HUB_ID
from conch_dna.registry.aliases import CURRENT
from conch_dna.registry.card import CARD_FILE, CONTENT_FILES, README_FILE
from conch_dna.registry.remotes.base import CHUNK, MAX_CARD, Offer, PushResult, card_from, public_url, reaching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from huggingface_hub.hf_api import ModelInfo

    from conch_dna.registry.entry import Entry
    from conch_dna.util.progress import Progress

# huggingface_hub, tenacity and httpx2 are imported in the functions: they are optional, and slow to import.
SCHEME = "hf://"
ATTEMPTS = 4
READ_TIMEOUT = 30.0  # seconds without a byte
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
# Files that the hub's forms create; a repository with only these holds no other model.
_HARMLESS = frozenset({".gitattributes", README_FILE, "LICENSE"})
_MAIN = "main"

T = TypeVar("T")


class Hub:
    """A repository of the hub; see :class:`conch_dna.registry.remotes.base.Remote`.

    :param url: ``hf://OWNER/REPO``.
    :param public: allow pushes to a public repository, and create a new one as public.
    :raises RegistryError: the URL has another form, or the hub's packages are not installed.
    """

    def __init__(self, url: str, *, public: bool = False) -> None:
        self.repo = url.removeprefix(SCHEME).rstrip("/")
        if not HUB_ID.fullmatch(self.repo):
            raise RegistryError("not a hub repository", got=public_url(url), allowed="hf://OWNER/REPO")
        self.url, self.public = SCHEME + self.repo, public
        with reaching(self.url):
            import tenacity  # noqa: F401 - a missing package is reported now, not during a push
            from huggingface_hub import HfApi

            self.api = HfApi()

    def offers(self) -> list[Offer]:
        """Return the version on the main branch."""
        return [self.find(None, None)]

    def find(self, name: str | None, selector: str | None) -> Offer:
        """Return the version on the main branch, or at a tag, branch or commit."""
        revision = _MAIN if selector in {None, CURRENT} else selector
        with self._hub_errors(revision):
            offer = self._offer(self._info(revision))
        if offer is None:
            raise NeuronRefused("the repository holds no neuron", where=self.url, allowed=f"one with {CARD_FILE}")
        if name not in {None, offer.card.name}:
            raise UnknownName("no such neuron", where=self.url, got=name, allowed=offer.card.name)
        return offer

    def chunks(self, offer: Offer, file: str) -> Iterator[bytes]:
        """Yield the bytes of a file at the commit of ``offer``."""
        with self._hub_errors(offer.location):
            yield from self._read(file, offer.location, offer.sizes[file])

    def send(self, entry: Entry, aliases: Sequence[str], progress: Progress, *, dry_run: bool) -> PushResult:
        """Create the repository if needed, send the version in one commit, and then point the tags at it.

        :raises RegistryError: the repository holds something else, or is public without ``public``, or the hub failed.
        """
        with self._hub_errors():
            info = self._existing()
            revision = self._same(info, entry)
            # The card is not sent last here: a commit is atomic.
            files = () if revision else (*CONTENT_FILES, README_FILE, CARD_FILE)
            sent = PushResult(entry.ref, entry.card.digest, self.url, files, tuple(aliases), revision)
            if dry_run:
                return sent
            if info is None:
                self._retried(self.api.create_repo, self.repo, private=not self.public, exist_ok=True)
            if revision is None:
                revision = self._commit(entry, files, progress)
            for alias in aliases:
                if alias != CURRENT:
                    self._tag(alias, revision)
        return PushResult(entry.ref, entry.card.digest, self.url, files, tuple(aliases), revision)

    def _existing(self) -> ModelInfo | None:
        """Check that the repository may be pushed to; return its main branch, or ``None`` if it has no commit yet.

        :raises RegistryError: it is public, and ``public`` was not given.
        """
        from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

        try:
            info = self._info(_MAIN)
        except RevisionNotFoundError:
            return None  # created, without a commit yet
        except RepositoryNotFoundError as fault:
            if fault.response.status_code == 404:
                return None
            raise
        if not info.private and not self.public:
            raise RegistryError("the repository is public", where=self.url, next_step="Add --public to push to it.")
        return info

    def _same(self, info: ModelInfo | None, entry: Entry) -> str | None:
        """Return the commit of the main branch if it holds this version, else ``None``.

        :raises RegistryError: it holds another neuron, or something else.
        """
        if info is None:
            return None
        there = self._offer(info)
        if there is None:
            others = sorted(file.rfilename for file in info.siblings or () if file.rfilename not in _HARMLESS)
            if others:
                raise RegistryError("the repository holds something else", where=self.url, got=others[0])
            return None
        if there.card.name != entry.name:
            raise RegistryError(
                "the repository holds another neuron",
                where=self.url,
                got=there.card.name,
                allowed=entry.name,
                next_step="Push each neuron to its own repository.",
            )
        same = (there.card.digest, there.card.base_digest) == (entry.card.digest, entry.card.base_digest)
        return there.location if same else None

    def _commit(self, entry: Entry, files: Sequence[str], progress: Progress) -> str:
        from huggingface_hub import CommitOperationAdd

        total = sum((entry.path / file).stat().st_size for file in files)
        progress.stage(entry.ref, "push", total)

        def commit() -> str:
            # New objects for each attempt: the library marks those of a commit as used. Uploaded files stay uploaded,
            # and a commit whose response was lost is recognized by the hub.
            adds = [CommitOperationAdd(path_in_repo=file, path_or_fileobj=entry.path / file) for file in files]
            message = f"{entry.ref}, {entry.card.digest[:19]}"
            return str(self.api.create_commit(self.repo, adds, commit_message=message, repo_type="model").oid)

        revision = self._retried(commit)
        progress.advance(total)
        return revision

    def _tag(self, alias: str, revision: str) -> None:
        """Point a tag at a commit; the hub cannot move a tag, so one at another commit is deleted first."""
        refs = self._retried(self.api.list_repo_refs, self.repo)
        at = {tag.name: tag.target_commit for tag in refs.tags}
        if at.get(alias) == revision:
            return
        if alias in at:
            self._retried(self.api.delete_tag, self.repo, tag=alias)
        self._retried(self.api.create_tag, self.repo, tag=alias, revision=revision, exist_ok=True)

    def _info(self, revision: str | None) -> ModelInfo:
        return self._retried(
            self.api.model_info, self.repo, revision=revision, files_metadata=True, timeout=READ_TIMEOUT
        )  # fmt: skip

    def _offer(self, info: ModelInfo) -> Offer | None:
        """Return the neuron of a revision, or ``None`` if it has none."""
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
        if CARD_FILE not in sizes or info.sha is None:
            return None
        where = f"{self.url}: {CARD_FILE}"
        if sizes[CARD_FILE] > MAX_CARD:
            raise NeuronRefused("card too large", where=where, allowed=f"up to {MAX_CARD} bytes")
        card = card_from(b"".join(self._read(CARD_FILE, info.sha, sizes[CARD_FILE])), where)
        return Offer(card, info.sha, sizes)

    def _read(self, file: str, revision: str, size: int) -> Iterator[bytes]:
        """Yield a file in chunks; an incomplete chunk is requested again."""
        from huggingface_hub import hf_hub_url

        url = hf_hub_url(self.repo, file, revision=revision, endpoint=self.api.endpoint)
        for start in range(0, size, CHUNK):
            yield self._retried(self._piece, url, start, min(start + CHUNK, size))

    def _piece(self, url: str, start: int, stop: int) -> bytes:
        """Return the bytes ``start`` to ``stop`` of a file; a longer response is not read to its end."""
        from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

        asked = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
        data = bytearray()
        with get_session().stream("GET", url, headers=build_hf_headers() | asked, timeout=READ_TIMEOUT) as response:
            hf_raise_for_status(response)
            for part in response.iter_raw():
                data += part
                if len(data) > stop - start:
                    raise RegistryError("the hub sent more bytes than requested", where=self.url, allowed=stop - start)
        return bytes(data)

    def _retried(self, call: Callable[..., T], *args: Any, **named: Any) -> T:
        """Return the result of a request, retried after transient failures; the library retries only some calls."""
        import tenacity

        waits = tenacity.wait_random_exponential(multiplier=1, max=20)
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(ATTEMPTS), wait=waits, retry=tenacity.retry_if_exception(_is_transient),
            reraise=True,
        )  # fmt: skip
        return retrying(call, *args, **named)

    @contextlib.contextmanager
    def _hub_errors(self, revision: str | None = None) -> Iterator[None]:
        """Silence the library, whose warnings contain signed URLs, and turn refusals into errors of one line.

        :param revision: the revision that an error names.
        """
        from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError
        from huggingface_hub.utils import (
            are_progress_bars_disabled,
            disable_progress_bars,
            enable_progress_bars,
            logging,
        )

        level, shown = logging.get_verbosity(), not are_progress_bars_disabled()
        logging.set_verbosity(logging.ERROR)
        disable_progress_bars()
        try:
            with reaching(self.url):
                try:
                    yield
                except RevisionNotFoundError as fault:
                    raise UnknownName("no such tag, branch or commit", where=self.url, got=revision) from fault
                except HfHubHTTPError as fault:
                    code = fault.response.status_code
                    if code not in {401, 403} and not isinstance(fault, RepositoryNotFoundError):
                        raise
                    raise RegistryError(
                        "no such repository, or no access to it",
                        where=self.url,
                        got=f"{code} {fault.server_message or ''}".strip(),
                        next_step="Run `hf auth login`, or set HF_TOKEN, with a token that has access.",
                    ) from fault
        finally:
            logging.set_verbosity(level)
            if shown:
                enable_progress_bars()


def _is_transient(fault: BaseException) -> bool:
    """Return true if a request that failed with ``fault`` may succeed on the next attempt."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    if isinstance(fault, HfHubHTTPError):
        return fault.response.status_code in _TRANSIENT
    return isinstance(fault, httpx2.TransportError)
