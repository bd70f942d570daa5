"""JSON that is text already, and goes into records without being read and written again."""
from __future__ import annotations

from ctypes import c_void_p
from typing import Any, Optional, Union

from . import _native
from .errors import error_of


class RawJSON:
    """JSON text to be logged as it stands: as the inputs or the output of a call, as a published value, as rows, or
    anywhere inside of these.

    It is checked by the library when it is logged, by the rules that hold for everything (docs/records.md), and raises
    `InvalidError` there when it is not JSON.
    """

    __slots__ = ("encoded",)

    def __init__(self, text: Union[str, bytes]) -> None:
        #: The text as UTF-8. A lone surrogate of a Python text is its escape in JSON.
        self.encoded: bytes = text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")

    def __repr__(self) -> str:
        return f"RawJSON({self.encoded!r})"

    def inside(self) -> str:
        """The text as a part of a longer one. It has to be one whole value: else it would change what stands around."""
        c = _native.library()
        checked = c_void_p(c.weave_json_new_array())
        try:
            status = c.weave_json_set_json(checked, None, self.encoded, len(self.encoded))
            if status:
                raise error_of(status, f"RawJSON: {_native.last_error(status)}")
        finally:
            c.weave_json_free(checked)
        return self.encoded.decode("utf-8")


#: What may be given for an object of JSON, such as the inputs of a call.
Inputs = Optional[Union[dict[str, Any], RawJSON]]
