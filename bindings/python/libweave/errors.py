"""Errors, one class for what programs tell apart; each carries the library's status and text."""
from __future__ import annotations

from typing import Any, Optional


class WeaveError(Exception):
    """A refusal or failure. The text says what happened, to which field or file, and what to do about it.

    `status` is the number of the C interface's `weave_status` (docs/c-api.md).
    """

    def __init__(self, message: str, status: int, results: Optional[dict[str, Any]] = None) -> None:
        super().__init__(message)
        self.status = status
        #: What a sync had done before it failed, in the shape of `sync_offline_data`.
        self.results = results


class InvalidError(WeaveError):
    """A value, name, id or JSON text that cannot be used, or that a server would refuse."""


class StorageError(WeaveError):
    """A file operation failed, or the disk is full."""


class ClosedError(WeaveError):
    """The client is finished, or the call has ended."""


class OfflineError(WeaveError):
    """Data of the server was asked for, and that is not available offline."""


class ServerError(WeaveError):
    """The server refused, failed or could not be reached. What was recorded is kept."""


INVALID_ARGUMENT, INVALID_UTF8, CLOSED, OFFLINE, INCOMPLETE, CANCELLED = 1, 2, 10, 12, 17, 19

_CLASSES = {
    **dict.fromkeys(range(1, 8), InvalidError),
    **dict.fromkeys((8, 9), StorageError),
    CLOSED: ClosedError,
    OFFLINE: OfflineError,
    **dict.fromkeys((13, 14, 15, 16, INCOMPLETE), ServerError),
}


def error_of(status: int, message: str, results: Optional[dict[str, Any]] = None) -> WeaveError:
    """The error of a status."""
    return _CLASSES.get(status, WeaveError)(message, status, results)
