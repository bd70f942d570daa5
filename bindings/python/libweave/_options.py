"""Settings of a session or sync, and what a call is given, as the handles that the C interface takes."""
from __future__ import annotations

import ctypes
import datetime
import json
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from ctypes import c_int32, c_int64, c_uint64, c_void_p
from typing import Any, Callable, Optional, Union

from . import _native
from ._values import to_json
from .errors import INVALID_ARGUMENT, error_of

logger = logging.getLogger("libweave")

Filter = Callable[[str, dict[str, Any]], Optional[dict[str, Any]]]
#: Is told project, kind, and how many records were synced and refused, on the thread that sends; False stops that.
OnProgress = Callable[[str, str, int, int], Optional[bool]]
Time = Union[datetime.datetime, int]

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def micros(value: Time) -> int:
    """A time in microseconds since 1970; one without a zone is UTC, as everywhere in Weave."""
    if isinstance(value, datetime.datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=datetime.timezone.utc)
        return (aware - _EPOCH) // datetime.timedelta(microseconds=1)
    return value


# The arguments of a setter behind the handle, of the setting's name and value.

def _switch(_: str, value: Any) -> tuple[Any, ...]:
    return (bool(value),)


def _text(name: str, value: Any) -> tuple[Any, ...]:
    return (_native.text(value, name),)


def _path(name: str, value: Any) -> tuple[Any, ...]:
    return (_native.path(value, name),)


def _json(_: str, value: Any) -> tuple[Any, ...]:
    text = to_json(value, None)
    return text, len(text)


def _number(_: str, value: Any) -> tuple[Any, ...]:
    return (int(value),)


def _share(_: str, value: Any) -> tuple[Any, ...]:
    return (float(value),)


def _size(_: str, value: Any) -> tuple[Any, ...]:
    return (max(0, int(value)),)


def _megabytes(_: str, value: Any) -> tuple[Any, ...]:
    return (max(0, round(value * 1_000_000)),)


def _milliseconds(_: str, value: Any) -> tuple[Any, ...]:
    return (round(value * 1000),)


def _time(_: str, value: Any) -> tuple[Any, ...]:
    return (micros(value),)


def _handle(_: str, value: Any) -> tuple[Any, ...]:
    return (value._handle,)


def _callback(_: str, value: Any) -> tuple[Any, ...]:
    return value, None


def _exception(_: str, value: Any) -> tuple[Any, ...]:
    return tuple(value)


def _run(name: str, value: Any) -> tuple[Any, ...]:
    return (_native.text(value[0], name), *value[1:])


#: Setting → the end of its setter's name, and what makes the arguments.
_Table = dict[str, tuple[str, Callable[[str, Any], tuple[Any, ...]]]]

_SETTINGS: _Table = {
    "offline": ("set_offline", _switch),
    "disabled": ("set_disabled", _switch),
    "offline_dir": ("set_offline_dir", _path),
    "entity": ("set_entity", _text),
    "destination": ("set_destination", _text),
    "open_call_age": ("set_open_call_age", _milliseconds),
    "close_interrupted": ("set_close_interrupted", _switch),
    "max_sync_time": ("set_max_sync_time", _milliseconds),
    "max_sync_bytes": ("set_max_sync_bytes", _size),
    "max_sync_rate": ("set_max_sync_rate", _size),
    "sync_connections": ("set_sync_connections", _number),
    "sync_wait": ("set_sync_wait", _milliseconds),
    "stop": ("set_stop", _handle),
    "max_file_size_mb": ("set_max_file_size", _megabytes),
    "durability_interval": ("set_durability_interval", _milliseconds),
    "journal": ("set_journal", _text),
    "journal_size": ("set_journal_size", _size),
    "when_full": ("set_when_full", _text),
    "block_limit": ("set_block_limit", _milliseconds),
    "max_directory_size": ("set_max_directory_size", _size),
    "quota_policy": ("set_quota_policy", _text),
    "max_file_age": ("set_max_file_age", _number),
    "compress": ("set_compress", _switch),
    "compression_level": ("set_compression_level", _number),
    "group_access": ("set_group_access", _switch),
    "source": ("set_source", _text),
    "attributes": ("set_attributes", _json),
    "sample_rate": ("set_sample_rate", _share),
    "api_key": ("set_api_key", _text),
    "base_url": ("set_base_url", _text),
    "trace_server_url": ("set_trace_server_url", _text),
    "ca_file": ("set_ca_file", _path),
    "http_timeout": ("set_http_timeout", _milliseconds),
    "send_interval": ("set_send_interval", _milliseconds),
    "insecure": ("set_insecure", _switch),
    "filter": ("set_filter", _callback),
    "progress": ("set_progress", _callback),
}

