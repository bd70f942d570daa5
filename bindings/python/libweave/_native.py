"""The C interface through ctypes: finding the shared library, its declarations, errors. Little above knows ctypes."""
from __future__ import annotations

import atexit
import ctypes
import logging
import os
import sys
import threading
from contextlib import suppress
from ctypes import POINTER, c_bool, c_char_p, c_double, c_int32, c_int64, c_size_t, c_ssize_t, c_uint64, c_void_p
from pathlib import Path
from typing import Any, Optional, Union

from . import _exit
from ._version import __version__
from .errors import INVALID_ARGUMENT, INVALID_UTF8, ClosedError, WeaveError, error_of

logger = logging.getLogger("libweave")

#: A buffer that takes an id.
Id = ctypes.c_char * 40
#: The answer of a filter.
KEEP, DROP = 0, 1


class Progress(ctypes.Structure):
    """`weave_progress`."""

    _fields_ = [("size", c_size_t), ("project", c_char_p), ("kind", c_char_p), ("synced", c_uint64),
                ("errors", c_uint64)]


FILTER = ctypes.CFUNCTYPE(c_int32, c_void_p, c_void_p)
LOG = ctypes.CFUNCTYPE(None, c_int32, c_char_p, c_void_p)
PROGRESS = ctypes.CFUNCTYPE(c_int32, POINTER(Progress), c_void_p)

_S, _JSON, _OUT, _ID = c_int32, (c_char_p, c_ssize_t), POINTER(c_void_p), c_char_p
_COUNT = POINTER(c_uint64)

