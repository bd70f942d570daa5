"""Python values as JSON text, in the forms of the official client, so that its readers rebuild them.

Bytes of media go to the client's files on the way. Checks, repairs and redaction are the library's."""
from __future__ import annotations

import dataclasses
import datetime
import io
import json
import logging
import sys
from typing import TYPE_CHECKING, Any, Callable, Optional

from ._marks import is_op
from .errors import INVALID_ARGUMENT, WeaveError, error_of
from .media import Content, Dataset, Image, Media
from .raw_json import RawJSON
from .refs import ObjectRef

if TYPE_CHECKING:
    from .client import Client

logger = logging.getLogger("libweave")

_LEAVES = frozenset((str, int, float, bool, type(None)))
#: As in the official client: a fall-back text is for people, and no copy of the value.
_LONGEST_TEXT = 1000
#: Deeper values cannot be sent (protocol, section 5); what lies below shows as text.
_DEEPEST = 140


def to_json(value: Any, client: "Optional[Client]") -> bytes:
    """The JSON text of a value. Only media and ops need the client."""
    if type(value) is RawJSON:
        return value.encoded
    mixed: set[int] = set()
    try:
        # The encoder in C takes subclasses for what they derive from, such as named tuples for lists: it is given none.
        if _is_plain(value, _DEEPEST, mixed):
            text = "".join(_encode(value, 0))
        else:
            text = _Writer(client, mixed).write(value)
    except ValueError as error:  # the interpreter's limit on the digits of numbers
        raise error_of(INVALID_ARGUMENT, f"a number cannot be written: {error}; pass it as a text") from None
    # A lone surrogate becomes an escape, which the library repairs.
    return text.encode("utf-8", "backslashreplace")


def _is_plain(value: Any, levels: int, mixed: set[int]) -> bool:
    """Whether a value holds nothing but the exact types of JSON, in so many levels at most. The ids of containers that
    were found to hold more are added to `mixed`."""
    kind = type(value)
    if kind in _LEAVES:
        return True
    if levels <= 0:
        return False
    if kind is dict:
        try:
            for key, item in value.items():
                if type(key) is not str or (type(item) not in _LEAVES and not _is_plain(item, levels - 1, mixed)):
                    mixed.add(id(value))
                    return False
        except RuntimeError:  # another thread changes it meanwhile
            return False
        return True
    if kind is list or kind is tuple:
        for item in value:
            if type(item) not in _LEAVES and not _is_plain(item, levels - 1, mixed):
                mixed.add(id(value))
                return False
        return True
    return False


class _Writer:
    """One value on its way to JSON, which holds more than JSON has."""

    def __init__(self, client: "Optional[Client]", mixed: set[int]) -> None:
        self._client = client
        #: The ids of containers that need not be looked at again, so that each is looked at twice at most.
        self._mixed = mixed
        #: The values that are being written, from the outermost in: a value inside itself shows as text.
        self._path: set[int] = set()

    @property
    def session(self) -> "Client":
        """Where bytes and ops go."""
        if self._client is None:
            raise error_of(INVALID_ARGUMENT, "images, sounds, other content and ops cannot stand in attributes, "
                           "summaries and settings; put them into inputs, outputs or published values")
        return self._client

    def write(self, value: Any) -> str:
        """The text of a value, with everything replaced that JSON does not have."""
        if type(value) in _LEAVES:
            return _dumps(value)
        if id(value) in self._path or len(self._path) > _DEEPEST:
            return _dumps(as_text(value))
        self._path.add(id(value))
        try:
            return self._whole(value)
        finally:
            self._path.discard(id(value))

    def _whole(self, value: Any) -> str:
        if id(value) not in self._mixed and _is_plain(value, _DEEPEST - len(self._path), self._mixed):
            return _dumps(value)
        kind = type(value)
        if kind is dict:
            members = {_key(key): item for key, item in list(value.items())}
            return "{" + ",".join([f"{_dumps(key)}:{self.write(item)}" for key, item in members.items()]) + "}"
        if kind is list or kind is tuple:
            return "[" + ",".join([self.write(item) for item in list(value)]) + "]"
        if isinstance(value, RawJSON):
            return value.inside()
        return self._whole(self._simpler(value))

    def _simpler(self, value: Any) -> Any:
        """The form of a value that is none of JSON's."""
        try:
            for matches, form in _FORMS:
                if matches(value):
                    return form(value, self)
        except WeaveError:
            raise
        except Exception:  # the value's own code, such as a property that fails
            logger.debug("a %s has no form and is logged as text", type(value).__name__, exc_info=True)
        return as_text(value)


def as_text(value: Any) -> str:
    """What stands for a value of no known form."""
    for show in (repr, str):
        try:
            text = show(value)
            return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 3] + "..."
        except Exception:  # the value's own code
            continue
    return f"<{type(value).__name__}: {id(value)}>"


