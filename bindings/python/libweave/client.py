"""The session: everything that can be logged to a project, as methods. It is safe to use from any thread."""
from __future__ import annotations

import ctypes
import json
import logging
import math
import threading
from contextlib import nullcontext
from ctypes import c_ssize_t, c_uint64, c_void_p
from types import TracebackType
from typing import Any, Callable, Optional, Union

from . import _exit, _native, _state
from ._context import surroundings
from ._op import name_of, source_of
from ._options import Filter, OnProgress, call_options, filter_callback, options, progress_callback
from ._values import to_json
from .call import Call, Failure, failure
from .errors import INVALID_ARGUMENT, error_of
from .feedback import Feedback
from .media import Content, Dataset, Media
from .raw_json import Inputs, RawJSON
from .refs import ObjectRef
from .stop import interruptible

logger = logging.getLogger("libweave")

_NO_CALLBACK = nullcontext()


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


def _list(items: Any, client: Client) -> bytes:
    """The JSON of rows or calls, which may come from any iterable."""
    return to_json(items if isinstance(items, RawJSON) else list(items), client)


class Client:
    """A session for one project. `weave.init` makes the one that ops log to; further ones serve other projects.

    Settings that are None come from the environment variables of the C interface, else from its defaults. `on_progress`
    is told, on a thread of the library, what a session that is not offline sends. It must not flush or finish that; by
    answering False it puts off what is left.

    As a context manager, also an asynchronous one, it is finished with the block.
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
        attributes: Inputs = None,
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
        may_call_back = bool(self._filter or self._progress)
        #: The library, for everything that the filter may see.
        self._c: Any = _exit.Guarded(c) if may_call_back else c
        # Without ctypes' conversion of each argument: what `log_call` gives is what C takes.
        self._log_call: Any = self._c.weave_log_call if may_call_back else c["weave_log_call"]
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
        with _exit.Calling() if may_call_back else _NO_CALLBACK, options(redact_keys, **given) as settings:
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

    def __enter__(self) -> Client:
        return self

    def __exit__(self, _: Optional[type[BaseException]], raised: Optional[BaseException],
                 __: Optional[TracebackType]) -> None:
        _state.withdraw(self)
        try:
            self.finish()
        except Exception as error:
            if raised is None:
                raise
            # What the program was about to hear goes before.
            logger.error("%s: not finished, and what was logged is kept in %s: %s", self, self.offline_dir, error)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *raised: Any) -> None:
        """Finishing may wait for the server: other tasks go on meanwhile."""
        import asyncio  # who comes here has loaded it; others are spared that

        await asyncio.to_thread(self.__exit__, *raised)

    # Calls

    def create_call(self, op: Any, inputs: Inputs = None, **given: Any) -> Call:
        """Begins a call of an op: a name, what `create_op` answered, or a function under `@weave.op`.

        May be given: `parent` (a Call; None for none, by default the one that runs), `parent_context`, `attributes`,
        `display_name`, `kind`, `thread_id`, `turn_id`, `wb_run` (run, step, step at the end), and for calls of the past
        `id`, `trace_id`, `parent_id`, `started_at`.
        """
        return self.start(self.op_name(op), inputs, surroundings(self, given))

    def start(self, op_name: str, inputs: Inputs, given: dict[str, Any]) -> Call:
        """Begins a call with what is given alone: the surroundings have no say."""
        name, handle = _native.text(op_name, "op_name"), c_void_p()
        text = to_json({} if inputs is None else inputs, self)
        with call_options(given) as settings:
            _native.check(self._c.weave_call_start(
                self._handle, name, text, len(text), settings, ctypes.byref(handle)))
        parent = given.get("parent")
        return Call(self, handle, op_name, parent.id if parent is not None else given.get("parent_id"))

    def finish_call(self, call: Call, output: Any = None, exception: Optional[Failure] = None) -> None:
        """Ends a call; its usage and status are added to its parent's."""
        call.finish(output, exception)

    def fail_call(self, call: Call, exception: BaseException) -> None:
        """Ends a call that failed."""
        call.finish(None, exception)

    def log_call(self, op: Any, inputs: Inputs = None, output: Any = None, *,
                 exception: Optional[Failure] = None, **given: Any) -> str:
        """Logs a finished call in one go; its id. May be given what `create_call` takes, `summary` and `ended_at`."""
        given = surroundings(self, given)
        if exception is not None:
            given["exception"] = failure(exception)
        name, text = _native.text(self.op_name(op), "op_name"), to_json({} if inputs is None else inputs, self)
        end, call_id = to_json(output, self), _native.Id()
        if given:
            with call_options(given) as settings:
                status = self._c.weave_log_call(
                    self._handle, name, text, len(text), end, len(end), settings, call_id)
        else:  # a block of nothing would take as long as C needs for half the call
            status = self._log_call(
                self._handle, name, text, c_ssize_t(len(text)), end, c_ssize_t(len(end)), None, call_id)
        if status:
            _native.check(status)
        return call_id.value.decode()

    def log_calls(self, calls: Any) -> int:
        """Logs many finished calls, dictionaries with the fields of a call; how many. All are checked first."""
        text = _list(calls, self)
        return _native.count(self._c.weave_log_calls, self._handle, text, len(text))

    def update_call(self, call_id: str, display_name: str) -> None:
        """Gives a call another name to show, by its id."""
        _native.check(self._c.weave_call_update(
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
        text = _list(rows, self)
        return self._created("weave_table_create", text, len(text))

    def create_dataset(self, name: str, rows: Any, description: Optional[str] = None) -> ObjectRef:
        """Publishes a version of a dataset: rows, which are dictionaries, under a name."""
        text = _list(rows, self)
        return self._created("weave_dataset_create", _native.text(name, "name"),
                             _native.text(description, "description"), text, len(text))

    def dataset_row_ref(self, dataset: str, row: Any) -> ObjectRef:
        """The reference of a row of a published dataset, to be used in the inputs of calls."""
        text = to_json(row, self)
        return self._created("weave_dataset_row_ref", _native.text(dataset, "dataset"), text, len(text))

    def create_file(self, name: str, data: bytes) -> str:
        """Stores a file; the digest by which values name it."""
        return self._created("weave_file_create", _native.text(name, "name"), bytes(data), len(data))

    def create_media(self, value: Union[Media, Content]) -> RawJSON:
        """Stores an image, sound or other content; the JSON that stands for it in values.

        Values that are logged or published may hold `Image`, `Audio` and `Content` themselves; this is for programs
        that write their JSON by themselves.
        """
        function, names, data = value.stored_by()
        texts = [_native.text(text, name) for name, text in names.items()]
        return RawJSON(self._created(function, *texts, data, len(data)))

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
        if isinstance(op, str):
            return op
        marks = getattr(op, "_weave_op", None)
        if marks is None:
            if not callable(op):
                raise error_of(INVALID_ARGUMENT, f"op: a {type(op).__name__}; give a name or a function")
            return name_of(op)
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
        _native.check(self._c.weave_cost_create(
            self._handle, _native.text(llm_id, "llm_id"), prompt_token_cost, completion_token_cost, text, len(text)))

    # The session itself

    @property
    def dropped(self) -> int:
        """How many records its filter has dropped."""
        return _native.count(_native.library().weave_client_dropped, self._handle)

    def stats(self) -> dict[str, Any]:
        """What became of the records that this process logged into the directory.

        Counts of records: `accepted`, `packed` (in data files), `waiting` (in the journal alone; `waiting_bytes`),
        `refused` (no room), `dropped` (unsent, to keep the quota), `filtered` (by this session's filter). `blocked`
        counts calls that had to wait for room, `failures` attempts to bring records into data files; `last_error` is
        the last one's text or None. `journal` has `kind` and `bytes`.
        """
        stats: dict[str, Any] = json.loads(_native.answer(_native.library().weave_stats, self._handle))
        return stats

    def query(self, path: str, request: dict[str, Any]) -> Any:
        """Reads data of the server, with a request of the trace server's interface. Not available offline.

        A path of a stream, such as `/calls/stream_query`, is answered by the list of what comes.
        """
        text = to_json(request, self)

        def work() -> str:
            return _native.answer(
                _native.library().weave_query, self._handle, _native.text(path, "path"), text, len(text))

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
        limit = -1 if timeout is None or timeout == math.inf else max(0, min(int(timeout * 1000), 2**63 - 1))

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
        return ObjectRef(_native.answer(getattr(self._c, function), self._handle, *arguments))
