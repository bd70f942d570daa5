"""What surrounds a call: the call that runs, attributes and thread, each kept per task and thread of the program."""
from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Optional
from uuid import uuid4

from .raw_json import RawJSON

if TYPE_CHECKING:
    from .call import Call

current_call: ContextVar[Optional["Call"]] = ContextVar("libweave_call", default=None)
_attributes: ContextVar[Optional[dict[str, Any]]] = ContextVar("libweave_attributes", default=None)
#: None: nothing is said of threads, and a call has its parent's. An empty text: no thread.
_thread: ContextVar[Optional[str]] = ContextVar("libweave_thread", default=None)


class _NewThread:
    """The default of `thread()`, which None is not: that means no thread."""


class ThreadContext:
    """What `with weave.thread() as t` gives."""

    def __init__(self, thread_id: Optional[str]) -> None:
        self.thread_id = thread_id


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Both, where `above` wins and dictionaries in the same place are merged in turn."""
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


@contextmanager
def attributes(attributes: dict[str, Any]) -> Iterator[None]:
    """Gives attributes to every call inside. Nested ones are merged, the inner winning."""
    token = _attributes.set(merged(_attributes.get() or {}, attributes))
    try:
        yield
    finally:
        _attributes.reset(token)


@contextmanager
def thread(thread_id: Any = _NewThread) -> Iterator[ThreadContext]:
    """Puts every call inside into a conversation; an id is made when none is given, and None means no conversation."""
    made = str(uuid4()) if thread_id is _NewThread else thread_id
    token = _thread.set("" if made is None else str(made))
    try:
        yield ThreadContext(made)
    finally:
        _thread.reset(token)


def surroundings(client: Any, given: dict[str, Any]) -> dict[str, Any]:
    """What a call is given, with what the surroundings say where nothing is said."""
    parent = current_call.get()
    if parent is not None and parent.client is client and not (
            "parent" in given or given.get("parent_context") or given.get("parent_id")):
        given["parent"] = parent
    around = _attributes.get()
    if around:
        own = given.get("attributes") or {}
        given["attributes"] = merged(around, json.loads(own.inside()) if isinstance(own, RawJSON) else own)
    thread_id = _thread.get()
    if thread_id is not None and given.get("thread_id") is None:
        given["thread_id"] = thread_id
    return given


def get_current_call() -> Optional["Call"]:
    """The call of the op that runs here; None outside of any."""
    return current_call.get()


def require_current_call() -> "Call":
    """The call of the op that runs here."""
    call = current_call.get()
    if call is None:
        raise RuntimeError("no op runs here: weave.require_current_call() belongs inside a function under @weave.op, "
                           "with weave.init() before it is called")
    return call