# Every function that the package uses: what it answers and takes, in the words of include/weave.h. A test compares.
DECLARATIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "weave_version": (c_char_p, ()),
    "weave_last_error": (c_size_t, (c_char_p, c_size_t)),
    "weave_status_text": (c_char_p, (c_int32,)),
    "weave_string_free": (None, (c_void_p,)),
    "weave_set_log_callback": (None, (LOG, c_int32, c_void_p)),
    "weave_record_type": (c_char_p, (c_void_p,)),
    "weave_record_json": (c_void_p, (c_void_p, POINTER(c_size_t))),
    "weave_record_set_json": (_S, (c_void_p, *_JSON)),
    "weave_options_new": (c_void_p, ()),
    "weave_options_free": (None, (c_void_p,)),
    "weave_options_set_offline": (_S, (c_void_p, c_bool)),
    "weave_options_set_disabled": (_S, (c_void_p, c_bool)),
    "weave_options_set_offline_dir": (_S, (c_void_p, c_char_p)),
    "weave_options_set_entity": (_S, (c_void_p, c_char_p)),
    "weave_options_set_destination": (_S, (c_void_p, c_char_p)),
    "weave_options_add_destination": (_S, (c_void_p, c_char_p, c_char_p)),
    "weave_options_set_open_call_age": (_S, (c_void_p, c_int64)),
    "weave_options_set_close_interrupted": (_S, (c_void_p, c_bool)),
    "weave_options_set_max_sync_time": (_S, (c_void_p, c_int64)),
    "weave_options_set_max_sync_bytes": (_S, (c_void_p, c_uint64)),
    "weave_options_set_max_sync_rate": (_S, (c_void_p, c_uint64)),
    "weave_options_set_sync_connections": (_S, (c_void_p, c_int32)),
    "weave_options_set_sync_wait": (_S, (c_void_p, c_int64)),
    "weave_options_set_stop": (_S, (c_void_p, c_void_p)),
    "weave_stop_new": (c_void_p, ()),
    "weave_stop_ask": (_S, (c_void_p,)),
    "weave_stop_free": (None, (c_void_p,)),
    "weave_options_set_max_file_size": (_S, (c_void_p, c_uint64)),
    "weave_options_set_max_file_age": (_S, (c_void_p, c_int64)),
    "weave_options_set_compress": (_S, (c_void_p, c_bool)),
    "weave_options_set_compression_level": (_S, (c_void_p, c_int32)),
    "weave_options_set_durability_interval": (_S, (c_void_p, c_int64)),
    "weave_options_set_send_interval": (_S, (c_void_p, c_int64)),
    "weave_options_set_journal": (_S, (c_void_p, c_char_p)),
    "weave_options_set_journal_size": (_S, (c_void_p, c_uint64)),
    "weave_options_set_when_full": (_S, (c_void_p, c_char_p)),
    "weave_options_set_block_limit": (_S, (c_void_p, c_int64)),
    "weave_options_set_max_directory_size": (_S, (c_void_p, c_uint64)),
    "weave_options_set_quota_policy": (_S, (c_void_p, c_char_p)),
    "weave_options_set_group_access": (_S, (c_void_p, c_bool)),
    "weave_options_set_source": (_S, (c_void_p, c_char_p)),
    "weave_options_set_attributes": (_S, (c_void_p, *_JSON)),
    "weave_options_set_sample_rate": (_S, (c_void_p, c_double)),
    "weave_options_add_redact_key": (_S, (c_void_p, c_char_p)),
    "weave_options_set_filter": (_S, (c_void_p, FILTER, c_void_p)),
    "weave_options_set_progress": (_S, (c_void_p, PROGRESS, c_void_p)),
    "weave_options_set_api_key": (_S, (c_void_p, c_char_p)),
    "weave_options_set_base_url": (_S, (c_void_p, c_char_p)),
    "weave_options_set_trace_server_url": (_S, (c_void_p, c_char_p)),
    "weave_options_set_ca_file": (_S, (c_void_p, c_char_p)),
    "weave_options_set_http_timeout": (_S, (c_void_p, c_int64)),
    "weave_options_set_insecure": (_S, (c_void_p, c_bool)),
    "weave_init": (_S, (c_char_p, c_void_p, _OUT)),
    "weave_flush": (_S, (c_void_p, c_int64, _COUNT)),
    "weave_finish": (_S, (c_void_p, c_int64, _COUNT)),
    "weave_client_free": (None, (c_void_p,)),
    "weave_client_project": (c_char_p, (c_void_p,)),
    "weave_client_offline_dir": (c_char_p, (c_void_p,)),
    "weave_client_dropped": (_S, (c_void_p, _COUNT)),
    "weave_stats": (_S, (c_void_p, _OUT)),
    "weave_query": (_S, (c_void_p, c_char_p, *_JSON, _OUT)),
    "weave_json_new_array": (c_void_p, ()),
    "weave_json_set_json": (_S, (c_void_p, c_char_p, *_JSON)),
    "weave_json_free": (None, (c_void_p,)),
    "weave_log_call": (_S, (c_void_p, c_char_p, *_JSON, *_JSON, c_void_p, _ID)),
    "weave_log_calls": (_S, (c_void_p, *_JSON, _COUNT)),
    "weave_call_start": (_S, (c_void_p, c_char_p, *_JSON, c_void_p, _OUT)),
    "weave_call_end": (_S, (c_void_p, *_JSON)),
    "weave_call_set_exception": (_S, (c_void_p, c_char_p, c_char_p, c_char_p)),
    "weave_call_set_summary": (_S, (c_void_p, *_JSON)),
    "weave_call_add_usage": (_S, (c_void_p, c_char_p, c_int64, c_int64)),
    "weave_call_add_usage_json": (_S, (c_void_p, c_char_p, *_JSON)),
    "weave_call_set_display_name": (_S, (c_void_p, c_char_p)),
    "weave_call_set_ended_at": (_S, (c_void_p, c_int64)),
    "weave_call_id": (c_char_p, (c_void_p,)),
    "weave_call_trace_id": (c_char_p, (c_void_p,)),
    "weave_call_context": (c_char_p, (c_void_p,)),
    "weave_call_ref": (_S, (c_void_p, _OUT)),
    "weave_call_free": (None, (c_void_p,)),
    "weave_call_update": (_S, (c_void_p, c_char_p, c_char_p)),
    "weave_call_options_new": (c_void_p, ()),
    "weave_call_options_free": (None, (c_void_p,)),
    "weave_call_options_set_parent": (_S, (c_void_p, c_void_p)),
    "weave_call_options_set_parent_context": (_S, (c_void_p, c_char_p)),
    "weave_call_options_set_id": (_S, (c_void_p, c_char_p)),
    "weave_call_options_set_trace_id": (_S, (c_void_p, c_char_p)),
    "weave_call_options_set_parent_id": (_S, (c_void_p, c_char_p)),
    "weave_call_options_set_display_name": (_S, (c_void_p, c_char_p)),
    "weave_call_options_set_thread_id": (_S, (c_void_p, c_char_p)),
    "weave_call_options_set_turn_id": (_S, (c_void_p, c_char_p)),
    "weave_call_options_set_kind": (_S, (c_void_p, c_char_p)),
    "weave_call_options_set_attributes": (_S, (c_void_p, *_JSON)),
    "weave_call_options_set_summary": (_S, (c_void_p, *_JSON)),
    "weave_call_options_set_exception": (_S, (c_void_p, c_char_p, c_char_p, c_char_p)),
    "weave_call_options_set_started_at": (_S, (c_void_p, c_int64)),
    "weave_call_options_set_ended_at": (_S, (c_void_p, c_int64)),
    "weave_call_options_set_wb_run": (_S, (c_void_p, c_char_p, c_int64, c_int64)),
    "weave_op_create": (_S, (c_void_p, c_char_p, *_JSON, _OUT)),
    "weave_object_create": (_S, (c_void_p, c_char_p, *_JSON, _OUT)),
    "weave_table_create": (_S, (c_void_p, *_JSON, _OUT)),
    "weave_dataset_create": (_S, (c_void_p, c_char_p, c_char_p, *_JSON, _OUT)),
    "weave_dataset_row_ref": (_S, (c_void_p, c_char_p, *_JSON, _OUT)),
    "weave_file_create": (_S, (c_void_p, c_char_p, c_char_p, c_ssize_t, _OUT)),
    "weave_image_create": (_S, (c_void_p, c_char_p, c_char_p, c_ssize_t, _OUT)),
    "weave_audio_create": (_S, (c_void_p, c_char_p, c_char_p, c_ssize_t, _OUT)),
    "weave_content_create": (_S, (c_void_p, c_char_p, c_char_p, c_char_p, c_ssize_t, _OUT)),
    "weave_feedback_create": (_S, (c_void_p, c_char_p, c_char_p, *_JSON, *_JSON, c_char_p, _ID)),
    "weave_feedback_add_reaction": (_S, (c_void_p, c_char_p, c_char_p, _ID)),
    "weave_feedback_add_note": (_S, (c_void_p, c_char_p, c_char_p, _ID)),
    "weave_cost_create": (_S, (c_void_p, c_char_p, c_double, c_double, *_JSON)),
    "weave_sync": (_S, (c_char_p, c_char_p, c_char_p, c_void_p, _OUT)),
    "weave_clean_synced_files": (_S, (c_char_p, c_double, _COUNT)),
    "weave_directory_stats": (_S, (c_char_p, _OUT)),
    "weave_rejected_list": (_S, (c_char_p, c_char_p, c_char_p, _OUT)),
    "weave_rejected_retry": (_S, (c_char_p, c_char_p, c_char_p, _COUNT)),
    "weave_rejected_export": (_S, (c_char_p, c_char_p, c_char_p, c_char_p, _COUNT)),
    "weave_rejected_drop": (_S, (c_char_p, c_char_p, c_char_p, _COUNT)),
    "weave_verify": (_S, (c_char_p, c_char_p, c_char_p, c_void_p, c_bool, _OUT)),
    "weave_clean_preview": (_S, (c_char_p, c_double, _OUT)),
}

