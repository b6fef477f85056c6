"""The requests that wait for a place in the batch: those of a party in order of arrival, several parties in turn."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conch_dna.runtime.request import Request


class WaitingLine:
    """The waiting requests; those with the same :attr:`~.request.Request.sharing` are of one party."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[Request]] = {}  # the party that was served last comes last

    def __len__(self) -> int:
        return sum(map(len, list(self._lines.values())))  # a list: other threads read it

    def __iter__(self) -> Iterator[Request]:
        return (request for line in self._lines.values() for request in line)

    def append(self, request: Request) -> None:
        """Add a request at the end of its party's line."""
        self._lines.setdefault(request.sharing, deque()).append(request)

    def take(self, running: Iterable[Request]) -> Request:
        """Remove and return the next request: the first of the party that has the fewest running ones."""
        counts = Counter(request.sharing for request in running)
        party = min(self._lines, key=counts.__getitem__)
        line = self._lines.pop(party)
        request = line.popleft()
        if line:
            self._lines[party] = line
        return request

    def put_back(self, requests: Iterable[Request]) -> None:
        """Put requests that were taken, in this order, before all others of their parties."""
        for request in reversed(list(requests)):
            self._lines.setdefault(request.sharing, deque()).appendleft(request)

    def remove(self, requests: set[Request]) -> None:
        """Remove requests."""
        for party, line in list(self._lines.items()):
            left = deque(request for request in line if request not in requests)
            if left:
                self._lines[party] = left
            else:
                del self._lines[party]
