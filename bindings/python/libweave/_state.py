"""The session of the program: the one that `weave.init` made and ops log to."""
from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from .client import Client

_lock = threading.Lock()
_client: Optional["Client"] = None


def active_client() -> Optional["Client"]:
    """The session, or None before `weave.init` and after `weave.finish`."""
    return _client


def exchange(client: Optional["Client"]) -> Optional["Client"]:
    """Makes another session the program's; the one before."""
    global _client
    with _lock:
        before, _client = _client, client
    return before


def withdraw(client: "Client") -> None:
    """Ends the turn of a session that is to be finished, if it is the program's."""
    global _client
    with _lock:
        if _client is client:
            _client = None