def _encoder() -> Callable[[Any, int], Any]:
    """What writes plain values, in parts: that which JSONEncoder makes for each of them, made once, since the making
    costs as much as writing a small value. Cycles are found by the levels, and what another thread puts in meanwhile
    shows as text."""
    whole = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"), default=as_text).encode
    module: Any = json.encoder
    try:
        made: Callable[[Any, int], Any] = module.c_make_encoder(
            None, as_text, module.encode_basestring, None, ":", ",", False, False, True)
    except (AttributeError, TypeError):  # an interpreter that has none, or another one
        return lambda value, _: (whole(value),)
    return made


_encode = _encoder()


def _dumps(value: Any) -> str:
    return "".join(_encode(value, 0))


def _is_pydantic(value: Any) -> bool:
    """Whether a value is a pydantic model. What was never imported cannot be met."""
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and isinstance(value, pydantic.BaseModel)


def _is_pydantic_class(value: Any) -> bool:
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and isinstance(value, type) and issubclass(value, pydantic.BaseModel)


def _pydantic_fields(model: Any) -> dict[str, str]:
    """The fields of a model by the names under which they are shown; those that are to be left out are."""
    if hasattr(model, "model_fields"):
        return {field.alias or name: name for name, field in model.model_fields.items() if not field.exclude}
    # pydantic 1
    return {field.alias: name for name, field in model.__fields__.items() if not field.field_info.exclude}


def _pydantic_schema(model: Any) -> Any:
    return model.model_json_schema() if hasattr(model, "model_json_schema") else model.schema()


def _is_pil(value: Any) -> bool:
    image = sys.modules.get("PIL.Image")
    return image is not None and isinstance(value, image.Image)


def _is_dataclass(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _key(key: Any) -> str:
    if isinstance(key, str):
        return str.__str__(key)
    return _dumps(key) if isinstance(key, (int, float)) or key is None else as_text(key)


def _record(value: Any, fields: dict[str, str], to: _Writer) -> dict[str, Any]:
    """A value with fields, and its ops as references, as the official client stores objects."""
    kind = type(value)
    record = {"_type": kind.__name__}
    record.update((shown, getattr(value, name)) for shown, name in fields.items())
    for name in dir(kind):
        member = getattr(kind, name, None)
        if name not in record and is_op(member):
            record[name] = to.session.op_name(member)
    return {**record, "_class_name": kind.__name__, "_bases": [base.__name__ for base in kind.mro()[1:-1]]}


def _dictionary(value: Any) -> Any:
    """What a value's own `to_dict` answers; nothing when it has none, or that fails."""
    if isinstance(value, type) or not callable(getattr(value, "to_dict", None)):
        return None
    try:
        fields = value.to_dict()
    except Exception:  # the value's own code: it shows as text then
        return None
    return dict(fields) if isinstance(fields, dict) else None


def _dataset(value: Dataset) -> Any:
    if value.ref is not None:
        return str(value.ref)
    return {"name": value.name, "description": value.description, "rows": value.rows}


def _datetime(value: datetime.datetime) -> Any:
    aware = value if value.tzinfo is not None else value.replace(tzinfo=datetime.timezone.utc)
    return {"_type": "CustomWeaveType", "weave_type": {"type": "datetime.datetime"}, "val": aware.isoformat(),
            "load_op": "NO_LOAD_OP"}


def _pil(value: Any) -> Image:
    form = {"JPEG": "jpg", "WEBP": "webp"}.get(value.format, "png")
    buffer = io.BytesIO()
    value.save(buffer, format={"jpg": "JPEG", "webp": "WEBP", "png": "PNG"}[form])
    return Image(buffer.getvalue(), form)


# In the order of the official client, where the first that fits wins. Each form is a simpler value.
_FORMS: tuple[tuple[Callable[[Any], bool], Callable[[Any, _Writer], Any]], ...] = (
    (lambda value: isinstance(value, ObjectRef), lambda value, to: str.__str__(value)),
    (is_op, lambda value, to: to.session.op_name(value)),
    (_is_pydantic, lambda value, to: _record(value, _pydantic_fields(type(value)), to)),
    (_is_dataclass, lambda value, to: _record(value, {name: name for name in value.__dataclass_fields__}, to)),
    (lambda value: isinstance(value, tuple) and hasattr(value, "_asdict"), lambda value, to: dict(value._asdict())),
    (lambda value: isinstance(value, (list, tuple)), lambda value, to: list(value)),
    (lambda value: isinstance(value, dict), lambda value, to: dict(value)),
    (_is_pydantic_class, lambda value, to: _pydantic_schema(value)),
    (lambda value: isinstance(value, str), lambda value, to: str.__str__(value)),
    (lambda value: isinstance(value, int), lambda value, to: int(value)),
    (lambda value: isinstance(value, float), lambda value, to: float(value)),
    (lambda value: isinstance(value, Dataset), lambda value, to: _dataset(value)),
    (lambda value: isinstance(value, (Media, Content)), lambda value, to: to.session.create_media(value)),
    (lambda value: isinstance(value, datetime.datetime), lambda value, to: _datetime(value)),
    (_is_pil, lambda value, to: _pil(value)),
    (_dictionary, lambda value, to: _dictionary(value)),
)
