"""The end of the interpreter. From its finalisation on, CPython ends every thread that comes back into Python, and to
be ended below frames of the library aborts the process. So a handler of the exit ends what may call back, and waits."""
from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, Callable

from . import _state
from .errors import CLOSED, error_of

if TYPE_CHECKING:
    from .client import Client

logger = logging.getLogger("libweave")

#: How many seconds the exit waits for calls that were told to end: longer ones are held up by code of the program.
_CALLS_LIMIT = 5
#: How many seconds it waits for a server that does not answer: Python may begin no thread any more by which Ctrl-C
#: could end that. Whoever has ended the program so is not kept waiting.
_FINISH_LIMIT, _INTERRUPTED_LIMIT = 30, 2

_changed = threading.Condition()
_calls: list[Calling] = []
_clients: weakref.WeakSet[Client] = weakref.WeakSet()
_is_over = False


class Helper(threading.Thread):
    """Calls the library for the main thread, which waits for it."""


class Calling:
    """Around calls into the library that may call back, so that they are over before the interpreter is: `end` ends one
    that takes long. Those of the main thread are over anyway."""

    def __init__(self, end: Callable[[], Any] = lambda: None) -> None:
        self.end = end

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            return
        with _changed:
            if _is_over and not isinstance(threading.current_thread(), Helper):
                raise error_of(CLOSED, "the interpreter ends: what may call back is left to its main thread")
            _calls.append(self)

    def __exit__(self, *_: Any) -> None:
        if threading.current_thread() is threading.main_thread():
            return
        with _changed:
            _calls.remove(self)
            _changed.notify_all()


class Guarded:
    """The library for a session that it may call back: each function is called within a `Calling`."""

    def __init__(self, library: Any) -> None:
        self._library, self._calling = library, Calling()

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._library, name)

        def guarded(*arguments: Any) -> Any:
            with self._calling:
                return function(*arguments)

        setattr(self, name, guarded)  # found at once the next time
        return guarded


def register(client: Client) -> None:
    """Has a session finished at the exit."""
    with _changed:
        _clients.add(client)


def is_over() -> bool:
    """Whether the handler has run: what calls back from now on is ended by nobody."""
    return _is_over


def _end_calls() -> None:
    with _changed:
        calls = list(_calls)
    for call in calls:
        call.end()
    try:
        with _changed:
            _changed.wait_for(lambda: not _calls, _CALLS_LIMIT)
    except KeyboardInterrupt:
        pass
    if _calls:  # these may still abort the process: Python has no way to end a callback that goes on for ever
        logger.warning("calls into the library go on while the interpreter ends: %d", len(_calls))


def _at_exit() -> None:
    """A program that ends without `weave.finish` loses nothing, and here it also leaves finished files."""
    global _is_over
    session = _state.exchange(None)  # which has to live until it is finished
    with _changed:
        _is_over = True
    _end_calls()
    with _changed:
        clients = {client for client in (session, *_clients) if client is not None}
    is_interrupted = getattr(sys, "last_type", None) is KeyboardInterrupt or any(c._was_interrupted for c in clients)
    until = time.monotonic() + (_INTERRUPTED_LIMIT if is_interrupted else _FINISH_LIMIT)
    for client in clients:
        try:
            client.finish(until - time.monotonic())
        except Exception as error:
            logger.error("%s: not finished, and what was logged is kept in %s: %s", client, client.offline_dir, error)
        except BaseException:  # as Ctrl-C raises it
            until = 0
    _end_calls()  # finishing that Ctrl-C has left


def _in_child() -> None:
    """The child of a fork has none of the threads that were calling, and one of them may have held the lock."""
    global _changed
    _changed = threading.Condition()
    _calls.clear()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
