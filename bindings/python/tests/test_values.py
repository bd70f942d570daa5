"""Values as JSON. What the official client makes of each kind is compared in tests/suite/test_python_values.py."""
import collections
import dataclasses
import datetime
import decimal
import enum
import io
import json
import pathlib
import sys
import threading
import uuid

import libweave as weave
import numpy
import pydantic
import pytest
from conftest import script
from libweave import _values
from libweave._values import to_json
from PIL import Image


@dataclasses.dataclass
class Point:
    x: int
    tags: set


class Base(pydantic.BaseModel):
    a: int


class Model(Base):
    points: list
    limit: float = 0.5


class Plain:
    def __repr__(self):
        return "<plain>"


class Long:
    def __repr__(self):
        return "x" * 5000


class WithDictionary:
    def to_dict(self):
        return {"k": (1, 2)}


class WithBrokenDictionary:
    def to_dict(self):
        raise KeyError("broken")

    def __repr__(self):
        return "<broken>"


class Colour(enum.Enum):
    RED = 1


class Size(str, enum.Enum):
    BIG = "big"


class Level(enum.IntEnum):
    HIGH = 3


class Word(str):
    pass


Pair = collections.namedtuple("Pair", "left right")

VALUES = [
    None, True, 1, -(2**70), 1.0, 1e300, "text", "", [], {}, (1, (2,)), {"a": {"b": [1, 2.5, None]}}, {1: 2, None: 3},
    {True: 1, 2.5: 2}, Pair(1, [2]), Point(1, {3}), [Point(1, {3})], Base(a=1), Model(a=1, points=[Point(2, {1})]),
    Model, b"ab\xff", bytearray(b"x"), {3}, frozenset([1]), Plain(), WithDictionary(), WithBrokenDictionary(),
    Colour.RED, Size.BIG, Level.HIGH, Word("w"), uuid.UUID(int=3), decimal.Decimal("1.5"), pathlib.PurePosixPath("/x"),
    datetime.date(2026, 1, 2), datetime.timedelta(seconds=3), numpy.float32(1.5), numpy.float64(2.5), numpy.int64(3),
    numpy.bool_(True), numpy.array([1, 2]), range(3), 1 + 2j, ValueError("x"), int, collections.OrderedDict(b=1, a=2),
    collections.defaultdict(list, a=[1]),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:40])
def test_values_have_the_same_form_inside_others(recorded, value):
    alone = json.loads(to_json(value, weave.get_client()))
    inside = json.loads(to_json({"plain": [1, "two"], "list": [value], "tuple": ({"k": value},)}, weave.get_client()))
    assert inside == {"plain": [1, "two"], "list": [alone], "tuple": [{"k": alone}]}


def test_values_are_written_alike_without_the_encoder_of_c(recorded, monkeypatch):
    plain = {"text": "Zürich \ud800 \" \\ \x01", "numbers": [1, -2.5, 1e300, float("inf")], "yes": (None, True, [])}
    quick = to_json(plain, None), to_json({"set": {3}, **plain}, None)
    monkeypatch.setattr(json.encoder, "c_make_encoder", None)
    monkeypatch.setattr(_values, "_encode", _values._encoder())
    assert (to_json(plain, None), to_json({"set": {3}, **plain}, None)) == quick


def test_a_time_is_a_typed_value_in_its_zone(recorded):
    zone = datetime.timezone(datetime.timedelta(hours=2))
    value = json.loads(to_json(datetime.datetime(2026, 1, 2, 3, 4, 5, 6, zone), weave.get_client()))
    assert (value["weave_type"], value["val"]) == ({"type": "datetime.datetime"}, "2026-01-02T03:04:05.000006+02:00")


def test_a_time_without_a_zone_is_utc(recorded):
    value = json.loads(to_json(datetime.datetime(2026, 1, 2), weave.get_client()))
    assert value["val"] == "2026-01-02T00:00:00+00:00"


@pytest.mark.parametrize("form, name", [("PNG", "image.png"), ("JPEG", "image.jpg"), ("WEBP", "image.webp"),
                                        ("BMP", "image.png"), (None, "image.png")])
def test_an_image_of_pil_keeps_a_format_that_weave_knows(recorded, form, name):
    image = Image.new("RGB", (3, 2), "red")
    if form:
        buffer = io.BytesIO()
        image.save(buffer, form)
        image = Image.open(buffer)
    weave.log_call("f", {"image": image})
    value = recorded.call("f")["inputs"]["image"]
    assert value["weave_type"] == {"type": "PIL.Image.Image"}
    stored = (recorded.directory / "team/project/files" / value["files"][name]).read_bytes()
    assert Image.open(io.BytesIO(stored)).size == (3, 2)


