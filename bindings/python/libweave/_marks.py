"""What makes a function an op, known to the encoder of values and to the decorator alike."""
from __future__ import annotations

from typing import Any


def is_op(value: Any) -> bool:
    """Whether a value is a function or bound method under `@weave.op`."""
    return isinstance(getattr(value, "__dict__", None), dict) and "_weave_op" in value.__dict__ or (
        hasattr(value, "__func__") and is_op(value.__func__))
