"""Logs values of all kinds, one call each: values_writer.py official|libweave ENTITY/PROJECT OUTPUT.

The official client sends them to the server of the environment; libweave logs offline and syncs there, in the same
interpreter. Each call has the value's name and the value as inputs, and the value as output. Writes the names."""
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import json
import pathlib
import sys
import types
import uuid

import attrs
import numpy
import pydantic
import pydantic.v1
from PIL import Image


@dataclasses.dataclass
class Point:
    x: int
    at: datetime.datetime
    tags: set = dataclasses.field(default_factory=lambda: {3})


@dataclasses.dataclass
class Named(dict):
    """As some model outputs are: a dictionary and a dataclass at once."""

    x: int = 1

    def __post_init__(self):
        self["y"] = 2


class Base(pydantic.BaseModel):
    a: int
    alias: str = pydantic.Field("x", alias="other_name")


class Model(Base):
    points: list
    when: datetime.datetime
    hidden: str = pydantic.Field("hidden", exclude=True)
    secret: pydantic.SecretStr = pydantic.SecretStr("hidden")
    limit: float = 0.5


class Open(pydantic.BaseModel, extra="allow"):
    a: int


class OldModel(pydantic.v1.BaseModel):
    a: int = 1


@attrs.define
class Attrs:
    a: int
    b: list


class Colour(enum.Enum):
    RED = 1


class Size(str, enum.Enum):
    BIG = "big"


class Level(enum.IntEnum):
    HIGH = 3


class Bits(enum.Flag):
    ONE = 1
    TWO = 2


class Word(str):
    pass


class Items(list):
    pass


class WithDictionary:
    def to_dict(self):
        return {"k": (1, {2}), "at": AT}


class WithBrokenDictionary:
    def to_dict(self):
        raise KeyError("broken")

    def __repr__(self):
        return "<broken>"


class WithBrokenText:
    def __repr__(self):
        raise KeyError("broken")

    def __str__(self):
        return "<text>"


Pair = collections.namedtuple("Pair", "left right")
EAST = datetime.timezone(datetime.timedelta(hours=2))
AT = datetime.datetime(2026, 1, 2, 3, 4, 5, 6, EAST)

VALUES = {
    "none": None, "true": True, "int": 1, "negative": -5, "beyond doubles": 2**53 + 1, "beyond 64 bits": 2**70,
    "float": 2.5, "whole float": 1.0, "large float": 1e300, "empty text": "", "nul": "a\0b",
    "text": 'Zürich 東京 😀 "quoted" \\ / \t\x01\x7f',
    "list": [1, [2, [3]]], "empty list": [], "tuple": (1, (2,)), "named tuple": Pair(1, [Pair(2, 3)]),
    "dictionary": {"a": {"b": [1, 2.5, None]}}, "empty dictionary": {}, "keys": {1: "int", 2.5: "float", True: "bool"},
    "ordered": collections.OrderedDict(b=1, a=2), "default": collections.defaultdict(list, a=[1]),
    "counter": collections.Counter("aab"), "deque": collections.deque([1, 2]),
    "mapping": types.MappingProxyType({"a": 1}), "simple namespace": types.SimpleNamespace(a=1),
    "set": {3}, "frozen set": frozenset([1]), "bytes": b"ab\xff", "byte array": bytearray(b"x"), "complex": 1 + 2j,
    "range": range(3), "slice": slice(1, 2), "ellipsis": ..., "long text of an object": range(10**1200),
    "decimal": decimal.Decimal("1.50"), "fraction": fractions.Fraction(1, 3), "uuid": uuid.UUID(int=3),
    "path": pathlib.PurePosixPath("/x"),
    "time with a zone": AT, "time without a zone": datetime.datetime(2026, 1, 2),
    "times inside": [AT, {"at": AT}, (AT,)], "date": datetime.date(2026, 1, 2), "time of day": datetime.time(3, 4, 5),
    "duration": datetime.timedelta(days=1, seconds=3), "zone": EAST,
    "enum": Colour.RED, "enum of texts": Size.BIG, "enum of numbers": Level.HIGH, "flags": Bits.ONE | Bits.TWO,
    "enums inside": [Colour.RED, {"size": Size.BIG}], "own text": Word("w"), "own list": Items([1, {2}]),
    "dataclass": Point(1, AT), "dataclasses inside": [{"p": Point(1, AT)}], "dictionary and dataclass": Named(),
    "pydantic": Base(a=1, other_name="y"), "pydantic below another": Model(a=1, points=[Point(2, AT), {3}], when=AT),
    "pydantic with more": Open(a=1, b=[Point(1, AT)]), "pydantic class": Base, "pydantic of version 1": OldModel(),
    "attrs": Attrs(1, [2]),
    "to_dict": WithDictionary(), "broken to_dict": WithBrokenDictionary(), "broken repr": WithBrokenText(),
    "exception": ValueError("x"), "exception with more": KeyError("k", 1), "class": int, "own class": WithDictionary,
    "function of c": len,
    "numpy int": numpy.int64(3), "numpy unsigned": numpy.uint8(3), "numpy float": numpy.float64(2.5),
    "numpy short float": numpy.float32(1.5), "numpy half": numpy.float16(0.1), "numpy bool": numpy.bool_(True),
    "numpy text": numpy.str_("x"), "numpy bytes": numpy.bytes_(b"x"),
    "numpy time": numpy.datetime64("2026-01-02T03:04:05"),
    "numpy array": numpy.array([1, 2]), "numpy matrix": numpy.ones((2, 3)), "large numpy array": numpy.zeros(10_000),
    "numpy scalar array": numpy.array(5), "numpy inside": {"a": [numpy.int64(1), numpy.array([1.5])]},
    "image": Image.new("RGB", (3, 2), "red"), "grey image": Image.new("L", (2, 2), 7),
    "clear image": Image.new("RGBA", (2, 2), (1, 2, 3, 4)), "image of floats": Image.new("F", (1, 1)),
    "image for print": Image.new("CMYK", (1, 1)), "images inside": {"pages": [Image.new("RGB", (1, 1), "blue")]},
    "key of a secret": {"api_key": "secret", "deep": [{"Authorization": "secret"}]},
}


def with_official(project):
    import weave

    client = weave.init(project)
    for name, value in VALUES.items():
        client.finish_call(client.create_call("value", {"name": name, "value": value}, use_stack=False), value)
    client.flush()


def with_libweave(project):
    import libweave as weave

    with weave.init(project, offline=True, offline_dir="offline") as client:
        for name, value in VALUES.items():
            client.create_call("value", {"name": name, "value": value}).finish(value)
    weave.sync_offline_data("offline")


def main():
    writer, project, output = sys.argv[1:]
    {"official": with_official, "libweave": with_libweave}[writer](project)
    with open(output, "w", encoding="utf-8") as file:
        json.dump(list(VALUES), file)


if __name__ == "__main__":
    main()