_CALL_SETTINGS: _Table = {
    "parent": ("set_parent", _handle),
    "parent_context": ("set_parent_context", _text),
    "id": ("set_id", _text),
    "trace_id": ("set_trace_id", _text),
    "parent_id": ("set_parent_id", _text),
    "display_name": ("set_display_name", _text),
    "thread_id": ("set_thread_id", _text),
    "turn_id": ("set_turn_id", _text),
    "kind": ("set_kind", _text),
    "attributes": ("set_attributes", _json),
    "summary": ("set_summary", _json),
    "exception": ("set_exception", _exception),
    "started_at": ("set_started_at", _time),
    "ended_at": ("set_ended_at", _time),
    "wb_run": ("set_wb_run", _run),
}


#: What the numbers of C hold.
_RANGES = {c_int32: range(-2**31, 2**31), c_int64: range(-2**63, 2**63), c_uint64: range(2**64)}


class _Handle:
    """A handle of C that has what is given, for as long as the block lasts; None when nothing is given."""

    __slots__ = ("_prefix", "_table", "_given", "_handle")

    def __init__(self, prefix: str, table: _Table, given: dict[str, Any]) -> None:
        self._prefix, self._table, self._given = prefix, table, given
        self._handle: Optional[c_void_p] = None

    def __enter__(self) -> Optional[c_void_p]:
        try:
            for name, value in self._given.items():
                if value is not None or name not in self._table:
                    self._set(name, value)
        except BaseException:
            self.__exit__()
            raise
        return self._handle

    def __exit__(self, *_: Any) -> None:
        if self._handle is not None:
            getattr(_native.library(), self._prefix + "free")(self._handle)

    def _set(self, name: str, value: Any) -> None:
        if name not in self._table:
            raise TypeError(f"no such setting: {name}; there are {', '.join(self._table)}")
        setter, form = self._table[name]
        try:
            arguments = form(name, value)
        except (TypeError, ValueError, OverflowError) as error:
            raise error_of(INVALID_ARGUMENT, f"{name}: {value!r} cannot be used: {error}") from None
        c = _native.library()
        if self._handle is None:
            self._handle = c_void_p(getattr(c, self._prefix + "new")())
        function = getattr(c, self._prefix + setter)
        for argument, kind in zip(arguments, function.argtypes[1:]):  # ctypes would cut what is too large in silence
            if isinstance(argument, int) and kind in _RANGES and argument not in _RANGES[kind]:
                raise error_of(INVALID_ARGUMENT, f"{name}: {value!r} cannot be used: it is out of range")
        try:
            status = function(self._handle, *arguments)
        except ctypes.ArgumentError:
            raise error_of(INVALID_ARGUMENT, f"{name}: {value!r} cannot be used: a {type(value).__name__}") from None
        _native.check(status)


@contextmanager
def options(redact_keys: Any = (), destinations: Any = (), **given: Any) -> Iterator[Optional[c_void_p]]:
    """A `weave_options`. What is None is left to the environment and the defaults."""
    if isinstance(redact_keys, str):  # which is a sequence of keys of one character
        raise error_of(INVALID_ARGUMENT, f"redact_keys: {redact_keys!r} is one text; give a list of keys")
    with _Handle("weave_options_", _SETTINGS, {"source": "libweave-python", **given}) as handle:
        for key in redact_keys:
            _native.check(_native.library().weave_options_add_redact_key(handle, _native.text(key, "redact_keys")))
        for names in dict(destinations or ()).items():
            texts = [_native.text(name, "destinations") for name in names]
            _native.check(_native.library().weave_options_add_destination(handle, *texts))
        yield handle


_NOTHING = nullcontext()


def call_options(given: dict[str, Any]) -> AbstractContextManager[Optional[c_void_p]]:
    """A `weave_call_options`, or None when nothing is given."""
    return _Handle("weave_call_options_", _CALL_SETTINGS, given) if given else _NOTHING


def filter_callback(keep: Filter) -> Any:
    """A program's filter as the library calls it. A filter that fails drops the record: it was to hide something."""
    if not callable(keep):
        raise error_of(INVALID_ARGUMENT, f"filter: a {type(keep).__name__}; give a function")
    c = _native.library()

    def decide(record: int, _: Any) -> int:
        try:
            length = ctypes.c_size_t()
            pointer = c.weave_record_json(record, ctypes.byref(length))
            data = json.loads(ctypes.string_at(pointer, length.value))
            kept = keep(c.weave_record_type(record).decode(), data)
            if kept is None:
                return _native.DROP
            changed = to_json(kept, None)
            # What is refused here refuses the record: the function that logs raises it.
            c.weave_record_set_json(record, changed, len(changed))
            return _native.KEEP
        except BaseException:
            logger.exception("the filter failed, and the record was dropped")
            return _native.DROP

    return _native.FILTER(decide)


def progress_callback(on_progress: OnProgress, failed: Callable[[BaseException], bool]) -> Any:
    """What a program wants to be told, as the library calls it. `failed` says whether a failure of it stops the
    sending."""
    def tell(told: Any, _: Any) -> int:
        try:
            now = told.contents
            return int(on_progress(now.project.decode(), now.kind.decode(), now.synced, now.errors) is False)
        except BaseException as error:
            return int(failed(error))

    return _native.PROGRESS(tell)