_lock = threading.Lock()
_library: Optional[ctypes.CDLL] = None
_is_silent = False

#: `weave_log_level` → that of Python.
_LEVELS = {1: logging.ERROR, 2: logging.WARNING, 3: logging.INFO, 4: logging.DEBUG}
_telling = _exit.Calling()


def _log(level: int, message: bytes, _: Any) -> None:
    """Takes the library's messages, on any thread; none any more when the interpreter ends."""
    with suppress(ClosedError), _telling:
        logger.log(_LEVELS[level], "%s", message.decode("utf-8", "replace"))


_tell = LOG(_log)


def _silence() -> None:
    """Ends the messages, before `_exit` waits for those under way and for the threads of the library. What may still
    abort the process is a daemon thread amid a call of its own that had something to say just before, and does not come
    to say it until all that is over."""
    global _is_silent
    with _lock:
        _is_silent = True
        if _library is not None:
            _library.weave_set_log_callback(LOG(), 0, None)


# Handlers run from the last to the first: this one before that of `_exit`.
atexit.register(_silence)


def _candidates() -> list[str]:
    """Where the library is looked for, in this order. WEAVE_LIBRARY is a decision, not a hint."""
    given = os.environ.get("WEAVE_LIBRARY")
    if given:
        return [given]
    names = {"darwin": ["libweave.dylib"], "win32": ["weave.dll"]}.get(sys.platform, ["libweave.so.0", "libweave.so"])
    beside = Path(__file__).resolve().parent
    return [str(beside / name) for name in names if (beside / name).exists()] or [str(beside / names[-1]), *names]


