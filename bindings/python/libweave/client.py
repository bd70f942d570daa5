"""The session: everything that can be logged to a project, as methods. It is safe to use from any thread."""
from __future__ import annotations

import ctypes
import json
import logging
import os
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from ctypes import c_uint64, c_void_p
from typing import Any, Callable, Optional, Union

from . import _exit, _native
from ._context import current_call, surroundings
from ._op import name_of, source_of
from ._options import Filter, OnProgress, Time, call_options, filter_callback, micros, options, progress_callback
from ._values import to_json
from .feedback import Feedback
from .media import Dataset
from .refs import ObjectRef
from .stop import interruptible

Failure = Union[BaseException, str]
logger = logging.getLogger("libweave")

_NO_CALLBACK = nullcontext()

#: Frames of this package say nothing about what failed.
_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


def _failure(exception: Failure) -> tuple[Optional[str], str, Optional[str]]:
    """Type, message and traceback, the last as the official client's frames; a text is a message alone."""
    if isinstance(exception, str):
        return None, exception, None
    frames = [{"filename": frame.filename, "line_number": frame.lineno, "function_name": frame.name, "text": frame.line}
              for frame in traceback.extract_tb(exception.__traceback__) if not frame.filename.startswith(_HERE)]
    try:
        message = str(exception)
    except Exception:  # the exception's own code
        message = ""
    return type(exception).__name__, message, json.dumps(frames)


def _progress(on_progress: Optional[OnProgress]) -> tuple[Any, Any]:
    """The callback of a session's progress, and what stands around finishing, which ends the calls of it."""
    if on_progress is None or _exit.is_over():  # nobody would finish the session before the interpreter
        return None, _NO_CALLBACK
    given_up = threading.Event()

    def tell(*told: Any) -> Optional[bool]:
        answer = on_progress(*told)
        return False if given_up.is_set() else answer

    def failed(error: BaseException) -> bool:
        logger.error("on_progress failed, and the sending goes on", exc_info=error)
        return False

    return progress_callback(tell, failed), _exit.Calling(given_up.set)


class Call:
    """A live call. It may be ended on another thread, and be a parent before and after that."""

    def __init__(self, client: "Client", handle: c_void_p, op_name: str, parent_id: Optional[str]) -> None:
        c = _native.library()
        self.client, self.op_name, self.parent_id = client, op_name, parent_id
        self._handle: Optional[c_void_p] = handle
        self._free, self._lock = c.weave_call_free, threading.Lock()
        self.id: str = c.weave_call_id(handle).decode()
        self.trace_id: str = c.weave_call_trace_id(handle).decode()

    def __del__(self) -> None:
        handle, self._handle = getattr(self, "_handle", None), None
        if handle:
            self._free(handle)

    def __repr__(self) -> str:
        return f"<Call {self.id} of {self.op_name}>"

    @property
    def ref(self) -> ObjectRef:
        """The reference of the call, for feedback and values."""
        return ObjectRef(_native.answer("weave_call_ref", self._handle))

    @property
    def context(self) -> str:
        """The call as one line of text, to carry a parent to another process or machine (`parent_context`)."""
        return _native.library().weave_call_context(self._handle).decode()

    @property
    def feedback(self) -> Feedback:
        """Reactions, notes and other feedback on the call."""
        return Feedback(self.client, self.id)

    def set_display_name(self, name: str) -> None:
        """Gives the call another name to show, also after its end."""
        self._set("weave_call_set_display_name", _native.text(name, "name"))

    def set_summary(self, summary: dict[str, Any]) -> None:
        """Merges values into the summary. Usage and status are added at the end; computed values win."""
        text = to_json(summary, self.client)
        self._set("weave_call_set_summary", text, len(text))

    def add_usage(self, model: str, **usage: int) -> None:
        """Adds usage: `prompt_tokens`, `completion_tokens`, …. It counts instead of what the output names."""
        text = to_json(usage, self.client)
        self._set("weave_call_add_usage_json", _native.text(model, "model"), text, len(text))

    def finish(self, output: Any = None, exception: Optional[Failure] = None, *,
               ended_at: Optional[Time] = None) -> None:
        """Ends the call. When this raises, the call stays open."""
        text = to_json(output, self.client)
        if ended_at is not None:
            self._set("weave_call_set_ended_at", micros(ended_at))
        if exception is not None:
            self._set("weave_call_set_exception", *map(_native.text, _failure(exception)))
        self._set("weave_call_end", text, len(text))

    @contextmanager
    def running(self) -> Iterator["Call"]:
        """Makes it the parent of the calls that begin inside."""
        token = current_call.set(self)
        try:
            yield self
        finally:
            try:
                current_call.reset(token)
            except ValueError:  # a coroutine that was let go is closed from elsewhere: this context was never changed
                pass

    def _set(self, function: str, *arguments: Any) -> None:
        with self._lock, self.client._calling:
            _native.check(getattr(_native.library(), function)(self._handle, *arguments))


