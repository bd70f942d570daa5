"""The functions at the top: the session of the program, and what goes through it."""
from __future__ import annotations

from typing import Any, Optional, Union

from . import _native, _state
from .client import Client
from .errors import INVALID_ARGUMENT, error_of
from .raw_json import Inputs
from .refs import ObjectRef


def init(project_name: str, *, offline: Optional[bool] = None, offline_dir: Any = None, **settings: Any) -> Client:
    """Opens the session that ops log to. One that is open is finished first.

    `project_name` is `project` or `entity/project`. With `offline=True` nothing but `offline_dir` (default
    `~/.weave/offline`) is touched; `sync_offline_data` sends it later. Further settings: see `Client`.
    """
    finish()
    client = Client(project_name, offline=offline, offline_dir=offline_dir, **settings)
    _state.exchange(client)
    return client


def get_client() -> Optional[Client]:
    """The open session, or None."""
    return _state.active_client()


def require_client() -> Client:
    """The open session."""
    client = _state.active_client()
    if client is None:
        raise error_of(INVALID_ARGUMENT, "no session is open; call weave.init(project_name=…, offline=True) first")
    return client


def finish(timeout: Optional[float] = None) -> None:
    """Brings everything to the disk, when not offline also to the server, and closes the session."""
    client = _state.exchange(None)
    if client is not None:
        client.finish(timeout)


def flush(timeout: Optional[float] = None) -> None:
    """Brings everything to the disk for good, when not offline also to the server."""
    require_client().flush(timeout)


def publish(obj: Any, name: Optional[str] = None) -> ObjectRef:
    """Publishes a version of a value under a name; its reference can be used at once, also offline."""
    return require_client().publish(obj, name)


def log_call(op: Any, inputs: Inputs = None, output: Any = None, **given: Any) -> str:
    """Logs a finished call in one go; its id. See `Client.log_call`."""
    return require_client().log_call(op, inputs, output, **given)


def add_reaction(target: Any, emoji: str) -> str:
    """Adds an emoji to a call (a Call, its id or reference) or an object (its reference); the feedback's id."""
    return require_client().feedback(_target(target)).add_reaction(emoji)


def add_note(target: Any, note: str) -> str:
    """Adds a note to a call or an object; the feedback's id."""
    return require_client().feedback(_target(target)).add_note(note)


def add_feedback(target: Any, feedback_type: str, payload: Inputs, **given: Any) -> str:
    """Adds feedback of any type to a call or an object; the feedback's id."""
    return require_client().feedback(_target(target)).add(feedback_type, payload, **given)


def _target(target: Any) -> str:
    return target if isinstance(target, str) else target.id


def ref(uri: str) -> ObjectRef:
    """A reference from its text."""
    return ObjectRef(uri)


def get(uri: Union[str, ObjectRef]) -> Any:
    """An object's value, as JSON, from the server. Not available offline."""
    reference = ObjectRef(uri)
    answer = require_client().query("/obj/read", {
        "project_id": f"{reference.entity}/{reference.project}", "object_id": reference.name,
        "digest": reference.digest})
    return answer["obj"]["val"]


def library_version() -> str:
    """The version of the shared library, which is loaded for that."""
    return str(_native.library().weave_version(), "ascii")
