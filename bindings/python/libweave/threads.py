"""Threads that go on where they were begun: the call that runs there is the parent of the calls that they make, and
`weave.attributes` and `weave.thread` hold in them. Threads of the standard library begin without any of it."""
from __future__ import annotations

import concurrent.futures
import threading
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, TypeVar

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    P = ParamSpec("P")
    R = TypeVar("R")


class ContextAwareThread(threading.Thread):
    """`threading.Thread`, whose function runs in the context in which the thread was made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Of the object, so that it is also meant for classes below this one that have a `run` of their own.
        self.run = partial(copy_context().run, self.run)  # type: ignore[method-assign]


class ContextAwareThreadPoolExecutor(concurrent.futures.ThreadPoolExecutor):
    """`concurrent.futures.ThreadPoolExecutor`, whose functions run in the contexts in which they were submitted."""

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> concurrent.futures.Future[R]:
        """Has a function called on a thread of the pool; `map` does it by this."""
        return super().submit(partial(copy_context().run, fn), *args, **kwargs)


Thread = ContextAwareThread
ThreadPoolExecutor = ContextAwareThreadPoolExecutor