def test_bytes_of_media_are_stored_as_they_are(recorded, tmp_path):
    path = tmp_path / "sound.wav"
    path.write_bytes(b"RIFF")
    weave.log_call("f", {"picture": weave.Image(b"PNG bytes", "png"), "sound": weave.Audio.from_path(path),
                         "text": weave.Content.from_text("hello", "hello.html")})
    inputs = recorded.call("f")["inputs"]
    files = recorded.directory / "team/project/files"
    assert (files / inputs["picture"]["files"]["image.png"]).read_bytes() == b"PNG bytes"
    assert (files / inputs["sound"]["files"]["audio.wav"]).read_bytes() == b"RIFF"
    assert (files / inputs["text"]["files"]["content"]).read_bytes() == b"hello"
    assert json.loads((files / inputs["text"]["files"]["metadata.json"]).read_bytes())["mimetype"] == "text/html"


def test_an_op_as_a_value_is_its_reference(recorded):
    @weave.op
    def tool():
        pass

    weave.log_call("f", {"tool": tool})
    assert recorded.call("f")["inputs"]["tool"].startswith("weave:///team/project/op/tool:")


def test_a_record_with_ops_refers_to_them(recorded):
    @dataclasses.dataclass
    class Robot:
        name: str

        @weave.op
        def move(self):
            pass

    weave.publish(Robot("r2"), "robot")
    weave.finish()
    (line,) = recorded.lines("objects")
    value = line["data"]["obj"]["val"]
    assert value["name"] == "r2" and value["move"].startswith("weave:///team/project/op/")


def test_a_value_whose_own_code_fails_shows_as_text(recorded):
    @dataclasses.dataclass(repr=False)
    class Lazy:
        x: int = dataclasses.field(init=False)

        def __repr__(self):
            return "<lazy>"

    assert json.loads(to_json({"a": Lazy()}, None)) == {"a": "<lazy>"}


def test_models_of_pydantic_1_are_recorded_like_those_of_2(tmp_path):
    code = ("import sys, pydantic.v1\n"
            "sys.modules['pydantic'] = pydantic.v1\n"
            "from libweave._values import to_json\n"
            "class Base(pydantic.v1.BaseModel):\n"
            "    a: int\n"
            "    b: str = pydantic.v1.Field('x', alias='other')\n"
            "    hidden: str = pydantic.v1.Field('y', exclude=True)\n"
            "class Model(Base):\n"
            "    inner: Base\n"
            "print(to_json([Model(a=1, inner=Base(a=2)), Model], None).decode())\n")
    done = script(code, tmp_path)
    model, schema = json.loads(done.stdout)
    inner = {"_type": "Base", "a": 2, "other": "x", "_class_name": "Base", "_bases": ["BaseModel", "Representation"]}
    assert model == {"_type": "Model", "a": 1, "other": "x", "inner": inner, "_class_name": "Model",
                     "_bases": ["Base", "BaseModel", "Representation"]}
    assert schema["title"] == "Model"


def test_a_value_inside_itself_shows_as_text(recorded):
    value = {"a": 1}
    value["self"] = [value, value]
    assert json.loads(to_json(value, weave.get_client())) == {"a": 1, "self": [repr(value), repr(value)]}


def test_a_value_may_change_while_it_is_written(recorded):
    class Grows:
        def __repr__(self):
            value[len(value)] = "more"
            return "<grows>"

    value = {"a": Grows(), "b": 1}
    assert json.loads(to_json(value, None)) == {"a": "<grows>", "b": 1}


def test_another_thread_may_change_a_value_that_is_logged(recorded, monkeypatch):
    value, over = {str(n): n for n in range(1000)}, threading.Event()

    def change():
        while not over.is_set():
            value["more"] = 1
            del value["more"]

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(200):
            assert len(json.loads(to_json(value, None))) in (1000, 1001)
    finally:
        over.set()
        thread.join()
        sys.setswitchinterval(before)


@pytest.mark.skipif(not hasattr(sys, "set_int_max_str_digits"), reason="this interpreter has no limit")
@pytest.mark.parametrize("value", [10**5000, [10**5000], {"set": {1}, "number": 10**5000}, {10**5000: 1}],
                         ids=["alone", "in a list", "beside a set", "as a key"])
def test_a_number_that_is_too_long_is_refused_with_what_to_do(recorded, value):
    with pytest.raises(weave.InvalidError, match="pass it as a text"):
        to_json(value, None)


def test_what_lies_too_deep_shows_as_text(recorded):
    value = "bottom"
    for _ in range(300):
        value = [value]
    weave.log_call("f", {"deep": value})
    assert "bottom" in json.dumps(recorded.call("f")["inputs"])


def test_a_text_that_stands_for_a_value_is_cut(recorded):
    assert json.loads(to_json(Long(), weave.get_client())) == "x" * 997 + "..."


def test_lone_surrogates_are_repaired(recorded):
    weave.log_call("f", {"text": "a\ud800b"})
    assert recorded.call("f")["inputs"] == {"text": "a\ufffdb"}


def test_numbers_that_json_does_not_have_become_null(recorded):
    weave.log_call("f", {"numbers": [float("nan"), float("inf")]})
    assert recorded.call("f")["inputs"] == {"numbers": [None, None]}


def test_secrets_are_redacted(recorded):
    weave.log_call("f", {"api_key": "secret", "deep": [{"Authorization": "secret"}]})
    assert recorded.call("f")["inputs"] == {"api_key": "REDACTED", "deep": [{"Authorization": "REDACTED"}]}
