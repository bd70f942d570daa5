"""Feedback on one call or object."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from . import _native
from ._values import to_json
from .raw_json import Inputs

if TYPE_CHECKING:
    from .client import Client


class Feedback:
    """Gives feedback. Each method answers the feedback's id."""

    def __init__(self, client: "Client", target: str) -> None:
        self._client, self._target = client, _native.text(target, "target")

    def add_reaction(self, emoji: str, creator: Optional[str] = None) -> str:
        """Adds exactly one emoji."""
        if creator is not None:
            return self.add("wandb.reaction.1", {"emoji": emoji}, creator)
        return self._call("weave_feedback_add_reaction", _native.text(emoji, "emoji"))

    def add_note(self, note: str, creator: Optional[str] = None) -> str:
        """Adds a note of 1 to 1024 characters."""
        if creator is not None:
            return self.add("wandb.note.1", {"note": note}, creator)
        return self._call("weave_feedback_add_note", _native.text(note, "note"))

    def add(self, feedback_type: str, payload: Inputs = None, creator: Optional[str] = None,
            **refs: str) -> str:
        """Adds feedback of any type: a name of your own with any payload, or `wandb.annotation.NAME` and
        `wandb.runnable.NAME` with the `annotation_ref`, or `runnable_ref` and `call_ref`, that these ask for."""
        text = to_json({} if payload is None else payload, self._client)
        refs_json = to_json(refs, self._client) if refs else None
        return self._call("weave_feedback_create", _native.text(feedback_type, "feedback_type"), text, len(text),
                          refs_json, len(refs_json or b""), _native.text(creator, "creator"))

    def _call(self, function: str, *arguments: Any) -> str:
        return _native.answered_id(getattr(self._client._c, function), self._client._handle, self._target, *arguments)