class Client:
    """A session for one project. `weave.init` makes the one that ops log to; further ones serve other projects.

    Settings that are None come from the environment variables of the C interface, else from its defaults. `on_progress`
    is told, on a thread of the library, what a session that is not offline sends. It must not flush or finish that; by
    answering False it puts off what is left.
    """

    def __init__(
        self,
        project_name: str,
        *,
        offline: Optional[bool] = None,
        offline_dir: Any = None,
        disabled: Optional[bool] = None,
        entity: Optional[str] = None,
        compress: Optional[bool] = None,
        compression_level: Optional[int] = None,
        max_file_size_mb: Optional[float] = None,
        max_file_age: Optional[int] = None,
        durability_interval: Optional[float] = None,
        journal: Optional[str] = None,
        journal_size: Optional[int] = None,
        when_full: Optional[str] = None,
        block_limit: Optional[float] = None,
        max_directory_size: Optional[int] = None,
        quota_policy: Optional[str] = None,
        group_access: Optional[bool] = None,
        api_key: Optional[str] = None,
        base_url: Optional[str] = None,
        trace_server_url: Optional[str] = None,
        ca_file: Any = None,
        http_timeout: Optional[float] = None,
        send_interval: Optional[float] = None,
        open_call_age: Optional[float] = None,
        close_interrupted: Optional[bool] = None,
        max_sync_rate: Optional[int] = None,
        sync_connections: Optional[int] = None,
        insecure: Optional[bool] = None,
        attributes: Optional[dict[str, Any]] = None,
        sample_rate: Optional[float] = None,
        redact_keys: Any = (),
        filter: Optional[Filter] = None,
        on_progress: Optional[OnProgress] = None,
        capture_code: bool = True,
        source: Optional[str] = None,
    ) -> None:
        self._handle: Optional[c_void_p] = None
        c = _native.library()
        self._free = c.weave_client_free
        # Both live as long as the session.
        self._filter = filter_callback(filter) if filter is not None else None
        self._progress, self._finishing = _progress(on_progress)
        #: Around everything that the filter may see.
        self._calling = _exit.Calling() if self._filter or self._progress else _NO_CALLBACK
        handle = c_void_p()
        given = {
            "offline": offline, "offline_dir": offline_dir, "disabled": disabled, "entity": entity,
            "compress": compress, "compression_level": compression_level, "max_file_size_mb": max_file_size_mb,
            "durability_interval": durability_interval, "journal": journal, "journal_size": journal_size,
            "when_full": when_full, "block_limit": block_limit, "max_directory_size": max_directory_size,
            "quota_policy": quota_policy, "max_file_age": max_file_age, "group_access": group_access,
            "api_key": api_key, "base_url": base_url, "trace_server_url": trace_server_url, "ca_file": ca_file,
            "http_timeout": http_timeout, "send_interval": send_interval, "open_call_age": open_call_age,
            "close_interrupted": close_interrupted, "max_sync_rate": max_sync_rate,
            "sync_connections": sync_connections, "insecure": insecure, "attributes": attributes,
            "sample_rate": sample_rate, "filter": self._filter, "progress": self._progress}
        if source is not None:
            given["source"] = source
        self._ops: dict[Any, str] = {}
        self._capture_code = capture_code
        #: Whether a signal has ended the last wait for the server: whoever sent it does not want to wait at the exit.
        self._was_interrupted = False
        with self._calling, options(redact_keys, **given) as settings:
            _native.check(c.weave_init(_native.text(project_name, "project_name"), settings, ctypes.byref(handle)))
            self._handle = handle
            #: `entity/project` as recorded.
            self.project: str = c.weave_client_project(handle).decode()
            #: Where records are stored; empty when disabled.
            self.offline_dir: str = c.weave_client_offline_dir(handle).decode()
            self.disabled = not self.offline_dir
            _exit.register(self)

    def __del__(self) -> None:
        handle, self._handle = getattr(self, "_handle", None), None
        if handle:
            self._free(handle)

    def __repr__(self) -> str:
        return f"<Client of {self.project}>"

    # Calls

    def create_call(self, op: Any, inputs: Optional[dict[str, Any]] = None, **given: Any) -> Call:
        """Begins a call of an op: a name, what `create_op` answered, or a function under `@weave.op`.

        May be given: `parent` (a Call; None for none, by default the one that runs), `parent_context`, `attributes`,
        `display_name`, `kind`, `thread_id`, `turn_id`, `wb_run` (run, step, step at the end), and for calls of the past
        `id`, `trace_id`, `parent_id`, `started_at`.
        """
        return self.start(self.op_name(op), inputs, surroundings(self, given))

    def start(self, op_name: str, inputs: Optional[dict[str, Any]], given: dict[str, Any]) -> Call:
        """Begins a call with what is given alone: the surroundings have no say."""
        inputs_json, handle = to_json(inputs or {}, self), c_void_p()
        with self._calling, call_options(given) as settings:
            _native.check(_native.library().weave_call_start(
                self._handle, _native.text(op_name, "op_name"), inputs_json, len(inputs_json), settings,
                ctypes.byref(handle)))
        parent = given.get("parent")
        return Call(self, handle, op_name, parent.id if parent is not None else given.get("parent_id"))

    def finish_call(self, call: Call, output: Any = None, exception: Optional[Failure] = None) -> None:
        """Ends a call; its usage and status are added to its parent's."""
        call.finish(output, exception)

    def fail_call(self, call: Call, exception: BaseException) -> None:
        """Ends a call that failed."""
        call.finish(None, exception)

    def log_call(self, op: Any, inputs: Optional[dict[str, Any]] = None, output: Any = None, *,
                 exception: Optional[Failure] = None, **given: Any) -> str:
        """Logs a finished call in one go; its id. May be given what `create_call` takes, `summary` and `ended_at`."""
        given = surroundings(self, given)
        if exception is not None:
            given["exception"] = _failure(exception)
        inputs_json, output_json = to_json(inputs or {}, self), to_json(output, self)
        with self._calling, call_options(given) as settings:
            return _native.answered_id(
                "weave_log_call", self._handle, _native.text(self.op_name(op), "op_name"), inputs_json,
                len(inputs_json), output_json, len(output_json), settings)

    def log_calls(self, calls: Any) -> int:
        """Logs many finished calls, dictionaries with the fields of a call; how many. All are checked first."""
        text = to_json(list(calls), self)
        with self._calling:
            return _native.count("weave_log_calls", self._handle, text, len(text))

    def update_call(self, call_id: str, display_name: str) -> None:
        """Gives a call another name to show, by its id."""
        with self._calling:
            _native.check(_native.library().weave_call_update(
                self._handle, _native.text(call_id, "call_id"), _native.text(display_name, "display_name")))

    # Ops, objects, files

    def create_op(self, name: str, source: str) -> ObjectRef:
        """Publishes an op by its source text, in any language; the reference is the op of calls."""
        text = _native.text(source, "source") or b""
        return self._created("weave_op_create", _native.text(name, "name"), text, len(text))

    def create_object(self, name: str, value: Any) -> ObjectRef:
        """Publishes a version of an object: any value under a name."""
        text = to_json(value, self)
        return self._created("weave_object_create", _native.text(name, "name"), text, len(text))

    def create_table(self, rows: Any) -> ObjectRef:
        """Publishes a table of dictionaries."""
        text = to_json(list(rows), self)
        return self._created("weave_table_create", text, len(text))

    def create_dataset(self, name: str, rows: Any, description: Optional[str] = None) -> ObjectRef:
        """Publishes a version of a dataset: rows, which are dictionaries, under a name."""
        text = to_json(list(rows), self)
        return self._created("weave_dataset_create", _native.text(name, "name"),
                             _native.text(description, "description"), text, len(text))

    def dataset_row_ref(self, dataset: str, row: Any) -> ObjectRef:
        """The reference of a row of a published dataset, to be used in the inputs of calls."""
        text = to_json(row, self)
        return self._created("weave_dataset_row_ref", _native.text(dataset, "dataset"), text, len(text))

    def create_file(self, name: str, data: bytes) -> str:
        """Stores a file; the digest by which values name it."""
        return self._created("weave_file_create", _native.text(name, "name"), bytes(data), len(data))

    def media(self, function: str, *names_and_data: Any) -> Any:
        """Stores an image, sound or other content by the C function that does; the value that stands for it."""
        *names, data = names_and_data
        return json.loads(self._created(function, *map(_native.text, names), data, len(data)))

    def publish(self, obj: Any, name: Optional[str] = None) -> ObjectRef:
        """Publishes a dataset, an op, or any other value; without a name, under its own or that of its type."""
        if isinstance(obj, Dataset):
            obj.name = name or obj.name or "Dataset"
            obj.ref, obj._client = self.create_dataset(obj.name, obj.rows, obj.description), self
            return obj.ref
        marks = getattr(obj, "_weave_op", None)
        if marks is not None:
            return self.create_op(name or marks.name, source_of(obj))
        own = getattr(obj, "name", None)
        return self.create_object(name or (own if isinstance(own, str) and own else type(obj).__name__), obj)

    def op_name(self, op: Any) -> str:
        """What calls of an op are recorded under: its reference, published once a session, or its name alone."""
        marks = getattr(op, "_weave_op", None)
        if marks is None:
            if not isinstance(op, str):
                return name_of(op)
            return op
        known = self._ops.get(marks)
        if known is None:
            known = marks.name
            if self._capture_code and marks.capture_code:
                try:
                    known = str(self.create_op(marks.name, source_of(op)))
                except (OSError, TypeError):  # no source: from a prompt, compiled, or generated
                    pass
            self._ops[marks] = known
        return known

    # Feedback and costs

    def feedback(self, target: str) -> Feedback:
        """Feedback on a call (its id or reference) or an object (its reference)."""
        return Feedback(self, target)

    def add_cost(self, llm_id: str, prompt_token_cost: float, completion_token_cost: float, **given: Any) -> None:
        """Sets the prices of a model for one token each. May be given: `effective_date`, `provider_id`, …"""
        text = to_json({name: value.isoformat() if hasattr(value, "isoformat") else value
                        for name, value in given.items() if value is not None}, self)
        with self._calling:
            _native.check(_native.library().weave_cost_create(
                self._handle, _native.text(llm_id, "llm_id"), prompt_token_cost, completion_token_cost, text,
                len(text)))

    # The session itself

    @property
    def dropped(self) -> int:
        """How many records its filter has dropped."""
        return _native.count("weave_client_dropped", self._handle)

    def stats(self) -> dict[str, Any]:
        """What became of the records that this process logged into the directory.

        Counts of records: `accepted`, `packed` (in data files), `waiting` (in the journal alone; `waiting_bytes`),
        `refused` (no room), `dropped` (unsent, to keep the quota), `filtered` (by this session's filter). `blocked`
        counts calls that had to wait for room, `failures` attempts to bring records into data files; `last_error` is
        the last one's text or None. `journal` has `kind` and `bytes`.
        """
        return json.loads(_native.answer("weave_stats", self._handle))

    def query(self, path: str, request: dict[str, Any]) -> Any:
        """Reads data of the server, with a request of the trace server's interface. Not available offline.

        A path of a stream, such as `/calls/stream_query`, is answered by the list of what comes.
        """
        text = to_json(request, self)

        def work() -> str:
            return _native.answer("weave_query", self._handle, _native.text(path, "path"), text, len(text))

        answer = self._await(work)
        return [json.loads(line) for line in answer.splitlines() if line] if "stream" in path else json.loads(answer)

    def flush(self, timeout: Optional[float] = None) -> None:
        """Brings everything to the disk for good, and when not offline to the server. `timeout` is in seconds.

        On the main thread, Ctrl-C leaves it at once; nothing is lost, and the sending goes on.
        """
        self._until("weave_flush", timeout)

    def finish(self, timeout: Optional[float] = None) -> None:
        """Flushes and closes. Later use raises `ClosedError`; to finish again does nothing.

        On the main thread, Ctrl-C leaves it at once; what is not sent then is kept.
        """
        self._until("weave_finish", timeout, self._finishing)

    def _until(self, function: str, timeout: Optional[float], around: Any = _NO_CALLBACK) -> None:
        limit = -1 if timeout is None else max(0, int(timeout * 1000))

        def work() -> None:
            left = c_uint64()
            with around:
                _native.check(getattr(_native.library(), function)(self._handle, limit, ctypes.byref(left)))

        self._await(work)

    def _await(self, work: Callable[[], Any]) -> Any:
        """Does work that may wait for a server. It may go on after that, and holds the session for so long."""
        def interrupted() -> None:
            self._was_interrupted = True

        self._was_interrupted = False
        return interruptible(work, interrupted, goes_on=True)

    def _created(self, function: str, *arguments: Any) -> ObjectRef:
        with self._calling:
            return ObjectRef(_native.answer(function, self._handle, *arguments))