def _open() -> ctypes.CDLL:
    tried = []
    for path in _candidates():
        try:
            library = ctypes.CDLL(path)
        except OSError as error:
            tried.append(f"{path} ({error})")
            continue
        if not hasattr(library, "weave_version"):
            tried.append(f"{path} (another library of that name)")
            continue
        return _declared(library, path)
    raise WeaveError("the shared library of libweave cannot be loaded; build it and set WEAVE_LIBRARY to its path. "
                     "Tried: " + "; ".join(tried), INVALID_ARGUMENT)


def _declared(library: ctypes.CDLL, path: str) -> ctypes.CDLL:
    library.weave_version.restype = c_char_p
    found = library.weave_version().decode()
    # Before 1.0 a minor version may change functions, afterwards only a major one.
    parts = 2 if __version__.startswith("0.") else 1
    if found.split(".")[:parts] != __version__.split(".")[:parts]:
        raise WeaveError(f"{path} is version {found}, and this package was written for {__version__}; install the two "
                         "together", INVALID_ARGUMENT)
    for name, (answer, arguments) in DECLARATIONS.items():
        function = getattr(library, name, None)
        if function is None:
            raise WeaveError(f"{path} has no function {name}: it is older than this package; install the two together",
                             INVALID_ARGUMENT)
        function.restype, function.argtypes = answer, arguments
    return library


def library() -> ctypes.CDLL:
    """The shared library, loaded when it is first needed."""
    global _library
    if _library is None:
        with _lock:
            if _library is None:
                _library = _open()
                if not _is_silent:
                    _library.weave_set_log_callback(_tell, max(_LEVELS), None)
    return _library


def last_error(status: int) -> str:
    """The text of the last failure. It belongs to the operating system thread that failed, on which ctypes stays."""
    c = library()
    capacity = 1024
    while True:
        buffer = ctypes.create_string_buffer(capacity)
        length = c.weave_last_error(buffer, capacity)
        if length < capacity:
            return buffer.value.decode("utf-8", "replace") or c.weave_status_text(status).decode()
        capacity = length + 1


def check(status: int) -> None:
    """Raises what a function answered, unless it is success."""
    if status:
        raise error_of(status, last_error(status))


def text(value: Optional[Union[str, "os.PathLike[str]"]], field: str) -> Optional[bytes]:
    """A text as the C interface takes it."""
    if value is None:
        return None
    given = value if isinstance(value, str) else os.fspath(value)
    if "\0" in given:  # it would be cut there in silence
        raise error_of(INVALID_ARGUMENT, f"{field}: holds a NUL character; leave it out")
    try:
        return given.encode()
    except UnicodeEncodeError:
        raise error_of(INVALID_UTF8, f"{field}: {given!r} holds a lone surrogate; leave it out") from None


def path(value: Any, field: str) -> Optional[bytes]:
    """A path as the C interface takes it."""
    if value is None:
        return None
    try:
        return text(os.fsencode(value).decode(), field)
    except UnicodeError:
        raise error_of(INVALID_UTF8, f"{field}: {value!r} is not UTF-8 on the disk; use a path that is") from None


def taken(pointer: ctypes.c_void_p) -> str:
    """The text that the library gave, which is freed."""
    try:
        return ctypes.string_at(pointer.value).decode("utf-8") if pointer.value else ""
    finally:
        library().weave_string_free(pointer)


def answer(function: Any, *arguments: Any) -> str:
    """Calls a function whose last argument takes a text, and answers that."""
    out = c_void_p()
    check(function(*arguments, ctypes.byref(out)))
    return taken(out)


def answered_id(function: Any, *arguments: Any) -> str:
    """Calls a function whose last argument takes an id, and answers that."""
    out = Id()
    check(function(*arguments, out))
    return str(out.value, "ascii")


def count(function: Any, *arguments: Any) -> int:
    """Calls a function whose last argument takes a number, and answers that."""
    out = c_uint64()
    check(function(*arguments, ctypes.byref(out)))
    return out.value
