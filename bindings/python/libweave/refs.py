"""References: what is published, and calls, as texts that can be put into inputs, outputs and objects at once."""
from __future__ import annotations

from typing import Any


class ObjectRef(str):
    """`weave:///ENTITY/PROJECT/object/NAME:DIGEST`, or an op's, table's or call's. It is the text itself."""

    __slots__ = ()

    @property
    def uri(self) -> "ObjectRef":
        """The text. The official client has it as a method (to 0.52) or a property (0.54): both work here."""
        return self

    def __call__(self) -> str:
        return str(self)

    def _part(self, index: int) -> str:
        parts = self.split("/")
        return parts[index] if len(parts) > index else ""

    @property
    def entity(self) -> str:
        """The entity of its project."""
        return self._part(3)

    @property
    def project(self) -> str:
        """The project, without the entity."""
        return self._part(4)

    @property
    def kind(self) -> str:
        """`object`, `op`, `table` or `call`."""
        return self._part(5)

    @property
    def name(self) -> str:
        """The name of an object or op; empty for a table or call."""
        return self._part(6).rpartition(":")[0]

    @property
    def digest(self) -> str:
        """The digest of an object, op or table; the id of a call."""
        return self._part(6).rpartition(":")[2]

    def get(self) -> Any:
        """The value on the server. Not available offline."""
        from ._api import get

        return get(self)
