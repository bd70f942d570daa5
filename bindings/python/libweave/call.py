"""A live call: what is set on it, its end, and the block in which it is the parent of other calls."""
from __future__ import annotations

import json
import logging
import os
import threading
import traceback
from contextvars import Token
from ctypes import c_void_p
from types import TracebackType
from typing import TYPE_CHECKING, Any, Optional, Union

from . import _native
from ._context import current_call
from ._options import Time, micros
from ._values import to_json
from .errors import INVALID_ARGUMENT, error_of
from .feedback import Feedback
from .raw_json import Inputs
from .refs import ObjectRef

if TYPE_CHECKING:
    from .client import Client

#: An exception, a text, or a type and a message.
Failure = Union[BaseException, str, tuple[str, str]]
logger = logging.getLogger("libweave")

#: Frames of this package say nothing about what failed.
_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


def failure(exception: Failure) -> tuple[Optional[bytes], ...]:
    """Type, message and traceback for C, the last as the official client's frames; a text is a message alone."""
    if isinstance(exception, str):
        kind, message, frames = None, exception, None
    elif isinstance(exception, BaseException):
        kind, message, frames = type(exception).__name__, _message(exception), json.dumps(_frames(exception))
    elif isinstance(exception, tuple) and [isinstance(part, str) for part in exception] == [True, True]:
        (kind, message), frames = exception, None
    else:
        raise error_of(INVALID_ARGUMENT, f"exception: {exception!r} cannot be used: give an exception, a text, or a pair "
                                         "of texts, type and message")
    return _native.text(kind, "type"), _native.text(message, "message"), _native.text(frames, "traceback")


def _message(exception: BaseException) -> str:
    """Its text. What C cannot be given, such as a file's name that is not UTF-8, is escaped: the failure must be told."""
    try:
        return str(exception).encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
    except Exception:  # the exception's own code
        return ""


def _frames(exception: BaseException) -> list[dict[str, Any]]:
    return [{"filename": frame.filename, "line_number": frame.lineno, "function_name": frame.name, "text": frame.line}
            for frame in traceback.extract_tb(exception.__traceback__) if not frame.filename.startswith(_HERE)]


class Running:
    """The block in which a call is the parent of the calls that begin there, also over `await`."""

    __slots__ = ("_call", "_token")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._token: Optional[Token[Optional[Call]]] = None

    def __enter__(self) -> Call:
        self._token = current_call.set(self._call)
        return self._call

    def __exit__(self, *_: object) -> None:
        token, self._token = self._token, None
        try:
            if token is not None:
                current_call.reset(token)
        except ValueError:  # a coroutine that was let go is closed from elsewhere: this context was never changed
            pass


class Call:
    """A live call. It may be ended on another thread, and be a parent before and after that.

    As a context manager it is the parent of the calls inside, and ends with the block: with what `output` was set to,
    or with the exception that left the block.
    """

    def __init__(self, client: Client, handle: c_void_p, op_name: str, parent_id: Optional[str]) -> None:
        c = _native.library()
        self.client, self.op_name, self.parent_id = client, op_name, parent_id
        self.id = str(c.weave_call_id(handle), "ascii")
        #: What the end of a `with` block records, unless the call was finished inside.
        self.output: Any = None
        self._handle: Optional[c_void_p] = handle
        self._free, self._lock, self._has_ended = c.weave_call_free, threading.Lock(), False
        self._block: Optional[Running] = None

    def __del__(self) -> None:
        handle, self._handle = getattr(self, "_handle", None), None
        if handle:
            self._free(handle)

    def __repr__(self) -> str:
        return f"<Call {self.id} of {self.op_name}>"

    @property
    def trace_id(self) -> str:
        """The id of the trace that it belongs to."""
        return str(_native.library().weave_call_trace_id(self._handle), "ascii")

    @property
    def ref(self) -> ObjectRef:
        """The reference of the call, for feedback and values."""
        return ObjectRef(_native.answer(_native.library().weave_call_ref, self._handle))

    @property
    def context(self) -> str:
        """The call as one line of text, to carry a parent to another process or machine (`parent_context`)."""
        return str(_native.library().weave_call_context(self._handle), "ascii")

    @property
    def feedback(self) -> Feedback:
        """Reactions, notes and other feedback on the call."""
        return Feedback(self.client, self.id)

    def set_display_name(self, name: str) -> None:
        """Gives the call another name to show, also after its end."""
        self._set("weave_call_set_display_name", _native.text(name, "name"))

    def set_summary(self, summary: Inputs) -> None:
        """Merges a dictionary into the summary. Usage and status are added at the end; computed values win."""
        text = to_json(summary, self.client)
        self._set("weave_call_set_summary", text, len(text))

    def set_exception(self, exception: Failure) -> None:
        """Says what failed: an exception, a text, or a pair of type and message. The call is still to be ended, and
        shows as failed then."""
        self._set("weave_call_set_exception", *failure(exception))

    def add_usage(self, model: str, **usage: int) -> None:
        """Adds usage: `prompt_tokens` and `completion_tokens`, of which the total is made, or whatever the model tells.
        It counts instead of what the output names."""
        name = _native.text(model, "model")
        if usage.keys() == {"prompt_tokens", "completion_tokens"} and all(
                type(tokens) is int and 0 <= tokens < 2**63 for tokens in usage.values()):
            self._set("weave_call_add_usage", name, usage["prompt_tokens"], usage["completion_tokens"])
        else:
            text = to_json(usage, self.client)
            self._set("weave_call_add_usage_json", name, text, len(text))

    def finish(self, output: Any = None, exception: Optional[Failure] = None, *,
               ended_at: Optional[Time] = None) -> None:
        """Ends the call. When this raises, the call stays open."""
        text = to_json(output, self.client)
        if ended_at is not None:
            self._set("weave_call_set_ended_at", micros(ended_at))
        if exception is not None:
            self.set_exception(exception)
        self._set("weave_call_end", text, len(text))
        self._has_ended = True

    def running(self) -> Running:
        """A block in which it is the parent of the calls that begin inside; it does not end the call."""
        return Running(self)

    def __enter__(self) -> Call:
        if self._block is not None:
            raise error_of(INVALID_ARGUMENT, f"{self!r} has a block already; use `with call.running()` inside of it")
        self._block = Running(self)
        return self._block.__enter__()

    def __exit__(self, kind: Optional[type[BaseException]], raised: Optional[BaseException],
                 _: Optional[TracebackType]) -> None:
        if self._block is not None:
            self._block.__exit__()
        if self._has_ended:
            return
        # A generator that is left early has not failed.
        exception = None if kind is GeneratorExit else raised
        try:
            self.finish(self.output, exception)
        except Exception:
            if raised is None:
                raise
            logger.exception("%s: the end of the call is not logged", self.op_name)

    def _set(self, function: str, *arguments: Any) -> None:
        with self._lock:
            _native.check(getattr(self.client._c, function)(self._handle, *arguments))
