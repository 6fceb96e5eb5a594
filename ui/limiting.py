"""How often one asker may ask: so many requests in any sixty seconds, counted in this process.

The counting is that of ``limits`` (moving window in memory). Its memory storage drops what is older than the window,
but never the names it belonged to (limits 5.8.0: ``MemoryStorage`` leaves an empty list for each), and looks through all
names after a request. So at most ``MAX_KNOWN`` names are kept: where one more comes, counting begins afresh for
everyone, which lets some ask sooner and makes nobody wait. The thread it clears up in lives for a hundredth of a second
after a request and then ends.
"""

from __future__ import annotations

import threading
import time
from math import floor

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

MAX_KNOWN = 2000
"""Askers that are counted at once: more than a house has who ask within a minute."""


class RateLimit:
    """At most ``per_minute`` requests of each asker in any minute; 0 means as many as they like.

    Threads may share one. Each server process counts for itself.
    """

    def __init__(self, per_minute: int) -> None:
        """``per_minute`` is 0 or more."""
        self._item: RateLimitItem | None = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._lock = threading.Lock()
        self._forget()

    def wait(self, who: str) -> int | None:
        """Count a request of ``who``.

        None where it may be answered; otherwise the whole seconds, 1 or more, after which one will be: the value of
        ``Retry-After``. A request that is refused does not count.
        """
        if self._item is None:
            return None
        with self._lock:
            if who not in self._known:
                if len(self._known) >= MAX_KNOWN:
                    self._forget()
                self._known.add(who)
            if self._limiter.hit(self._item, who):
                return None
            window = self._limiter.get_window_stats(self._item, who)
        # What is exactly a window old still counts, so the second that has begun is waited for as well. Where the window
        # has meanwhile room again, its reset is that of a new one.
        return 1 if window.remaining else max(1, floor(window.reset_time - time.time()) + 1)

    def _forget(self) -> None:
        # Not ``reset``: the storage's own clearing, in a thread of its own, may just be under way and put a name back.
        self._known: set[str] = set()
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
