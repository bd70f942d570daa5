"""Python values as JSON, in the forms of the official client, so that its readers rebuild them.

Bytes of media go to the client's files on the way. Checks, repairs and redaction are the library's."""
from __future__ import annotations

import dataclasses
import datetime
import io
import json
import sys
from typing import TYPE_CHECKING, Any, Callable, Optional

from ._marks import is_op
from .errors import INVALID_ARGUMENT, error_of
from .media import Content, Dataset, Media
from .refs import ObjectRef

if TYPE_CHECKING:
    from .client import Client

_AS_IS = (str, int, float, bool, type(None))
#: As in the official client: a fall-back text is for people, and no copy of the value.
_LONGEST_TEXT = 1000
#: Deeper values cannot be sent (protocol, section 5); what lies below shows as text.
_DEEPEST = 140


def to_json(value: Any, client: "Optional[Client]") -> bytes:
    """The JSON text of a value. Only media and ops need the client."""
    plain = _Encoder(client).encode(value)
    try:
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError:  # lone surrogates pass as escapes, and the library repairs them
        return json.dumps(plain, separators=(",", ":")).encode("ascii")


class _Encoder:
    """One value on its way to JSON."""

    def __init__(self, client: "Optional[Client]") -> None:
        self._client = client
        #: The values that are being encoded, from the outermost in: a value inside itself shows as text.
        self.path: set[int] = set()

    @property
    def session(self) -> "Client":
        """Where bytes and ops go."""
        if self._client is None:
            raise error_of(INVALID_ARGUMENT, "images, sounds, other content and ops cannot stand in attributes, "
                           "summaries and settings; put them into inputs, outputs or published values")
        return self._client

    def encode(self, value: Any) -> Any:
        """The value with everything replaced that JSON does not have."""
        if type(value) in _AS_IS:
            return value
        if id(value) in self.path or len(self.path) > _DEEPEST:
            return as_text(value)
        self.path.add(id(value))
        try:
            return self._form(value)
        finally:
            self.path.discard(id(value))

    def _form(self, value: Any) -> Any:
        kind = type(value)
        if kind is dict:
            return {_key(key): self.encode(item) for key, item in value.items()}
        if kind is list or kind is tuple:
            return [self.encode(item) for item in value]
        for matches, form in _FORMS:
            if matches(value):
                return form(value, self)
        return as_text(value)

    def record(self, value: Any, fields: Any) -> dict[str, Any]:
        """A value with fields, and its ops as references, as the official client stores objects."""
        kind = type(value)
        record = {"_type": kind.__name__}
        record.update((name, self.encode(getattr(value, name))) for name in fields)
        for name in dir(kind):
            member = getattr(kind, name, None)
            if name not in record and is_op(member):
                record[name] = self.session.op_name(member)
        return {**record, "_class_name": kind.__name__, "_bases": [base.__name__ for base in kind.mro()[1:-1]]}


def as_text(value: Any) -> str:
    """What stands for a value of no known form."""
    try:
        text = repr(value)
    except Exception:  # the value's own code
        text = f"<{type(value).__name__}: {id(value)}>"
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 3] + "..."


def _is_pydantic(value: Any) -> bool:
    """Whether a value is a pydantic model. What was never imported cannot be met."""
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and isinstance(value, pydantic.BaseModel)


def _is_pydantic_class(value: Any) -> bool:
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and isinstance(value, type) and issubclass(value, pydantic.BaseModel)


def _is_pil(value: Any) -> bool:
    image = sys.modules.get("PIL.Image")
    return image is not None and isinstance(value, image.Image)


def _is_dataclass(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _key(key: Any) -> str:
    if isinstance(key, str):
        return str.__str__(key)
    return json.dumps(key) if isinstance(key, (int, float)) or key is None else as_text(key)


def _dictionary(value: Any) -> Any:
    """What a value's own `to_dict` answers; nothing when it has none, or that fails."""
    if isinstance(value, type) or not callable(getattr(value, "to_dict", None)):
        return None
    try:
        fields = value.to_dict()
    except Exception:  # the value's own code: it shows as text then
        return None
    return dict(fields) if isinstance(fields, dict) else None


def _dataset(value: Dataset, to: _Encoder) -> Any:
    if value.ref is not None:
        return str(value.ref)
    return {"name": value.name, "description": value.description, "rows": to.encode(value.rows)}


def _datetime(value: datetime.datetime) -> Any:
    aware = value if value.tzinfo is not None else value.replace(tzinfo=datetime.timezone.utc)
    return {"_type": "CustomWeaveType", "weave_type": {"type": "datetime.datetime"}, "val": aware.isoformat(),
            "load_op": "NO_LOAD_OP"}


def _pil(value: Any, to: _Encoder) -> Any:
    form = {"JPEG": "jpg", "WEBP": "webp"}.get(value.format, "png")
    buffer = io.BytesIO()
    value.save(buffer, format={"jpg": "JPEG", "webp": "WEBP", "png": "PNG"}[form])
    return to.session.media("weave_image_create", form, buffer.getvalue())


# In the order of the official client, where the first that fits wins.
_FORMS: tuple[tuple[Callable[[Any], bool], Callable[[Any, _Encoder], Any]], ...] = (
    (lambda value: isinstance(value, ObjectRef), lambda value, to: str.__str__(value)),
    (is_op, lambda value, to: to.session.op_name(value)),
    (_is_pydantic, lambda value, to: to.record(value, type(value).model_fields)),
    (_is_dataclass, lambda value, to: to.record(value, value.__dataclass_fields__)),
    (lambda value: isinstance(value, tuple) and hasattr(value, "_asdict"),
     lambda value, to: to.encode(value._asdict())),
    (lambda value: isinstance(value, (list, tuple)), lambda value, to: [to.encode(item) for item in value]),
    (lambda value: isinstance(value, dict), lambda value, to: to.encode(dict(value))),
    (_is_pydantic_class, lambda value, to: to.encode(value.model_json_schema())),
    (lambda value: isinstance(value, str), lambda value, to: str.__str__(value)),
    (lambda value: isinstance(value, int), lambda value, to: int(value)),
    (lambda value: isinstance(value, float), lambda value, to: float(value)),
    (lambda value: isinstance(value, Dataset), _dataset),
    (lambda value: isinstance(value, Media),
     lambda value, to: to.session.media(value._function, value.format, value.data)),
    (lambda value: isinstance(value, Content),
     lambda value, to: to.session.media("weave_content_create", value.filename, value.mimetype, value.data)),
    (lambda value: isinstance(value, datetime.datetime), lambda value, to: _datetime(value)),
    (_is_pil, _pil),
    (_dictionary, lambda value, to: to.encode(_dictionary(value))),
)
